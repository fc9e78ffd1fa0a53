"""Pieces moved by semitones: what moves, what stays, how far each can go."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stochastic_music.corpus import TokenCorpus
from stochastic_music.errors import InvalidParameterError
from stochastic_music.models.neural.transposing import movable, pitch_ids, random_shifts, transposed
from stochastic_music.testing.toys import ticking, two_fields
from stochastic_music.tokens import Field, Header, Vocabulary
from stochastic_music.tokens.frames import Frames
from stochastic_music.tokens.header import Part
from stochastic_music.tokens.voices import HOLD, REST, voice_field

MELODY = Vocabulary(
    (Field("rest", 4, advances="now"), Field("duration", 8, first=1, advances="later"), Field("pitch", 128)), 2
)
QUARTET = Vocabulary((Field("phrase", 2), voice_field("voice1"), voice_field("voice2")), 2, step=2)


def spelled(vocabulary, events):
    """The ids of events, each the values of its fields."""
    return [vocabulary.symbol(f.name, v) for event in events for f, v in zip(vocabulary.fields, event, strict=True)]


@st.composite
def corpora(draw):
    """Melodies, or two voices that rest and hold, of one to four pieces."""
    if draw(st.booleans()):
        vocabulary, event = MELODY, st.tuples(st.integers(0, 3), st.integers(1, 8), st.integers(0, 127))
    else:
        voice = st.integers(REST, 127)
        vocabulary, event = QUARTET, st.tuples(st.integers(0, 1), voice, voice)
    pieces = draw(st.lists(st.lists(event, max_size=6), min_size=1, max_size=4))
    keys = [draw(st.sampled_from([None, "C", "Gm", "F#", "Ab:dorian"])) for _ in pieces]
    headers = [None if key is None else Header(2, key=key) for key in keys]
    return TokenCorpus.from_sequences([spelled(vocabulary, piece) for piece in pieces], vocabulary, headers=headers)


@given(corpora(), st.integers(1, 40), st.integers(0, 9))
@settings(max_examples=60, deadline=None)
def test_there_and_back_is_where_it_was(corpus, reach, seed):
    shifts = random_shifts(corpus, reach, np.random.default_rng(seed))
    assert (np.abs(shifts) <= reach).all()
    moved = transposed(corpus, shifts)
    back = transposed(moved, -shifts)
    assert (back.symbols == corpus.symbols).all()
    assert [h and h.transposed for h in back.headers] == [h and 0 for h in corpus.headers]


@given(corpora(), st.integers(-130, 130))
@settings(max_examples=60, deadline=None)
def test_only_pitches_move_and_all_by_the_same(corpus, shift):
    shifts = np.where(movable(corpus, [shift])[:, 0], shift, 0)
    moved = transposed(corpus, shifts)
    pitches = pitch_ids(corpus.vocabulary)[corpus.symbols]
    assert (moved.symbols[~pitches] == corpus.symbols[~pitches]).all()
    values = corpus.vocabulary.values
    assert (values(moved.symbols) - values(corpus.symbols) == pitches * shifts[corpus.piece]).all()
    assert (corpus.vocabulary.field_of(moved.symbols) == corpus.vocabulary.field_of(corpus.symbols)).all()


@given(corpora())
@settings(max_examples=40, deadline=None)
def test_a_piece_goes_as_far_as_its_highest_and_lowest_pitch(corpus):
    shifts = np.arange(-140, 141)
    table = movable(corpus, shifts)
    for row, piece in zip(table, corpus, strict=True):
        pitches = corpus.vocabulary.values(piece)[pitch_ids(corpus.vocabulary)[piece]]
        low, high = pitches.min(initial=127), pitches.max(initial=0)
        expected = (shifts >= -low) & (shifts <= 127 - high) if len(pitches) else np.ones(len(shifts), bool)
        assert (row == expected).all()


def test_rests_and_held_notes_stay():
    corpus = TokenCorpus.from_sequences([spelled(QUARTET, [(0, 60, REST), (1, HOLD, 48)])], QUARTET)
    assert transposed(corpus, [3])[0].tolist() == [*spelled(QUARTET, [(0, 63, REST), (1, HOLD, 51)]), QUARTET.end]


def test_sets_of_pitches_keep_their_order():
    frames = Frames(3)
    corpus = TokenCorpus.from_sequences([frames.symbols([{60, 64, 67}, set(), {59}])], frames.vocabulary)
    assert frames.sets(transposed(corpus, [-5])[0]) == [(62, 59, 55), (), (54,)]


def test_the_header_goes_along():
    header = Header(2, key="Em", transposed=2, given=(("pitch", (60, 62)), ("duration", (2, 2))))
    corpus = TokenCorpus.from_sequences([spelled(MELODY, [(0, 2, 60), (0, 2, 62)])], MELODY, headers=[header])
    moved = transposed(corpus, [3]).headers[0]
    assert (moved.key, moved.transposed) == ("Gm", 5)
    assert dict(moved.given) == {"pitch": (63, 65), "duration": (2, 2)}


def test_an_alphabet_with_holes_limits_where_pieces_go():
    whole = Vocabulary.plain(10, name="pitch")
    corpus = TokenCorpus.from_sequences([[0, 2, 4], [2]], whole.restrict([0, 2, 4, 6, 7]))
    assert movable(corpus, [1, 2, 4]).tolist() == [[False, True, False], [False, True, True]]
    wider = replace(corpus, vocabulary=whole)
    assert movable(wider, [1, 2, 4]).all()


def test_drums_and_music_without_pitches_stay():
    drums = Header(1, parts=(Part("Drums", 0, True),))
    corpus = replace(ticking(), headers=(drums, *ticking().headers[1:]))
    assert not movable(corpus, [-1, 1])[0].any()
    assert (random_shifts(two_fields(), 6, np.random.default_rng(0)) == 0).all()


@pytest.mark.parametrize(("shifts", "says"), [([99, 0, 0], "piece '0' cannot be moved by 99"), ([0], "one a piece")])
def test_what_cannot_be_is_refused(shifts, says):
    with pytest.raises(InvalidParameterError, match=says):
        transposed(ticking(), shifts)


def test_every_shift_that_can_be_is_drawn_equally_often():
    corpus = TokenCorpus.from_sequences([[1]] * 3000, Vocabulary.plain(4, name="pitch"))
    found = np.bincount(random_shifts(corpus, 6, np.random.default_rng(1)) + 1, minlength=4)
    assert len(found) == 4
    assert (np.abs(found - 750) < 5 * np.sqrt(750)).all()  # fails once in a million
