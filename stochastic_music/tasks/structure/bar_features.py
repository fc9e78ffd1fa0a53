"""Bars as a listener hears their form: a few features each, and cells to compare one bar with another.

The *features* of a bar are categories that any score has, however many parts:

    harmony   the root of the chord that its longest notes make, as semitones above the tonic; silent without notes
    register  how far its mean pitch lies from the mean of the piece, in steps of three semitones
    density   how many onsets there are in a quarter note
    contour   where the top line goes: level, rising, falling, arch, valley

Its *cells* are quarter notes. Each holds two tokens: what the top line begins there (places and pitch classes), and
which pitch classes sound. Equal tokens have equal numbers within a piece. Octaves do not count, keys do: a repeat in
another key is not heard as one. Drums are left out unless there is nothing else.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from stochastic_music.corpus import TokenCorpus
from stochastic_music.music.bars import Bar, bars
from stochastic_music.music.chords import best_chord
from stochastic_music.music.keys import key_of
from stochastic_music.music.notes import Notes, gather
from stochastic_music.protocols import BoolArray, IntArray
from stochastic_music.tokens import Field, Vocabulary

if TYPE_CHECKING:
    from symusic.core import ScoreTick

_DEGREES = ("I", "bII", "II", "bIII", "III", "IV", "#IV", "V", "bVI", "VI", "bVII", "VII", "silent")
_REGISTERS = ("very low", "low", "rather low", "middle", "rather high", "high", "very high", "silent")
#: onsets a quarter note up to which a density goes
_DENSITIES = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0)
_DENSITY_NAMES = ("silent", "sparse", "quarters", "quarters and eighths", "eighths", "quick", "very quick", "dense")
_CONTOURS = ("level", "rising", "falling", "arch", "valley", "silent")
FEATURES = Vocabulary(
    (
        Field("harmony", len(_DEGREES), labels=_DEGREES),
        Field("register", len(_REGISTERS), labels=_REGISTERS),
        Field("density", len(_DENSITY_NAMES), labels=_DENSITY_NAMES),
        Field("contour", len(_CONTOURS), labels=_CONTOURS),
    ),
    closed=False,
)
#: of a cell that the bar is too short for
ABSENT = -1
#: places in a quarter note that tokens tell apart
_PLACES = 12


class BarTable(NamedTuple):
    """The bars of a piece: printed `numbers` (T,), `features` (T, 4), `cells` (T, n_cells, 2) with ABSENT ones."""

    numbers: IntArray
    features: IntArray
    cells: IntArray


def bar_table(score: ScoreTick) -> BarTable:
    """The bars of a score, one at least. Raises EncodingError for an impossible meter."""
    printed = bars(score)
    table = gather([score])
    drums = table.is_drum[table.notes.track]
    notes = table.notes.where(~drums if not drums.all() else np.ones(len(drums), dtype=bool))
    tonic = key_of(score).key.tonic if len(notes.pitch) else 0
    mean = _mean(notes)
    quarter = score.ticks_per_quarter
    rows, cells = [], []
    for bar in printed:
        start, end = int(bar.start * quarter), int(bar.end * quarter)
        sounding = notes.where((notes.onset < end) & (notes.onset + notes.duration > start))
        rows.append(_features(sounding, (start, end), quarter, tonic, mean))
        cells.append(_cells(sounding, bar, start, quarter))
    return BarTable(np.array([bar.number for bar in printed]), np.array(rows), _numbered(cells))


def as_corpus(tables: Sequence[BarTable], names: Sequence[str]) -> TokenCorpus:
    """The features of all pieces as symbols, an event a bar."""
    starts = FEATURES.starts[:-1]
    return TokenCorpus.from_sequences([(table.features + starts).ravel() for table in tables], FEATURES, names=names)


def _mean(notes: Notes) -> float:
    return float(np.average(notes.pitch, weights=np.maximum(notes.duration, 1))) if len(notes.pitch) else 0.0


def _features(notes: Notes, span: tuple[int, int], quarter: int, tonic: int, mean: float) -> list[int]:
    start, end = span
    began = notes.where(notes.onset >= start)
    density = len(np.unique(began.onset)) * quarter / max(end - start, 1)
    if not len(notes.pitch):
        return [len(_DEGREES) - 1, len(_REGISTERS) - 1, 0, len(_CONTOURS) - 1]
    register = int(np.clip(round((_mean(notes) - mean) / 3), -3, 3)) + 3
    contour = _contour(began if len(began.pitch) else notes)
    return [_degree(notes, start, end, tonic), register, _density(density), contour]


def _degree(notes: Notes, start: int, end: int, tonic: int) -> int:
    """The root of the chord of those pitch classes that sound longest, above the tonic."""
    length = np.minimum(notes.onset + notes.duration, end) - np.maximum(notes.onset, start)
    weights = np.bincount(notes.pitch % 12, weights=length, minlength=12)
    longest = np.argsort(-weights, kind="stable")[:4]
    kept = frozenset(int(p) for p in longest if weights[p] >= weights.max() / 3)
    return (_root(kept, int(longest[0])) - tonic) % 12


@functools.lru_cache(maxsize=4096)
def _root(pitch_classes: frozenset[int], longest: int) -> int:
    found = best_chord(pitch_classes)
    return longest if found is None else found.root


def _density(onsets: float) -> int:
    return int(np.searchsorted(_DENSITIES, onsets - 1e-9)) if onsets else 0


def _contour(notes: Notes) -> int:
    """Where the top line goes from its first note to its last, over what lies between."""
    top = _top_line(notes)[:, 1]
    first, last = int(top[0]), int(top[-1])
    if top.max() > max(first, last) + 2 and top.max() - max(first, last) >= min(first, last) - top.min():
        return _CONTOURS.index("arch")
    if top.min() < min(first, last) - 2:
        return _CONTOURS.index("valley")
    return _CONTOURS.index("level" if abs(last - first) < 2 else "rising" if last > first else "falling")


def _top_line(notes: Notes) -> IntArray:
    """The highest note of each onset, in time: (n, 2) of onset and pitch."""
    order = np.lexsort((-notes.pitch, notes.onset))
    first = np.unique(notes.onset[order], return_index=True)[1]
    line: IntArray = np.column_stack([notes.onset, notes.pitch])[order][first]
    return line


def _cells(notes: Notes, bar: Bar, start: int, quarter: int) -> list[tuple[Hashable, Hashable]]:
    """The two tokens of each quarter note of a bar."""
    n_cells = max(1, math.ceil(bar.length))
    edges = start + np.arange(n_cells + 1) * quarter
    line = _top_line(notes)
    place = np.rint((line[:, 0] - start) * _PLACES / quarter).astype(np.int64)
    found: list[tuple[Hashable, Hashable]] = []
    for i in range(n_cells):
        inside: BoolArray = (place >= i * _PLACES) & (place < (i + 1) * _PLACES)
        top = tuple(zip((place[inside] - i * _PLACES).tolist(), (line[inside, 1] % 12).tolist(), strict=True))
        sounds = (notes.onset < edges[i + 1]) & (notes.onset + notes.duration > edges[i])
        found.append((top, tuple(np.unique(notes.pitch[sounds] % 12).tolist())))
    return found


def _numbered(cells: Sequence[Sequence[tuple[Hashable, Hashable]]]) -> IntArray:
    """Equal tokens as equal numbers: (T, n_cells, 2), ABSENT where a bar has no such cell."""
    out = np.full((len(cells), max(map(len, cells)), 2), ABSENT, dtype=np.int64)
    for stream in range(2):
        numbers: dict[Hashable, int] = {}
        for t, row in enumerate(cells):
            for i, tokens in enumerate(row):
                out[t, i, stream] = numbers.setdefault(tokens[stream], len(numbers))
    return out
