"""The scale benchmark: photos that are the same each time, copies that are what they say."""

from pathlib import Path

import numpy as np
import pytest

from benchmark.speed import scale, synthetic
from benchmark.speed.synthetic import BLOCK, Prints, SyntheticPhotos
from imagematch.kernels import hashes
from imagematch.runtime.monitor import Unwatched


class Counting(Unwatched):
    def __init__(self) -> None:
        self.photos = 0

    def advance(self, count: int = 1) -> None:
        self.photos += count


def first(photos: SyntheticPhotos, count: int) -> Prints:
    parts = [prints for _, prints in photos.blocks(count)]
    return Prints(
        np.concatenate([part.embeddings for part in parts]),
        np.concatenate([part.pdqs for part in parts]),
    )


def test_same_seed_makes_the_same_photos_however_many_are_wanted() -> None:
    few, more = first(SyntheticPhotos(1), 100), first(SyntheticPhotos(1), BLOCK + 5)

    assert (len(few), len(more)) == (100, BLOCK + 5)
    np.testing.assert_array_equal(few.embeddings, more.embeddings[:100])
    np.testing.assert_array_equal(few.pdqs, more.pdqs[:100])
    assert not (first(SyntheticPhotos(2), 100).pdqs == few.pdqs).all(axis=1).any()


def test_numbers_go_on_from_block_to_block() -> None:
    ids = np.concatenate([ids for ids, _ in SyntheticPhotos(1).blocks(BLOCK + 5)])

    assert ids.tolist() == list(range(1, BLOCK + 6))


def test_embeddings_have_unit_length_and_strangers_are_like_real_ones() -> None:
    photos = first(SyntheticPhotos(3), 4000)

    np.testing.assert_allclose(np.linalg.norm(photos.embeddings, axis=1), 1, atol=1e-5)
    cosines = (photos.embeddings @ photos.embeddings.T)[np.triu_indices(4000, 1)]
    # Of 924 real photos: 0.02 on average, with a standard deviation of 0.06.
    assert abs(cosines.mean()) < 0.08
    assert 0.04 < cosines.std() < 0.1
    apart = np.bitwise_count(photos.pdqs[:500, None] ^ photos.pdqs[None, :500]).sum(axis=2)
    assert abs(apart[np.triu_indices(500, 1)].mean() - 128) < 2


def test_copies_are_as_near_to_their_originals_as_they_say() -> None:
    photos = SyntheticPhotos(4)
    copies, originals = photos.copies(300, BLOCK + 200), first(photos, BLOCK + 200)
    rows = copies.originals - 1

    cosines = (copies.embeddings * originals.embeddings[rows]).sum(axis=1)
    assert cosines.min() >= synthetic.LEAST_COSINE - 0.01
    assert copies.bits.max() <= synthetic.MOST_BITS
    turned = hashes.orientations(copies.pdqs)
    bits = np.bitwise_count(turned ^ originals.pdqs[rows][:, None]).sum(axis=2).min(axis=1)
    np.testing.assert_array_equal(bits, copies.bits)
    assert (rows < BLOCK).any()
    assert (rows >= BLOCK).any()


def test_real_photos_shape_the_synthetic_ones() -> None:
    rng = np.random.default_rng(5)
    narrow = rng.standard_normal((600, 512)) * np.where(np.arange(512) < 8, 5, 1)
    embeddings = (narrow / np.linalg.norm(narrow, axis=1, keepdims=True)).astype(np.float32)
    real = Prints(embeddings, rng.integers(0, 256, (50, 32), np.uint8))

    made = first(SyntheticPhotos(5, real), 2000).embeddings

    assert (made[:, :8] ** 2).sum(axis=1).mean() > 4 * 8 / 512
    assert len(first(SyntheticPhotos(5, Prints(embeddings[:1], real.pdqs[:1])), 10)) == 10


@pytest.mark.slow
def test_small_scale_is_measured_and_leaves_nothing(tmp_path: Path) -> None:
    watch = Counting()

    found = scale.measure_scale([3000, 1500], tmp_path, seed=6, watch=watch)

    assert [point.photos for point in found] == [1500, 3000]
    assert watch.photos == 4500
    assert list(tmp_path.iterdir()) == []
    for point in found:
        # So small a store compares everything, so nothing is missed but strangers' likes.
        assert point.deep.copies == 1
        assert point.deep.by_hash == 1
        assert point.deep.neighbours > 0.99
        assert "every vector is compared" in point.searches["float"]
        assert point.disk_bytes > 2048 + 32
        assert 0 < point.single_p50 <= point.single_p99
        assert point.batch_per_second > 0
        assert point.added_bytes < 2 * (2048 + 32 + 100)
