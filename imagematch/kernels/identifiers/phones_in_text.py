"""Phone numbers in a plain text, however they are grouped, in E.164 out.

What looks like a number must be one that some country has, or is announced as one. A number that
the tables of numbers do not have is taken where its shape leaves little doubt, and marked.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumberFormat, PhoneNumberType, ValidationResult

from imagematch.kernels.identifiers.found import Found
from imagematch.kernels.identifiers.numerals import Numeral, runs
from imagematch.records import Identifier

#: Digits of a number: the shortest that are taken, and 00 with the longest of E.164.
_SHORTEST, _LONGEST = 8, 17

#: Digits of a number that must be figures or words, and not letters that look like digits.
_FEWEST_FIGURES = 3

#: What counting to ten has in it, and hardly any number.
_COUNTED = "345678"

#: What is between numbers of a list or a table.
_BETWEEN_NUMBERS = re.compile(r",\s|\s\||\|\s|\n\S")

#: Digits from which a number may have its country code.
_WITH_COUNTRY = 10

#: Characters before and after digits in which words say what they are.
_BEFORE, _AFTER = 30, 20

#: Words that announce a phone number, or follow one.
_ANNOUNCING = re.compile(
    r"tele[fp]|phone|fono|\b(?:tel|tlf|tfno|call|ring|text|txt|sms|bel|bellen|app|appje|apps?|gsm|"
    r"mob\w*|cell\w*|handy|ruf\w*|anruf\w*|appel\w*|joindre|ll[aá]m\w*|chiam\w*|lig[aou]\w*|"
    r"sun[aă]\w*|whats\w*|wats ?app|wapp|wasap\w*|viber|signal|"
    r"num[eé]ro|n[uú]mero|number|nummer|contact\w*|wa)\b|[☎☏✆📞📱📲]",
    re.IGNORECASE,
)

_AD = (
    r"(?:ad|adv\w*|anzeigen?|annonce|anuncio|annuncio|an[uú]ncio|anun[tț]|listing|article|artikel)"
)
_NUMBER = r"(?:nr|no|num|number|nummer|numero|número|id|code|cod|ref|n[º°])"
_REGISTER = (
    r"(?:btw|kvk|vat|tva|iban|siret|siren|ust\w*|steuer\w*|nif|nie|dni|cif|iva|nipc|cui|cnp|ssn|bsn|"
    r"isbn|ean|ondernemings\w*|fiscale?)"
)
#: Words right before digits that say that they are no phone number.
_DENYING = re.compile(
    rf"\b(?:{_REGISTER}|r[eéi]f\w*|rif\w*|kenmerk|chiffre|tracking|order|bestel\w*|factu\w*|invoice|"
    rf"booking|id|cod|code|codice|c[oó]digo|{_AD}\W{{0,3}}{_NUMBER}|adv\w*nummer|{_NUMBER}\W{{1,3}}{_AD})"
    rf"(?:\W{{1,3}}(?:{_AD}|{_NUMBER}|[a-z]{{2}}))?\W{{0,4}}$",
    re.IGNORECASE,
)

#: Kinds of numbers that people have; others need to be announced.
_PERSONAL = frozenset(
    {
        PhoneNumberType.MOBILE,
        PhoneNumberType.FIXED_LINE,
        PhoneNumberType.FIXED_LINE_OR_MOBILE,
        PhoneNumberType.VOIP,
        PhoneNumberType.PERSONAL_NUMBER,
    }
)


def find(text: str, regions: Sequence[str]) -> Iterator[Found]:
    """The phone numbers in a plain text.

    Args:
        text: see `folding`.
        regions: countries whose numbers may stand without a country code, the likeliest first.
    """
    for run in runs(text):
        if _DENYING.search(text, max(0, run[0].start - _BEFORE), run[0].start):
            continue
        before = text[max(0, run[0].start - _BEFORE) : run[0].start]
        announced = bool(
            _ANNOUNCING.search(before)
            or _ANNOUNCING.search(text[run[-1].end : run[-1].end + _AFTER])
        )
        yield from _in_run(run, tuple(regions), announced)


def international(digits: str) -> Identifier | None:
    """The number that digits behind a country code are, as links have them; `raw` is the digits."""
    checked = _checked(f"+{digits}", None, possible=True)
    return Identifier("phone", checked[0], digits, checked[1]) if checked else None


def _in_run(run: list[Numeral], regions: tuple[str, ...], announced: bool) -> Iterator[Found]:
    at = 0
    while at < len(run):
        best: tuple[bool, int, str] | None = None
        digits = ""
        for last in range(at, len(run)):
            digits += run[last].digits
            if len(digits) > _LONGEST or (last > at and run[last].plus):
                break
            if len(digits) < _SHORTEST:
                continue
            number = _number(digits, run[at].plus, regions, announced)
            numerals = run[at : last + 1]
            plausible = announced or numerals[0].plus or not _is_list(numerals)
            if number and plausible and _has_figures(numerals):
                best = max(best or (False, 0, ""), (number[1], last, number[0]))
        if best is None:
            at += 1
            continue
        confirmed, last, value = best
        yield Found(Identifier("phone", value, "", confirmed), run[at].start, run[last].end)
        at = last + 1


def _has_figures(numerals: Sequence[Numeral]) -> bool:
    """Whether digits are not just letters that look like some: lol, il."""
    figures = (len(numeral.digits) for numeral in numerals if not numeral.lookalike)
    return sum(figures) >= _FEWEST_FIGURES


def _is_list(numerals: Sequence[Numeral]) -> bool:
    """Whether numerals are several numbers: round amounts, counting, or lists and tables."""
    amounts = [numeral.digits for numeral in numerals]
    if _COUNTED in "".join(amounts):
        return True
    if any(_BETWEEN_NUMBERS.search(two.gap) and not two.spelled for two in numerals[1:]):
        return True
    uneven = amounts[0][0] != "0" and {1, 3} <= {min(3, len(text)) for text in amounts}
    if uneven and not any(numeral.spelled or numeral.lookalike for numeral in numerals):
        return True
    return len(amounts) >= 3 and all(
        2 <= len(text) <= 4 and text[0] != "0" and text[-1] in "05" for text in amounts
    )


# The same few numbers come back in ad after ad; parsing one takes about 20 microseconds.
@lru_cache(maxsize=1 << 16)
def _number(
    digits: str, plus: bool, regions: tuple[str, ...], announced: bool
) -> tuple[str, bool] | None:
    """A number in E.164 and whether the tables have it; None for digits that are no number."""
    if plus or digits.startswith("00"):
        written = digits if plus else digits[2:]
        return _checked(f"+{written}", None, possible=plus or len(written) >= _WITH_COUNTRY)
    for region in regions:
        if found := _national(digits, region, announced):
            return found
    if announced and len(digits) >= _WITH_COUNTRY:
        codes = tuple(str(phonenumbers.country_code_for_region(region)) for region in regions)
        return _checked(f"+{digits}", None, possible=digits.startswith(codes))
    return None


def _national(digits: str, region: str, announced: bool) -> tuple[str, bool] | None:
    """A number as people of one country write it among themselves."""
    metadata = PhoneMetadata.metadata_for_region(region)
    if metadata is None:
        return None
    if metadata.national_prefix != "0":
        found = _checked(digits, region, possible=False)
        return found if found and (announced or _is_personal(found[0])) else None
    if digits.startswith("0"):
        return _checked(digits, region, possible=len(digits) - 1 in _lengths(metadata))
    if not announced:
        return None
    abroad = digits.startswith(str(metadata.country_code)) and _checked(f"+{digits}", None, False)
    return abroad or _checked(digits, region, possible=False)


def _lengths(metadata: PhoneMetadata) -> set[int]:
    """Digits of the usual numbers of a country, without what is dialled before them."""
    kinds = metadata.mobile, metadata.fixed_line
    return {len(kind.example_number) for kind in kinds if kind and kind.example_number}


def _is_personal(number: str) -> bool:
    return phonenumbers.number_type(phonenumbers.parse(number)) in _PERSONAL


def _checked(written: str, region: str | None, possible: bool) -> tuple[str, bool] | None:
    """E.164 and whether the tables have it.

    Args:
        possible: a number that is none of the tables' is taken, too, if its length is right.
    """
    try:
        number = phonenumbers.parse(written, region)
    except phonenumbers.NumberParseException:
        return None
    confirmed = phonenumbers.is_valid_number(number)
    reason = phonenumbers.is_possible_number_with_reason(number)
    if not confirmed and not (possible and reason == ValidationResult.IS_POSSIBLE):
        return None
    return phonenumbers.format_number(number, PhoneNumberFormat.E164), confirmed
