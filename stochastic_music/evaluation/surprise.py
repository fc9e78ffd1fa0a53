"""Note by note: how much a note surprises, and how uncertain a model was before it.

The *information content* of a note is -log2 of the probability that the model gave it; the *entropy* is what it
expected that to be, over all that could have come. Both are in bits, of the symbol that begins the note (its
pitch), given the past and the earlier fields of its own event. They model surprise and uncertainty of listeners [1].

Models with a long- and a short-term memory may say what each says alone (`protocols.RememberingModel`).

[1] M. T. Pearce. Statistical learning and probabilistic prediction in music cognition. Annals of the New York Academy
    of Sciences 1423, 2018.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from stochastic_music.corpus import TokenCorpus
from stochastic_music.errors import InvalidParameterError
from stochastic_music.evaluation.likelihood import begins_note
from stochastic_music.models import corpus_log_probs
from stochastic_music.protocols import AdaptiveModel, FloatArray, IntArray, RememberingModel
from stochastic_music.tokens import Vocabulary


class Prediction(NamedTuple):
    """What a model said of a corpus, aligned with its symbols: log probabilities in nats, entropies in bits, (n,).

    `parts` are the log probabilities of its parts, by name.
    """

    log_probs: FloatArray
    entropy: FloatArray | None = None
    parts: Mapping[str, FloatArray] = {}

    def at(self, places: IntArray) -> Prediction:
        """What was said of the symbols at `places`."""
        entropy = None if self.entropy is None else self.entropy[places]
        return Prediction(self.log_probs[places], entropy, {name: part[places] for name, part in self.parts.items()})


class Notes(NamedTuple):
    """The notes of a corpus: where each stands in `symbols`, its piece, printed bar, onset and pitch: (n_notes,) each.

    `onset` counts quarter notes from the beginning of the piece, `beat` those of the meter from 1 at the bar line; -1
    and nan where symbols carry no time. `pitch` is the MIDI number as printed, before any transposition.
    """

    place: IntArray
    piece: IntArray
    bar: IntArray
    onset: FloatArray
    pitch: IntArray
    beat: FloatArray


def joined(said: Sequence[Prediction]) -> Prediction:
    """Predictions of one kind, one after the other."""
    entropies = [prediction.entropy for prediction in said if prediction.entropy is not None]
    return Prediction(
        np.concatenate([prediction.log_probs for prediction in said]),
        np.concatenate(entropies) if entropies else None,
        {name: np.concatenate([prediction.parts[name] for prediction in said]) for name in said[0].parts},
    )


def predict(model: Any, corpus: TokenCorpus, *, entropy: bool = False, parts: bool = False) -> Prediction:
    """What `model` says of `corpus`; with `entropy` it is stepped through, all pieces at once; with `parts` they too.

    >>> from stochastic_music.models import Markov
    >>> toy = TokenCorpus.from_sequences([[0, 1, 0, 1]], Vocabulary.plain(2, closed=False))
    >>> predict(Markov(0, "none").fit(toy), toy, entropy=True).entropy.tolist()
    [1.0, 1.0, 1.0, 1.0]
    """
    said = _stepwise(model, corpus) if entropy else Prediction(corpus_log_probs(model, corpus))
    if not parts or not isinstance(model, RememberingModel):
        return said
    return said._replace(parts={name: corpus_log_probs(part, corpus) for name, part in model.parts().items()})


def predict_adapting(model: Any, corpus: TokenCorpus, *, entropy: bool = False, parts: bool = False) -> Prediction:
    """The same of a model that learns each piece once it has predicted it.

    Raises InvalidParameterError for models that cannot learn piece by piece: those without `adapt`.
    """
    if not isinstance(model, AdaptiveModel):
        raise InvalidParameterError(f"{model!r} is frozen after fit, it has no adapt(): leave adapt=False")
    said = []
    for i, (symbols, header) in enumerate(zip(corpus, corpus.headers, strict=True)):
        said.append(predict(model, corpus.select([i]), entropy=entropy, parts=parts))
        model = model.adapt(symbols, header)
    return joined(said) if said else predict(model, corpus, entropy=entropy, parts=parts)


def notes_of(corpus: TokenCorpus) -> Notes:
    """The notes of `corpus` in reading order; see `Notes`.

    >>> corpus = TokenCorpus.from_sequences([[0, 1], [1]], Vocabulary.plain(2))
    >>> notes_of(corpus).piece.tolist()
    [0, 0, 1]
    """
    place = np.flatnonzero(begins_note(corpus.vocabulary, corpus.symbols))
    piece = corpus.piece[place]
    bar, onset, beat = _when(corpus)
    moved = np.array([header.transposed if header else 0 for header in corpus.headers], dtype=np.int64)
    pitch = _pitches(corpus.vocabulary)[corpus.symbols[place]] - moved[piece]
    return Notes(place, piece, bar[place], onset[place], pitch, beat[place])


def _stepwise(model: Any, corpus: TokenCorpus) -> Prediction:
    padded = corpus.padded()
    rows = np.arange(len(corpus))
    log_probs, entropy = np.empty(padded.shape), np.empty(padded.shape)
    state = model.initial_state(len(corpus), corpus.headers)
    for t, symbols in enumerate(padded.T):
        row = model.next_log_probs(state)
        log_probs[:, t] = row[rows, symbols]
        entropy[:, t] = -(np.exp(row) * np.where(np.isneginf(row), 0.0, row)).sum(axis=1) / np.log(2)
        state = model.advance(state, symbols)
    held = np.arange(padded.shape[1]) < corpus.lengths[:, None]
    return Prediction(log_probs[held], np.abs(entropy[held]))


def _when(corpus: TokenCorpus) -> tuple[IntArray, FloatArray, FloatArray]:
    """The printed bar, the quarter note and the beat at which each symbol stands: (n,) each."""
    padded, clock = corpus.padded(), corpus.vocabulary.clock
    held = np.arange(padded.shape[1]) < corpus.lengths[:, None]
    bar, onset = np.full(padded.shape, -1, dtype=np.int64), np.full(padded.shape, np.nan)
    beat = onset.copy()
    if clock.ticks:
        state, resolution = clock.start(corpus.headers), corpus.vocabulary.resolution
        for t, symbols in enumerate(padded.T):
            place = clock.place(state)
            bar[:, t] = place.bar
            onset[:, t] = state.time / resolution
            beat[:, t] = 1 + place.position * (place.meter & 0xFF) / (4 * resolution)
            state = clock.advance(state, symbols)
    return bar[held], onset[held], beat[held]


def _pitches(vocabulary: Vocabulary) -> IntArray:
    """The MIDI number that each id stands for, where it begins a note: (n_symbols,)."""
    if [field.name for field in vocabulary.fields] != ["token"]:
        return vocabulary.values(np.arange(vocabulary.n_symbols))
    digits = ["".join(c for c in label if c.isdigit()) for label in vocabulary.fields[0].labels]
    return np.array([*(int(d) if d else 0 for d in digits), 0], dtype=np.int64)
