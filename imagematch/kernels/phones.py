"""Phone numbers as people write them, turned into E.164, so that two ads with one number meet.

A number may also be unconfirmed: possible, but in no range that the tables of numbers have.
Countries open new ranges each month, so such a number may well be real. Whether it is unconfirmed
is never stored: newer tables may have it.
"""

import re
from functools import lru_cache

import phonenumbers
from phonenumbers import Leniency, PhoneNumber, PhoneNumberMatcher, ValidationResult

from imagematch.errors import SettingsError

#: Characters of a text in which a number is looked for; as many as `phonenumbers.parse` takes.
_LONGEST = 250

#: What most countries dial before the code of another one. It is read so where nobody says which
#: country the number is from, and the tables have it.
_ABROAD = re.compile(r"^\s*00[\s-]*(?=[1-9])")

#: E.164 has at most 15 digits (ITU-T E.164, 6.2.1).
_E164 = re.compile(r"\+[0-9]{1,15}")


def checked_region(region: str) -> str | None:
    """Check the setting `phone_region`.

    Args:
        region: ISO 3166 code in any case, or "" for none.

    Returns:
        The code in capitals, None for none.

    Raises:
        SettingsError: no country with that code has a phone plan.
    """
    code = region.strip().upper()
    if code and code not in phonenumbers.SUPPORTED_REGIONS:
        raise SettingsError(
            f"phone_region is {region!r}, which is no country code; "
            "wanted two letters of ISO 3166, such as BE or US"
        )
    return code or None


# The same few numbers come back in ad after ad; parsing one takes about 20 microseconds.
@lru_cache(maxsize=1 << 16)
def to_e164(text: str, region: str | None) -> str:
    """Normalise one phone number.

    A number that has the right length but is in no range that the tables have is normalised, too,
    so that its spellings meet before the tables follow.

    Args:
        text: as written, in any script's digits, words around it allowed.
        region: country of numbers without an international prefix, see `checked_region`.

    Returns:
        E.164 such as `+32470123456`; `text` itself where it is no number that any country may
        have, or holds several.
    """
    number = _valid(text, region) or _possible(text, region)
    if number is None and region is None:
        number = _valid(_ABROAD.sub("+", text), None)
    if number is None:
        return text
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _valid(text: str, region: str | None) -> PhoneNumber | None:
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    return number if phonenumbers.is_valid_number(number) else None


def _possible(text: str, region: str | None) -> PhoneNumber | None:
    """The number in a text that has no other digits, if it has the length of a whole number.

    A local one, without its area code, is another number in each town.
    """
    if len(text) > _LONGEST:
        return None
    found = list(PhoneNumberMatcher(text, region, leniency=Leniency.POSSIBLE))
    if len(found) != 1 or _digits(found[0].raw_string) != _digits(text):
        return None
    [match] = found
    length = phonenumbers.is_possible_number_with_reason(match.number)
    return match.number if length == ValidationResult.IS_POSSIBLE else None


def _digits(text: str) -> int:
    return sum(map(str.isdigit, text))


def is_e164(text: str) -> bool:
    """Whether a text has the form of a number in E.164."""
    return _E164.fullmatch(text) is not None


@lru_cache(maxsize=1 << 16)
def is_unconfirmed(phone: str) -> bool:
    """Whether a text is a number in E.164 that no table has, and that is possible all the same."""
    if not is_e164(phone):
        return False
    try:
        number = phonenumbers.parse(phone)
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.is_possible_number(number) and not phonenumbers.is_valid_number(number)
