"""The voices of settings as lines, to ask how much of a new voice a corpus has already."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from stochastic_music.corpus.lines import Line
from stochastic_music.music.bars import Bar, bars
from stochastic_music.protocols import IntArray
from stochastic_music.tasks.harmonize import tunes

if TYPE_CHECKING:
    from symusic.core import ScoreTick

#: units a quarter note: sixteenths and triplets are whole numbers of them
_UNITS = 12


def setting_lines(score: ScoreTick, name: str) -> list[Line]:
    """The four voices of a setting, from the top; none where it is not in four parts."""
    tracks = tunes.four_parts(score) or []
    return voice_lines(score, [tunes.skyline(score.tracks[i]) for i in tracks], name)


def voice_lines(score: ScoreTick, voices: Sequence[tunes.Line], name: str = "") -> list[Line]:
    """Voices in ticks of `score` as lines in twelfths of a quarter note, with the bars that it prints."""
    printed = bars(score)
    return [_line(score.ticks_per_quarter, printed, voice, name) for voice in voices]


def _line(tpq: int, printed: Sequence[Bar], voice: tunes.Line, name: str) -> Line:
    onset, end = (np.rint(times * _UNITS / tpq).astype(np.int64) for times in (voice.onset, voice.end))
    duration = np.maximum(end - onset, 1)
    return Line.of(name, onset=onset, duration=duration, pitch=voice.pitch, bar=_numbers(tpq, printed, voice.onset))


def _numbers(tpq: int, printed: Sequence[Bar], ticks: IntArray) -> IntArray:
    """The printed number of the bar in which each time lies."""
    starts = np.array([float(bar.start * tpq) for bar in printed])
    numbers = np.array([bar.number for bar in printed], dtype=np.int64)
    at: IntArray = numbers[np.maximum(np.searchsorted(starts, ticks, side="right") - 1, 0)]
    return at
