"""IDyOM's model: the mixture it must equal, each viewpoint as PPM over its own sequence, and files."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stochastic_music.corpus import Corpus, TokenCorpus
from stochastic_music.errors import (
    EmptyCorpusError,
    InvalidParameterError,
    ModelFileError,
    UnknownNameError,
    VocabularyError,
)
from stochastic_music.models import STM, Mixture, OnlinePPM
from stochastic_music.models.idyom import PUBLISHED, Idyom
from stochastic_music.models.viewpoints import NONE
from stochastic_music.pipeline import Pipeline
from stochastic_music.testing import check_model
from stochastic_music.tokens import Field, MelodyEncoding, Vocabulary

PIECES = [[0, 1, 2, 1, 0], [2, 3, 4, 3, 2, 2], [1, 1, 0]]


def pitches(*sequences, size=6, closed=False):
    return TokenCorpus.from_sequences(sequences, Vocabulary.plain(size, closed=closed, name="pitch"))


def row(model, past):
    state = model.initial_state()
    for symbol in past:
        state = model.advance(state, np.array([symbol]))
    return np.exp(model.next_log_probs(state)[0])


def test_contract():
    check_model(Idyom())


@settings(max_examples=20, deadline=None)
@given(st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=8), min_size=2, max_size=4), st.booleans())
def test_pitches_alone_are_long_and_short_term_ppm_mixed(pieces, closed):
    *known, new = pieces
    corpus, test = (pitches(*some, size=4, closed=closed) for some in (known, pieces))
    mixture = Mixture([OnlinePPM(), STM()], "geometric", bias=7).fit(corpus)
    model = Idyom("cpitch").fit(corpus)
    assert model.corpus_log_probs(test) == pytest.approx(mixture.corpus_log_probs(test), abs=1e-9)
    later = model.adapt(new).corpus_log_probs(test)
    assert later == pytest.approx(mixture.adapt(new).corpus_log_probs(test), abs=1e-9)


def test_memories_alone_are_their_ppm():
    corpus, test = pitches(*PIECES), pitches([0, 1, 0, 1, 2], [5, 4])
    model = Idyom("cpitch").fit(corpus)
    for name, alone in (("long", OnlinePPM()), ("short", STM())):
        expected = pytest.approx(alone.fit(corpus).corpus_log_probs(test), abs=1e-9)
        assert model.parts()[f"{name}_term"].corpus_log_probs(test) == expected
        assert Idyom("cpitch", name).fit(corpus).corpus_log_probs(test) == expected
    assert Idyom(memory="long").fit(corpus).parts() == {}


def said(pieces, past, elements):
    """What OnlinePPM and STM say of `elements`, fitted to sequences of any values, after `past`: two rows.

    The alphabet is what each of them has read, and the elements.
    """
    rows = []
    for model, read in ((OnlinePPM(), pieces), (STM(), [[]])):
        values = dict.fromkeys(value for sequence in [*read, past, elements] for value in sequence)
        number = {value: i for i, value in enumerate(values)}
        sequences = [[number[value] for value in sequence] for sequence in read]
        model.fit(TokenCorpus.from_sequences(sequences, Vocabulary.plain(len(number), closed=False)))
        shared = np.array([elements.count(element) for element in elements])
        p = row(model, [number[value] for value in past])[[number[e] for e in elements]] / shared
        rows.append(p / p.sum())
    return rows


def mixed(rows, bias):
    """The geometric mean of rows, weighted by relative entropy to the power -bias."""
    entropies = [-(p * np.log(p)).sum() / np.log(len(p)) for p in rows]
    weights = np.array([max(h, 1e-9) ** -bias for h in entropies])
    product = np.exp(sum(w * np.log(p) for w, p in zip(weights / weights.sum(), rows, strict=True)))
    return product / product.sum()


def steps(piece):
    return [NONE, *np.diff(piece).tolist()]


@pytest.mark.parametrize("past", [[], [0], [0, 1], [2, 3, 4, 5, 4], [5, 5, 5]])
def test_each_viewpoint_is_ppm_over_its_sequence(past):
    candidates = list(range(6))
    from_last = [c - past[-1] if past else NONE for c in candidates]
    views = [said(PIECES, past, candidates), said([steps(p) for p in PIECES], steps(past)[: len(past)], from_last)]
    expected = mixed([mixed([view[memory] for view in views], 2) for memory in (0, 1)], 7)
    assert row(Idyom("cpitch,cpint").fit(pitches(*PIECES)), past)[:6] == pytest.approx(expected)


@pytest.mark.parametrize("past", [[], [3], [0, 4, 1]])
def test_a_link_of_two_views_of_one_field_is_ppm_over_pairs(past):
    def pairs(piece):
        return list(zip(steps(piece), [NONE, *(p - piece[0] for p in piece[1:])], strict=True))

    candidates = [(c - past[-1], c - past[0]) if past else (NONE, NONE) for c in range(6)]
    expected = mixed(said([pairs(p) for p in PIECES], pairs(past)[: len(past)], candidates), 7)
    assert row(Idyom("cpint*cpintfip").fit(pitches(*PIECES)), past)[:6] == pytest.approx(expected)


@pytest.mark.parametrize("shape", [0, 1])
def test_a_link_sees_the_known_part_of_the_present(shape):
    vocabulary = Vocabulary((Field("shape", 2), Field("color", 3)), closed=False)
    pieces = [[0, 2, 1, 3, 0, 2], [1, 3, 0, 3], [0, 2]]
    model = Idyom("color*shape").fit(TokenCorpus.from_sequences(pieces, vocabulary))

    def pairs(piece):
        return list(zip(piece[1::2], piece[::2], strict=True))

    expected = mixed(said([pairs(p) for p in pieces], [(3, 1)], [(color, shape) for color in (2, 3, 4)]), 7)
    assert row(model, [1, 3, shape])[2:5] == pytest.approx(expected)
    alone = mixed(said([p[::2] for p in pieces], [1], [0, 1]), 7)
    assert row(model, [1, 3])[:2] == pytest.approx(alone)


def test_octaves_share_what_their_class_has():
    model = Idyom("cpitch-class").fit(pitches([0, 1, 2], [12, 1, 13], size=14))
    p = row(model, [1, 2])
    assert p[0] == pytest.approx(p[12])
    assert p[1] == pytest.approx(p[13])
    assert p[:14].sum() == pytest.approx(1)


def test_before_there_is_a_reference_all_are_alike():
    assert row(Idyom("cpint").fit(pitches(*PIECES)), [])[:6] == pytest.approx([1 / 6] * 6)


def test_adapting_leaves_the_model_alone_and_is_fitting_on_more():
    first, whole = Idyom("cpint,cpitch").fit(pitches(*PIECES[:2])), Idyom("cpint,cpitch").fit(pitches(*PIECES))
    before = first.to_arrays()["pitch"].copy()
    later = first.adapt(PIECES[2])
    assert np.array_equal(first.to_arrays()["pitch"], before)
    test = pitches([0, 2, 4], [3, 3])
    assert later.corpus_log_probs(test) == pytest.approx(whole.corpus_log_probs(test))
    merged = first.merge(Idyom("cpint,cpitch").fit(pitches(PIECES[2])))
    assert merged.corpus_log_probs(test) == pytest.approx(whole.corpus_log_probs(test))
    with pytest.raises(VocabularyError, match="outside the alphabet"):
        first.adapt([9])


def test_another_alphabet():
    model = Idyom("cpint").fit(pitches(*PIECES))
    narrow = model.restricted(model.vocabulary_.restrict(range(5)))
    assert row(model, [0])[5] > 0
    assert row(narrow, [0])[5] == 0
    assert row(narrow, [0]).sum() == pytest.approx(1)
    with pytest.raises(VocabularyError):
        model.restricted(Vocabulary.plain(3))


def test_files_and_composing(tmp_path):
    songs = Corpus.from_text("\n\n".join(["4/4 c4 d e c c d e c e f g2 e4 f g2", "3/4 g4 a8 g f4 e2. d4 e f e2."]))
    pipeline = Pipeline(MelodyEncoding(), Idyom()).fit(songs)
    assert len(pipeline.model.reader_.plans[3].targets) > 3  # the published viewpoints are there
    path = pipeline.save(tmp_path / "songs.smm")
    loaded = Pipeline.load(path)
    assert loaded.score(songs) == pipeline.score(songs)
    one, other = (p.compose(2, seed=1, max_events=6) for p in (pipeline, loaded))
    assert [take.piece.symbols.tolist() for take in one] == [take.piece.symbols.tolist() for take in other]


def test_published_viewpoints_are_those_that_events_can_show():
    links = Idyom()._links(pitches([0]).vocabulary)["pitch"]
    assert [link.derived for link in links] == [("cpintfref", "cpintfip"), ("cpintfip",)]
    whole = Idyom()._links(MelodyEncoding().vocabulary)
    assert len(whole["pitch"]) == len(PUBLISHED.split(","))
    assert [link.derived for link in whole["duration"]] == [("duration",)]


@pytest.mark.parametrize(
    ("params", "error", "says"),
    [
        ({"viewpoints": "cpint*cpit"}, UnknownNameError, "cpitch"),
        ({"viewpoints": "recentset*cpint"}, InvalidParameterError, "predicts nothing"),
        ({"viewpoints": "cpint*dur"}, InvalidParameterError, "duration"),
        ({"memory": "shot"}, UnknownNameError, "short"),
        ({"bias": -1}, InvalidParameterError, "bias is -1"),
        ({"viewpoint_bias": np.inf}, InvalidParameterError, "viewpoint_bias is inf"),
    ],
)
def test_parameters_are_checked(params, error, says):
    with pytest.raises(error, match=says):
        Idyom(**params).fit(pitches([0, 1]))


def test_what_is_not_known_yet_is_no_part_of_a_link():
    vocabulary = MelodyEncoding().vocabulary
    with pytest.raises(InvalidParameterError, match="before 'cpitch' is known"):
        Idyom("dur*cpitch")._links(vocabulary)


def test_nothing_to_learn_from():
    with pytest.raises(EmptyCorpusError, match="no symbols"):
        Idyom().fit(pitches())
    with pytest.raises(ModelFileError, match="pitch"):
        Idyom().from_arrays({}, pitches([0]).vocabulary)


def test_reasons_add_up_to_surprise_less_what_was_expected():
    corpus = pitches(*PIECES, closed=True)
    for kind in (Idyom("cpitch,cpint"), Idyom("cpint", "short"), Idyom()):
        model = kind.fit(corpus)
        rows = [row(model, PIECES[0][:i]) for i in range(6)]
        entropy = [-(p[p > 0] * np.log(p[p > 0])).sum() for p in rows]
        said = model.reasons(corpus.select([0]), np.arange(6))
        expected = [np.log(p[s]) + h for p, s, h in zip(rows, corpus[0], entropy, strict=True)]
        assert [sum(reason.nats for reason in why.reasons) for why in said] == pytest.approx(expected)


def test_reasons_are_counted_after_the_longest_context():
    model = Idyom("cpitch").fit(pitches([0, 1, 2], [3, 1, 2], [4, 1, 0]))
    [why] = model.reasons(pitches([5, 1, 2]), np.array([2]))
    told = {reason.memory: reason[3:] for reason in why.reasons}
    assert told["corpus"] == ("after the 1 latest", 2, 3)
    assert told["piece"] == ("", 0, 2)
