"""Made-up catalogues: the same for the same seed, sound, and what is measured on them."""

from pathlib import Path

from benchmark.speed.synthetic_catalogue import make_catalogue, measure_link
from imagematch.stores.index import Index
from tests import recipes
from tests.contents import contents, differences


def test_catalogue_follows_from_its_seed(tmp_path: Path) -> None:
    made = [make_catalogue(tmp_path / name, 300, seed) for name, seed in (("a", 1), ("b", 1))]
    assert made[0] == made[1]
    assert differences(contents(tmp_path / "a"), contents(tmp_path / "b")) == []
    make_catalogue(tmp_path / "c", 300, 2)
    assert differences(contents(tmp_path / "a"), contents(tmp_path / "c")) != []


def test_catalogue_is_an_index_like_any_other(tmp_path: Path) -> None:
    files, matches = make_catalogue(tmp_path / "made", 500, 3)
    with Index.read(tmp_path / "made") as index:
        assert index.catalogue.check() == index.compare(repair=False) == []
        assert index.photos.counts()["described"] == 500
        assert index.sightings.counts()["files"] == files
        assert sum(index.matches.counts().values()) == matches > 50
    report = recipes.link_profiles(tmp_path / "made")
    assert report.links
    assert any(photo.reason == "shared_by_many" for photo in report.hot)


def test_link_is_measured_on_each_size(tmp_path: Path) -> None:
    told: list[str] = []
    costs = measure_link([200, 400], tmp_path, 1, told.append)
    assert [cost.photos for cost in costs] == [200, 400]
    assert all(cost.seconds > 0 and cost.peak > 10e6 for cost in costs)
    assert list(tmp_path.iterdir()) == []
    assert len(told) == 4
