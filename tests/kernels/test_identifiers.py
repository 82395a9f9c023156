"""Identifiers in texts and cells: what posters disguise is found, and other numbers are not."""

import sys
from collections.abc import Callable
from functools import partial
from types import FrameType

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from imagematch.kernels.identifiers.finding import find, normalise
from imagematch.records import IdentifierKind

REGIONS = ("NL", "BE", "US")


def found(text: str, *regions: str) -> list[tuple[str, str]]:
    return [(each.identifier.kind, each.identifier.value) for each in find(text, regions)]


def phones(text: str, *regions: str) -> list[str]:
    return [value for kind, value in found(text, *regions) if kind == "phone"]


# --- phones ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "06 10 00 00 12",
        "0-6-1-0-0-0-0-0-1-2",
        "O6 IOOO OO 12",
        "o6l0000oi2",
        "0️⃣6️⃣1️⃣0️⃣0️⃣0️⃣0️⃣0️⃣1️⃣2️⃣",
        "０６１０００００１２",
        "٠٦١٠٠٠٠٠١٢",
        "⓪⑥①⓪⓪⓪⓪⓪①②",
        "0\u200b6\u200d1\u2060000\u00ad0012",
        "\u202e0610000012\u202c",
        "О6 1О ОО ОО 12",
        "06 🌹 10 🌹 00 🌹 00 🌹 12",
        "0\n6\n1\n0\n0\n0\n0\n0\n1\n2",
        "+31 (0)6 10000012",
        "plus 31 6 10000012",
        "0031610000012",
        "app 31610000012",
        "bel 6 1000 0012",
        "nul zes tien nul nul nul nul twaalf",
        "zero six one triple zero double zero one two",
        "zéro six dix zéro zéro zéro zéro douze",
        "null sechs eins null null null null null eins zwei",
        "cero seis diez cero cero cero cero doce",
        "zero sei dieci zero zero zero zero dodici",
        "zero seis um zero zero zero zero zero um dois",
        "zero șase unu zero zero zero zero zero unu doi",
        "nulzeseen nulnulnul 0012",
    ],
)
def test_one_number_is_read_however_it_is_written(text: str) -> None:
    assert phones(text, "NL") == ["+31610000012"]


@pytest.mark.parametrize(
    ("spelled", "number"),
    [
        ("soixante et onze", "71"),
        ("quatre-vingt-dix-neuf", "99"),
        ("septante deux", "72"),
        ("treinta y cuatro", "34"),
        ("trinta e quatro", "34"),
        ("treizeci și patru", "34"),
        ("trentaquattro", "34"),
        ("vierendertig", "34"),
        ("vierunddreißig", "34"),
        ("thirty-four", "34"),
        ("veintidós", "22"),
        ("ventuno", "21"),
    ],
)
def test_two_digits_may_be_one_numeral(spelled: str, number: str) -> None:
    assert phones(f"06 1000 00 {spelled}", "NL") == [f"+316100000{number}"]


@pytest.mark.parametrize(
    "text",
    [
        "150 euro, 250 euro, 400 euro 06 uur",
        "€150 / €250 / 60 min 30 min",
        "1.70 m, 55 kg, 90-60-90, 75C, 24 jaar",
        "ma-vr 10:00-22:30, za 12.00-18.00",
        "op 06-10-2024 om 18:30, tot 2024-10-07",
        "1012 AB, 75001 Paris, 4000-123 Porto, SW1A 1AA",
        "bestelnummer 0610000012",
        "ref. 0610000012",
        "NL91 ABNA 0417 1643 00",
        "B06100000123 en 0610000012Z",
        "lol il lol il lol il lol il",
        "een twee drie vier vijf zes zeven acht negen tien",
        "0610000012061000001206100000120610000012",
    ],
)
def test_other_numbers_are_no_phones(text: str) -> None:
    assert phones(text, *REGIONS) == []


def test_a_price_beside_a_number_is_no_part_of_it() -> None:
    assert phones("150 06 10000012 250, 24 jaar", "NL") == ["+31610000012"]


def test_several_numbers_in_a_row_are_kept_apart() -> None:
    text = "0610000012 / 0610000023 of +32 470 00 00 12"
    assert phones(text, "NL") == ["+31610000012", "+31610000023", "+32470000012"]


