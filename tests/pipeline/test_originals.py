"""Pieces that copy more than is usual are drawn again; a limit that was asked for is met."""

from __future__ import annotations

import numpy as np
import pytest

import stochastic_music as sm
from stochastic_music.constraints import Length, MaxCopy
from stochastic_music.corpus import TokenCorpus
from stochastic_music.evaluation import OriginalityIndex
from stochastic_music.pipeline.originals import ROUNDS, drawn_within, new_lines
from stochastic_music.sampling import Sample

ENCODING = sm.MelodyEncoding(fields=("rest", "duration", "pitch"))


def quarter_notes(pitches):
    """Their symbols."""
    vocabulary = ENCODING.vocabulary
    first = vocabulary.symbol("rest", 0), vocabulary.symbol("duration", 12)
    return [symbol for pitch in pitches for symbol in (*first, vocabulary.symbol("pitch", pitch))]


def corpus_of(n, seed):
    """Random tunes of quarter notes, of 24 notes each."""
    random = np.random.default_rng(seed)
    tunes = [quarter_notes(random.integers(60, 66, 24)) for _ in range(n)]
    headers = [sm.Header(12)] * n
    return TokenCorpus.from_sequences(tunes, ENCODING.vocabulary, headers=headers)


@pytest.fixture(scope="module")
def parrot():
    """A pipeline that mostly says its corpus after."""
    model = sm.Markov(order=5, smoothing="none")
    return sm.Pipeline(ENCODING, model).fit_tokens(corpus_of(12, seed=1))


def longest(pipeline, take):
    return pipeline.originality().longest_copy(new_lines(pipeline.vocabulary_, take.sample)).length


def test_takes_that_copy_more_than_is_usual_are_drawn_again(parrot):
    limit = parrot.originality().limit
    plain, kept = (parrot.compose(12, seed=1, usual_copies=usual) for usual in (False, True))
    for before, after in zip(plain, kept, strict=True):
        if longest(parrot, before) <= limit:
            assert after.redrawn == 0
            assert after.sample.symbols.tolist() == before.sample.symbols.tolist()
        else:
            assert 1 <= after.redrawn <= ROUNDS
            assert longest(parrot, after) <= longest(parrot, before)
            assert after.redrawn == ROUNDS or longest(parrot, after) <= limit
    assert any(take.redrawn for take in kept)


def test_a_take_does_not_depend_on_how_many_are_drawn_with_it(parrot):
    few, many = (parrot.compose(n, seed=3, usual_copies=True) for n in (3, 9))
    assert [t.sample.symbols.tolist() for t in few] == [t.sample.symbols.tolist() for t in many[:3]]
    assert [t.redrawn for t in few] == [t.redrawn for t in many[:3]]


def test_an_explicit_limit_is_a_constraint_that_always_holds():
    pipeline = sm.Pipeline(ENCODING, sm.Markov(order=2)).fit_tokens(corpus_of(12, seed=1))
    for most in (3, 5):
        takes = pipeline.compose(20, seed=2, constraint=Length(16) & MaxCopy(pipeline.corpus_, most))
        assert max(longest(pipeline, take) for take in takes) <= most


def test_takes_that_stay_beyond_the_usual_limit_are_conditioned_on_it(monkeypatch):
    monkeypatch.setattr("stochastic_music.pipeline.originals.ROUNDS", 0)
    pipeline = sm.Pipeline(ENCODING, sm.Markov(order=2)).fit_tokens(corpus_of(12, seed=1))
    takes = pipeline.compose(30, seed=1, constraint=Length(24), usual_copies=True)
    assert any(take.redrawn for take in takes)
    assert max(longest(pipeline, take) for take in takes) <= pipeline.originality().limit


@pytest.fixture
def begun(parrot, tune):
    """The first eight notes of a training piece."""
    pitches = parrot.vocabulary_.values(parrot.corpus_[0])[2:24:3].tolist()
    return tune([(i, 1, pitch) for i, pitch in enumerate(pitches)])


def test_notes_that_were_given_may_be_copies(parrot, begun):
    [take] = parrot.compose(1, seed=1, start=begun, usual_copies=True)
    [line] = new_lines(parrot.vocabulary_, take.sample)
    assert len(line) == len(take.sample.symbols) // 3 - 8


def test_what_goes_on_too_much_as_the_corpus_does_is_drawn_again(parrot, begun):
    limit = parrot.originality().limit
    plain, kept = (parrot.continue_(begun, 6, length=16, seed=1, usual_copies=usual) for usual in (False, True))
    assert max(longest(parrot, take) for take in plain) > limit
    for before, after in zip(plain, kept, strict=True):
        assert (after.redrawn > 0) == (longest(parrot, before) > limit)
        assert longest(parrot, after) <= max(limit, longest(parrot, before))
        assert len(after.new.onset) == 16


def sample_of(pitches):
    symbols = np.array([*quarter_notes(pitches), ENCODING.vocabulary.end])
    return Sample(symbols, 0.0, None, "exact", False)


def test_where_none_is_original_the_least_copying_one_is_kept():
    corpus = corpus_of(12, seed=4)
    index = OriginalityIndex.from_tokens(corpus)
    tune = corpus.vocabulary.values(corpus[0])[2::3][:24].tolist()
    rounds = iter([20, 22, 18, 19, 21, 23, 24])
    asked = []

    def draw(key, n):
        asked.append((key, n))
        return [sample_of(tune[: next(rounds)])]

    [kept] = drawn_within(draw, 1, key=7, index=index)
    assert index.longest_copy(new_lines(index.vocabulary, kept.sample)).length == 18
    assert kept.redrawn == ROUNDS == len(asked) - 1
    assert len({key for key, _ in asked}) == len(asked)


def test_without_sources_or_without_notes_nothing_is_known(parrot, tmp_path):
    bare = sm.Pipeline.load(parrot.save(tmp_path / "bare.smm", sources=False))
    assert bare.originality() is None
    assert bare.compose(2, seed=1, usual_copies=True)[0].redrawn == 0
    toy = TokenCorpus.from_sequences([[0, 1, 0]] * 3, sm.Vocabulary.plain(2))
    assert sm.Pipeline(ENCODING, sm.Markov(order=1)).fit_tokens(toy).originality() is None
