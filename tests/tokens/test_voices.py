import pytest
from score_strategies import notes_of
from symusic import Note, Score, TimeSignature, Track

import stochastic_music as sm
from stochastic_music.errors import EncodingError, InvalidParameterError
from stochastic_music.music import marks
from stochastic_music.tokens import HOLD, REST


def chorale(*parts, pickup=0, tpq=480, meter=(4, 4)):
    score = Score(tpq)
    score.time_signatures.append(TimeSignature(0, *meter))
    marks.set_pickup(score, pickup)
    for i, notes in enumerate(parts):
        track = [Note(round(a * tpq), round(n * tpq), p, 80) for a, n, p in notes]
        score.tracks.append(Track(f"part {i}", notes=track))
    return score


def columns(encoding, score):
    return {name: values.tolist() for name, values in encoding.columns(encoding.encode(score)[0].symbols).items()}


def test_slices_begin_where_any_voice_moves():
    score = chorale([(0, 2, 72), (3, 1, 71)], [(0, 1, 60), (1, 1, 60), (2, 2, 59)])
    marks.add_phrase_ends(score, 0, [3 * 480])
    assert columns(sm.VoicesEncoding(2), score) == {
        "duration": [12, 12, 12, 12],
        "phrase": [0, 0, 0, 1],
        "voice1": [72, HOLD, REST, 71],
        "voice2": [60, 60, 59, HOLD],
    }


def test_voices_go_from_the_top_whatever_the_file_says():
    score = chorale([(0, 1, 48)], [(0, 1, 72)])
    assert columns(sm.VoicesEncoding(2), score)["voice1"] == [72]


def test_phrases_marked_in_another_voice_are_the_top_voices():
    score = chorale([(0, 2, 72), (2, 2, 74)], [(0, 3, 60), (3, 1, 59)])
    marks.add_phrase_ends(score, 1, [3 * 480])
    assert columns(sm.VoicesEncoding(2), score)["phrase"] == [0, 1, 0]


def test_long_slices_are_divided_and_come_back():
    score = chorale([(0, 10, 72)], [(0, 10, 60)])
    encoding = sm.VoicesEncoding(2, max_length=4)
    assert columns(encoding, score)["duration"] == [48, 48, 24]
    assert notes_of(encoding.decode(encoding.encode(score))) == [(0, 120, 72)]


def test_frames_hear_what_sounds_as_they_begin():
    score = chorale([(0, 0.5, 72), (0.5, 1, 74), (1.5, 0.25, 76), (2, 1, 77)], [(0, 4, 60)])
    encoding = sm.VoicesEncoding(2, frame="1/4")
    assert columns(encoding, score) == {
        "phrase": [0, 0, 0, 0],
        "voice1": [72, 74, 77, REST],
        "voice2": [60, HOLD, HOLD, HOLD],
    }
    assert encoding.encode_reported(score)[1].hidden == 1


def test_frames_count_from_the_first_bar_line():
    score = chorale([(0, 0.5, 72), (0.5, 4, 74)], [(0, 0.5, 60), (0.5, 4, 60)], pickup=240)
    encoding = sm.VoicesEncoding(2, frame="1/4")
    assert encoding.encode(score)[0].header.pickup == 12
    assert columns(encoding, score)["voice1"] == [REST, 74, HOLD, HOLD, HOLD]


@pytest.mark.parametrize(
    ("frame", "message"),
    [("1/5", "on the grid"), ("1/48", "on the grid"), ("1/4,1/3", "one part"), ("x", "expected parts")],
)
def test_frames_off_the_grid_are_refused(frame, message):
    with pytest.raises(InvalidParameterError, match=message):
        _ = sm.VoicesEncoding(2, frame=frame).vocabulary


def test_bars_that_do_not_divide_into_frames_are_an_error():
    with pytest.raises(EncodingError, match="bars of 3/8 do not divide into frames of 1 quarter"):
        sm.VoicesEncoding(1, frame="1/4").encode(chorale([(0, 1, 60)], meter=(3, 8)))


def test_another_number_of_parts_is_an_error():
    with pytest.raises(EncodingError, match="has 1 part that is no drums; expected 4"):
        sm.VoicesEncoding().encode(chorale([(0, 1, 60)]))


def test_a_silent_voice_counts_where_it_makes_up_the_number():
    assert columns(sm.VoicesEncoding(2), chorale([(0, 1, 60)], []))["voice2"] == [REST]


def test_the_number_of_voices_is_that_of_most_scores():
    one, two = chorale([(0, 1, 60)]), chorale([(0, 1, 60)], [(0, 1, 50)])
    assert sm.VoicesEncoding(None).for_scores([one, two, two]).n_voices == 2
    assert sm.VoicesEncoding(3).for_scores([one]).n_voices == 3
    with pytest.raises(InvalidParameterError, match="for_scores"):
        _ = sm.VoicesEncoding(None).vocabulary


def test_values_are_pitches_told_by_name():
    vocabulary = sm.VoicesEncoding(1).vocabulary
    told = [vocabulary.describe(vocabulary.symbol("voice1", value)) for value in (REST, HOLD, 60)]
    assert told == ["voice1 rest", "voice1 hold", "voice1 C4"]
