"""Takes that change one part of a score: what was drawn, put back into the piece.

A model reads one excerpt of the part at a time, or several that long silences part; `New` is what it drew for one.
`revisions` puts together what belongs to each take.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from stochastic_music.constraints.automata.timing import Timed
from stochastic_music.corpus import TokenCorpus
from stochastic_music.io.splicing import KeptFile, NewNotes
from stochastic_music.models import corpus_log_probs
from stochastic_music.pipeline.composing import Take
from stochastic_music.pipeline.excerpts import Excerpt, Reading
from stochastic_music.protocols import BoolArray, FloatArray
from stochastic_music.sampling import Sample
from stochastic_music.tokens import TokenPiece

if TYPE_CHECKING:
    from stochastic_music.pipeline.pipeline import Pipeline

_FROM_WEAK = ("greedy", "particle", "metropolis", "exact")


@dataclass(frozen=True, kw_only=True)
class Revision(Take):
    """A take that changes one part of a score and keeps all else.

    `score` is the whole piece, `track` the place of the part in it. Of the part's notes in the score that was given
    those where `dropped` (n_notes,) holds went, and `new` came. `piece` ends with the last new note, and
    `bits_per_note` is the surprise of the new notes alone.
    """

    track: int
    dropped: BoolArray
    new: NewNotes


class New(NamedTuple):
    """What was drawn for an excerpt: its events without END, and which of them are new."""

    excerpt: Excerpt
    sample: Sample
    events: Timed
    is_new: BoolArray


def picked(events: Timed, chosen: BoolArray) -> Timed:
    """Some of the events."""
    return Timed(*(column[chosen] for column in events))


def revisions(
    pipeline: Pipeline, reading: Reading, dropped: BoolArray, takes: Sequence[Sequence[New]]
) -> list[Revision]:
    """The revisions that put together what was drawn for each excerpt."""
    if not takes:
        return []
    surprises = _surprises(pipeline, [new for take in takes for new in take])
    return [
        _revision(pipeline, reading, dropped, take, surprises[i * len(take) : (i + 1) * len(take)])
        for i, take in enumerate(takes)
    ]


def _revision(
    pipeline: Pipeline, reading: Reading, dropped: BoolArray, take: Sequence[New], surprises: FloatArray
) -> Revision:
    parts = [reading.notes_of(new.excerpt, picked(new.events, new.is_new), ~dropped) for new in take]
    notes = NewNotes(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
    bits, count = surprises.sum(axis=0)
    last = np.flatnonzero(take[-1].is_new).max(initial=-1) + 1
    symbols = np.concatenate([*(new.events.symbols for new in take[:-1]), take[-1].events.symbols[:last]])
    return Revision(
        score=KeptFile(reading.score).with_notes(reading.track, dropped, notes).score,
        sample=_together([new.sample for new in take]),
        piece=TokenPiece(symbols.ravel(), take[0].excerpt.header),
        bits_per_note=float(bits / max(count, 1)),
        n_given=take[0].sample.n_given // pipeline.vocabulary_.n_fields,
        track=reading.track,
        dropped=dropped,
        new=notes,
    )


def _together(samples: Sequence[Sample]) -> Sample:
    """Several samples as one, whose guarantee is the weakest of theirs."""
    first, *others = samples
    if not others:
        return first
    weakest = min(samples, key=lambda sample: _FROM_WEAK.index(sample.guarantee))
    symbols = np.concatenate([sample.symbols for sample in samples])
    return replace(weakest, symbols=symbols, log_prob=sum(s.log_prob for s in samples), header=first.header)


def _surprises(pipeline: Pipeline, found: Sequence[New]) -> FloatArray:
    """The bits that the new events of each took together, and how many they are: (n, 2)."""
    assert pipeline.composer is not None  # noqa: S101 - it has just composed
    model = pipeline.composer[1]
    pieces = [TokenPiece(new.events.symbols.ravel(), new.excerpt.header) for new in found]
    tokens = TokenCorpus.from_pieces(pieces, model.vocabulary_)
    nats = corpus_log_probs(model, tokens).reshape(-1, pipeline.vocabulary_.n_fields).sum(axis=1)
    counted = np.concatenate([new.is_new for new in found])
    ends = np.cumsum([len(new.is_new) for new in found])[:-1]
    bits = [-part.sum() / math.log(2) for part in np.split(np.where(counted, nats, 0.0), ends)]
    return np.stack([bits, [part.sum() for part in np.split(counted, ends)]], axis=1)
