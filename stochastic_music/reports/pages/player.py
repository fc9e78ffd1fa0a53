"""Players: a take as a piano roll, with what is needed to hear it.

The roll is drawn here, so that it is seen and printed without any script; `static/player.js` adds the moving cursor and
the sound. Time is in quarter notes, pitch in MIDI numbers (C4 = 60); the roll stretches to the width of the page, and
scrolls where a long piece would be crowded.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from stochastic_music.reports.pages.markup import Html, element
from stochastic_music.tokens import pitch_name

#: What a page with players loads.
STYLE, SCRIPT = "player.css", "player.js"
#: The synthesizer's colors; another name sounds as the first.
INSTRUMENTS = ("piano", "plucked", "organ", "strings", "wind", "drums")
#: pixels, at least, for a quarter note
_QUARTER = 5
_COLORS = 8

#: Onset and duration in quarter notes, MIDI pitch and velocity.
Note = tuple[float, float, int, int]


class Part(NamedTuple):
    """The notes of one instrument."""

    name: str
    notes: Sequence[Note]
    instrument: str = INSTRUMENTS[0]


class Take(NamedTuple):
    """A piece to hear; `tempo` is in quarter notes a minute."""

    parts: Sequence[Part]
    tempo: float = 100.0

    @property
    def length(self) -> float:
        """Quarter notes until the last note ends; 1 where nothing sounds."""
        return max((onset + duration for onset, duration, _, _ in self.notes), default=0) or 1.0

    @property
    def notes(self) -> list[Note]:
        """The notes of all parts."""
        return [note for part in self.parts for note in part.notes]


def of_report(take: Mapping[str, Any]) -> Take:
    """A take as reports hold it: `tempo`, and `notes` or `parts` with `name` and `notes`.

    >>> of_report({"tempo": 96, "notes": [[0, 1, 60, 80]]}).length
    1
    """
    parts = take.get("parts") or [{"name": "Melody", "notes": take["notes"]}]
    return Take([Part(part["name"], [tuple(note[:4]) for note in part["notes"]]) for part in parts], take["tempo"])


def player(take: Take, name: str, *, heading: str = "h4") -> Html:
    """A take with its roll and controls; `name` says which, to the eye and to screen readers.

    >>> print(player(Take([Part("melody", [(0, 1, 60, 80), (1, 1, 64, 80)])]), "Take <1>")[:58])
    <section class="player" aria-label="Take &lt;1&gt;" data-t
    """
    parts = [
        {"instrument": part.instrument, "notes": [[_short(x) for x in note] for note in part.notes]}
        for part in take.parts
    ]
    data = {"tempo": _short(take.tempo), "length": _short(take.length), "parts": parts}
    return element(
        "section",
        element(heading, name),
        element("div", piano_roll(take), class_="roll", role="group", aria_label=f"Roll of {name}", tabindex="0"),
        _controls(take, name),
        class_="player",
        aria_label=name,
        data_take=json.dumps(data, separators=(",", ":")),
    )


def piano_roll(take: Take) -> Html:
    """The notes as a picture, one path a part, with a line at each C and a cursor at the start."""
    pitches = [note[2] for note in take.notes]
    low, high = min(pitches, default=60) - 2, max(pitches, default=71) + 2
    octaves = [high - c + 1 for c in range(0, 128, 12) if low < c <= high]
    parts = [
        element("path", class_=f"part-{i % _COLORS}", d="".join(_box(note, high) for note in part.notes))
        for i, part in enumerate(take.parts)
    ]
    return element(
        "svg",
        *(element("path", class_="c", d=f"M0 {y}H{_short(take.length)}") for y in octaves),
        *parts,
        element("path", class_="cursor", d=f"M0 0V{high - low + 1}"),
        viewBox=f"0 0 {_short(take.length)} {high - low + 1}",
        width=round(_QUARTER * take.length),
        preserveAspectRatio="none",
        role="img",
        aria_label=described(take),
    )


def described(take: Take) -> str:
    """A picture's words: how many notes, from where to where.

    >>> described(Take([Part("melody", [(0, 1, 60, 80), (1, 1, 64, 80)])]))
    'Piano roll: 2 notes from C4 to E4, 2 quarter notes long'
    """
    pitches = [note[2] for note in take.notes]
    if not pitches:
        return "Piano roll without notes"
    span = f"from {pitch_name(min(pitches))} to {pitch_name(max(pitches))}"
    return f"Piano roll: {len(pitches)} notes {span}, {take.length:g} quarter notes long"


def _box(note: Note, high: int) -> str:
    onset, duration, pitch, _ = note
    width = _short(max(duration - 0.06, 0.7 * duration))  # a sliver keeps repeated notes apart
    return f"M{_short(onset)} {high - pitch}h{width}v1h-{width}z"


def _controls(take: Take, name: str) -> Html:
    position = {"min": 0, "max": _short(take.length), "step": "any", "value": 0}
    tempo = {"min": 40, "max": 240, "step": 1, "value": min(max(round(take.tempo), 40), 240)}
    more = (
        element("label", "Tempo ", element("input", type="range", class_="tempo", **tempo)),
        element("label", element("input", type="checkbox", class_="loop"), "Loop"),
        _mutes(take.parts),
    )
    return element(
        "div",
        element("button", element("span", "▶ Play"), element("span", f" {name}", class_="unseen"), type="button"),
        element("input", type="range", class_="position", aria_label=f"Position in {name}", **position),
        element("output", class_="clock", aria_hidden="true"),
        element("div", *more, class_="more"),
        class_="controls",
    )


def _mutes(parts: Sequence[Part]) -> Html:
    """A switch for each part, where there are several."""
    if len(parts) < 2:
        return Html()
    switches = [
        element("label", element("input", type="checkbox", checked=True, data_part=i), _swatch(i), part.name)
        for i, part in enumerate(parts)
    ]
    return element("fieldset", element("legend", "Parts that sound", class_="unseen"), *switches)


def _swatch(i: int) -> Html:
    box = element("path", d="M0 0h1v1h-1z", class_=f"part-{i % _COLORS}")
    return element("svg", box, class_="swatch", viewBox="0 0 1 1", aria_hidden="true")


def _short(number: float) -> float | int:
    """At most four decimals, and none where they are zero."""
    rounded = round(float(number), 4)
    return int(rounded) if rounded == int(rounded) else rounded
