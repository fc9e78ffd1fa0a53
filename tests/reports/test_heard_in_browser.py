"""The listening page in a real browser: it plays, follows, seeks, loops, and gives its files away."""

from __future__ import annotations

import importlib.util
import time
from functools import partial

import numpy as np
import pytest

from stochastic_music.reports.pages import Heard, frame, listening_page
from tests.reports.browser import MARKS
from tests.reports.scores import LOW, TUNE, a_score

pytestmark = MARKS
needs_notation = pytest.mark.skipif(importlib.util.find_spec("verovio") is None, reason="no verovio here")
#: keys by WebDriver's names
RIGHT, SHIFT, HOME = "\ue014", "\ue008", "\ue011"


@pytest.fixture
def opened(opened, window):
    yield lambda *heard, **more: opened(listening_page("Airs", heard, **more))
    assert window.messages() == []
    assert window.run("return performance.getEntriesByType('resource').length") == 0


#: where the first player stands, in quarters
NOW = "players[0].transport.now"


def test_it_plays_and_the_cursor_moves(opened):
    window = opened(Heard("one", a_score(TUNE, LOW)))
    cursor = "document.querySelector('.cursor').getBoundingClientRect().x"
    before = window.run(f"return {cursor}")
    window.click(".play")
    assert window.wait(f"{cursor} > {before} + 5")
    assert window.run("return document.querySelector('.said').textContent") == "Playing one"
    window.click(".play")
    assert window.run("return document.querySelector('.said').textContent") == "Paused in bar 1"
    window.click(".stop")
    assert window.run(f"return [{NOW}, players[0].state]") == [0, "paused"]


def test_tempos_change_where_the_score_says(opened):
    window = opened(Heard("one", a_score(TUNE, tempos=((0, 120), (2, 60), (4, 240)))))
    told = "const { map } = players[0].transport; return [1, 3, 6].map((q) => [map.seconds(q), map.tempo(q)])"
    assert window.run(told) == [[0.5, 120], [2, 60], [3.5, 240]]
    back = "const { map } = players[0].transport; return [0.5, 2, 3.5].map((s) => map.quarters(s))"
    assert window.run(back) == [1, 3, 6]


