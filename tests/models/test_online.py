"""Online PPM: the same as PPM fitted anew before every symbol, short-term and long-term."""

import json
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stochastic_music.corpus import TokenCorpus
from stochastic_music.errors import (
    EmptyCorpusError,
    InvalidParameterError,
    ModelFileError,
    UnknownNameError,
    VocabularyError,
)
from stochastic_music.models import PPM, STM, Mixture, OnlinePPM
from stochastic_music.models.ppm import ESCAPES
from stochastic_music.testing import check_model
from stochastic_music.testing.toys import TOYS
from stochastic_music.tokens import Field, Vocabulary

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "ppm_abracadabra.json").read_text())
WORD = [GOLDEN["alphabet"].index(letter) for letter in GOLDEN["sequence"]]
OPEN = Vocabulary.plain(3, closed=False)
TWO_FIELDS = Vocabulary((Field("shape", 2), Field("color", 3)), closed=False)


def corpus_of(*sequences, vocabulary=OPEN):
    return TokenCorpus.from_sequences(sequences, vocabulary)


def rows_along(model, symbols):
    """The rows before every symbol, and after the last."""
    state, rows = model.initial_state(), []
    for symbol in symbols:
        rows.append(np.exp(model.next_log_probs(state)[0]))
        state = model.advance(state, np.array([symbol]))
    return [*rows, np.exp(model.next_log_probs(state)[0])]


@pytest.mark.parametrize("variant", GOLDEN["distribution_before_each_symbol"])
def test_short_term_memory_is_idyoms(variant):
    escape, _, update = variant.partition("-")
    vocabulary = Vocabulary.plain(5, closed=False)
    model = STM(escape=escape, exclusion=bool(update)).fit(corpus_of([0], vocabulary=vocabulary))
    expected = GOLDEN["distribution_before_each_symbol"][variant]
    for found, row in zip(rows_along(model, WORD), expected, strict=False):
        assert found[:5] == pytest.approx([row[letter] for letter in GOLDEN["alphabet"]], abs=1e-5)


@pytest.mark.parametrize("model", [STM(), STM(1, "c"), OnlinePPM(), OnlinePPM(2, "d", exclusion=True)])
def test_contract(model):
    check_model(model)


PARAMS = [
    {"order_bound": bound, "escape": escape, "exclusion": exclusion, "interpolated": interpolated}
    for bound, escape, exclusion, interpolated in product([0, 1, 2, None], ESCAPES, [False, True], [False, True])
]


def words(vocabulary):
    event = st.tuples(*(st.integers(int(a), int(b) - 1) for a, b in pairwise(vocabulary.starts)))
    return st.lists(event, min_size=1, max_size=6).map(lambda events: [s for event in events for s in event])


@settings(max_examples=60, deadline=None)
@given(st.data(), st.sampled_from([OPEN, TWO_FIELDS]), st.sampled_from(PARAMS))
def test_equal_to_ppm_fitted_anew_before_every_symbol(data, vocabulary, params):
    *known, present = data.draw(st.lists(words(vocabulary), min_size=2, max_size=4))
    model = OnlinePPM(**params).fit(corpus_of(*known, vocabulary=vocabulary))
    for n, found in enumerate(rows_along(model, present)):
        if n % vocabulary.n_fields == 0:
            anew = PPM(**params).fit(corpus_of(*known, present[:n], vocabulary=vocabulary))
            assert found == pytest.approx(rows_along(anew, present[:n])[-1], abs=1e-9), n


@settings(max_examples=30, deadline=None)
@given(st.lists(words(TWO_FIELDS), min_size=2, max_size=4), st.booleans())
def test_adapting_is_fitting_on_more(pieces, exclusion):
    *known, present = pieces
    once = OnlinePPM(exclusion=exclusion).fit(corpus_of(*pieces, vocabulary=TWO_FIELDS))
    first = OnlinePPM(exclusion=exclusion).fit(corpus_of(*known, vocabulary=TWO_FIELDS))
    later = first.adapt(present)
    assert all(np.array_equal(a, b) for a, b in zip(once.text_, later.text_, strict=True))
    assert len(first.text_.element[0]) < len(later.text_.element[0])


def test_adapting_is_fitting_on_more_where_a_clock_shows_marks():
    corpus = TOYS["ticking"]()
    last = len(corpus) - 1
    first = OnlinePPM().fit(corpus.select(range(last)))
    later = first.adapt(corpus[last], corpus.headers[last])
    for a, b in zip(OnlinePPM().fit(corpus).text_[:3], later.text_[:3], strict=True):
        assert np.array_equal(a, b)


def test_what_was_heard_in_the_piece_becomes_likelier():
    model = STM().fit(corpus_of([0]))
    rows = rows_along(model, [0, 1, 2, 0, 1])
    assert rows[0][:3] == pytest.approx([1 / 3] * 3)
    assert rows[-1].argmax() == 2


def test_short_term_memory_forgets_with_the_piece():
    model = STM().fit(corpus_of([0, 1] * 8))
    assert model.adapt([0, 1, 0, 1]) is model
    assert rows_along(model, [])[0][:3] == pytest.approx([1 / 3] * 3)


def test_mixtures_adapt_what_can_learn():
    mixture = Mixture([OnlinePPM(), STM(), PPM()], "geometric", bias=7).fit(corpus_of([0, 1, 0, 2], [1, 1]))
    later = mixture.adapt([2, 2, 2])
    anew = OnlinePPM().fit(corpus_of([0, 1, 0, 2], [1, 1], [2, 2, 2]))
    assert np.allclose(rows_along(later.models_[0], [2, 2]), rows_along(anew, [2, 2]))
    assert later.models_[1:] == mixture.models_[1:]
    assert len(mixture.models_[0].text_.element[0]) == 8


def test_another_alphabet():
    model = OnlinePPM().fit(corpus_of([0, 1, 0]))
    narrow = model.restricted(OPEN.restrict([0, 1]))
    assert rows_along(narrow, [0])[-1][2] == 0
    assert rows_along(model, [0])[-1][2] > 0
    with pytest.raises(VocabularyError, match="outside the alphabet"):
        model.restricted(OPEN.restrict([0, 2]))
    with pytest.raises(VocabularyError, match="field 'symbol'"):
        model.restricted(TWO_FIELDS)
    with pytest.raises(ModelFileError, match="lead"):
        OnlinePPM().from_arrays({"element": np.zeros(1), "due": np.zeros(1), "known": np.zeros(1)}, OPEN)


def test_parameters_are_checked():
    with pytest.raises(InvalidParameterError, match="order_bound"):
        STM(-1).fit(corpus_of([0]))
    with pytest.raises(UnknownNameError, match="escape"):
        OnlinePPM(escape="e").fit(corpus_of([0]))
    with pytest.raises(EmptyCorpusError, match="no symbols"):
        OnlinePPM().fit(corpus_of([]))
    with pytest.raises(VocabularyError, match="outside the alphabet"):
        OnlinePPM().fit(corpus_of([0])).adapt([7])
