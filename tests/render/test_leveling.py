"""Loudness as the standard defines it, and a limiter that lets nothing pass."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import signal

from stochastic_music.render.audio.leveling import CEILING, TARGET, level, loudness, power


def sine(level_db, frequency=997.0, seconds=5.0, rate=48000):
    at = np.arange(round(seconds * rate)) / rate
    return (10 ** (level_db / 20) * np.sin(2 * np.pi * frequency * at)).astype(np.float32)


# What the standard and EBU Tech 3341 ask of a meter


def test_a_full_sine_in_one_channel_is_minus_3_01():
    assert loudness(np.stack([sine(0), 0 * sine(0)]), 48000) == pytest.approx(-3.01, abs=0.02)


@pytest.mark.parametrize("level_db", [-23.0, -33.0])
def test_stereo_sines_read_as_their_level(level_db):
    assert loudness(np.stack([sine(level_db, 1000)] * 2), 48000) == pytest.approx(level_db, abs=0.1)


@pytest.mark.parametrize("softer", [-36.0, -72.0])
def test_soft_stretches_do_not_count(softer):
    # EBU Tech 3341, cases 3 and 4: what is far below the rest is gated
    heard = np.concatenate([sine(softer, 1000), sine(-23, 1000, 30), sine(softer, 1000)])
    assert loudness(np.stack([heard] * 2), 48000) == pytest.approx(-23, abs=0.1)


def test_the_weighting_is_that_of_the_filters():
    # the coefficients that BS.1770-4 prints, for 48,000 samples a second
    first = [1.53512485958697, -2.69169618940638, 1.19839281085285, 1.0, -1.69065929318241, 0.73248077421585]
    second = [1.0, -2.0, 1.0, 1.0, -1.99004745483398, 0.99007225036621]
    noise = np.random.default_rng(0).standard_normal(48000).astype(np.float32)
    assert power(noise, 48000) == pytest.approx(np.mean(signal.sosfilt([first, second], noise) ** 2), rel=0.005)


@pytest.mark.parametrize("frequency", [40, 100, 1000, 2000, 3500])
def test_the_weighting_does_not_hang_on_the_sampling_rate(frequency):
    at_48000 = power(sine(0, frequency), 48000)
    for rate in (22050, 44100):
        assert power(sine(0, frequency, rate=rate), rate) == pytest.approx(at_48000, rel=0.03)


def test_silence_has_no_loudness():
    assert loudness(np.zeros((2, 48000), dtype=np.float32), 48000) == -np.inf
    assert loudness(np.zeros((2, 0), dtype=np.float32), 48000) == -np.inf


# The level


def test_the_target_is_met_from_any_level():
    for level_db in (-60, -20, 0, 20):
        sound = np.stack([sine(level_db, 500)] * 2)
        level(sound, 48000)
        assert loudness(sound, 48000) == pytest.approx(TARGET, abs=0.05)


@settings(max_examples=60, deadline=None)
@given(
    arrays(np.float32, st.tuples(st.just(2), st.integers(1, 5000)), elements=st.floats(-100, 100, width=32)),
    st.integers(0, 2**32 - 1),
)
def test_no_sample_passes_the_ceiling(sound, seed):
    sound += np.random.default_rng(seed).standard_normal(sound.shape).astype(np.float32) ** 9
    level(sound, 8000)
    assert np.abs(sound).max() <= CEILING + 1e-6


def test_the_limiter_is_smooth_and_leaves_the_rest_alone():
    sound = np.stack([sine(-30, 200)] * 2)
    sound[:, 120_000:120_020] *= 30
    before = sound.copy()
    level(sound, 48000)
    assert np.abs(sound).max() <= CEILING + 1e-6
    gain = sound[0] / np.where(np.abs(before[0]) > 1e-3, before[0], np.nan)
    assert np.nanmax(gain[:118_000]) == pytest.approx(np.nanmin(gain[:118_000]), rel=1e-3)
    steps = np.abs(np.diff(gain[119_000:121_000]))
    assert np.nanmax(steps) < 0.05 * np.nanmax(gain)