def test_files_come_out_as_they_went_in(opened, window, tmp_path):
    window.control("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    files = {"one.mid": bytes(range(256)) * 40, "one.musicxml": "<a>é</a>".encode()}
    opened(Heard("one", a_score(TUNE), files=list(files.items())))
    for name, content in files.items():
        window.click(f"[download='{name}']")
        path, end = tmp_path / name, time.monotonic() + 20
        while not (path.exists() and path.stat().st_size) and time.monotonic() < end:  # it is there before it is full
            window.run("return 0")
        assert path.read_bytes() == content


def test_the_space_bar_works_from_anywhere(opened):
    window = opened(Heard("one", a_score(TUNE)))
    window.press("body", " ")
    assert window.wait("document.querySelector('.playing')")
    window.press("body", " ")
    assert window.wait("!document.querySelector('.playing')")
    assert window.run("return scrollY") == 0


def test_a_frame_plays_in_a_page_around_it(opened, window, tmp_path):
    inner = listening_page("x", [Heard("one", a_score(TUNE))], compact=True)
    path = tmp_path / "around.html"
    path.write_text(f"<!doctype html><title>x</title><p>Around</p>{frame(inner, 400)}", encoding="utf-8")
    window.open(path)
    window.enter("iframe")
    window.click(".play")
    assert window.wait("document.querySelector('.playing')")
    window.leave()
    assert window.run("return document.querySelector('iframe').contentDocument") is None  # an origin of its own


@needs_notation
def test_notation_follows_and_a_click_seeks(opened):
    window = opened(Heard("one", a_score(TUNE, LOW)))
    lit = "[...document.querySelectorAll('.sheet .sounding')].map((sign) => sign.id)"
    assert window.run(f"return {lit}") == []
    window.run("players[0].transport.seek(2.5)")
    signs = window.run(f"return {lit}")
    low, high = window.run("return players[0].transport.sounding(2.5).map((note) => note.signs[0])")
    assert {low, high} == set(signs)
    window.click(f"#{high}")
    assert window.run(f"return {NOW}") == 2
    window.click(".play")
    assert window.wait(f"!{lit}.includes('{high}')")


def test_a_click_into_the_roll_seeks(opened):
    window = opened(Heard("one", a_score(TUNE)))
    click = (
        "const box = document.querySelector('.lanes').getBoundingClientRect();"
        "document.querySelector('.lanes').dispatchEvent(new MouseEvent('click',"
        " {clientX: box.x + arguments[0] * box.width, clientY: box.y + arguments[1]}));"
        f"return {NOW}"
    )
    assert window.run(click, 0.7, 2) == 4  # in the ruler: the bar's beginning
    assert window.run(click, 0.1, 190) == pytest.approx(0.8, abs=0.01)


def test_loops_go_from_bar_to_bar(opened):
    window = opened(Heard("one", a_score([(i, 1, 60) for i in range(12)])))
    window.run("const from = document.querySelector('.from'); from.value = 2; document.querySelector('.to').value = 2")
    window.click(".loop")
    assert window.run("return players[0].transport.bounds") == [4, 8]
    window.run("players[0].transport.speed = 2; players[0].transport.seek(7.9)")
    window.click(".play")
    assert window.wait(f"{NOW} < 7 && {NOW} >= 4")


def test_parts_can_be_muted_and_left_alone(opened):
    window = opened(Heard("one", a_score(TUNE, LOW)))
    gains = "return players[0].transport.mix"
    window.click("[data-part='0']")
    assert window.run(gains) == [0, 1]
    window.click(".solo")
    assert window.run(gains) == [1, 0]


def test_keys_do_what_the_page_says(opened):
    window = opened(Heard("one", a_score(TUNE, LOW), [np.arange(4.0), np.zeros(2)]))
    press = partial(window.press, ".roll")
    press(RIGHT)
    assert window.run(f"return {NOW}") == 1
    press(SHIFT + RIGHT)
    assert window.run(f"return {NOW}") == 4
    press(HOME + "n")
    assert (
        window.run("return document.querySelector('.said').textContent")
        == "C4, bar 1, beat 1, \u2068part 1\u2069: 0.00 bits"
    )
    press("lmc1+ ")
    assert window.wait("document.querySelector('.playing.surprising')")
    assert window.run(
        "const { bounds, mix, factor, level } = players[0].transport; return [bounds, mix, factor, level]"
    ) == [[0, 8], [0, 1], 1.05, 0]
    documented = window.run("return [...document.querySelectorAll('kbd')].map((key) => key.textContent)")
    names = {"Space": " ", "←": "ArrowLeft", "→": "ArrowRight", "−": "-", "…": "2"}
    known = set(window.run("return Object.keys(KEYS)"))
    assert {names.get(key, key if len(key) > 1 else key.lower()) for key in documented} | set("12345678") == known


def test_surprise_is_seen_and_told(opened):
    window = opened(Heard("one", a_score(TUNE), [np.array([0.0, 2, np.nan, np.inf])]))
    window.click(".surprise")
    shades = window.run("return [...document.querySelectorAll('.shade')].map((path) => path.style.fill)")
    assert sorted(shades) == ["rgb(128, 0, 38)", "rgb(128, 0, 38)", "rgb(255, 255, 204)", "var(--line)"]
    assert window.run("return document.querySelector('.impossible').style.fill") == "rgb(128, 0, 38)"
    told = window.run("return players[0].take.notes.map((note) => players[0].described(note).split(': ')[1] || '')")
    assert told == ["0.00 bits", "2.00 bits", "", "thought impossible"]


def test_all_notes_are_in_a_table(opened):
    window = opened(Heard("one", a_score([(i / 2, 0.5, 60 + i % 12) for i in range(500)])))
    window.click(".notes summary")
    assert window.wait("document.querySelectorAll('.notes tbody tr').length") == 400
    window.click(".notes button")
    assert window.run("return document.querySelectorAll('.notes tbody tr').length") == 500
    cells = "return [...document.querySelector('.notes tbody').rows[9].cells].map((cell) => cell.textContent)"
    assert window.run(cells) == ["2", "1.5", "A4", "0.5"]
