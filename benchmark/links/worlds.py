"""A made-up world as a plan: photos and a seed in, operators with profiles, ads and pictures out.

Nothing is drawn or written here, see `world_pictures`. Everything is labelled: each profile has its
operator. A world has what makes links hard: large operators without a rare photo, placeholders and
stock photos on strangers, stolen photos, a hotline on most ads of one site, operators whose photos
differ so that only a phone joins them, and contacts that are missing or typed in many ways.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from types import MappingProxyType

import numpy as np

from benchmark.links.ad_words import CITIES, NAMES, operator_text, stranger_text, typed
from benchmark.quality.suite import Step
from imagematch.errors import UsageError

#: Photos that a world of the full size takes; fewer make a smaller world.
FULL = 905
_LEAST = 30

#: Whether a photo has no edit, one or two.
_EDITS = (0.45, 0.40, 0.15)

#: Edits that posters make most, and strengths that are drawn from, evenly.
_STEPS: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "border": (0.4, 1.0),
        "brightness": (0.3, 0.8),
        "caption": (0.4, 1.0),
        "colour_filter": (0.3, 0.8),
        "contrast": (0.3, 0.8),
        "crop": (0.1, 0.5),
        "downscale": (0.3, 0.8),
        "emoji": (0.4, 0.9),
        "grayscale": (1.0, 1.0),
        "hidden_face": (0.4, 1.0),
        "mirror": (1.0, 1.0),
        "phone_number": (0.5, 1.0),
        "recompress": (0.5, 1.0),
        "screenshot": (0.0, 0.5),
        "tilt": (0.3, 0.6),
    }
)

#: Share of the profiles on each site: one large site and several small ones.
_SITES = (0.40, 0.15, 0.12, 0.09, 0.08, 0.06, 0.05, 0.05)
#: Sites that stamp their name on each picture.
_STAMPED = (0, 2, 5, 7)
#: The site that prints its hotline on most ads.
_HOTLINE_SITE = 0

#: Numbers of operators' profiles follow a power law between these.
_SMALLEST, _LARGEST, _POWER = 2, 25, 1.6
#: Profiles of an operator that only a phone joins, at most: photos can never show all of it.
_LARGEST_SPLIT = 8

_FIRST_DAY = date(2024, 1, 1)
#: Of numbers that are kept free for fiction: Ofcom, "Telephone numbers for drama use".
_MOBILES = "+447700900{:03d}"
_HOTLINE = "+442079460123"
REGION = "GB"


@dataclass(frozen=True, slots=True)
class WorldSize:
    """How many of everything there are; shares are of all profiles.

    Attributes:
        split: operators with photo sets that have nothing in common, so that only a phone joins
            them.
        stolen: photos that a stranger also shows.
        placeholders, stock: photos that strangers show.
        with_placeholder: share of profiles that show one.
        strangers: least and most profiles that show one stock photo.
        hotline: share of the ads of one site that show its hotline.
        without_photo: share of profiles that have no photo.
    """

    operators: int = 60
    independents: int = 300
    split: int = 6
    stolen: int = 20
    placeholders: int = 3
    stock: int = 6
    with_placeholder: float = 0.2
    strangers: tuple[int, int] = (10, 25)
    hotline: float = 0.94
    without_photo: float = 0.02

    def fitted(self, photos: int) -> "WorldSize":
        """The same world, smaller where there are fewer photos than it takes."""
        scale = min(1.0, photos / FULL)
        return replace(
            self,
            operators=max(2, round(self.operators * scale)),
            independents=max(2, round(self.independents * scale)),
            split=max(1, round(self.split * scale)),
            stolen=max(1, round(self.stolen * scale)),
            stock=max(1, round(self.stock * scale)),
            placeholders=max(1, round(self.placeholders * scale)),
        )


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture in an ad.

    Attributes:
        path: of the file that is to be made, relative to the world's folder.
        source: the photo that it is made of, relative to the folder of photos.
        steps: edits, in order.
        stamp: the site's watermark; "" for none.
        seed: of what the edits draw.
    """

    path: str
    source: str
    steps: tuple[Step, ...]
    stamp: str
    seed: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Ad:
    """One ad, with its contacts as they are typed; "" for what is missing.

    Attributes:
        profile: its number in the world.
        contact: a number that the site adds to the ad.
        shots: may be empty.
    """

    profile: int
    ad_id: str
    posted_at: str
    location: str
    phone: str
    contact: str
    email: str
    handle: str
    text: str
    shots: tuple[Shot, ...]


@dataclass(frozen=True, slots=True)
class WorldProfile:
    """One account, and who truly runs it.

    Attributes:
        operator: a number; an independent has one of its own.
    """

    site: str
    handle: str
    operator: int


@dataclass(frozen=True, slots=True)
class World:
    """A planned world.

    Attributes:
        split: operators that only a phone joins.
        stolen: (operator whose photo it is, profile that shows it, too).
    """

    seed: int
    profiles: tuple[WorldProfile, ...]
    ads: tuple[Ad, ...]
    split: tuple[int, ...]
    stolen: tuple[tuple[int, int], ...]
    hotline: str = _HOTLINE

    @property
    def shots(self) -> Iterator[Shot]:
        """All pictures."""
        return (shot for ad in self.ads for shot in ad.shots)


