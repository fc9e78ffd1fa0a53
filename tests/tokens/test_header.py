import json

import numpy as np
import pytest
from hypothesis import given, settings
from score_strategies import melodies
from symusic import Note, Score, Tempo, TimeSignature, Track

import stochastic_music as sm
from stochastic_music.errors import EncodingError
from stochastic_music.music import marks
from stochastic_music.tokens import Header, Meter


@settings(deadline=None, max_examples=50)
@given(melodies())
def test_headers_come_back_from_json_and_from_scores(made):
    encoding = sm.MelodyEncoding()
    header = encoding.encode(made[0])[0].header
    assert Header.from_json(json.loads(json.dumps(header.to_json()))) == header


@pytest.mark.parametrize("key", ["C", "F#", "Cb", "Em", "G#m", "D:dorian", "E:phrygian", "F:lydian", "G:mixolydian"])
def test_keys_come_back(tune, key):
    encoding = sm.MelodyEncoding()
    piece = encoding.encode(tune([(0, 1, 60)]))[0]
    piece = piece._replace(header=Header(12, key=key, parts=piece.header.parts))
    assert encoding.encode(encoding.decode([piece]))[0].header == piece.header


def test_tempos_are_the_first_and_its_changes(tune):
    score = tune([(0, 4, 60)])
    for beat, tempo in [(0, 70), (1, 70), (2, 61.5), (2, 90), (3, 133.333)]:
        score.tempos.append(Tempo(beat * 480, qpm=tempo))
    assert sm.MelodyEncoding().encode(score)[0].header.tempos == ((0, 70.0), (24, 90.0), (36, 133.333))


def test_velocity_is_the_median_and_goes_to_every_note():
    score = Score(480)
    score.tracks.append(Track("x", notes=[Note(i * 480, 480, 60, v) for i, v in enumerate([10, 127, 90])]))
    encoding = sm.MelodyEncoding()
    pieces = encoding.encode(score)
    assert pieces[0].header.velocity == 90
    assert {note.velocity for note in encoding.decode(pieces).tracks[0].notes} == {90}


def test_a_signature_printed_after_the_pickup_holds_in_it():
    score = Score(480)
    score.time_signatures.append(TimeSignature(480, 3, 4))
    marks.set_pickup(score, 480)
    score.tracks.append(Track("x", notes=[Note(0, 480, 60, 80)]))
    header = sm.MelodyEncoding().encode(score)[0].header
    assert (header.meters, header.pickup) == ((Meter(0, 3, 4),), 12)
    assert header.bar_start(0) == 0
    assert header.bar_start(2) == 12 + 36


def test_without_signatures_a_score_is_in_four_four_at_120():
    score = Score(96)
    score.tracks.append(Track("x", notes=[Note(0, 96, 60, 80)]))
    header = sm.MelodyEncoding().encode(score)[0].header
    assert (header.meters, header.pickup, header.tempos, header.key) == ((Meter(0, 4, 4),), 0, ((0, 120.0),), None)


def test_scores_that_do_not_count_ticks_are_refused(tune):
    with pytest.raises(EncodingError, match=r"score.to\('tick'\)"):
        sm.MelodyEncoding().encode(tune([(0, 1, 60)]).to("quarter"))


def test_another_meter_drops_a_pickup_that_no_longer_fits():
    header = Header(12, pickup=40)
    assert header.with_meter(3, 4).pickup == 0
    assert header.with_meter(5, 4).pickup == 40
    assert np.diff([header.bar_start(bar) for bar in range(1, 4)]).tolist() == [48, 48]
