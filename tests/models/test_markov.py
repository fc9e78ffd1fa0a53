"""Markov models against arithmetic by hand, nltk.lm, and enumeration."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nltk.lm.counter import NgramCounter
from nltk.lm.models import (
    AbsoluteDiscountingInterpolated,
    KneserNeyInterpolated,
    Lidstone,
    WittenBellInterpolated,
)
from nltk.lm.vocabulary import Vocabulary as NltkVocabulary
from nltk.util import everygrams

from stochastic_music.corpus import TokenCorpus
from stochastic_music.errors import EmptyCorpusError, InvalidParameterError, NotFittedError, UnknownNameError
from stochastic_music.models import Markov
from stochastic_music.models.base import stepwise_log_probs
from stochastic_music.models.markov import SMOOTHINGS
from stochastic_music.testing.toys import TOYS
from stochastic_music.tokens import Vocabulary

WORDS = [[0, 1, 2, 0, 3, 0, 1, 0], [1, 0, 0, 2, 0, 1], [3, 0, 1, 2, 0, 1, 3, 1]]
START = "start"


def fitted(sequences, size, closed=True, **params):
    return Markov(**params).fit(TokenCorpus.from_sequences(sequences, Vocabulary.plain(size, closed=closed)))


def next_probabilities(model, past):
    state = model.initial_state()
    for symbol in past:
        state = model.advance(state, np.array([symbol]))
    return np.exp(model.next_log_probs(state)[0])


# --- arithmetic by hand: the word abac over a, b, c, order 1 (a: 0, b: 1, c: 2), no END ---
# Contexts: START -> a;  a -> b, c;  b -> a;  root: a twice, b once, c once, N = 4.


def test_relative_frequencies_know_nothing_unseen():
    model = fitted([[0, 1, 0, 2]], 3, closed=False, order=1, smoothing="none")
    assert next_probabilities(model, [0])[:3].tolist() == [0, 1 / 2, 1 / 2]
    assert next_probabilities(model, [])[:3].tolist() == [1, 0, 0]


def test_a_context_nothing_followed_gives_way_to_the_shorter_one():
    model = fitted([[0, 1, 0, 2]], 3, closed=False, order=1, smoothing="none")
    assert next_probabilities(model, [0, 1, 0, 2])[:3].tolist() == [2 / 4, 1 / 4, 1 / 4]


def test_add_k():
    model = fitted([[0, 1, 0, 2]], 3, closed=False, order=1, smoothing="add_k", k=0.5)
    # after a: N = 2, V = 3
    assert next_probabilities(model, [0])[:3] == pytest.approx([0.5 / 3.5, 1.5 / 3.5, 1.5 / 3.5])


def test_witten_bell():
    model = fitted([[0, 1, 0, 2]], 3, closed=False, order=1, smoothing="witten_bell")
    # after a: N = 2, T = 2; root: all three symbols were seen, so it is c / N
    assert next_probabilities(model, [0])[:3] == pytest.approx(
        [(0 + 2 * 2 / 4) / 4, (1 + 2 * 1 / 4) / 4, (1 + 2 * 1 / 4) / 4]
    )


def test_witten_bell_leaves_order_minus_one_to_what_was_never_seen():
    model = fitted([[0, 1, 0, 2]], 5, closed=False, order=0, smoothing="witten_bell")
    # root: N = 4, T = 3; symbols 3 and 4 share 3 / 7
    assert next_probabilities(model, [])[:5] == pytest.approx([2 / 7, 1 / 7, 1 / 7, 3 / 14, 3 / 14])


def test_absolute_discounting():
    model = fitted([[0, 1, 0, 2]], 3, closed=False, order=1, smoothing="absolute", discount=0.5)
    # after a: N = 2, T = 2, so 0.5 * 2 / 2 goes to the root
    assert next_probabilities(model, [0])[:3] == pytest.approx(
        [0.5 * 2 / 4, 0.5 / 2 + 0.5 * 1 / 4, 0.5 / 2 + 0.5 * 1 / 4]
    )


def test_kneser_ney():
    model = fitted([[0, 1, 0, 2]], 3, closed=False, order=1, smoothing="kneser_ney", discount=0.5)
    # root: a came after START and b, b after a, c after a: continuations 2, 1, 1
    assert next_probabilities(model, [0])[:3] == pytest.approx(
        [0.5 * 2 / 4, 0.5 / 2 + 0.5 * 1 / 4, 0.5 / 2 + 0.5 * 1 / 4]
    )
    # the word aab: plain counts 2, 1 would give a 2/3; a came after START and a, b after a: the same here,
    # but in aaab plain counts give 3/4 and continuations still 2/3
    model = fitted([[0, 0, 0, 1]], 2, closed=False, order=1, smoothing="kneser_ney", discount=0.5)
    # after a: a twice, b once
    expected = [1.5 / 3 + 0.5 * 2 / 3 * 2 / 3, 0.5 / 3 + 0.5 * 2 / 3 * 1 / 3]
    assert next_probabilities(model, [0])[:2] == pytest.approx(expected)


def test_the_estimated_discount_is_n1_over_n1_plus_2_n2():
    estimated = fitted([[0, 1, 0, 2]], 3, closed=False, order=1, smoothing="absolute")
    # length 1: (START a), (a b), (a c), (b a) all count 1, so n1 = 4, n2 = 0: 1, kept below at 0.95
    given_ = fitted([[0, 1, 0, 2]], 3, closed=False, order=1, smoothing="absolute", discount=0.95)
    assert next_probabilities(estimated, [0]) == pytest.approx(next_probabilities(given_, [0]))
    estimated = fitted([[0, 1, 0, 1, 0, 2]], 3, closed=False, order=1, smoothing="absolute")
    # length 1: (START a) 1, (a b) 2, (a c) 1, (b a) 2, so 2 / (2 + 4)
    given_ = fitted([[0, 1, 0, 1, 0, 2]], 3, closed=False, order=1, smoothing="absolute", discount=1 / 3)
    assert next_probabilities(estimated, [0]) == pytest.approx(next_probabilities(given_, [0]))


def test_half_an_event_that_tells_nothing_new_is_no_step():
    corpus = TokenCorpus.from_sequences([[0, 2, 1, 3]], TOYS["two_fields"]().vocabulary)
    row = next_probabilities(Markov(1, "witten_bell").fit(corpus), [0, 2, 1])
    # root: colors 2 and 3 once each of N + T = 4, so 1/4, and 2/4 for the unseen color 4
    # after 1: N = T = 1, (1 + 1/4) / 2 = 5/8;  after 2 1, half of the event before, seen as often: 5/8 again
    # after 0 2 1, a whole event more: (1 + 5/8) / 2 = 13/16
    assert row[2:5] == pytest.approx([1 / 4 / 4, 13 / 16, 2 / 4 / 4])


# --- nltk.lm ---


def nltk_counts(order):
    """N-grams of the padded words. nltk's own padding would count START as a symbol that can follow."""
    padded = [[START, *word, 4] for word in WORDS]
    grams = [[g for g in everygrams(word, max_len=order + 1) if g[-1] != START] for word in padded]
    return NgramCounter(grams)


