"""The documents tell the truth: commands run, links lead somewhere, nothing is left out."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import click
import jsonschema
import pytest

from benchmark.commands import commands as benchmark
from imagematch import errors, wording
from imagematch.cli.commands import cli
from imagematch.presets import PRESETS
from imagematch.records import LinkReport
from imagematch.reports import csv, graph
from imagematch.settings import DEFAULTS
from imagematch.sources import manifest, table_rows
from tests.scripts import script

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
ARCHITECTURE = ROOT / "docs" / "architecture.md"
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
#: Where the paths of modules may begin.
TOPS = (".", "imagematch")
BENCHMARK = ROOT / "benchmark" / "README.md"
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").glob("**/*.md"),
        ROOT / "samples/README.md",
        BENCHMARK,
    ]
)
SCHEMAS = sorted((ROOT / "docs" / "schemas").glob("*.json"))
#: Everything that is kept in version control but lock files, which are long and generated.
PARTS = ("imagematch", "benchmark", "docs", "scripts", "tests", ".ci")

#: The programs by what one types, and the page that lists the commands of each.
PROGRAMS: dict[str, tuple[click.Command, Path]] = {
    "imagematch": (cli, README),
    "python -m benchmark": (benchmark, BENCHMARK),
}

EMPTY = LinkReport(0, (), (), (), (), (), (), ())

#: A fenced block, with the comment above it that says what tests do with it, if there is one.
BLOCK = re.compile(
    r"^(?:<!-- (?P<note>[^\n]*?) -->\n)?```(?P<language>\w*)\n(?P<text>.*?)^```$", re.M | re.S
)


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def blocks(page: Path, language: str = "") -> list[str]:
    """The texts of the fenced blocks in one language."""
    found = BLOCK.finditer(text_of(page))
    return [block["text"] for block in found if language in ("", block["language"])]


def commands_of(console: str) -> list[str]:
    """The lines of a console block that a reader types."""
    return [line.removeprefix("$ ") for line in console.splitlines() if line.startswith("$ ")]


def everything(path: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    """A command and all that are in it, by what one types."""
    yield path, command
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from everything(f"{path} {name}", inner)


def leaves(program: str) -> dict[str, click.Command]:
    """Every command of a program that does something, by what one types."""
    found = everything(program, PROGRAMS[program][0])
    return {path: command for path, command in found if not isinstance(command, click.Group)}


#: Every command and group of every program, by what one types.
EVERYTHING = [
    found for program, (command, _) in PROGRAMS.items() for found in everything(program, command)
]


def options_of(command: click.Command) -> set[str]:
    """Long names of a command's options; `--help` and `--index` are the same everywhere."""
    names = {
        name
        for option in command.params
        if isinstance(option, click.Option)
        for name in (*option.opts, *option.secondary_opts)
        if name.startswith("--")
    }
    return names - {"--help", "--index"}


def table_below(page: Path, heading: str) -> list[list[str]]:
    """Cells of the first table below a heading, without its head."""
    text = text_of(page).split(f"\n{heading}\n", 1)[1]
    rows = re.search(r"^\| ---.*\n((?:\|.*\n)+)", text, re.M)
    assert rows is not None
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[1].splitlines()]


# --- commands ----------------------------------------------------------------------------------


@pytest.mark.parametrize("program", PROGRAMS)
def test_readme_lists_every_command_with_exactly_its_options(program: str) -> None:
    listed = {}
    for command, options in table_below(PROGRAMS[program][1], "## Commands"):
        words = command.strip("`").split()
        path = " ".join(word for word in words if word.islower())
        listed[path] = set(re.findall(r"--[a-z-]+", options))
    assert listed == {path: options_of(command) for path, command in leaves(program).items()}


@pytest.mark.parametrize(("path", "command"), EVERYTHING, ids=str)
def test_help_has_an_example(path: str, command: click.Command) -> None:
    shown = command.get_help(click.Context(command, info_name=path))
    examples = shown.split("Example", 1)[-1] if command is not cli else shown
    assert re.search(rf"^ +{path}( |$)", examples, re.M)


def test_every_option_says_what_it_does() -> None:
    silent = [
        f"{path} {option.opts[0]}"
        for path, command in EVERYTHING
        for option in command.params
        if isinstance(option, click.Option) and not option.help
    ]
    assert silent == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_commands_in_documents_exist(page: Path) -> None:
    known = {path: command for program in PROGRAMS for path, command in leaves(program).items()}
    for console in blocks(page, "console"):
        for line in commands_of(console):
            words = shlex.split(line, comments=True)
            if not line.startswith(tuple(f"{program} " for program in PROGRAMS)):
                continue
            path = next(" ".join(words[:n]) for n in (4, 3, 2) if " ".join(words[:n]) in known)
            given = {word for word in words if word.startswith("--")}
            assert given <= options_of(known[path]) | {"--index", "--help"}, line


