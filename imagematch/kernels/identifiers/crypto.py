"""Addresses of crypto currencies in a plain text whose checksums are right, as `coin:address`."""

import re
from collections.abc import Callable, Iterator, Mapping

from imagematch.kernels.identifiers import checksums
from imagematch.kernels.identifiers.found import Found
from imagematch.records import Identifier

_BASE58 = f"[{checksums.BASE58}]"
_BECH32 = f"[{checksums.BECH32}]"

_ADDRESS = re.compile(
    rf"(?<![A-Za-z0-9])(?:(?P<ethereum>0x[0-9a-fA-F]{{40}})|"
    rf"(?P<segwit>(?i:(?:bc|ltc)1{_BECH32}{{11,71}}))|"
    rf"(?P<monero>[48]{_BASE58}{{94}}(?:{_BASE58}{{11}})?)|"
    rf"(?P<base58>[13LMT]{_BASE58}{{25,34}}))(?![A-Za-z0-9])"
)

#: Coins by the first byte of their addresses; Litecoin's scripts have their own (M...) since 2017.
_VERSIONS: Mapping[int, str] = {
    0x00: "bitcoin",
    0x05: "bitcoin",
    0x30: "litecoin",
    0x32: "litecoin",
    0x41: "tron",
}


def find(text: str) -> Iterator[Found]:
    """The crypto addresses in a plain text."""
    for found in _ADDRESS.finditer(text):
        read = _READERS[found.lastgroup or ""](found[0])
        if read is not None:
            value, confirmed = read
            yield Found(Identifier("crypto", value, "", confirmed), *found.span())


def _ethereum(address: str) -> tuple[str, bool] | None:
    """Capitals are the checksum; without any there is none, which many programs write."""
    digits = address[2:]
    mixed = digits not in (digits.lower(), digits.upper())
    if mixed and checksums.eip55(digits) != digits:
        return None
    return f"ethereum:0x{digits.lower()}", mixed


def _segwit(address: str) -> tuple[str, bool] | None:
    if address not in (address.lower(), address.upper()) or not checksums.is_bech32(address):
        return None
    coin = "bitcoin" if address.lower().startswith("bc") else "litecoin"
    return f"{coin}:{address.lower()}", True


def _monero(address: str) -> tuple[str, bool] | None:
    return (f"monero:{address}", True) if checksums.is_monero(address) else None


def _base58(address: str) -> tuple[str, bool] | None:
    payload = checksums.base58check(address)
    coin = _VERSIONS.get(payload[0]) if payload else None
    return (f"{coin}:{address}", True) if coin else None


_READERS: Mapping[str, Callable[[str], tuple[str, bool] | None]] = {
    "ethereum": _ethereum,
    "segwit": _segwit,
    "monero": _monero,
    "base58": _base58,
}
