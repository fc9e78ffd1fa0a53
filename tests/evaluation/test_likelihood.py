"""Bits against arithmetic done by hand, and intervals that cover."""

from __future__ import annotations

import math

import numpy as np
import pytest

from stochastic_music.corpus import TokenCorpus
from stochastic_music.errors import EmptyCorpusError, InvalidParameterError
from stochastic_music.evaluation import bits_per_note, bits_per_pitch, bits_per_symbol, paired_difference
from stochastic_music.evaluation.likelihood import Totals, begins_note, difference, estimate
from stochastic_music.tokens import Field, Vocabulary

MELODY = Vocabulary((Field("duration", 4, first=1, advances="later"), Field("pitch", 128)), resolution=12)


def melody(*pieces):
    """Pieces of (duration, pitch), END added."""
    rows = [
        [s for d, p in piece for s in (MELODY.symbol("duration", d), MELODY.symbol("pitch", p))] for piece in pieces
    ]
    return TokenCorpus.from_sequences(rows, MELODY)


def test_the_three_figures_by_hand():
    corpus = melody([(1, 60), (2, 62)], [(1, 60)])
    # duration, pitch, duration, pitch, END | duration, pitch, END, in bits
    bits = np.array([1, 3, 1, 5, 2, 2, 4, 3], dtype=float)
    log_probs = -bits * math.log(2)
    assert bits_per_symbol(corpus, log_probs).value == pytest.approx(21 / 8)
    assert bits_per_note(corpus, log_probs).value == pytest.approx(21 / 3)
    assert bits_per_pitch(corpus, log_probs).value == pytest.approx((3 + 5 + 4) / 3)


def test_without_a_pitch_field_there_are_no_bits_per_pitch():
    corpus = TokenCorpus.from_sequences([[0, 1]], Vocabulary.plain(2))
    assert bits_per_pitch(corpus, np.log(np.full(3, 0.5))) is None


def test_voices_count_the_notes_that_begin_and_nothing_held_or_silent():
    # values -2 rest, -1 hold, 0 .. pitch
    voices = Vocabulary((Field("duration", 4, first=1), Field("voice1", 130, first=-2), Field("voice2", 130, first=-2)))
    values = [("duration", 2), ("voice1", 72), ("voice2", -1), ("duration", 1), ("voice1", -2), ("voice2", 0)]
    symbols = np.array([voices.symbol(*value) for value in values] + [voices.end])
    assert begins_note(voices, symbols).tolist() == [False, True, False, False, False, True, False]


def test_remi_counts_pitch_tokens():
    remi = Vocabulary((Field("token", 4, labels=("Bar_None", "Pitch_60", "PitchDrum_36", "Duration_1")),))
    assert begins_note(remi, np.arange(5)).tolist() == [False, True, True, False, False]


def test_the_interval_is_the_same_for_the_same_seed_and_holds_the_value():
    rng = np.random.default_rng(0)
    totals = Totals(rng.gamma(4, 10, 50), rng.integers(10, 40, 50).astype(float))
    first = estimate(totals, seed=1)
    assert first == estimate(totals, seed=1)
    assert first != estimate(totals, seed=2)
    assert first.interval[0] < first.value < first.interval[1]
    narrow = estimate(totals, seed=1, level=0.5)
    assert first.interval[0] < narrow.interval[0] < narrow.interval[1] < first.interval[1]


def test_the_interval_agrees_with_the_textbook_where_there_is_one():
    # Counts of one make the figure a mean, whose standard error is s / sqrt(n).
    bits = np.random.default_rng(3).normal(5, 2, 400)
    low, high = estimate(Totals(bits, np.ones(400))).interval
    width = 2 * 1.96 * bits.std() / math.sqrt(400)
    assert high - low == pytest.approx(width, rel=0.1)


def test_the_interval_covers_the_truth_as_often_as_it_says():
    # Binomial(300, 0.95) is below 0.90 * 300 with probability 4e-4.
    rng = np.random.default_rng(11)
    hits = 0
    for trial in range(300):
        counts = rng.integers(5, 30, 60).astype(float)
        low, high = estimate(Totals(counts * rng.gamma(9, 1 / 3, 60), counts), seed=trial).interval
        hits += low <= 3 <= high
    assert hits >= 0.90 * 300


def test_intervals_that_ignore_the_pieces_would_be_too_narrow():
    # Negative control: with notes that agree within a piece, drawing notes in place of pieces covers far too rarely.
    rng = np.random.default_rng(12)
    hits = 0
    for trial in range(50):
        notes = np.repeat(rng.gamma(9, 1 / 3, 20), 10)
        low, high = estimate(Totals(notes, np.ones(200)), seed=trial).interval
        hits += low <= 3 <= high
    assert hits < 0.8 * 50


def test_pairing_cancels_what_makes_pieces_hard():
    rng = np.random.default_rng(5)
    hard = rng.gamma(2, 100, 40)
    counts = np.full(40, 50.0)
    first, second = Totals(hard, counts), Totals(hard + rng.normal(5, 1, 40), counts)
    paired = difference(first, second)
    assert paired.value == pytest.approx(0.1, abs=0.01)
    assert paired.interval[0] > 0
    alone = estimate(first).interval
    assert paired.interval[1] - paired.interval[0] < 0.05 * (alone[1] - alone[0])


def test_a_model_does_not_differ_from_itself():
    corpus = melody([(1, 60)], [(1, 62), (2, 64)])
    log_probs = np.log(np.linspace(0.1, 0.9, len(corpus.symbols)))
    assert paired_difference(corpus, log_probs, corpus, log_probs)[:2] == (0.0, (0.0, 0.0))


def test_probability_zero_is_infinite_and_has_no_name_in_json():
    corpus = melody([(1, 60)], [(1, 62)])
    log_probs = np.zeros(len(corpus.symbols))
    log_probs[1] = -np.inf
    figure = bits_per_note(corpus, log_probs)
    assert figure.value == np.inf
    assert figure.to_json() == {"value": None, "interval": [0.0, None], "level": 0.95}


def test_one_piece_has_an_interval_that_says_nothing():
    corpus = melody([(1, 60)])
    figure = bits_per_symbol(corpus, np.log(np.full(3, 0.25)))
    assert figure.to_json() == {"value": 2.0, "interval": [2.0, 2.0], "level": 0.95}


def test_bad_requests_are_named():
    corpus = melody([(1, 60)])
    with pytest.raises(InvalidParameterError, match="2 log probabilities for 3 symbols"):
        bits_per_note(corpus, np.zeros(2))
    with pytest.raises(InvalidParameterError, match="level is 95"):
        bits_per_note(corpus, np.zeros(3), level=95)
    with pytest.raises(EmptyCorpusError):
        bits_per_note(melody(), np.zeros(0))
    with pytest.raises(InvalidParameterError, match="same pieces"):
        paired_difference(corpus, np.zeros(3), melody([(1, 60)], [(1, 60)]), np.zeros(6))
