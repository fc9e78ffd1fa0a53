"""What a pipeline notes of the ends of its pieces."""

import pytest

import stochastic_music as sm


@pytest.mark.parametrize(("length", "on_line"), [(1, True), (0.75, False)])
def test_whether_pieces_stop_on_a_bar_line_is_noted(tune, length, on_line):
    scores = [tune([(i, length, 60 + i % 5) for i in range(8)]) for _ in range(3)]
    pipeline = sm.Pipeline(sm.MelodyEncoding(), sm.Markov(order=1)).fit(sm.Corpus.from_scores(scores))
    assert pipeline.card_["ends_on_line"] is on_line


def test_a_pickup_completes_the_last_bar():
    corpus = sm.Corpus.from_text("3/4 c4 d2. c2")
    pipeline = sm.Pipeline(sm.MelodyEncoding(), sm.Markov(order=1)).fit(corpus)
    assert pipeline.headers_[0].pickup == 0 or pipeline.card_["ends_on_line"]


def test_meters_that_begin_after_the_music_are_not_written(tune):
    from symusic import TimeSignature

    score = tune([(i, 1, 60 + i % 5) for i in range(16)])
    score.time_signatures.append(TimeSignature(8 * 480, 3, 4))
    pipeline = sm.Pipeline(sm.MelodyEncoding(), sm.Markov(order=1)).fit(sm.Corpus.from_scores([score] * 2))
    [take] = pipeline.compose(1, constraint=sm.Bars(2), seed=1)
    assert [(int(s.time), int(s.numerator)) for s in take.score.time_signatures] == [(0, 4)]
    [longer] = pipeline.compose(1, constraint=sm.Bars(3), seed=1)
    assert [int(s.numerator) for s in longer.score.time_signatures] == [4, 3]
