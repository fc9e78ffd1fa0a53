"""Which pieces are held back: how many, and never a variant of one that is learned from."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stochastic_music.corpus import TokenCorpus
from stochastic_music.errors import EmptyCorpusError
from stochastic_music.models.neural.validation import divided
from stochastic_music.tokens import Vocabulary

PITCHES = Vocabulary.plain(128, name="pitch")


def tunes(n, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.integers(50, 70, 30) for _ in range(n)]


@pytest.mark.parametrize(("n", "held_back"), [(2, 1), (3, 1), (10, 1), (16, 2), (100, 10)])
def test_a_tenth_is_held_back_and_one_piece_at_least(n, held_back):
    corpus = TokenCorpus.from_sequences(tunes(n), PITCHES)
    training, validation = divided(corpus)
    assert (len(training), len(validation)) == (n - held_back, held_back)
    assert sorted(training.names + validation.names) == sorted(corpus.names)


@given(st.integers(2, 12), st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_variants_and_parts_of_one_score_stay_on_one_side(n, seed):
    rows = [*tunes(n, seed), *(row + 3 for row in tunes(n, seed)[::2])]
    rows += tunes(n, seed + 1000)
    names = [*(f"tune {i}" for i in range(len(rows) - n)), *(f"tune {i}" for i in range(n))]
    tune = [*range(n), *range(0, n, 2), *range(n)]
    corpus = TokenCorpus.from_sequences(rows, PITCHES, names=names)
    of = dict(zip([row.tobytes() for row in corpus], tune, strict=True))
    sides = [{of[row.tobytes()] for row in side} for side in divided(corpus, seed=seed)]
    assert not sides[0] & sides[1]
    assert all(sides)


def test_another_seed_holds_back_others():
    corpus = TokenCorpus.from_sequences(tunes(10), PITCHES)
    assert divided(corpus, seed=3)[1].names == divided(corpus, seed=3)[1].names
    assert len({divided(corpus, seed=seed)[1].names for seed in range(30)}) > 5


def test_one_tune_is_on_both_sides():
    corpus = TokenCorpus.from_sequences([*tunes(1), tunes(1)[0] + 2], PITCHES)
    assert [len(side) for side in divided(corpus)] == [2, 2]


def test_pieces_without_symbols_do_not_count():
    open_ended = Vocabulary.plain(2, closed=False)
    training, validation = divided(TokenCorpus.from_sequences([[], [0, 1], [], [1]], open_ended))
    assert len(training.symbols) > 0 < len(validation.symbols)
    with pytest.raises(EmptyCorpusError, match="hold no symbols"):
        divided(TokenCorpus.from_sequences([[], []], open_ended))
    with pytest.raises(EmptyCorpusError, match="hold no symbols"):
        divided(TokenCorpus.from_sequences([], open_ended))
