"""Reasons add up to the probability, contexts are told as they were heard, and sources are what was counted."""

from collections import defaultdict

import numpy as np
import pytest

from stochastic_music.corpus import TokenCorpus
from stochastic_music.models import PPM, Markov
from stochastic_music.models.multiple_viewpoint import MultipleViewpoint
from stochastic_music.models.reasons import as_heard, in_words, ladder
from stochastic_music.models.viewpoints.learning import events_of, record
from stochastic_music.protocols import ReasoningModel
from stochastic_music.testing import check_model
from stochastic_music.testing.check_model import check_reasons
from stochastic_music.testing.toys import TOYS
from stochastic_music.tokens import Field, Header, Meter, Vocabulary

BACKOFF = [
    Markov(0),
    Markov(2),
    Markov(2, "witten_bell"),
    Markov(1, "add_k"),
    PPM(2),
    PPM(2, "a", interpolated=False),
    PPM(None, "d", exclusion=True),
    PPM(3, shortest_deterministic=False),
]


def everywhere(corpus):
    return np.arange(len(corpus.symbols))


def plain(*sequences, size=4):
    return TokenCorpus.from_sequences(sequences, Vocabulary.plain(size, closed=False))


@pytest.mark.parametrize("toy", TOYS)
@pytest.mark.parametrize("model", BACKOFF, ids=repr)
def test_orders_add_up_to_the_probability(model, toy):
    corpus = TOYS[toy]()
    model = model.fit(corpus)
    due = model.contexts_.due[model.contexts_along(corpus)]
    chance = -np.log(corpus.vocabulary.due_mask[due].sum(axis=1))
    said = [sum(reason.nats for reason in why.reasons) for why in model.reasons(corpus, everywhere(corpus))]
    assert said == pytest.approx(model.corpus_log_probs(corpus) - chance)


def test_an_order_by_hand():
    # 0 1 0 1 0 2: after 0 came 1 twice and 2 once; "none" asks the longest context alone. Four symbols may come.
    corpus = plain([0, 1, 0, 1, 0, 2])
    [why] = Markov(1, "none").fit(corpus).reasons(corpus, np.array([3]), corpus)
    [reason] = why.reasons
    assert reason[:2] == ("order 1", "corpus")
    assert reason.nats == pytest.approx(np.log(2 / 3) - np.log(1 / 4))
    assert reason.bits == pytest.approx(np.log2(8 / 3))
    assert reason[3:] == ("after symbol 0", 2, 3)
    assert why.n_sources == 2
    assert why.sources.tolist() == [3, 1]  # the whole past of place 3 agrees with itself


def test_what_was_never_heard_is_left_to_shorter_contexts():
    corpus = plain([0, 1, 0, 2])
    new = plain([0, 1, 3])
    [known, unseen] = PPM(2).fit(corpus).reasons(new, np.array([1, 2]), corpus)
    assert [(r.name, r.times, r.total) for r in known.reasons] == [
        ("order 2", 1, 1),
        ("order 1", 1, 2),
        ("order 0", 1, 4),
    ]
    assert all(reason.times == 0 for reason in unseen.reasons)
    assert unseen.n_sources == 0


def test_the_impossible_has_reasons_too():
    corpus = plain([0, 1, 0, 2])
    [why] = Markov(1, "none").fit(corpus).reasons(plain([0, 3]), np.array([1]), corpus)
    assert why.reasons[0].nats == -np.inf


@pytest.mark.parametrize("toy", TOYS)
@pytest.mark.parametrize("model", [Markov(2), PPM(2)], ids=repr)
def test_as_many_sources_as_were_counted(model, toy):
    corpus = TOYS[toy]()
    model = model.fit(corpus)
    said = model.reasons(corpus, everywhere(corpus), corpus, at_most=99)
    for context, symbol, why in zip(model.contexts_along(corpus), corpus.symbols, said, strict=True):
        longest = next(rung for rung in ladder(model, int(context), int(symbol)) if rung.times)
        assert why.n_sources == longest.times
        assert (corpus.symbols[why.sources] == symbol).all()


def test_sources_that_share_the_longest_past_come_first():
    corpus = plain([1, 0, 2], [3, 1, 0, 2], [0, 2], [1, 0, 2])
    [why] = Markov(1).fit(corpus).reasons(plain([3, 1, 0, 2]), np.array([3]), corpus, at_most=9)
    assert why.sources.tolist() == [6, 2, 11, 8]


def melody(*events):
    """(duration, pitch) over bars of 3/4, two units a quarter."""
    vocabulary = Vocabulary(
        (Field("rest", 9, advances="now"), Field("duration", 8, first=1, advances="later"), Field("pitch", 128)),
        resolution=2,
    )
    symbols = [
        symbol
        for duration, pitch in events
        for symbol in (vocabulary.symbol("rest", 0), vocabulary.symbol("duration", duration), 17 + pitch)
    ]
    header = Header(2, (Meter(0, 3, 4),), transposed=2)
    return TokenCorpus.from_sequences([symbols], vocabulary, headers=[header])