def test_a_number_without_country_code_needs_a_region() -> None:
    assert phones("0610000012") == []
    assert phones("+31610000012") == ["+31610000012"]


def test_the_first_region_in_which_a_number_is_one_counts() -> None:
    assert phones("06 12 00 00 12", "FR", "NL") == ["+33612000012"]
    assert phones("06 12 00 00 12", "NL", "FR") == ["+31612000012"]


def test_a_number_that_no_table_has_is_unconfirmed() -> None:
    [drama] = find("07700 900123", ["GB"])
    assert (drama.identifier.value, drama.identifier.confirmed) == ("+447700900123", False)
    [london] = find("020 7946 0123", ["GB"])
    assert london.identifier.confirmed


# --- e-mails -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "Lola.ZZ@Gmail.com",
        "lola.zz (at) gmail (dot) com",
        "lola.zz[at]gmail[punt]com",
        "lola dot zz at gmail dot com",
        "lola.zz arroba gmail punto com",
        "lola.zz at gmail.com",
        "lola.zz @ gmail.com",
        "lolа.zz@gmаil.com",
        "lola.zz@gmail.com.Bel me",
    ],
)
def test_one_address_is_read_however_it_is_written(text: str) -> None:
    assert found(text) == [("email", "lola.zz@gmail.com")]


def test_at_alone_makes_no_address() -> None:
    assert found("look at booking.com") == [("host", "booking.com")]
    assert found("meet me at home dot") == []


def test_hosts_of_addresses_become_ascii() -> None:
    assert found("lola@bücher.example") == [("email", "lola@xn--bcher-kva.example")]
    assert found("lola@bu\u0308cher.example") == [("email", "lola@xn--bcher-kva.example")]


def test_dots_and_tags_in_an_address_stay() -> None:
    assert found("lo.la+ads@gmail.com") == [("email", "lo.la+ads@gmail.com")]


# --- handles and links -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("https://t.me/Lola_ZZ", "telegram:lola_zz"),
        ("t.me/s/lola_zz", "telegram:lola_zz"),
        ("t.me/joinchat/AbCdEf123", "telegram:+AbCdEf123"),
        ("https://www.instagram.com/lola.zz/?hl=nl", "instagram:lola.zz"),
        ("instagram.com/stories/lola.zz/123", "instagram:lola.zz"),
        ("https://facebook.com/profile.php?id=100000000000001", "facebook:100000000000001"),
        ("snapchat.com/add/lola_zz", "snapchat:lola_zz"),
        ("x.com/lola_zz", "twitter:lola_zz"),
        ("tiktok.com/@lola.zz", "tiktok:lola.zz"),
        ("https://chat.whatsapp.com/AbCdEfGhIjK", "whatsapp:AbCdEfGhIjK"),
        ("tg: lola_zz", "telegram:lola_zz"),
        ("IG:lola.zz", "instagram:lola.zz"),
        ("insta lola_zz", "instagram:lola_zz"),
        ("my telegram is @lola_zz", "telegram:lola_zz"),
        ("@lola_zz on snapchat", "snapchat:lola_zz"),
        ("@lola_zz", "handle:lola_zz"),
        ("@lоlа_zz", "handle:lola_zz"),
    ],
)
def test_a_handle_has_its_platform(text: str, value: str) -> None:
    [handle] = find(text)
    assert (handle.identifier.kind, handle.identifier.value) == ("handle", value)
    assert handle.identifier.confirmed == (not value.startswith("handle:"))


@pytest.mark.parametrize(
    "text",
    [
        "wa.me/31610000012",
        "https://wa.me/+31610000012?text=hoi",
        "https://api.whatsapp.com/send?phone=31610000012",
        "whatsapp://send?phone=31610000012",
        "https://signal.me/#p/+31610000012",
        "t.me/+31610000012",
    ],
)
def test_a_link_to_a_number_is_that_number(text: str) -> None:
    assert found(text) == [("phone", "+31610000012")]


@pytest.mark.parametrize(
    "text",
    ["telegram: ask", "snap me, insta later", "@ home", "instagram.com", "open @7pm", "wa.me/123"],
)
def test_what_names_nobody_is_no_handle(text: str) -> None:
    assert [kind for kind, _ in found(text) if kind in ("handle", "phone")] == []