def test_make_targets_in_documents_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", text_of(ROOT / "Makefile"), re.M))
    for page in PAGES:
        for console in blocks(page, "console"):
            named = {line.split()[1] for line in commands_of(console) if line.startswith("make ")}
            assert named <= targets, page


def test_readme_says_of_each_preset_what_its_help_says() -> None:
    listed = [(row[0].strip("`"), row[1]) for row in table_below(README, "## Presets")]
    assert listed == [(name, preset.about) for name, preset in PRESETS.items()]


def test_readme_lists_every_exit_code() -> None:
    text = text_of(README)
    table = text[text.index("| exit code | meaning |") :].split("\n\n", 1)[0]
    listed = {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.M)}
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    assert listed == {0} | {kind.exit_code for kind in kinds if hasattr(kind, "exit_code")}


def test_readme_says_of_each_band_what_the_calibration_says() -> None:
    table = text_of(README).split("| band | confidence | right when measured |\n", 1)[1]
    rows = table.split("\n\n", 1)[0].splitlines()[1:]
    listed = [tuple(cell.strip(" `") for cell in row.strip("|").split("|")) for row in rows]
    assert listed == [
        tuple(cell.replace("\u00a0", " ") for cell in row) for row in wording.band_rows()
    ]


@pytest.mark.parametrize(("name", "part"), [("query", "match"), ("link", "pair")])
def test_schemas_name_every_band(name: str, part: str) -> None:
    schema = json.loads(text_of(ROOT / f"docs/schemas/{name}.schema.json"))
    named = schema["$defs"][part]["properties"]["band"]["enum"]
    assert named == [*(band for band, _, _ in wording.band_rows()), ""]


# --- the README's commands run -----------------------------------------------------------------


@pytest.fixture
def case(tmp_path: Path) -> Path:
    """A folder with what the README's commands name, made from the samples."""
    pytest.importorskip("skimage", reason="the sample photos come with scikit-image")
    pytest.importorskip("matplotlib", reason="one sample photo comes with Matplotlib")
    samples = script("make_samples")
    made, folder = tmp_path / "samples", tmp_path / "case"
    samples.build(made)
    shutil.copytree(made / "ads", folder / "ads")
    shutil.copytree(made / "gallery" / "case-0417", folder / "reference")
    shutil.copytree(made / "queries", folder / "phone_export")
    shutil.copy(made / "manifest.csv", folder / "ads.csv")
    shutil.copy(made / "queries" / "found.jpg", folder / "photo.jpg")
    return folder


@pytest.mark.slow
@pytest.mark.model
def test_readme_commands_run_as_written(case: Path) -> None:
    binaries = str(Path(sys.executable).parent)
    environment = {**os.environ, "PATH": os.pathsep.join((binaries, os.environ["PATH"]))}
    environment.pop("IMAGEMATCH_INDEX", None)
    ran = []
    for block in BLOCK.finditer(text_of(README)):
        note = block["note"] or ""
        if note.startswith("file: "):
            (case / note.removeprefix("file: ")).write_text(block["text"], encoding="utf-8")
        if note != "tested":
            continue
        for line in commands_of(block["text"]):
            # The shell is the reader's: some commands are redirected.
            done = subprocess.run(
                line, shell=True, cwd=case, env=environment, capture_output=True, timeout=300
            )
            assert done.returncode == 0, f"{line}\n{done.stderr.decode()}"
            ran.append(line.split()[1])
    assert {"index", "query", "link", "gallery", "reindex"} <= set(ran)
    for written in ("found.html", "report.html", "pairs.csv", "profiles.gexf", "profiles.graphml"):
        assert (case / written).stat().st_size > 0
    answers = [json.loads(line) for line in (case / "found.jsonl").read_text("utf-8").splitlines()]
    example = json.loads(blocks(README, "json")[0])
    assert example["matches"][0]["path"] in [
        match["path"] for answer in answers for match in answer["matches"]
    ]


# --- examples and formats ----------------------------------------------------------------------


def test_json_example_of_the_readme_follows_the_schema() -> None:
    schema = json.loads(text_of(ROOT / "docs/schemas/query.schema.json"))
    jsonschema.validate(json.loads(blocks(README, "json")[0]), schema)


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.name)
def test_schema_is_a_valid_schema(path: Path) -> None:
    schema = json.loads(text_of(path))
    jsonschema.validators.validator_for(schema).check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("language", ["csv", "jsonl"])
def test_manifest_examples_are_read_without_a_note(language: str, tmp_path: Path) -> None:
    (example,) = blocks(ROOT / "docs/manifest.md", language)
    path = tmp_path / f"ads.{language}"
    path.write_text(example, encoding="utf-8")
    read = manifest.read(path, DEFAULTS.scan)
    assert read.notes == ()
    assert {row.info.profile for row in read.rows()} == {"mara_k"}


