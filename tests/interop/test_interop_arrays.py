"""Arrays and patterns: notes as they are, in quarter notes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from symusic import Note, Score, Track

from stochastic_music.errors import EncodingError
from stochastic_music.interop import (
    from_isobar,
    from_muspy,
    from_numpy,
    from_piano_roll,
    to_isobar,
    to_muspy,
    to_numpy,
    to_piano_roll,
)
from tests.interop.scores import any_score, frame, instruments, notes, trio

# NumPy


@settings(max_examples=40, deadline=None)
@given(any_score())
def test_arrays_carry_every_note_and_with_a_likeness_all_else(score):
    array = to_numpy(score)
    assert (np.diff(array["onset"]) >= 0).all()
    back = from_numpy(array, like=score)
    assert notes(back) == notes(score)
    assert (instruments(back), frame(back)) == (instruments(score), frame(score))


def test_arrays_alone_carry_nothing_else():
    back = from_numpy(to_numpy(trio()))
    assert notes(back) == notes(trio())
    assert {name for name, *_ in instruments(back)} == {""}
    assert frame(back) == ([], [], [], 0)
    assert frame(from_numpy(to_numpy(trio()), like=trio())) == frame(trio())


def test_velocities_and_parts_may_be_missing():
    array = np.array([(0, 1.5, 60), (1 / 3, 1, 64)], dtype=[("onset", float), ("duration", float), ("pitch", int)])
    assert notes(from_numpy(array)) == [[(0, 1.5, 60, 80), (160 / 480, 1, 64, 80)]]


@pytest.mark.parametrize(
    ("array", "match"),
    [
        (np.zeros(3), "no field duration, onset, pitch"),
        (np.array([(-1, 1, 60)], dtype=[("onset", float), ("duration", float), ("pitch", int)]), "negative"),
        (np.array([(np.nan, 1, 60)], dtype=[("onset", float), ("duration", float), ("pitch", int)]), "negative"),
    ],
)
def test_arrays_that_are_no_notes_are_refused(array, match):
    with pytest.raises(EncodingError, match=match):
        from_numpy(array)


def test_piano_rolls_carry_what_lies_on_their_steps():
    score = trio()
    roll = to_piano_roll(score, steps_per_quarter=4)
    assert roll.shape == (3, 47, 128)
    assert (roll[1, 4:12, 38] == 70).all()
    back = from_piano_roll(roll, steps_per_quarter=4, like=score)
    assert notes(back) == notes(score)
    assert (instruments(back), frame(back)) == (instruments(score), frame(score))
    assert notes(from_piano_roll(roll[1])) == notes(score)[1:2]


def test_piano_rolls_lose_what_their_docstring_says():
    score = Score(480)
    score.tracks.append(Track(notes=[Note(0, 480, 60, 80), Note(480, 480, 60, 80), Note(960, 10, 62, 80)]))
    back = from_piano_roll(to_piano_roll(score))
    # two notes of equal pitch and velocity become one; a short one lasts a step
    assert notes(back) == [[(0, 2, 60, 80), (2, 0.25, 62, 80)]]


@pytest.mark.parametrize(
    "roll", [np.zeros((2, 2)), np.zeros((1, 2, 3, 128)), np.full((4, 128), 200), np.full((4, 128), -1)]
)
def test_arrays_that_are_no_piano_rolls_are_refused(roll):
    with pytest.raises(EncodingError, match="expected velocities from 0 to 127"):
        from_piano_roll(roll)


def test_a_score_without_notes_is_an_empty_array():
    assert to_numpy(Score(480)).shape == (0,)
    assert to_piano_roll(Score(480)).shape == (0, 0, 128)
    assert notes(from_piano_roll(to_piano_roll(Score(480)))) == []
    assert notes(from_numpy(to_numpy(Score(480)))) == []


# MusPy


@settings(max_examples=30, deadline=None)
@given(any_score())
def test_muspy_carries_every_note(score):
    pytest.importorskip("muspy")
    back = from_muspy(to_muspy(score))
    assert notes(back) == notes(score)
    assert instruments(back) == instruments(score)


# isobar


@settings(max_examples=30, deadline=None)
@given(any_score())
def test_patterns_carry_every_note(score):
    pytest.importorskip("isobar")
    back = from_isobar(to_isobar(score), like=score)
    assert notes(back) == notes(score)
    assert (instruments(back), frame(back)) == (instruments(score), frame(score))


def test_patterns_say_rests_chords_and_gates():
    isobar = pytest.importorskip("isobar")
    melody, bass, _ = to_isobar(trio())
    assert isinstance(bass, isobar.PDict)
    assert list(bass)[:3] == [
        {"note": None, "duration": 1.0, "amplitude": 0, "gate": 1.0},
        {"note": 38, "duration": 2.0, "amplitude": 70, "gate": 1.0},
        {"note": (45, 52), "duration": 2.0, "amplitude": (71, 71), "gate": (0.25, 0.25)},
    ]
    assert len(list(melody)) == 12


def test_isobar_plays_what_it_was_given(tmp_path):
    """Its own timeline, into a MIDI file, gives the notes back."""
    isobar = pytest.importorskip("isobar")
    from isobar.io.midifile import MidiFileOutputDevice

    device = MidiFileOutputDevice(str(tmp_path / "out.mid"))
    timeline = isobar.Timeline(120, output_device=device, clock_source=isobar.DummyClock())
    timeline.stop_when_done = True
    timeline.schedule(to_isobar(trio())[1])
    timeline.run()
    device.write()
    played = Score(tmp_path / "out.mid")
    heard = [note for part in notes(played) for note in part]
    assert [(round(on, 2), round(d, 2), *rest) for on, d, *rest in heard] == notes(trio())[1]


def test_patterns_of_degrees_are_understood():
    isobar = pytest.importorskip("isobar")
    pattern = isobar.PDict(
        {
            "degree": isobar.PSequence([0, 2, None, 4], 1),
            "key": isobar.Key("D", "major"),
            "octave": 5,
            "duration": 0.5,
            "gate": 0.5,
            "amplitude": 64,
        }
    )
    assert notes(from_isobar([pattern])) == [[(0, 0.25, 62, 64), (0.5, 0.25, 66, 64), (1.5, 0.25, 69, 64)]]
    assert len(list(pattern)) == 4  # it was left as it was


def test_velocity_0_is_a_rest_and_endless_patterns_are_refused(monkeypatch):
    isobar = pytest.importorskip("isobar")
    score = Score(480)
    score.tracks.append(Track(notes=[Note(0, 480, 60, 0), Note(480, 480, 62, 80)]))
    assert notes(from_isobar(to_isobar(score))) == [[(1, 1, 62, 80)]]
    monkeypatch.setattr("stochastic_music.interop.isobar._MOST_EVENTS", 1000)
    with pytest.raises(EncodingError, match="goes on after 1,000 events"):
        from_isobar([isobar.PDict({"note": isobar.PSequence([60]), "duration": 1})])
