"""Headers are drawn from the corpus; those under which a request cannot be met make way for others."""

import pytest

import stochastic_music as sm
from stochastic_music.constraints import At, Bars
from stochastic_music.corpus.text import score_from_text
from stochastic_music.errors import UsageError

TUNES = ["4/4 c4 d e c g2 c2", "3/4 c4 d e f2. e4 d c c2.", "3/4 e4 d c d2. e4 d c c2."]


@pytest.fixture(scope="module")
def pipeline():
    corpus = sm.Corpus.from_scores([score_from_text(tune) for tune in TUNES])
    return sm.Pipeline(sm.MelodyEncoding(), sm.Markov(1, "witten_bell")).fit(corpus)


def test_a_request_that_needs_four_beats_is_met_under_four_beats(pipeline):
    asked = Bars(2) & At(1, 4, "C4")
    takes = pipeline.compose(8, constraint=asked, seed=1)
    assert all(take.sample.header.meters[0][1:] == (4, 4) for take in takes)
    for n in (1, 3):
        few = pipeline.compose(n, constraint=asked, seed=1)
        assert [t.sample.symbols.tolist() for t in few] == [t.sample.symbols.tolist() for t in takes[:n]]


def test_headers_that_fit_are_drawn_as_ever(pipeline):
    meters = {take.sample.header.meters[0][1] for take in pipeline.compose(8, constraint=Bars(2), seed=1)}
    assert meters == {3, 4}


def test_a_request_that_no_header_fits_says_why(pipeline):
    with pytest.raises(UsageError, match="beat"):
        pipeline.compose(2, constraint=Bars(2) & At(1, 5, "C4"), seed=1)
