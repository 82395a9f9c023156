"""What a batch leaves behind goes, cycles included, long before Python would look for them."""

import gc
import weakref

from imagematch.runtime.memory import trim_memory


class _Knot:
    def __init__(self) -> None:
        self.itself = self


def test_cycles_that_nobody_holds_are_gone() -> None:
    gc.disable()
    try:
        older = _Knot()
        gc.collect(0)  # looks at it while it is in use, and would not soon do so again
        new = _Knot()
        gone = weakref.ref(new), weakref.ref(older)
        del new, older
        trim_memory()
        assert [knot() for knot in gone] == [None, None]
    finally:
        gc.enable()
