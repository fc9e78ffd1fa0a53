"""What `analyze` finds in a piece: keys and chords over time, as a value that tells itself in many ways.

analysis.table()                 text: bar, beat, key, chord, Roman numeral, confidence
analysis.to_json()               plain JSON with stable keys
analysis.to_roman_text()         RomanText that music21 reads
analysis.annotated(score)        the score with chord symbols and Roman numerals
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

from stochastic_music._showing import ShowsItself
from stochastic_music.io.roman_text import beat_of, write_roman_text
from stochastic_music.music import marks
from stochastic_music.music.bars import Bar, bar_at
from stochastic_music.music.chords import Chord, roman
from stochastic_music.music.keys import Key, KeyFinding

if TYPE_CHECKING:
    from symusic.core import ScoreTick


class ChordSpan(NamedTuple):
    """A chord from `onset` for `length` quarter notes, in a local key.

    Confidences are the probabilities that the model gives the chord (root and quality) and the key, on average over the
    span.
    """

    onset: Fraction
    length: Fraction
    key: Key
    chord: Chord
    confidence: float
    key_confidence: float

    @property
    def numeral(self) -> str:
        """The chord's Roman numeral in its key."""
        return roman(self.chord, self.key)


@dataclass(frozen=True)
class Analysis(ShowsItself):
    """Keys and chords of a piece.

    `key` is that of the whole, `bars` are the printed bars, `texture` says what an event was (`tasks.chords.events`),
    `remarks` what a reader should mind.
    """

    shown_by = "findings"

    name: str
    key: KeyFinding
    chords: tuple[ChordSpan, ...]
    bars: tuple[Bar, ...]
    texture: str = "slices"
    remarks: tuple[str, ...] = ()

    def place(self, span: ChordSpan) -> tuple[int, Fraction]:
        """Bar and beat at which a chord begins, as printed."""
        bar = bar_at(list(self.bars), span.onset)
        return bar.number, beat_of(bar, span.onset)

    def table(self) -> str:
        """Text for people: a line for each chord."""
        rows = [("bar", "beat", "key", "chord", "roman", "sure")]
        last = None
        for span in self.chords:
            bar, beat = self.place(span)
            key = "" if span.key == last else f"{span.key}"
            last = span.key
            numeral, chord = span.numeral, span.chord.symbol(span.key)
            rows.append((str(bar), _decimal(beat), key, chord, numeral, f"{span.confidence:.0%}"))
        widths = [max(len(row[i]) for row in rows) for i in range(6)]
        right = (0, 5)
        return "\n".join(
            "  ".join(
                cell.rjust(w) if i in right else cell.ljust(w)
                for i, (cell, w) in enumerate(zip(row, widths, strict=True))
            )
            for row in rows
        )

    def to_json(self) -> dict[str, Any]:
        """Plain JSON: `key` of the whole, and `chords`: where each begins, its local key, names and confidences."""
        return {
            "piece": self.name,
            "key": {"name": str(self.key.key), "source": self.key.source, "confidence": round(self.key.confidence, 4)},
            "texture": self.texture,
            "chords": [self._span_json(span) for span in self.chords],
            "remarks": list(self.remarks),
        }

    def to_roman_text(self, **headings: str) -> str:
        """RomanText with the headings given, keys as numerals follow them."""
        numerals = [(span.onset, span.key, _plain(span)) for span in self.chords]
        return write_roman_text(numerals, self.bars, {"Title": self.name, **headings})

    def annotated(self, score: ScoreTick) -> ScoreTick:
        """A copy of the score with chord symbols, and Roman numerals with their keys, where chords begin."""
        copy = score.copy()
        quarter = copy.ticks_per_quarter
        marks.set_chord_symbols(copy, [(round(s.onset * quarter), s.chord.symbol(s.key)) for s in self.chords])
        keys = [None, *(span.key for span in self.chords)]
        texts = [
            f"{span.key}: {span.numeral}" if span.key != before else span.numeral
            for span, before in zip(self.chords, keys, strict=False)
        ]
        times = [round(span.onset * quarter) for span in self.chords]
        marks.set_roman_numerals(copy, zip(times, texts, strict=True))
        return copy

    def _span_json(self, span: ChordSpan) -> dict[str, Any]:
        bar, beat = self.place(span)
        return {
            "bar": bar,
            "beat": round(float(beat), 4),
            "onset": round(float(span.onset), 4),
            "length": round(float(span.length), 4),
            "key": str(span.key),
            "chord": span.chord.symbol(span.key),
            "roman": span.numeral,
            "root": span.chord.root,
            "quality": span.chord.quality,
            "bass": span.chord.lowest,
            "confidence": round(span.confidence, 4),
            "key_confidence": round(span.key_confidence, 4),
        }


def provenance(data: bytes) -> str:
    r"""How an analysis that `analyze` wrote as text says that it was made, an empty string where it says nothing.

    >>> provenance(b'Analyst: me\nNote: {"stochastic_music": "1"}\n\nm1 C: I')
    '{"stochastic_music": "1"}'
    """
    text = data.decode("utf-8", "replace")
    if text.startswith("{"):
        try:
            return json.dumps(json.loads(text).get("made_by", ""))
        except ValueError:
            return ""
    stated = (line.removeprefix("Note: ") for line in text.splitlines())
    return next((line for line in stated if line.startswith("{") and '"stochastic_music"' in line), "")


#: qualities that RomanText has no sign for -> those nearest to them
_IN_ROMAN_TEXT = {
    "sus2": "maj", "sus4": "maj", "7sus4": "7", "7b9": "7", "7#9": "7", "9": "7", "maj9": "maj7", "min9": "min7",
    "11": "7", "min11": "min7", "13": "7", "add9": "maj", "minadd9": "min", "6/9": "maj", "5": "maj",
}  # fmt: skip


def _plain(span: ChordSpan) -> str:
    """The numeral without what RomanText cannot say."""
    quality = _IN_ROMAN_TEXT.get(span.chord.quality)
    if quality is None:
        return span.numeral
    chord = Chord(span.chord.root, quality)
    return roman(chord._replace(bass=span.chord.bass if span.chord.bass in chord.pitch_classes else None), span.key)


def _decimal(beat: Fraction) -> str:
    return str(int(beat)) if beat.denominator == 1 else f"{float(beat):.2f}".rstrip("0")
