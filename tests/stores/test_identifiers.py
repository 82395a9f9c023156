"""Identifiers in the catalogue: what waits to be read, who shows what, and what is forgotten."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from imagematch.records import FoundFile, Identifier, Profile, RootLabels, Showing, SightingInfo
from imagematch.stores.index import Index
from tests.stores.builders import add, create, scanned

PHONE = Identifier("phone", "+31612345678", "06 1234 5678", True)
NAME = Identifier("handle", "handle:lola", "@lola", False)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with Index.write(create(tmp_path / "index"), "test") as opened:
        yield opened


def ad(profile: str = "anna", text: str = "call me") -> SightingInfo:
    return SightingInfo(site="site", profile=profile, text=text)


def read(index: Index, *showings: Showing) -> None:
    """Store the same for all sightings that wait."""
    index.identifiers.save([(each.id, showings) for each in index.identifiers.unread(100)])


def shown(index: Index) -> list[tuple[str, str, str]]:
    return sorted(
        (each.value, each.profile.handle, each.place) for each in index.identifiers.shown()
    )


def test_only_sightings_that_say_something_wait_to_be_read(index: Index) -> None:
    add(
        index,
        scanned("plain.jpg", None, SightingInfo(site="s", profile="p")),
        scanned("text.jpg", None, ad()),
        scanned("phone.jpg", None, SightingInfo(phone="06")),
        scanned("further.jpg", None, SightingInfo(extra={"tg": "@lola"})),
    )
    assert index.identifiers.count_unread() == 3
    assert [each.path for each in index.identifiers.unread(2)] == ["text.jpg", "phone.jpg"]


def test_what_was_read_waits_no_more_and_is_shown_by_profile(index: Index) -> None:
    add(index, scanned("a.jpg", None, ad()), scanned("b.jpg", None, ad("berta")))
    read(index, Showing(PHONE, "text"), Showing(NAME, "text"), Showing(PHONE, "phone"))
    assert index.identifiers.count_unread() == 0
    assert shown(index) == [
        ("+31612345678", "anna", "phone"),
        ("+31612345678", "anna", "text"),
        ("+31612345678", "berta", "phone"),
        ("+31612345678", "berta", "text"),
        ("handle:lola", "anna", "text"),
        ("handle:lola", "berta", "text"),
    ]
    assert index.identifiers.counts() == {"handle": 1, "phone": 1}
    first = next(index.identifiers.shown())
    assert (first.kind, first.confirmed, first.profile) == ("phone", True, Profile("site", "anna"))
    assert index.sightings.by_id([first.sighting])[first.sighting].path == "a.jpg"


def test_own_addresses_galleries_and_the_nameless_are_not_evidence(index: Index) -> None:
    add(index, scanned("a.jpg", None, ad()), scanned("b.jpg", None, SightingInfo(text="x")))
    add(index, scanned("c.jpg", None, ad("carla")), collection="missing", root="/missing")
    unread = index.identifiers.unread(10)
    places = ["url", "text", "text"]
    index.identifiers.save(
        [(each.id, [Showing(PHONE, place)]) for each, place in zip(unread, places, strict=True)]
    )
    assert shown(index) == []
    assert index.identifiers.counts() == {"phone": 1}


def test_an_edited_sighting_is_read_again_and_what_it_showed_is_gone(index: Index) -> None:
    root = add(index, scanned("a.jpg", None, ad()))
    read(index, Showing(PHONE, "text"))
    [known] = index.known.files_of(root)
    index.sightings.refresh_files(root, [(known.id, FoundFile("a.jpg", 10, 1, (ad(text="new"),)))])
    assert shown(index) == []
    assert [each.info.text for each in index.identifiers.unread(10)] == ["new"]
    assert index.identifiers.counts() == {}
    read(index, Showing(NAME, "text"))
    index.identifiers.forget_unshown()
    assert shown(index) == [("handle:lola", "anna", "text")]
    assert index.identifiers.counts() == {"handle": 1}


def test_everything_waits_again_for_another_reader(index: Index) -> None:
    add(index, scanned("a.jpg", None, ad()), scanned("b.jpg", None, SightingInfo()))
    index.identifiers.require_reader("1")
    read(index, Showing(PHONE, "text"))
    index.identifiers.require_reader("1")
    assert index.identifiers.count_unread() == 0
    index.identifiers.require_reader("2 NL")
    assert index.identifiers.count_unread() == 1
    read(index, Showing(NAME, "text"))
    assert shown(index) == [("handle:lola", "anna", "text")]


def test_another_marked_column_has_its_root_read_again(index: Index) -> None:
    add(index, scanned("a.jpg", None, SightingInfo(profile="lola")), root="/other")
    add(index, scanned("a.jpg", None, SightingInfo(profile="lola")))
    assert index.identifiers.count_unread() == 0
    ads = index.collections.get("ads")
    marked = RootLabels(identifiers=(("profile", "handle"),))
    for _ in range(2):
        index.collections.ensure_root(ads, Path("/ads"), marked)
        assert index.collections.labels(ads, Path("/ads")) == marked
        [waiting] = index.identifiers.unread(10)
        assert waiting.columns == (("profile", "handle"),)
    read(index, Showing(NAME, "profile"))
    index.collections.ensure_root(ads, Path("/ads"), marked)
    assert index.identifiers.count_unread() == 0
    index.collections.ensure_root(ads, Path("/ads"))  # what was read there is taken back
    read(index)
    assert shown(index) == []


def test_removing_a_gallery_forgets_what_only_it_showed(index: Index) -> None:
    add(index, scanned("a.jpg", None, ad()))
    read(index, Showing(NAME, "text"))
    add(index, scanned("c.jpg", None, ad()), collection="missing", root="/missing")
    read(index, Showing(PHONE, "text"))
    index.collections.remove(index.collections.get("missing"))
    assert index.identifiers.counts() == {"handle": 1}


def test_hostile_values_come_back_as_they_were(index: Index) -> None:
    values = ["'; DROP TABLE identifiers; --", "%_\\", "שלום\u202e", "x" * 500, "\U0001f469" * 500]
    add(index, scanned("a.jpg", None, ad()))
    read(index, *(Showing(Identifier("other", value, value, True), "tg") for value in values))
    assert sorted(value for value, _, _ in shown(index)) == sorted(values)


# --- looking for one ---------------------------------------------------------------------------


def looked_for(index: Index, part: str, *ids: int) -> list[str]:
    """Handles of those who show some identifiers or have a text in their words."""
    found, count, _ = index.identifiers.sightings(ids, part, 100)
    assert len(found) == count
    return [seen.info.profile for seen in found.values()]


def test_who_shows_an_identifier_is_found_by_it_or_by_a_part_of_it(index: Index) -> None:
    add(index, scanned("b.jpg", None, ad("berta")), scanned("a.jpg", None, ad("anna")))
    add(index, scanned("c.jpg", None, ad("carla")), collection="missing", root="/missing")
    read(index, Showing(PHONE, "text"), Showing(NAME, "tg"))
    known = index.identifiers.known([NAME, PHONE, Identifier("email", NAME.value, "", True)])
    assert [each.value for each in known.values()] == [NAME.value, PHONE.value]
    for part, digits, value in (("LOLA", "", NAME.value), ("x", "345678", PHONE.value)):
        [(number, like)] = index.identifiers.like(part, digits).items()
        assert like.value == value
        assert looked_for(index, "", number) == ["anna", "berta", "carla"]
    assert index.identifiers.like("%", "") == index.identifiers.like("_", "") == {}
    found, *counts = index.identifiers.sightings(list(known), "", 1)
    assert counts == [3, 3]
    [showings] = index.identifiers.showings(found, known).values()
    assert sorted((each.identifier.raw, each.place) for each in showings) == [
        ("06 1234 5678", "text"),
        ("@lola", "tg"),
    ]


@pytest.mark.parametrize("part", ["Call", "ПРИВЕТ", "100%_\\", "\u202e", "ANNA"])
def test_words_are_found_in_any_case_and_mean_themselves(index: Index, part: str) -> None:
    text = "please CALL Привет 100%_\\ \u202e"
    add(index, scanned("a.jpg", None, ad(text=text)), scanned("b.jpg", None, ad("berta", "x")))
    assert looked_for(index, part) == ["anna"]


def test_an_older_catalogue_has_all_that_says_something_read(index: Index) -> None:
    add(index, scanned("a.jpg", None, ad()), scanned("b.jpg", None, SightingInfo()))
    tables = ("identifier_sightings", "identifiers", "unread_sightings", "identifier_columns")
    with index.catalogue.change() as connection:
        for table in tables:
            connection.execute(text(f"DROP TABLE {table}"))
        connection.execute(text("DROP INDEX files_ads"))
        connection.execute(text("UPDATE meta SET value = '6' WHERE key = 'schema_version'"))
    index.catalogue._migrate()
    assert [each.path for each in index.identifiers.unread(10)] == ["a.jpg"]
