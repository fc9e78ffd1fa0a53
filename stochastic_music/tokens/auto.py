"""Which encoding suits a corpus: what `--encoding auto` does, and what it says.

    most pieces have one part, of one note at a time   melody
    most have the same number of such parts, 2 to 8    voices
    most have one part, often with chords              notes
    drums and nothing else                             notes of the drums
    anything else                                      melody of the part that carries the tune, or, where
                                                       most pieces have none of one note at a time, notes

*Most* is nine in ten: what the others lose, or that they are skipped, `loses` says in numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from stochastic_music.errors import EmptyCorpusError
from stochastic_music.music.parts import is_monophonic, sounding_parts
from stochastic_music.tokens.encoding import ScoreEncoding
from stochastic_music.tokens.melody import MelodyEncoding
from stochastic_music.tokens.notes import NotesEncoding
from stochastic_music.tokens.voices import VoicesEncoding

if TYPE_CHECKING:
    from symusic.core import ScoreTick

MOST = 0.9


class Choice(NamedTuple):
    """An encoding, why it was chosen, and what it loses ('' for nothing but the stated grid), in words."""

    encoding: ScoreEncoding
    why: str
    loses: str


class Shape(NamedTuple):
    """What a score is made of: pitched parts, how many of them have one note at a time, and drum parts."""

    parts: int
    monophonic: int
    drums: int


def choose_encoding(scores: Iterable[ScoreTick], *, grid: str = "1/16,1/12", closed: bool = True) -> Choice:
    """The encoding for `scores`; see the module's article. Raises EmptyCorpusError where none has notes.

    >>> from symusic import Note, Score, Track
    >>> score = Score(480)
    >>> score.tracks.append(Track("Flute", notes=[Note(0, 480, 72, 80)]))
    >>> choice = choose_encoding([score])
    >>> choice.encoding.name, choice.why
    ('melody', 'every piece is one part of one note at a time')
    """
    shapes = [shape for shape in map(shape_of, scores) if shape.parts or shape.drums]
    if not shapes:
        raise EmptyCorpusError("no piece has notes: there is nothing to choose an encoding for")
    choice = _single_line(shapes) or _several_lines(shapes) or _chords(shapes) or _drums(shapes) or _rest(shapes)
    encoding, why, loses = choice
    return Choice(type(encoding)(**{**encoding.get_params(), "grid": grid, "closed": closed}), why, loses)


def shape_of(score: ScoreTick) -> Shape:
    """What a score is made of."""
    pitched = sounding_parts(score, drums=False)
    tracks = score.tracks
    lines = sum(is_monophonic(tracks[i], score.ticks_per_quarter) for i in pitched)
    return Shape(len(pitched), lines, len(sounding_parts(score)) - len(pitched))


def _single_line(shapes: list[Shape]) -> Choice | None:
    if not _most(shape.parts == shape.monophonic == 1 for shape in shapes):
        return None
    chords = sum(shape.parts > 0 and shape.monophonic == 0 for shape in shapes)
    more = sum(shape.parts > 1 for shape in shapes)
    loses = [
        f"all parts but the one with the tune, in {_pieces(more)}" if more else "",
        f"the lower notes where several sound at once, in {_pieces(chords)}" if chords else "",
        *_drums_lost(shapes),
    ]
    every = "every" if all(shape.parts == shape.monophonic == 1 for shape in shapes) else "nearly every"
    return Choice(MelodyEncoding(), f"{every} piece is one part of one note at a time", _joined(loses))


def _several_lines(shapes: list[Shape]) -> Choice | None:
    number = Counter(shape.parts for shape in shapes).most_common(1)[0][0]
    if not 2 <= number <= 8 or not _most(shape.parts == shape.monophonic == number for shape in shapes):
        return None
    skipped = sum(shape.parts not in (0, number) for shape in shapes)
    chords = sum(shape.parts == number != shape.monophonic for shape in shapes)
    loses = [
        f"{_pieces(skipped)} with another number of parts, skipped" if skipped else "",
        f"the lower notes of parts with chords, in {_pieces(chords)}" if chords else "",
        *_drums_lost(shapes),
    ]
    most = "most pieces have" if skipped or chords else "every piece has"
    return Choice(VoicesEncoding(number), f"{most} {number} parts of one note at a time", _joined(loses))


def _chords(shapes: list[Shape]) -> Choice | None:
    if not _most(shape.parts == 1 for shape in shapes):
        return None
    joined = sum(shape.parts > 1 for shape in shapes)
    loses = [f"which part plays what, in {_pieces(joined)} with several" if joined else "", *_drums_lost(shapes)]
    every = "every" if not joined else "nearly every"
    return Choice(NotesEncoding(), f"{every} piece is one part, often with chords", _joined(loses))


def _drums(shapes: list[Shape]) -> Choice | None:
    if any(shape.parts for shape in shapes):
        return None
    loses = "all drum parts but the first" if any(shape.drums > 1 for shape in shapes) else ""
    return Choice(NotesEncoding(part="drums"), "there are drums only", loses)


def _rest(shapes: list[Shape]) -> Choice:
    pitched = [shape for shape in shapes if shape.parts]
    few, many = min(shape.parts for shape in pitched), max(shape.parts for shape in pitched)
    has = f"the pieces have {few} to {many} parts" if few < many else f"the pieces have {many} parts"
    lost = _drums_lost(shapes)
    if _most(shape.monophonic > 0 for shape in pitched):
        why = f"{has}, not all of one note at a time; the part that carries the tune is taken"
        return Choice(MelodyEncoding(), why, _joined(["all other parts (--encoding remi keeps them)", *lost]))
    why = f"{has}, most of them with chords; all are taken as one"
    return Choice(NotesEncoding(), why, _joined(["which part plays what (--encoding remi keeps it)", *lost]))


def _most(conditions: Iterable[bool]) -> bool:
    values = list(conditions)
    return sum(values) >= MOST * len(values)


def _drums_lost(shapes: list[Shape]) -> list[str]:
    beside = sum(shape.drums > 0 and shape.parts > 0 for shape in shapes)
    alone = sum(shape.parts == 0 for shape in shapes)
    return [
        f"the drums, in {_pieces(beside)}" if beside else "",
        f"{_pieces(alone)} of drums only, skipped" if alone else "",
    ]


def _pieces(n: int) -> str:
    return f"{n:,} piece" if n == 1 else f"{n:,} pieces"


def _joined(parts: list[str]) -> str:
    return "; ".join(part for part in parts if part)
