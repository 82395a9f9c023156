"""Settings files: what they may say, what they may not, and that nothing is lost on the way."""

import dataclasses
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagematch.errors import SettingsError
from imagematch.settings import (
    DEFAULT_INDEX,
    DEFAULTS,
    Settings,
    default_index,
    from_tables,
    load,
    to_toml,
)

type Setting = tuple[str, "dataclasses.Field[Any]"]

SETTINGS: list[Setting] = [
    (group.name, entry)
    for group in dataclasses.fields(Settings)
    for entry in dataclasses.fields(getattr(DEFAULTS, group.name))
]


def of_type(wanted: type) -> list[Any]:
    return [
        pytest.param((group, entry), id=f"{group}.{entry.name}")
        for group, entry in SETTINGS
        if type(entry.default) is wanted
    ]


def value_of(settings: Settings, setting: Setting) -> Any:
    return getattr(getattr(settings, setting[0]), setting[1].name)


def read(setting: Setting, value: Any) -> Any:
    """The value after it was read from a table."""
    return value_of(from_tables({setting[0]: {setting[1].name: value}}, "here"), setting)


def values(entry: "dataclasses.Field[Any]") -> st.SearchStrategy[Any]:
    """Everything that a setting may be."""
    low, high = entry.metadata["low"], entry.metadata["high"]
    if isinstance(entry.default, bool):
        return st.booleans()
    if isinstance(entry.default, int):
        return st.integers(math.ceil(low), 2**63 - 1 if high is None else math.floor(high))
    if isinstance(entry.default, float):
        return st.floats(low, high, allow_nan=False, allow_infinity=False)
    return st.text()


tables = st.fixed_dictionaries(
    {},
    optional={
        group.name: st.fixed_dictionaries(
            {},
            optional={
                entry.name: values(entry)
                for entry in dataclasses.fields(getattr(DEFAULTS, group.name))
            },
        )
        for group in dataclasses.fields(Settings)
    },
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "settings.toml"


# --- the defaults --------------------------------------------------------------------------------


def test_every_default_is_in_its_own_range() -> None:
    for setting in SETTINGS:
        assert read(setting, setting[1].default) == setting[1].default


def test_every_setting_says_what_it_means_in_a_sentence() -> None:
    for group, entry in SETTINGS:
        assert entry.metadata["about"].endswith("."), f"{group}.{entry.name}"


def test_every_number_has_a_least_value() -> None:
    for group, entry in SETTINGS:
        if type(entry.default) in (int, float):
            assert entry.metadata["low"] is not None, f"{group}.{entry.name}"


# --- files ---------------------------------------------------------------------------------------


def test_a_missing_file_gives_the_defaults(file: Path) -> None:
    assert load(file) == DEFAULTS


def test_an_empty_file_gives_the_defaults(file: Path) -> None:
    file.touch()
    assert load(file) == DEFAULTS


def test_the_defaults_are_not_written_out(file: Path) -> None:
    file.write_text(to_toml(DEFAULTS), encoding="utf-8")
    assert "[" not in file.read_text(encoding="utf-8")
    assert load(file) == DEFAULTS


@given(tables)
def test_what_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, content: dict[str, dict[str, Any]]
) -> None:
    settings = from_tables(content, "here")
    path = tmp_path_factory.getbasetemp() / "round_trip.toml"
    path.write_bytes(to_toml(settings).encode())
    assert load(path) == settings


@given(tables)
def test_what_is_not_named_keeps_its_default(content: dict[str, dict[str, Any]]) -> None:
    settings = from_tables(content, "here")
    for group, entry in SETTINGS:
        wanted = content.get(group, {}).get(entry.name, entry.default)
        assert value_of(settings, (group, entry)) == wanted


def test_a_file_as_people_write_it_is_read(file: Path) -> None:
    file.write_text(
        "# ours\n[match]\nmin_confidence = 0.7\n\n[workers]\ncount = 2\n", encoding="utf-8"
    )
    settings = load(file)
    assert (settings.match.min_confidence, settings.workers.count) == (0.7, 2)


def test_the_byte_order_mark_of_windows_editors_does_no_harm(file: Path) -> None:
    file.write_text("[workers]\r\ncount = 2\r\n", encoding="utf-8-sig")
    assert load(file).workers.count == 2


