"""What became of clusters since somebody was last told."""

from hypothesis import given
from hypothesis import strategies as st

from imagematch.records import Profile
from imagematch.stages.cluster_changes import changes


def membership(**clusters: str) -> dict[Profile, str]:
    """Clusters by id, each letter a profile."""
    return {Profile("s", one): of for of, members in clusters.items() for one in members}


def told(before: dict[Profile, str], now: dict[Profile, str]) -> list[tuple[str, str, str, str]]:
    return [
        (
            change.what,
            change.id,
            " ".join(change.others),
            "".join(profile.handle for profile in change.profiles),
        )
        for change in changes(before, now)
    ]


def test_what_is_the_same_is_not_told() -> None:
    assert told(membership(C1="ab", C3="cd"), membership(C1="ab", C3="cd")) == []


def test_each_change_is_told_once() -> None:
    before = membership(C1="ab", C3="cd", C5="efgh", C9="ij", C11="kl")
    now = membership(C1="abcd", C5="ef", C7="gh", C11="klm", C14="no")
    assert told(before, now) == [
        ("joined", "C1", "C1 C3", "abcd"),
        ("grew", "C11", "C11", "m"),
        ("new", "C14", "", "no"),
        ("fell_apart", "C5", "C5 C7", "efgh"),
        ("gone", "C9", "C9", "ij"),
    ]


def test_a_cluster_that_loses_a_profile_fell_apart() -> None:
    assert told(membership(C1="abc"), membership(C1="ab")) == [("fell_apart", "C1", "C1", "abc")]


some = st.dictionaries(
    st.sampled_from("abcdefgh").map(lambda one: Profile("s", one)), st.sampled_from(["C1", "C2"])
)


@given(some, some)
def test_who_moved_is_told_of(before: dict[Profile, str], now: dict[Profile, str]) -> None:
    told_of = {profile for change in changes(before, now) for profile in change.profiles}
    assert {each for each in now if each not in before} <= told_of
    assert {each for each in before if each not in now} <= told_of
    assert list(changes(now, now)) == []
