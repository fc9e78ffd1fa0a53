"""Several fitted pipelines as one: what it knows, how it is saved, where its weights lead."""

import json

import numpy as np
import pytest

import stochastic_music as sm
from stochastic_music import model_file, registry
from stochastic_music.corpus.text import score_from_text
from stochastic_music.errors import InvalidParameterError, UsageError, VocabularyError
from stochastic_music.models import Glide
from stochastic_music.models.multiple_viewpoint import MultipleViewpoint

LOW = ["3/4 c4 d e d2. e4 d c d2.", "3/4 d4 e c e2. c4 c d c2."]
HIGH = ["4/4 c''4 d'' e'' d'' c''4 e'' d''2", "4/4 e''4 d'' c''2 d''4 e'' c''2", "4/4 d''4 c'' d'' e'' c''1"]


def corpus_of(tunes, licence):
    return sm.Corpus.from_scores([score_from_text(t) for t in tunes], source=licence.lower(), licence=licence)


A, B = corpus_of(LOW, "CC0"), corpus_of(HIGH, "CC BY 4.0")


def fitted(model, corpus, **options):
    return sm.Pipeline(sm.MelodyEncoding(), model, **options).fit(corpus)


def pair(one=None, other=None):
    return [fitted(one or sm.Markov(1, "none"), A), fitted(other or sm.Markov(1, "none"), B)]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"weights": (1, 3)},
        {"weights": Glide((1, 0), (0, 1), 1, 5)},
        {"rule": "geometric", "bias": 7.0},
        {"rule": "posterior"},
    ],
    ids=str,
)
def test_a_mixture_is_saved_and_opened(options, tmp_path):
    mixed = sm.Pipeline.mix(pair(sm.PPM(2), MultipleViewpoint("cpint:1", "none")), **options)
    mixed.save(tmp_path / "mixed.smm")
    opened = sm.Pipeline.load(tmp_path / "mixed.smm")
    tokens = mixed.corpus_
    assert np.array_equal(opened.log_probs(opened.corpus_), mixed.log_probs(tokens))
    assert model_file.dumps(*opened.contents()) == (tmp_path / "mixed.smm").read_bytes()
    assert opened.sample(1, seed=1)[0].tracks[0].notes == mixed.sample(1, seed=1)[0].tracks[0].notes
    meta = model_file.ModelFile(tmp_path / "mixed.smm").meta
    assert meta["model"][0] == "mixture"
    assert [model["models"][0] for model in meta["model"][1]["models"]] == ["ppm", "multiple_viewpoint"]


def test_learned_weights_are_saved(tmp_path):
    models = pair(sm.Markov(0, "add_k"), sm.Markov(1, "add_k"))
    mixed = sm.Pipeline.mix(models, "learned", held_out=corpus_of(["3/4 d4 c d e2. d4 e d c2."], "CC0"))
    opened = sm.Pipeline.load(mixed.save(tmp_path / "mixed.smm"))
    assert np.array_equal(opened.model.exponents_, mixed.model.exponents_)
    assert np.array_equal(opened.log_probs(opened.corpus_), mixed.log_probs(mixed.corpus_))


def test_a_mixture_fitted_as_one_is_saved_and_merged(tmp_path):
    def make():
        return sm.Mixture([sm.Markov(1), sm.Mixture(None, "geometric", bias=2)], weights=(2, 1))

    one, other, both = (fitted(make(), corpus) for corpus in (A, B, A + B))
    both.save(tmp_path / "both.smm")
    written = (tmp_path / "both.smm").read_bytes()
    assert model_file.dumps(*sm.Pipeline.load(tmp_path / "both.smm").contents()) == written
    assert model_file.dumps(*one.merge(other).contents()) == written
    assert model_file.dumps(*both.forget(B).contents()) == model_file.dumps(*one.contents())


def test_it_knows_the_pieces_of_all():
    one, other = pair()
    mixed = sm.Pipeline.mix([one, other])
    assert mixed.card_["n_pieces"] == 5
    assert mixed.card_["licences"] == ["CC BY 4.0", "CC0"]
    assert mixed.corpus_.names == (*one.corpus_.names, *other.corpus_.names)
    assert set(mixed.fingerprints_) == {*one.fingerprints_, *other.fingerprints_}
    assert one.pieces_.opens.all()


def test_weights_glide_from_one_corpus_to_the_other():
    mixed = sm.Pipeline.mix(
        pair(sm.Markov(0, "none"), sm.Markov(0, "none")), weights=Glide((1, 0), (0, 1), 0, 8, "event")
    )
    firsts, lasts = [], []
    for take in mixed.compose(20, seed=1, constraint=sm.Length(12), method="greedy"):
        pitches = [note.pitch for note in take.score.tracks[0].notes]
        assert take.score.time_signatures[0].numerator == 3  # the header is the first corpus's
        firsts.append(pitches[0])
        lasts += pitches[9:]
    assert max(firsts) < 72 <= min(lasts)


def test_headers_come_from_those_that_have_a_weight_at_the_beginning():
    for weights, meters in (((1, 1), {3, 4}), ((1, 0), {3}), (Glide((0, 1), (1, 0), 1, 2), {4})):
        takes = sm.Pipeline.mix(pair(sm.Markov(1), sm.Markov(1)), weights=weights).compose(20, seed=2)
        assert {take.sample.header.meters[0].numerator for take in takes} == meters


def test_what_cannot_be_mixed_is_named():
    one, other = pair()
    with pytest.raises(InvalidParameterError, match="sum to zero"):
        sm.Pipeline.mix([one, other], weights=(0, 0))
    with pytest.raises(VocabularyError, match=r"models 1 and 2 .* 'rest' of 193 .* one encoding and grid"):
        sm.Pipeline.mix([one, sm.Pipeline(sm.MelodyEncoding(grid="1/8"), sm.Markov(1)).fit(B)])
    with pytest.raises(UsageError, match=r"'none', the other 'common'"):
        sm.Pipeline.mix([one, fitted(sm.Markov(1), B, transpose="common")])
    with pytest.raises(UsageError, match="held_out"):
        sm.Pipeline.mix([one, other], "learned")
    mixed = sm.Pipeline.mix([one, other])
    for change in (lambda: mixed.merge(mixed), lambda: mixed.forget(A)):
        with pytest.raises(UsageError, match=r"fitted apart .* one by one"):
            change()


def test_a_function_for_weights_cannot_be_saved(tmp_path):
    mixed = sm.Pipeline.mix(pair(), weights=lambda moment: np.ones((len(moment.event), 2)))
    assert len(mixed.sample(1, seed=1)) == 1
    with pytest.raises(UsageError, match=r"weights of mixture is <function .* cannot be saved.* Glide"):
        mixed.save(tmp_path / "mixed.smm")
    assert not list(tmp_path.iterdir())


def test_a_glide_is_plain_json():
    glide = Glide((1, 0.5), (0, 1), first=1, last=9)
    written = json.loads(json.dumps(registry.to_json("weights", glide)))
    assert written == ["glide", {"start": [1, 0.5], "end": [0, 1], "first": 1, "last": 9, "unit": "bar"}]
    assert registry.from_json("weights", written) == glide


def test_a_start_goes_on_as_the_mixture_does():
    mixed = sm.Pipeline.mix(pair(sm.PPM(1), sm.PPM(1)), weights=Glide((1, 0), (0, 1), 1, 5))
    [take] = mixed.compose(1, start=A[0].score, constraint=sm.Bars(6), seed=1)
    assert take.n_given == 8
    assert take.sample.guarantee == "particle"
