import pytest
from score_strategies import notes_of
from symusic import Note, Score, Track

import stochastic_music as sm
from stochastic_music.errors import EncodingError


def duo():
    score = Score(480)
    score.tracks.append(Track("left", 0, notes=[Note(0, 960, 48, 70)]))
    score.tracks.append(Track("beat", 0, True, notes=[Note(0, 240, 36, 90)]))
    score.tracks.append(Track("right", 0, notes=[Note(0, 480, 72, 70), Note(480, 480, 48, 70)]))
    return score


def test_chords_are_written_from_the_top():
    encoding = sm.NotesEncoding(part="right")
    score = Score(480)
    score.tracks.append(Track("right", notes=[Note(0, 480, p, 80) for p in (60, 67, 64)] + [Note(960, 480, 60, 80)]))
    columns = encoding.columns(encoding.encode(score)[0].symbols)
    assert columns["pitch"].tolist() == [67, 64, 60, 60]
    assert columns["shift"].tolist() == [0, 0, 0, 24]


def test_all_parts_but_the_drums_become_one_and_a_note_struck_again_ends():
    encoding = sm.NotesEncoding()
    pieces, loss = encoding.encode_reported(duo())
    assert notes_of(encoding.decode(pieces)) == [(0, 12, 48), (0, 12, 72), (12, 24, 48)]
    assert (loss.n_notes, loss.cut, loss.parts_left_out) == (3, 1, 1)
    assert [part.name for part in pieces[0].header.parts] == ["left, right"]


def test_drums_are_a_part_too():
    encoding = sm.NotesEncoding(part="drums")
    score = encoding.decode(encoding.encode(duo()))
    assert score.tracks[0].is_drum
    assert notes_of(score) == [(0, 6, 36)]


def test_a_number_takes_that_part_and_also_the_only_one():
    encoding = sm.NotesEncoding(part=2)
    pieces = encoding.encode(duo())
    assert len(encoding.encode(encoding.decode(pieces))[0].symbols) == len(pieces[0].symbols) == 7


def test_silence_is_shortened_under_a_held_note_only_where_it_is_silent():
    score = Score(480)
    score.tracks.append(Track("x", notes=[Note(0, 480 * 16, 60, 80), Note(480 * 30, 480, 62, 80)]))
    encoding = sm.NotesEncoding()
    pieces, loss = encoding.encode_reported(score)
    # 30 quarter notes are 14 too many; with silence for 14 alone, three bars of 4/4 and two beats have to go.
    assert notes_of(encoding.decode(pieces)) == [(0, 192, 60), (192, 204, 62)]
    assert (loss.rests_shortened, loss.cut) == (1, 0)


def test_a_score_of_drums_or_of_nothing_is_an_error():
    empty, drums = Score(480), Score(480)
    drums.tracks.append(Track("d", 0, True, notes=[Note(0, 1, 36, 80)]))
    with pytest.raises(EncodingError, match="no notes"):
        sm.NotesEncoding().encode(empty)
    with pytest.raises(EncodingError, match="drums only"):
        sm.NotesEncoding().encode(drums)