def test_a_post_on_a_platform_is_a_page_and_no_host() -> None:
    assert found("instagram.com/p/AbC") == [("url", "https://instagram.com/p/AbC")]


@pytest.mark.parametrize(
    "text",
    [
        "https://lola-zz.example.com/Pics?id=3",
        "HTTP://WWW.Lola-ZZ.Example.com:80/Pics/?utm_source=ad&id=3&fbclid=x#top",
        "hxxps://lola-zz[.]example[.]com/Pics?id=3",
        "lola-zz.example.com/Pics?id=3",
        "(see www.lola-zz.example.com/Pics?id=3).",
        "https://me:secret@lola-zz.example.com/Pics?id=3",
    ],
)
def test_one_page_has_one_address(text: str) -> None:
    assert found(text) == [
        ("url", "https://lola-zz.example.com/Pics?id=3"),
        ("host", "lola-zz.example.com"),
    ] or found(text) == [
        ("host", "lola-zz.example.com"),
        ("url", "https://lola-zz.example.com/Pics?id=3"),
    ]


def test_a_host_alone_is_a_host() -> None:
    assert found("kijk op Lola-ZZ.example.nl, of bel") == [("host", "lola-zz.example.nl")]
    assert found("tot ziens.Bel me. e.g. 12.30 uur") == []


# --- crypto ------------------------------------------------------------------------------------

#: Test vectors of BIP 173, BIP 350 and EIP-55, and an address of 20 bytes of zero.
SEGWIT = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
TAPROOT = "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0"
ETHEREUM = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
ZEROS = "1111111111111111111114oLvT2"


@pytest.mark.parametrize(
    ("address", "value"),
    [
        (SEGWIT, f"bitcoin:{SEGWIT}"),
        (SEGWIT.upper(), f"bitcoin:{SEGWIT}"),
        (TAPROOT, f"bitcoin:{TAPROOT}"),
        (ETHEREUM, f"ethereum:{ETHEREUM.lower()}"),
        (ZEROS, f"bitcoin:{ZEROS}"),
    ],
)
def test_an_address_with_its_checksum_is_found(address: str, value: str) -> None:
    [crypto] = find(f"send to {address}, thanks")
    assert (crypto.identifier.kind, crypto.identifier.value) == ("crypto", value)
    assert crypto.identifier.confirmed


def test_an_address_with_a_wrong_checksum_is_none() -> None:
    wrong = SEGWIT[:-1] + "5", ETHEREUM.replace("aA", "AA"), ZEROS[:-1] + "3", f"{ETHEREUM}00"
    assert [each for address in wrong for each in found(address)] == []


def test_an_ethereum_address_without_capitals_has_no_checksum() -> None:
    [crypto] = find(ETHEREUM.lower())
    assert not crypto.identifier.confirmed


# --- cells -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "cell", "value"),
    [
        ("phone", "06 10000012", "+31610000012"),
        ("phone", "WhatsApp: nul zes 10000012", "+31610000012"),
        ("email", " Lola@Example.com ", "lola@example.com"),
        ("handle", "Lola_ZZ", "handle:lola_zz"),
        ("handle", "@Lola_ZZ", "handle:lola_zz"),
        ("handle", "https://t.me/lola_zz", "telegram:lola_zz"),
        ("url", "lola.example.com/a/", "https://lola.example.com/a"),
        ("url", "t.me/lola_zz", "telegram:lola_zz"),
        ("host", "https://www.lola.example.com/a", "lola.example.com"),
        ("crypto", SEGWIT.upper(), f"bitcoin:{SEGWIT}"),
        ("other", "  Blue \n Rose ", "blue rose"),
    ],
)
def test_a_cell_is_read_as_what_its_column_is(kind: IdentifierKind, cell: str, value: str) -> None:
    identifier = normalise(kind, cell, ["NL"])
    assert identifier is not None
    assert (identifier.value, identifier.raw) == (value, cell)


