"""The skeleton: a chord for each beat, given the whole melody.

Whatever kind it is, a skeleton gives a `Chain` over its labels for a melody, and `sampling.chains.conditionals` makes
of that p(chord | chord before, whole melody).

    "crf"       a conditional random field, normalised once for the whole melody (`models.crf`); what is taken where
                nothing else is asked
    "mixture"   p(chord | chord before, melody around it), a `Mixture` over labels: a conditional Markov chain, each
                step of which is normalised by itself [1]; as good on validation pieces, and fitted sooner
    "hmm"       chords follow chords, and each plays its soprano note: counts, since the chords are known in training;
                the posterior hears the whole melody (`models.hmm` learns where they are not)

[1] A. McCallum, D. Freitag, F. Pereira. Maximum entropy Markov models for information extraction and segmentation.
    ICML 2000.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from stochastic_music.errors import UnknownNameError
from stochastic_music.models.crf import CRF
from stochastic_music.models.harmony.labels import Alphabet
from stochastic_music.models.harmony.melody import Melody
from stochastic_music.models.harmony.mixture import NONE, Columns, Mixture
from stochastic_music.protocols import FloatArray, IntArray
from stochastic_music.sampling.chains import Chain

Contents: TypeAlias = tuple[dict[str, Any], dict[str, NDArray[Any]]]

#: rows of one portion: each is scored for every label
_PORTION = 20_000
#: how strongly its weights are held back: chosen on validation pieces
_PENALTY = 30.0

TERMS = (
    "zero |",
    "zero | minor",
    "zero | before",
    "zero | before minor",
    "zero | before strong",
    "zero | S-tonic minor",
    "zero | S%tonic",
    "zero | S%tonic place",
    "zero | S%tonic end",
    "zero | S%tonic end minor place",
    "zero | S%tonic S1%tonic",
    "zero | S%tonic later%tonic",
    "zero | S%tonic S1%tonic S2%tonic",
    "zero | S%tonic S1-S end minor",
    "zero | S%tonic S1%tonic begun minor",
    "zero | pS%tonic S%tonic S1%tonic",
    "zero | pS-S S%tonic S1-S place",
    "zero | pS-tonic S-tonic S1-tonic S2-tonic",
    "zero | ppS-S pS-S S%tonic S1-S S2-S",
    "zero | S-tonic S1-tonic S2-tonic S3-tonic",
    "zero | before S%tonic",
    "zero | before S%tonic place",
    "zero | before S%tonic end",
    "zero | before S%tonic strong end minor",
    "zero | before S%tonic later%tonic",
    "zero | before S-pS S-tonic minor",
    "zero | before S%tonic S1%tonic",
    "zero | before S%tonic S1%tonic place",
    "zero | before S%tonic S1%tonic S2%tonic",
    "zero | before pS-tonic S-tonic S1-tonic",
    "zero | before S-tonic S1-tonic S2-tonic S3-tonic",
)


class Skeleton(Protocol):
    """What harmony asks of a skeleton."""

    @property
    def alphabet(self) -> Alphabet:
        """The labels of chords."""

    def chain(self, melody: Melody) -> Chain:
        """The chords of a melody: (n_frames, n) and (n_frames - 1, n, n) or (n, n)."""

    def contents(self) -> Contents:
        """What was learned, as plain JSON and arrays; the alphabet is the caller's to remember."""


