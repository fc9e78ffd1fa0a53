import json

import numpy as np
import pytest
from score_strategies import notes_of
from symusic import Note, Score, TimeSignature, Track

import stochastic_music as sm
from stochastic_music.errors import EncodingError, InvalidParameterError, UnknownNameError
from stochastic_music.music import marks


def columns(encoding, score):
    return {name: values.tolist() for name, values in encoding.columns(encoding.encode(score)[0].symbols).items()}


def test_an_event_is_a_note_with_the_rest_before_it(tune):
    score = tune([(0, 1, 60), (1.5, 0.5, 62), (2, 1 / 3, 64), (2 + 1 / 3, 5, 65)])
    marks.add_phrase_ends(score, 0, [720])
    assert columns(sm.MelodyEncoding(), score) == {
        "rest": [0, 6, 0, 0],
        "duration": [12, 6, 4, 60],
        "phrase": [0, 1, 0, 0],
        "pitch": [60, 62, 64, 65],
    }


def test_phrase_marks_between_notes_belong_to_the_note_before(tune):
    score = tune([(0, 1, 60), (2, 1, 62)])
    marks.add_phrase_ends(score, 0, [700, 2000])
    assert columns(sm.MelodyEncoding(), score)["phrase"] == [1, 1]


@pytest.mark.parametrize(
    ("notes", "kept", "hidden", "cut"),
    [
        ([(0, 1, 60), (0, 1, 64), (1, 1, 62)], [(0, 12, 64), (12, 24, 62)], 1, 0),
        ([(0, 2, 60), (1, 1, 62)], [(0, 12, 60), (12, 24, 62)], 0, 1),
        # An accompaniment that moves under a held note does not cut it ...
        ([(0, 4, 72), (1, 1, 60), (2, 1, 60)], [(0, 48, 72)], 2, 0),
        # ... but a lower note that outlasts it takes over.
        ([(0, 2, 72), (1, 2, 60)], [(0, 12, 72), (12, 36, 60)], 0, 1),
        ([(0, 1, 60), (0, 2, 60)], [(0, 24, 60)], 1, 0),
    ],
)
def test_several_notes_at_once_are_thinned_to_the_highest_and_counted(tune, notes, kept, hidden, cut):
    encoding = sm.MelodyEncoding()
    pieces, loss = encoding.encode_reported(tune(notes))
    assert notes_of(encoding.decode(pieces)) == kept
    assert (loss.hidden, loss.cut, loss.n_notes) == (hidden, cut, len(kept))


def test_long_rests_lose_whole_bars_and_keep_the_beat(tune):
    score = tune([(0, 1, 60), (40, 1, 62)], meter=(3, 4))
    score.time_signatures.append(TimeSignature(13 * 3 * 480, 2, 4))
    encoding = sm.MelodyEncoding()
    pieces, loss = encoding.encode_reported(score)
    # 39 quarter notes of rest: 23 too many, which is 12 bars of 2/4; the note stays on beat 2 of a bar.
    assert loss.rests_shortened == 1
    assert columns(encoding, score)["rest"] == [0, (39 - 24) * 12]
    clock = encoding.vocabulary.clock
    state = clock.start([pieces[0].header])
    for symbol in pieces[0].symbols[:5]:
        state = clock.advance(state, np.array([symbol]))
    place = clock.place(state)
    assert (int(place.bar_length[0]), int(place.position[0])) == (24, 12)


def test_long_notes_end_early_and_are_counted(tune):
    _, loss = sm.MelodyEncoding(max_length=2).encode_reported(tune([(0, 5, 60), (5, 1, 62)]))
    assert loss.cut == 1
    assert columns(sm.MelodyEncoding(max_length=2), tune([(0, 5, 60), (5, 0.5, 62)]))["duration"] == [24, 6]


def test_ten_million_ticks_of_silence_are_sixteen_quarter_notes():
    score = Score(480)
    score.tracks.append(Track("x", notes=[Note(10_000_000, 480, 60, 80)]))
    assert 12 * 12 < columns(sm.MelodyEncoding(), score)["rest"][0] <= 16 * 12


