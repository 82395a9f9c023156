"""Write docs/schemas from the types of imagematch/contract.py, so that they are never out of date.

With --check nothing is written, and the exit code is 1 when a file differs from the types.
"""

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

import msgspec

from imagematch import contract

FOLDER = Path(__file__).parents[1] / "docs" / "schemas"

#: Of each schema what it is of, and its type; or its two types, which differ in their status.
CONTENTS: dict[str, tuple[str, tuple[type[msgspec.Struct], ...]]] = {
    "compare": ("imagematch compare --json", (contract.Comparison, contract.FailedComparison)),
    "decisions": (
        "imagematch decisions list --json, and what imagematch decisions import reads",
        (contract.History,),
    ),
    "doctor": ("imagematch doctor --json", (contract.Checkup,)),
    "export-hashes": ("imagematch export hashes --jsonl, one line", (contract.ExportedHashes,)),
    "find": ("imagematch find --json", (contract.FindResult,)),
    "galleries": ("imagematch gallery list --json", (contract.GalleryList,)),
    "hashes": (
        "imagematch query --phash, --pdq or --hash-list with --jsonl, one line; --json is an array "
        "of these",
        (contract.HashAnswer, contract.UnusableHashes),
    ),
    "hot": ("imagematch hot list --json", (contract.HotList,)),
    "ignore": ("imagematch ignore list --json", (contract.IgnoreList,)),
    "index": ("imagematch index --json", (contract.IndexRun,)),
    "link": ("imagematch link --json", (contract.LinkReport,)),
    "new-matches": ("reports/*.json in an index", (contract.NewMatches,)),
    "query": (
        "imagematch query --jsonl, one line; --json is an array of these",
        (contract.Answer, contract.FailedQuery),
    ),
    "reindex": ("imagematch reindex --json", (contract.Pass,)),
    "status": ("imagematch status --json", (contract.Status,)),
}


def schemas() -> dict[str, str]:
    """The text of each file, by its name."""
    return {f"{name}.schema.json": _text(*content) for name, content in CONTENTS.items()}


def _text(title: str, types: tuple[type[msgspec.Struct], ...]) -> str:
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title}
    return json.dumps(schema | _schema(types), indent=2) + "\n"


def _schema(types: tuple[type[msgspec.Struct], ...]) -> dict[str, Any]:
    """One of the types, or one type as it is, with the parts that they are made of."""
    references, made = msgspec.json.schema_components(types, ref_template="#/$defs/{name}")
    parts = {_named(name): _plain(part) for name, part in made.items()}
    if len(types) > 1:
        about = parts[_named(types[0].__name__)]["description"]
        return {"description": about, "oneOf": _plain(list(references)), "$defs": parts}
    whole: dict[str, Any] = parts.pop(_named(types[0].__name__))
    return whole | {"$defs": parts} if parts else whole


def _named(name: str) -> str:
    """As JSON spells it: FailedQuery becomes failed_query."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def _plain(part: Any) -> Any:
    """The same without names of classes and what only OpenAPI knows, descriptions on one line."""
    if isinstance(part, list):
        return [_plain(entry) for entry in part]
    if not isinstance(part, dict):
        return part
    plain = {key: _plain(value) for key, value in part.items()}
    if isinstance(plain.get("type"), str):
        plain.pop("title", None)
    plain.pop("discriminator", None)
    if isinstance(text := plain.get("description"), str):
        plain["description"] = " ".join(text.split())
    if isinstance(to := plain.get("$ref"), str):
        plain["$ref"] = "#/$defs/" + _named(to.rpartition("/")[2])
    return plain


def differing() -> list[Path]:
    """Files that do not say what the types say, or that no type stands behind."""
    texts = schemas()
    stray = [path for path in FOLDER.glob("*.json") if path.name not in texts]
    return stray + [
        FOLDER / name
        for name, text in texts.items()
        if not (FOLDER / name).is_file() or (FOLDER / name).read_text(encoding="utf-8") != text
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description="Write docs/schemas from the types of the JSON.")
    parser.add_argument("--check", action="store_true", help="exit 1 if a file is out of date")
    if not parser.parse_args().check:
        for name, text in schemas().items():
            (FOLDER / name).write_text(text, encoding="utf-8", newline="\n")
    elif files := differing():
        names = ", ".join(path.name for path in files)
        sys.exit(f"{FOLDER}: {names} out of date: run python scripts/make_schemas.py")


if __name__ == "__main__":
    main()
