"""The listening page where things are hard: no sound, a phone, hostile text, much music; and for screen readers."""

from __future__ import annotations

import importlib.util
from importlib import resources

import numpy as np
import pytest

from stochastic_music.render.audio.instruments import FAMILIES
from stochastic_music.reports.pages import Heard, blind_page, index_page, listening_page
from tests.reports.a_report import a_report
from tests.reports.browser import MARKS
from tests.reports.scores import LOW, TUNE, a_score
from tests.reports.test_pages import EVIL

pytestmark = MARKS
SAID = "document.querySelector('.said').textContent"


def a_page():
    heard = Heard(
        "one", a_score(TUNE, LOW), [np.arange(4.0), np.zeros(2)], [("seed", "1")], [("one.mid", b"MThd")], ["A remark."]
    )
    return listening_page("Airs", [heard, heard._replace(name="two")], facts=[("a", "b")], commands=[("Again:", "x")])


def test_a_browser_that_blocks_sound_is_told_of(opened):
    window = opened(a_page())
    window.run("document.querySelector('.play').click()")  # which nobody did
    assert window.wait(f"{SAID}.includes('blocks sound')")
    assert window.run("return players[0].transport.now") == 0
    window.click(".play")
    assert window.wait("players[0].transport.now > 0.1")
    assert any("not allowed to start" in message for message in window.messages())


def test_a_browser_without_sound_says_so(opened, window):
    script = window.control("Page.addScriptToEvaluateOnNewDocument", source="delete window.AudioContext")
    try:
        opened(a_page())
        assert "no Web Audio" in window.run(f"return {SAID}")
        assert window.run("return document.querySelector('.play').disabled")
        window.press(".roll", "n")
        assert window.run(f"return {SAID}").startswith("C4, bar 1")
    finally:
        window.control("Page.removeScriptToEvaluateOnNewDocument", **script)
    assert window.messages() == []


def test_hostile_text_runs_nothing(opened):
    evil = f"{EVIL}\u202e<svg onload=alert(1)>"
    score = a_score(TUNE, LOW)
    for track in score.tracks:
        track.name = evil
    heard = Heard(evil, score, facts=[(evil, evil)], files=[(f"{evil}.mid", b"")], notes=[evil])
    window = opened(listening_page(evil, [heard], facts=[(evil, evil)], commands=[(evil, evil)], lead=evil))
    window.click(".notes summary")
    assert window.wait("document.querySelector('.notes td')")
    assert window.run("return document.querySelectorAll('img, [onload], [onerror]').length") == 0
    assert window.run("return document.querySelector('h1').textContent") == evil
    assert window.messages() == []  # nothing ran, and nothing was kept from running


def test_no_sum_of_voices_passes_the_limit(opened):
    window = opened(a_page())
    loudest = """
        const context = new OfflineAudioContext(2, 22050, 44100);
        const synth = new Synth(context);
        for (let part = 0; part < 96; part++) {
          const bus = synth.bus(1 / Math.sqrt(96), part / 48 - 1);
          synth.note(["piano", "choir", "brass", "drums"][part % 4], 36 + (part % 12), 127, 0.1, 0.4, bus);
        }
        const done = (channel) => Math.max(...channel.map(Math.abs));
        window.loudest = null;
        context.startRendering().then((sound) => (window.loudest = [0, 1].map((i) => done(sound.getChannelData(i)))));
    """
    window.run(loudest)
    levels = window.wait("window.loudest")
    assert all(0.3 < level < 1 for level in levels)


def test_families_are_those_of_sound_files(opened):
    window = opened(a_page())
    assert {*window.run("return Object.keys(TIMBRES)"), "drums"} == set(FAMILIES)


@pytest.mark.parametrize("family", ["reed", "drums"])
def test_equal_notes_sound_equal(opened, family):
    window = opened(a_page())
    twice = f"""
        const render = async () => {{
          const context = new OfflineAudioContext(1, 4410, 44100);
          const synth = new Synth(context);
          synth.note("{family}", 38, 80, 0, 0.1, synth.bus(1, 0));
          return (await context.startRendering()).getChannelData(0);
        }};
        window.equal = null;
        const same = ([a, b]) => (window.equal = [a.every((x, i) => x === b[i]), a.some((x) => x)]);
        Promise.all([render(), render()]).then(same);
    """
    window.run(twice)
    assert window.wait("window.equal") == [True, True]


@pytest.fixture
def emulated(window):
    """Settings of the screen, undone afterwards."""

    def emulated(*, width=None, **features):
        if width:
            window.control(
                "Emulation.setDeviceMetricsOverride", width=width, height=780, deviceScaleFactor=2, mobile=True
            )
        told = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        window.control("Emulation.setEmulatedMedia", features=told)

    yield emulated
    window.control("Emulation.clearDeviceMetricsOverride")
    window.control("Emulation.setEmulatedMedia", features=[])


@pytest.mark.parametrize("width", [320, 360])
def test_a_phone_scrolls_no_page_sideways(opened, emulated, width):
    emulated(width=width)
    wide = "Wolkenkuckucksheim" * 9
    heard = Heard(wide, a_score(TUNE, LOW), facts=[(wide, wide)], files=[(wide, b"")], notes=[wide])
    heard.score.tracks[0].name = wide
    for page in (a_page(), listening_page(wide, [heard], facts=[(wide, wide)], commands=[(wide, wide)], lead=wide)):
        assert opened(page).run("return document.documentElement.scrollWidth") == width


def test_the_page_is_dark_where_the_reader_likes_it(opened, emulated):
    emulated(prefers_color_scheme="dark")
    window = opened(a_page())
    colors = "const style = getComputedStyle(document.body); return [style.backgroundColor, style.color]"
    paper, ink = window.run(colors)
    assert sum(map(int, paper[4:-1].split(","))) < 120 < 600 < sum(map(int, ink[4:-1].split(",")))


def test_very_much_music_keeps_a_page_quick(opened):
    notes = [[(i / 4, 0.25, 40 + (7 * i + part) % 40) for i in range(2500)] for part in range(4)]
    window = opened(listening_page("Much", [Heard("much", a_score(*notes))]))
    assert "10,000 notes are too many for notation" in window.run("return document.body.textContent")
    window.click(".play")
    assert window.wait("players[0].transport.now > 0.5")
    assert window.run("return document.querySelectorAll('svg *').length") < 400
    assert window.messages() == []


PAGES = {"listening": a_page, "index": lambda: index_page(a_report(n_takes=1)), "blind": lambda: blind_page(a_report())}


@pytest.mark.skipif(importlib.util.find_spec("axe_core_python") is None, reason="no axe-core here")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_nothing_serious_is_in_the_way_of_anyone(opened, emulated, name, scheme):
    emulated(prefers_color_scheme=scheme)
    window = opened(PAGES[name]())
    window.run("for (const details of document.querySelectorAll('details')) details.open = true")
    axe = (resources.files("axe_core_python") / "axe.min.js").read_text(encoding="utf-8")
    rules = '{runOnly: ["color-contrast"]}' if scheme == "dark" else "{}"  # the rest is the same in the dark
    window.run(f"{axe}; window.found = null; axe.run({rules}).then((found) => (window.found = found.violations));")
    found = window.wait("window.found && {violations: window.found}", 30)["violations"]
    assert [(one["impact"], one["id"], one["nodes"][0]["html"]) for one in found] == []
