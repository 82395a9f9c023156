"""Score normalisation: cosines of a view's neighbours in, how like it unrelated photos are out.

A blurred, plain or small part of a photo is somewhat like everything, and a sharp one like nothing
but its copies; one threshold for both finds too much or too little. So cosines are measured from
what the view has in common with photos that hardly show the same (Pizzi et al., SSCD, CVPR 2022,
with neighbours from the index itself in the place of a background set).
"""

import numpy as np

from imagematch.records import Floats

#: Neighbours that say how like a view unrelated photos are, by rank: behind the few copies that
#: most photos have, and not so far that nothing is like the view any more.
_FIRST, LAST = 5, 15

#: A background is never taken to be less, which small indexes would make it, nor more: where a
#: photo has so many copies that they are its background, it must still find them. Of 1,244 views
#: of 627 photos, half have one of 0.21 or less, and one in a hundred has 0.45 or more.
_LEAST, _MOST = 0.1, 0.45


def backgrounds(cosines: Floats) -> Floats:
    """The mean cosine of each view with photos that it has nothing to do with.

    Args:
        cosines: shape (V, N), with the view's nearest neighbours, descending; -inf for none.

    Returns:
        Shape (V,).
    """
    strangers = np.maximum(cosines[:, _FIRST:LAST], _LEAST)
    missing = LAST - _FIRST - strangers.shape[1]
    mean = (strangers.sum(axis=1) + missing * _LEAST) / (LAST - _FIRST)
    return np.asarray(np.minimum(mean, _MOST), np.float32)