@pytest.mark.parametrize(
    "content",
    [b"[match", b"min_confidence: 0.7", b"[match]\n[match]\n", b"\xff\xfe\x00", b"a = \xe9"],
)
def test_a_file_that_is_not_toml_is_refused_by_name(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(SettingsError, match=r"settings\.toml can't be read as TOML"):
        load(file)


def test_a_folder_in_place_of_the_file_is_refused(file: Path) -> None:
    file.mkdir()
    with pytest.raises(SettingsError, match=r"settings\.toml"):
        load(file)


# --- what is refused -----------------------------------------------------------------------------


def test_an_unknown_group_is_refused_with_the_known_ones(file: Path) -> None:
    file.write_text("[serach]\ntop = 3\n", encoding="utf-8")
    with pytest.raises(
        SettingsError, match=r"settings\.toml: there is no group \[serach\].*search"
    ):
        load(file)


def test_a_setting_outside_its_group_is_refused(file: Path) -> None:
    file.write_text("min_confidence = 0.7\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"no group \[min_confidence\]"):
        load(file)


def test_a_value_in_place_of_a_group_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"match is 0\.7, but must be a group"):
        from_tables({"match": 0.7}, "here")


def test_an_unknown_setting_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SettingsError, match=r"here \[search\]: unknown setting 'tpo'; known: top,"):
        from_tables({"search": {"tpo": 3}}, "here")


@pytest.mark.parametrize("value", [1.0, 2.5, True, "3", [3], {"is": 3}, None, math.nan])
@pytest.mark.parametrize("setting", of_type(int))
def test_only_whole_numbers_are_whole_numbers(setting: Setting, value: object) -> None:
    with pytest.raises(SettingsError, match=f"{setting[1].name} is .* must be a whole number"):
        read(setting, value)


@pytest.mark.parametrize("value", [True, "0.5", [0.5], math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("setting", of_type(float))
def test_only_finite_numbers_are_numbers(setting: Setting, value: object) -> None:
    with pytest.raises(SettingsError, match=f"{setting[1].name} is .* must be a finite number"):
        read(setting, value)


@pytest.mark.parametrize("value", [0, 1, 0.0, "true", "yes"])
@pytest.mark.parametrize("setting", of_type(bool))
def test_only_true_and_false_are_truths(setting: Setting, value: object) -> None:
    with pytest.raises(SettingsError, match="must be true or false"):
        read(setting, value)


@pytest.mark.parametrize("value", [0, False, ["sscd"]])
@pytest.mark.parametrize("setting", of_type(str))
def test_only_text_is_text(setting: Setting, value: object) -> None:
    with pytest.raises(SettingsError, match="must be text"):
        read(setting, value)


@pytest.mark.parametrize("setting", of_type(float))
def test_a_whole_number_will_do_for_a_number(setting: Setting) -> None:
    value = read(setting, 1)
    assert (value, type(value)) == (1.0, float)


@pytest.mark.parametrize("setting", [*of_type(int), *of_type(float)])
def test_a_number_out_of_its_range_is_refused_with_the_range(setting: Setting) -> None:
    entry = setting[1]
    low, high = entry.metadata["low"], entry.metadata["high"]
    kind: type = type(entry.default)
    assert read(setting, kind(low)) == low
    with pytest.raises(SettingsError, match=rf"must be (at least|between) {low}"):
        read(setting, kind(low - 1))
    if high is not None:
        assert read(setting, kind(high)) == high
        with pytest.raises(SettingsError, match=f"must be between {low} and {high}"):
            read(setting, kind(high + 1))


@pytest.mark.parametrize("setting", [*of_type(int), *of_type(float)])
@pytest.mark.parametrize("value", [2**63, 10**400])
def test_a_number_that_no_toml_file_may_hold_is_refused(setting: Setting, value: int) -> None:
    with pytest.raises(SettingsError, match=setting[1].name):
        read(setting, value)


# --- where the index is --------------------------------------------------------------------------


def test_the_environment_names_the_index(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("IMAGEMATCH_INDEX", str(tmp_path))
    assert default_index() == tmp_path


@pytest.mark.parametrize("value", [None, ""])
def test_without_the_environment_the_index_is_in_the_usual_place(
    monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    monkeypatch.delenv("IMAGEMATCH_INDEX", raising=False)
    if value is not None:
        monkeypatch.setenv("IMAGEMATCH_INDEX", value)
    assert default_index() == DEFAULT_INDEX


# --- former names --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("group", "former", "now", "value"),
    [
        ("search", "deep", "high_recall", True),
        ("store", "list_rows", "ivf_min_vectors", 0),
    ],
)
def test_a_file_with_a_former_name_is_read_and_saved_under_the_present_one(
    tmp_path: Path, group: str, former: str, now: str, value: object
) -> None:
    path = tmp_path / "settings.toml"
    text = str(value).lower()
    path.write_text(f"[{group}]\n{former} = {text}\n", encoding="utf-8")

    settings = load(path)

    assert getattr(getattr(settings, group), now) == value
    assert f"[{group}]\n{now} = {text}\n" in to_toml(settings)
    path.write_text(f"[{group}]\n{former} = {text}\n{now} = {text}\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=rf"{former} is called {now} now"):
        load(path)
