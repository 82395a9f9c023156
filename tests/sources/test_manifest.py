"""What a manifest says, and how it finds its files."""

import csv
import json
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imagematch.errors import ManifestError, SettingsError
from imagematch.records import FoundAd, FoundFile, ManifestNote, SightingInfo, SkippedFile
from imagematch.settings import ScanSettings
from imagematch.sources.manifest import Manifest, join, read

DEFAULTS = ScanSettings()
FIELDS = ("site", "profile", "url", "ad_id", "posted_at", "phone", "email", "location", "text")
type Joined = FoundFile | FoundAd | SkippedFile | ManifestNote
cell = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def manifest(tmp_path: Path, text: str, settings: ScanSettings = DEFAULTS) -> Manifest:
    path = tmp_path / "manifest"
    path.write_text(text, encoding="utf-8")
    return read(path, settings)


def infos(found: Manifest, path: str) -> list[SightingInfo]:
    return [row.info for row in found.rows_like(path)]


def files(*paths: str, info: SightingInfo | None = None) -> list[FoundFile]:
    return [FoundFile(path, 1, 2, (info or SightingInfo(),)) for path in paths]


def texts(joined: Iterable[Joined]) -> dict[str, list[str]]:
    """For each file: the `text` of its sightings."""
    found = [item for item in joined if isinstance(item, FoundFile)]
    return {item.path: [info.text for info in item.sightings] for item in found}


def notes(joined: Iterable[Joined]) -> list[tuple[str, str]]:
    return [(item.problem, item.where) for item in joined if isinstance(item, ManifestNote)]


# --- reading -----------------------------------------------------------------------------------


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(row=st.fixed_dictionaries(dict.fromkeys(("site", "profile", "url", "text", "Größe"), cell)))
@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_values_come_back_stripped_and_otherwise_untouched(
    tmp_path: Path, form: str, row: dict[str, str]
) -> None:
    path = tmp_path / f"m.{form}"
    with path.open("w", encoding="utf-8", newline="") as file:
        if form == "csv":
            csv.writer(file).writerows([["path", *row], ["a.jpg", *row.values()]])
        else:
            file.write(json.dumps({"path": "a.jpg", **row}))
    (info,) = infos(read(path, DEFAULTS), "a.jpg")
    clean = {name: value.replace("\0", "").strip() for name, value in row.items()}
    further = clean.pop("Größe")
    assert info == SightingInfo(**clean, extra={"Größe": further} if further else {})


def test_every_column_has_its_place(tmp_path: Path) -> None:
    header = ",".join(("path", *FIELDS, "colour", "ad title"))
    found = manifest(tmp_path, header + "\na.jpg,s,p,u,i,t,n,e,l,x,red,\n")
    assert infos(found, "a.jpg") == [
        SightingInfo("s", "p", "u", "i", "t", "n", "e", "l", "x", {"colour": "red"})
    ]


def test_lone_surrogates_are_dropped_from_values(tmp_path: Path) -> None:
    found = manifest(tmp_path, r'{"path": "a", "text": "x\ud800y", "k\udfff": "\udc80 z"}')
    assert infos(found, "a") == [SightingInfo(text="xy", extra={"k": "z"})]


def test_phones_are_normalised_for_the_region(tmp_path: Path) -> None:
    text = "path,phone\na,0470 12 34 56\nb,+44 20 7946 0958\nc,ask\n"
    belgian = manifest(tmp_path, text, ScanSettings(phone_region="BE"))
    assert [infos(belgian, path)[0].phone for path in "abc"] == [
        "+32470123456",
        "+442079460958",
        "ask",
    ]
    assert infos(manifest(tmp_path, text), "a")[0].phone == "0470 12 34 56"
    with pytest.raises(SettingsError, match="phone_region"):
        manifest(tmp_path, text, ScanSettings(phone_region="XX"))


