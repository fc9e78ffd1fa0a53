"""Damped sinusoids, and sums of them: what every tone here is made of.

A sum of K damped sinusoids, x(t) = sum_k a_k exp(-d_k t) sin(2 pi f_k t + p_k), is computed as a product of matrices.
With z_k = exp((2 pi i f_k - d_k) / rate), sample t = W r + c is the imaginary part of sum_k (a_k e^(i p_k) z_k^(W r))
z_k^c: rows of the first factor times columns of the second. So a sample costs 4 K operations of a BLAS, and no sine
is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from stochastic_music.protocols import FloatArray

#: Samples, between -1 and 1 once they are leveled.
Sound = NDArray[np.float32]
Numbers: TypeAlias = FloatArray | Sequence[float] | float
#: columns; multiplications in a product that no BLAS would share among threads: so equal sums are equal to the bit
_WIDTH, _SMALL = 128, 1 << 18
#: of the limit: partials higher up are left out
_HIGHEST = 0.45
_FAINT = 1e-7


class Partials(NamedTuple):
    """Damped sinusoids, each field (n_partials,): Hz, amplitude, nepers a second, radians."""

    frequency: FloatArray
    amplitude: FloatArray
    decay: FloatArray
    phase: FloatArray

    @classmethod
    def of(cls, frequency: Numbers, amplitude: Numbers, decay: Numbers = 0.0, phase: Numbers = 0.0) -> Partials:
        """Partials at each frequency; what is one number holds for all."""
        at = np.atleast_1d(np.asarray(frequency, dtype=np.float64))
        return cls(at, *(np.zeros_like(at) + np.asarray(field) for field in (amplitude, decay, phase)))

    def __add__(self, other: Any) -> Partials:
        """Both."""
        return Partials(*(np.concatenate(pair) for pair in zip(self, other, strict=True)))

    def kept(self, which: NDArray[np.bool_]) -> Partials:
        """Some of them."""
        return Partials(*(field[which] for field in self))


def summed(partials: Partials, n: int, sample_rate: int) -> Sound:
    """(n,) samples of a sum of partials; those above 0.45 of the sampling rate are left out.

    >>> summed(Partials.of([1.0], [1.0]), 4, sample_rate=4).round(6).tolist() == [0, 1, 0, -1]
    True
    """
    audible = partials.kept((partials.frequency < _HIGHEST * sample_rate) & (partials.amplitude != 0))
    tall = max(1, _SMALL // (_WIDTH * 2 * max(1, len(audible.frequency))))
    rows = -(-n // (_WIDTH * tall)) * tall
    step = np.exp((2j * np.pi * audible.frequency - audible.decay) / sample_rate)
    first = (audible.amplitude * np.exp(1j * audible.phase))[:, None] * _powers(step**_WIDTH, rows)
    first[np.abs(first) < _FAINT] = 0  # numbers too small for floats are slow
    second = _powers(step, _WIDTH)
    left = np.concatenate([first.real, first.imag]).T.astype(np.float32).reshape(rows // tall, tall, -1)
    right = np.concatenate([second.imag, second.real]).astype(np.float32)
    sound: Sound = (left @ right).ravel()[:n]
    return sound


def _powers(base: NDArray[np.complex128], n: int) -> NDArray[np.complex128]:
    """(len(base), n): powers 0 .. n - 1, by doubling."""
    out = np.ones((len(base), n), dtype=np.complex128)
    done = 1
    while done < n:
        more = min(done, n - done)
        np.multiply(out[:, :more], (base**done)[:, None], out=out[:, done : done + more])
        done += more
    return out


def ensemble(partials: Partials, fundamental: float, cents: float, beat: float) -> Partials:
    """Three players: in tune, a little below and a little above, by about `cents` and whole multiples of `beat` Hz."""
    shift = max(1, round(fundamental * (2 ** (cents / 1200) - 1) / beat)) * beat
    number = partials.frequency / fundamental
    voices = [
        partials._replace(
            frequency=partials.frequency + voice * shift * number,
            amplitude=partials.amplitude * (0.5 if voice else 1),
            phase=partials.phase + (np.pi / 2 if voice else 0),  # so that the three never cancel
        )
        for voice in (-1, 0, 1)
    ]
    return voices[0] + voices[1] + voices[2]


def vibrato(partials: Partials, depth: float, rate: float, onset: float) -> Partials:
    """Pitch that sways by `depth` (relative) `rate` times a second, and comes in with rate `onset` a second.

    Steady frequency modulation is a sum of side bands with Bessel functions as amplitudes [1].

    [1] J. M. Chowning. The synthesis of complex audio spectra by means of frequency modulation. JAES 21(7), 1973.
    """
    order = np.arange(-5.0, 6.0)[:, None]
    sway = _bessel(order, partials.frequency * depth / rate) * partials.amplitude
    at, decay, phase = partials.frequency + order * rate, partials.decay + 0 * order, partials.phase + 0 * order
    heard = np.abs(sway) > 3e-3 * np.abs(partials.amplitude).max()
    side = Partials(at[heard], sway[heard], decay[heard], phase[heard])
    plain = partials._replace(decay=partials.decay + onset)
    return plain + side + side._replace(amplitude=-side.amplitude, decay=side.decay + onset)


def _bessel(order: FloatArray, x: FloatArray) -> FloatArray:
    """Bessel functions of the first kind by their integral, a mean over angles: exact for `x` below some 20."""
    angle = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    turned = np.asarray(order)[..., None] * angle - np.asarray(x)[..., None] * np.sin(angle)
    values: FloatArray = np.cos(turned).mean(axis=-1)
    return values
