"""Presets: named bundles of settings, and what it means to choose or change one.

An index keeps what its preset changes in its `settings.toml`, where a user can see and change it.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from imagematch.settings import Settings, from_tables, read_tables


@dataclass(frozen=True, slots=True)
class Preset:
    """A named bundle of settings.

    Attributes:
        about: what it does, in a sentence.
        embedder: which of the models in `kernels.embeddings` describes photos; "" for none.
        changes: what else differs from the defaults, by group and name.
    """

    about: str
    embedder: str
    changes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


#: The preset without an embedder: hashes and geometry alone.
HASHES = "hashes"

#: `fast` and `balanced` differ in queries only, so an index can change between them at any time.
PRESETS = {
    "fast": Preset(
        "The small model, crops of composites only, fewer verified.",
        "sscd-small",
        {"search": {"crops": False, "verified": 8}},
    ),
    "balanced": Preset("The small model, 18 crops of each query; the default.", "sscd-small"),
    "thorough": Preset(
        "The full model, more candidates verified; slower, finds more.",
        "sscd",
        {"search": {"top": 30, "verified": 40}},
    ),
    HASHES: Preset("No model: perceptual hashes and geometry alone; finds less.", ""),
}


def for_new_index(path: Path, preset: str | None) -> Settings:
    """Settings of an index to be made: a preset's, and over them what a waiting file names.

    Args:
        path: the settings.toml, which may be there before its index is.
        preset: takes the place of the one that the file names; None for that one.

    Raises:
        SettingsError: see `settings.load`.
    """
    tables = read_tables(path)
    named = from_tables(tables, str(path)).describe.preset
    for group, changes in _changes(named).items():
        tables[group] = {**changes, **tables.get(group, {})}
    settings = from_tables(tables, str(path))
    return settings if preset is None else with_preset(settings, preset)


def with_preset(settings: Settings, preset: str) -> Settings:
    """Change to another preset, keeping what the user changed otherwise.

    A setting counts as the user's where it differs from what the preset before made it. The new
    preset's model takes the place of one of the user's own.
    """
    before = from_tables(_changes(settings.describe.preset), "the preset before")
    after = from_tables(_changes(preset), preset)
    groups = {}
    for group in dataclasses.fields(Settings):
        ours, old, new = (getattr(each, group.name) for each in (settings, before, after))
        groups[group.name] = replace(
            ours,
            **{
                entry.name: getattr(new, entry.name)
                for entry in dataclasses.fields(ours)
                if getattr(ours, entry.name) == getattr(old, entry.name)
            },
        )
    groups["describe"] = replace(groups["describe"], preset=preset, model="", model_sha256="")
    return Settings(**groups)


def _changes(preset: str) -> Mapping[str, Mapping[str, Any]]:
    """Those of a preset; none where there is no such preset, which `find_model` refuses."""
    return PRESETS[preset].changes if preset in PRESETS else {}
