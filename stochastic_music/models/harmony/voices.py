"""The lower voices of one beat, chosen one from the other: bass, then tenor, then alto.

    p(B, T, A | chord, melody, voices before)  =  p(B | ...) p(T | B, ...) p(A | B, T, ...)

Each is a `Mixture` over pitches. Their terms hear intervals: from the voice's own last pitch, from the chord's root or
bass, from the voices chosen already, from the tonic; so a chord that was never seen whole can be used. Of the voices
before, the bass hears its own pitch, the tenor its own and the bass's, the alto its own: that little memory is what
makes exact inference over many candidates quick, and costs hardly anything (`benchmarks/quality/harmony.py`).

A second set of mixtures hears nothing of the voices before: it proposes candidates.

Voices lie in order, B <= T <= A <= S, and may meet. Pitches lie in `SPANS`, which are wider than what singers sing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from stochastic_music.models.harmony.mixture import NONE, Columns, Mixture
from stochastic_music.protocols import BoolArray, FloatArray, IntArray

#: lowest pitch, and how many pitches there are
SPANS = {"B": (28, 50), "T": (38, 48), "A": (45, 46)}
#: which column of a voicing (from the top) each is
PLACES = {"A": 1, "T": 2, "B": 3}
#: the order in which voices are chosen
ORDER = ("B", "T", "A")

_BASS = (
    "bass |",
    "bass | quality",
    "bass | pB-bass",
    "bass | S-bass",
    "bass | pB-bass S-bass",
    "bass | place pB-bass",
    "bass | pB-bass end",
    "bass | pB-bass S-bass S1-S",
    "tonic | label",
    "tonic | label pB-tonic",
    "tonic | label S-tonic",
    "tonic | label pB-tonic S-tonic",
    "tonic | pB-tonic S-tonic",
    "tonic | label pB-tonic S-tonic pS-tonic",
    "tonic | label pB-tonic end",
    "tonic | label S1-tonic pB-tonic",
    "pB | bass%pB S-pB",
    "pB | bass%pB S-pS",
    "pB | S-pB pS-pB",
    "pB | pB-tonic bass%pB",
    "pB | bass%pB S-pS pS-pB",
    "pB | pB-tonic",
    "S | bass%S",
    "zero | bass%zero",
)


def _inner(own: str, others: tuple[str, ...], before: tuple[str, ...]) -> tuple[str, ...]:
    """The terms of tenor and alto: `own` is its last pitch, `others` are chosen now, `before` sounded before."""

    def apart(reference: str, names: tuple[str, ...] = others, sign: str = "-") -> str:
        return " ".join(f"{name}{sign}{reference}" for name in names)

    near, far = others[0], others[1:]
    return (
        "root | quality",
        f"root | quality {apart('root')}",
        f"root | quality {apart('root', sign='%')}",
        f"root | quality {apart('root', sign='%')} {own}-root",
        f"root | quality {apart('root')} {own}-root",
        f"root | quality {own}-root",
        f"root | quality {apart('root', sign='%')} S-root {own}-root",
        "tonic | label",
        f"tonic | label {apart('tonic')}",
        f"tonic | {apart('tonic')} {own}-tonic",
        f"tonic | label {apart('tonic')} {own}-tonic",
        f"tonic | label {apart('tonic')} {apart('tonic', before)}",
        f"tonic | label {own}-tonic",
        f"tonic | label {apart('tonic', sign='%')} {own}-tonic end",
        f"tonic | {apart('tonic', sign='%')} {own}-tonic minor",
        f"{own} |",
        f"{own} | {apart(own)}",
        f"{own} | {apart(own)} {apart(own, before)}",
        f"{own} | root%{own} quality",
        f"{own} | root%{own} quality {apart(own)}",
        f"{own} | root%{own} quality {apart(own)} {apart(own, before)}",
        f"{own} | root%{own} quality {apart(own, before)}",
        f"{own} | {own}-tonic label",
        f"{own} | {own}-tonic label S%{own} S1%S",
        f"{own} | {own}-tonic place label",
        f"{own} | {apart(own, sign='%')} {apart(own, before, '%')}",
        f"{own} | S-pS {own}-tonic",
        f"{own} | S-pS root%{own} quality",
        f"{near} | quality root%{near} {apart(near, far, '%')}",
        f"{near} | {apart(near)}",
        f"S | quality root%S {apart('S')}",
        f"S | {apart('S')}",
        "zero | root%zero quality",
    )


#: the terms of each voice
TERMS = {
    "B": _BASS,
    "T": _inner("pT", ("B", "S"), ("pB", "pS")),
    "A": _inner("pA", ("T", "B", "S"), ("pS",)),
}


def _static(terms: tuple[str, ...]) -> tuple[str, ...]:
    """Those terms that hear this beat's chord, soprano and voices alone."""
    heard = {"zero", "tonic", "bass", "root", "quality", "label", "S", "B", "T", "end", "minor"}

    def plain(term: str) -> bool:
        return set(term.replace("|", " ").replace("-", " ").replace("%", " ").split()) <= heard

    return tuple(term for term in terms if plain(term))