def plan(photos: Sequence[str], seed: int, size: WorldSize | None = None) -> World:
    """Draw a world; the same arguments give the same one.

    Args:
        photos: paths of different photos; about 905 give a world of the full size.
        size: None for the full size, or what the photos are enough for.

    Raises:
        UsageError: there are too few photos for any world.
    """
    if len(photos) < _LEAST:
        raise UsageError(
            f"a world needs {_LEAST} photos or more, and there are {len(photos)}; name a folder "
            "with more photos"
        )
    return _Planner(photos, seed, size or WorldSize().fitted(len(photos))).world()


def operator_sizes(operators: int) -> list[int]:
    """Numbers of profiles, ascending: the quantiles of a power law, so the same for each seed."""
    sizes = np.arange(_SMALLEST, _LARGEST + 1)
    cumulated = np.cumsum(sizes**-_POWER)
    wanted = (np.arange(operators) + 0.5) / operators * cumulated[-1]
    return [int(sizes[place]) for place in np.searchsorted(cumulated, wanted)]


@dataclass(frozen=True, slots=True)
class _Contacts:
    """What an owner may show; "" for what it does not have.

    Attributes:
        always: the phone is on every ad.
    """

    phones: tuple[str, ...]
    email: str
    handle: str
    always: bool = False


