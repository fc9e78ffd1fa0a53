"""Scores with their chords: what chord labellers learn from.

Labels of a piece come, the first that is there, from

    a CSV file               columns piece, label, and bar with beat, or onset in quarter notes; key if it is known
    Roman-numeral text       a `.rntxt` file beside the score: of the same name, or naming it (`Score: x.mid`, `BWV:
    269`) chord symbols            in the score itself, as markers `chord:<symbol>` (`music.marks`)

Labels are checked against what sounds: of a piece whose labels name no more than six notes in ten, score and labels are
not the same music, or are counted differently, and the piece is left out with that reason. Where labels fit once they
are moved by some semitones, the score is in another key than they are, and they are moved.
"""

from __future__ import annotations

import csv
import io as text_io
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from stochastic_music.corpus.piece import Piece
from stochastic_music.errors import InputError, InvalidParameterError, UnreadableFileError
from stochastic_music.io.roman_text import Harmony, RomanText, placed, read_roman_text, time_of
from stochastic_music.music import marks
from stochastic_music.music.bars import Bar, bars
from stochastic_music.music.chords import Chord, parse_chord, parse_roman
from stochastic_music.music.keys import Key, parse_key, transposed_key
from stochastic_music.music.slices import Slice, slices

if TYPE_CHECKING:
    from stochastic_music.corpus.corpus import Corpus

#: share of what sounds that the chords of a piece must name
FITTING = 0.6
_MOVED = 0.85
_SUFFIXES = (".rntxt", ".rntext")
_SHOWN = 8


class LabelledPiece(NamedTuple):
    """A piece with its chords in order; `origin` says where they come from, `fit` what share of the notes they name."""

    piece: Piece
    harmonies: tuple[Harmony, ...]
    origin: str
    fit: float
    remarks: tuple[str, ...] = ()


class LeftOut(NamedTuple):
    """A piece that has no labels, or none that can be used."""

    name: str
    reason: str


def label_pieces(
    corpus: Corpus,
    *,
    csv_file: Path | None = None,
    texts: Sequence[Path] = (),
    paired: Mapping[str, Path] | None = None,
) -> tuple[list[LabelledPiece], list[LeftOut]]:
    """The pieces of a corpus that have labels, and those left out.

    `texts` are RomanText files that belong to the scores by name; `paired` says which file belongs to which source.
    Raises InputError where no piece has labels, and for a CSV file that makes no sense.
    """
    rows = read_csv(csv_file, [piece.name for piece in corpus]) if csv_file is not None else {}
    shelf = _Shelf(texts, paired or {})
    found: list[LabelledPiece] = []
    out: list[LeftOut] = []
    for piece in corpus:
        try:
            labelled = _label(piece, rows.get(piece.name), shelf)
        except UnreadableFileError as error:
            out.append(LeftOut(piece.name, error.reason))
            continue
        (found if isinstance(labelled, LabelledPiece) else out).append(labelled)  # type: ignore[arg-type]
    if not found:
        raise InputError(_nothing(out, csv_file, shelf))
    return found, out


def find_texts(paths: Iterable[str | Path]) -> list[Path]:
    """The RomanText files in folders, and beside files, in order of their names."""
    folders = {path if path.is_dir() else path.parent for path in map(Path, paths) if path.exists()}
    return sorted({file for folder in folders for file in folder.rglob("*") if file.suffix.lower() in _SUFFIXES})


def chords_in(piece: Piece) -> tuple[Harmony, ...]:
    """The chord symbols printed in a score."""
    quarter = piece.score.ticks_per_quarter
    found = []
    for time, text in marks.chord_symbols(piece.score):
        try:
            found.append(Harmony(Fraction(time, quarter), parse_chord(text)))
        except InvalidParameterError as error:
            raise UnreadableFileError(f"a chord symbol in it makes no sense: {error}") from error
    return tuple(found)


def agreement(row: Sequence[Slice], harmonies: Sequence[Harmony], up: int = 0) -> float:
    """The share of sounding notes, by their length, that belong to the chord of their time moved `up` semitones.

    >>> piece = Slice(Fraction(0), Fraction(1), (60, 64, 67, 69), (), 1, 4)
    >>> agreement([piece], [Harmony(Fraction(0), Chord(0))])
    0.75
    """
    onsets = [harmony.onset for harmony in harmonies]
    named = total = 0.0
    for piece in row:
        i = bisect_right(onsets, piece.onset) - 1
        chord = harmonies[i].chord if i >= 0 else None
        if chord is None:
            continue
        notes = {(pitch + up) % 12 for pitch in chord.pitch_classes}
        length = float(piece.length)
        named += length * sum(pitch % 12 in notes for pitch in piece.pitches)
        total += length * len(piece.pitches)
    return named / total if total else 0.0


