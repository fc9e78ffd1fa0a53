"""Melodies as text, in music21's TinyNotation, read without music21.

    4/4           a time signature            c4 d8 e4. f#16   letter, accidental (# - n), length, dots
    c' c C CC     C5, C4, C3, C2              g                without a length: that of the note before, at first 4
    r2            a rest                      c2~ c4           a tie
    trip{c8 d e}  three in the time of two    quad{...}        four in the time of three

One sign is added: a bar line `|` after an incomplete first bar says that it is a pickup; other bar lines are for the
eye. Lyrics (`c4_word`) and names (`c4=name`) are read past. Without a time signature the meter is 4/4.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

from stochastic_music.errors import InputError
from stochastic_music.music.marks import set_pickup

if TYPE_CHECKING:
    from symusic.core import ScoreTick

_TICKS = 480
_VELOCITY = 80
_STEPS = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
_METER = re.compile(r"(\d{1,2})/(1|2|4|8|16|32|64)")
_NOTE = re.compile(r"(?:(?P<rest>r)|(?P<low>([A-G])\3*)|(?P<high>[a-g])(?P<up>'*))(?P<sign>#{0,2}|-{0,2}|n)"
                   r"(?:(?P<length>1|2|4|8|16|32|64)(?P<dots>\.{0,3}))?(?P<tie>~?)(?:[_=]\S*)?")  # fmt: skip
_TUPLETS = {"trip{": Fraction(2, 3), "quad{": Fraction(3, 4)}


@dataclass
class _Tune:
    """What was read so far; times in quarter notes."""

    time: Fraction = Fraction(0)
    last: Fraction = Fraction(1)
    factor: Fraction = Fraction(1)
    tied: bool = False
    pickup: Fraction | None = None
    notes: list[tuple[Fraction, Fraction, int]] = field(default_factory=list)
    meters: list[tuple[Fraction, int, int]] = field(default_factory=list)


def score_from_text(text: str) -> ScoreTick:
    """The score of one melody; raises InputError that names what makes no sense.

    >>> [(n.time, n.pitch) for n in score_from_text("3/4 c4 d e-2.").tracks[0].notes]
    [(0, 60), (480, 62), (960, 63)]
    """
    tune = _Tune()
    for word in _words(text):
        _read(tune, word)
    if not tune.notes:
        raise InputError(f"'{text[:60]}' holds no notes: expected TinyNotation such as '4/4 c4 d e c'.")
    return _score(tune)


def _words(text: str) -> Iterator[str]:
    return iter(re.sub(r"(trip\{|quad\{|\}|\|)", r" \1 ", text.removeprefix("tinyNotation:")).split())


def _read(tune: _Tune, word: str) -> None:
    if meter := _METER.fullmatch(word):
        tune.meters.append((tune.time, int(meter[1]), int(meter[2])))
    elif word in _TUPLETS:
        tune.factor = _TUPLETS[word]
    elif word == "}":
        tune.factor = Fraction(1)
    elif word == "|":
        tune.pickup = tune.time if tune.pickup is None else tune.pickup
    elif note := _NOTE.fullmatch(word):
        _read_note(tune, note)
    else:
        raise InputError(
            f"'{word}' is no TinyNotation: expected a note such as c4, f#8. or C-2, a rest such as r4, "
            "or a meter such as 3/4."
        )


def _read_note(tune: _Tune, note: re.Match[str]) -> None:
    if note["length"]:
        tune.last = Fraction(4, int(note["length"])) * (2 - Fraction(1, 2 ** len(note["dots"])))
    length = tune.last * tune.factor
    if not note["rest"]:
        pitch = _pitch(note)
        if tune.tied and tune.notes and tune.notes[-1][2] == pitch:
            start, before, _ = tune.notes.pop()
            tune.notes.append((start, before + length, pitch))
        else:
            tune.notes.append((tune.time, length, pitch))
    tune.tied = bool(note["tie"])
    tune.time += length


def _pitch(note: re.Match[str]) -> int:
    letters = note["high"] or note["low"]
    octave = 4 + len(note["up"]) if note["high"] else 4 - len(letters)
    pitch = 12 * (octave + 1) + _STEPS[letters[0].lower()] + note["sign"].count("#") - note["sign"].count("-")
    if not 0 <= pitch <= 127:
        raise InputError(f"'{note[0]}' lies outside the MIDI range: expected C-1 to G9.")
    return pitch


def _score(tune: _Tune) -> ScoreTick:
    from symusic.core import NoteTick, ScoreTick, TempoTick, TimeSignatureTick, TrackTick

    score = ScoreTick(_TICKS)
    score.tempos.append(TempoTick(0, qpm=120))
    for time, numerator, denominator in tune.meters or [(Fraction(0), 4, 4)]:
        score.time_signatures.append(TimeSignatureTick(_ticks(time), numerator, denominator))
    track = TrackTick("", 0, False)
    for start, length, pitch in tune.notes:
        track.notes.append(NoteTick(_ticks(start), _ticks(start + length) - _ticks(start), pitch, _VELOCITY))
    score.tracks.append(track)
    numerator, denominator = tune.meters[0][1:] if tune.meters else (4, 4)
    if tune.pickup and tune.pickup < Fraction(4 * numerator, denominator):
        set_pickup(score, _ticks(tune.pickup))
    return score


def _ticks(time: Fraction) -> int:
    return round(time * _TICKS)
