"""What all HTML pages have in common: templates, embedded pictures, and the policy that keeps a
page from loading or running anything.

Everything but the layout was written by strangers. Jinja2 escapes it, hidden characters are
spelled out, no value becomes a link, and a content security policy forbids scripts, requests and
any style but the page's own.
"""

import base64
import functools
import hashlib
from collections.abc import Sequence
from importlib import resources

import jinja2
from markupsafe import Markup

from imagematch import formatting, wording
from imagematch.amounts import counted
from imagematch.reports import pair_cards


class Album:
    """The thumbnails of one page, each embedded once, as the background of a CSS class."""

    def __init__(self) -> None:
        self._classes: dict[str, str] = {}
        self._rules: list[str] = []

    def __contains__(self, key: str) -> bool:
        return key in self._classes

    def add(self, key: str, jpeg: bytes | None, shape: tuple[int, int] | None = None) -> str:
        """Embed one picture; returns its class, "" without a picture.

        Args:
            shape: width and height, for a picture that is to have its own shape.
        """
        if not jpeg:
            return ""
        name = f"p{len(self._rules)}"
        own = f";aspect-ratio:{shape[0]}/{shape[1]}" if shape else ""
        self._rules.append(
            f'.{name}{{background-image:url("{data_uri(jpeg, "image/jpeg")}"){own}}}'
        )
        self._classes[key] = name
        return name

    def named(self, key: str) -> str:
        """The class of a thumbnail; "" while there is none."""
        return self._classes.get(key, "")

    def css(self) -> str:
        """The rules of all classes."""
        return "\n".join(self._rules)


def data_uri(data: bytes, media_type: str) -> str:
    """Bytes as an address that holds them."""
    return f"data:{media_type};base64,{base64.b64encode(data).decode('ascii')}"


def policy(styles: Sequence[str]) -> Markup:
    """The content security policy of a page with these style sheets, which it names by hash."""
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode('ascii')}'"
        for style in styles
    )
    return Markup(
        f"default-src 'none'; img-src data:; style-src {hashes}; "
        "base-uri 'none'; form-action 'none'"
    )


def source(name: str) -> str:
    """The text of a file beside the templates."""
    return resources.files("imagematch.reports").joinpath("templates", name).read_text("utf-8")


@functools.cache
def environment() -> jinja2.Environment:
    """Where templates come from, and how values are put into them."""
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("imagematch.reports"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(brief=_brief, counted=counted, moment=pair_cards.moment)
    made.globals.update(
        bands=wording.band_rows(),
        kinds=[
            *(
                (kind, wording.KIND_WORDS[kind], text)
                for kind, text in wording.KIND_MEANINGS.items()
            ),
            ("candidate", "Candidate", wording.CANDIDATE_MEANING),
        ],
    )
    return made


def _visible(value: object) -> object:
    """What any expression in a template puts out; here, so that no template can forget it."""
    if hasattr(value, "__html__"):
        return value
    return formatting.shortened(formatting.printable(str(value)))


def _brief(name: object) -> str:
    """A name as a heading or a chip bears it."""
    return formatting.shortened(formatting.printable(str(name)), 120)
