"""The data of a run holds everything that was measured, as JSON that any program reads."""

import json
from dataclasses import replace
from pathlib import Path

from benchmark.quality import data
from benchmark.quality.cases import Direction, Hit
from benchmark.quality.figures import measure
from imagematch.reports.json import dumps
from tests.benchmark.builders import FOLDER, PICTURES, SMALL, benchmark, case, run, verdict


def test_dump_is_strict_json_and_holds_every_hit() -> None:
    dumped = json.loads(dumps(data.dump(SMALL, measure(SMALL), date="2026-05-09", seed=7)))
    assert (dumped["date"], dumped["seed"], dumped["photos"]) == ("2026-05-09", 7, 1234)
    assert dumped["runs"][0]["hits"] == {
        "a": [["1.jpg", 0.9996, "copy", True]],
        "b": [["9.jpg", 0.8, "copy", True]],
    }
    assert dumped["cases"][1] == {
        "name": "b",
        "edit": "crop_20",
        "steps": ["crop_20 0.3"],
        "source": "2.jpg",
        "path": "queries/b.jpg",
        "indexed": False,
        "beside": [],
    }
    assert dumped["hard"][0]["pair"]["group"] == "flat"
    assert dumped["twins"] == [["1.jpg", "3.jpg"]]
    balanced = dumped["figures"]["methods"][0]
    assert balanced["points"]["0.99"] == {"threshold": 0.9996, "precision": 1.0, "recall": 1.0}
    assert balanced["edits"]["blur"] == {"cases": 1, "found": 1, "share": 1.0}


def test_what_does_not_exist_is_null() -> None:
    silent = benchmark([case("a", "1.jpg")], [run({})])
    dumped = json.loads(dumps(data.dump(silent, measure(silent), date="2026-05-09", seed=7)))
    method = dumped["figures"]["methods"][0]
    assert method["points"]["1.0"] == {"threshold": None, "precision": None, "recall": 0.0}
    assert method["reliability"]["everything"]["equal_width"] is None


def test_names_that_are_not_utf8_are_spelled_out() -> None:
    odd = benchmark([case("a", "\udcff.jpg")], [run({"a": [Hit("\udcff.jpg", 0.9)]})])
    text = dumps(data.dump(odd, measure(odd), date="2026-05-09", seed=7))
    assert json.loads(text.encode())["runs"][0]["hits"]["a"][0][0] == "\\xff.jpg"


def test_paths_do_not_name_the_folder_that_pictures_were_made_in() -> None:
    made = replace(case("a", "1.jpg"), path=PICTURES / "queries" / "a.jpg")
    asked = replace(case("o", "a.jpg"), path=FOLDER / "1.jpg")
    pair = replace(verdict("flat", "").pair, left=PICTURES / "hard" / "l.jpg", right=Path("r.jpg"))
    whole = replace(
        benchmark([made], [run({})], hard=[replace(verdict("flat", ""), pair=pair)]),
        backwards=Direction((asked,), run({})),
    )
    dumped = data.dump(whole, measure(whole), date="2026-05-09", seed=7)
    assert dumped["cases"][0]["path"] == "queries/a.jpg"
    assert dumped["backwards"]["cases"][0]["path"] == "1.jpg"
    assert dumped["hard"][0]["pair"]["left"] == "hard/l.jpg"
    assert dumped["hard"][0]["pair"]["right"] == "r.jpg"


def test_summary_has_figures_and_leaves_out_what_they_come_from() -> None:
    summary = data.summary(SMALL, measure(SMALL), date="2026-05-09", seed=7)
    assert summary["figures"]["methods"][0]["micro_ap"] == 1.0
    assert not {"cases", "runs", "hard"} & summary.keys()
