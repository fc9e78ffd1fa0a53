"""The skeleton: a chord for each beat, given the whole melody.

Whatever kind it is, a skeleton gives a `Chain` over its labels for a melody, and `sampling.chains.conditionals` makes
of that p(chord | chord before, whole melody).

    "mixture"   p(chord | chord before, melody around it), a `Mixture` over labels: a conditional Markov chain, each
                step of which is normalised by itself
    "hmm"       chords follow chords, and each plays its soprano note: counted with the labels known; the posterior
                hears the whole melody
    "crf"       a conditional random field over labels, normalised once for the whole melody
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from stochastic_music.models.harmony.labels import Alphabet
from stochastic_music.models.harmony.melody import Melody
from stochastic_music.models.harmony.mixture import NONE, Columns, Mixture
from stochastic_music.protocols import FloatArray, IntArray
from stochastic_music.sampling.chains import Chain

#: rows of one portion: each is scored for every label
_PORTION = 20_000
_PENALTY = 3.0

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


@dataclass(frozen=True, eq=False)
class Skeleton:
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

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """What was learned, as plain arrays; the alphabet is the caller's to remember."""
        return self.mixture.to_arrays()

    @classmethod
    def from_arrays(cls, alphabet: Alphabet, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The inverse of `to_arrays`."""
        return cls(alphabet, Mixture.from_arrays(TERMS, 0, alphabet.n, arrays))
