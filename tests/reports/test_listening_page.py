"""The listening page as text: whole, quiet, escaped, and the same for the same music."""

from __future__ import annotations

import base64
import json
import re
from html import unescape

import numpy as np
import pytest
from symusic import Score

from stochastic_music.errors import EncodingError
from stochastic_music.music import marks
from stochastic_music.reports.pages import Heard, listening_page
from tests.reports.scores import LOW, TUNE, a_score
from tests.reports.test_pages import EVIL, Tree

BIDI = "\u202eevil\u2066"


def held(page):
    return [json.loads(unescape(data)) for data in re.findall(r'data-take="(.*?)"', page)]


@pytest.fixture(scope="module")
def page():
    files = [("one.mid", b"MThd\x00\x01"), ("one.musicxml", b"<score/>")]
    heard = [
        Heard("Take 1", a_score(TUNE, LOW), [np.arange(4.0), np.array([np.nan, np.inf])], [("seed", "1")], files),
        Heard("Take 2", a_score(TUNE), notes=["A remark."]),
    ]
    return listening_page("Airs", heard, facts=[("Model", "markov")], commands=[("Again:", "a && b")], lead="Two airs.")


def test_elements_are_nested_and_closed(page):
    tree = Tree(page)
    assert (tree.crossed, tree.open) == ([], [])
    ids = [a["id"] for _, a, _ in tree.elements if "id" in a]
    assert len(ids) == len(set(ids))


def test_the_policy_allows_what_the_page_brought_and_no_more(page):
    tree = Tree(page)
    policy = next(a["content"] for a in tree.all("meta") if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; ")
    assert policy.count("'sha256-") == len(tree.all("script")) + len(tree.all("style"))
    assert not any(name == "style" or name.startswith("on") for _, a, _ in tree.elements for name in a)


def test_nothing_is_asked_for_from_outside(page):
    links = [a.get("href") or a.get("src") for _, a, _ in Tree(page).elements if "href" in a or "src" in a]
    assert all(link.startswith(("#", "data:")) for link in links)
    assert not re.search(r"(https?:)?//[a-z]+\.", page.replace("http://www.w3.org", ""))


def test_what_is_told_is_there(page):
    text = " ".join(data for _, data in Tree(page).texts)
    for said in ("Airs", "Two airs.", "markov", "A remark.", "a && b", "one.mid"):
        assert said in text


def test_files_are_in_the_page(page):
    links = {a["download"]: a["href"] for a in Tree(page).all("a") if "download" in a}
    contents = {name: base64.b64decode(href.partition(",")[2]) for name, href in links.items()}
    assert contents == {"one.mid": b"MThd\x00\x01", "one.musicxml": b"<score/>"}


def test_bits_are_told_note_by_note(page):
    one, two = held(page)
    assert [part["bits"] for part in one["parts"]] == [[0, 1, 2, 3], [None, -1]]
    assert "bits" not in two["parts"][0]


def test_bars_are_numbered_as_printed_and_tempos_are_where_they_are():
    score = a_score([(0, 1, 60), (1, 3, 62), (4, 4, 64)], tempos=((0, 96), (4, 60)), meters=((0, 3, 4), (4, 4, 4)))
    marks.set_pickup(score, 480)
    (take,) = held(listening_page("x", [Heard("x", score)]))
    assert take["bars"] == [[0, 0, 4, 2], [1, 1, 4, 0], [2, 4, 4, 0]]
    assert take["tempos"] == [[0, 96], [4, 60]]
    assert take["length"] == 8


def test_pitches_are_spelled_in_the_key():
    (take,) = held(listening_page("x", [Heard("x", a_score([(0, 1, 68)], fifths=-3))]))
    assert take["names"] == {"68": "Ab4"}


def test_equal_music_gives_equal_bytes():
    assert listening_page("x", [Heard("x", a_score(TUNE))]) == listening_page("x", [Heard("x", a_score(TUNE))])


@pytest.mark.parametrize("evil", [EVIL, BIDI, ""], ids=["markup", "bidi", "nothing"])
def test_text_from_files_is_no_markup(evil):
    score = a_score(TUNE, LOW)
    for track in score.tracks:
        track.name = evil
    heard = Heard(evil, score, facts=[(evil, evil)], files=[(evil, b"")], notes=[evil])
    tree = Tree(listening_page(evil, [heard], facts=[(evil, evil)], commands=[(evil, evil)], lead=evil))
    plain = Tree(listening_page("", [Heard("", a_score(TUNE, LOW))]))
    assert (tree.crossed, tree.open, tree.all("img")) == ([], [], [])
    assert len(tree.all("script")) == len(plain.all("script"))


HARD = {
    "no tracks": Score(480),
    "no notes": a_score([]),
    "one note": a_score([(0, 1, 60)]),
    "an empty part": a_score(TUNE, []),
    "drums alone": a_score(drums=[(0, 1, 36), (1, 1, 42)]),
    "drums": a_score(TUNE, drums=[(0, 1, 36), (1, 1, 99)]),
    "beyond the piano": a_score([(0, 1, 0), (1, 1, 127)]),
    "many voices": a_score(*[[(0, 1, 30 + i)] for i in range(96)]),
}


@pytest.mark.parametrize("name", HARD)
def test_what_is_least_or_most_has_a_page(name):
    page = listening_page(name, [Heard(name, HARD[name])])
    assert Tree(page).crossed == Tree(page).open == []
    (take,) = held(page)
    assert take["length"] > 0
    assert page.count(' data-part="') == (len(HARD[name].tracks) if len(HARD[name].tracks) > 1 else 0)


def test_names_of_drums_have_room():
    page = listening_page("x", [Heard("x", a_score(drums=[(0, 1, 46), (1, 1, 99)]))])
    width, inner = re.search(r'class="names" width="(\d+)".*?>(.*?)</svg>', page).groups()
    assert re.findall(r">([^<]+)</text>", inner) == ["drum 99", "open hat"]
    assert int(width) >= 7 * len("open hat") + 5


def test_nothing_to_hear_is_said():
    assert "There is nothing to hear." in listening_page("x", [])


def test_a_meter_that_nobody_can_print_is_refused():
    with pytest.raises(EncodingError, match="4/3"):
        listening_page("x", [Heard("x", a_score(TUNE, meters=((0, 4, 3),)))])