def test_contexts_in_words():
    corpus = melody((2, 62), (2, 64), (1, 66), (1, 67))
    model = Markov(2).fit(corpus)
    [first, why] = model.reasons(corpus, np.array([2, 11]), corpus)
    assert [(reason.name, reason.context) for reason in why.reasons] == [
        ("order 2", "after 1/4 D4, 1/8 E4; now beat 3.5, 1/8"),
        ("order 1", "after 1/8 E4; now beat 3.5, 1/8"),
        ("order 0", ""),
    ]
    assert first.reasons[0].context == "after the beginning; now beat 1, 1/4"
    for context in range(model.n_contexts):  # every context can be told
        heard = as_heard(model.contexts_, corpus.vocabulary, context)
        assert isinstance(in_words(heard, corpus.vocabulary, model.contexts_.marks), str)


@pytest.mark.parametrize("toy", TOYS)
def test_viewpoints_add_up_to_their_contributions(toy):
    corpus = TOYS[toy]()
    model = MultipleViewpoint(order=2).fit(corpus)
    said = model.reasons(corpus.select([0]), np.arange(len(corpus[0])))
    state = model.initial_state(1, corpus.headers[0])
    for symbol, why in zip(corpus[0], said, strict=True):
        expected = sum(value[0] for value in model.contributions(state, np.array([symbol])).values())
        assert sum(reason.nats for reason in why.reasons) == pytest.approx(expected)
        assert len({reason[:2] for reason in why.reasons}) == len(why.reasons)
        strength = [abs(reason.nats) for reason in why.reasons]
        assert strength == sorted(strength, reverse=True)
        state = model.advance(state, np.array([symbol]))


def pitches(*sequences, size=6):
    return TokenCorpus.from_sequences(sequences, Vocabulary.plain(size, closed=False, name="pitch"))


def test_a_viewpoint_by_hand():
    corpus = pitches([0, 1, 2, 3], [5, 4, 3, 2], [2, 3, 4, 5])
    model = MultipleViewpoint("cpint:1-1", "cpitch:0").fit(corpus)
    [why] = model.reasons(pitches([0, 1, 1, 2]), np.array([3]), corpus)
    told = {reason[:2]: reason[3:] for reason in why.reasons}
    # after a repetition nothing was ever heard; in the piece 2 is new among three notes
    assert told == {("cpitch", "piece"): ("", 0, 3)}
    [why] = model.reasons(pitches([1, 2, 3]), np.array([2]), corpus)
    told = {reason[:2]: reason[3:] for reason in why.reasons}
    assert told["cpint", "corpus"] == ("given cpint@1", 4, 4)
    assert sorted([*why.sources.tolist(), 11]) == [2, 3, 10, 11]
    assert why.n_sources == 4


def test_sources_are_the_events_that_the_strongest_terms_counted():
    corpus = TOYS["ticking"]()
    model = MultipleViewpoint(order=2).fit(corpus)
    [place] = np.flatnonzero(corpus.vocabulary.field_of(corpus.symbols) == 1)[-1:]
    [why] = model.reasons(corpus, np.array([place]), corpus, at_most=99)
    shares = defaultdict(float)
    plan, field = model.reader_.plans[1], 1
    events = events_of(plan, record(model.reader_, corpus)[field])
    state = model.initial_state(1, corpus.headers[-1])
    for symbol in corpus[len(corpus) - 1][: place - corpus.offsets[-2]]:
        state = model.advance(state, np.array([symbol]))
    said = model.contributions(state, corpus.symbols[[place]])
    seen = model.reader_.symbols(state.reading, corpus.vocabulary.values(corpus.symbols[[place]]))[0]
    nats = np.array([value[0] for value in said.values()])[: plan.n_long]
    order = np.argsort(-corpus.lengths, kind="stable")
    number = np.concatenate([np.arange(n // 2) for n in corpus.lengths[order]])
    places = corpus.offsets[order][events.piece] + 2 * number + 1
    for term in np.argsort(-nats, kind="stable")[:5]:
        key = state.reading.keys[0, term]
        same = (events.keys[:, term] == key) & (events.symbol[:, term] == seen[plan.target[term]])
        for at in places[same] if nats[term] > 0 else []:
            shares[int(at)] += nats[term] / same.sum()
    expected = sorted(shares, key=lambda at: (-shares[at], at))
    assert [round(shares[at], 9) for at in why.sources.tolist()] == [round(shares[at], 9) for at in expected]
    assert set(why.sources.tolist()) == set(expected)


def test_viewpoints_say_nothing_of_what_they_never_heard():
    corpus = pitches([0, 1, 0], [1, 0, 1])
    [why] = MultipleViewpoint().fit(corpus).reasons(pitches([0, 4]), np.array([1]), corpus)
    assert why.reasons == ()
    assert why.n_sources == 0


def test_a_reason_that_is_none_is_refused():
    class Lying(Markov):
        def reasons(self, corpus, places, learned=None, *, at_most=3):
            said = super().reasons(corpus, places, learned, at_most=at_most)
            return [why._replace(sources=(why.sources + 1) % len(corpus.symbols)) for why in said]

    assert isinstance(Lying(), ReasoningModel)
    corpus = TOYS["plain"]()
    with pytest.raises(AssertionError, match="was not learned at"):
        check_reasons(Lying(1).fit(corpus), corpus)
    with pytest.raises(AssertionError, match="Lying"):
        check_model(Lying(1))
