"""Photos that do not exist: a seed in, fingerprints like those of millions of real photos out.

How search scales can't be measured on the photos that one has. These fingerprints are spread as
real ones are, lie in clusters of different sizes (rooms, mirrors, poses that many photos share),
and three in ten are copies of others. They come block by block, each from the seed and its number
alone, so that any number of them needs the memory of one block.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from imagematch.kernels import hashes
from imagematch.records import Bytes, Floats

#: Photos made at once: 32 MiB of 512 floats.
BLOCK = 16_384

_DIMENSIONS, _BITS = 512, 8 * hashes.PDQ_BYTES

#: Variances of SSCD embeddings along their principal axes fall as (1 + i)^-0.35 e^(-i/220), and
#: their mean is 0.15 long: fitted to 1,667 views of 924 photos, without an axis that is off by more
#: than a fifth. Bits of PDQ are as good as independent: distances of those photos have a standard
#: deviation of 8.3, independent bits one of 8.0.
_FALL, _DECAY, _MEAN = 0.35, 220.0, 0.15

#: As many real photos weigh as much as what is built in: fewer can't tell how 512 elements vary.
_TRUSTED = 512

#: Clusters, how much more common the more common ones are (Zipf), and how much of a photo is what
#: its cluster has in common: a fifth on average. In a million, the tenth neighbour of a photo
#: then has a cosine of about 0.4, the most that the real ones have among a thousand.
_CLUSTERS, _ZIPF = 1024, 0.6
_COMMON, _COMMON_MOST = (0.5, 1.6), 0.85

#: Share of the photos that are copies of others, how far their embeddings are at most, and how
#: their bits flip: one in thirteen on average.
_COPIES, _COPY_FAR, _COPY_FLIPS = 0.3, 0.5, (1, 12)

#: Copies that are asked for: their cosine with the original is from here to 1, 0.8 on average, and
#: their PDQ hash is up to so many bits away.
LEAST_COSINE, MOST_BITS = 0.45, 64
_ASKED = (1.2, 2.2)

#: Blocks that the originals of queries come from.
_ASKED_BLOCKS = 16

#: Number of a block that no number of photos reaches.
_NEVER = 2**40


@dataclass(frozen=True, slots=True, eq=False)
class Prints:
    """Fingerprints of N photos: embeddings, shape (N, 512), and PDQ hashes, shape (N, 32)."""

    embeddings: Floats
    pdqs: Bytes

    def __len__(self) -> int:
        return len(self.pdqs)


@dataclass(frozen=True, slots=True, eq=False)
class Copies:
    """Copies to look for, and what they are copies of.

    Attributes:
        embeddings: shape (Q, 512).
        pdqs: shape (Q, 32); turned or mirrored at random.
        originals: shape (Q,), int64; numbers of photos, from 1.
        bits: shape (Q,), int64; how far the hash is from the original's, turned back.
    """

    embeddings: Floats
    pdqs: Bytes
    originals: np.ndarray
    bits: np.ndarray

    def __len__(self) -> int:
        return len(self.pdqs)


class SyntheticPhotos:
    """An endless series of photos, the same for the same seed and the same real ones."""

    def __init__(self, seed: int, real: Prints | None = None) -> None:
        """Learn how fingerprints are spread.

        Args:
            real: of as many real photos as there are; None: what is built in. Their hashes may
                be of other photos than their embeddings, and as many as one likes.
        """
        self._seed = seed
        rng = np.random.default_rng([seed, 0])
        mean, covariance = _built_in(rng)
        weight = 0.0
        if real is not None and len(real.embeddings) > 1:
            weight = len(real.embeddings) / (len(real.embeddings) + _TRUSTED)
            mean = weight * real.embeddings.mean(axis=0) + (1 - weight) * mean
            covariance = weight * np.cov(real.embeddings.T) + (1 - weight) * covariance
        self._mean = mean.astype(np.float32)
        self._root = np.linalg.cholesky(covariance).astype(np.float32)
        self._bit_root = _bit_root(real)
        self._centres = self._strangers(rng, _CLUSTERS)
        if real is not None and len(real.embeddings):
            some = rng.permutation(len(real.embeddings))[:_CLUSTERS]
            self._centres[: len(some)] = real.embeddings[some]
        popularity = 1 / np.arange(1, _CLUSTERS + 1) ** _ZIPF
        self._popularity = popularity / popularity.sum()

    def blocks(self, photos: int) -> Iterator[tuple[np.ndarray, Prints]]:
        """The first so many photos: their numbers from 1, int64, and their fingerprints."""
        for start in range(0, photos, BLOCK):
            prints = self._block(start // BLOCK)
            count = min(BLOCK, photos - start)
            yield (
                np.arange(start + 1, start + count + 1),
                Prints(prints.embeddings[:count], prints.pdqs[:count]),
            )

    def others(self, count: int) -> Prints:
        """Photos that are in no block, at most BLOCK of them."""
        prints = self._block(_NEVER)
        return Prints(prints.embeddings[:count], prints.pdqs[:count])

    def copies(self, count: int, photos: int) -> Copies:
        """New copies of some of the first so many photos, as a query or a new folder has them."""
        rng = np.random.default_rng([self._seed, 1, count, photos])
        blocks = -(-photos // BLOCK)
        chosen = np.unique(np.linspace(0, blocks - 1, min(_ASKED_BLOCKS, blocks)).round())
        parts = []
        for block, part in zip(
            chosen.tolist(), np.array_split(np.arange(count), len(chosen)), strict=True
        ):
            prints = self._block(int(block))
            start = int(block) * BLOCK
            rows = rng.integers(0, min(BLOCK, photos - start), len(part))
            parts.append(self._copies(rng, prints, rows, start))
        order = rng.permutation(count)  # so that the first ones are of all blocks, too
        return Copies(
            np.concatenate([part.embeddings for part in parts])[order],
            np.concatenate([part.pdqs for part in parts])[order],
            np.concatenate([part.originals for part in parts])[order],
            np.concatenate([part.bits for part in parts])[order],
        )

    def _copies(
        self, rng: np.random.Generator, prints: Prints, rows: np.ndarray, start: int
    ) -> Copies:
        cosines = 1 - (1 - LEAST_COSINE) * rng.beta(*_ASKED, len(rows))
        bits = rng.integers(0, MOST_BITS + 1, len(rows))
        turned = hashes.orientations(prints.pdqs[rows])
        turned = turned[np.arange(len(rows)), rng.integers(0, turned.shape[1], len(rows))]
        order = rng.random((len(rows), _BITS)).argsort(axis=1).argsort(axis=1)
        return Copies(
            self._near(rng, prints.embeddings[rows], cosines),
            turned ^ np.packbits(order < bits[:, None], axis=1),
            rows + start + 1,
            bits,
        )

    def _block(self, number: int) -> Prints:
        """BLOCK photos, the last of them copies of the others, in random order."""
        rng = np.random.default_rng([self._seed, 2, number])
        embeddings, pdqs = self._clustered(rng, BLOCK), self._hashes(rng, BLOCK)
        copies = round(_COPIES * BLOCK)
        originals = BLOCK - copies
        of = rng.integers(0, originals, copies)
        cosines = 1 - _COPY_FAR * rng.beta(*_ASKED, copies)
        embeddings[originals:] = self._near(rng, embeddings[of], cosines)
        flipped = rng.random((copies, _BITS), np.float32) < rng.beta(*_COPY_FLIPS, copies)[:, None]
        pdqs[originals:] = pdqs[of] ^ np.packbits(flipped, axis=1)
        order = rng.permutation(BLOCK)
        return Prints(embeddings[order], pdqs[order])

    def _strangers(self, rng: np.random.Generator, count: int) -> Floats:
        normal = rng.standard_normal((count, _DIMENSIONS), np.float32)
        return _unit(normal @ self._root.T + self._mean)

    def _clustered(self, rng: np.random.Generator, count: int) -> Floats:
        common = (rng.beta(*_COMMON, count) * _COMMON_MOST).astype(np.float32)[:, None]
        centres = self._centres[rng.choice(_CLUSTERS, count, p=self._popularity)]
        return _unit(np.sqrt(common) * centres + np.sqrt(1 - common) * self._strangers(rng, count))

    def _near(self, rng: np.random.Generator, vectors: Floats, cosines: np.ndarray) -> Floats:
        """Vectors that have given cosines with others, and else differ as strangers do."""
        aside = self._strangers(rng, len(vectors))
        aside = _unit(aside - (aside * vectors).sum(axis=1, keepdims=True) * vectors)
        along = cosines.astype(np.float32)[:, None]
        return _unit(along * vectors + np.sqrt(np.maximum(1 - along**2, 0)) * aside)

    def _hashes(self, rng: np.random.Generator, count: int) -> Bytes:
        values = rng.standard_normal((count, _BITS), np.float32)
        if self._bit_root is not None:
            values = values @ self._bit_root.T
        return np.packbits(values > 0, axis=1)


def _built_in(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of embeddings, along axes of no meaning."""
    axis = np.arange(_DIMENSIONS)
    variances = (1.0 + axis) ** -_FALL * np.exp(-axis / _DECAY)
    axes, _ = np.linalg.qr(rng.standard_normal((_DIMENSIONS, _DIMENSIONS)))
    covariance = (axes * (variances / variances.sum() * (1 - _MEAN**2))) @ axes.T
    return _MEAN * axes[:, 0], covariance


def _bit_root(real: Prints | None) -> Floats | None:
    """What makes independent values vary together as bits of real hashes do."""
    if real is None or len(real.pdqs) < 2:
        return None
    signs = np.unpackbits(real.pdqs, axis=1) * 2.0 - 1
    weight = len(signs) / (len(signs) + 4 * _TRUSTED)
    together = weight * (signs.T @ signs / len(signs)) + (1 - weight) * np.eye(_BITS)
    root: Floats = np.linalg.cholesky(together + 1e-6 * np.eye(_BITS)).astype(np.float32)
    return root


def _unit(vectors: np.ndarray) -> Floats:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)
