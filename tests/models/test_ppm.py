"""PPM against IDyOM's distributions, arithmetic by hand, and enumeration."""

import json
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stochastic_music.corpus import TokenCorpus
from stochastic_music.errors import InvalidParameterError, UnknownNameError
from stochastic_music.models import PPM
from stochastic_music.models.base import stepwise_log_probs
from stochastic_music.models.ppm import ESCAPES
from stochastic_music.testing.toys import TOYS
from stochastic_music.tokens import Vocabulary

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "ppm_abracadabra.json").read_text())
WORD = [GOLDEN["alphabet"].index(letter) for letter in GOLDEN["sequence"]]


def next_probabilities(model, past):
    state = model.initial_state()
    for symbol in past:
        state = model.advance(state, np.array([symbol]))
    return np.exp(model.next_log_probs(state)[0])


def fitted(sequences, size, **params):
    return PPM(**params).fit(TokenCorpus.from_sequences(sequences, Vocabulary.plain(size, closed=False)))


@pytest.mark.parametrize("order_bound", [None, 20])
@pytest.mark.parametrize("variant", GOLDEN["distribution_before_each_symbol"])
def test_equal_to_idyom(variant, order_bound):
    # IDyOM learns as it reads: before symbol i it knows the i symbols before, as does a model fitted to them
    escape, _, update = variant.partition("-")
    rows = GOLDEN["distribution_before_each_symbol"][variant]
    for n in range(1, len(WORD)):
        model = fitted([WORD[:n]], 5, order_bound=order_bound, escape=escape, exclusion=bool(update))
        expected = [rows[n][letter] for letter in GOLDEN["alphabet"]]
        assert next_probabilities(model, WORD[:n])[:5] == pytest.approx(expected, abs=1e-5), WORD[:n]


# --- arithmetic by hand: the word abac over a, b, c, d; after a came b and c, the root saw a twice, b and c once ---


def test_interpolated_by_hand():
    model = fitted([[0, 1, 0, 2]], 4, order_bound=1, escape="c")
    # root: N = 4, T = 3; order -1 gives 1 / (4 + 1 - 3). After a: N = 2, T = 2 of four shares.
    # The root without b and c has mass 2 + 3 left.
    root = np.array([2, 1, 1, 0]) + 3 * 1 / 2
    row = np.array([0, 1, 1, 0]) + 2 * root / 5
    assert next_probabilities(model, [0])[:4] == pytest.approx(row / row.sum())


def test_back_off_by_hand():
    model = fitted([[0, 1, 0, 2]], 4, order_bound=1, escape="c", interpolated=False)
    # a keeps half for b and c, the other half goes to a and d: at the root 2 for a and the escape 3 for d,
    # which order -1 hands on as 1 / 2 to each symbol: 3/2; rows are divided by their sum
    row = np.array([2 * 2 / 5, 1, 1, 2 * 1.5 / 5])
    assert next_probabilities(model, [0])[:4] == pytest.approx(row / row.sum())


def test_the_shortest_deterministic_context_predicts():
    # after b always came c, after ab too: b predicts, and the count is that of b
    sequences = [[0, 1, 2], [2, 1, 2], [0, 1, 2]]
    short = fitted(sequences, 3, order_bound=2)
    plain = fitted(sequences, 3, order_bound=1)
    longest = fitted(sequences, 3, order_bound=2, shortest_deterministic=False)
    assert next_probabilities(short, [0, 1]) == pytest.approx(next_probabilities(plain, [0, 1]))
    assert next_probabilities(short, [0, 1])[2] != pytest.approx(next_probabilities(longest, [0, 1])[2])


def test_update_exclusion_counts_where_and_not_how_often():
    # aaab: plain counts 3 and 1 at the root; a came after START and a, b after a: 2 and 1
    model = fitted([[0, 0, 0, 1]], 2, order_bound=0, exclusion=True)
    assert next_probabilities(model, [])[:2] == pytest.approx(
        next_probabilities(fitted([[0, 0, 0, 1]], 2, order_bound=0), [])[:2]
    )
    row = np.array([2, 1]) + 2 * 1 / (2 + 1 - 2)
    model = fitted([[0, 0, 0, 1]], 2, order_bound=1, exclusion=True)
    assert next_probabilities(model, [1])[:2] == pytest.approx(row / row.sum())


# --- the contract ---

VARIANTS = [
    {"order_bound": bound, "escape": escape, "exclusion": exclusion, "interpolated": interpolated}
    for bound, (escape, exclusion), interpolated in product(
        (0, 2, None), [("a", False), ("b", True), ("c", False), ("d", True), ("ax", True)], (True, False)
    )
]


@pytest.mark.parametrize("toy", TOYS)
@pytest.mark.parametrize("params", VARIANTS, ids=str)
def test_rows_and_paths(toy, params):
    corpus = TOYS[toy]()
    model = PPM(**params).fit(corpus)
    arcs = model.arcs(np.arange(model.n_contexts))
    np.testing.assert_allclose(np.bincount(arcs.row, np.exp(arcs.log_prob)), 1, atol=1e-12)
    assert (model.contexts_.step(arcs.row, arcs.symbol) == arcs.next_context).all()
    np.testing.assert_allclose(model.corpus_log_probs(corpus), stepwise_log_probs(model, corpus), atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 2), max_size=12), min_size=1, max_size=4),
    st.lists(st.integers(0, 2), max_size=12),
    st.sampled_from(ESCAPES),
    st.booleans(),
    st.booleans(),
)
def test_without_a_bound_nothing_is_lost(sequences, text, escape, exclusion, interpolated):
    corpus = TokenCorpus.from_sequences([*sequences, [0]], Vocabulary.plain(3))
    rest = {"escape": escape, "exclusion": exclusion, "interpolated": interpolated}
    free, bounded = PPM(order_bound=None, **rest).fit(corpus), PPM(order_bound=20, **rest).fit(corpus)
    test = TokenCorpus.from_sequences([text], corpus.vocabulary)
    log_probs = bounded.corpus_log_probs(test)
    assert free.n_contexts <= bounded.n_contexts
    np.testing.assert_allclose(free.corpus_log_probs(test), log_probs, atol=1e-9)
    np.testing.assert_allclose(stepwise_log_probs(free, test), log_probs, atol=1e-9)
    arcs = free.arcs(np.arange(free.n_contexts))
    np.testing.assert_allclose(np.bincount(arcs.row, np.exp(arcs.log_prob)), 1, atol=1e-9)


def test_unbounded_contexts_of_a_long_piece_stay_few():
    symbols = np.random.default_rng(0).integers(0, 8, size=4000)
    model = fitted([symbols, symbols[::-1]], 8, order_bound=None)
    assert model.n_contexts < 20 * len(symbols)


@pytest.mark.parametrize(
    ("params", "error", "words"),
    [
        ({"order_bound": -1}, InvalidParameterError, "order_bound is -1"),
        ({"order_bound": None, "shortest_deterministic": False}, InvalidParameterError, "needs shortest_deterministic"),
        ({"escape": "x"}, UnknownNameError, "unknown escape 'x'"),
    ],
)
def test_parameters_are_checked_in_fit(params, error, words):
    with pytest.raises(error, match=words):
        PPM(**params).fit(TOYS["plain"]())