@dataclass(frozen=True, eq=False)
class Voices:
    """The mixtures of each voice: those that hear the voices before, and those that propose; see the article above."""

    moving: Mapping[str, Mixture]
    standing: Mapping[str, Mixture]

    @classmethod
    def fit(cls, columns: Columns, piece: IntArray) -> Self:
        """Learn from beats: `columns` hold the melody's, the chord's, "A", "T", "B" and those before, "pA", "pT", "pB".

        Beats with a pitch outside `SPANS`, or voices out of order, teach nothing.
        """
        kept = np.ones(len(piece), dtype=bool)
        for voice, (low, n) in SPANS.items():
            kept &= (columns[voice] >= low) & (columns[voice] < low + n)
        kept &= (columns["B"] <= columns["T"]) & (columns["T"] <= columns["A"]) & (columns["A"] <= columns["S"])
        rows = {name: column[kept] for name, column in columns.items()}
        moving: dict[str, Mixture] = {}
        standing: dict[str, Mixture] = {}
        for voice, (low, n) in SPANS.items():
            room = possible(voice, rows, int(kept.sum()))
            for found, terms in ((moving, TERMS[voice]), (standing, _static(TERMS[voice]))):
                found[voice] = Mixture.fit(terms, rows, rows[voice], piece[kept], low=low, n=n, possible=room)
        return cls(moving, standing)

    def log_probs(self, voice: str, columns: Columns, n_rows: int, *, standing: bool = False) -> FloatArray:
        """The log probability of each pitch of a voice's span at each row, given the voices chosen: (n_rows, n)."""
        mixture = (self.standing if standing else self.moving)[voice]
        return mixture.log_probs(columns, n_rows, possible(voice, columns, n_rows))

    def log_prob(self, columns: Columns, n_rows: int) -> FloatArray:
        """The log probability of "B", "T", "A" of each row; -inf where they are out of order or reach: (n_rows,)."""
        total = np.zeros(n_rows)
        for voice in ORDER:
            low, n = SPANS[voice]
            place = columns[voice] - low
            inside = (place >= 0) & (place < n)
            found = self.log_probs(voice, columns, n_rows)[np.arange(n_rows), np.clip(place, 0, n - 1)]
            total += np.where(inside, found, -np.inf)
        return total

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """What was learned, as plain arrays."""
        return {
            f"{kind}.{voice}.{name}": array
            for kind, mixtures in (("moving", self.moving), ("standing", self.standing))
            for voice, mixture in mixtures.items()
            for name, array in mixture.to_arrays().items()
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The inverse of `to_arrays`."""
        found: dict[str, dict[str, Mixture]] = {"moving": {}, "standing": {}}
        for kind, mixtures in found.items():
            for voice, (low, n) in SPANS.items():
                terms = TERMS[voice] if kind == "moving" else _static(TERMS[voice])
                prefix = f"{kind}.{voice}."
                mine = {name.removeprefix(prefix): arrays[name] for name in arrays if name.startswith(prefix)}
                mixtures[voice] = Mixture.from_arrays(terms, low, n, mine)
        return cls(found["moving"], found["standing"])


def possible(voice: str, columns: Columns, n_rows: int) -> BoolArray:
    """Which pitches lie between the voice below, where there is one, and the soprano: (n_rows, n).

    Where nothing does, all are possible: such rows are no music, and nobody asks for them.
    """
    low, n = SPANS[voice]
    below = {"B": np.full(n_rows, NONE), "T": columns.get("B"), "A": columns.get("T")}[voice]
    if below is None:
        raise AssertionError(f"{voice} is chosen after the voice below it")
    pitches = low + np.arange(n)
    room: BoolArray = (pitches >= below[:, None]) & (pitches <= columns["S"][:, None])
    room[~room.any(axis=1)] = True
    return room