def test_notes_never_get_length_zero(tune):
    score = tune([(0, 0.01, 60), (1, 0.02, 62), (1.01, 1, 64)])
    assert columns(sm.MelodyEncoding(), score)["duration"] == [3, 12]
    assert columns(sm.NotesEncoding(), score)["duration"] == [3, 12, 3]


def test_without_rests_a_note_lasts_until_the_next(tune):
    score = tune([(1, 1, 60), (3, 0.5, 62), (4, 1, 64)])
    encoding = sm.MelodyEncoding(fields=("duration", "pitch"))
    pieces, loss = encoding.encode_reported(score)
    assert columns(encoding, score)["duration"] == [24, 12, 12]
    assert (loss.rests_dropped, pieces[0].header.pickup) == (3, 36)


def test_pitch_alone_has_no_time(tune):
    encoding = sm.MelodyEncoding(fields=("pitch",), closed=False)
    assert encoding.encode(tune([(1, 1, 60), (7, 0.5, 62)]))[0].symbols.tolist() == [60, 62]
    assert encoding.vocabulary.resolution == 0


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        (("duration",), InvalidParameterError, "expected pitch"),
        (("pitch", "pitch"), InvalidParameterError, "each field once"),
        (("rest", "pitch"), InvalidParameterError, "needs a duration"),
        (("duration", "rest", "pitch"), InvalidParameterError, "comes first"),
        (("pich",), UnknownNameError, "did you mean 'pitch'"),
        ((), InvalidParameterError, "none"),
    ],
)
def test_fields_that_make_no_event(fields, error, message):
    with pytest.raises(error, match=message):
        _ = sm.MelodyEncoding(fields=fields).vocabulary


def test_a_length_of_nothing_is_refused():
    with pytest.raises(InvalidParameterError, match="expected 1 or more"):
        _ = sm.MelodyEncoding(max_length=0).vocabulary


def test_an_alphabet_is_kept(tune):
    piece = sm.MelodyEncoding(fields=("pitch",)).encode(tune([(0, 1, 60)]))[0]
    encoding = sm.MelodyEncoding(fields=("pitch",), alphabet=[60, 62])
    assert encoding.vocabulary.mask.nonzero()[0].tolist() == [60, 62, 128]
    encoding.vocabulary.check(piece.symbols)


@pytest.mark.parametrize(
    "encoding",
    [
        sm.MelodyEncoding(fields=("duration", "pitch"), part="Alto", alphabet=(1, 200), closed=False),
        sm.NotesEncoding(part=1, max_length=8),
        sm.VoicesEncoding(None, frame="1/8"),
        sm.RemiEncoding(closed=False),
    ],
)
def test_parameters_are_json_and_rebuild_the_encoding(encoding):
    assert type(encoding)(**json.loads(json.dumps(encoding.get_params()))) == encoding


def test_what_follows_the_end_or_is_no_event_is_left_out(tune):
    encoding = sm.MelodyEncoding()
    piece = encoding.encode(tune([(0, 1, 60), (1, 1, 62)]))[0]
    end, events = piece.symbols[-1:], piece.symbols[:-1]
    junk = piece._replace(symbols=np.concatenate([events[:4], end, events[4:]]))
    assert notes_of(encoding.decode([junk])) == [(0, 12, 60)]
    assert notes_of(encoding.decode([piece._replace(symbols=events[:6])])) == [(0, 12, 60)]
    with pytest.raises(EncodingError, match="another encoding"):
        encoding.decode([piece._replace(symbols=events[1:])])
    with pytest.raises(EncodingError, match="no pieces"):
        encoding.decode([])


def test_pieces_that_sound_together_are_tracks(tune):
    encoding = sm.MelodyEncoding()
    pieces = encoding.encode(tune([(0, 1, 60)])) + encoding.encode(tune([(1, 1, 72)]))
    score = encoding.decode(pieces)
    assert [notes_of(score, i) for i in range(2)] == [[(0, 12, 60)], [(12, 24, 72)]]
