"""Players: a take as a piano roll, with what is needed to hear it.

The roll is drawn here (`roll`), so that it is seen and printed without any script; the scripts add the moving cursor
and the sound. What they need travels as one JSON object in `data-take`:

    {"length": quarters, "tempos": [[quarter, quarters a minute], ...], "rows": [highest pitch, number of rows],
     "bars": [[number, quarter, denominator, missing], ...], "names": {pitch: name},
     "parts": [{"name", "instrument", "notes": [[onset, duration, pitch, velocity], ...],
                "drums": {pitch: [row, name]},
                "bits": [bits or null, -1 for what was held to be impossible],
                "signs": "id id,id id"}, ...]}

`missing` is what a pickup lacks of a full bar, in quarter notes; `signs` are the ids of each note's signs in an
engraving, notes set apart by spaces. What is not known is left out.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from stochastic_music.music.bars import Bar
from stochastic_music.music.instruments import drum_name
from stochastic_music.reports.pages import roll
from stochastic_music.reports.pages.markup import Html, element, short
from stochastic_music.reports.pages.takes import DRUMS, Part, Take
from stochastic_music.tokens import pitch_name

#: What a page with players loads, in this order.
STYLE = "player.css"
SCRIPTS = (
    *("take.js", "tempo.js", "instruments.js", "synth.js", "transport.js"),
    *("roll.js", "sheet.js", "player.js", "keys.js"),
)
#: The tempo, against the written one, at least and at most.
_SLOWEST, _FASTEST = 0.25, 2


def player(take: Take, name: str, *, sheet: str = "", below: str = "", heading: str = "h4") -> Html:
    """A take with its roll and controls; `name` says which, to the eye and to screen readers.

    A `sheet` of notation stands above the roll, what is `below` after the controls.

    >>> print(player(Take([Part("melody", [(0, 1, 60, 80), (1, 1, 64, 80)])]), "Take <1>")[:58])
    <section class="player" aria-label="Take &lt;1&gt;" data-t
    """
    return element(
        "section",
        element(heading, name),
        _transport(take, name),
        sheet,
        _roll(take, name),
        element("p", class_="said", role="status"),
        element("div", *_settings(take), class_="controls settings"),
        _mutes(take.parts),
        below,
        class_="player",
        aria_label=name,
        data_take=json.dumps(data(take), separators=(",", ":")),
    )


def data(take: Take) -> dict[str, Any]:
    """The object of the module's article."""
    drawn = roll.rows(take)
    told = {
        "length": short(take.length),
        "tempos": [[short(place), short(speed)] for place, speed in take.tempos],
        "rows": [drawn.high, drawn.n],
        "bars": [_bar(bar) for bar in take.bars],
        "names": take.names or {pitch: pitch_name(pitch) for pitch in sorted({note[2] for note in take.notes})},
        "parts": [_part(part, drawn) for part in take.parts],
    }
    return {name: value for name, value in told.items() if value}


def _bar(bar: Bar) -> list[float]:
    missing = bar.nominal - bar.length if bar.number == 0 else 0
    return [bar.number, short(bar.start), bar.denominator, short(missing)]


def _part(part: Part, drawn: roll.Rows) -> dict[str, Any]:
    told = {
        "name": part.name,
        "instrument": part.instrument,
        "notes": [[short(x) for x in note] for note in part.notes],
        "drums": _drums(drawn) if part.instrument == DRUMS else {},
        "bits": [_bits(bits) for bits in part.bits],
        "signs": " ".join(map(",".join, part.signs)),
    }
    return {name: value for name, value in told.items() if value or name == "notes"}


def _drums(drawn: roll.Rows) -> dict[int, list[int | str]]:
    return {pitch: [row, drum_name(pitch)] for pitch, row in drawn.drums.items()}


def _bits(bits: float) -> float | None:
    return None if math.isnan(bits) else -1 if math.isinf(bits) else round(bits, 2)


def _roll(take: Take, name: str) -> Html:
    picture = element("div", roll.piano_roll(take), class_="lanes")
    scrolled = element("div", picture, class_="roll", role="group", aria_label=f"Roll of {name}", tabindex="0")
    return element("div", roll.names(take), scrolled, class_="named") if take.bars else scrolled


def _transport(take: Take, name: str) -> Html:
    """What is used while listening; it stays in sight as long as the player is."""
    position = {"min": 0, "max": short(take.length), "step": "any", "value": 0}
    return element(
        "div",
        _button("play", "▶ Play", name),
        _button("stop", "■ Stop", name),
        element("input", type="range", class_="position", aria_label=f"Position in {name}", **position),
        _output("clock"),
        class_="controls transport",
    )


def _button(kind: str, label: str, name: str) -> Html:
    unseen = element("span", f" {name}", class_="unseen")
    return element("button", element("span", label), unseen, type="button", class_=kind)


def _output(kind: str) -> Html:
    """A figure that changes with the music; screen readers have it from the controls."""
    return element("span", class_=kind, aria_hidden="true")


def _settings(take: Take) -> Sequence[Html]:
    tempo = {"min": _SLOWEST, "max": _FASTEST, "step": 0.01, "value": 1}
    volume = {"min": 0, "max": 1, "step": 0.01, "value": 0.8}
    return (
        element("span", element("label", element("input", type="checkbox", class_="loop"), "Loop"), *_range(take.bars)),
        element("label", "Tempo ", element("input", type="range", class_="tempo", **tempo), _output("pace")),
        element("label", "Volume ", element("input", type="range", class_="volume", **volume)),
    )


def _range(bars: Sequence[Bar]) -> Sequence[Html]:
    """From which bar to which to loop, where bars are known."""
    if not bars:
        return ()
    first, last = bars[0].number, bars[-1].number
    return [
        element(
            "label",
            word,
            element("input", type="number", class_=kind, min=first, max=last, value=value, inputmode="numeric"),
        )
        for word, kind, value in (("from bar ", "from", first), ("to bar ", "to", last))
    ]


def _mutes(parts: Sequence[Part]) -> Html:
    """A switch for each part, and one that leaves it alone, where there are several."""
    if len(parts) < 2:
        return Html()
    switches = [
        element(
            "span",
            element(
                "label",
                element("input", type="checkbox", checked=True, data_part=i),
                roll.swatch(i),
                element("bdi", part.name),
            ),
            element(
                "button",
                "Solo",
                element("span", " ", element("bdi", part.name), class_="unseen"),
                type="button",
                class_="solo",
                aria_pressed="false",
            ),
            class_="voice",
        )
        for i, part in enumerate(parts)
    ]
    return element(
        "fieldset", element("legend", "Parts that sound", class_="unseen"), *switches, class_="controls voices"
    )