def contexts_of_words(order):
    pasts = {tuple(word[:n]) for word in WORDS for n in range(len(word) + 1)}
    return [(past, (START, *past)[-order:] if order else ()) for past in sorted(pasts)]


@pytest.mark.parametrize("order", [0, 1, 2, 3])
@pytest.mark.parametrize(
    ("smoothing", "oracle", "options"),
    [
        ("witten_bell", WittenBellInterpolated, {}),
        ("absolute", AbsoluteDiscountingInterpolated, {"discount": 0.6}),
        ("kneser_ney", KneserNeyInterpolated, {"discount": 0.6}),
    ],
)
def test_equal_to_nltk(order, smoothing, oracle, options):
    ours = fitted(WORDS, 4, order=order, smoothing=smoothing, **options)
    theirs = oracle(order + 1, counter=nltk_counts(order), vocabulary=NltkVocabulary([0, 1, 2, 3, 4]), **options)
    for past, context in contexts_of_words(order):
        if smoothing == "kneser_ney" and order == 0:
            continue  # nltk looks for continuations among pairs, which a model of order 0 does not count
        if smoothing == "kneser_ney" and START in context and len(context) < order:
            continue  # the next test
        expected = [theirs.unmasked_score(symbol, context) for symbol in range(5)]
        assert next_probabilities(ours, past) == pytest.approx(expected), (past, context)


