"""The HTML reports show what was found, and nothing that a stranger wrote becomes markup."""

import base64
import dataclasses
import datetime
import hashlib
import re
from collections import Counter
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagematch.records import (
    Bridge,
    Failure,
    HotPhoto,
    LinkReport,
    Picture,
    Profile,
    QueryResult,
    Stop,
    StoredSighting,
)
from imagematch.reports import html, operator_cards, pair_cards
from tests.reports import builders

POLICY = re.compile(
    r"default-src 'none'; img-src data:; style-src ('sha256-[A-Za-z0-9+/=]{44}' ?){2}; "
    r"base-uri 'none'; form-action 'none'"
)
JPEG = b"\xff\xd8 not really a picture \xff\xd9"


class Outline(HTMLParser):
    """Tags, attributes and text of a page, as a browser would split them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: Counter[str] = Counter()
        self.hrefs: list[str] = []
        self.ids: set[str] = set()
        self.styles: list[str] = []
        self.policy = ""
        self.words: list[str] = []
        self._in_style = False
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags[tag] += 1
        self.attributes.update(values.keys())
        self._in_style = tag == "style"
        if tag in {"dd", "br", "td", "th", "li"}:  # all stand apart on the page
            self.words.append(" ")
        if "id" in values:
            self.ids.add(values["id"] or "")
        if "href" in values:
            self.hrefs.append(values["href"] or "")
        if values.get("http-equiv") == "Content-Security-Policy":
            self.policy = values["content"] or ""

    def handle_data(self, data: str) -> None:
        (self.styles if self._in_style else self.words).append(data)

    def handle_endtag(self, _tag: str) -> None:
        self._in_style = False

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).replace("\u00a0", " ").split())


def no_picture(_: StoredSighting) -> bytes | None:
    return None


def a_picture(sighting: StoredSighting) -> bytes | None:
    return JPEG + sighting.photo.encode()


def link_page(report: LinkReport, thumbnails: html.Thumbnails = a_picture) -> str:
    return html.link_page(report, builders.ABOUT, thumbnails)


HARMLESS = Outline(link_page(builders.named_report("harmless")))


def assert_nothing_became_markup(page: str) -> None:
    outline = Outline(page)
    assert outline.tags == HARMLESS.tags
    assert outline.attributes == HARMLESS.attributes
    assert all(re.fullmatch(r"#[a-z]+(-\d+)?", href) for href in outline.hrefs)
    assert {href.removeprefix("#") for href in outline.hrefs} <= outline.ids
    assert POLICY.fullmatch(outline.policy)
    assert not set("\x00\x1b\u202e") & set(page)
    page.encode("utf-8")


# --- safety ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", builders.HOSTILE)
def test_a_hostile_name_is_only_text(name: str) -> None:
    assert_nothing_became_markup(link_page(builders.named_report(name)))


@settings(max_examples=40, deadline=None)
@given(
    st.text(
        st.one_of(st.sampled_from("<>\"'&;={}%#/-!`\\\u202e\x00\n"), st.characters()),
        min_size=1,
        max_size=40,
    ).filter(lambda name: name != "ads")
)
def test_no_name_becomes_markup(name: str) -> None:
    assert_nothing_became_markup(link_page(builders.named_report(name)))


@pytest.mark.parametrize("name", builders.HOSTILE)
def test_hostile_queries_jobs_and_reasons_are_only_text(name: str) -> None:
    failed = QueryResult(name, failure=Failure("corrupt", name))
    found = builders.result((builders.sighting(name), builders.judgement()), query=name)

    for page in (
        html.query_page([failed, found, QueryResult(name)], builders.ABOUT, no_picture, {}),
        html.new_matches_page(
            [builders.pair()],
            html.About(name, name),
            no_picture,
            jobs=[name],
            runs=(1, 1),
            failed={name: name},
        ),
    ):
        outline = Outline(page)
        assert not {"script", "img", "iframe", "a"} & set(outline.tags)
        assert not {"onerror", "href", "src"} & set(outline.attributes)
        assert outline.tags["style"] == 2


def test_template_syntax_in_a_name_is_shown_and_not_run() -> None:
    assert "{{ 7 * 7 }}" in Outline(link_page(builders.named_report("{{ 7 * 7 }}"))).text


def test_the_policy_allows_the_pages_own_styles_and_nothing_else() -> None:
    outline = Outline(link_page(builders.report()))

    digests = [
        base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        for style in outline.styles
    ]
    assert len(digests) == 2
    assert outline.policy == (
        "default-src 'none'; img-src data:; "
        f"style-src 'sha256-{digests[0]}' 'sha256-{digests[1]}'; "
        "base-uri 'none'; form-action 'none'"
    )


def test_the_page_needs_nothing_from_outside() -> None:
    page = link_page(builders.report())

    addresses = re.findall(r"url\(\"?([^)]{0,30})", page)
    assert addresses
    assert all(address.startswith("data:image/jpeg;base64,") for address in addresses)
    assert not {"script", "link", "img", "iframe"} & set(Outline(page).tags)
    assert "@import" not in page


def test_an_ad_address_is_text_and_not_a_link() -> None:
    seen = builders.sighting(url="javascript:alert(1)")
    page = link_page(dataclasses.replace(builders.report(), gallery_hits=(builders.pair(seen),)))

    outline = Outline(page)
    assert "javascript:alert(1)" in outline.text
    assert all(href.startswith("#") for href in outline.hrefs)


def test_names_are_kept_apart_from_the_direction_of_the_page() -> None:
    assert "<bdi>siteA/وردة</bdi>" in link_page(
        dataclasses.replace(
            builders.report(),
            links=(
                builders.link_between(
                    Profile("siteA", "وردة"), Profile("siteB", "bella"), builders.pair()
                ),
            ),
        )
    )


def test_a_very_long_name_is_cut_and_says_so() -> None:
    page = link_page(builders.named_report("n" * 10_000))

    assert len(page) < len(link_page(builders.named_report("n"))) + 40_000
    assert "9,600 characters left out" in page


# --- content -----------------------------------------------------------------------------------


def test_the_page_says_what_a_match_is_and_that_a_person_decides() -> None:
    text = Outline(link_page(builders.report())).text

    assert "two files derive from one photograph, not that two people are the same" in text
    assert "for a person to judge" in text


def test_every_part_of_a_link_report_is_there() -> None:
    text = Outline(link_page(builders.report())).text

    assert "2026-05-09 05:12 UTC" in text
    assert "indexes/default" in text
    assert "Cluster 1 Id c1, which stays when the cluster grows" in text
    assert "3 profiles on 3 sites that one operator seems to run: they share" in text
    assert "Weakest link siteB/bella and siteC/cleo" in text
    assert "Both show 2 photos that nobody else shows: 93.0 % likely one operator." in text
    assert "Identical 100 % certain" in text
    assert "Copy 99.8 % certain" in text
    assert "Not verified by geometry" in text
    assert "Gallery missing" in text
    assert "These are not copies." in text
    assert "probably a placeholder, a logo or a stock picture" in text
    assert "On most ads of siteA: it seems to be the site's own." in text


def test_what_a_person_should_decide_comes_first_then_clusters_then_the_rest() -> None:
    text = Outline(link_page(builders.named_report("zoe"))).text
    headings = (
        "Is this one person's photo, or a placeholder?",
        "Profiles that one operator seems to run",
        "1 link, most likely first",
        "Something rare that two operators show",
        "Contacts set aside",
        "Photos of a reference gallery",
        "Leads: the same scene",
        "These photos would link people by mistake",
        "How links are found",
    )
    places = [text.index(heading) for heading in headings]
    assert places == sorted(places)


def test_a_photo_to_decide_about_comes_with_the_commands_that_decide() -> None:
    text = Outline(link_page(builders.report())).text

    photo = builders.sha("none.png")[:12]
    assert f"imagematch hot release {photo} --index indexes/default" in text
    assert f"imagematch hot keep {photo} --index indexes/default" in text


def test_a_photo_that_somebody_decided_about_asks_nothing_and_can_be_reopened() -> None:
    hot = HotPhoto(builders.sighting("x.png"), (), "kept", builders.decision("keep"))
    page = Outline(link_page(builders.found(hot=(hot,))))

    assert "questions" not in page.ids
    assert f"imagematch hot reopen {builders.sha('x.png')[:12]}" in page.text


def test_the_directory_of_an_index_is_quoted_for_the_shell() -> None:
    page = html.link_page(
        builders.report(), html.About("my index; rm -r x", "2026-05-09"), no_picture
    )
    assert "--index 'my index; rm -r x'" in Outline(page).text


def test_a_cluster_tells_who_when_where_on_what_and_what_speaks_against_it() -> None:
    text = Outline(link_page(builders.report())).text
    cluster = text[text.index("Cluster 1 Id") : text.index("3 links, most likely first")]

    for said in (
        "Who Site Profiles Number siteA anna 1 siteB bella 1",
        "5 ads from 2026-03-01 to 2026-03-04, in Antwerp and Ghent.",
        "2026-03-01 Antwerp siteA anna 2 ads",
        "2026-03-04 (first seen) Ghent siteB, siteC bella, cleo 3 ads",
        "Phone number +31612345678 Shown by 2 of 3 profiles and 1 other",
        "+21.0 bits, very strong: about 2 million times as likely",
        "different phone numbers and share none: +31612345678 and +32470123456",
        "This photo is shown by cluster 1 (1 profile) and 1 profile in no cluster",
    ):
        assert said in cluster


def test_a_cluster_can_be_handed_on_alone() -> None:
    """It repeats what the head of the page says, for print."""
    text = Outline(link_page(builders.report())).text

    assert "report of indexes/default, made 2026-05-09 05:12 UTC. A lead for a person" in text
    assert "measured on made-up worlds" in text


def test_a_cluster_without_doubts_claims_no_proof() -> None:
    cluster = dataclasses.replace(builders.report().clusters[0], doubts=())
    text = Outline(link_page(dataclasses.replace(builders.report(), clusters=(cluster,)))).text

    assert "Nothing was found that speaks against this cluster." in text
    assert "so that is no proof" in text


def test_a_cluster_whose_ads_say_nothing_of_when_and_where_says_so() -> None:
    cluster = dataclasses.replace(builders.report().clusters[0], stops=())
    text = Outline(link_page(dataclasses.replace(builders.report(), clusters=(cluster,)))).text

    assert "No ad of this cluster says when or where." in text


def test_the_weakest_link_leads_to_its_pairs() -> None:
    outline = Outline(link_page(builders.report()))

    # Most likely first: the link of 93 % is the third one.
    assert outline.hrefs.count("#link-3") == 2


def test_every_part_that_the_page_leads_to_is_there() -> None:
    for report in (builders.report(), builders.named_report("zoe"), builders.found(7)):
        outline = Outline(link_page(report))
        assert {href.removeprefix("#") for href in outline.hrefs} <= outline.ids


def test_an_empty_report_says_that_nothing_was_found() -> None:
    text = Outline(link_page(builders.found(7))).text

    assert "No two profiles share anything that links them." in text
    assert "No profiles form a cluster." in text
    assert "Gallery hits" not in text
    assert "Bridges" not in text


def test_what_is_known_of_a_sighting_is_shown() -> None:
    seen = builders.sighting(
        "a/1.jpg", url="https://a.example/7", ad_id="ad-77", phone="+32470123456",
        email="a@b.example", location="Antwerp", posted_at="2026-03-30T21:04:00+02:00",
        present=False,
    )  # fmt: skip
    text = Outline(link_page(builders.found(gallery_hits=(builders.pair(seen),)))).text

    for value in ("a/1.jpg", "https://a.example/7", "ad-77", "+32470123456", "a@b.example",
                  "Antwerp", "2026-03-30 19:04 UTC", "2026-04-02 03:10 to 2026-05-09 03:12 UTC",
                  seen.photo, "no longer in its folder"):  # fmt: skip
        assert value in text


def test_a_phone_that_no_table_has_yet_is_marked_on_both_sides() -> None:
    new, known = "+31677019175", "+32470123456"
    pair = builders.pair(
        builders.sighting(phone=new), builders.sighting("b.jpg", phone=new, email="x@y.example")
    )
    left, right = (
        {row.label: row for row in side.rows}
        for card in [pair_cards.pair_card(pair, lambda _: "")]
        for side in (card.left, card.right)
    )
    assert left["Phone"].value == right["Phone"].value == f"{new} (unconfirmed)"
    assert left["Phone"].same
    assert right["Phone"].same
    [row] = [
        row
        for row in pair_cards.sighting_side(
            builders.sighting(phone=known), "Left", lambda _: ""
        ).rows
        if row.label == "Phone"
    ]
    assert row.value == known


def test_a_phone_on_both_sides_is_marked_and_different_ones_are_not() -> None:
    def text(phone: str) -> str:
        pair = builders.pair(
            builders.sighting(phone="+32470123456"), builders.sighting("b.jpg", phone=phone)
        )
        return Outline(link_page(builders.found(gallery_hits=(pair,)))).text

    assert text("+32470123456").count("same on both") == 2
    assert "same on both" not in text("+32470999999")


def test_query_page_tells_matches_leads_failures_and_misses_apart() -> None:
    results = [
        builders.result(
            (builders.sighting("ads/1.jpg"), builders.judgement()),
            (builders.sighting("ads/2.jpg"), builders.scene()),
        ),
        QueryResult("in/none.jpg"),
        QueryResult("in/bad.heic", failure=Failure("corrupt", "it ends after 12 bytes")),
    ]

    text = Outline(html.query_page(results, builders.ABOUT, a_picture, {"in/a.jpg": JPEG})).text

    assert "photos asked 3 with a match 1 matches 1 leads 1 could not be read 1" in text
    assert "The same photo: 64 matching points fit one perspective" in text
    assert "3.0 % as a copy" in text
    assert "in/bad.heic it ends after 12 bytes" in text
    assert "no proof that a photo was never used: " in text
    assert "in/none.jpg" in text


def test_what_limits_an_answer_stands_beside_it() -> None:
    found = builders.result((builders.sighting("ads/1.jpg"), builders.judgement()))
    results = [
        dataclasses.replace(found, notes=("Three files are gone.",)),
        QueryResult("in/none.jpg", gate="tiny", notes=("It is <too> small.", "It moves.")),
    ]

    text = Outline(html.query_page(results, builders.ABOUT, no_picture, {})).text

    assert "best first Three files are gone." in text
    assert "in/none.jpg It is <too> small. It moves." in text


def test_a_pair_that_is_probably_nothing_is_not_called_a_copy() -> None:
    weak = builders.result((builders.sighting(), builders.judgement(confidence=0.02)))

    text = Outline(html.query_page([weak], builders.ABOUT, no_picture, {})).text

    assert "Candidate 2.0 %" in text
    assert "Copy 2.0 %" not in text


def test_decisions_stand_beside_what_they_are_about() -> None:
    text = Outline(link_page(builders.named_report("zoe"))).text

    assert "confirmed by zoe" in text
    assert f"Match {builders.named_report('zoe').links[0].pairs[0].id}" in text
    assert "Decision confirmed by zoe on 2026-05-09: zoe" in text
    assert "It was kept out by zoe on 2026-05-09: zoe." in text


def test_new_matches_name_their_jobs_and_put_gallery_hits_first() -> None:
    hit = builders.pair(builders.sighting("m/1.jpg", collection="missing"))

    text = Outline(
        html.new_matches_page(
            [builders.pair(), hit],
            builders.ABOUT,
            a_picture,
            jobs=["nightly", "phones"],
            runs=(40, 41),
            failed={"phones": "the drive is gone"},
        )
    ).text

    assert "the runs 40 to 41 of this index" in text
    assert "nightly, phones" in text
    assert "the drive is gone" in text
    assert text.index("With a gallery") < text.index("m/1.jpg") < text.index("Among the ads")


# --- pictures ----------------------------------------------------------------------------------


def test_a_photo_is_embedded_once_however_often_it_is_shown() -> None:
    page = link_page(builders.report())

    photos = {
        sighting.photo
        for sighting in html.sightings_shown(lambda t: link_page(builders.report(), t))
    }
    assert page.count("data:image/jpeg;base64,") == len(photos)
    assert page.count('class="picture ') > len(photos)


def test_another_sighting_stands_in_for_a_file_that_is_gone() -> None:
    gone = builders.sighting("gone.jpg", photo="a" * 64, present=False)
    there = builders.sighting("there.jpg", photo="a" * 64)

    page = link_page(
        builders.found(gallery_hits=(builders.pair(gone, there),)),
        lambda sighting: JPEG if sighting.present else None,
    )

    assert page.count("data:image/jpeg;base64,") == 1


def test_a_missing_picture_gets_a_placeholder_that_says_so() -> None:
    page = link_page(builders.report(), no_picture)

    assert "data:image" not in page.split("</head>")[0]
    assert "No picture: the file is gone" in Outline(page).text


def test_every_sighting_is_asked_for_once() -> None:
    asked = html.sightings_shown(lambda thumbs: link_page(builders.report(), thumbs))

    places = [(sighting.photo, sighting.path) for sighting in asked]
    assert len(places) == len(set(places))
    assert {path for _, path in places} == {
        "siteA/anna/1.jpg", "siteB/bella/9.jpg", "missing/7.jpg", "none.png", "stolen.jpg",
    }  # fmt: skip


def test_pictures_have_a_name_for_those_who_can_not_see_them() -> None:
    assert 'role="img" aria-label="Left photo, siteA / anna"' in link_page(builders.report())


def drawing(number: int) -> Picture:
    return Picture(JPEG + f"drawing {number}".encode(), 1200, 600)


def explained(*photos: str) -> tuple[list[QueryResult], dict[tuple[str, str], Picture]]:
    """A query with a match for each photo, and a drawing for each different one."""
    found = [(builders.sighting(f"{at}.jpg", photo=of * 64), builders.judgement())
             for at, of in enumerate(photos)]  # fmt: skip
    keys = {("in/a.jpg", of * 64): drawing(at) for at, of in enumerate(dict.fromkeys(photos))}
    return [builders.result(*found)], keys


def test_a_drawing_stands_below_the_first_sighting_of_its_photo() -> None:
    results, drawings = explained("a", "a", "b")
    page = html.query_page(results, builders.ABOUT, no_picture, {}, drawings=drawings)
    pairs = page.split('<article class="pair')[1:]

    assert ['class="shot drawn"' in pair for pair in pairs] == [True, False, True]
    assert page.count("data:image/jpeg;base64,") == 2
    assert page.count("aspect-ratio:1200/600") == 2
    assert POLICY.fullmatch(Outline(page).policy)


def test_a_page_without_drawings_has_no_room_for_them() -> None:
    results, _ = explained("a", "b")

    assert 'class="shot drawn"' not in html.query_page(results, builders.ABOUT, no_picture, {})


def test_drawings_beyond_the_limit_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html, "MOST_DRAWINGS", 2)
    results, drawings = explained("a", "b", "c", "d")
    page = html.query_page(results, builders.ABOUT, no_picture, {}, drawings=drawings)

    assert page.count('class="shot drawn"') == 2
    assert "2 more drawings are in the folder" in Outline(page).text


# --- size --------------------------------------------------------------------------------------


def many_links(count: int) -> LinkReport:
    links = tuple(
        builders.link_between(Profile("a", f"p{at:04}"), Profile("b", "q"), builders.pair())
        for at in range(count)
    )
    return builders.found(count + 1, links=links)


def test_pairs_beyond_the_limit_are_counted_and_not_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html, "MOST_PAIRS", 10)
    page = html.link_page(many_links(30), builders.ABOUT, a_picture)

    assert page.count('<article class="pair') == 10
    assert (
        "20 more links are not drawn here; 20 more pairs are in the CSV and JSON reports."
        in Outline(page).text
    )


def test_one_link_with_many_pairs_does_not_bury_the_others() -> None:
    big = builders.link_between(Profile("a", "p"), Profile("b", "q"), *[builders.pair()] * 100)
    small = builders.link_between(
        Profile("c", "p"), Profile("d", "q"), builders.pair(), probability=0.6
    )
    page = link_page(builders.found(4, links=(big, small)))

    assert page.count('<article class="pair') == html.MOST_PAIRS_OF_A_LINK + 1
    assert "80 more pairs of these two profiles" in Outline(page).text


def test_matches_of_queries_beyond_the_limit_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html, "MOST_PAIRS", 2)
    results = [
        builders.result((builders.sighting(), builders.judgement()), query=f"{at}.jpg")
        for at in range(5)
    ]

    page = html.query_page(results, builders.ABOUT, no_picture, {})

    assert page.count('<article class="pair') == 2
    assert "3 more matches are not drawn here" in Outline(page).text


def test_a_photo_of_hundreds_of_profiles_names_some_and_counts_the_rest() -> None:
    profiles = tuple(Profile("a", f"user{at}") for at in range(500))
    hot = HotPhoto(builders.sighting(), profiles, "flat")

    text = Outline(link_page(builders.found(500, hot=(hot,)))).text

    assert f"and {500 - operator_cards.MOST_NAMES} more" in text


def large_cluster(profiles: int, items: int, stops: int, sites: int = 8) -> LinkReport:
    """A cluster of so many profiles, each linked with the first."""
    first, *others = [Profile(f"site{at % sites}", f"user{at}") for at in range(profiles)]
    shared = tuple(
        builders.photo_item(builders.sighting(f"{at}.jpg"), first, *others) for at in range(items)
    )
    links = [builders.link_between(first, other, shared=shared[:2]) for other in others]
    days = [datetime.date(2026, 1, 1) + datetime.timedelta(at) for at in range(stops)]
    seen = tuple(
        Stop(str(day), False, f"town {day.day}", (first.site,), (first, *others), 1) for day in days
    )
    return builders.found(
        profiles,
        links=tuple(links),
        clusters=(builders.cluster_of(*links, shared=shared, stops=seen),),
    )


def test_a_cluster_of_hundreds_of_profiles_stays_readable_and_counts_what_it_leaves_out() -> None:
    page = link_page(large_cluster(500, items=100, stops=300))
    outline = Outline(page)
    cluster = outline.text[outline.text.index("Cluster 1 Id") : outline.text.index("499 links, ")]

    assert "500 profiles on 8 sites" in cluster
    assert "and 56 more" in cluster
    assert "76 more shared items, which say less, are in the JSON report." in cluster
    assert "260 stops between these" in cluster
    assert cluster.count("user") < 1000
    assert len(page) < 4_000_000


def test_sites_of_a_cluster_beyond_the_limit_are_counted() -> None:
    text = Outline(link_page(large_cluster(100, items=2, stops=2, sites=100))).text

    assert f"{100 - operator_cards.MOST_SITES} more sites are in the JSON report." in text


def test_items_of_all_clusters_are_limited_but_each_cluster_shows_some(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(html, "MOST_ITEMS", 10)
    [cluster] = large_cluster(4, items=8, stops=0).clusters
    clusters = tuple(dataclasses.replace(cluster, id=f"c{at}", number=at) for at in range(1, 5))
    page = link_page(builders.found(4, clusters=clusters))

    drawn = [part.count('<li class="item">') for part in page.split('<article class="cluster"')[1:]]
    assert drawn == [8, 3, 3, 3]


def test_lists_beyond_the_limit_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html, "MOST_ENTRIES", 1)
    report = builders.report()
    [cluster] = report.clusters
    text = Outline(
        link_page(
            dataclasses.replace(
                report,
                clusters=(cluster, dataclasses.replace(cluster, id="c2", number=2)),
                bridges=report.bridges * 3,
                hot=report.hot * 4,
                common=report.common * 5,
            )
        )
    ).text

    assert "1 more cluster is not drawn here" in text
    assert "2 more bridges are in the JSON report" in text
    assert "3 more photos are in the JSON report" in text
    assert "4 more contacts are in the JSON report" in text


def test_a_bridge_between_many_operators_names_some() -> None:
    sides = tuple(("", (Profile("s", f"p{at}"),)) for at in range(30))
    bridge = Bridge(builders.item(), sides)

    text = Outline(link_page(builders.found(30, bridges=(bridge,)))).text

    assert f"{30 - operator_cards.MOST_SIDES} more operators show it" in text
