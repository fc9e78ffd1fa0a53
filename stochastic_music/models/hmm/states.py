"""What each hidden state plays, in words: "state 3: G4, A4; quarter notes; stays 0.8; leads to state 1".

Of each field the symbols are named that a state emits with SHOWN of its probability together, the likeliest first and
at most MOST; fields in which a state does as all do are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from stochastic_music.models.hmm.parameters import Parameters
from stochastic_music.protocols import FloatArray, IntArray
from stochastic_music.tokens import Field, Vocabulary
from stochastic_music.tokens.clock import describe_mark

#: probability that the symbols named have together, and how many are named
SHOWN, MOST = 0.6, 4
#: the least probability of a way on that is named
_WAY = 0.1
_VALUES = {
    Fraction(4): "whole",
    Fraction(3): "dotted half",
    Fraction(2): "half",
    Fraction(3, 2): "dotted quarter",
    Fraction(1): "quarter",
    Fraction(3, 4): "dotted eighth",
    Fraction(1, 2): "eighth",
    Fraction(1, 3): "triplet eighth",
    Fraction(1, 4): "sixteenth",
}


class Played(NamedTuple):
    """A symbol that a state emits: its field, what it stands for in words, and its probability."""

    field: str
    what: str
    probability: float


class StateReport(NamedTuple):
    """One state: its share of all events, what it plays, how likely it stays, begins and ends pieces; what follows.

    `leads_to` holds states and their probabilities once this one is left, the likeliest first. `ends` is the
    probability that it emits END where it stands.
    """

    state: int
    share: float
    plays: tuple[Played, ...]
    stays: float
    begins: float
    ends: float
    leads_to: tuple[tuple[int, float], ...]

    def to_json(self) -> dict[str, Any]:
        """Plain lists and numbers."""
        plays = [{**played._asdict(), "probability": _rounded(played.probability)} for played in self.plays]
        ways = [{"state": state, "probability": _rounded(p)} for state, p in self.leads_to]
        numbers = {name: _rounded(getattr(self, name)) for name in ("share", "stays", "begins", "ends")}
        return {"state": self.state, **numbers, "plays": plays, "leads_to": ways}

    def __str__(self) -> str:
        fields = dict.fromkeys(played.field for played in self.plays)
        said = [", ".join(p.what for p in self.plays if p.field == field) for field in fields]
        said = said or ["what all states play"]
        said.append(f"stays {self.stays:.2f}")
        if self.leads_to:
            said.append("leads to state " + ", ".join(str(state) for state, _ in self.leads_to[:2]))
        said += [f"{verb} pieces {p:.2f}" for verb, p in (("begins", self.begins), ("ends", self.ends)) if p >= _WAY]
        return f"state {self.state} ({self.share:.0%}): {'; '.join(said)}"


def state_report(
    parameters: Parameters, occupancy: FloatArray, vocabulary: Vocabulary, marks: IntArray, places: FloatArray
) -> list[StateReport]:
    """Every state, in the order of their numbers; `occupancy` (K,) is the share of events that each explains.

    `places` (K, n_blocks) say how often its events begin at each of the `marks`; what it plays is told of all the bar.
    """
    tables = [np.einsum("kb,kbs->ks", places, t) if t.ndim > 2 else t for t in parameters.emissions]
    whole = parameters._replace(emissions=tuple(tables))
    weighted = [occupancy @ table for table in tables]
    reports = [_of_state(k, whole, occupancy, weighted, vocabulary) for k in range(parameters.n_states)]
    if not len(marks):
        return reports
    everywhere = occupancy @ places
    return [
        report._replace(plays=report.plays + _where(row, everywhere, marks, vocabulary.resolution))
        for report, row in zip(reports, places, strict=True)
    ]


def _where(row: FloatArray, overall: FloatArray, marks: IntArray, resolution: int) -> tuple[Played, ...]:
    """Where in the bar a state begins, if it has places of its own."""
    if _alike(row, overall):
        return ()
    known = [column for column in _telling(row) if column < len(marks)]
    return tuple(Played("place", f"on {describe_mark(int(marks[c]), resolution)}", float(row[c])) for c in known)


def _of_state(
    k: int, parameters: Parameters, occupancy: FloatArray, overall: Sequence[FloatArray], vocabulary: Vocabulary
) -> StateReport:
    plays: list[Played] = []
    for f, field in enumerate(vocabulary.fields):
        row = parameters.emissions[f][k, : field.size]
        if len(vocabulary.fields) > 1 and parameters.n_states > 1 and _alike(row, overall[f][: field.size]):
            continue
        plays += [
            Played(field.name, describe(field, field.first + column, vocabulary.resolution), float(row[column]))
            for column in _telling(row)
        ]
    stays = float(parameters.transitions[k, k])
    away = np.where(np.arange(parameters.n_states) == k, 0.0, parameters.transitions[k]) / max(1 - stays, 1e-12)
    ways = tuple((int(to), float(away[to])) for to in np.argsort(-away, kind="stable")[:3] if away[to] >= _WAY)
    ends = float(parameters.emissions[0][k, -1]) if vocabulary.closed else 0.0
    return StateReport(k, float(occupancy[k]), tuple(plays), stays, float(parameters.start[k]), ends, ways)


def describe(field: Field, value: int, resolution: int) -> str:
    """A value of a field in a musician's words.

    >>> describe(Field("duration", 48, first=1), 18, 12)
    'dotted quarter notes'
    """
    if not resolution or field.name not in {"duration", "rest"} or field.labels:
        return field.describe(value) or f"no {field.name}"
    if value == 0:
        return f"no {field.name}"
    length = Fraction(value, resolution)
    name = _VALUES.get(length, f"{length} quarter")
    return f"{name} {'notes' if field.name == 'duration' else 'rests'}"


def _telling(row: FloatArray) -> list[int]:
    order = np.argsort(-row, kind="stable")[:MOST]
    before = np.cumsum(row[order]) - row[order]
    return [int(column) for column in order[before < SHOWN * row.sum()] if row[column] > 0]


def _alike(row: FloatArray, overall: FloatArray) -> bool:
    """Whether two distributions differ by a tenth of their mass at most."""
    total, others = max(row.sum(), 1e-12), max(overall.sum(), 1e-12)
    return bool(np.abs(row / total - overall / others).sum() / 2 < 0.1)


def _rounded(p: float) -> float:
    return round(p, 6)