@pytest.mark.parametrize(
    ("kind", "cell"),
    [
        ("phone", "ask by mail"),
        ("phone", "+99912345678"),
        ("phone", "0610000012, 0610000023"),
        ("email", "on request"),
        ("handle", "t.me"),
        ("url", "http://[::1"),
        ("host", "instagram.com"),
        ("crypto", "ask"),
        ("other", " \u200b "),
    ],
)
def test_a_cell_without_one_identifier_is_none(kind: IdentifierKind, cell: str) -> None:
    assert normalise(kind, cell, ["NL"]) is None


# --- any text ----------------------------------------------------------------------------------

TRICKY = st.lists(
    st.one_of(
        st.sampled_from(
            [
                *"0123456789+()@./:-_ \n\0",
                *("www.", "http://", "t.me/", "wa.me/", " at ", " dot ", "gmail.com", "snap: "),
                *("nul", "zes", "six ", "double ", "vingt ", "quatre-", " et ", "een ", "o", "l"),
                *("\u200b", "\u202e", "\u0301", "\u20e3", "а", "о", "٣", "７", "🌹", "𝟜", "\ud800"),
                *("€", " euro", " jaar", "xn--", "[.]", "#p/", "?phone=", SEGWIT, "0x", "NL91"),
            ]
        ),
        st.text(max_size=5),
    ),
    max_size=40,
).map("".join)


@settings(max_examples=300)
@given(TRICKY)
@example("quatre quatre-vingt double")
@example("https://user:@[::1]:99999/")
def test_any_text_is_read_and_its_places_are_in_it(text: str) -> None:
    for each in find(text, REGIONS):
        assert 0 <= each.start < each.end <= len(text)
        assert each.identifier.raw == text[each.start : each.end]
        again = normalise(each.identifier.kind, each.identifier.value)
        assert again is not None
        assert again.value == each.identifier.value


@settings(max_examples=200)
@given(
    st.sampled_from(["phone", "email", "handle", "url", "host", "crypto", "other"]),
    st.one_of(TRICKY, st.text()),
)
def test_the_normal_form_of_a_normal_form_is_itself(kind: IdentifierKind, cell: str) -> None:
    identifier = normalise(kind, cell, REGIONS)
    if identifier is not None:
        again = normalise(identifier.kind, identifier.value)
        assert again is not None
        assert again.value == identifier.value


def test_the_place_is_that_in_the_original() -> None:
    [phone] = find("bel \u202e0\u200b6-10 ОО ОО 12\u202c snel", ["NL"])
    assert phone.identifier.raw == "0\u200b6-10 ОО ОО 12\u202c"


#: Pieces of texts on which a careless reader takes steps in proportion to their square, or worse.
HOSTILE = [
    *(
        "9",
        "0612345678",
        "1 ",
        "0 6 1 ",
        "o",
        "l ",
        "een ",
        "nul",
        "nulzes ",
        "double ",
        "+3",
        "1-",
    ),
    *(
        "a",
        "a.",
        "a-",
        "@",
        "a@",
        "a.@",
        " at ",
        "a at b dot ",
        "www.",
        "http://",
        "http://a@",
        "[.]",
    ),
    *("snap ", "snap:@", "(", " ", "\n", "\0", "0x", "bc1", "AA11 ", "10:00-", "ref ", "tel 01 "),
    *("\u202e", "\u0301", "о", "🌹", "%", "_", "\ufdfa"),
]


def calls(function: Callable[[], object]) -> int:
    """Calls of functions, those of C too, while one runs."""
    count = 0

    def counted(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(counted)
    try:
        function()
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("piece", HOSTILE)
def test_steps_grow_with_the_text(piece: str) -> None:
    few, many = (
        calls(partial(find, piece * (size // len(piece)), REGIONS)) for size in (500, 4_000)
    )
    assert many <= 9 * few + 1000


@pytest.mark.slow
@pytest.mark.parametrize("piece", HOSTILE)
def test_long_hostile_texts_are_read_to_their_end(piece: str) -> None:
    """A regular expression that tries all ways would not come to the end of the test's time."""
    text = piece * (100_000 // len(piece)) + "\n. bel +31 6 10000012"
    assert ("phone", "+31610000012") in found(text, *REGIONS)


def test_a_megabyte_of_digits_hides_no_number() -> None:
    text = "9" * 500_000 + " bel +31610000012 " + "1" * 500_000
    assert phones(text, "NL") == ["+31610000012"]
