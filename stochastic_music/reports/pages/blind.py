"""Blind listening: which of two takes do you like more, without knowing where they come from?

A *pair* is two takes of two sources, a source being a model or the held-out music. `pairs` draws them, seeded by the
report itself: each model meets the held-out music `rounds` times, and each other model once, in one of both orders; a
source's takes are used in turn. Names of pairs are digests that tell nothing.

The page holds notes and names of pairs alone. All takes sound with one instrument, one loudness and one tempo, since
these are no work of a model; the order of pairs is shuffled anew for each voter. Votes go to a file:

    {"schema": 1, "report": checksum, "voter": random name,
     "votes": [{"pair": name, "choice": "a" | "b" | "none", "seconds": seconds}]}

and `pairs` of the same report says what they mean. A report is named by `checksum`, of what pairs depend on.
"""

from __future__ import annotations

import hashlib
import json
import statistics
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from stochastic_music.reports.pages import player, shell
from stochastic_music.reports.pages.markup import Html, element
from stochastic_music.reports.pages.takes import Part, Take, of_report

#: The source that is no model.
HELD_OUT = "held-out"
#: Velocity of every note.
_VELOCITY = 80
#: Times that each model meets the held-out music, and pairs in all.
ROUNDS, MOST_PAIRS = 2, 24

Report = Mapping[str, Any]


class Entry(NamedTuple):
    """A take: its source, and its place among the source's takes."""

    source: str
    take: int


class Pair(NamedTuple):
    """Two takes to choose from."""

    name: str
    a: Entry
    b: Entry


def pairs(report: Report, *, rounds: int = ROUNDS, most: int = MOST_PAIRS) -> list[Pair]:
    """The pairs of a report, always the same for the same report.

    Models that failed, or have no takes, meet nobody. Where there would be more than `most` pairs, meetings between
    models give way to those with the held-out music.
    """
    counts = {source: len(takes) for source, takes in sources(report).items() if takes}
    name = checksum(report)
    generator = np.random.default_rng(int(name, 16))
    met = _meetings(counts, rounds, generator)[:most]
    turns = {source: _turns(count, generator) for source, count in counts.items()}
    found = []
    for i, meeting in enumerate(met):
        a, b = (meeting[j] for j in generator.permutation(2))
        digest = hashlib.sha256(f"{name} {i}".encode()).hexdigest()[:10]
        found.append(Pair(digest, Entry(a, next(turns[a])), Entry(b, next(turns[b]))))
    return [found[i] for i in generator.permutation(len(found))]


def sources(report: Report) -> dict[str, Sequence[Mapping[str, Any]]]:
    """The takes of each source of a report."""
    models = {model["name"]: model.get("takes") or [] for model in report["models"] if not model.get("failed")}
    return models | {HELD_OUT: (report.get("held_out") or {}).get("takes") or []}


def checksum(report: Report) -> str:
    """Sixteen hexadecimal digits that stand for the takes of a report."""
    text = json.dumps(sources(report), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def blind_page(report: Report) -> str:
    """The page, as HTML. Equal reports give equal bytes."""
    takes, found = sources(report), pairs(report)
    tempo = statistics.median([take["tempo"] for takes_of in takes.values() for take in takes_of] or [100])
    held = (element("p", _ORDERS), _progress(), *(_ballot(pair, takes, tempo) for pair in found), _after())
    heading = element("h1", "Which do you like more?")
    main = element("main", heading, *(held if found else _NOTHING), id="main", data_report=checksum(report))
    scripts = (*player.SCRIPTS, "blind.js") if found else ()
    return shell.page("Blind listening", main, styles=(player.STYLE, "blind.css"), scripts=scripts)


_ORDERS = (
    "You will hear pairs of short pieces. Some were written by people, some drawn by a program; which is which is not "
    "on this page. Listen to both as often as you like, then choose. There are no right answers. What you choose is "
    "kept in this browser until you save it; nothing is sent anywhere."
)


_NOTHING = (element("p", "There is nothing to choose between: fewer than two sources have takes."),)


def _progress() -> Html:
    return element("p", class_="progress", role="status", aria_live="polite")


def _ballot(pair: Pair, takes: Mapping[str, Sequence[Mapping[str, Any]]], tempo: float) -> Html:
    """The players of a pair, and the choice; hidden until its turn."""
    heard = [
        player.player(_plain(takes[entry.source][entry.take], tempo), letter, heading="h2")
        for letter, entry in (("A", pair.a), ("B", pair.b))
    ]
    labels = {"a": "A is better", "b": "B is better", "none": "I cannot tell"}
    buttons = [element("button", label, type="button", value=choice) for choice, label in labels.items()]
    choice = element("div", *buttons, class_="choice", role="group", aria_label="Which do you like more?")
    return element("article", *heard, choice, hidden=True, data_pair=pair.name)


def _plain(take: Mapping[str, Any], tempo: float) -> Take:
    """A take without what would give it away."""
    parts = of_report(take).parts
    plain = [
        Part(f"Part {i}", [(onset, duration, pitch, _VELOCITY) for onset, duration, pitch, _ in part.notes])
        for i, part in enumerate(parts, start=1)
    ]
    return Take(plain, [(0.0, tempo)])


def _after() -> Html:
    """What stands where all pairs are done, and what can be done at any time."""
    return element(
        "div",
        element("p", "Save your votes and send the file to whoever asked you to listen.", class_="done", hidden=True),
        element("button", "Save votes", type="button", class_="save"),
        element("button", "Copy votes", type="button", class_="copy"),
        element("button", "Back", type="button", class_="back"),
        element("textarea", hidden=True, readonly=True, rows=6, aria_label="Your votes, to copy"),
        class_="after",
    )


def _meetings(counts: Mapping[str, int], rounds: int, generator: np.random.Generator) -> list[tuple[str, str]]:
    """Who meets whom, the held-out music first."""
    models = [source for source in counts if source != HELD_OUT]
    against = [(model, HELD_OUT) for model in models if HELD_OUT in counts] * rounds
    among = list(combinations(models, 2))
    return against + [among[i] for i in generator.permutation(len(among))]


def _turns(count: int, generator: np.random.Generator) -> Iterator[int]:
    """The numbers below `count`, shuffled, again and again."""
    while True:
        yield from (int(i) for i in generator.permutation(count))
