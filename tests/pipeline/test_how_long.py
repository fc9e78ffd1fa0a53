"""Under a constraint pieces are never cut, nor shorter than is usual, unless it says itself how long the music is."""

import pytest

import stochastic_music as sm
from stochastic_music.constraints import AtMost, Bars, EndsOn, InScale, Length
from stochastic_music.corpus.text import score_from_text
from stochastic_music.errors import UnsatisfiableError
from stochastic_music.models.multiple_viewpoint import MultipleViewpoint

TUNES = ["4/4 c4 d e c g2 c2", "4/4 e4 d c e d2 e4 c f2 c2", "4/4 g4 e d c c d e c e4 f g e c2 c2"]
KINDS = {
    "exact": lambda: sm.Markov(1, "witten_bell"),
    "particle": lambda: MultipleViewpoint("cpint:1", "none"),
}


@pytest.fixture(scope="module", params=list(KINDS))
def pipeline(request):
    corpus = sm.Corpus.from_scores([score_from_text(tune) for tune in TUNES])
    return sm.Pipeline(sm.MelodyEncoding(), KINDS[request.param]()).fit(corpus)


def sizes(pipeline, takes):
    assert not any(take.sample.capped for take in takes)
    return [len(take.sample.symbols) // pipeline.vocabulary_.n_fields for take in takes]


def test_nothing_is_cut_at_the_cap_nor_shorter_than_the_shortest_training_piece(pipeline):
    shortest, longest = pipeline.card_["least_events"], pipeline.card_["most_events"]
    takes = pipeline.compose(2, constraint=EndsOn("C"), max_events=8, seed=1)
    assert all(shortest <= n <= 8 for n in sizes(pipeline, takes))
    if takes[0].sample.guarantee == "exact":
        takes = pipeline.compose(24, constraint=InScale("C:major") & EndsOn("C"), seed=1)
        assert all(shortest <= n <= longest for n in sizes(pipeline, takes))


def test_a_constraint_that_tells_the_length_is_left_to_do_so(pipeline):
    assert sizes(pipeline, pipeline.compose(2, constraint=Length(3), seed=1)) == [3, 3]
    assert sizes(pipeline, pipeline.compose(1, constraint=AtMost(4), seed=1))[0] <= 4
    assert sizes(pipeline, pipeline.compose(1, constraint=Length(2) | Length(4), seed=1))[0] in {2, 4}


def test_bars_of_more_notes_than_the_cap_are_not_cut():
    corpus = sm.Corpus.from_scores([score_from_text(tune) for tune in TUNES])
    pipeline = sm.Pipeline(sm.MelodyEncoding(), sm.Markov(1, "witten_bell")).fit(corpus)
    for asked in (Bars(30), Bars(30) | Bars(31)):
        assert min(sizes(pipeline, pipeline.compose(2, constraint=asked, seed=1, max_events=10))) > 30


def test_each_take_has_more_than_its_start():
    corpus = sm.Corpus.from_scores([score_from_text(tune) for tune in TUNES])
    pipeline = sm.Pipeline(sm.MelodyEncoding(), sm.Markov(1, "witten_bell")).fit(corpus)
    start = score_from_text("4/4 c4 d e c d2 c2")
    for asked in (Bars(2) | Bars(3), AtMost(12), EndsOn("C")):
        assert min(sizes(pipeline, pipeline.compose(16, constraint=asked, start=start, seed=1))) > 6
        takes = pipeline.continue_(start, 8, constraint=asked, seed=1)
        assert all(len(take.new.onset) for take in takes)
    for n in (1, 5):
        with pytest.raises(UnsatisfiableError, match="nothing comes after the start"):
            pipeline.compose(n, constraint=Bars(2), start=start, seed=1)
