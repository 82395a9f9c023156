"""The queries of the benchmark: the same from one seed, honestly split, and with a known truth."""

import hashlib
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.copies.composites import COMPOSITES, HEAVY_COMPOSITES
from benchmark.copies.edits import EDITS
from benchmark.copies.heavy_edits import HEAVY_EDITS
from benchmark.quality import suite
from benchmark.quality.cases import Case
from benchmark.quality.suite import (
    CHAIN,
    CLASSES,
    HEAVY_CLASSES,
    MOST_HEAVY,
    MOST_QUERIES,
    REPORTING,
    TUNING,
    Plan,
    SourcePhoto,
    indexed,
    make,
    photos_of,
    plan,
)
from imagematch.errors import SourceUnavailable
from imagematch.kernels import decode
from imagematch.records import Bytes
from imagematch.settings import DEFAULTS
from tests.world import photo, save


def sources(count: int) -> list[SourcePhoto]:
    """Photos that need no files."""
    return [
        SourcePhoto(f"{number:04}.jpg", hashlib.sha256(str(number).encode()).hexdigest())
        for number in range(count)
    ]


MANY = sources(600)


def read(path: Path) -> Bytes:
    return decode.decode(path.read_bytes(), DEFAULTS.decode).rgb


# --- photos --------------------------------------------------------------------------------------


def test_each_content_is_one_photo_by_path(tmp_path: Path) -> None:
    for name, seed in (("b/2.jpg", 2), ("a/1.jpg", 1), ("c/1 again.jpg", 1)):
        save(photo(seed, 64, 48), tmp_path / name)
    found = photos_of(tmp_path)
    assert [one.path for one in found] == ["a/1.jpg", "b/2.jpg"]
    assert found[0].sha256 == hashlib.sha256((tmp_path / "a/1.jpg").read_bytes()).hexdigest()
    assert [one.path for one in photos_of(tmp_path, [tmp_path / "a"])] == [
        "b/2.jpg",
        "c/1 again.jpg",
    ]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match="nowhere"):
        photos_of(tmp_path / "nowhere")


def test_photos_are_split_by_their_bytes_and_a_third_is_held_back() -> None:
    halves = Counter(one.half for one in MANY)
    assert set(halves) == {TUNING, REPORTING}
    assert min(halves.values()) > 0.4 * len(MANY)
    assert sum(one.held_back for one in MANY) == pytest.approx(len(MANY) / 3, rel=0.2)
    renamed = [SourcePhoto("elsewhere.jpg", one.sha256) for one in MANY]
    assert [one.half for one in renamed] == [one.half for one in MANY]


def test_what_is_reported_has_no_say_in_what_is_tuned() -> None:
    tuning, reporting = (indexed(MANY, half) for half in (TUNING, REPORTING))
    assert {one.half for one in tuning} == {TUNING}
    assert set(tuning) < set(reporting)
    assert {one.half for one in reporting} == {TUNING, REPORTING}
    assert not any(one.held_back for one in reporting)


# --- plans ---------------------------------------------------------------------------------------

QUERIES = 200


@pytest.fixture(scope="module", params=[TUNING, REPORTING])
def plans(request: pytest.FixtureRequest) -> list[Plan]:
    return plan(MANY, request.param, QUERIES, seed=7)


def test_each_query_has_one_original_in_the_index_or_none(plans: list[Plan]) -> None:
    half = plans[0].source.half
    index = {one.path for one in indexed(MANY, half)}
    away = {one.path for one in MANY if one.half == half and one.held_back}
    counted = [one for one in plans if one.edit not in HEAVY_CLASSES]
    with_original = [one for one in counted if not one.source.held_back]
    assert len(with_original) == QUERIES
    assert len(counted) - len(with_original) == 0.8 * QUERIES
    for one in plans:
        assert one.source.half == half
        assert (one.source.path in index) != one.source.held_back
        assert set(one.others) <= away - {one.source.path}


def test_half_are_single_edits_evenly_and_half_are_chains(plans: list[Plan]) -> None:
    edits = Counter(one.edit for one in plans[:QUERIES])
    assert edits.pop(CHAIN) == QUERIES / 2
    assert set(edits) == set(CLASSES)
    assert max(edits.values()) - min(edits.values()) <= 1


def test_heavy_edits_come_last_as_often_as_other_single_ones(plans: list[Plan]) -> None:
    heavy = [one for one in plans if one.edit in HEAVY_CLASSES]
    assert plans[-len(heavy) :] == heavy
    wanted = QUERIES * len(HEAVY_CLASSES) / (2 * len(CLASSES))
    with_original = Counter(one.edit for one in heavy if not one.source.held_back)
    assert with_original.total() == round(wanted)
    assert max(with_original.values()) - min(with_original.values()) <= 1
    assert len(heavy) - with_original.total() == round(0.8 * with_original.total())


def test_heavy_edits_are_in_no_chain(plans: list[Plan]) -> None:
    steps = {step.edit for one in plans if one.edit == CHAIN for step in one.steps}
    assert not steps & {*HEAVY_EDITS, *HEAVY_COMPOSITES}


