"""Checksums of crypto addresses: text in, whether it is an address out.

Sources: the Bitcoin wiki on Base58Check; BIP 173 and BIP 350 (Bech32, Bech32m); EIP-55; the Keccak
submission of 2011, whose padding Ethereum and Monero kept when SHA-3 changed it.
"""

import hashlib

BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"

_BECH32_CONSTANTS = frozenset({1, 0x2BC830A3})  # Bech32 and Bech32m
_BECH32_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)

#: Base58 of Monero: blocks of 8 bytes are 11 characters each, the last one has its own length.
_MONERO_LAST_BLOCK = {0: 0, 2: 1, 3: 2, 5: 3, 6: 4, 7: 5, 9: 6, 10: 7}

_RATE = 136  # bytes that Keccak-256 takes in at a time
_LANES = (1 << 64) - 1


def base58check(text: str) -> bytes | None:
    """The 21 bytes of an address, its version first; None if the checksum is wrong.

    Args:
        text: characters of Base58, at most about a hundred.
    """
    number = _base58(text)
    if number >= 1 << 200:
        return None
    data = number.to_bytes(25, "big")
    zeros = len(data) - len(data.lstrip(b"\0"))
    if zeros != len(text) - len(text.lstrip("1")):
        return None
    payload, checksum = data[:-4], data[-4:]
    right = hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:4]
    return payload if checksum == right else None


def is_bech32(text: str) -> bool:
    """Whether a text such as `bc1...`, in one case, has the checksum of Bech32 or Bech32m."""
    prefix, _, data = text.lower().rpartition("1")
    values = [ord(char) >> 5 for char in prefix] + [0] + [ord(char) & 31 for char in prefix]
    check = 1
    for value in values + [BECH32.index(char) for char in data]:
        top, check = check >> 25, (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate(_BECH32_GENERATOR):
            if top >> bit & 1:
                check ^= generator
    return check in _BECH32_CONSTANTS


def eip55(digits: str) -> str:
    """The spelling of an Ethereum address whose capitals are its checksum.

    Args:
        digits: 40 hex digits in any case, without `0x`.
    """
    lower = digits.lower()
    mask = keccak256(lower.encode()).hex()
    return "".join(
        char.upper() if int(bits, 16) >= 8 else char
        for char, bits in zip(lower, mask, strict=False)
    )


def is_monero(text: str) -> bool:
    """Whether Base58 text of 95 or 106 characters is an address of Monero's main network."""
    data = b""
    for start in range(0, len(text), 11):
        block = text[start : start + 11]
        size = 8 if len(block) == 11 else _MONERO_LAST_BLOCK.get(len(block), 0)
        number = _base58(block)
        if number >= 1 << 8 * size:
            return False
        data += number.to_bytes(size, "big")
    # Standard, integrated and sub-addresses.
    return data[0] in (18, 19, 42) and keccak256(data[:-4])[:4] == data[-4:]


def _base58(text: str) -> int:
    number = 0
    for char in text:
        number = number * 58 + BASE58.index(char)
    return number


def keccak256(data: bytes) -> bytes:
    """The hash of Keccak with 256 bits, 32 bytes; not SHA3-256, which pads with another byte."""
    padded = bytearray(data + b"\x01" + bytes(-(len(data) + 1) % _RATE))
    padded[-1] |= 0x80
    lanes = [0] * 25
    for start in range(0, len(padded), _RATE):
        for at in range(_RATE // 8):
            word = padded[start + 8 * at : start + 8 * at + 8]
            lanes[at] ^= int.from_bytes(word, "little")
        lanes = _permuted(lanes)
    return b"".join(lane.to_bytes(8, "little") for lane in lanes[:4])


def _permuted(lanes: list[int]) -> list[int]:
    """Keccak-f[1600]: lane (x, y) is number x + 5 y."""
    shift_register = 1
    for _ in range(24):
        columns = [
            lanes[x] ^ lanes[x + 5] ^ lanes[x + 10] ^ lanes[x + 15] ^ lanes[x + 20]
            for x in range(5)
        ]
        mixed = [columns[x - 1] ^ _turned(columns[(x + 1) % 5], 1) for x in range(5)]
        lanes = [lane ^ mixed[at % 5] for at, lane in enumerate(lanes)]
        x, y, current = 1, 0, lanes[1]
        for step in range(24):
            x, y = y, (2 * x + 3 * y) % 5
            turned = _turned(current, (step + 1) * (step + 2) // 2)
            current, lanes[x + 5 * y] = lanes[x + 5 * y], turned
        lanes = [
            lanes[x + y] ^ (~lanes[(x + 1) % 5 + y] & lanes[(x + 2) % 5 + y])
            for y in range(0, 25, 5)
            for x in range(5)
        ]
        for bit in range(7):
            if shift_register & 1:
                lanes[0] ^= 1 << (1 << bit) - 1
            shift_register = shift_register << 1 ^ (shift_register >> 7) * 0x171
    return lanes


def _turned(lane: int, by: int) -> int:
    by %= 64
    return (lane << by | lane >> (64 - by)) & _LANES
