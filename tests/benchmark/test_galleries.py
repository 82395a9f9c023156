"""How galleries scale: the index of made-up references is one that a query finds them in."""

from pathlib import Path

import pytest

from benchmark.speed import galleries


def test_few_references_are_all_found_and_cost_something(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(galleries, "_ADS", 300)
    galleries.make(tmp_path / "index", 200)

    shares = galleries.recall(tmp_path / "index", 200, copies=60)
    costs = dict(galleries.measured(tmp_path / "index", 200, count=5))

    assert set(shares.values()) == {1.0}
    assert list(costs) == ["gallery", "ads"]
    assert all(costs["gallery"]["found"])
    assert costs["gallery"]["query_cpu"] > 0
