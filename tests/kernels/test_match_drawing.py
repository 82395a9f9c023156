"""The drawing of a match shows what is there, whatever the sizes and the words are."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagematch.kernels import match_drawing
from imagematch.kernels.match_drawing import draw
from imagematch.kernels.overlap import Fit, Side
from imagematch.records import Bytes
from tests.world import photo

WIDEST = 1672  # as documented
TALLEST_PHOTO = 700
QUERY, PHOTO = photo(1, 400, 300), photo(2, 300, 400)
TITLE, SENTENCE = "Copy, 99.8 %, certain", "The same photo: 212 matching points fit."


def side(rgb: Bytes, label: str = "Query: a.jpg") -> Side:
    return Side(rgb, rgb.shape[1], label)


def whole(rgb: Bytes) -> np.ndarray:
    height, width = rgb.shape[:2]
    return np.array([[0, 0], [width, 0], [width, height], [0, height]], float)


def fit(points: np.ndarray | None = None, *, mirrored: bool = False) -> Fit:
    """All of both photos fits."""
    points = np.empty((0, 4)) if points is None else points
    return Fit(points, whole(QUERY), whole(PHOTO), mirrored)


def drawn(made: Fit | None, query: Side | None = None, sentence: str = SENTENCE) -> Bytes:
    return draw(query or side(QUERY), side(PHOTO, "Indexed: b.jpg"), made, TITLE, sentence)


#: Where `draw` puts the upper left corners of QUERY and PHOTO, and by how much it enlarges them.
QUERY_AT, QUERY_ENLARGED = (24, 46), 2.0
PHOTO_AT, PHOTO_ENLARGED = (24 + 800 + 24, 46), 1.75


def shown(picture: Bytes, at: tuple[int, int], enlarged: float, rgb: Bytes) -> Bytes:
    """A photo as it is in the picture, in its own size again, without its edge."""
    height, width = rgb.shape[:2]
    y = (at[1] + (np.arange(8, height - 8) + 0.5) * enlarged).astype(int)
    x = (at[0] + (np.arange(8, width - 8) + 0.5) * enlarged).astype(int)
    return picture[np.ix_(y, x)]


def apart(left: Bytes, right: Bytes) -> float:
    return float(np.abs(left.astype(int) - right).mean())


def test_both_photos_stand_side_by_side_as_they_are() -> None:
    picture = drawn(None)
    assert apart(shown(picture, QUERY_AT, QUERY_ENLARGED, QUERY), QUERY[8:-8, 8:-8]) < 6
    assert apart(shown(picture, PHOTO_AT, PHOTO_ENLARGED, PHOTO), PHOTO[8:-8, 8:-8]) < 6


def test_a_mirrored_query_is_shown_mirrored_and_says_so() -> None:
    straight, mirrored = drawn(fit()), drawn(fit(mirrored=True))
    flipped = np.ascontiguousarray(QUERY[:, ::-1])
    assert apart(shown(mirrored, QUERY_AT, QUERY_ENLARGED, QUERY), flipped[8:-8, 8:-8]) < 6
    assert apart(shown(mirrored, PHOTO_AT, PHOTO_ENLARGED, PHOTO), PHOTO[8:-8, 8:-8]) < 6
    label = np.s_[: QUERY_AT[1], 24:824]
    assert (mirrored[label] < 128).sum() > (straight[label] < 128).sum()


def test_what_lies_outside_of_the_overlap_is_dimmed() -> None:
    half = np.array([[0, 0], [200, 0], [200, 300], [0, 300]], float)
    picture = drawn(Fit(np.empty((0, 4)), half, whole(PHOTO), False))
    query = shown(picture, QUERY_AT, QUERY_ENLARGED, QUERY)
    assert apart(query[:, :180], QUERY[8:-8, 8:188]) < 6
    assert query[:, 200:].mean() < 0.6 * QUERY[8:-8, 208:-8].mean()


def test_a_line_joins_the_two_places_of_a_point() -> None:
    without = drawn(fit())
    one = drawn(fit(np.array([[100.0, 150.0, 200.0, 100.0]])))
    y, x = np.nonzero((without != one).any(axis=2))
    start = np.array([24 + 200, 46 + 300])
    end = np.array([848 + 350, 46 + 175])
    assert (x.min(), x.max()) == pytest.approx((start[0], end[0]), abs=7)
    along = (x - start[0]) / (end[0] - start[0])
    assert np.abs(start[1] + along * (end[1] - start[1]) - y).max() < 7


def test_a_mirrored_point_is_joined_where_it_is_shown() -> None:
    without = drawn(fit(mirrored=True))
    one = drawn(fit(np.array([[100.0, 150.0, 200.0, 100.0]]), mirrored=True))
    x = np.nonzero((without != one).any(axis=(0, 2)))[0]
    assert x.min() == pytest.approx(24 + 800 - 200, abs=7)


def test_few_lines_are_chosen_from_many_points_and_from_all_over_the_overlap() -> None:
    rng = np.random.default_rng(0)
    crowd = rng.uniform(0, 0.1, (990, 4))
    corners = np.array([[x, y, x, y] for x in (0.1, 0.9) for y in (0.1, 0.9)])
    chosen = match_drawing._spread(np.concatenate([crowd, corners]))
    assert len(chosen) == len(set(chosen)) == 60
    assert {991, 992, 993} <= set(chosen)


@given(st.integers(0, 90))
def test_as_many_lines_as_points_up_to_the_limit(count: int) -> None:
    points = np.random.default_rng(count).uniform(0, 1, (count, 4))
    assert sorted(set(match_drawing._spread(points))) == sorted(match_drawing._spread(points))
    assert len(match_drawing._spread(points)) == min(count, 60)


def test_a_longer_sentence_takes_more_lines_and_no_more_width() -> None:
    short, long = drawn(None), drawn(None, sentence=" ".join(["more"] * 200))
    assert long.shape[0] > short.shape[0] + 50
    assert long.shape[1] == short.shape[1]


def test_a_long_label_stays_above_its_photo() -> None:
    picture = drawn(None, side(QUERY, "W" * 5000))
    gap = picture[: QUERY_AT[1], 824:848]
    assert (gap == gap[0, 0]).all()
    assert picture.shape == drawn(None).shape


hostile_sizes = st.tuples(
    st.sampled_from((1, 2, 3, 17, 400, 6000)), st.sampled_from((1, 2, 5, 64, 300))
).flatmap(lambda size: st.sampled_from((size, size[::-1])))


@settings(max_examples=40, deadline=None)
@given(hostile_sizes, hostile_sizes, st.sampled_from((1, 7, 1000)), st.booleans(), st.booleans())
def test_photos_of_any_size_are_drawn(
    query: tuple[int, int],
    other: tuple[int, int],
    reduced: int,
    mirrored: bool,
    fitting: bool,
) -> None:
    left, right = np.zeros((*query, 3), np.uint8), np.full((*other, 3), 255, np.uint8)
    made = None
    if fitting:
        ends = np.array([[0.0, 0, 0, 0], [query[1] * reduced, query[0] * reduced, *other[::-1]]])
        made = Fit(ends, whole(left) * reduced, whole(right), mirrored)
    picture = draw(Side(left, query[1] * reduced, "Query"), side(right), made, "Title", "Sentence.")
    assert picture.dtype == np.uint8
    assert picture.shape[1] <= WIDEST
    assert picture.shape[0] <= TALLEST_PHOTO + 400


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=80), st.text(max_size=80), st.text(max_size=80))
def test_any_words_are_drawn(label: str, title: str, sentence: str) -> None:
    tiny = np.zeros((20, 30, 3), np.uint8)
    picture = draw(side(tiny, label), side(tiny, label), None, title, sentence)
    assert picture.shape[1] <= WIDEST


def test_characters_that_the_font_lacks_are_spelled_out() -> None:
    assert (
        match_drawing._ascii("caf\u00e9 \u202e\n\ud800 99\u00a0%") == r"caf\xe9 \u202e\n\ud800 99 %"
    )
