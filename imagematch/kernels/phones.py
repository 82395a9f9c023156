"""Which phone numbers are unconfirmed: possible, but in no range that the tables of numbers have.

Countries open new ranges each month, so such a number may well be real. Whether it is unconfirmed
is never stored: newer tables may have it.
"""

import re
from functools import lru_cache

import phonenumbers

#: E.164 has at most 15 digits (ITU-T E.164, 6.2.1).
_E164 = re.compile(r"\+[0-9]{1,15}")


@lru_cache(maxsize=1 << 16)
def is_unconfirmed(phone: str) -> bool:
    """Whether a text is a number in E.164 that no table has, and that is possible all the same."""
    if not _E164.fullmatch(phone):
        return False
    try:
        number = phonenumbers.parse(phone)
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.is_possible_number(number) and not phonenumbers.is_valid_number(number)
