"""Reading tables that people and scrapers wrote."""

import codecs
import csv
import io
import json
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imagematch.errors import ManifestError
from imagematch.records import ManifestNote
from imagematch.sources import table_rows
from imagematch.sources.table_rows import Row, rows

# NULs are dropped and lone surrogates can't be written.
cell = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
lenient = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def written(tmp_path: Path, data: bytes | str, name: str = "manifest.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def values(path: Path) -> list[dict[str, str]]:
    return [dict(row.values) for row in rows(path) if isinstance(row, Row)]


def notes(path: Path) -> list[ManifestNote]:
    return [row for row in rows(path) if isinstance(row, ManifestNote)]


# --- CSV ---------------------------------------------------------------------------------------


@lenient
@given(
    table=st.lists(st.tuples(cell, cell, cell), max_size=6),
    separator=st.sampled_from(",;\t|"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    # Python 3.12 writes a lone CR without quotes unless the line end holds one.
    style=st.sampled_from([("\n", csv.QUOTE_ALL), ("\r\n", csv.QUOTE_MINIMAL)]),
)
def test_a_csv_comes_back_as_it_was_written(
    tmp_path: Path,
    table: list[tuple[str, str, str]],
    separator: str,
    encoding: str,
    style: tuple[str, Literal[0, 1]],
) -> None:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator, lineterminator=style[0], quoting=style[1])
    writer.writerows([("path", "site", "Größe"), *table])
    path = written(tmp_path, text.getvalue().encode(encoding))
    wanted = [
        dict(zip(("path", "site", "Größe"), row, strict=True))
        for row in table
        if any(map(str.strip, row))
    ]
    assert values(path) == wanted
    assert notes(path) == []


@lenient
@given(data=st.binary(max_size=200))
def test_no_bytes_break_the_reader(tmp_path: Path, data: bytes) -> None:
    for row in rows(written(tmp_path, b"path,text\n" + data)):
        for text in row.values.values() if isinstance(row, Row) else [row.message]:
            text.encode("utf-8")


def test_column_names_count_without_case_and_blanks(tmp_path: Path) -> None:
    path = written(tmp_path, " PATH , Site,Ad_ID, Price EUR ,,Site\na,b,c,d,e,f\n")
    assert values(path) == [
        {
            "path": "a",
            "site": "b",
            "ad_id": "c",
            "Price EUR": "d",
            "column 5": "e",
            "site (6)": "f",
        }
    ]


def test_a_separator_line_of_excel_is_understood(tmp_path: Path) -> None:
    path = written(tmp_path, "sep=;\r\npath;text\r\na.jpg;1,2,3\r\n")
    assert values(path) == [{"path": "a.jpg", "text": "1,2,3"}]


def test_empty_cells_beyond_the_header_and_blank_rows_are_no_fault(tmp_path: Path) -> None:
    path = written(tmp_path, "\n\npath,site\n\na.jpg,s,,\n,\n , ,,\n")
    assert values(path) == [{"path": "a.jpg", "site": "s"}]
    assert notes(path) == []


def test_rows_are_numbered_by_the_line_they_begin_in(tmp_path: Path) -> None:
    path = written(tmp_path, 'path,text\r\na,"1\r\n2\r\n3"\r\n\r\nb,4\r\n')
    assert [row.line for row in rows(path) if isinstance(row, Row)] == [2, 6]


def test_old_mac_line_ends_are_understood(tmp_path: Path) -> None:
    assert values(written(tmp_path, "path,site\ra,b\rc,d\r")) == [
        {"path": "a", "site": "b"},
        {"path": "c", "site": "d"},
    ]


def test_wrong_numbers_of_fields_are_noted(tmp_path: Path) -> None:
    path = written(tmp_path, "path,site,text\na,b\nc,d,e\nf,g,h,i\n")
    assert values(path) == [{"path": "c", "site": "d", "text": "e"}]
    assert notes(path) == [
        ManifestNote("bad_row", "line 2", "2 fields where the header has 3"),
        ManifestNote("bad_row", "line 4", "4 fields where the header has 3"),
    ]


def test_a_quote_that_never_closes_costs_one_row(tmp_path: Path) -> None:
    body = "".join(f"{n}.jpg,s,t\n" for n in range(3000))
    path = written(tmp_path, f'path,site,text\nx.jpg,"s,t\n{body}y.jpg,s,"t\nz.jpg,s,t\n')
    assert [row["path"] for row in values(path)] == [*(f"{n}.jpg" for n in range(3000)), "z.jpg"]
    assert notes(path) == [
        ManifestNote("bad_row", "line 2", "a quotation mark that never closes"),
        ManifestNote("bad_row", "line 3003", "a quotation mark that never closes"),
    ]


def test_sloppy_quotes_are_read(tmp_path: Path) -> None:
    path = written(tmp_path, 'path,text\na,"Anna" is back\nb,5" heels\nc,"say ""hi"""\n')
    assert [row["text"] for row in values(path)] == ["Anna is back", '5" heels', 'say "hi"']
    assert notes(path) == []


def test_a_cell_beyond_the_usual_limit_is_read(tmp_path: Path) -> None:
    text = "x" * 300_000
    assert values(written(tmp_path, f"path,text\na,{text}\n")) == [{"path": "a", "text": text}]


def test_nuls_are_dropped(tmp_path: Path) -> None:
    path = written(tmp_path, "path,text\na\0.jpg,\0b\0\n")
    assert values(path) == [{"path": "a.jpg", "text": "b"}]


# --- encodings ---------------------------------------------------------------------------------


def test_windows_1252_is_read_and_noted_and_spoils_no_utf8(tmp_path: Path) -> None:
    data = "path,text\nשלום.jpg,1\n".encode() + "café.jpg,5 €\nà.jpg,“x”\n".encode("cp1252")
    path = written(tmp_path, data)
    assert [row["path"] for row in values(path)] == ["שלום.jpg", "café.jpg", "à.jpg"]
    assert [row["text"] for row in values(path)] == ["1", "5 €", "“x”"]
    assert notes(path) == [
        ManifestNote(
            "not_utf8",
            "line 3",
            "the first of 2 lines that are not UTF-8; read as Windows-1252",
        )
    ]


@pytest.mark.parametrize(
    "data",
    [
        codecs.BOM_UTF16_LE + "path,text\nא,😀\n".encode("utf-16-le"),
        codecs.BOM_UTF16_BE + "path,text\nא,😀\n".encode("utf-16-be"),
        "path,text\nא,😀\n".encode("utf-16-le"),
        "path,text\nא,😀\n".encode("utf-16-be"),
        codecs.BOM_UTF8 + "path,text\nא,😀\n".encode(),
        codecs.BOM_UTF8 + '{"path": "א", "text": "😀"}\n'.encode(),
    ],
)
def test_unicode_encodings_are_told_apart(tmp_path: Path, data: bytes) -> None:
    assert values(written(tmp_path, data)) == [{"path": "א", "text": "😀"}]


# --- JSONL -------------------------------------------------------------------------------------


@lenient
@given(
    table=st.lists(
        st.fixed_dictionaries({"path": st.text(), "text": st.text(), "Größe": st.text()}),
        min_size=1,
        max_size=6,
    ),
    ascii_only=st.booleans(),
)
def test_jsonl_comes_back_as_it_was_written(
    tmp_path: Path, table: list[dict[str, str]], ascii_only: bool
) -> None:
    lines = [json.dumps(row, ensure_ascii=ascii_only) + "\n" for row in table]
    assert values(written(tmp_path, "".join(lines), "m.jsonl")) == table


def test_json_values_become_text(tmp_path: Path) -> None:
    line = (
        '{"Path ": "a", "ad_id": 12345678901234567890, "url": null, "price": 1.5, "new": true, '
        '"tags": ["é", {"n": 1}]}'
    )
    assert values(written(tmp_path, line, "no-suffix")) == [
        {
            "path": "a",
            "ad_id": "12345678901234567890",
            "url": "",
            "price": "1.5",
            "new": "true",
            "tags": '["é", {"n": 1}]',
        }
    ]


def test_lines_that_are_no_json_object_are_noted(tmp_path: Path) -> None:
    lines = ['{"path": "a"}', "{oops", '["a"]', "", "[" * 100_000, "9" * 5000, '{"path": "b"}']
    path = written(tmp_path, "\n".join(lines), "m.jsonl")
    assert [row["path"] for row in values(path)] == ["a", "b"]
    assert [(note.problem, note.where) for note in notes(path)] == [
        ("bad_row", f"line {line}") for line in (2, 3, 5, 6)
    ]


# --- files that are no manifest ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "name", "message"),
    [
        (b"", "m.csv", "is empty"),
        (b" \n\n", "m.csv", "is empty"),
        (b"file,site\na,b\n", "m.csv", "no column `path`; its first line has file, site"),
        (b"sep=;\n", "m.csv", "no column `path`; its first line has nothing"),
        (b'[{"path": "a"}]', "m.json", "one JSON array"),
        (b'{\n  "path": "a"\n}\n', "m.json", "no line of it is a JSON object"),
        (b'{"file": "a"}\n', "m.jsonl", "no line of it is a JSON object"),
        (b"PK\x03\x04rest", "m.csv", "Excel workbook or a ZIP"),
        (b"\x1f\x8brest", "m.csv.gz", "gzip"),
        (bytes(range(256)), "m.csv", "no column `path`"),
    ],
)
def test_what_is_no_manifest_is_refused_with_a_reason(
    tmp_path: Path, data: bytes, name: str, message: str
) -> None:
    with pytest.raises(ManifestError, match=message) as caught:
        list(rows(written(tmp_path, data, name)))
    assert name in str(caught.value)


def test_an_endless_line_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_rows, "MAX_LINE", 100)
    with pytest.raises(ManifestError, match="line 2 is longer"):
        list(rows(written(tmp_path, "path\n" + "x" * 200)))


def test_missing_files_and_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="does not exist"):
        list(rows(tmp_path / "m.csv"))
    with pytest.raises(ManifestError, match="is not a file"):
        list(rows(tmp_path))