@pytest.mark.parametrize(
    ("given_time", "stored"),
    [
        ("2024-05-01", "2024-05-01"),
        ("20240501", "2024-05-01"),
        ("2024-05-01 12:30", "2024-05-01T12:30:00"),
        ("2024-05-01T12:30:00Z", "2024-05-01T12:30:00+00:00"),
        ("2024-05-01T12:30:00+02:00", "2024-05-01T12:30:00+02:00"),
        ("1700000000", "2023-11-14T22:13:20+00:00"),
        ("1700000000250", "2023-11-14T22:13:20.250000+00:00"),
        ("20240501T123000", "2024-05-01T12:30:00"),
        ("2024010210", "2024010210"),
        ("20240102101500", "20240102101500"),
        ("2024010210150", "2024010210150"),
        ("2024-02-31", "2024-02-31"),
        ("2024-05-01 noon", "2024-05-01 noon"),
        ("2024-05", "2024-05"),
        ("yesterday", "yesterday"),
        ("01/05/2024", "01/05/2024"),
        ("", ""),
    ],
)
def test_times_become_iso_8601_where_understood(
    tmp_path: Path, given_time: str, stored: str
) -> None:
    found = manifest(tmp_path, f"path,posted_at\na,{given_time}\n")
    assert infos(found, "a")[0].posted_at == stored


@pytest.mark.parametrize(
    "path",
    ["../x", "/etc/passwd", r"C:\x", r"\\server\share", "a/../../b", "", "  ", ".", "a/.."],
)
def test_hostile_and_empty_paths_are_bad_rows(tmp_path: Path, path: str) -> None:
    found = manifest(tmp_path, f"path,site\n{path},s\nok.jpg,s\n")
    assert [row.path for row in found.rows()] == ["ok.jpg"]
    assert notes(found.notes) == [("bad_row", "line 2")]


def test_a_second_row_like_the_first_is_dropped_and_noted(tmp_path: Path) -> None:
    text = "path,site,phone,other\na,s,+32 470 12 34 56,1\n./a,s,+32470123456,2\na,s,,1\nb,s,,1\n"
    found = manifest(tmp_path, text)
    assert [info.extra for info in infos(found, "a")] == [{"other": "1"}, {"other": "1"}]
    assert notes(found.notes) == [("duplicate_row", "line 3")]


def test_messages_are_printable_and_short(tmp_path: Path) -> None:
    found = manifest(tmp_path, json.dumps({"path": "../\udcff" + "x" * 10_000}) + '\n{"path":"a"}')
    (note,) = found.notes
    assert note.message.startswith(r"../\xffxxx")
    assert len(note.message) < 300


def test_a_manifest_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestError):
        manifest(tmp_path, "no,such,column\n")


# --- joining -----------------------------------------------------------------------------------


def test_files_get_their_rows_and_the_rest_is_noted(tmp_path: Path) -> None:
    found = manifest(tmp_path, "path,text\ns/a.jpg,1\ngone.jpg,2\ns\\b.jpg,3\n../x,4\ns/a.jpg,1\n")
    skip = SkippedFile("pipe", "a named pipe, not a file")
    joined = list(join([*files("new.jpg", "s/a.jpg"), skip, *files("s/b.jpg")], found))
    assert texts(joined) == {"new.jpg": [""], "s/a.jpg": ["1"], "s/b.jpg": ["3"]}
    assert skip in joined
    assert [item for item in joined if isinstance(item, ManifestNote)] == [
        ManifestNote("bad_row", "line 5", "../x: no path may leave the root"),
        ManifestNote("duplicate_row", "line 6", "s/a.jpg: the same as an earlier row"),
        ManifestNote("file_without_row", "new.jpg", "not in the manifest"),
        ManifestNote("row_without_file", "line 3", "gone.jpg: there is no such file"),
    ]


def test_size_and_time_of_a_file_survive_the_join(tmp_path: Path) -> None:
    found = manifest(tmp_path, "path,site\na,s\n")
    assert list(join([FoundFile("a", 12, 34)], found)) == [
        FoundFile("a", 12, 34, (SightingInfo(site="s"),))
    ]


def test_several_rows_are_several_sightings_in_row_order(tmp_path: Path) -> None:
    found = manifest(tmp_path, "path,text\na,z\nb,1\na,y\na,x\n")
    assert texts(join(files("a", "b"), found)) == {"a": ["z", "y", "x"], "b": ["1"]}


