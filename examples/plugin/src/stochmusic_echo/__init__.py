"""A third party's model, in which what was heard lately comes again; a feature for random fields; a metric.

No class of stochastic_music is inherited from: the shape of the contract is enough.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class State(NamedTuple):
    """The clock, and how loud each symbol still echoes: (batch, n_symbols)."""

    clock: object
    echo: np.ndarray


class Echo:
    """Symbols as frequent as in the corpus, those heard lately more so.

    Args:
        strength: how much one hearing adds, in units of the corpus's frequencies.
        memory: the share of an echo that is left after one more symbol of its field, 0 to 1.
    """

    def __init__(self, strength: float = 0.2, memory: float = 0.8) -> None:
        self.strength = strength
        self.memory = memory

    def fit(self, corpus):
        vocabulary = corpus.vocabulary
        counts = np.bincount(corpus.symbols, minlength=vocabulary.n_symbols) + 1e-6
        due = vocabulary.due_mask
        weights = np.where(due, counts, 0.0)
        self.frequencies_ = weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-300)
        self.fields_ = due.astype(float)
        self.vocabulary_ = vocabulary
        self.clock_ = vocabulary.clock
        self.end_ = vocabulary.end
        return self

    def initial_state(self, batch_size=1, header=None):
        if not hasattr(self, "clock_"):
            from stochastic_music.errors import NotFittedError

            raise NotFittedError("Echo has not learned anything yet: call fit(corpus) first")
        headers = list(header) if isinstance(header, (list, tuple)) else [header] * batch_size
        return State(self.clock_.start(headers), np.zeros((len(headers), self.end_ + 1)))

    def advance(self, state, symbols):
        heard = self.fields_[state.clock.due]
        echo = np.where(heard > 0, self.memory * state.echo, state.echo)
        rows = np.flatnonzero(symbols != self.end_)
        echo[rows, symbols[rows]] += self.strength
        return State(self.clock_.advance(state.clock, symbols), echo)

    def next_log_probs(self, state):
        due = state.clock.due
        weights = self.frequencies_[due] + self.fields_[due] * state.echo
        with np.errstate(divide="ignore"):
            return np.log(weights / weights.sum(axis=1, keepdims=True))


def leap(window):
    """Whether the bass comes by more than a whole tone, and whether it goes on by more; see models.crf.features."""
    basses = [None if event is None else event.get("bass") for event in (window.at(-1), window.at(), window.at(1))]
    if basses[1] is None:
        return None
    before, _, after = (None if bass is None else (bass - basses[1] + 6) % 12 - 6 for bass in basses)
    return tuple(name for name, step in (("comes", before), ("goes", after)) if step is not None and abs(step) > 2)


def again(generated, reference):
    """How much more often than in the reference a note is followed by one of its pitch; shares of all notes."""
    ours, theirs = (np.mean([_repeated(score) for score in scores]) for scores in (generated, reference))
    return float(ours - theirs)


again.title = "notes that come again"
again.better = "closer"  # the nearer to what held-out pieces score, the better


def _repeated(score):
    lines = [track.notes.numpy()["pitch"] for track in score.tracks]
    n_notes = sum(map(len, lines))
    return sum((line[1:] == line[:-1]).sum() for line in lines) / max(n_notes, 1)