def read_csv(path: Path, names: Sequence[str]) -> dict[str, list[tuple[str, dict[str, str]]]]:
    """The rows of a CSV of labels for each of the pieces called `names`, each with where it stands.

    Raises InputError for other columns, or a piece that is not among `names`.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"cannot read the labels in {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is no text file in UTF-8: save the labels as CSV") from error
    reader = csv.DictReader(text_io.StringIO(text), skipinitialspace=True)
    columns = {name.strip().lower() for name in reader.fieldnames or () if name}
    if not {"piece", "label"} <= columns or not ({"onset"} <= columns or {"bar"} <= columns):
        raise InputError(
            f"{path} has the columns {', '.join(sorted(columns)) or 'none'}; expected piece, label, and bar with beat, "
            "or onset in quarter notes (key is optional)"
        )
    known = {own: name for name in names for own in _own_names(name)}
    rows: dict[str, list[tuple[str, dict[str, str]]]] = {}
    for number, raw in enumerate(reader, 2):
        row = {str(k).strip().lower(): str(v or "").strip() for k, v in raw.items() if k}
        name = known.get(row["piece"].casefold())
        if name is None:
            shown = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
            raise InputError(f"row {number} of {path} labels the piece '{row['piece']}', which is none of: {shown}")
        rows.setdefault(name, []).append((f"row {number} of {path}", row))
    return rows


class _Shelf:
    """RomanText files by the names of the scores to which they belong."""

    def __init__(self, texts: Sequence[Path], paired: Mapping[str, Path]) -> None:
        self.paired = paired
        self.texts = {path.stem.casefold(): path for path in reversed(texts)}
        self.naming = {name: path for path in reversed(texts) for name in _named_in(path)}

    def text_of(self, piece: Piece) -> Path | None:
        """The file that belongs to a piece."""
        if piece.source in self.paired:
            return self.paired[piece.source]
        source = PurePosixPath(piece.source.replace("\\", "/"))
        for name in (source.name.casefold(), source.stem.casefold()):
            if name in self.texts or name in self.naming:
                return self.texts.get(name) or self.naming[name]
        return None


def _named_in(path: Path) -> Iterator[str]:
    """The scores that the headings of a RomanText file name."""
    headings = read_roman_text(_text(path)).headings
    for heading, value in headings.items():
        if heading.casefold() in ("score", "file"):
            yield value.casefold()
        elif heading.casefold() == "bwv":
            yield f"bwv{value}".casefold()


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8", "replace")
    except OSError as error:
        raise InputError(f"cannot read the labels in {path}: {error.strerror or error}") from error


def _label(piece: Piece, rows: list[tuple[str, dict[str, str]]] | None, shelf: _Shelf) -> LabelledPiece | LeftOut:
    printed = bars(piece.score)
    problems: list[str] = []
    if rows is not None:
        harmonies, origin = [_from_row(where, row, printed) for where, row in rows], "a CSV file"
    elif (path := shelf.text_of(piece)) is not None:
        harmonies, problems = _from_text(read_roman_text(_text(path)), printed)
        origin = path.name
    else:
        harmonies, origin = list(chords_in(piece)), "chord symbols in the score"
    if not harmonies:
        why = f"{origin} gave no label: {problems[0]}" if problems else "it has no labels"
        return LeftOut(piece.name, why)
    ordered = _in_order(harmonies)
    row = slices(piece.score, printed)
    return _checked(piece, ordered, row, origin, problems)


def _checked(
    piece: Piece, harmonies: list[Harmony], row: Sequence[Slice], origin: str, problems: list[str]
) -> LabelledPiece | LeftOut:
    """The labelled piece, its labels moved into its key where they fit there alone."""
    fit, up = max((agreement(row, harmonies, up), -up) for up in range(12))
    here = agreement(row, harmonies)
    if here < FITTING and fit >= _MOVED:
        moved = [_moved(harmony, -up) for harmony in harmonies]
        told = f"its labels are in another key than its score: moved by {(-up + 6) % 12 - 6} semitones"
        return LabelledPiece(piece, tuple(moved), origin, fit, (*problems, told))
    if here < FITTING:
        bars_there = f"it has bars {row[0].bar} to {row[-1].bar}" if row else "it has no pitched notes"
        return LeftOut(
            piece.name,
            f"the labels of {origin} name only {here:.0%} of its notes: check that they are of this edition and count "
            f"bars as it does ({bars_there})",
        )
    return LabelledPiece(piece, tuple(harmonies), origin, here, tuple(problems))


def _moved(harmony: Harmony, up: int) -> Harmony:
    chord = harmony.chord and harmony.chord.transposed(up)
    return Harmony(harmony.onset, chord, harmony.key and transposed_key(harmony.key, up))


def _in_order(harmonies: Iterable[Harmony]) -> list[Harmony]:
    """By onset; of several at one time the last, as a pivot chord is heard in the new key."""
    return sorted({harmony.onset: harmony for harmony in harmonies}.values(), key=lambda harmony: harmony.onset)


def _from_text(analysis: RomanText, printed: Sequence[Bar]) -> tuple[list[Harmony], list[str]]:
    harmonies, problems = placed(analysis, printed)
    return harmonies, [*analysis.problems, *problems]


def _from_row(where: str, row: Mapping[str, str], printed: Sequence[Bar]) -> Harmony:
    """One row of a CSV as a chord; raises InputError naming the row."""
    try:
        key = parse_key(row["key"]) if row.get("key") else None
        return Harmony(_onset(where, row, printed), _chord(row["label"], key), key)
    except InvalidParameterError as error:
        raise InputError(f"{where}: {error}") from error


def _chord(label: str, key: Key | None) -> Chord | None:
    try:
        return parse_chord(label)
    except InvalidParameterError:
        if key is None:
            raise
        return parse_roman(label, key)


def _onset(where: str, row: Mapping[str, str], printed: Sequence[Bar]) -> Fraction:
    end = printed[-1].end
    if row.get("onset"):
        onset = _number(where, "onset", row["onset"])
        if not 0 <= onset < end:
            raise InputError(
                f"{where}: onset {row['onset']} lies outside the piece, which lasts {float(end):g} quarter notes"
            )
        return onset
    number = _number(where, "bar", row.get("bar", ""))
    bar = next((bar for bar in printed if bar.number == number), None)
    if bar is None:
        raise InputError(
            f"{where}: there is no bar {row['bar']}; the piece has bars {printed[0].number} to {printed[-1].number}"
        )
    onset = time_of(bar, _number(where, "beat", row.get("beat") or "1"))
    if not bar.start <= onset < bar.end:
        raise InputError(
            f"{where}: bar {bar.number} has no beat {row['beat']}; it lasts {float(bar.length):g} quarter notes"
        )
    return onset


def _number(where: str, what: str, text: str) -> Fraction:
    try:
        return Fraction(text).limit_denominator(960)
    except (ValueError, ZeroDivisionError) as error:
        raise InputError(f"{where}: the {what} is '{text}'; expected a number") from error


def _own_names(name: str) -> Iterator[str]:
    """What a CSV may call a piece: its name, or that without folder or suffix."""
    path = PurePosixPath(name.replace("\\", "/"))
    yield from {name.casefold(), path.name.casefold(), path.stem.casefold()}


def _nothing(out: Sequence[LeftOut], csv_file: Path | None, shelf: _Shelf) -> str:
    bare = sum(piece.reason == "it has no labels" for piece in out)
    lines = [f"  {piece.name}: {piece.reason}" for piece in out if piece.reason != "it has no labels"][:_SHOWN]
    n_texts = len(shelf.texts) + len(shelf.paired)
    looked = [
        f"{bare} without chord symbols" if bare else "",
        f"{n_texts} Roman-numeral texts (.rntxt) beside them"
        if n_texts
        else "no Roman-numeral text (.rntxt) beside them",
        f"labels in {csv_file}" if csv_file is not None else "no CSV file (--labels FILE.csv)",
    ]
    head = f"none of {len(out)} pieces has labels that can be used: " + "; ".join(filter(None, looked))
    return "\n".join([head + ". The built-in corpus bach-analyses has labels.", *lines])
