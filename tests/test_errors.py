"""Exceptions: the tree that the module draws is the real one, and all survive a process border."""

import pickle
import re
from collections.abc import Iterator

import pytest

from imagematch import errors
from imagematch.errors import ImagematchError, PhotoError


def tree(root: type[ImagematchError]) -> Iterator[tuple[str, str, int]]:
    """Name, name of the parent and exit code, as `errors` defines them."""
    for child in root.__subclasses__():
        if child.__module__ == errors.__name__:
            yield child.__name__, root.__name__, child.exit_code
            yield from tree(child)


def drawn() -> Iterator[tuple[str, str, int]]:
    """The same, as the docstring of the module draws it; a code is given where it changes."""
    above = {0: ("ImagematchError", 1)}
    for line in (errors.__doc__ or "").splitlines():
        if found := re.match(r"^    ([│├└─ ]+)(\w+) *(\d+)?", line):
            depth = len(found[1]) // 4
            parent, inherited = above[depth - 1]
            above[depth] = found[2], int(found[3] or inherited)
            yield found[2], parent, above[depth][1]


def test_the_tree_is_as_drawn() -> None:
    assert sorted(drawn()) == sorted(tree(ImagematchError))


def test_every_exception_says_what_it_means() -> None:
    for name, _, _ in tree(ImagematchError):
        assert getattr(errors, name).__doc__


@pytest.mark.parametrize("name", sorted(name for name, _, _ in tree(ImagematchError)))
def test_exceptions_survive_a_process_border(name: str) -> None:
    """Worker processes send them back pickled."""
    kind = getattr(errors, name)
    error = kind("corrupt", "it ends") if kind is PhotoError else kind("it ends")
    back = pickle.loads(pickle.dumps(error))  # noqa: S301  (our own bytes)
    assert type(back) is kind
    assert str(back) == "it ends"
    assert vars(back) == vars(error)
