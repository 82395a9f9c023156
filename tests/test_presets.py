"""Presets: what a new index gets, and what stays when one is changed for another."""

from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagematch.errors import SettingsError
from imagematch.presets import HASHES, PRESETS, for_new_index, with_preset
from imagematch.settings import DEFAULTS, Settings, load, to_toml

presets = st.sampled_from(sorted(PRESETS))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "settings.toml"


def made(preset: str) -> Settings:
    return with_preset(DEFAULTS, preset)


# --- the table -----------------------------------------------------------------------------------


def test_the_default_preset_is_the_defaults() -> None:
    assert made(DEFAULTS.describe.preset) == DEFAULTS


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_fits_the_settings_and_changes_what_it_says(preset: str) -> None:
    settings = made(preset)
    assert settings.describe.preset == preset
    for group, changes in PRESETS[preset].changes.items():
        for name, value in changes.items():
            assert getattr(getattr(settings, group), name) == value
            assert getattr(getattr(DEFAULTS, group), name) != value


def test_thorough_looks_at_more_candidates_and_fast_at_fewer_and_no_crops() -> None:
    fast, balanced, thorough = (made(name).search for name in ("fast", "balanced", "thorough"))
    assert fast.verified < balanced.verified < thorough.verified
    assert thorough.top > balanced.top
    assert (fast.crops, balanced.crops, thorough.crops) == (False, True, True)


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_says_what_it_does_in_a_line(preset: str) -> None:
    about = PRESETS[preset].about
    assert about.endswith(".")
    assert len(about) <= 66  # beside its name in `imagematch index --help`


# --- a new index ---------------------------------------------------------------------------------


@pytest.mark.parametrize("preset", PRESETS)
def test_what_a_preset_changes_can_be_seen_in_the_file(file: Path, preset: str) -> None:
    settings = for_new_index(file, preset)
    assert settings == made(preset)
    text = to_toml(settings)
    for changes in PRESETS[preset].changes.values():
        assert all(f"\n{name} = " in text for name in changes)
    file.write_text(text, encoding="utf-8")
    assert load(file) == settings


def test_without_a_preset_a_new_index_gets_the_default_one(file: Path) -> None:
    assert for_new_index(file, None) == DEFAULTS


def test_a_waiting_file_may_name_a_preset_and_wins_over_it(file: Path) -> None:
    verified = DEFAULTS.search.verified
    file.write_text(
        f'[describe]\npreset = "fast"\n[search]\nverified = {verified}\n', encoding="utf-8"
    )
    settings = for_new_index(file, None)
    assert (settings.search.crops, settings.search.verified) == (False, verified)


def test_a_preset_that_is_asked_for_replaces_that_of_a_waiting_file(file: Path) -> None:
    file.write_text(
        '[describe]\npreset = "fast"\nmodel = "own.onnx"\n[match]\nscene_inliers = 9\n',
        encoding="utf-8",
    )
    settings = for_new_index(file, "thorough")
    assert settings == replace(made("thorough"), match=replace(DEFAULTS.match, scene_inliers=9))


def test_a_waiting_file_that_is_off_is_refused_by_name(file: Path) -> None:
    file.write_text('[describe]\npreset = "fast"\n[search]\ncrops = "no"\n', encoding="utf-8")
    with pytest.raises(SettingsError, match=r"settings\.toml \[search\]: crops"):
        for_new_index(file, None)


# --- another preset ------------------------------------------------------------------------------


@pytest.mark.parametrize(("before", "after"), list(product(PRESETS, repeat=2)))
def test_a_changed_index_has_the_settings_of_a_new_one(before: str, after: str) -> None:
    assert with_preset(made(before), after) == made(after)


@given(presets, presets, st.integers(41, 99), st.booleans())
def test_what_the_user_changed_stays(before: str, after: str, verified: int, same: bool) -> None:
    settings = made(before)
    users = replace(
        settings,
        search=replace(settings.search, verified=verified),
        link=replace(settings.link, same_profile=same),
    )
    changed = with_preset(users, after)
    assert changed.search == replace(made(after).search, verified=verified)
    assert changed.link.same_profile == same


@given(presets, st.booleans(), st.integers(1, 99))
def test_the_same_preset_again_changes_nothing(preset: str, crops: bool, verified: int) -> None:
    settings = made(preset)
    users = replace(settings, search=replace(settings.search, crops=crops, verified=verified))
    assert with_preset(users, preset) == users


def test_a_preset_takes_the_place_of_a_model_of_ones_own() -> None:
    own = replace(DEFAULTS.describe, model="own.onnx", model_sha256="00")
    assert with_preset(replace(DEFAULTS, describe=own), HASHES).describe.model == ""
    assert with_preset(replace(DEFAULTS, describe=own), "balanced") == DEFAULTS


# --- former names --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("former", "now"), [("sscd-small", "balanced"), ("sscd", "thorough"), ("hashes", "hashes")]
)
def test_a_file_with_a_former_name_is_read(file: Path, former: str, now: str) -> None:
    file.write_text(f'[describe]\npreset = "{former}"\n', encoding="utf-8")
    assert load(file) == replace(DEFAULTS, describe=replace(DEFAULTS.describe, preset=now))