def test_nltk_divides_by_zero_where_a_context_cannot_be_longer():
    theirs = KneserNeyInterpolated(3, counter=nltk_counts(2), vocabulary=NltkVocabulary([0, 1, 2, 3, 4]), discount=0.6)
    with pytest.raises(ZeroDivisionError):  # nothing stands before START, so START has no continuation counts
        theirs.unmasked_score(0, (START,))
    # ours keeps the plain counts of START: 0, 1 and 3 once each, N = T = 3. The root's continuation counts are
    # 0: after START 0 1 2 3 -> 5;  1: after START 0 3 -> 3;  2: after 0 1 -> 2;  3: after START 0 1 -> 3;
    # END: after 0 1 -> 2;  15 in all
    root = np.array([5, 3, 2, 3, 2]) / 15
    expected = np.array([0.4, 0.4, 0, 0.4, 0]) / 3 + 0.6 * root
    ours = fitted(WORDS, 4, order=2, smoothing="kneser_ney", discount=0.6)
    assert next_probabilities(ours, []) == pytest.approx(expected)


def test_nltk_counts_the_unknown_label_as_a_symbol():
    k = 0.3
    ours = fitted(WORDS, 4, order=2, smoothing="add_k", k=k)
    theirs = Lidstone(k, 3, counter=nltk_counts(2), vocabulary=NltkVocabulary([0, 1, 2, 3, 4]))
    for past, context in contexts_of_words(2):
        n = theirs.context_counts(context).N()
        for symbol in range(5):
            mine = next_probabilities(ours, past)[symbol]
            # both have c + k above the line; five symbols can follow, nltk's vocabulary has six
            assert mine * (n + 5 * k) == pytest.approx(theirs.unmasked_score(symbol, context) * (n + 6 * k))


# --- the contract ---


@pytest.mark.parametrize("toy", TOYS)
@pytest.mark.parametrize("smoothing", SMOOTHINGS)
@pytest.mark.parametrize("order", [0, 1, 2])
def test_all_pieces_and_unfinished_ones_add_up_to_one(toy, smoothing, order):
    corpus = TOYS[toy]()
    model = Markov(order, smoothing).fit(corpus)
    vocabulary = corpus.vocabulary
    end, depth = vocabulary.end, 4
    every = [s for s in product(range(vocabulary.n_symbols), repeat=depth) if _padded(s, end)]
    symbols = np.array(every, dtype=np.int64).ravel()
    offsets = np.arange(len(every) + 1) * depth
    header = corpus.headers[-1]
    rows = TokenCorpus(vocabulary, symbols, offsets, (header,) * len(every), ("",) * len(every))
    if not vocabulary.closed:
        keep = ~np.isin(symbols.reshape(-1, depth), end).any(axis=1)
        rows = rows.select(np.flatnonzero(keep))
    whole = model.corpus_log_probs(rows).reshape(-1, depth).sum(axis=1)
    assert np.exp(whole).sum() == pytest.approx(1, abs=1e-12)


def _padded(sequence, end):
    """After END comes nothing but END."""
    return end not in sequence or set(sequence[sequence.index(end) :]) == {end}


