"""Whether a picture shows other pictures: the embedding of the whole in, views it is worth out.

Lines find the parts of most collages and screenshots; of those that were photographed, tilted or
warped they find few. But most of these pictures are alike as a whole, and a linear probe of the
embedding (Alain and Bengio 2016), which is there anyway, tells them from photographs. Not so small
insets, which hardly change the whole. It is fitted to the tuning half by scripts/fit_composites.py,
for each of the shipped models, and lives in imagematch/composite_probe.json with its provenance.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from imagematch.errors import SettingsError
from imagematch.records import Floats

#: Logits from which a picture gets so many further views. Those of a photo that is taken for a
#: composite are spent for nothing, and an inset that is not told is lost: of 627 photos of the
#: tuning half, 2 % are over the first limit and 10 % more over the second, of 34 pictures with
#: insets 32 % and 33 % more. The quarters of a picture, which come first, find most of these.
_WORTH = ((-0.6, 15), (-1.5, 4))


@dataclass(frozen=True, slots=True, eq=False)
class CompositeProbe:
    """A plane that parts the embeddings of composites from those of photographs.

    Attributes:
        weights: shape (D,), float32; across the plane, towards composites.
        intercept: so that 0 is on the plane.
    """

    weights: Floats
    intercept: float

    def further_views(self, embedding: Floats) -> int:
        """How many further views a picture is worth; 0 where it is likely no composite.

        Args:
            embedding: of the whole picture, shape (D,), float32, of unit length.
        """
        logit = float(embedding @ self.weights) + self.intercept
        return next((views for least, views in _WORTH if logit > least), 0)


def of_model(model_sha256: str) -> CompositeProbe | None:
    """The probe that was fitted to a model; None for one of the user's own.

    Args:
        model_sha256: of the model file, hex.

    Raises:
        SettingsError: the file of the probes is damaged.
    """
    return shipped().get(model_sha256)


@cache
def shipped() -> Mapping[str, CompositeProbe]:
    """The probes of this version, by the SHA-256 of their models; raises as `from_json`."""
    return from_json(files("imagematch").joinpath("composite_probe.json").read_text("utf-8"))


def from_json(text: str) -> Mapping[str, CompositeProbe]:
    """Read the file of the probes.

    Raises:
        SettingsError: it is not one.
    """
    try:
        return {
            entry["sha256"]: CompositeProbe(_vector(entry["weights"]), float(entry["intercept"]))
            for entry in json.loads(text)["models"].values()
        }
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise SettingsError(f"the file of the composite probes is damaged: {error!r}") from error


def _vector(weights: list[float]) -> Floats:
    vector = np.array(weights, np.float32)
    if vector.ndim != 1 or not np.isfinite(vector).all():
        raise ValueError("its weights are no list of numbers")
    return vector
