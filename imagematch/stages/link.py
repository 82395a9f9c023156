"""Link: what profiles show in, clusters of profiles with links and evidence out."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from imagematch.kernels.forest import Forest
from imagematch.records import (
    Bridge,
    Cluster,
    CommonIdentifier,
    Doubt,
    Link,
    LinkReport,
    PhotoPair,
    SharedItem,
    Stop,
    StoredSighting,
)
from imagematch.settings import LinkSettings
from imagematch.stages.operator_groups import Operators
from imagematch.stages.shared_photos import PhotoItem, SharedPhotos, profile_of, surest_first
from imagematch.stages.stops import stops_of
from imagematch.stores.index import Index

#: Fewer bits than this are not worth a line.
_LEAST_BITS = 0.5


def run(index: Index, settings: LinkSettings) -> LinkReport:
    """Join profiles by what they share."""
    photos = SharedPhotos(index, settings)
    linking = _Linking(index, photos)
    clusters = linking.clusters()
    within = _within_profiles(photos) if settings.same_profile else []
    return LinkReport(
        photos.profiles,
        (
            *(link for cluster in clusters for link in cluster.links),
            *linking.possible_links(),
            *within,
        ),
        tuple(clusters),
        tuple(linking.bridges()),
        tuple(photo for photo in photos.hot(linking.operators.hot) if photo.state != "released"),
        tuple(linking.common()),
        tuple(hit.pair for hit in photos.gallery_hits()),
        tuple(scene.pair for scene in photos.scenes()),
        photos.unprofiled(),
        linking.operators.apart(),
        linking.operators.unmet(),
    )


class _Linking:
    """The groups of an index as records."""

    def __init__(self, index: Index, photos: SharedPhotos) -> None:
        self._photos = photos
        self._examples: dict[int, StoredSighting] = {}
        self.operators = Operators.read(index, photos)
        grouped = [one for members in self.operators.members.values() for one in members]
        self._stops = stops_of(index, {self.operators.ids[one]: one for one in grouped})

    # --- clusters ------------------------------------------------------------------------------

    def clusters(self) -> list[Cluster]:
        """Largest first, then by the profile that was indexed first."""
        members = self.operators.members
        order = sorted(members, key=lambda of: (-len(members[of]), members[of][0]))
        return [self._cluster(of, number) for number, of in enumerate(order, start=1)]

    def _cluster(self, of: int, number: int) -> Cluster:
        operators = self.operators
        members = operators.members[of]
        links = [self._link(of, left, right) for left, right in operators.linked(of)]
        shared = self._items(of)
        return Cluster(
            operators.cluster_id(of),
            number,
            tuple(sorted(operators.profiles[one] for one in members)),
            tuple(sorted(links, key=lambda link: (-link.probability, link.left, link.right))),
            _weakest(links),
            shared,
            self._stops_of(members),
            tuple(self._doubts(of, shared)),
        )

    def _item(self, number: int, bits: float, showing: Sequence[int], inside: int) -> SharedItem:
        """An item as evidence.

        Args:
            showing: the profiles that share it.
            inside: how many show it of those that count as one operator.
        """
        item = self.operators.items[number]
        example = self._example(item.photo) if item.photo else None
        return SharedItem(
            item.kind,
            example.photo if example else item.value,
            round(bits, 1),
            tuple(self.operators.profiles[one] for one in showing),
            len(item.profiles) - inside,
            example,
        )

    def _example(self, photo: PhotoItem) -> StoredSighting:
        if photo.group not in self._examples:
            self._examples[photo.group] = self._photos.example(photo)
        return self._examples[photo.group]

    def _items(self, of: int) -> tuple[SharedItem, ...]:
        """What several profiles of a group show, most bits first."""
        shown, bits = self.operators.shown_in[of], self.operators.bits_in[of]
        return _most_bits_first(
            self._item(item, bits[item], profiles, len(profiles))
            for item, profiles in shown.items()
        )

    def _link(self, of: int, left: int, right: int) -> Link:
        """A link within a group."""
        operators = self.operators
        shown, bits = operators.shown_in[of], operators.bits_in[of]
        both = sorted(shown.keys() & operators.shown_by(left) & operators.shown_by(right))
        shared = _most_bits_first(
            self._item(item, bits[item], (left, right), len(shown[item]))
            for item in both
            if bits[item] >= _LEAST_BITS
        )
        return self._linked(left, right, both, shared, operators.total(left, right))

    def possible_links(self) -> Iterator[Link]:
        """Links between profiles that were not joined, but may have one operator all the same."""
        operators = self.operators
        for (left, right), total in operators.possible.items():
            both = [
                item
                for item in sorted(operators.shown_by(left) & operators.shown_by(right))
                if item in operators.bridges
            ]
            groups = {int(operators.of[left]), int(operators.of[right])}
            shared = []
            for item in both:
                inside = sum(len(operators.sides(item).get(of, ())) for of in groups)
                if (bits := operators.bits(item, inside)) >= _LEAST_BITS:
                    shared.append(self._item(item, bits, (left, right), inside))
            yield self._linked(left, right, both, _most_bits_first(shared), total)

    def _linked(
        self,
        left: int,
        right: int,
        both: Iterable[int],
        shared: tuple[SharedItem, ...],
        total: float,
    ) -> Link:
        operators = self.operators
        one, two = sorted((operators.profiles[left], operators.profiles[right]))
        photos = (operators.items[item].photo for item in both)
        pairs = (self._photos.pair(photo, one, two) for photo in photos if photo)
        prior = round(operators.prior, 1)
        said = operators.said(left, right)
        return Link(
            one,
            two,
            1.0 if said else round(operators.probability(total), 4),
            prior,
            shared,
            round(total - prior - sum(item.bits for item in shared), 1),
            tuple(sorted((pair for pair in pairs if pair), key=surest_first)),
            said,
        )

    def _stops_of(self, members: Sequence[int]) -> tuple[Stop, ...]:
        return self._stops.of([(one, self.operators.profiles[one]) for one in members])

    def _doubts(self, of: int, shared: Sequence[SharedItem]) -> Iterator[Doubt]:
        """What makes a cluster rest on little, or speaks against it."""
        members = self.operators.members[of]
        profiles = tuple(sorted(self.operators.profiles[one] for one in members))
        if len(shared) == 1:
            yield Doubt("one_item", (shared[0].kind, shared[0].value), profiles)
        yield from self._phones_apart(of)
        yield from self._stops.doubts([(one, self.operators.profiles[one]) for one in members])

    def _phones_apart(self, of: int) -> Iterator[Doubt]:
        """Phones of a cluster that fall into sets which no profile shows together."""
        forest: Forest[str] = Forest()
        phones = self.operators.phones(of)
        for several in phones.values():
            first, *others = sorted(several)
            for other in others:
                forest.join(first, other)
        shown = set[str]().union(*phones.values())
        if len({forest.find(phone) for phone in shown}) > 1:
            showing = sorted(self.operators.profiles[profile] for profile in phones)
            yield Doubt("phones_differ", tuple(sorted(shown)), tuple(showing))

    # --- what joins nobody ---------------------------------------------------------------------

    def bridges(self) -> Iterator[Bridge]:
        """Rare items that profiles of several operators show, the likeliest first to have one."""
        operators = self.operators
        for number, saved in sorted(
            operators.bridges.items(), key=lambda entry: (-entry[1], entry[0])
        ):
            sides = operators.sides(number)
            first = next(iter(sides.values()))
            bits = operators.bits(number, len(first))
            profiles = operators.items[number].profiles
            yield Bridge(
                self._item(number, bits, profiles, len(profiles)),
                tuple(
                    (operators.cluster_id(of), tuple(operators.profiles[one] for one in showing))
                    for of, showing in sides.items()
                ),
                round(operators.probability(saved), 4),
            )

    def common(self) -> Iterator[CommonIdentifier]:
        """Contacts that join nobody, those of most profiles first."""
        operators = self.operators
        for number in sorted(
            operators.common, key=lambda item: -len(operators.items[item].profiles)
        ):
            item = operators.items[number]
            if item.photo is None:
                yield CommonIdentifier(
                    item.kind, item.value, operators.of_site(number), len(item.profiles)
                )


def _most_bits_first(items: Iterable[SharedItem]) -> tuple[SharedItem, ...]:
    return tuple(sorted(items, key=lambda item: (-item.bits, item.kind, item.value)))


def _weakest(links: Sequence[Link]) -> Link:
    """The last link that a spanning tree needs which takes the surest ones first (Kruskal)."""
    forest: Forest[object] = Forest()
    ordered = sorted(links, key=lambda link: (-link.probability, -link.bits, link.left, link.right))
    return [link for link in ordered if forest.join(link.left, link.right)][-1]


def _within_profiles(photos: SharedPhotos) -> list[Link]:
    """Profiles that show a photo in several forms, as links with themselves."""
    pairs: dict[object, list[PhotoPair]] = defaultdict(list)
    for item in photos.between_owners(()):
        profile = profile_of(item.pair.left)
        if profile.handle and profile == profile_of(item.pair.right):
            pairs[profile].append(item.pair)
    return [
        Link(profile, profile, 1.0, 0.0, (), 0.0, tuple(sorted(found, key=surest_first)))
        for profile, found in ((profile_of(each[0].left), each) for each in pairs.values())
    ]