@dataclass(frozen=True, eq=False)
class MixtureSkeleton:
    """Chords as a mixture over labels; see the module's article."""

    alphabet: Alphabet
    mixture: Mixture

    @classmethod
    def fit(cls, alphabet: Alphabet, columns: Columns, piece: IntArray) -> Self:
        """Learn from beats: `columns` hold the melody's, "label" and the label "before", NONE where there is none."""
        mixture = Mixture.fit(TERMS, columns, columns["label"], piece, low=0, n=alphabet.n, penalty=_PENALTY)
        return cls(alphabet, mixture)

    def chain(self, melody: Melody) -> Chain:
        """The chords of a melody: (n_frames, n) and (n_frames - 1, n, n)."""
        n, n_frames = self.alphabet.n, len(melody)
        unary = np.zeros((n_frames, n))
        unary[:1] = self._steps(melody, np.arange(min(n_frames, 1)), np.full(min(n_frames, 1), NONE))
        frames, before = np.repeat(np.arange(1, n_frames), n), np.tile(np.arange(n), max(n_frames - 1, 0))
        steps = [
            self._steps(melody, frames[i : i + _PORTION], before[i : i + _PORTION])
            for i in range(0, len(frames), _PORTION)
        ]
        return Chain(unary, np.concatenate([np.zeros((0, n)), *steps]).reshape(-1, n, n))

    def _steps(self, melody: Melody, frames: IntArray, before: IntArray) -> FloatArray:
        columns = {name: column[frames] for name, column in melody.columns.items()}
        return self.mixture.log_probs({**columns, "before": before}, len(frames))

    def contents(self) -> Contents:
        """As of `Skeleton`."""
        return {}, self.mixture.to_arrays()

    @classmethod
    def of_contents(cls, alphabet: Alphabet, meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The inverse of `contents`."""
        del meta
        return cls(alphabet, Mixture.from_arrays(TERMS, 0, alphabet.n, arrays))


#: what the field sees: columns of `_observed`
TEMPLATES = (
    "s", "s*minor", "s*place", "s*end", "s*end*minor*place", "height*minor", "s*s1", "s*s1*s2", "s*s1*end", "p1*s",
    "p1*s*s1", "p1*s*s1*minor", "fell*s*rises*place", "p2*p1*s*s1", "s*s1*s2*s3", "s*s1*begun", "end*minor",
    "p1*s*s1*s2", "s*later",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class CRFSkeleton:
    """Chords as a conditional random field; see the module's article."""

    alphabet: Alphabet
    field: CRF

    @classmethod
    def fit(cls, alphabet: Alphabet, columns: Columns, piece: IntArray) -> Self:
        """As of `MixtureSkeleton`."""
        events, labels = _observed(columns), [str(number) for number in columns["label"].tolist()]
        starts = np.append(True, piece[1:] != piece[:-1]) | (columns["before"] == NONE)
        bounds = [*np.flatnonzero(starts).tolist(), len(labels)]
        spans = list(pairwise(bounds))
        field = CRF(TEMPLATES, l2=1.0, max_iterations=60)
        return cls(alphabet, field.fit([events[a:b] for a, b in spans], [labels[a:b] for a, b in spans]))

    def chain(self, melody: Melody) -> Chain:
        """As of `Skeleton`; chords that training never held are impossible."""
        found, place = self.field.chain(_observed(melody.columns)), [int(label) for label in self.field.labels_]
        n = self.alphabet.n
        unary, steps = np.full((len(melody), n), -np.inf), np.full((n, n), -np.inf)
        unary[:, place], steps[np.ix_(place, place)] = found.unary, found.pairwise
        return Chain(unary, steps)

    def contents(self) -> Contents:
        """As of `Skeleton`."""
        return self.field.to_arrays()

    @classmethod
    def of_contents(cls, alphabet: Alphabet, meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The inverse of `contents`."""
        return cls(alphabet, CRF.from_arrays(meta, arrays))


def _observed(columns: Columns) -> list[dict[str, str]]:
    """What the field sees of each frame, as texts."""
    tonic, soprano = columns["tonic"], columns["S"]

    def degree(name: str) -> IntArray:
        return np.where(columns[name] == NONE, -1, (columns[name] - tonic) % 12)

    def step(name: str) -> IntArray:
        return np.where(columns[name] == NONE, 99, columns[name] - soprano)

    seen = {"s": degree("S"), "s1": degree("S1"), "s2": degree("S2"), "s3": degree("S3"), "p1": degree("pS")}
    seen |= {"p2": degree("ppS"), "later": degree("later"), "rises": step("S1"), "fell": step("pS")}
    seen |= {"height": soprano - tonic, **{name: columns[name] for name in ("place", "end", "minor", "begun")}}
    rows = zip(*(column.tolist() for column in seen.values()), strict=True)
    return [dict(zip(seen, map(str, row), strict=True)) for row in rows]


@dataclass(frozen=True, eq=False)
class HMMSkeleton:
    """Chords as hidden states, with logarithms of `start` (n,), `steps` (n, n) and `plays` (n, 2 * 12 * 2).

    A state plays the soprano's degree together with whether the phrase ends and the mode.
    """

    alphabet: Alphabet
    start: FloatArray
    steps: FloatArray
    plays: FloatArray

    @classmethod
    def fit(cls, alphabet: Alphabet, columns: Columns, piece: IntArray) -> Self:
        """As of `MixtureSkeleton`: counts, smoothed by what is usual."""
        del piece
        n, label, before = alphabet.n, columns["label"], columns["before"]
        usual = (np.bincount(label, minlength=n) + 0.1) / (len(label) + 0.1 * n)
        first = before == NONE
        start = np.bincount(label[first], minlength=n) + 5 * usual
        steps = np.zeros((n, n))
        np.add.at(steps, (before[~first], label[~first]), 1.0)
        plays = np.zeros((n, _N_PLAYED))
        played = _played(columns)
        np.add.at(plays, (label, played), 1.0)
        often = (np.bincount(played, minlength=_N_PLAYED) + 0.1) / (len(played) + 0.1 * _N_PLAYED)
        steps, plays = steps + 5 * usual, plays + 0.5 * often
        return cls(alphabet, *(np.log(t / t.sum(axis=-1, keepdims=True)) for t in (start, steps, plays)))

    def chain(self, melody: Melody) -> Chain:
        """As of `Skeleton`."""
        unary = self.plays[:, _played(melody.columns)].T.copy()
        unary[:1] += self.start
        return Chain(unary, self.steps)

    def contents(self) -> Contents:
        """As of `Skeleton`."""
        return {}, {"start": self.start, "steps": self.steps, "plays": self.plays}

    @classmethod
    def of_contents(cls, alphabet: Alphabet, meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The inverse of `contents`."""
        del meta
        return cls(alphabet, *(np.asarray(arrays[name]) for name in ("start", "steps", "plays")))


_N_PLAYED = 2 * 2 * 12


def _played(columns: Columns) -> IntArray:
    """What a state plays, as a number: the soprano's degree, whether the phrase ends, the mode."""
    degree = (columns["S"] - columns["tonic"]) % 12
    played: IntArray = degree + 12 * (columns["near"] == 0) + 24 * columns["minor"]
    return played


#: kinds of skeleton by name
KINDS = {"mixture": MixtureSkeleton, "crf": CRFSkeleton, "hmm": HMMSkeleton}


def kind_named(name: str) -> type[MixtureSkeleton] | type[CRFSkeleton] | type[HMMSkeleton]:
    """The class of a kind; raises UnknownNameError."""
    if name not in KINDS:
        raise UnknownNameError("skeleton", name, KINDS)
    return KINDS[name]
