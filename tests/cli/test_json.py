"""What a command writes as JSON is what its records say themselves, and follows its schema."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from imagematch.records import QueryOptions
from imagematch.runtime.monitor import Unwatched
from imagematch.services import health
from tests import recipes
from tests.conftest import CommandLine, World

SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"


def _answers(world: World) -> list[dict[str, Any]]:
    asked = [str(photo) for photo in sorted(world.ads.rglob("*.jpg"))]
    found = recipes.query_photos(world.index, asked, QueryOptions(), Unwatched())
    return [result.to_dict() for result in found]


_SAID: dict[str, Callable[[World], Any]] = {
    "query": _answers,
    "link": lambda world: recipes.link_profiles(world.index).to_dict(),
    "status": lambda world: recipes.status_of(world.index).to_dict(),
    "doctor": lambda world: health.check(world.index, wanted=True).to_dict(),
    "hot": lambda world: {"hot": [each.to_dict() for each in recipes.hot_photos(world.index)]},
    "ignore": lambda world: {"ignored": [each.to_dict() for each in recipes.ignored(world.index)]},
    "decisions": lambda world: {
        "decisions": [each.to_dict() for each in recipes.history(world.index)],
        "operators": [],
    },
}
_LISTS = {"hot", "ignore", "decisions"}


@pytest.mark.parametrize("command", _SAID)
def test_a_command_writes_what_its_records_say(
    imagematch: CommandLine, world: World, command: str
) -> None:
    words: list[object] = [command, *(["list"] if command in _LISTS else [])]
    if command == "query":
        words += sorted(world.ads.rglob("*.jpg"))
    written = imagematch(*words, "--json", "--index", world.index).json()
    assert written == json.loads(json.dumps(_SAID[command](world)))

    schema = json.loads((SCHEMAS / f"{command}.schema.json").read_text("utf-8"))
    for data in written if command == "query" else [written]:
        jsonschema.Draft202012Validator(schema).validate(data)


def test_a_pass_and_its_report_follow_their_schemas(
    imagematch: CommandLine, tmp_path: Path
) -> None:
    jobs = tmp_path / "jobs.toml"
    jobs.write_text(
        f'[[job]]\nname = "gone"\nfolder = {json.dumps(str(tmp_path / "gone"))}\n', "utf-8"
    )
    said = imagematch("reindex", "--jobs", jobs, "--json", "--index", tmp_path / "index").json()
    report = json.loads(Path(said["report"]).read_text("utf-8"))
    assert report["jobs"] == said["jobs"]
    for name, data in (("reindex", said), ("new-matches", report)):
        schema = json.loads((SCHEMAS / f"{name}.schema.json").read_text("utf-8"))
        jsonschema.Draft202012Validator(schema).validate(data)
