"""What a `symusic.Score` has no place for: phrase ends, pickups and chords, kept as score-level markers.

    phrase:<track>    at the onset of the last note of a phrase of that track (counted from 0)
    pickup:<ticks>    at time 0: the length of an incomplete first bar; the first full bar starts there
    chord:<symbol>    where a chord begins, as lead sheets write it (`music.chords`): chord:Am7/G, chord:N.C.
    roman:<numeral>   where a Roman numeral stands: roman:V65

Times are ticks. Markers that say anything else are left alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from symusic.core import ScoreTick, TextMetaTick

_PHRASE = "phrase:"
_PICKUP = "pickup:"
_CHORD = "chord:"
_ROMAN = "roman:"


def pickup(score: ScoreTick) -> int:
    """The length of the pickup in ticks, 0 without one."""
    return pickup_among([m.text for m in score.markers]) if len(score.markers) else 0


def pickup_among(markers: Iterable[str]) -> int:
    """The length of the pickup in ticks that the texts of markers tell, 0 if none does."""
    return max((_number(text, _PICKUP) for text in markers), default=0)


def set_pickup(score: ScoreTick, ticks: int) -> None:
    """Say in place how long the pickup is; 0 takes the marker away."""
    kept = [marker for marker in score.markers if not marker.text.startswith(_PICKUP)]
    _replace(score, [*([_marker(0, f"{_PICKUP}{ticks}")] if ticks > 0 else []), *kept])


def phrase_ends(score: ScoreTick, track_index: int) -> list[int]:
    """Onsets (ticks, ascending) of the last notes of the phrases of one track."""
    if not len(score.markers):
        return []
    text = f"{_PHRASE}{track_index}"
    return sorted({marker.time for marker in score.markers if marker.text == text})


def add_phrase_ends(score: ScoreTick, track_index: int, ticks: Iterable[int]) -> None:
    """Mark in place the onsets of the last notes of phrases of one track."""
    new = [_marker(int(tick), f"{_PHRASE}{track_index}") for tick in ticks]
    _replace(score, sorted([*score.markers, *new], key=lambda marker: int(marker.time)))


def chord_symbols(score: ScoreTick) -> list[tuple[int, str]]:
    """The chord symbols printed in a score with their times (ticks, ascending)."""
    return _texts(score, _CHORD)


def roman_numerals(score: ScoreTick) -> list[tuple[int, str]]:
    """The Roman numerals printed in a score with their times (ticks, ascending)."""
    return _texts(score, _ROMAN)


def set_chord_symbols(score: ScoreTick, chords: Iterable[tuple[int, str]]) -> None:
    """Print chord symbols with their times (ticks) in place, instead of those there."""
    _set_texts(score, _CHORD, chords)


def set_roman_numerals(score: ScoreTick, numerals: Iterable[tuple[int, str]]) -> None:
    """Print Roman numerals with their times (ticks) in place, instead of those there."""
    _set_texts(score, _ROMAN, numerals)


def _texts(score: ScoreTick, prefix: str) -> list[tuple[int, str]]:
    found = [(int(m.time), m.text.removeprefix(prefix)) for m in score.markers if m.text.startswith(prefix)]
    return sorted(found, key=lambda pair: pair[0])


def _set_texts(score: ScoreTick, prefix: str, texts: Iterable[tuple[int, str]]) -> None:
    kept = [marker for marker in score.markers if not marker.text.startswith(prefix)]
    new = [_marker(int(time), f"{prefix}{text}") for time, text in texts]
    _replace(score, sorted([*kept, *new], key=lambda marker: int(marker.time)))


def _number(text: str, prefix: str) -> int:
    digits = text.removeprefix(prefix)
    return int(digits) if digits != text and digits.isdecimal() else 0


def _marker(time: int, text: str) -> TextMetaTick:
    from symusic.core import TextMetaTick

    return TextMetaTick(time, text)


def _replace(score: ScoreTick, markers: list[TextMetaTick]) -> None:
    from symusic.core import TextMetaTickList

    score.markers = TextMetaTickList(markers)