@pytest.mark.parametrize("toy", TOYS)
@pytest.mark.parametrize("smoothing", SMOOTHINGS)
def test_a_whole_corpus_at_once_equals_step_by_step(toy, smoothing):
    corpus = TOYS[toy]()
    model = Markov(2, smoothing).fit(corpus)
    np.testing.assert_allclose(model.corpus_log_probs(corpus), stepwise_log_probs(model, corpus), atol=1e-12)


@pytest.mark.parametrize("toy", TOYS)
@pytest.mark.parametrize("smoothing", SMOOTHINGS)
def test_arcs_are_rows_and_lead_where_steps_lead(toy, smoothing):
    model = Markov(2, smoothing).fit(TOYS[toy]())
    contexts = np.arange(model.n_contexts)
    arcs = model.arcs(contexts)
    assert (np.diff(arcs.row) >= 0).all()
    np.testing.assert_allclose(np.bincount(arcs.row, np.exp(arcs.log_prob)), 1, atol=1e-12)
    assert (model.contexts_.step(contexts[arcs.row], arcs.symbol) == arcs.next_context).all()
    assert model.arcs(contexts[:0]).symbol.size == 0


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 3), max_size=8), min_size=1, max_size=4),
    st.integers(0, 4),
    st.sampled_from(SMOOTHINGS),
    st.booleans(),
)
def test_rows_are_distributions(sequences, order, smoothing, closed):
    corpus = TokenCorpus.from_sequences(sequences, Vocabulary.plain(4, closed=closed))
    if not len(corpus.symbols):
        return
    model = Markov(order, smoothing).fit(corpus)
    arcs = model.arcs(np.arange(model.n_contexts))
    np.testing.assert_allclose(np.bincount(arcs.row, np.exp(arcs.log_prob)), 1, atol=1e-9)
    assert np.isfinite(model.corpus_log_probs(corpus)).all()


def test_the_first_symbol_is_drawn_from_first_symbols():
    model = fitted([[0, 1, 1], [0, 1, 1], [2, 1, 1]], 3, order=1, smoothing="none")
    assert next_probabilities(model, [])[:3] == pytest.approx([2 / 3, 0, 1 / 3])
    without = fitted([[0, 1, 1], [0, 1, 1], [2, 1, 1]], 3, order=0, smoothing="none")
    assert next_probabilities(without, []) == pytest.approx([2 / 12, 6 / 12, 1 / 12, 3 / 12])


def test_order_counts_events():
    # the color (2, 3) repeats that of the event before; order 1 must see it across the shape between
    corpus = TokenCorpus.from_sequences([[0, 2, 1, 2, 0, 2], [0, 3, 1, 3, 0, 3]], TOYS["two_fields"]().vocabulary)
    assert next_probabilities(Markov(1, "none").fit(corpus), [0, 3, 1])[2:4].tolist() == [0, 1]
    assert next_probabilities(Markov(0, "none").fit(corpus), [0, 3, 1])[2:4].tolist() == [0.5, 0.5]


def test_the_place_in_the_bar_is_read():
    corpus = TOYS["ticking"]()
    model = Markov(0, "none").fit(corpus)
    on_the_beat = model.initial_state(1, corpus.headers[0])
    in_the_pickup = model.initial_state(1, corpus.headers[2])
    # at the start of a bar stand durations 1, 2 and END 2, 3 and 3 times; in the middle of one, duration 1 three times
    assert np.exp(model.next_log_probs(on_the_beat)[0, [0, 1, 4]]) == pytest.approx([2 / 8, 3 / 8, 3 / 8])
    assert np.exp(model.next_log_probs(in_the_pickup)[0, [0, 1, 4]]) == pytest.approx([1, 0, 0])


def test_a_mark_never_seen_is_not_read():
    corpus = TOYS["ticking"]()
    model = Markov(1, "witten_bell").fit(corpus)
    other = corpus.headers[0].with_meter(3, 4)
    log_probs = model.log_probs([0, 2, 0, 2], other)
    assert np.isfinite(log_probs).all()
    assert model.initial_state(1, other).context[0] == model.start()