def test_the_path_fills_what_a_row_leaves_open(tmp_path: Path) -> None:
    found = manifest(tmp_path, "path,site,profile,text\na,,,1\na,S,,2\na,,P,3\na,S,P,4\n")
    known = SightingInfo(site="s", profile="p")
    (item,) = join(files("a", info=known), found)
    assert isinstance(item, FoundFile)
    assert [(info.site, info.profile) for info in item.sightings] == [
        ("s", "p"),
        ("S", "p"),
        ("s", "P"),
        ("S", "P"),
    ]
    (alone, _) = join(files("b", info=known), manifest(tmp_path, "path\n"))
    assert alone == files("b", info=known)[0]


def test_a_skipped_file_explains_its_row(tmp_path: Path) -> None:
    found = manifest(tmp_path, "path\nlink.jpg\n")
    *_, note = join([SkippedFile("link.jpg", "a link that leads nowhere")], found)
    assert note == ManifestNote(
        "row_without_file", "line 2", "link.jpg: skipped: a link that leads nowhere"
    )


def test_unicode_forms_and_case_meet_when_only_one_file_can_be_meant(tmp_path: Path) -> None:
    found = manifest(tmp_path, "path,text\ncaf\u00e9.jpg,1\nPHOTOS/IMG.JPG,2\n a.jpg ,3\n")
    joined = list(join(files("cafe\u0301.jpg", "photos/img.jpg", "a.jpg"), found))
    assert texts(joined) == {"cafe\u0301.jpg": ["1"], "photos/img.jpg": ["2"], "a.jpg": ["3"]}
    assert notes(joined) == []


def test_an_exact_path_goes_before_one_that_is_only_like_it(tmp_path: Path) -> None:
    found = manifest(tmp_path, "path,text\na.jpg,1\n\u00e9,2\n")
    for paths in (["A.jpg", "a.jpg", "e\u0301", "\u00e9"], ["\u00e9", "e\u0301", "a.jpg", "A.jpg"]):
        joined = list(join(files(*paths), found))
        assert texts(joined) == {"a.jpg": ["1"], "A.jpg": [""], "\u00e9": ["2"], "e\u0301": [""]}
        assert sorted(notes(joined)) == [
            ("file_without_row", "A.jpg"),
            ("file_without_row", "e\u0301"),
        ]


def test_the_same_unicode_form_goes_before_another_case(tmp_path: Path) -> None:
    found = manifest(tmp_path, "path,text\n\u00e9.jpg,1\n")
    joined = texts(join(files("E\u0301.jpg", "e\u0301.jpg"), found))
    assert joined == {"e\u0301.jpg": ["1"], "E\u0301.jpg": [""]}


def test_a_row_that_may_mean_two_files_means_none(tmp_path: Path) -> None:
    found = manifest(tmp_path, "path,text\nIMG.jpg,1\n")
    joined = list(join(files("img.jpg", "img.JPG"), found))
    assert texts(joined) == {"img.jpg": [""], "img.JPG": [""]}
    assert notes(joined) == [
        ("file_without_row", "img.jpg"),
        ("file_without_row", "img.JPG"),
        ("row_without_file", "line 2"),
    ]


def test_rows_that_spell_one_file_in_several_ways_all_reach_it(tmp_path: Path) -> None:
    found = manifest(tmp_path, "path,text\nA.jpg,1\na.jpg,2\nA.JPG,3\n")
    joined = list(join(files("a.jpg"), found))
    assert texts(joined) == {"a.jpg": ["1", "2", "3"]}
    assert notes(joined) == []


def test_names_that_are_not_utf8_can_be_named(tmp_path: Path) -> None:
    escaped = json.dumps({"path": "s/caf\udce9.jpg", "text": "1"})
    shown = json.dumps({"path": r"s/tab\xff.jpg", "text": "2"})
    found = manifest(tmp_path, escaped + "\n" + shown + "\n")
    joined = list(join(files("s/caf\udce9.jpg", "s/tab\udcff.jpg", "\udcfe"), found))
    assert texts(joined) == {"s/caf\udce9.jpg": ["1"], "s/tab\udcff.jpg": ["2"], "\udcfe": [""]}
    assert [item for item in joined if isinstance(item, ManifestNote)] == [
        ManifestNote("file_without_row", r"\xfe", "not in the manifest")
    ]


