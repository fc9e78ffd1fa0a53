"""Guides of a pipeline: fitted from its own symbols, when particles ask for them."""

import pytest

import stochastic_music as sm
from stochastic_music.constraints import Bars
from stochastic_music.models import PPM, STM, Mixture
from stochastic_music.pipeline.guiding import ORDER, Guides

FEW = {"n_particles": 4, "sweeps": 0}


@pytest.fixture
def pipeline():
    corpus = sm.Corpus.from_text("4/4 c4 d e c c d e c e f g2 e4 f g2")
    return sm.Pipeline(sm.MelodyEncoding(), Mixture([PPM(1), STM(1)])).fit(corpus)


def test_guides_remember_less_and_less_and_hold_every_symbol_possible(pipeline):
    vocabulary = pipeline.vocabulary_.restrict(pipeline.alphabet_)
    guides = Guides(pipeline.corpus_, vocabulary)
    assert [guide.order for guide in guides] == list(range(ORDER, -1, -1))
    assert guides[0] is guides[0]
    for guide in guides:
        _, symbol, _, _ = guide.arcs([guide.start()])
        assert set(symbol.tolist()) >= {vocabulary.end} | set(range(*_field(vocabulary))) & set(pipeline.alphabet_)


def test_particles_are_led_by_what_the_pipeline_learned(pipeline):
    assert pipeline.guides is None
    [take] = pipeline.compose(1, constraint=Bars(3), seed=1, **FEW)
    assert take.sample.guarantee == "particle"
    first = pipeline.guides
    pipeline.compose(1, constraint=Bars(2), seed=1, **FEW)
    assert pipeline.guides is first


def test_without_sources_nothing_leads(pipeline, tmp_path):
    pipeline.save(tmp_path / "bare.smm", sources=False)
    bare = sm.Pipeline.load(tmp_path / "bare.smm")
    [take] = bare.compose(1, constraint=Bars(3), seed=1, **FEW)
    assert bare.guides is None
    assert take.score.end() == pipeline.compose(1, constraint=Bars(3), seed=1, **FEW)[0].score.end()


def _field(vocabulary):
    return int(vocabulary.starts[0]), int(vocabulary.starts[1])
