"""The listening page in a real browser: it plays, follows, seeks, loops, and gives its files away."""

from __future__ import annotations

import time

import pytest

from stochastic_music.reports.pages import Heard, frame, listening_page
from tests.reports.browser import browser, is_there
from tests.reports.scores import LOW, TUNE, a_score

pytestmark = pytest.mark.skipif(not is_there(), reason="no chromium and chromedriver here")


@pytest.fixture(scope="module")
def window(tmp_path_factory):
    with browser(tmp_path_factory.mktemp("profile")) as window:
        yield window


@pytest.fixture
def opened(window, tmp_path):
    def opened(*heard, **more):
        path = tmp_path / "page.html"
        path.write_text(listening_page("Airs", heard, **more), encoding="utf-8")
        window.open(path)
        return window

    yield opened
    assert window.messages() == []
    assert window.run("return performance.getEntriesByType('resource').length") == 0


NOW = "players[0].transport.now"


def test_it_plays_and_the_cursor_moves(opened):
    window = opened(Heard("one", a_score(TUNE, LOW)))
    cursor = "document.querySelector('.cursor').getBoundingClientRect().x"
    before = window.run(f"return {cursor}")
    window.click(".play")
    assert window.wait(f"{cursor} > {before} + 5")
    assert window.run("return document.querySelector('.said').textContent") == "Playing one"
    window.click(".stop")
    assert window.run(f"return [{NOW}, players[0].state]") == [0, "paused"]


def test_tempos_change_where_the_score_says(opened):
    window = opened(Heard("one", a_score(TUNE, tempos=((0, 120), (2, 60), (4, 240)))))
    told = "const { map } = players[0].transport; return [1, 3, 6].map((q) => [map.seconds(q), map.tempo(q)])"
    assert window.run(told) == [[0.5, 120], [2, 60], [3.5, 240]]
    back = "const { map } = players[0].transport; return [0.5, 2, 3.5].map((s) => map.quarters(s))"
    assert window.run(back) == [1, 3, 6]


def test_files_come_out_as_they_went_in(opened, window, tmp_path):
    content = bytes(range(256)) * 40
    window.control("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    opened(Heard("one", a_score(TUNE), files=[("one.mid", content), ("one.musicxml", b"<a/>")]))
    window.click(".downloads a")
    end = time.monotonic() + 5
    while not (tmp_path / "one.mid").exists() and time.monotonic() < end:
        window.run("return 0")
    assert (tmp_path / "one.mid").read_bytes() == content


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
