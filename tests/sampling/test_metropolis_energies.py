"""Metropolis under a model that only compares pieces, and only those of one length: the maximum-entropy model."""

import numpy as np
import pytest

from stochastic_music import MelodyEncoding, Pipeline
from stochastic_music.corpus import Corpus
from stochastic_music.errors import UsageError
from stochastic_music.models import Markov, MaxEnt
from stochastic_music.pipeline.walking import walked
from stochastic_music.sampling.metropolis import Layout, Plan, Style, Target
from stochastic_music.sampling.metropolis.catalogue import proposals


@pytest.fixture(scope="module")
def pipeline():
    corpus = Corpus.from_text("3/4 r2 g4 c'4. d'8 e'4 d'2 g4 e'4. d'8 c'4 b2 g4 c'4. e'8 d'4 c'2 g4 a4. b8 c'4 c'2")
    return Pipeline(MelodyEncoding(), MaxEnt(reach=1, n_steps=5, n_refinements=0, n_sweeps=1)).fit(corpus)


def test_the_target_is_the_density_under_the_header(pipeline):
    corpus, model = pipeline.corpus_, pipeline.model
    header = corpus.headers[0]
    pieces = Layout(corpus.vocabulary).laid_out([corpus.symbols], 40)
    target = Target.of(model, header)
    expected = model.log_density(*pieces, header)
    assert target(pieces)[0] == expected
    assert model.log_density(*pieces) != expected  # in 4/4 other marks are heard
    assert str(header) in target.identity["model"]


def test_notes_are_neither_split_nor_joined_where_lengths_cannot_be_compared(pipeline):
    model = pipeline.model
    target = Target.of(model, pipeline.corpus_.headers[0])
    assert "split" not in proposals(target).name
    with pytest.raises(UsageError, match="leave 'split' out"):
        proposals(target, {"split": 1})
    markov = Markov(1).fit(pipeline.corpus_)
    assert "split" in proposals(Target.of(markov)).name
    assert "split" not in proposals(Target.of(markov, soft=[(Style(model), 1.0)])).name


def test_takes_have_as_many_notes_as_at_the_start_and_no_bits(pipeline):
    walk = walked(pipeline, 2, n_chains=2, plan=Plan(steps=40), seed=1)
    assert (walk.run.lengths == walk.run.start.lengths).all()
    assert all(np.isnan(take.bits_per_note) for take in walk.takes)