class _Planner:
    """Draws one world, part after part."""

    def __init__(self, photos: Sequence[str], seed: int, size: WorldSize) -> None:
        self._rng = np.random.default_rng(seed)
        self._seed, self._size = seed, size
        self._unused = [photos[at] for at in self._rng.permutation(len(photos))]
        self._numbers = iter(self._rng.permutation(1000))
        # A handle says nothing of who else was drawn before and after it.
        self._suffixes = iter(self._rng.permutation(10_000))
        self._profiles: list[WorldProfile] = []
        self._photos: list[list[str]] = []  # by profile
        self._contacts: list[_Contacts] = []  # by profile
        self._pools: list[list[str]] = []  # by operator, all that it has
        self._split: tuple[int, ...] = ()

    def world(self) -> World:
        """All of it."""
        common = self._take(self._size.placeholders), self._take(self._size.stock)
        sizes = operator_sizes(self._size.operators)
        fitting = [number for number, size in enumerate(sizes) if 4 <= size <= _LARGEST_SPLIT]
        chosen = self._rng.permutation(fitting or [len(sizes) - 1])[: self._size.split]
        self._split = tuple(sorted(int(number) for number in chosen))
        for number, size in enumerate(sizes):
            self._add_operator(number, size)
        for number in range(self._size.independents):
            self._add_independent(len(sizes) + number)
        stolen = tuple(self._stolen())
        self._strip()
        self._spread(*common)
        ads = tuple(ad for profile in range(len(self._profiles)) for ad in self._ads(profile))
        return World(self._seed, tuple(self._profiles), ads, self._split, stolen)

    def _take(self, count: int) -> list[str]:
        """Photos that nobody has yet, as long as there are some."""
        taken, self._unused = self._unused[:count], self._unused[count:]
        return taken

    # --- who -------------------------------------------------------------------------------------

    def _add_operator(self, number: int, size: int) -> None:
        rng = self._rng
        cells = 2 if number in self._split else 1
        pools = [
            self._take(int(rng.integers(2, 6)) + round(0.45 * size / cells)) for _ in range(cells)
        ]
        self._pools.append([photo for pool in pools for photo in pool])
        sites = rng.choice(len(_SITES), int(rng.integers(1, min(len(_SITES), size) + 1)), False)
        contacts = self._operator_contacts(size, cells > 1)
        for place in range(size):
            share = np.array([_SITES[site] for site in sites])
            site = int(rng.choice(sites, p=share / share.sum()))
            pool = pools[place % cells]
            # Some photos are the ones that an operator likes best.
            liking = (1 + np.arange(len(pool))) ** -0.7
            count = min(len(pool), int(rng.integers(2, 7)))
            shown = [str(one) for one in rng.choice(pool, count, False, liking / liking.sum())]
            self._add_profile(site, number, shown, contacts)

    def _add_independent(self, number: int) -> None:
        rng = self._rng
        site = int(rng.choice(len(_SITES), p=_SITES))
        phones = (self._number(),) if rng.random() < 0.65 else ()
        email = f"{self._name()}@mail.example" if rng.random() < 0.2 else ""
        handle = f"@{self._name()}" if rng.random() < 0.3 else ""
        photos = self._take(int(rng.choice((1, 2, 3), p=(0.45, 0.35, 0.2))))
        self._add_profile(site, number, photos, _Contacts(phones, email, handle))

    def _add_profile(
        self, site: int, operator: int, photos: list[str], contacts: _Contacts
    ) -> None:
        handle = f"{self._rng.choice(NAMES)}{next(self._suffixes):04d}"
        self._profiles.append(WorldProfile(f"site{site}", handle, operator))
        self._photos.append(photos)
        self._contacts.append(contacts)

    def _operator_contacts(self, size: int, split: bool) -> _Contacts:
        phones = tuple(self._number() for _ in range(1 if split else 1 + size // 7))
        email = f"{self._name()}@mail.example" if self._rng.random() < 0.4 else ""
        handle = f"@{self._name()}" if self._rng.random() < 0.6 else ""
        return _Contacts(phones, email, handle, split)

    def _number(self) -> str:
        return _MOBILES.format(next(self._numbers))

    def _name(self) -> str:
        return f"{self._rng.choice(NAMES)}_{self._rng.integers(10**6, 10**7)}"

    # --- who shows what of others ----------------------------------------------------------------

    def _stolen(self) -> Iterator[tuple[int, int]]:
        """Give photos of operators to strangers."""
        for _ in range(self._size.stolen):
            victim = int(self._rng.integers(len(self._pools)))
            thief = int(self._rng.integers(len(self._profiles)))
            if self._pools[victim] and self._profiles[thief].operator != victim:
                photo = str(self._rng.choice(self._pools[victim]))
                self._photos[thief].append(photo)
                yield victim, thief

    def _strip(self) -> None:
        """Take all photos from some profiles, which then show a phone."""
        for profile, contacts in enumerate(self._contacts):
            if contacts.phones and self._rng.random() < self._size.without_photo:
                self._photos[profile] = []
                self._contacts[profile] = replace(contacts, always=True)

    def _spread(self, placeholders: Sequence[str], stock: Sequence[str]) -> None:
        """Put photos on profiles that have nothing to do with each other."""
        shown = [profile for profile, photos in enumerate(self._photos) if photos]
        for profile in shown:
            if self._rng.random() < self._size.with_placeholder:
                self._photos[profile].append(str(self._rng.choice(placeholders)))
        for photo in stock:
            low, high = self._size.strangers
            count = int(self._rng.integers(low, high + 1))
            taken: set[int] = set()
            for profile in self._rng.permutation(shown):
                operator = self._profiles[profile].operator
                if len(taken) < count and operator not in taken:
                    taken.add(operator)
                    self._photos[profile].append(photo)

    # --- ads -------------------------------------------------------------------------------------

    def _ads(self, profile: int) -> Iterator[Ad]:
        rng = self._rng
        photos = self._photos[profile]
        count = min(max(1, len(photos)), int(rng.integers(1, 4)))
        phones = self._contacts[profile].phones
        shows_phone = phones and (self._contacts[profile].always or rng.random() < 0.75)
        phone = str(rng.choice(phones)) if shows_phone else ""
        email, handle = (
            contact if rng.random() < 0.5 else ""
            for contact in (self._contacts[profile].email, self._contacts[profile].handle)
        )
        for part in range(count):
            shots = [
                self._shot(profile, part, place, photo)
                for place, photo in enumerate(photos[part::count])
            ]
            yield self._ad(profile, part, (phone, email, handle), tuple(shots))

    def _ad(
        self, profile: int, part: int, contacts: tuple[str, str, str], shots: tuple[Shot, ...]
    ) -> Ad:
        rng = self._rng
        phone, email, handle = contacts
        owner = self._profiles[profile]
        typed_phone = typed(phone, rng) if phone else ""
        in_column = self._contacts[profile].always or rng.random() < 0.75
        text = self._text(owner.operator, "" if in_column else typed_phone)
        hotline = owner.site == f"site{_HOTLINE_SITE}" and rng.random() < self._size.hotline
        day = _FIRST_DAY + timedelta(days=int(rng.integers(0, 365)))
        return Ad(
            profile,
            f"{profile}-{part}",
            day.isoformat() if rng.random() < 0.9 else "",
            str(CITIES[(owner.operator + int(rng.integers(3))) % len(CITIES)])
            if rng.random() < 0.7
            else "",
            typed_phone if in_column else "",
            typed(_HOTLINE, rng) if hotline else "",
            email,
            handle,
            text,
            shots,
        )

    def _text(self, operator: int, phone: str) -> str:
        if not phone and self._rng.random() < 0.4:
            return ""
        known = operator < len(self._pools)
        text = operator_text(operator, self._rng) if known else stranger_text(self._rng)
        return f"{text} Call {phone}" if phone else text

    def _shot(self, profile: int, part: int, place: int, photo: str) -> Shot:
        rng = self._rng
        owner = self._profiles[profile]
        names = rng.choice(list(_STEPS), int(rng.choice(3, p=_EDITS)), False)
        steps = tuple(
            Step(str(name), round(float(rng.uniform(*_STEPS[str(name)])), 4)) for name in names
        )
        path = f"{owner.site}/{owner.handle}/{part}-{place}.jpg"
        stamped = int(owner.site.removeprefix("site")) in _STAMPED
        seed = (self._seed, profile, part, place)
        return Shot(path, photo, steps, f"{owner.site}.example" if stamped else "", seed)
