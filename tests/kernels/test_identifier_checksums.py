"""Checksums of crypto addresses against the vectors of those who defined them."""

import hashlib

import pytest

from imagematch.kernels.identifiers import checksums


@pytest.mark.parametrize(
    ("data", "digest"),
    [
        (b"", "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"),
        (b"abc", "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"),
    ],
)
def test_keccak_has_the_digests_of_its_authors(data: bytes, digest: str) -> None:
    assert checksums.keccak256(data).hex() == digest


@pytest.mark.parametrize("size", [0, 1, 135, 136, 137, 300])
def test_keccak_takes_any_size(size: int) -> None:
    """Sizes around its blocks give 32 bytes, other than SHA3-256, which pads with another byte."""
    data = bytes(size)
    assert len(checksums.keccak256(data)) == 32
    assert checksums.keccak256(data) != hashlib.sha3_256(data).digest()


@pytest.mark.parametrize(
    "address",
    [
        "52908400098527886E0F7030069857D2E4169EE7",
        "de709f2102306220921060314715629080e2fb77",
        "5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "fB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
        "D1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
    ],
)
def test_eip55_spells_its_own_examples(address: str) -> None:
    assert checksums.eip55(address) == address


@pytest.mark.parametrize(
    ("address", "right"),
    [
        ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", True),
        ("BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4", True),
        ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5", False),
    ],
)
def test_bech32(address: str, right: bool) -> None:
    assert checksums.is_bech32(address) is right


def test_base58check_keeps_leading_zeros() -> None:
    assert checksums.base58check("1111111111111111111114oLvT2") == bytes(21)
    assert checksums.base58check("111111111111111111111114oLvT2") is None
    assert checksums.base58check("1111111111111111111114oLvT3") is None
    assert checksums.base58check("z" * 35) is None


def test_monero_needs_a_whole_address() -> None:
    """An all-zero key pair of Monero's main network, its checksum made by Keccak."""
    payload = bytes([18]) + bytes(64)
    data = payload + checksums.keccak256(payload)[:4]
    address = "".join(_block(data[at : at + 8]) for at in range(0, len(data), 8))
    assert len(address) == 95
    assert checksums.is_monero(address)
    assert not checksums.is_monero(address[:-1] + ("2" if address[-1] != "2" else "3"))
    assert not checksums.is_monero("z" * 95)


def _block(data: bytes) -> str:
    """A block of Monero's Base58: 11 characters for 8 bytes, 7 for 5."""
    number = int.from_bytes(data, "big")
    text = ""
    for _ in range({8: 11, 5: 7}[len(data)]):
        number, digit = divmod(number, 58)
        text = checksums.BASE58[digit] + text
    return text
