"""Information content and entropy, and where notes stand."""

from __future__ import annotations

import numpy as np
import pytest

from stochastic_music.corpus import TokenCorpus
from stochastic_music.errors import InvalidParameterError
from stochastic_music.evaluation import cross_validate, notes_of, predict, predict_adapting
from stochastic_music.models import PPM, STM, Markov, Mixture, OnlinePPM
from stochastic_music.models.multiple_viewpoint import MultipleViewpoint
from stochastic_music.testing.toys import TOYS
from stochastic_music.tokens import Field, Header, Meter, Vocabulary


@pytest.mark.parametrize("toy", TOYS)
def test_stepping_agrees_with_looking_up(toy):
    corpus = TOYS[toy]()
    model = Markov(1).fit(corpus)
    said = predict(model, corpus, entropy=True)
    assert said.log_probs == pytest.approx(predict(model, corpus).log_probs)
    assert said.entropy.shape == corpus.symbols.shape
    assert (said.entropy >= 0).all()


def test_entropy_by_hand():
    # one symbol in four is 1, the others are 0: H = 1/4 log2 4 + 3/4 log2 (4/3)
    corpus = TokenCorpus.from_sequences([[0, 0, 0, 1]], Vocabulary.plain(2, closed=False))
    said = predict(Markov(0, "none").fit(corpus), corpus, entropy=True)
    assert said.entropy == pytest.approx([0.25 * 2 + 0.75 * np.log2(4 / 3)] * 4)


def test_adapting_reads_piece_after_piece():
    corpus = TokenCorpus.from_sequences([[0, 1, 0], [0, 1, 0]], Vocabulary.plain(2))
    model = OnlinePPM().fit(corpus.select([0]))
    said = predict_adapting(model, corpus, entropy=True)
    assert said.log_probs[:4] == pytest.approx(model.log_probs(corpus[0]))
    assert said.log_probs[4:] == pytest.approx(model.adapt(corpus[0]).log_probs(corpus[1]))
    assert said.entropy.shape == (8,)
    with pytest.raises(InvalidParameterError, match="adapt"):
        predict_adapting(Markov().fit(corpus), corpus)


MEMORIES = [
    lambda: Mixture([PPM(None), STM()], "geometric", bias=7),
    lambda: Mixture([STM(), OnlinePPM()]),
    lambda: MultipleViewpoint("symbol:1", "symbol:1"),
]


@pytest.mark.parametrize("make", MEMORIES)
@pytest.mark.parametrize("adapt", [False, True])
def test_parts_are_what_each_memory_says_alone(make, adapt):
    corpus = TOYS["plain"]()
    model = make().fit(corpus)
    said = (predict_adapting if adapt else predict)(model, corpus, parts=True)
    assert set(said.parts) == {"long_term", "short_term"}
    parts = model.parts()
    first = len(corpus[0])
    for name, part in parts.items():
        assert said.parts[name][:first] == pytest.approx(part.log_probs(corpus[0], corpus.headers[0]))
    later = model.adapt(corpus[0], corpus.headers[0]) if adapt else model
    expected = later.parts()["long_term"].log_probs(corpus[1], corpus.headers[1])
    assert said.parts["long_term"][first : first + len(corpus[1])] == pytest.approx(expected)


def test_short_term_memory_alone_knows_the_piece_alone():
    corpus = TOYS["plain"]()
    one, other = (MultipleViewpoint("symbol:1", "symbol:1").fit(c) for c in (corpus, corpus.select([0, 1, 0, 1])))
    assert Mixture([PPM(None), STM()]).fit(corpus).parts()["short_term"].log_probs(corpus[0]) == pytest.approx(
        STM().fit(corpus).log_probs(corpus[0])
    )
    # before anything was heard short-term terms know nothing
    row = one.parts()["short_term"].next_log_probs(one.initial_state())[0]
    assert np.ptp(row[one.fields_[0].candidates]) == pytest.approx(0)
    # while nothing was heard the whole model says what its long-term terms say, louder: they speak for the others too
    state, seen = other.initial_state(), other.fields_[0].candidates
    alone, whole = (m.next_log_probs(state)[0, seen] for m in (other.parts()["long_term"], other))
    plan = other.fields_[0].plan
    assert np.diff(whole) == pytest.approx(np.diff(alone) * plan.n_rows / plan.n_long)


def test_models_of_one_memory_have_no_parts():
    corpus = TOYS["plain"]()
    for model in (MultipleViewpoint("symbol:1", "none"), Mixture([Markov(1), PPM()]), Mixture([PPM(), STM(), STM()])):
        assert predict(model.fit(corpus), corpus, parts=True).parts == {}


def test_cross_validation_keeps_entropies_where_asked():
    corpus = TOYS["plain"]()
    assert cross_validate(STM, corpus, k=3).entropy is None
    result = cross_validate(STM, corpus, k=3, seeds=(0, 1), entropy=True)
    assert result.entropy.shape == (2, len(corpus.symbols))
    assert result.parts == {}
    both = cross_validate(MEMORIES[0], corpus, k=3, seeds=(0, 1), parts=True)
    alone = cross_validate(STM, corpus, k=3, seeds=(0, 1))
    assert both.parts["short_term"] == pytest.approx(alone.log_probs)


def test_notes_stand_in_their_bars():
    fields = (Field("duration", 4, first=1, advances="later"), Field("pitch", 128))
    vocabulary = Vocabulary(fields, resolution=2)
    header = Header(2, (Meter(0, 2, 4),), pickup=1, transposed=2)
    notes = [(1, 62), (4, 64), (2, 65), (2, 67)]
    symbols = [s for d, p in notes for s in (vocabulary.symbol("duration", d), vocabulary.symbol("pitch", p))]
    found = notes_of(TokenCorpus.from_sequences([symbols], vocabulary, headers=[header]))
    assert found.bar.tolist() == [0, 1, 2, 2]
    assert found.onset.tolist() == [0, 0.5, 2.5, 3.5]
    assert found.pitch.tolist() == [60, 62, 63, 65]
    assert found.place.tolist() == [1, 3, 5, 7]


def test_pitches_without_time_have_no_bar():
    vocabulary = Vocabulary((Field("pitch", 128),))
    found = notes_of(TokenCorpus.from_sequences([[60]], vocabulary))
    assert found.bar.tolist() == [-1]
    assert np.isnan(found.onset).all()