def test_restricting_the_alphabet_leaves_nothing_to_the_unseen():
    corpus = TOYS["two_fields"]()
    model = Markov(1, "witten_bell").fit(corpus)
    narrow = model.restricted(corpus.seen().vocabulary)
    refitted = Markov(1, "witten_bell").fit(corpus.seen())
    np.testing.assert_array_equal(narrow.corpus_log_probs(corpus.seen()), refitted.corpus_log_probs(corpus.seen()))
    assert np.exp(model.next_log_probs(model.advance(model.initial_state(), np.array([0]))))[0, 4] > 0


@pytest.mark.parametrize(
    ("params", "error", "words"),
    [
        ({"order": -1}, InvalidParameterError, "order is -1; expected a whole number of events"),
        ({"order": 1.5}, InvalidParameterError, "order is 1.5"),
        ({"smoothing": "witten"}, UnknownNameError, "did you mean 'witten_bell'"),
        ({"k": 0}, InvalidParameterError, "k is 0"),
        ({"discount": 2}, InvalidParameterError, "discount is 2"),
    ],
)
def test_parameters_are_checked_in_fit(params, error, words):
    with pytest.raises(error, match=words):
        Markov(**params).fit(TOYS["plain"]())


def test_an_empty_corpus_teaches_nothing():
    with pytest.raises(EmptyCorpusError):
        Markov().fit(TokenCorpus.from_sequences([], Vocabulary.plain(2)))


def test_using_it_unfitted():
    with pytest.raises(NotFittedError, match="call fit"):
        Markov().initial_state()


def test_kneser_ney_has_the_numbers_of_kenlm():
    """`lmplz -o 3 --discount_fallback 0.5 0.5 0.5` on these lines: back-off weight, and what the symbols keep of it."""
    corpus = TokenCorpus.from_sequences([[0, 1, 0, 2], [1, 0, 1], [2, 2, 1, 0, 1, 0]], Vocabulary.plain(3))
    model = Markov(order=2, smoothing="kneser_ney", discount=0.5).fit(corpus)
    contexts, table = model.contexts_, model.table_
    end, start = 3, 4
    expected = {  # latest element first; the ARPA file's weights, and p(w | c) - weight(c) p(w | shorter c)
        (0,): (3 / 8, {1: 3 / 8, 2: 1 / 8, end: 1 / 8}),
        (1,): (1 / 4, {0: 5 / 8, end: 1 / 8}),
        (2,): (1 / 2, {1: 1 / 6, 2: 1 / 6, end: 1 / 6}),
        (start,): (1 / 2, {0: 1 / 6, 1: 1 / 6, 2: 1 / 6}),
        (0, 1): (3 / 8, {1: 3 / 8, 2: 1 / 8, end: 1 / 8}),
        (0, start): (1 / 2, {1: 1 / 2}),
        (1, 0): (1 / 3, {0: 1 / 2, end: 1 / 6}),
        (1, 2): (1 / 2, {0: 1 / 2}),
        (1, start): (1 / 2, {0: 1 / 2}),
        (2, 0): (1 / 2, {end: 1 / 2}),
        (2, 2): (1 / 2, {1: 1 / 2}),
        (2, start): (1 / 2, {2: 1 / 2}),
    }
    assert {tuple(contexts.spelled(c)) for c in range(2, contexts.n_contexts)} == set(expected)
    for c in range(2, contexts.n_contexts):
        weight, kept = expected[tuple(contexts.spelled(c))]
        assert table.weight[c] == pytest.approx(weight)
        entries = np.arange(contexts.rows[c], contexts.rows[c + 1])
        found = table.probability[entries] - weight * table.probability[contexts.entries.suffix[entries]]
        assert dict(zip(contexts.entries.element[entries].tolist(), found, strict=True)) == pytest.approx(kept)
