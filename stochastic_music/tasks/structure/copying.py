"""Repeated sections: a hidden Markov model of bars that are new, or copies of bars heard before.

States that say how a bar sounds do not find a form such as AABB: sections of one tune sound alike, and what makes the
second A an A is that its bars come again, in order. So the state of a bar is `new`, or a *lag*: "as so many bars ago".
A lag lasts, and steps on bar by bar through what it copies, left to right; that is how [1] reads genes as a mosaic
of others. With p the frequency of a token in the piece, and c a token that is copied,

    a new bar emits each of its tokens with probability p;
    a copy emits c with probability (1 - CHANGED) + CHANGED p, and any other token with probability CHANGED p.

States last `least` bars at least (the state carries its age up to `least`), so that a cadence common to two sections is
not taken for a section. After that each bar may jump, to `new` or to any lag with equal probability. Every fourth bar
is likelier to, since music likes groups of four: where the half of a section comes again and the rest is changed,
nothing else tells where it begins. The likeliest path is found by dynamic programming. Its jumps are where sections
begin; so are the bars that copied sections came from, carried along all copies. A section that copies another has its
letter, and a prime where much of it is changed.

[1] N. Li, M. Stephens. Modeling linkage disequilibrium and identifying recombination hotspots using single-nucleotide
    polymorphism data. Genetics 165(4), 2003.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from stochastic_music.protocols import BoolArray, FloatArray, IntArray
from stochastic_music.tasks.structure.bar_features import ABSENT

#: the probability that a copied token is another one
CHANGED = 0.1
#: that a state, once it has lasted long enough, ends before a bar: before every fourth one, and before others
_JUMPS = 0.25, 0.02
#: what has fewer equal tokens than this is no copy, but something new
RELATED = 0.5
#: a copy with fewer equal tokens than this, or with a length that differs by over a quarter, is a variant: a prime
ALIKE = 0.75


class Run(NamedTuple):
    """Bars `first` to `last` (not included) in one state: new, or copies of those `lag` bars before (0: new)."""

    first: int
    last: int
    lag: int


class Stretch(NamedTuple):
    """Bars `first` to `last` (not included) as a section: its letter, a prime with it where it is a variant.

    `source` is the first bar of what it copies, or None, and `similarity` the share of equal tokens.
    """

    first: int
    last: int
    label: str
    source: int | None
    similarity: float | None


def likeness(cells: IntArray) -> FloatArray:
    """The share of tokens in which bar t equals the bar `lag` before: (T, T) as [t, lag], 0 where there is none."""
    equal, counted = _compared(cells)[1:]
    share: FloatArray = equal / np.maximum(counted, 1)
    return share


def gains(cells: IntArray) -> FloatArray:
    """How much likelier bar t is as a copy of the bar `lag` before than as a new one, in nats: (T, T) as [t, lag].

    0 for lag 0, which is new; -inf where nothing lies so far back.
    """
    return _compared(cells)[0]


def _compared(cells: IntArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    n_bars = len(cells)
    frequency = np.ones(cells.shape)
    for stream in range(cells.shape[2]):
        tokens = cells[:, :, stream]
        there = tokens != ABSENT
        counts = np.bincount(tokens[there])
        frequency[:, :, stream][there] = counts[tokens[there]] / there.sum()
    reward = np.log((1 - CHANGED) / frequency + CHANGED)
    gain = np.full((n_bars, n_bars), -np.inf)
    gain[:, 0] = 0.0
    equal, counted = np.zeros((n_bars, n_bars)), np.zeros((n_bars, n_bars))
    for lag in range(1, n_bars):
        now, then = cells[lag:], cells[:-lag]
        either, same = (now != ABSENT) | (then != ABSENT), now == then
        gain[lag:, lag] = np.where(either, np.where(same, reward[lag:], math.log(CHANGED)), 0.0).sum(axis=(1, 2))
        equal[lag:, lag], counted[lag:, lag] = (same & either).sum(axis=(1, 2)), either.sum(axis=(1, 2))
    return gain, equal, counted


def best_runs(gain: FloatArray, least: int) -> list[Run]:
    """The likeliest path, run by run; the last run may be shorter than `least` bars if it is new.

    Bars 5 to 8 are as bars 1 to 4, and one more is new:

        >>> cells = np.array([1, 2, 3, 4, 1, 2, 3, 4, 9])[:, None, None].repeat(2, axis=1)
        >>> [tuple(run) for run in best_runs(gains(cells), 3)]
        [(0, 4, 0), (4, 8, 4), (8, 9, 0)]
    """
    n_bars = len(gain)
    score = np.full((least, n_bars), -np.inf)  # by age from 1, the last one and older together, and state
    score[0, 0] = 0.0
    stays, jumped_from = np.zeros((n_bars, n_bars), dtype=bool), np.zeros(n_bars, dtype=np.int64)
    for t in range(1, n_bars):
        jumped_from[t] = score[-1].argmax()
        jump = jump_probability(t)
        enter = score[-1, jumped_from[t]] + math.log(jump) + _entries(t, n_bars, least)
        older = score[-1] + math.log(1 - jump)
        score = np.concatenate([enter[None], score[:-1]])
        stays[t] = older > score[-1] if least > 1 else older > enter
        score[-1] = np.where(stays[t], older, score[-1])
        score += gain[t]
    return _traced(score, stays, jumped_from, least)


def jump_probability(t: int) -> float:
    """The probability that a new state begins with bar t, counted from 0.

    >>> jump_probability(8), jump_probability(9)
    (0.25, 0.02)
    """
    return _JUMPS[t % 4 > 0]


def _entries(t: int, n_bars: int, least: int) -> FloatArray:
    """The log probability of each state that bar t may jump to: new, or one of the lags from `least` to t."""
    entries = np.full(n_bars, -np.inf)
    entries[0] = math.log(0.5)
    entries[least : t + 1] = math.log(0.5 / max(t + 1 - least, 1))
    return entries


def _traced(score: FloatArray, stays: BoolArray, jumped_from: IntArray, least: int) -> list[Run]:
    n_bars = len(stays)
    ends = score.copy()
    ends[:-1, 1:] = -np.inf  # what is not yet old enough may stand at the end only if it is new
    age, state = (int(i) for i in np.unravel_index(ends.argmax(), ends.shape))
    runs, last = [], n_bars
    for t in range(n_bars - 1, 0, -1):
        if age == least - 1 and stays[t, state]:
            continue
        if age == 0:
            runs.append(Run(t, last, state))
            last, state, age = t, int(jumped_from[t]), least - 1
        else:
            age -= 1
    return [Run(0, last, 0), *reversed(runs)] if n_bars else []


def sections(runs: Sequence[Run], alike: FloatArray, textures: IntArray, least: int) -> list[Stretch]:
    """The sections that the runs of a piece make, and their labels.

    `alike` is of `likeness`, `textures` (T,) are states that say how bars sound: where new music that is never copied
    changes from one to another, a section begins, and such sections of one texture have one letter.
    """
    cuts = _cuts(runs, textures, least)
    lag_of = np.concatenate([np.full(run.last - run.first, run.lag) for run in runs])
    which = np.repeat(np.arange(len(cuts) - 1), np.diff(cuts))
    copied = _sources(runs, len(textures))
    several = len(np.unique(textures)) > 1
    names = _Names()
    found: list[Stretch] = []
    for i, (first, last) in enumerate(pairwise(cuts)):
        copies = np.arange(first, last)[lag_of[first:last] > 0]
        source = _common(which[copies - lag_of[copies]]) if 2 * len(copies) >= last - first else i
        similarity = float(alike[copies, lag_of[copies]].mean()) if source < i else 0.0
        if similarity >= RELATED:
            of = found[source]
            other_length = 4 * abs((last - first) - (of.last - of.first)) > of.last - of.first
            label = names.again(of.label, variant=similarity < ALIKE or other_length)
            found.append(Stretch(first, last, label, found[source].first, similarity))
            continue
        free = several and not copied[first:last].any()
        label = names.new(("texture", _common(textures[first:last])) if free else ("section", i))
        found.append(Stretch(first, last, label, None, None))
    return found


class _Names:
    """Letters by order of appearance, and primes for variants, one more for each."""

    def __init__(self) -> None:
        self._letters: dict[object, str] = {}
        self._variants: dict[str, int] = {}

    def new(self, kind: object) -> str:
        """The letter of a kind of section, a new one where it is heard for the first time."""
        return self._letters.setdefault(kind, letter(len(self._letters)))

    def again(self, label: str, *, variant: bool) -> str:
        """The label of a section that copies the one called `label`."""
        if not variant:
            return label
        plain = label.rstrip("'")
        self._variants[plain] = self._variants.get(plain, 0) + 1
        return plain + "'" * self._variants[plain]


def letter(n: int) -> str:
    """A, B, ... Z, AA, AB, ...

    >>> letter(0), letter(25), letter(26)
    ('A', 'Z', 'AA')
    """
    return (letter(n // 26 - 1) if n >= 26 else "") + chr(ord("A") + n % 26)


def _cuts(runs: Sequence[Run], textures: IntArray, least: int) -> list[int]:
    """Where sections begin, ascending, and the end."""
    n_bars = len(textures)
    cuts = {0, n_bars, *(run.first for run in runs)}
    copied = _sources(runs, n_bars)
    for run in runs:
        if run.lag == 0:
            cuts |= _texture_cuts(run, textures, copied, least)
    waiting = [edge - run.lag for run in runs if run.lag for edge in (run.first, run.last)]
    while waiting:
        for cut in waiting:
            if min(abs(cut - other) for other in cuts) >= least:
                cuts.add(cut)
        images = {
            cut + run.lag for run in runs if run.lag for cut in cuts if run.first - run.lag < cut < run.last - run.lag
        }
        waiting = sorted(image for image in images if min(abs(image - other) for other in cuts) >= least)
    return sorted(cuts)


def _texture_cuts(run: Run, textures: IntArray, copied: BoolArray, least: int) -> set[int]:
    """Where the texture of a new run changes for `least` bars or more, what is copied elsewhere left whole."""
    change = np.flatnonzero(np.diff(textures[run.first : run.last])) + 1 + run.first
    edges = [run.first, *change.tolist(), run.last]
    while len(edges) > 2:
        lengths = np.diff(edges)
        short = int(lengths.argmin())
        if lengths[short] >= least:
            break
        to_left = short == len(lengths) - 1 or (short > 0 and lengths[short - 1] >= lengths[short + 1])
        del edges[short if to_left else short + 1]
    inside = edges[1:-1]
    return {cut for cut in inside if not (copied[cut] and copied[cut - 1])}


def _sources(runs: Sequence[Run], n_bars: int) -> BoolArray:
    """Which bars are copied by others, or copies: (T,)."""
    taken = np.zeros(n_bars, dtype=bool)
    for run in runs:
        if run.lag:
            taken[run.first : run.last] = True
            taken[run.first - run.lag : run.last - run.lag] = True
    return taken


def _common(values: IntArray) -> int:
    """The value that comes most often, the first of equals."""
    return int(np.bincount(values).argmax())
