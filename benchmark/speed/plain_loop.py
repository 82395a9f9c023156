"""A folder of photos through one hash function, as the first script that one would write.

A peer of the benchmark: it runs in the peers' environment, which has no imagematch, and so imports
nothing of it.
"""

import os
import sys

from PIL import Image


def main() -> None:
    """Hash every file below a folder, group equal hashes, and print how many there are."""
    package, folder = sys.argv[1:]
    by_hash: dict[object, list[str]] = {}
    failed = 0
    for path in _files(folder):
        try:
            by_hash.setdefault(_hashed(package, path), []).append(path)
        except OSError:
            failed += 1
    sys.stdout.write(f"{sum(map(len, by_hash.values()))} hashed, {failed} failed\n")


def _files(folder: str) -> list[str]:
    return sorted(
        os.path.join(where, name)  # noqa: PTH118 - as plain as can be
        for where, _, names in os.walk(folder)
        for name in names
    )


def _hashed(package: str, path: str) -> object:
    with Image.open(path) as photo:
        if package == "imagehash":
            import imagehash

            return imagehash.phash(photo)
        import numpy
        import pdqhash

        bits, _quality = pdqhash.compute(numpy.asarray(photo.convert("RGB")))
        return bits.tobytes()


if __name__ == "__main__":
    main()
