"""Going on from a piece: its notes, header and key come first, whatever the model and the constraint."""

import pytest
from symusic import KeySignature

import stochastic_music as sm
from stochastic_music.corpus.text import score_from_text
from stochastic_music.errors import EncodingError, UnsatisfiableError, UsageError
from stochastic_music.models.multiple_viewpoint import MultipleViewpoint

TUNES = [
    "3/4 c4 d e f2. g4 a b c'2.",
    "3/4 e4 d c g2. c4 e g c'2.",
    "3/4 c'4 b a g2. e4 f d c2.",
    "4/4 c4 d e c d e f2 e4 d c2",
]
CORPUS = sm.Corpus.from_scores([score_from_text(tune) for tune in TUNES])
MODELS = {
    "exact": lambda: sm.Markov(1, "witten_bell"),
    "particle": lambda: MultipleViewpoint("cpint:1", "none"),
    "memory": lambda: sm.STM(order_bound=2),
}


def in_g():
    score = score_from_text("3/4 g4 | a4 b g d'2. b4 a")
    score.key_signatures.append(KeySignature(0, 1, 0))
    score.tempos[0].qpm = 90
    return score


def notes(score):
    return [(n.time / score.tpq, n.duration / score.tpq, n.pitch) for n in score.tracks[0].notes]


def fitted(model="exact", transpose="common"):
    return sm.Pipeline(sm.MelodyEncoding(), MODELS[model](), transpose=transpose).fit(CORPUS)


@pytest.mark.parametrize("transpose", ["common", "none", "all"])
@pytest.mark.parametrize("model", MODELS)
def test_the_piece_begins_with_it_in_its_key_and_meter(model, transpose):
    pipeline, given = fitted(model, transpose), in_g()
    for constraint in (None, sm.Bars(6), sm.Length(12)):
        [take] = pipeline.compose(1, start=given, constraint=constraint, seed=1, temperature=0.9, top_p=0.95)
        found = notes(take.score)
        assert found[:7] == notes(given)
        assert len(found) > 7
        assert take.n_given == 7
        assert take.score.key_signatures[0].key == 1
        assert take.score.tempos[0].qpm == pytest.approx(90, abs=0.01)
        assert take.score.time_signatures[-1].numerator == 3
        if isinstance(constraint, sm.Length):
            assert len(found) == 12
        if isinstance(constraint, sm.Bars):  # counted from the beginning, after the pickup of one beat
            assert found[-1][0] + found[-1][1] in {1 + 6 * 3, 6 * 3}
        exact = model == "exact" or constraint is None
        assert take.sample.guarantee == ("exact" if exact else "particle")


def test_what_was_given_surprises_nobody():
    pipeline = fitted()
    [take] = pipeline.compose(1, start=in_g(), seed=2)
    opening = pipeline.opening(in_g())
    whole = pipeline.model.restricted(pipeline.composer[1].vocabulary_)
    before = whole.log_prob(opening.symbols, opening.header)
    assert take.sample.log_prob == pytest.approx(whole.log_prob(take.sample.symbols, opening.header) - before)


def test_the_same_seed_gives_the_same_and_none_of_it_changes_what_comes_without():
    pipeline = fitted()
    first = pipeline.sample(1, seed=3)[0]
    again = [notes(pipeline.sample(1, start=in_g(), seed=3)[0]) for _ in range(2)]
    assert again[0] == again[1]
    assert notes(pipeline.sample(1, seed=3)[0]) == notes(first)


def test_what_there_is_to_know_of_a_start_is_said(caplog):
    start = score_from_text("3/4 c4 d e- f#8. g16 a2")
    start.tracks.append(score_from_text("3/4 C1").tracks[0])
    [take] = fitted().compose(1, start=start, seed=1)
    assert "1 part not encoded" in caplog.text
    assert "it is taken to be in" in caplog.text
    assert "never has (pitch" in caplog.text
    assert take.n_given == 6
    caplog.clear()
    fitted(transpose="none").compose(1, start=CORPUS[0].score, seed=1)
    assert not caplog.text


def test_starts_that_leave_nothing_to_add():
    pipeline = fitted()
    two_bars = score_from_text("3/4 c4 d e f2.")
    with pytest.raises(UnsatisfiableError, match="nothing comes after the start"):
        pipeline.compose(1, start=two_bars, constraint=sm.Bars(2), seed=1)
    with pytest.raises(UnsatisfiableError, match=r"cannot lead to Bars\(1\)"):
        pipeline.compose(1, start=two_bars, constraint=sm.Bars(1), seed=1)
    with pytest.raises(UsageError, match="its own header"):
        pipeline.compose(1, start=two_bars, header=pipeline.headers_[0])


def test_a_start_in_another_encoding_says_what_the_model_reads():
    pipeline = sm.Pipeline(sm.VoicesEncoding(n_voices=4), sm.Markov(1))
    chord = sm.Corpus.from_scores([_chorale(tune) for tune in TUNES[:3]])
    pipeline.fit(chord)
    with pytest.raises(EncodingError, match="reads music as voices"):
        pipeline.compose(1, start=in_g())
    [take] = pipeline.compose(1, start=chord[0].score, constraint=sm.Bars(6), seed=1)
    assert [len(track.notes) > 0 for track in take.score.tracks] == [True] * 4


def _chorale(tune):
    score = score_from_text(tune)
    for below in (5, 9, 16):
        track = score.tracks[0].copy()
        score.tracks.append(track.shift_pitch(-below))
    return score


def test_a_model_that_smooths_nothing_names_what_it_rules_out():
    pipeline = sm.Pipeline(sm.MelodyEncoding(), sm.Markov(1, "none")).fit(CORPUS)
    with pytest.raises(UnsatisfiableError, match=r"cannot go on from the start: it holds its event \d"):
        pipeline.compose(1, start=score_from_text("4/4 e4 e e e"), seed=1)
