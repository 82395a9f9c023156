"""Text that UTF-8 can't hold, such as names of files with bytes that are none, made to fit."""

import re

_SURROGATE = re.compile("[\ud800-\udfff]")


def encodable(text: str) -> str:
    r"""Turn text as `os.fsdecode` gives it into text that any database and JSON can hold.

    Args:
        text: may hold surrogate escapes, one for each byte that is not UTF-8.

    Returns:
        The same, with such bytes as `\xff`, and any other lone surrogate (Windows allows them in
        names) as `\ud800`. Always valid UTF-8. Control characters and line breaks stay.
    """
    return text if text.isascii() else _SURROGATE.sub(_escaped, text)


def _escaped(surrogate: re.Match[str]) -> str:
    code = ord(surrogate[0])
    # os.fsdecode turns the byte 0x80 into U+DC80 and so on (PEP 383).
    return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else f"\\u{code:04x}"


def without_surrogates(text: str) -> str:
    """Drop lone surrogates, which UTF-8 can't express."""
    return text if text.isascii() else _SURROGATE.sub("", text)
