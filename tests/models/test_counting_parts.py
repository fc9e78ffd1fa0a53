"""Models counted in parts are those fitted to the whole, byte for byte."""

import re
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stochastic_music import model_file
from stochastic_music.cli._common import n_bytes
from stochastic_music.corpus import TokenCorpus
from stochastic_music.errors import EmptyCorpusError, UsageError
from stochastic_music.models.contexts import parts as counting
from stochastic_music.models.markov import Markov
from stochastic_music.models.ppm import PPM
from stochastic_music.protocols import CountingModel
from stochastic_music.testing.toys import TOYS
from stochastic_music.tokens import Vocabulary

SMALL = 16 << 20
MODELS = [Markov(order=2), Markov(order=0, smoothing="add_k"), PPM(order_bound=2), PPM(order_bound=None)]


def written(model):
    return model_file.dumps({}, model.to_arrays())


def cut(corpus, places):
    ends = sorted({0, *(place % (len(corpus) + 1) for place in places), len(corpus)})
    return [corpus.select(range(*ends[i : i + 2])) for i in range(len(ends) - 1)]


@pytest.mark.parametrize("model", MODELS, ids=repr)
@pytest.mark.parametrize("toy", TOYS)
def test_parts_give_what_the_whole_gives(toy, model):
    assert isinstance(model, CountingModel)
    corpus = TOYS[toy]()
    expected = written(model.fit(corpus))
    parts = cut(corpus, range(len(corpus)))
    assert written(model.fit_parts(parts)) == expected
    assert written(model.fit_parts(parts, memory=SMALL)) == expected
    with ThreadPoolExecutor(2) as executor:
        assert written(model.fit_parts(parts, memory=SMALL, executor=executor)) == expected


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 2), max_size=6), min_size=1, max_size=5).filter(any),
    st.lists(st.integers(0, 5), max_size=3),
    st.integers(1, 9),
    st.booleans(),
)
def test_it_does_not_matter_where_a_corpus_is_cut(sequences, places, size, closed):
    corpus = TokenCorpus.from_sequences(sequences, Vocabulary.plain(3, closed=closed))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counting, "_SLICE", size)
        assert written(Markov(order=2).fit_parts(cut(corpus, places))) == written(Markov(order=2).fit(corpus))


def test_what_outgrows_the_memory_is_counted_on_disk():
    rng = np.random.default_rng(0)
    corpus = TokenCorpus.from_sequences(rng.integers(0, 30, (40, 1000)), Vocabulary.plain(30))
    limit = 4 * len(set(zip(*(corpus.symbols[i:][:-3] for i in range(3)), strict=False))) * counting._PER_WINDOW
    model = Markov(order=2)
    assert written(model.fit_parts([corpus], memory=limit)) == written(model.fit(corpus))


def test_slices_are_the_pieces_in_order():
    corpus = TokenCorpus.from_sequences([[0, 1], [], [1, 1, 1, 1, 1], [0]], Vocabulary.plain(2, closed=False))
    found = list(counting.slices(corpus, 3))
    assert [part.lengths.tolist() for part in found] == [[2, 0], [5], [1]]
    assert [name for part in found for name in part.names] == list(corpus.names)


def test_too_little_memory_is_refused_with_what_is_enough():
    rng = np.random.default_rng(0)
    corpus = TokenCorpus.from_sequences(rng.integers(0, 99, (60, 1000)), Vocabulary.plain(99))
    with pytest.raises(UsageError, match=r"in 1,000 bytes .* takes 17 MB or more, .* or fit a lower order"):
        Markov(order=1).fit_parts([corpus], memory=1000)


def told_enough(model, corpus, memory):
    with pytest.raises(UsageError, match=r"--memory \d+MB") as refused:
        model.fit_parts([corpus], memory=memory)
    return n_bytes("--memory", re.search(r"--memory (\d+MB)", str(refused.value))[1])


@pytest.mark.parametrize("order", [3, 8])  # windows of 64 bits, and contexts counted length by length
@pytest.mark.parametrize("memory", [1000, SMALL])
def test_the_memory_that_is_named_is_not_refused_in_turn(order, memory):
    rng = np.random.default_rng(0)
    corpus = TokenCorpus.from_sequences(rng.integers(0, 400, (60, 800)), Vocabulary.plain(400))
    model = Markov(order=order)
    assert written(model.fit_parts([corpus], memory=told_enough(model, corpus, memory))) == written(model.fit(corpus))


def test_what_is_known_before_counting_is_said_before():
    corpus = TokenCorpus.from_sequences([[0, 1]], Vocabulary.plain(2, closed=False))
    with pytest.raises(UsageError, match="26 MB is enough"):
        Markov(order=1).check_memory([corpus], 1000)
    PPM(order_bound=None).check_memory([corpus], 1000)
    Markov(order=1).check_memory([], 1000)


def test_parts_without_symbols():
    empty = TokenCorpus.from_sequences([[]], Vocabulary.plain(2, closed=False))
    with pytest.raises(EmptyCorpusError):
        Markov(order=1).fit_parts([empty])
