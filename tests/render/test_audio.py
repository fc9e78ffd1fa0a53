"""The synthesizer: pitch, time, loudness, timbre, and the limits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from symusic import Note, Score, Tempo, Track

from stochastic_music.errors import InputError, InvalidParameterError
from stochastic_music.render.audio import synthesize
from stochastic_music.render.audio.leveling import loudness, power
from stochastic_music.render.audio.partials import Partials, ensemble, summed, vibrato
from stochastic_music.render.audio.timbres import TIMBRES
from stochastic_music.render.audio.tones import looped, tone

TPQ = 480
RATE = 8000
#: a program of each family
PROGRAMS = {"piano": 0, "bell": 9, "organ": 19, "plucked": 24, "bass": 33, "strings": 48} | {
    **{"choir": 52, "brass": 56, "reed": 71, "pipe": 73},
}


def score_of(*tracks, tempo=60):
    score = Score(TPQ)
    score.tempos.append(Tempo(0, tempo))
    for notes, program, is_drum in tracks:
        track = Track(program=program, is_drum=is_drum)
        track.notes.extend([Note(round(o * TPQ), round(d * TPQ), p, v) for o, d, p, v in notes])
        score.tracks.append(track)
    return score


def one(pitch=60, velocity=80, program=0, seconds=1):
    return score_of(([(0, seconds, pitch, velocity)], program, False))


def spectrum(sound, rate=RATE):
    """Frequencies, and how strong they are in the left channel."""
    return np.fft.rfftfreq(len(sound), 1 / rate), np.abs(np.fft.rfft(sound[:, 0] * np.hanning(len(sound))))


def onsets(sound, rate=RATE):
    """Where the sound begins after silence, in seconds."""
    loud = np.abs(sound).max(axis=1) > 1e-3
    quiet_before = np.convolve(loud, np.ones(rate // 20), "full")[: len(loud)] - loud == 0
    return np.flatnonzero(loud & quiet_before) / rate


# Pitch


@pytest.mark.parametrize("name", sorted(PROGRAMS))
@pytest.mark.parametrize(("pitch", "frequency"), [(45, 110.0), (69, 440.0), (76, 659.26)])
def test_notes_sound_at_their_pitch(name, pitch, frequency):
    at, strength = spectrum(synthesize(one(pitch, program=PROGRAMS[name], seconds=2), RATE))
    near = np.abs(at / frequency - 1) < 0.03
    assert at[near][strength[near].argmax()] == pytest.approx(frequency, abs=1.1)
    assert strength[near].max() > 0.1 * strength.max()
    assert strength[(at > 30) & (at < 0.9 * frequency)].max() < 0.5 * strength.max()


def test_harmonics_above_the_sampling_limit_are_left_out():
    # A7 has one harmonic below 0.45 * 8000 Hz; a second would fold back to 8000 - 2 * 3520 = 960 Hz
    at, strength = spectrum(synthesize(one(105, program=71, seconds=2), RATE))
    assert strength[np.abs(at - 960) < 20].max() < 0.01 * strength.max()


@pytest.mark.parametrize("pitch", range(0, 128, 7))
def test_loops_hold_whole_periods_and_stay_in_tune(pitch):
    wanted = 440 * 2 ** ((pitch - 69) / 12)
    frequency, loop = looped(wanted, 44100)
    assert frequency * loop / 44100 == pytest.approx(round(frequency * loop / 44100), abs=1e-9)
    assert abs(1200 * np.log2(frequency / wanted)) < 0.01


# Partials


def test_a_product_of_matrices_is_the_sum_of_damped_sines():
    partials = Partials.of([100, 333.3, 1200], [1, 0.5, 0.2], [0, 3, 20], [0, 1, 2])
    t = np.arange(5000)[:, None] / RATE
    wanted = partials.amplitude * np.exp(-partials.decay * t)
    wanted = (wanted * np.sin(2 * np.pi * partials.frequency * t + partials.phase)).sum(axis=1)
    np.testing.assert_allclose(summed(partials, 5000, RATE), wanted, atol=2e-6)


def test_a_vibrato_is_frequency_modulation_that_comes_in():
    depth, rate, onset, t = 0.004, 5.0, 6.0, np.arange(2 * RATE) / RATE
    swayed = summed(vibrato(Partials.of(300, 1), depth, rate, onset), len(t), RATE)
    # steady: 300 Hz plus 0.4 % to and fro, five times a second
    modulated = np.sin(2 * np.pi * 300 * t + 300 * depth / rate * np.sin(2 * np.pi * rate * t))
    gone = np.exp(-onset * t)
    wanted = (1 - gone) * modulated + gone * np.sin(2 * np.pi * 300 * t)
    assert np.abs(swayed - wanted).max() < 0.01


def test_players_out_of_tune_never_cancel():
    sound = summed(ensemble(Partials.of(440, 1), 440, 6, 0.25), 5 * RATE, RATE)
    peaks = np.abs(sound).reshape(-1, RATE // 50).max(axis=1)
    assert 0.9 < peaks.min() < peaks.max() < 1.5


# Time


@pytest.mark.parametrize(
    ("tempos", "onset", "duration", "begins", "lasts"),
    [
        ([], 1, 1, 0.5, 0.5),  # 120 a minute where nothing is said
        ([(0, 60)], 1, 1, 1.0, 1.0),
        ([(0, 60), (1, 120)], 2, 1, 1.5, 0.5),  # one quarter of 1 s, then quarters of 0.5 s
        ([(0, 60), (1.5, 120)], 1, 1, 1.0, 0.75),  # the tempo doubles in the middle of the note: 0.5 + 0.25 s
        ([(0, 120), (1, 30), (2, 240)], 0.5, 2, 0.25, 2.375),  # 0.25 s, a whole quarter of 2 s, 0.5 quarters of 0.25 s
        ([(2, 60)], 3, 1, 2.0, 1.0),  # 120 until the first tempo
    ],
)
def test_the_tempo_map_is_followed_also_within_notes(tempos, onset, duration, begins, lasts):
    score = score_of(([(onset, duration, 60, 80)], 19, False))
    score.tempos = [Tempo(round(at * TPQ), tempo) for at, tempo in tempos]
    sound = synthesize(score, RATE)
    assert onsets(sound)[0] == pytest.approx(begins, abs=0.012)
    assert len(sound) == pytest.approx((begins + lasts + TIMBRES["organ"].release + 0.0461) * RATE, abs=2)


def test_silence_stays_silent():
    sound = synthesize(score_of(([(0, 1, 60, 80), (3, 1, 60, 80)], 73, False)), RATE)
    assert np.abs(sound[RATE + 1400 : 3 * RATE]).max() == 0
    assert np.abs(sound[3 * RATE : 4 * RATE]).max() > 0.05


@pytest.mark.parametrize("name", sorted(TIMBRES))
def test_held_notes_are_the_beginnings_of_longer_ones_and_loops_join(name):
    def samples(seconds):
        made = tone(TIMBRES[name], 57, 0.6, seconds * RATE, RATE)
        return np.concatenate([piece for _, piece in made.pieces(0, seconds * RATE)])

    short, long = samples(1), samples(13)
    n = min(len(short), len(long), RATE - 400)
    np.testing.assert_allclose(short[:n], long[:n], atol=1e-4)
    # no jump anywhere, the first 50 ms set what is usual
    assert np.abs(np.diff(long)).max() < 1.5 * np.abs(np.diff(long[: RATE // 2])).max()
    assert len(long) == 13 * RATE or np.abs(long[-20:]).max() < 1e-3


# Loudness


@pytest.mark.parametrize("n", [1, 2, 12])
def test_scores_are_equally_loud(n):
    parts = [([(0, 2, 48 + 3 * i, 127)], 8 * i, False) for i in range(n)]
    sound = synthesize(score_of(*parts), RATE)
    assert loudness(sound.T, RATE) == pytest.approx(-18, abs=0.1)


@pytest.mark.parametrize("name", sorted(TIMBRES))
@pytest.mark.parametrize("pitch", [24, 60, 96])
def test_tones_are_equally_loud_whatever_the_timbre(name, pitch):
    samples = tone(TIMBRES[name], pitch, 0.6, 22050, 44100).samples
    assert power(samples[:8820], 44100) == pytest.approx(1, rel=0.02)


def test_louder_notes_are_louder_and_brighter_and_soft_ones_are_heard():
    sound = synthesize(score_of(([(0, 1, 60, 0), (2, 1, 60, 127)], 56, False)), RATE)
    soft, loud = sound[:RATE], sound[2 * RATE : 3 * RATE]
    assert 0.1 * np.abs(loud).max() < np.abs(soft).max() < 0.6 * np.abs(loud).max()

    def center(part):
        at, strength = spectrum(part)
        return (at * strength**2).sum() / (strength**2).sum()

    assert center(loud) > 1.2 * center(soft)


def test_parts_spread_from_left_to_right_and_one_alone_stands_in_the_middle():
    sound = synthesize(score_of(([(0, 1, 60, 80)], 73, False), ([(2, 1, 60, 80)], 73, False)), RATE)
    first, second = (np.sqrt((part**2).mean(axis=0)) for part in (sound[:RATE], sound[2 * RATE :]))
    assert first[0] > 1.3 * first[1]
    assert second[1] > 1.3 * second[0]
    scale = score_of(([(i / 4, 1 / 4, 60 + i, 80) for i in range(24)], 48, False))
    alone = np.sqrt((synthesize(scale, RATE) ** 2).mean(axis=0))
    assert alone[0] == pytest.approx(alone[1], rel=0.1)


@pytest.mark.parametrize("name", sorted(TIMBRES))
def test_notes_begin_and_end_without_clicks(name):
    sound = synthesize(one(69, program=PROGRAMS[name], seconds=1), 44100)
    assert np.abs(sound[0]).max() < 1e-3
    assert np.abs(sound[-20:]).max() < 1e-3
    assert abs(sound.mean()) < 2e-3
    # a click is a jump greater than those of the tone itself
    steps = np.abs(np.diff(sound[:, 0]))
    assert steps[-9000:].max() <= 1.05 * steps[:-9000].max()


notes = st.tuples(st.floats(0, 2), st.floats(0.002, 2), st.integers(0, 127), st.integers(0, 127))
tracks = st.tuples(st.lists(notes, max_size=6), st.integers(0, 127), st.booleans())


@settings(max_examples=25, deadline=None)
@given(st.lists(tracks, max_size=4))
def test_nothing_ever_clips(parts):
    sound = synthesize(score_of(*parts), RATE)
    assert np.abs(sound).max(initial=0) <= 10 ** (-1 / 20)
    assert np.isfinite(sound).all()
    assert bool(len(sound)) == any(notes for notes, *_ in parts)


def test_96_voices_in_unison_do_not_clip():
    chord = [([(0, 0.5, 60, 127), (0.5, 0.5, 36, 127)], i, i % 16 == 9) for i in range(96)]
    sound = synthesize(score_of(*chord), RATE)
    assert 0.2 < np.abs(sound).max() <= 10 ** (-1 / 20)


# Drums


def test_drums_are_heard_and_end_by_themselves():
    keys = (36, 38, 42, 46, 45, 80, 39, 56, 70, 20)
    sound = synthesize(score_of(([(3 * i, 0.01, p, 90) for i, p in enumerate(keys)], 0, True)), RATE)
    for i in range(len(keys)):
        assert np.abs(sound[3 * RATE * i : 3 * RATE * i + 800]).max() > 0.02
        assert np.abs(sound[3 * RATE * i + 22000 : 3 * RATE * (i + 1)]).max(initial=0) < 0.001


def test_drums_sound_as_they_should():
    """Low kicks, snares between, hissing cymbals that ring."""

    def heard(key):
        sound = synthesize(score_of(([(0, 0.1, key, 90)], 0, True)), 44100)
        at, strength = spectrum(sound, 44100)
        energy = (sound**2).sum(axis=1).cumsum()
        return (at * strength**2).sum() / (strength**2).sum(), np.searchsorted(energy, 0.99 * energy[-1]) / 44100

    pitch, seconds = ({key: heard(key)[i] for key in (36, 38, 42, 46, 49, 41, 50)} for i in (0, 1))
    assert pitch[36] < 250 < pitch[38] < pitch[42]
    assert pitch[36] < pitch[41] < pitch[50] < pitch[38]
    assert seconds[42] < 0.1 < seconds[46] < seconds[49]


# Limits


def test_equal_scores_give_equal_samples():
    def sound():
        score = score_of(([(0, 1, 60, 80)], 48, False), ([(0, 1, 38, 80), (0.5, 1, 49, 80)], 0, True))
        return synthesize(score, RATE).tobytes()

    assert sound() == sound()


def test_a_score_without_notes_is_empty_and_empty_parts_are_left_out():
    assert synthesize(Score(TPQ), RATE).shape == (0, 2)
    with_empty = score_of(([], 0, False), ([(0, 1, 60, 80)], 0, False), ([], 0, True))
    assert (synthesize(with_empty, RATE) == synthesize(one(), RATE)).all()


def test_what_begins_before_the_beginning_begins_with_it():
    score = one()
    score.tracks[0].notes[0].time = -TPQ // 2
    assert len(synthesize(score, RATE)) == len(synthesize(one(seconds=0.5), RATE))


def test_ten_thousand_notes_of_every_pitch():
    everything = [(i / 500, 0.05, i % 128, i % 128) for i in range(10_000)]
    sound = synthesize(score_of((everything, 0, False)), RATE)
    assert len(sound) / RATE == pytest.approx(20.2, abs=0.1)


def test_one_very_long_note_dies_or_sounds_on():
    def ends(program):
        sound = synthesize(one(60, program=program, seconds=100), RATE)
        return np.abs(sound[-3 * RATE : -RATE]).max() / np.abs(sound).max()

    assert ends(0) == 0
    assert ends(48) > 0.3


def test_an_endless_score_is_refused():
    with pytest.raises(InputError, match="67 minutes"):
        synthesize(score_of(([(0, 1, 60, 80), (4000, 1, 60, 80)], 0, False)))


def test_too_few_samples_a_second_are_refused():
    with pytest.raises(InvalidParameterError, match="8000 at least"):
        synthesize(one(), 1000)