def test_heavy_edits_change_no_other_query(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = plan(MANY, REPORTING, 60, seed=7)
    monkeypatch.setattr(suite, "HEAVY_CLASSES", {})
    without = plan(MANY, REPORTING, 60, seed=7)
    assert whole[: len(without)] == without
    assert len(whole) > len(without)


def test_strengths_are_those_of_the_class(plans: list[Plan]) -> None:
    for one in plans:
        if one.edit != CHAIN:
            [step] = one.steps
            wanted = {**CLASSES, **HEAVY_CLASSES}[one.edit]
            assert step.edit == wanted.edit
            assert wanted.low <= step.strength <= wanted.high


def test_a_chain_is_three_to_five_different_edits_in_at_most_one_frame(plans: list[Plan]) -> None:
    chains = [one for one in plans if one.edit == CHAIN]
    frames = {*COMPOSITES, "screenshot", "web_page"}
    assert {len(one.steps) for one in chains} == {3, 4, 5}
    for one in chains:
        names = [step.edit for step in one.steps]
        assert len(set(names)) == len(names)
        assert len(frames & set(names)) <= 1
        assert all(0.1 <= step.strength <= 0.6 for step in one.steps)
    assert {step.edit for one in chains for step in one.steps} >= set(EDITS)


def test_names_are_unique_and_say_what_was_done(plans: list[Plan]) -> None:
    assert len({one.name for one in plans}) == len({one.seed for one in plans}) == len(plans)
    assert all(one.name.endswith(f"-{one.edit}") for one in plans)


def test_all_photos_are_asked_about_before_any_is_asked_about_again() -> None:
    few = sources(30)
    asked = Counter(one.source for one in plan(few, TUNING, 20, seed=1) if not one.source.held_back)
    kept = [one for one in few if one.half == TUNING and not one.held_back]
    assert len(asked) == len(kept) <= 20
    assert max(asked.values()) - min(asked.values()) <= 2  # some composites can't be made


def test_the_same_seed_plans_the_same_and_another_one_does_not() -> None:
    one, same, other = (plan(MANY, REPORTING, 40, seed) for seed in (7, 7, 8))
    assert one == same
    assert [entry.source for entry in one] != [entry.source for entry in other]


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 12), st.integers(0, 60), st.sampled_from((TUNING, REPORTING)))
def test_a_small_folder_has_fewer_queries_that_can_all_be_made(
    count: int, queries: int, half: str
) -> None:
    photos = sources(count)
    plans = plan(photos, half, queries, seed=3)
    composites = {**COMPOSITES, **HEAVY_COMPOSITES}
    asked = Counter(one.source for one in plans)
    assert max(asked.values(), default=0) <= MOST_QUERIES + MOST_HEAVY
    for one in plans:
        assert one.can_be_made
        wanted = max(
            composites[step.edit].others if step.edit in composites else 0 for step in one.steps
        )
        assert len(one.beside) == wanted


# --- pictures ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base: Path = tmp_path_factory.mktemp("photos")
    for seed in range(40):
        save(photo(seed, 160, 120), base / f"{seed:02}.jpg")
    return base


def made(folder: Path, out: Path, plans: list[Plan]) -> list[Case]:
    out.mkdir()
    cases = make(folder, out, DEFAULTS.decode, plans)
    assert all(case is not None for case in cases)
    return [case for case in cases if case is not None]


def test_cases_say_the_truth_about_their_pictures(folder: Path, tmp_path: Path) -> None:
    plans = plan(photos_of(folder), REPORTING, 12, seed=5)
    cases = made(folder, tmp_path / "out", plans)
    for one, case in zip(plans, cases, strict=True):
        assert (case.name, case.edit, case.source) == (one.name, one.edit, one.source.path)
        assert case.path == tmp_path / "out" / f"{one.name}.jpg"
        assert case.indexed != one.source.held_back
        assert case.steps == tuple(map(str, one.steps))
        assert case.beside == one.beside
        assert max(read(case.path).shape) <= 1280
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(
        case.path.name for case in cases
    )


def test_the_same_plans_make_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    plans = plan(photos_of(folder), TUNING, 8, seed=5)
    one, same = (made(folder, tmp_path / name, plans) for name in ("one", "same"))
    # One at a time, as workers may do it, and in any order.
    apart = [made(folder, tmp_path / f"apart{n}", [p])[0] for n, p in reversed([*enumerate(plans)])]
    for left, right, alone in zip(one, same, reversed(apart), strict=True):
        assert left.path.read_bytes() == right.path.read_bytes() == alone.path.read_bytes()


@pytest.mark.parametrize(("name", "share"), [("crop_70", 0.7), ("crop_40", 0.4), ("crop_20", 0.2)])
def test_a_crop_keeps_the_share_that_its_name_says(
    folder: Path, tmp_path: Path, name: str, share: float
) -> None:
    source = photos_of(folder)[0]
    step = suite.Step(CLASSES[name].edit, CLASSES[name].low)
    [case] = made(folder, tmp_path / "out", [Plan("q", name, (step,), source, (), (1, 2))])
    assert read(case.path)[:, :, 0].size == pytest.approx(share * 160 * 120, rel=0.15)


def test_a_photo_that_cannot_be_decoded_is_no_case(tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"no photo")
    save(photo(1, 160, 120), tmp_path / "good.jpg")
    broken, good = (SourcePhoto(name, "0" * 64) for name in ("broken.jpg", "good.jpg"))
    inset = (suite.Step("inset", 0.5),)
    plans = [
        Plan("blurred", "blur", (suite.Step("blur", 0.5),), broken, (), (1,)),
        Plan("beside", "inset", inset, good, ("broken.jpg",), (2,)),
        Plan("gone", "inset", inset, good, ("gone.jpg",), (3,)),
    ]
    assert make(tmp_path, tmp_path, DEFAULTS.decode, plans) == [None, None, None]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken.jpg", "good.jpg"]
