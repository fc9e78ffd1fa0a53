"""What notebooks show, in a browser: players play within their frames, in light and in dark."""

import pytest

import stochastic_music as sm
from tests.reports.browser import MARKS, browser

pytestmark = MARKS


@pytest.fixture(scope="module")
def window(tmp_path_factory):
    with browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture
def cell(window, tmp_path):
    """Open a page that holds what a cell shows, as notebooks do."""

    def show(thing, style=""):
        body = f"<body style='{style}'>{sm.show(thing).html}</body>"
        (tmp_path / "cell.html").write_text(f"<!doctype html><meta charset=utf-8>{body}", encoding="utf-8")
        window.open(tmp_path / "cell.html")
        return window

    return show


def into_frame(window):
    found = window.ask("POST", "/element", {"using": "css selector", "value": "iframe"})
    window.ask("POST", "/frame", {"id": found})


@pytest.fixture(scope="module")
def piece():
    return sm.Corpus.from_text("4/4 c4 d e c c d e c e f g2 e4 f g2", title="Frère Jacques")[0]


def test_a_player_plays_in_its_frame_and_complains_of_nothing(cell, piece):
    window = cell(piece)
    into_frame(window)
    window.click(".player button")
    assert window.wait("+document.querySelector('.position').value > 0.2")
    assert not window.messages()


def test_a_frame_holds_its_player_without_much_to_spare(cell, piece):
    for thing in (piece, [piece] * 2):
        window = cell(thing)
        given = window.run("return document.querySelector('iframe').clientHeight")
        into_frame(window)
        needed = window.run("return document.querySelector('main').getBoundingClientRect().bottom")
        assert needed - 40 < given < needed + 120


def test_tables_take_the_color_of_the_notebook(cell):
    window = cell(sm.PPM(order_bound=3), "color: rgb(200, 210, 220); background: rgb(10, 10, 10)")
    look = "const s = getComputedStyle(document.querySelector('dd')); return [s.color, s.backgroundColor]"
    assert window.run(look) == ["rgb(200, 210, 220)", "rgba(0, 0, 0, 0)"]
