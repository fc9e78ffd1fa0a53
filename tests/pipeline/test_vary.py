"""Variations: what is to stay stays, they differ from the piece and from each other, and end as it does."""

from itertools import pairwise

import pytest
from symusic import Note

import stochastic_music as sm
from stochastic_music.corpus.text import score_from_text
from stochastic_music.errors import UnknownNameError, UnsatisfiableError, UsageError
from tests.pipeline.test_around import CORPUS, EIGHT, but, inside, rows

FOUR = "4/4 c4 d e c e f g2 e4 d c d e2 c"


@pytest.fixture(scope="module")
def pipeline():
    return sm.Pipeline(sm.MelodyEncoding(), sm.Markov(1, "witten_bell"), transpose="common").fit(CORPUS)


def signs(notes):
    pitches = [pitch for _, _, pitch in notes]
    return [(b > a) - (b < a) for a, b in pairwise(pitches)]


def share(notes, original):
    places = {(onset, pitch) for onset, _, pitch in original}
    return sum((onset, pitch) in places for onset, _, pitch in notes) / len(original)


def end(notes):
    return max(onset + length for onset, length, _ in notes)


def test_the_rhythm_stays_and_pitches_change(pipeline):
    score = score_from_text(FOUR)
    takes = pipeline.vary(score, 5, keep=["rhythm"], seed=1)
    for take in takes:
        assert [note[:2] for note in rows(take.score)] == [note[:2] for note in rows(score)]
        assert take.sample.guarantee == "exact"
    found = [tuple(rows(take.score)) for take in takes]
    assert len({*found, tuple(rows(score))}) == 6


def test_the_contour_stays(pipeline):
    score = score_from_text(FOUR)
    for take in pipeline.vary(score, 3, keep=["contour"], seed=1):
        assert signs(rows(take.score)) == signs(rows(score))
        assert end(rows(take.score)) == end(rows(score))


def test_a_variation_ends_on_the_last_note_of_the_piece_or_on_the_one_asked_for(pipeline):
    score = score_from_text(FOUR)
    for asked, last in [(None, 60), (sm.EndsOn("G4"), 67)]:
        takes = pipeline.vary(score, 8, keep=["rhythm"], constraint=asked, seed=1)
        assert {rows(take.score)[-1][2] for take in takes} == {last}


@pytest.mark.parametrize("similarity", [0.3, 0.8])
def test_about_the_share_of_notes_asked_for_comes_back(pipeline, similarity):
    score = score_from_text(EIGHT)
    for take in pipeline.vary(score, 3, similarity=similarity, seed=1):
        assert share(rows(take.score), rows(score)) == pytest.approx(similarity, abs=0.0501)
        assert end(rows(take.score)) == 32


def test_seven_in_ten_come_back_where_nothing_else_is_asked(pipeline):
    score = score_from_text(EIGHT)
    [take] = pipeline.vary(score, seed=1)
    assert share(rows(take.score), rows(score)) == pytest.approx(0.7, abs=0.0501)


def test_bars_stay_several_of_them_too(pipeline):
    score = score_from_text(EIGHT)
    for take in pipeline.vary(score, 2, keep_bars=[(5, 6), (1, 2)], keep=["rhythm"], seed=1):
        for begin, end_ in ((0, 8), (16, 24)):
            assert inside(rows(take.score), begin, end_) == inside(rows(score), begin, end_)
        assert rows(take.score) != rows(score)
        assert len(take.new.onset) == len(but(but(rows(score), 0, 8), 16, 24))


def test_demands_hold_as_well(pipeline):
    takes = pipeline.vary(score_from_text(FOUR), 3, keep=["rhythm"], constraint=sm.PitchRange("C4", "F4"), seed=1)
    assert all(60 <= pitch <= 65 for take in takes for _, _, pitch in rows(take.score))


def test_a_part_with_long_silences_is_varied_throughout(pipeline):
    score = score_from_text(FOUR)
    for onset, length, pitch in rows(score):
        score.tracks[0].notes.append(Note(round((onset + 80) * 480), round(length * 480), pitch, 80))
    [take] = pipeline.vary(score, keep=["rhythm"], seed=1)
    assert [note[:2] for note in rows(take.score)] == [note[:2] for note in rows(score)]
    assert rows(take.score)[:15] != rows(score)[:15]
    assert rows(take.score)[15:] != rows(score)[15:]


def test_equal_seeds_give_equal_variations_and_one_does_not_depend_on_how_many(pipeline):
    score = score_from_text(FOUR)
    first = [rows(take.score) for take in pipeline.vary(score, 6, keep=["rhythm", "contour"], seed=3)]
    assert [rows(take.score) for take in pipeline.vary(score, 3, keep=["rhythm", "contour"], seed=3)] == first[:3]
    assert len({tuple(notes) for notes in first}) == 6


def test_no_more_variations_are_given_than_there_are(pipeline):
    with pytest.raises(UnsatisfiableError, match=r"only [0-9]+ variations"):
        pipeline.vary(
            score_from_text("4/4 c2 d"), 9, keep=["rhythm", "contour"], constraint=sm.PitchRange("C4", "E4"), seed=1
        )


def test_wrong_use(pipeline):
    score = score_from_text(FOUR)
    with pytest.raises(UnknownNameError, match=r"'rythm': did you mean 'rhythm'"):
        pipeline.vary(score, keep=["rythm"])
    with pytest.raises(UsageError, match=r"1\.5"):
        pipeline.vary(score, similarity=1.5)
    with pytest.raises(UsageError, match="nothing to vary"):
        pipeline.vary(score, keep_bars=[(1, 4)])
    with pytest.raises(UsageError, match="bars 9-10 was asked for"):
        pipeline.vary(score, keep_bars=[(9, 10)])
    with pytest.raises(UnsatisfiableError, match="excludes notes that are kept: C4 in bar 1"):
        pipeline.vary(score, keep_bars=[(1, 1)], constraint=sm.PitchRange("D4", "G4"))
