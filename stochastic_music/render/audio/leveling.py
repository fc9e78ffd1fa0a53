"""Loudness as the ear takes it, and a level at which nothing clips.

Loudness is that of ITU-R BS.1770 [1]: power through the K weighting (a shelf above 1.5 kHz, less below 40 Hz), over
blocks of 400 ms, of which those 10 LU below the mean of what sounds at all do not count. The weighting is applied to
spectra of tenths of a second, by its response as a formula of the sampling rate [2].

A score is brought to TARGET LUFS. Where a sample would pass the ceiling of -1 dBFS, a limiter turns down the few
milliseconds around it; where it would have to turn down by more than 6 dB, the whole stays softer.

[1] ITU-R BS.1770-4. Algorithms to measure audio programme loudness and true-peak audio level. 2015.
[2] B. De Man. Evaluation of implementations of the EBU R128 loudness measurement. AES 145, 2018.
"""

from __future__ import annotations

import functools
import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from stochastic_music.protocols import FloatArray
from stochastic_music.render.audio.partials import Sound

#: LUFS, and the highest sample: -1.05 dBFS
TARGET, CEILING = -18.0, 0.886
_MOST_LIMITED = 2.0
#: samples that get one gain; the limiter looks as many of them ahead and back
_BLOCK, _AHEAD = 64, 4
#: samples worked on at a time, and tenths of a second
_PART, _SEGMENTS = 1 << 16, 64


def power(sound: Sound, sample_rate: int) -> float:
    """Mean square of (n,) samples through the K weighting.

    >>> tone = np.sin(2 * np.pi * 997 * np.arange(48000) / 48000).astype(np.float32)
    >>> round(10 * math.log10(power(tone, 48000)) - 0.691, 2)  # the standard's check: a full sine is -3.01 LUFS
    -3.01
    """
    return float(_powers(sound[None], sample_rate)[0]) if len(sound) else 0.0


def loudness(sound: Sound, sample_rate: int) -> float:
    """Integrated loudness of (n_channels, n_samples) in LUFS, -inf for silence; less than 400 ms is one block."""
    blocks = _blocks(sound, sample_rate)
    heard = blocks[blocks > 10 ** ((-70 + 0.691) / 10)]
    if not len(heard):
        return -math.inf
    loud = heard[heard > heard.mean() / 10]
    return 10 * math.log10(loud.mean()) - 0.691


def level(sound: Sound, sample_rate: int) -> None:
    """Bring (n_channels, n_samples) to TARGET, in place."""
    peak = max((float(np.abs(part).max()) for part in _parts(sound)), default=0.0)
    if not peak:
        return
    sound *= np.float32(1 / peak)  # gates count from a full scale
    wanted = 10 ** ((TARGET - loudness(sound, sample_rate)) / 20)
    gain = min(wanted, _MOST_LIMITED * CEILING)
    sound *= np.float32(gain)
    if gain > CEILING:
        _limit(sound)


def _parts(sound: Sound) -> list[Sound]:
    """Views of some seconds each."""
    return [sound[:, at : at + _PART] for at in range(0, sound.shape[1], _PART)]


def _blocks(sound: Sound, sample_rate: int) -> FloatArray:
    """Weighted power of blocks of 400 ms, each beginning 100 ms after the last, all channels added."""
    hop = round(sample_rate / 10)
    n = sound.shape[1] // hop
    if n < 4:
        return np.array([sum(power(channel, sample_rate) for channel in sound)])
    tenths = np.zeros(n)
    for channel in sound:
        segments = channel[: n * hop].reshape(n, hop)
        for at in range(0, n, _SEGMENTS):
            tenths[at : at + _SEGMENTS] += _powers(segments[at : at + _SEGMENTS], sample_rate)
    return np.convolve(tenths, np.full(4, 0.25), "valid")


def _powers(segments: Sound, sample_rate: int) -> FloatArray:
    """Weighted mean squares of (n_segments, n_samples), by Parseval's theorem."""
    n = segments.shape[1]
    spectrum = np.fft.rfft(segments, axis=1)
    weights = _weights(n, sample_rate)
    squares: FloatArray = np.einsum("ij,j->i", spectrum.real**2 + spectrum.imag**2, weights).astype(np.float64)
    return squares


@functools.lru_cache(maxsize=8)
def _weights(n: int, sample_rate: int) -> Sound:
    """What the squared spectrum of `n` real samples is multiplied with: (n // 2 + 1,)."""
    at = np.arange(n // 2 + 1) * sample_rate / n
    response = _response(at, sample_rate)
    twice = np.full(len(at), 2.0)
    twice[0] = 1
    twice[n // 2 :] = 1 if n % 2 == 0 else 2
    return (twice * response / n**2).astype(np.float32)


def _response(frequency: FloatArray, sample_rate: int) -> FloatArray:
    """The K weighting in power: a high shelf, then a high pass."""
    z = np.exp(-2j * np.pi * frequency / sample_rate)
    k, q, high = math.tan(math.pi * 1681.974450955533 / sample_rate), 0.7071752369554196, 10 ** (3.999843853973347 / 20)
    middle = high**0.4996667741545416
    shelf = np.polyval([high - middle * k / q + k * k, 2 * (k * k - high), high + middle * k / q + k * k], z)
    shelf /= np.polyval([1 - k / q + k * k, 2 * (k * k - 1), 1 + k / q + k * k], z)
    k, q = math.tan(math.pi * 38.13547087602444 / sample_rate), 0.5003270373238773
    scale = 1 + k / q + k * k
    passed = scale * (1 - z) ** 2 / np.polyval([1 - k / q + k * k, 2 * (k * k - 1), scale], z)
    response: FloatArray = np.abs(shelf * passed) ** 2
    return response


def _limit(sound: Sound) -> None:
    """Turn down around what passes the ceiling, in place: smoothly, and never less than needed."""
    peaks = np.concatenate([_peaks(part) for part in _parts(sound)])
    needed = np.minimum(1, CEILING / np.maximum(peaks, CEILING))
    lowest = sliding_window_view(np.pad(needed, 2 * _AHEAD, "edge"), 2 * _AHEAD + 1).min(axis=1)
    window = np.hanning(2 * _AHEAD + 3)[1:-1]
    smooth = np.convolve(lowest, window / window.sum(), "valid")
    # between two blocks the gain is the lesser of theirs, so that a straight line passes neither
    edges = np.minimum(np.r_[smooth[:1], smooth], np.r_[smooth, smooth[-1:]])
    places = np.arange(len(edges)) * _BLOCK
    for at, part in zip(range(0, sound.shape[1], _PART), _parts(sound), strict=True):
        gains = np.interp(np.arange(at, at + part.shape[1]), places, edges)
        np.multiply(part, gains.astype(np.float32), out=part)


def _peaks(sound: Sound) -> FloatArray:
    """The highest sample of each block, of all channels."""
    highest = np.abs(sound).max(axis=0)
    blocks: FloatArray = np.pad(highest, (0, -len(highest) % _BLOCK)).reshape(-1, _BLOCK).max(axis=1)
    return blocks.astype(np.float64)
