"""The synthesizer: pitch, time, loudness, and the file around the samples."""

from __future__ import annotations

import io
import wave

import numpy as np
import pytest
from symusic import Note, Score, Tempo, Track

from stochastic_music.errors import InputError
from stochastic_music.render.audio import provenance, synthesize, to_wav, write_wav

TPQ = 480


def score_of(*tracks, tempo=60):
    score = Score(TPQ)
    score.tempos.append(Tempo(0, tempo))
    for notes, program, is_drum in tracks:
        track = Track(program=program, is_drum=is_drum)
        track.notes.extend([Note(round(o * TPQ), round(d * TPQ), p, v) for o, d, p, v in notes])
        score.tracks.append(track)
    return score


def loudest(sound, rate):
    """The frequency of the strongest partial."""
    spectrum = np.abs(np.fft.rfft(sound[:, 0] * np.hanning(len(sound))))
    return float(np.fft.rfftfreq(len(sound), 1 / rate)[spectrum.argmax()])


@pytest.mark.parametrize("program", [0, 19, 40, 52, 73])
@pytest.mark.parametrize(("pitch", "frequency"), [(57, 220.0), (69, 440.0), (76, 659.26)])
def test_notes_sound_at_their_pitch(program, pitch, frequency):
    sound = synthesize(score_of(([(0, 2, pitch, 80)], program, False)), 8000)
    assert loudest(sound, 8000) == pytest.approx(frequency, abs=1)


def test_harmonics_above_the_sampling_limit_are_left_out():
    # A7 has one harmonic below 0.45 * 8000 Hz; a second would fold back to 8000 - 2 * 3520 = 960 Hz
    sound = synthesize(score_of(([(0, 2, 105, 80)], 40, False)), 8000)
    spectrum = np.abs(np.fft.rfft(sound[:, 0]))
    frequency = np.fft.rfftfreq(len(sound), 1 / 8000)
    assert spectrum[np.abs(frequency - 960) < 20].max() < 0.01 * spectrum.max()


def test_the_tempo_map_is_respected():
    score = score_of(([(0, 1, 60, 80), (1, 1, 72, 80), (2, 1, 60, 80)], 73, False))
    score.tempos.append(Tempo(TPQ, 120))
    # 1 s at 60, then two quarters of 0.5 s each, then the release of a flute, 0.1 s
    assert len(synthesize(score, 1000)) == 2100


def test_silence_stays_silent():
    sound = synthesize(score_of(([(0, 1, 60, 80), (3, 1, 60, 80)], 73, False)), 1000)
    assert np.abs(sound[1100:3000]).max() == 0
    assert np.abs(sound[3000:3900]).max() > 0.1


@pytest.mark.parametrize("n", [1, 2, 12])
def test_loudness_is_even_and_nothing_clips(n):
    parts = [([(0, 2, 48 + 3 * i, 127)], 8 * i, False) for i in range(n)]
    sound = synthesize(score_of(*parts), 8000)
    assert np.abs(sound).max() <= 0.9
    loud = sound[np.abs(sound).max(axis=1) > np.abs(sound).max() / 100]
    assert 0.05 < np.sqrt(np.mean(loud**2)) <= 0.101


def test_one_part_is_mono_and_several_spread_from_left_to_right():
    assert synthesize(score_of(([(0, 1, 60, 80)], 0, False)), 1000).shape[1] == 1
    sound = synthesize(score_of(([(0, 1, 60, 80)], 73, False), ([(2, 1, 60, 80)], 73, False)), 1000)
    first, second = np.abs(sound[:1000]).max(axis=0), np.abs(sound[2000:]).max(axis=0)
    assert first[0] > first[1]
    assert second[0] < second[1]


def test_louder_notes_are_louder_and_soft_ones_are_heard():
    sound = synthesize(score_of(([(0, 1, 60, 20), (2, 1, 60, 120)], 73, False)), 1000)
    soft, loud = np.abs(sound[:1000]).max(), np.abs(sound[2000:]).max()
    assert 0.1 * loud < soft < 0.6 * loud


def test_drums_are_heard_and_end_by_themselves():
    sound = synthesize(score_of(([(i, 4, p, 90) for i, p in enumerate((36, 38, 42, 46, 49, 45, 80))], 0, True)), 8000)
    for i in range(7):
        assert np.abs(sound[8000 * i : 8000 * i + 800]).max() > 0.02
        assert np.abs(sound[8000 * i + 5000 : 8000 * i + 8000]).max() < 0.001


def test_equal_scores_give_equal_bytes(tmp_path):
    for name in "ab":
        score = score_of(([(0, 1, 60, 80)], 0, False), ([(0, 1, 38, 80)], 0, True))
        write_wav(score, tmp_path / name, provenance="x")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_files_are_plain_16_bit_wave_with_a_comment():
    sound = np.array([[0.5, -0.5], [1.0, -1.0], [0.0, 0.0]])
    data = to_wav(sound, 8000, provenance="ü & 1")
    with wave.open(io.BytesIO(data)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, 8000)
        frames = np.frombuffer(file.readframes(9), "<i2").reshape(-1, 2)
    assert frames.tolist() == [[16384, -16384], [32767, -32767], [0, 0]]
    assert int.from_bytes(data[4:8], "little") == len(data) - 8
    assert provenance(data) == "ü & 1"
    assert provenance(to_wav(sound)) == ""
    assert provenance(b"something else") == ""


def test_a_score_without_notes_is_an_empty_file():
    assert synthesize(Score(TPQ)).shape == (0, 1)


def test_an_endless_score_is_refused():
    with pytest.raises(InputError, match="67 minutes"):
        synthesize(score_of(([(0, 1, 60, 80), (4000, 1, 60, 80)], 0, False)))
