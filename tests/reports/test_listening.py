"""Players and blind listening: what is drawn, who meets whom, and both in a real browser."""

from __future__ import annotations

import json
import re
from collections import Counter
from html import unescape

import pytest

from stochastic_music.reports.pages import blind_page, checksum, index_page, pairs
from stochastic_music.reports.pages.blind import HELD_OUT
from stochastic_music.reports.pages.player import player
from stochastic_music.reports.pages.roll import piano_roll
from stochastic_music.reports.pages.takes import Part, Take, of_report
from tests.reports.a_report import a_report
from tests.reports.browser import in_browser

TWO = Take([Part("high", [(0, 1, 72, 80), (1, 0.5, 74, 80)]), Part("low", [(0, 2, 48, 80)])], [(0, 90)])


def held(markup):
    return [json.loads(unescape(data)) for data in re.findall(r'data-take="(.*?)"', markup)]


def test_a_player_holds_what_is_to_be_heard():
    (data,) = held(player(TWO, "two"))
    assert (data["tempos"], data["length"]) == ([[0, 90]], 2)
    assert [part["notes"] for part in data["parts"]] == [[[0, 1, 72, 80], [1, 0.5, 74, 80]], [[0, 2, 48, 80]]]


def test_a_roll_has_a_path_a_part_and_stands_in_words():
    roll = piano_roll(TWO)
    assert len(re.findall('class="part-', roll)) == 2
    # rows from two above the highest pitch, 76: D5 in row 2, C3 in row 28
    assert "M1 2h" in roll
    assert "M0 28h" in roll
    assert "Piano roll: 3 notes from C3 to D5, 2 quarter notes long" in roll


def test_parts_can_be_muted_where_there_are_several():
    assert player(TWO, "two").count("data-part") == 2
    assert "data-part" not in player(Take(TWO.parts[:1]), "one")


@pytest.mark.parametrize("notes", [[], [[0, 1, 0, 1]], [[0, 0, 127, 127]]], ids=["none", "lowest", "no length"])
def test_least_takes_have_a_player(notes):
    take = of_report({"tempo": 100, "notes": notes})
    assert take.length > 0
    assert "<svg" in player(take, "least")


def test_pairs_are_the_same_for_the_same_report_and_others_for_another():
    assert pairs(a_report()) == pairs(a_report())
    assert not {pair.name for pair in pairs(a_report())} & {pair.name for pair in pairs(a_report(seed=1))}


def test_every_model_meets_the_held_out_music_twice_and_every_other_once():
    meetings = Counter(frozenset((pair.a.source, pair.b.source)) for pair in pairs(a_report()))
    models = ["markov", "ppm", "hmm", "lstm"]
    assert all(meetings[frozenset((model, HELD_OUT))] == 2 for model in models)
    assert sum(meetings.values()) == 2 * 4 + 6
    assert max(meetings.values()) == 2


def test_takes_are_used_in_turn():
    used = Counter(entry for pair in pairs(a_report()) for entry in (pair.a, pair.b))
    for source in ("markov", HELD_OUT):
        counts = [n for entry, n in used.items() if entry.source == source]
        assert len(counts) == 3
        assert max(counts) - min(counts) <= 1


def test_too_many_pairs_are_cut_where_models_meet_each_other():
    few = pairs(a_report(), most=9)
    assert len(few) == 9
    assert sum(HELD_OUT in (pair.a.source, pair.b.source) for pair in few) == 8


def test_the_blind_page_gives_nothing_away():
    report = a_report()
    report["held_out"]["takes"][0] |= {"piece": "bwv-1", "tempo": 61.5}
    report["held_out"]["takes"][1]["notes"][0][3] = 99
    page = blind_page(report)
    body = page[page.index("<body>") :]
    assert not re.search("markov|ppm|hmm|lstm|bwv|bach|held|[.]mid", body, re.IGNORECASE)
    heard = held(body)
    assert len(heard) == 2 * len(pairs(report))
    assert len({str(take["tempos"]) for take in heard}) == 1
    assert {note[3] for take in heard for part in take["parts"] for note in part["notes"]} == {80}
    assert [pair.name for pair in pairs(report)] == re.findall('data-pair="(.*?)"', body)


#: where the cursor of a player stands, in quarters
AT = (
    "((player) => JSON.parse(player.dataset.take).length * (player.querySelector('.cursor').getBoundingClientRect().x"
    " - player.querySelector('.lanes').getBoundingClientRect().x + 1) / player.querySelector('.lanes').clientWidth)"
    "(document.querySelector('.player'))"
)


@in_browser
def test_a_player_plays_and_its_cursor_moves(opened):
    window = opened(index_page(a_report()))
    assert window.run(f"return {AT}") == 0
    window.click(".player button")
    assert window.wait(f"{AT} > 0.2")
    window.click(".player button")
    paused = window.run(f"return {AT}")
    assert paused > 0.2
    assert window.run("return document.querySelector('.playing')") is None
    window.click(".player button")
    assert window.wait(f"{AT} > {paused}")
    assert window.messages() == []
    assert window.run("return performance.getEntriesByType('resource').length") == 0


@in_browser
def test_one_player_at_a_time_and_the_end_comes(opened):
    short = Take([Part("a", [(0, 0.5, 60, 80)])], [(0, 240)])
    window = opened(index_page(a_report()).replace("</main>", f"{player(short, 'short')}</main>"))
    window.click(".player button")
    window.click("main > .player button")
    assert window.run("return document.querySelectorAll('.playing').length") == 1
    assert window.wait("!document.querySelector('.playing')")


@in_browser
def test_loops_go_on_while_parts_are_muted_and_the_tempo_changes(opened):
    window = opened(index_page(a_report()).replace("</main>", f"{player(TWO, 'two')}</main>"))
    at = AT.replace("('.player')", "('main > .player')")
    window.click("main > .player .loop")
    window.click("main > .player [data-part]")
    window.click("main > .player button")
    set_to = (
        "const it = document.querySelector('main > .player .%s'); it.value = %s; it.dispatchEvent(new Event('input'))"
    )
    window.run(set_to % ("tempo", 2))
    for _ in range(2):
        window.run(set_to % ("position", 1.9))
        assert window.wait(f"{at} < 1")  # of 2 quarters: it began anew
    assert window.run("return document.querySelectorAll('.playing').length") == 1
    assert window.messages() == []


@in_browser
def test_votes_are_kept_and_told_by_the_names_of_pairs(opened):
    report = a_report()
    window = opened(blind_page(report))
    shown = "[...document.querySelectorAll('article:not([hidden])')].map((pair) => pair.dataset.pair)"
    first = window.run(f"return {shown}")
    window.click("article:not([hidden]) button[value=a]")
    (second,) = window.run(f"return {shown}")
    assert [second] != first
    window.open(window.run("return location.href").removeprefix("file://"))
    assert window.run(f"return {shown}") == [second]
    for _ in pairs(report)[1:]:
        window.click("article:not([hidden]) button[value=none]")
    window.run("navigator.clipboard.writeText = () => Promise.reject()")
    window.click(".copy")
    votes = json.loads(window.wait("document.querySelector('textarea').value"))
    assert (votes["schema"], votes["report"]) == (1, checksum(report))
    assert {vote["pair"] for vote in votes["votes"]} == {pair.name for pair in pairs(report)}
    assert Counter(vote["choice"] for vote in votes["votes"]) == {"a": 1, "none": len(pairs(report)) - 1}
    assert window.messages() == []
