"""A world as imagematch sees it: its folder is indexed and linked, items and clusters come out.

Photos are grouped by the matches that imagematch itself finds, so that its faults count. Contacts
are what the manifest's cells become in their normal form.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

import imagematch
from benchmark.links import world_pictures
from benchmark.links.items import PHOTO, Grouping, Items, Measured, Pairs
from benchmark.links.worlds import REGION, World
from imagematch.kernels.phones import to_e164
from imagematch.records import LinkReport, Profile
from imagematch.runtime.monitor import Monitor
from imagematch.services.session import Session
from imagematch.stages.shared_photos import Shared, SharedPhotos, profile_of

#: No photo is left out of the items because many show it: that is for methods to find out.
_EVERYBODY = 1 << 30

type _Shown = dict[tuple[str, str], dict[Profile, float]]


def see(world: World, half: str, folder: Path, preset: str, monitor: Monitor) -> Measured:
    """Index and link a world that `world_pictures.write` wrote.

    Args:
        folder: of the world; the index goes there, too.

    Raises:
        ImagematchError: as indexing does.
        Stopped: as asked through the monitor.
    """
    index = folder / "index"
    index.mkdir()
    # Ads name their numbers as people of one country do.
    (index / "settings.toml").write_text(f'[scan]\nphone_region = "{REGION}"\n', "utf-8")
    with imagematch.open(index, create=True) as opened:
        report = opened.add(
            folder / "ads",
            manifest=folder / world_pictures.MANIFEST,
            preset=preset,
            progress=monitor,
        )
        links = opened.link()
    shown = contacts(world)
    monitor.stage("Collecting items", None)
    with Session(index) as session, session.reading() as state:
        everything = replace(state.settings.link, hot_profiles=_EVERYBODY)
        for key, showing in photo_items(SharedPhotos(state, everything).between_profiles()).items():
            shown[key] = showing
    items = items_of(world, shown)
    return Measured(world.seed, half, report.seen, items, today(links, items))


def contacts(world: World) -> _Shown:
    """Who shows which contact, of all ads, by its type and normal form."""
    shown: _Shown = defaultdict(dict)
    for ad in world.ads:
        owner = world.profiles[ad.profile]
        for kind, cell in (
            ("phone", ad.phone and to_e164(ad.phone, REGION)),
            ("phone", ad.contact and to_e164(ad.contact, REGION)),
            ("email", ad.email.lower()),
            ("handle", ad.handle.lower()),
        ):
            if cell:
                shown[kind, cell][Profile(owner.site, owner.handle)] = 1.0
    return shown


def photo_items(pairs: Iterator[Shared]) -> _Shown:
    """Who shows which photo that others show as well.

    A pair within one group of copies is that item. A pair across two, such as a collage and its
    part, makes the profile of the one show the other's item: that of the photo which more profiles
    show, so that nothing is evidence twice.
    """
    whole: dict[int, dict[Profile, float]] = defaultdict(dict)
    across: list[Shared] = []
    example: dict[int, str] = {}
    for shared in pairs:
        if len(shared.groups) > 1:
            across.append(shared)
            continue
        (group,) = shared.groups
        example.setdefault(group, shared.pair.left.path)
        for sighting in (shared.pair.left, shared.pair.right):
            whole[group][profile_of(sighting)] = 1.0
    sure = {group: len(showing) for group, showing in whole.items()}
    for shared in across:
        # `groups` is a set: which group is whose does not matter, as both profiles get the item.
        group = max(shared.groups, key=lambda one: (sure.get(one, 0), -one))
        example.setdefault(group, shared.pair.left.path)
        for sighting in (shared.pair.left, shared.pair.right):
            owner, showing = profile_of(sighting), whole[group]
            showing[owner] = max(showing.get(owner, 0.0), shared.pair.judgement.confidence)
    return {(PHOTO, f"{example[group]} ({group})"): whole[group] for group in sorted(whole)}


def items_of(world: World, shown: _Shown) -> Items:
    """Items as arrays; what only one profile shows joins nobody, and is left out."""
    operators = {Profile(one.site, one.handle): one.operator for one in world.profiles}
    profiles = sorted(operators)
    number = {profile: place for place, profile in enumerate(profiles)}
    shared = {key: showing for key, showing in sorted(shown.items()) if len(showing) > 1}
    rows = [
        (number[profile], item, confidence)
        for item, showing in enumerate(shared.values())
        for profile, confidence in sorted(showing.items())
    ]
    table = np.array(rows, np.float64).reshape(-1, 3)
    return Items(
        tuple(map(str, profiles)),
        tuple(profile.site for profile in profiles),
        np.array([operators[profile] for profile in profiles], np.int64),
        tuple(kind for kind, _ in shared),
        tuple(name for _, name in shared),
        table[:, 0].astype(np.int64),
        table[:, 1].astype(np.int64),
        table[:, 2],
    )


def today(report: LinkReport, items: Items) -> Grouping:
    """The clusters and links of a report."""
    number = {name: place for place, name in enumerate(items.profiles)}
    labels = np.arange(len(items.profiles))
    for cluster in report.clusters:
        members = [number[str(profile)] for profile in cluster.profiles]
        labels[members] = members[0]
    rows = [
        (*sorted((number[str(link.left)], number[str(link.right)])), link.strength)
        for link in report.links
        if link.left != link.right
    ]
    table = np.array(rows, np.float64).reshape(-1, 3)
    pairs = Pairs(table[:, 0].astype(np.int64), table[:, 1].astype(np.int64), table[:, 2])
    return Grouping(labels, pairs)
