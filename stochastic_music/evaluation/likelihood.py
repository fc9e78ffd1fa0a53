"""How well a model predicts: bits, with intervals, from log probabilities.

Task: a model gave each symbol of a corpus a log probability, natural, given the symbols before it in its piece,
aligned with `TokenCorpus.symbols`. A figure is a total in bits (base 2) divided by a count:

    bits_per_symbol   all symbols, END included, divided by all symbols
    bits_per_note     the same total, END included, divided by the notes that sound
    bits_per_pitch    pitch symbols only, divided by them; each is given the past and the earlier fields of its own
                      event (its rhythm and phrase mark), never the future. None where there is no field `pitch`

Fewer bits are better; a probability of zero makes the figure infinite. The perplexity is 2 to the figure. Figures
of two encodings are comparable per note, for the same pieces, where both write the same notes; never per symbol.

Notes are `pitch` symbols; in `voices` the symbols that begin a note; in `remi` the tokens called Pitch; where
symbols stand for no notes at all, events.

Intervals are percentile bootstrap intervals over *pieces* [1], because notes within a piece are not independent: pieces
are drawn with replacement, and total and count are summed over those drawn. They tell how far the figure would move
with other pieces of the same kind, not with another training corpus. Of one piece the interval is the
figure itself, and says nothing. `paired_difference` draws the same pieces for both models, which cancels what
makes pieces easy or hard for both [2].

[1] B. Efron, R. J. Tibshirani. An Introduction to the Bootstrap. Chapman & Hall 1993, chapter 13.
[2] M. Bisani, H. Ney. Bootstrap estimates for confidence intervals in ASR performance evaluation. ICASSP 2004.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, Self

import numpy as np

from stochastic_music import _random
from stochastic_music.corpus import TokenCorpus
from stochastic_music.errors import EmptyCorpusError, InvalidParameterError
from stochastic_music.protocols import BoolArray, FloatArray, IntArray
from stochastic_music.tokens import Vocabulary

#: How many times the pieces are drawn anew.
N_RESAMPLES = 2000


class Estimate(NamedTuple):
    """A figure and the interval that holds it with probability `level`."""

    value: float
    interval: tuple[float, float]
    level: float = 0.95

    def to_json(self) -> dict[str, Any]:
        """`value`, `interval` and `level`; infinity, for which JSON has no name, is null."""
        value, *interval = (x if math.isfinite(x) else None for x in (self.value, *self.interval))
        return {"value": value, "interval": interval, "level": self.level}


class Totals(NamedTuple):
    """What a figure is made of, piece by piece: each (n_pieces,)."""

    bits: FloatArray
    counts: FloatArray

    @classmethod
    def joined(cls, totals: Iterable[Totals]) -> Self:
        """The totals of several parts of a corpus, one or more, as those of the whole."""
        return cls(*map(np.concatenate, zip(*totals, strict=True)))


def bits_per_symbol(
    corpus: TokenCorpus, log_probs: FloatArray, *, seed: _random.Seed = 0, level: float = 0.95
) -> Estimate:
    """Bits per symbol, END included.

    `log_probs` is (n,) in nats, aligned with `corpus.symbols`. Raises EmptyCorpusError where nothing is to be counted.

    >>> toy = TokenCorpus.from_sequences([[0, 1, 0], [1]], Vocabulary.plain(2))
    >>> bits_per_symbol(toy, np.log(np.full(6, 0.25))).value
    2.0
    """
    return estimate(symbol_totals(corpus, log_probs), seed=seed, level=level)


def bits_per_note(
    corpus: TokenCorpus, log_probs: FloatArray, *, seed: _random.Seed = 0, level: float = 0.95
) -> Estimate:
    """All bits, END included, divided by the notes that sound; arguments and errors as `bits_per_symbol`.

    >>> toy = TokenCorpus.from_sequences([[0, 1, 0], [1]], Vocabulary.plain(2))
    >>> bits_per_note(toy, np.log(np.full(6, 0.25))).value  # 6 symbols of 2 bits for 4 notes
    3.0
    """
    return estimate(note_totals(corpus, log_probs), seed=seed, level=level)


def bits_per_pitch(
    corpus: TokenCorpus, log_probs: FloatArray, *, seed: _random.Seed = 0, level: float = 0.95
) -> Estimate | None:
    """Bits per pitch symbol, or None where the vocabulary has no field `pitch`; otherwise as `bits_per_symbol`."""
    totals = pitch_totals(corpus, log_probs)
    return None if totals is None else estimate(totals, seed=seed, level=level)


def symbol_totals(corpus: TokenCorpus, log_probs: FloatArray) -> Totals:
    """Bits and symbols of each piece."""
    return _totals(corpus, log_probs, np.ones(len(corpus.symbols), dtype=bool))


def note_totals(corpus: TokenCorpus, log_probs: FloatArray) -> Totals:
    """Bits of all symbols and number of notes of each piece."""
    notes = corpus.sums(begins_note(corpus.vocabulary, corpus.symbols))
    return Totals(symbol_totals(corpus, log_probs).bits, notes)


def pitch_totals(corpus: TokenCorpus, log_probs: FloatArray) -> Totals | None:
    """Bits and number of the pitch symbols of each piece, None where there is no field `pitch`."""
    pitch = corpus.vocabulary.index("pitch")
    if pitch is None:
        return None
    return _totals(corpus, log_probs, corpus.vocabulary.field_of(corpus.symbols) == pitch)


def totals_of(figure: str, corpus: TokenCorpus, log_probs: FloatArray) -> Totals:
    """What the figure of this name is made of. Raises InvalidParameterError where there is none."""
    kinds: dict[str, Callable[[TokenCorpus, FloatArray], Totals | None]] = {
        "bits_per_symbol": symbol_totals,
        "bits_per_note": note_totals,
        "bits_per_pitch": pitch_totals,
    }
    if figure not in kinds:
        raise InvalidParameterError(f"figure is '{figure}'; expected one of {', '.join(kinds)}")
    totals = kinds[figure](corpus, log_probs)
    if totals is None:
        raise InvalidParameterError("there is no field 'pitch' here: ask for bits_per_note")
    return totals


def begins_note(vocabulary: Vocabulary, symbols: IntArray) -> BoolArray:
    """Which symbols stand for the beginning of a note: (n,); see the module's article.

    >>> begins_note(Vocabulary.plain(2), np.array([0, 1, 2])).tolist()
    [True, True, False]
    """
    return _note_symbols(vocabulary)[symbols]


def estimate(totals: Totals, *, seed: _random.Seed = 0, level: float = 0.95) -> Estimate:
    """Summed bits divided by summed counts, with its interval."""
    _check_level(level)
    value = _whole(totals)
    ratios = [_ratio(totals, drawn) for drawn in _draws(len(totals.bits), seed)]
    return Estimate(value, _interval(np.concatenate(ratios), level), level)


def difference(first: Totals, second: Totals, *, seed: _random.Seed = 0, level: float = 0.95) -> Estimate:
    """The figure of `second` minus that of `first`, over the same pieces in the same order."""
    _check_level(level)
    if len(first.bits) != len(second.bits):
        raise InvalidParameterError(
            f"a paired difference needs the same pieces: got {len(first.bits)} and {len(second.bits)}"
        )
    with np.errstate(invalid="ignore"):  # infinite minus infinite is no number, and stays that
        value = _whole(second) - _whole(first)
        ratios = [_ratio(second, drawn) - _ratio(first, drawn) for drawn in _draws(len(first.bits), seed)]
    return Estimate(value, _interval(np.concatenate(ratios), level), level)


def paired_difference(
    base_corpus: TokenCorpus,
    base: FloatArray,
    other_corpus: TokenCorpus,
    other: FloatArray,
    *,
    figure: str = "bits_per_note",
    seed: _random.Seed = 0,
    level: float = 0.95,
) -> Estimate:
    """The `figure` of `other` minus that of `base`, log probabilities of two models over the same pieces.

    Below zero `other` predicts better. The two may be encoded differently. Raises InvalidParameterError
    where the pieces are not the same, or have no such figure.
    """
    if base_corpus.names != other_corpus.names:
        raise InvalidParameterError(
            f"a paired difference needs the same pieces in the same order: got {len(base_corpus)} and "
            f"{len(other_corpus)}, or other names. Leave out what one encoding could not express"
        )
    first, second = totals_of(figure, base_corpus, base), totals_of(figure, other_corpus, other)
    return difference(first, second, seed=seed, level=level)


def _totals(corpus: TokenCorpus, log_probs: FloatArray, chosen: BoolArray) -> Totals:
    if len(log_probs) != len(corpus.symbols):
        raise InvalidParameterError(
            f"got {len(log_probs)} log probabilities for {len(corpus.symbols)} symbols; expected one each, in order"
        )
    bits = np.where(chosen, -np.asarray(log_probs, dtype=np.float64) / math.log(2), 0.0)
    return Totals(corpus.sums(bits), corpus.sums(chosen))


def _note_symbols(vocabulary: Vocabulary) -> BoolArray:
    """Which ids stand for the beginning of a note: (n_symbols,)."""
    ids = np.arange(vocabulary.n_symbols)
    field, value = vocabulary.field_of(ids), vocabulary.values(ids)
    names = [f.name for f in vocabulary.fields]
    if "pitch" in names:
        return np.asarray(field == names.index("pitch"))
    voices = [i for i, name in enumerate(names) if name.startswith("voice")]
    if voices:
        return np.asarray(np.isin(field, voices) & (value >= 0))
    if names == ["token"]:
        labels = vocabulary.fields[0].labels
        return np.array([*(label.startswith("Pitch") for label in labels), False])
    return np.asarray(field == 0)


def _whole(totals: Totals) -> float:
    count = float(totals.counts.sum())
    if count == 0:
        raise EmptyCorpusError("there is nothing to measure: no piece holds a symbol of the kind that is counted")
    return float(totals.bits.sum()) / count


def _draws(n_pieces: int, seed: _random.Seed) -> Iterator[IntArray]:
    """Pieces drawn with replacement, in blocks of at most four million: each (block, n_pieces)."""
    rng = _random.generator(seed)
    block = max(1, 4_000_000 // max(n_pieces, 1))
    for start in range(0, N_RESAMPLES, block):
        yield rng.integers(0, n_pieces, (min(block, N_RESAMPLES - start), n_pieces))


def _ratio(totals: Totals, drawn: IntArray) -> FloatArray:
    """The figure of each draw, no number where it holds nothing to count."""
    bits, counts = totals.bits[drawn].sum(axis=1), totals.counts[drawn].sum(axis=1)
    ratio: FloatArray = np.divide(bits, counts, out=np.full(len(counts), np.nan), where=counts > 0)
    return ratio


def _interval(drawn: FloatArray, level: float) -> tuple[float, float]:
    kept = drawn[~np.isnan(drawn)]
    if not len(kept):
        return (math.nan, math.nan)
    low, high = np.quantile(kept, [(1 - level) / 2, (1 + level) / 2], method="inverted_cdf")
    return (float(low), float(high))


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        raise InvalidParameterError(f"level is {level}; expected a probability between 0 and 1, such as 0.95")
