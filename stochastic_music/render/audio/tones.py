"""One note as samples: partials of a timbre under an attack, as long as it is needed.

A note's sound does not depend on how long it is held, up to its end; so a *tone* is made once for a pitch, and every
note of that pitch is its beginning, faded out. Tones that are struck end where they cannot be heard any more.
Sustained ones settle, and are then a loop: their frequencies are multiples of one over its length, wrong by less than
a hundredth of a cent.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from stochastic_music.render.audio.leveling import power
from stochastic_music.render.audio.partials import Sound, summed
from stochastic_music.render.audio.timbres import Timbre

#: seconds: until what dies in a sustained tone has died; a loop, about; from where loudness is taken
_SETTLED, _LOOP, _JUDGED = 2.0, 4.0, 0.2
#: nepers: 80 dB
_INAUDIBLE = 9.2
#: samples worked on at a time
_PIECE = 1 << 15


class Tone(NamedTuple):
    """Samples from the attack on, after which `loop` samples at their end repeat; 0 is silence."""

    samples: Sound
    loop: int

    def pieces(self, start: int, stop: int) -> Iterator[tuple[int, Sound]]:
        """Samples `start` to `stop`, in pieces with their places; none where it is silent."""
        at, once = start, len(self.samples)
        while at < (stop if self.loop else min(stop, once)):
            place = at if at < once else once - self.loop + (at - once) % self.loop
            piece = self.samples[place : min(place + stop - at, place + _PIECE)]
            yield at, piece
            at += len(piece)


def tone(timbre: Timbre, pitch: int, strength: float, n: int, sample_rate: int) -> Tone:
    """The tone of a MIDI pitch, `n` samples unless it dies or loops before; equally loud whatever timbre and pitch."""
    frequency, loop = looped(440 * 2 ** ((pitch - 69) / 12), sample_rate)
    partials = timbre.partials(frequency, strength, sample_rate / loop)
    if timbre.sustained:
        end = round(_SETTLED * sample_rate) + loop
    else:
        end = math.ceil(_INAUDIBLE / float(partials.decay.min()) * sample_rate)
    samples = summed(partials, min(max(n, round(_JUDGED * sample_rate)), end), sample_rate)
    attack = round(timbre.attack * sample_rate)
    samples[:attack] *= rise(min(attack, len(samples)))
    judged = power(samples[: round(_JUDGED * sample_rate)], sample_rate)
    samples *= np.float32(1 / math.sqrt(judged)) if judged > 0 else np.float32(0)
    if not timbre.sustained and len(samples) == end:
        fading = min(attack, end)
        samples[end - fading :] *= rise(fading)[::-1]
    return Tone(samples, loop if timbre.sustained and len(samples) == end else 0)


def looped(frequency: float, sample_rate: int) -> tuple[float, int]:
    """A frequency of which whole periods fill a loop, and the loop's length in samples.

    >>> looped(440.0, 44100)
    (440.0, 176400)
    """
    periods = math.ceil(_LOOP * frequency)
    loop = round(periods * sample_rate / frequency)
    return periods * sample_rate / loop, loop


def rise(n: int) -> Sound:
    """From 0 to 1 along half a cosine."""
    return (0.5 - 0.5 * np.cos(np.linspace(0, np.pi, n, endpoint=False))).astype(np.float32)
