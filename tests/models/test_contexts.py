"""The table of contexts against a naive one of tuples."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stochastic_music.corpus import TokenCorpus
from stochastic_music.counting import merged, tally
from stochastic_music.errors import ModelFileError
from stochastic_music.models.contexts import from_arrays, grow, grow_from, listen, read, to_arrays, windows
from stochastic_music.testing.toys import TOYS
from stochastic_music.tokens import Field, Vocabulary


def grown(corpus, order):
    heard = listen(corpus)
    marks = np.unique(heard.mark[heard.mark >= 0])
    return grow([read(corpus, heard, marks, order)], corpus.vocabulary, marks)


def spelled(contexts, context):
    """The elements of a context, oldest first."""
    elements = []
    while contexts.parent[context] >= 0:
        elements.append(int(contexts.oldest[context]))
        context = contexts.parent[context]
    return tuple(elements)


def naive(sequences, end, order):
    """Counts of (context, symbol) with one START (end + 1) before each sequence."""
    counts = Counter()
    for sequence in sequences:
        stream = [end + 1, *sequence, end]
        for at in range(1, len(stream)):
            for length in range(min(order, at) + 1):
                counts[tuple(stream[at - length : at]), stream[at]] += 1
    return counts


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.integers(0, 2), max_size=6), min_size=1, max_size=4), st.integers(0, 4))
def test_counts_equal_those_of_tuples(sequences, order):
    contexts = grown(TokenCorpus.from_sequences(sequences, Vocabulary.plain(3)), order)
    entries = contexts.entries
    found = {
        (spelled(contexts, c), int(w)): int(n)
        for c, w, n in zip(entries.context, entries.element, entries.count, strict=True)
    }
    assert found == naive(sequences, 3, order)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 2), max_size=6), min_size=1, max_size=4),
    st.lists(st.integers(0, 2), max_size=8),
    st.integers(0, 4),
)
def test_every_step_finds_the_longest_seen_context(sequences, text, order):
    contexts = grown(TokenCorpus.from_sequences(sequences, Vocabulary.plain(3)), order)
    seen = {context for context, _ in naive(sequences, 3, order)}
    at = np.array([contexts.start])
    for n in range(len(text) + 1):
        stream = [4, *text[:n]]
        longest = next(
            tuple(stream[i:]) for i in range(len(stream) + 1) if tuple(stream[i:]) in seen and len(stream) - i <= order
        )
        assert spelled(contexts, int(at[0])) == longest
        if n < len(text):
            at = contexts.step(at, np.array([text[n]]))


@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_walking_is_stepping_and_looking_back_too_without_a_leader_in_between(order):
    rng = np.random.default_rng(order)
    train, text = (TokenCorpus.from_sequences(rng.integers(0, 4, (6, 9)), Vocabulary.plain(4)) for _ in range(2))
    contexts = grown(train, order)
    assert contexts.steps_look_back
    heard = listen(text)
    assert np.array_equal(contexts.walk(text, heard.mark), contexts.trace(read(text, heard, contexts.marks, order)))


@pytest.mark.parametrize("order", [0, 1, 2])
@pytest.mark.parametrize("toy", TOYS)
def test_looking_back_equals_stepping_forward(toy, order):
    corpus = TOYS[toy]()
    contexts, clock = grown(corpus, order), corpus.vocabulary.clock
    traced = contexts.trace(read(corpus, listen(corpus), contexts.marks, order))
    for sequence, header, expected in zip(corpus, corpus.headers, np.split(traced, corpus.offsets[1:-1]), strict=True):
        state = clock.start([header])
        at = contexts.hear(np.array([contexts.start]), clock.marks(state))
        for symbol, context in zip(sequence, expected, strict=True):
            assert at[0] == context
            assert contexts.due[context] == state.due[0]
            state = clock.advance(state, np.array([symbol]))
            at = contexts.hear(contexts.step(at, np.array([symbol])), clock.marks(state))


def test_the_stream_of_a_piece():
    corpus = TOYS["ticking"]().select([1])  # durations 2 1 1 units from 0, in bars of 2 units
    heard = listen(corpus)
    assert heard.due.tolist() == [0, 1, 0, 1, 0, 1, 0]
    beats = (heard.mark & 0xFFFFF).tolist()
    assert [b for b, m in zip(beats, heard.mark, strict=True) if m >= 0] == [0, 0, 1, 0]
    stream = read(corpus, heard, np.unique(heard.mark[heard.mark >= 0]), 1)
    start, one, two = 5, 6, 7
    assert stream.element.tolist() == [start, one, 1, 3, one, 0, 2, two, 0, 2, one, 4]
    # one event is three elements: before a mark 3, after it 4, after the duration 5
    assert stream.depth.tolist() == [-1, 1, 2, 3, 3, 4, 5, 3, 4, 5, 3, 4]


def test_contexts_round_trip():
    corpus = TOYS["ticking"]()
    contexts = grown(corpus, 2)
    arrays = to_arrays(contexts)
    assert {arrays["due"].dtype, arrays["entries.key"].dtype} == {np.dtype(np.int8), np.dtype(np.int16)}
    again = from_arrays(arrays, corpus.vocabulary)
    for name in ("parent", "oldest", "bounds", "marks", "due", "lead", "rows"):
        np.testing.assert_array_equal(getattr(again, name), getattr(contexts, name))
    for name in ("key", "context", "element", "count", "suffix", "target"):
        np.testing.assert_array_equal(getattr(again.entries, name), getattr(contexts.entries, name))
        np.testing.assert_array_equal(getattr(again.heard, name), getattr(contexts.heard, name))


def test_arrays_of_something_else():
    with pytest.raises(ModelFileError, match="for want of bounds, due"):
        from_arrays({"marks": np.zeros(0)}, Vocabulary.plain(2))


def test_the_last_element_of_the_event_before_leads_within_an_event():
    two_fields = Vocabulary((Field("first", 3), Field("second", 3)))
    corpus = TokenCorpus.from_sequences([[0, 3, 1, 4, 2, 5]], two_fields)
    contexts = grown(corpus, 1)
    start, end = 7, 6
    seen = Counter()
    for c, w, n in zip(contexts.entries.context, contexts.entries.element, contexts.entries.count, strict=True):
        seen[spelled(contexts, c)[::-1], int(w)] += int(n)
    expected = [
        [((start,), 0)],
        [((start,), 3), ((start, 0), 3)],
        [((3,), 1), ((3, 0), 1)],  # one whole event: START is older, and order is 1
        [((3,), 4), ((3, 1), 4), ((3, 1, 0), 4)],
        [((4,), 2), ((4, 1), 2)],
        [((4,), 5), ((4, 2), 5), ((4, 2, 1), 5)],
        [((5,), end), ((5, 2), end)],
    ]
    assert set(seen) == {pair for place in expected for pair in place} | {((), w) for w in range(7)}


def test_a_leader_stays_where_nothing_else_is_remembered():
    two_fields = Vocabulary((Field("first", 3), Field("second", 3)))
    contexts = grown(TokenCorpus.from_sequences([[0, 3, 1, 4, 2, 5]], two_fields), 1)
    [after_three] = contexts.step(contexts.step(np.array([contexts.start]), np.array([0])), np.array([3]))
    assert spelled(contexts, after_three)[::-1] == (3, 0)
    [surprised] = contexts.step(np.array([after_three]), np.array([2]))  # 2 never came after 3
    assert spelled(contexts, surprised) == (3,)
    assert contexts.due[surprised] == 1


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 2), max_size=6), min_size=1, max_size=4).filter(any),
    st.integers(0, 4),
    st.booleans(),
    st.integers(0, 4),
)
def test_sorted_windows_give_what_lengthening_gives(sequences, order, closed, cut):
    corpus = TokenCorpus.from_sequences(sequences, Vocabulary.plain(3, closed=closed))
    parts = [
        part for part in (corpus.select(range(cut)[: len(corpus)]), corpus.select(range(cut, len(corpus)))) if len(part)
    ]
    counted = merged(tally(windows(part, order)) for part in parts)
    found = to_arrays(grow_from(counted, order, corpus.vocabulary))
    for name, array in to_arrays(grown(corpus, order)).items():
        assert array.dtype == found[name].dtype
        np.testing.assert_array_equal(array, found[name], err_msg=name)