def test_manifest_page_lists_every_column_and_every_problem() -> None:
    page = ROOT / "docs/manifest.md"
    columns = {
        name for row in table_below(page, "## Columns") for name in re.findall(r"`(\w+)`", row[0])
    }
    assert columns == set(table_rows.COLUMNS)
    problems = {row[0].strip("`") for row in table_below(page, "## What is reported")}
    sources = "".join(map(text_of, (ROOT / "imagematch/sources").glob("*.py")))
    assert problems == set(re.findall(r'(?:ManifestNote|_note)\(\s*"(\w+)"', sources))


def test_link_report_page_lists_every_column_and_value_of_its_files() -> None:
    page = ROOT / "docs/link-report.md"
    columns = [
        name for row in table_below(page, "## CSV") for name in re.findall(r"`(\w+)`", row[0])
    ]
    assert sorted(columns) == sorted(csv.COLUMNS)
    rows = table_below(page, "## GEXF and GraphML")
    values = [(row[0], name) for row in rows for name in re.findall(r"`(\w+)`", row[1])]
    declared = re.findall(r'for="(\w+)" attr.name="(\w+)"', "".join(graph.graphml_parts(EMPTY)))
    assert sorted(values) == sorted(set(declared) - {("node", "label"), ("edge", "weight")})


# --- pages -------------------------------------------------------------------------------------


def test_architecture_names_every_room_and_every_decision() -> None:
    text = text_of(ARCHITECTURE)
    rooms = {row[0] for row in table_below(ARCHITECTURE, "## The rooms")}
    packages = {path.parent.name for path in (ROOT / "imagematch").glob("*/__init__.py")}
    words = {path.name for path in (ROOT / "imagematch").glob("[a-z]*.py")}
    assert (
        set(re.findall(r"`([^`]+)`", " ".join(rooms))) == {f"{name}/" for name in packages} | words
    )
    linked = re.findall(r"^\d+\. \[.*\]\(decisions/(.*)\)$", text, re.M)
    assert linked == [page.name for page in DECISIONS]


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem)
def test_a_decision_says_what_was_chosen_and_what_was_measured(page: Path) -> None:
    text = text_of(page)
    assert text.startswith(f"# {int(page.stem[:4])}. ")
    marks = ["**Context.**", "**Choice.**", "**Measured.**"]
    assert re.findall(r"^\*\*(?:Context|Choice|Measured)\.\*\*", text, re.M) == marks


@pytest.mark.parametrize("page", [ARCHITECTURE, *DECISIONS], ids=lambda page: page.stem)
def test_modules_that_the_architecture_names_exist(page: Path) -> None:
    named = re.findall(r"`((?:\w+/)+[a-z_]+\.py)`", text_of(page))
    assert [path for path in named if not any((ROOT / top / path).is_file() for top in TOPS)] == []


@pytest.mark.parametrize("top", ["imagematch", "benchmark"])
def test_no_two_modules_share_a_name_but_a_command_and_what_it_calls(top: str) -> None:
    names = Counter(
        path.name
        for path in (ROOT / top).rglob("[a-z]*.py")
        if path.parent != ROOT / "imagematch" / "cli"
    )
    assert [name for name, count in names.items() if count > 1] == []


def anchors(page: Path) -> set[str]:
    """What GitHub makes of a page's headings."""
    prose = BLOCK.sub("", text_of(page))
    headings = re.findall(r"^#+ (.+)$", prose, re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_inside_the_repository_lead_somewhere(page: Path) -> None:
    prose = BLOCK.sub("", text_of(page))
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if re.match(r"(https?|mailto):", target):
            continue
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        assert linked.exists(), f"{page.name} links to {target}"
        assert not anchor or anchor in anchors(linked), f"{page.name} links to {target}"


def test_no_file_names_a_path_of_a_developers_machine() -> None:
    machines = re.compile(r"(?<![\w.}>*-])/(root|work|tmp|Users)/\w")  # tests may name /tmp
    named = []
    for path in kept_files():
        found = machines.findall(path.read_text(encoding="utf-8", errors="replace"))
        if found and not (path.is_relative_to(ROOT / "tests") and set(found) <= {"tmp"}):
            named.append(path.relative_to(ROOT).as_posix())
    assert named == []


def kept_files() -> Iterator[Path]:
    """Text files of the repository."""
    inside = (path for part in PARTS for path in (ROOT / part).rglob("*"))
    for path in (*inside, *ROOT.glob("*")):
        binary = path.suffix in (".png", ".jpg", ".lock", ".pyc")
        if path.is_file() and not binary:
            yield path