names = st.sets(
    st.text(st.sampled_from("aAbB\u00e9\u00c9\u0301e/"), min_size=1, max_size=3).filter(
        lambda path: not path.startswith("/") and "//" not in path and not path.endswith("/")
    ),
    max_size=8,
)


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(on_disk=names, in_rows=names)
def test_no_file_and_no_row_is_lost_or_used_twice(
    tmp_path: Path, on_disk: set[str], in_rows: set[str]
) -> None:
    lines = [json.dumps({"path": path, "text": path}) for path in sorted(in_rows)]
    found = manifest(tmp_path, "\n".join(lines)) if lines else Manifest({}, 0, ())
    joined = list(join(files(*sorted(on_disk)), found))
    used = texts(joined)
    problems = [item for item in joined if isinstance(item, ManifestNote)]
    assert set(used) == on_disk
    named = [text for given_texts in used.values() for text in given_texts if text]
    rest = [note.message.split(":")[0] for note in problems if note.problem == "row_without_file"]
    assert sorted(named + rest) == sorted(in_rows)
    bare = {note.where for note in problems if note.problem == "file_without_row"}
    assert bare == {path for path, given_texts in used.items() if given_texts == [""]}
    for path in on_disk & in_rows:
        assert path in used[path]


# --- ads without a photo -----------------------------------------------------------------------


def ads(found: Manifest) -> list[tuple[str, ...]]:
    """The texts of each ad without a photo."""
    return [tuple(info.text for info in ad.sightings) for ad in found.ads()]


def test_a_row_without_a_path_is_an_ad_of_its_profile(tmp_path: Path) -> None:
    rows = ["a.jpg,s,p,1,photo", ",s,p,1,one", ",s,p,1,two", ",s,p,,three", ",s,,2,nobody"]
    found = manifest(tmp_path, "path,site,profile,ad_id,text\n" + "\n".join(rows) + "\n")
    assert [row.path for row in found.rows()] == ["a.jpg"]
    assert ads(found) == [("one", "two"), ("three",)]
    assert notes(found.notes) == [("bad_row", "line 6")]
    joined = list(join(files("a.jpg"), found))
    assert [item for item in joined if isinstance(item, FoundAd)] == list(found.ads())


def test_ads_are_told_apart_by_their_further_columns_too(tmp_path: Path) -> None:
    found = manifest(tmp_path, "path,profile,tg\n,p,@a\n,p,@b\n,p,@a\n")
    assert [[dict(info.extra) for info in ad.sightings] for ad in found.ads()] == [
        [{"tg": "@a"}],
        [{"tg": "@b"}],
    ]
    assert notes(found.notes) == [("duplicate_row", "line 4")]
    assert found.further == {"tg"}


def test_an_ad_is_known_by_its_number_or_address_and_else_by_what_it_says() -> None:
    def key(**words: str) -> str:
        return FoundAd.key_of(SightingInfo(site="s", profile="p", **words))  # type: ignore[arg-type]

    assert key(ad_id="1", text="a") == key(ad_id="1", text="b", url="x") != key(ad_id="2")
    assert key(url="x", text="a") == key(url="x", text="b") != key(ad_id="x", text="a")
    assert key(text="a", phone="b") != key(text="b", phone="a")
    assert FoundAd.poster_in(key(text="a")) == FoundAd.poster_in(key(text="b")) != ""
    assert FoundAd.poster_in(key(ad_id="1")) == ""


@pytest.mark.parametrize("text", ["profile;text\nanna;hi\n", '{"profile": "anna", "text": "hi"}\n'])
def test_a_table_of_ads_alone_needs_no_paths(tmp_path: Path, text: str) -> None:
    found = manifest(tmp_path, text)
    assert ads(found) == [("hi",)]
    assert notes(found.notes) == [("no_path_column", "line 1")]
