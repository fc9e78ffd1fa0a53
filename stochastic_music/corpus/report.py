"""What became of every file: read, or skipped with a reason a musician understands and what would accept it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any, NamedTuple

from stochastic_music._showing import ShowsItself
from stochastic_music.corpus.facts import GRID, Facts, Runs
from stochastic_music.corpus.piece import full_name
from stochastic_music.corpus.variants import find_variants


class Read(NamedTuple):
    """A file that was read: how many pieces were taken from it, and what to know of them, as (tune, sentence)."""

    file: str
    n_pieces: int
    warnings: tuple[tuple[str, str], ...] = ()


class Skipped(NamedTuple):
    """A file that was not read: why, and what would accept it (empty where nothing would)."""

    file: str
    reason: str
    remedy: str = ""

    def to_json(self) -> dict[str, str]:
        """The keys of the command line."""
        return {"file": self.file, "reason": self.reason, "try": self.remedy}

    def in_words(self) -> str:
        """One line.

        >>> Skipped("a.mid", "it holds no notes", "Check it").in_words()
        'a.mid: it holds no notes. Check it.'
        """
        return printable(". ".join(filter(None, [f"{self.file}: {self.reason}", self.remedy])) + ".")


class DoubtfulKey(NamedTuple):
    """A piece whose key is an estimate that another key comes close to: confidence 0 is a tie, 1 a certainty."""

    piece: str
    key: str
    confidence: float


class PieceFacts(NamedTuple):
    """One piece of a corpus: its name, where it may be used, what was measured, the runs of its top line."""

    name: str
    licence: str
    facts: Facts
    runs: Runs


@dataclass(frozen=True)
class Account:
    """What is told of files and pieces, in figures and names; see `IngestReport` for what they mean."""

    files_read: int
    n_pieces: int
    n_notes: int
    meters: Mapping[str, int]
    keys: Mapping[str, int]
    keys_estimated: int
    quantisation_error: Mapping[str, float]
    skipped: Sequence[Skipped]
    other: Mapping[str, int]
    warnings: Sequence[tuple[str, str]]
    without_click: Sequence[str]
    duplicates: Sequence[Sequence[str]]
    doubtful_keys: Sequence[DoubtfulKey]
    variants: Sequence[Sequence[str]] = ()
    licences: Sequence[str] = ()

    def to_json(self) -> dict[str, Any]:
        """The keys of the command line's `--json`."""
        return {
            "files_read": self.files_read,
            "files_skipped": [skipped.to_json() for skipped in self.skipped],
            "files_not_music": dict(self.other),
            "warnings": [{"piece": piece, "warning": text} for piece, text in self.warnings],
            "n_pieces": self.n_pieces,
            "n_notes": self.n_notes,
            "meters": dict(self.meters),
            "keys": dict(self.keys),
            "keys_estimated": self.keys_estimated,
            "grid": GRID,
            "quantisation_error": dict(self.quantisation_error),
            "without_click": list(self.without_click),
            "duplicates": [list(group) for group in self.duplicates],
            "variants": [list(group) for group in self.variants],
            "doubtful_keys": [doubt._asdict() for doubt in self.doubtful_keys],
            "licences": list(self.licences),
        }

    def summary(self, *, at_most: int = 10) -> str:
        """The account in words; of each list the first `at_most` lines."""
        return "\n".join(_summary(self, at_most))


@dataclass(frozen=True, eq=False)
class IngestReport(ShowsItself):
    """The account of every file, and what the pieces are like.

    `duplicates` are groups of files of equal bytes, of which the first was taken; `other` counts files that are no
    music by suffix. Figures on pieces are computed when asked for.
    """

    shown_by = "corpora"

    read: tuple[Read, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    duplicates: tuple[tuple[str, ...], ...] = ()
    other: Mapping[str, int] = field(default_factory=dict)
    pieces: tuple[PieceFacts, ...] = ()
    doubtful_keys: tuple[DoubtfulKey, ...] = ()

    @property
    def n_pieces(self) -> int:
        """Pieces in the corpus."""
        return len(self.pieces)

    @property
    def n_notes(self) -> int:
        """Notes in all pieces, all parts."""
        return sum(piece.facts.n_notes for piece in self.pieces)

    @cached_property
    def meters(self) -> dict[str, int]:
        """How many pieces use each time signature, most used first."""
        return ranked(Counter(meter for piece in self.pieces for meter in piece.facts.meters))

    @cached_property
    def keys(self) -> dict[str, int]:
        """How many pieces are in each key, printed or estimated, most used first."""
        return ranked(Counter(piece.facts.key for piece in self.pieces))

    @property
    def keys_estimated(self) -> int:
        """How many pieces print no key, so that theirs is an estimate from all their notes."""
        return sum(piece.facts.key_source == "estimated" for piece in self.pieces)

    @property
    def warnings(self) -> list[tuple[str, str]]:
        """What had to be repaired or left out in pieces that were read: (piece, sentence)."""
        return [(full_name(read.file, tune), text) for read in self.read for tune, text in read.warnings]

    @property
    def licences(self) -> tuple[str, ...]:
        """Every licence in the corpus."""
        return tuple(sorted({piece.licence for piece in self.pieces if piece.licence}))

    @property
    def quantisation_error(self) -> dict[str, float]:
        """Mean and largest distance of an onset from the default grid, in quarter notes."""
        mean = sum(p.facts.error * p.facts.n_notes for p in self.pieces) / max(self.n_notes, 1)
        return {"mean": round(mean, 6), "max": max((p.facts.worst for p in self.pieces), default=0.0)}

    @cached_property
    def without_click(self) -> tuple[str, ...]:
        """Pieces whose notes sit off any grid."""
        return tuple(piece.name for piece in self.pieces if piece.facts.without_click)

    @cached_property
    def variant_groups(self) -> list[list[int]]:
        """Places in the corpus of pieces that are variants of one tune, a list a tune; see `variants`."""
        return find_variants([piece.runs for piece in self.pieces])

    @property
    def variants(self) -> list[list[str]]:
        """The names of pieces that are variants of one tune."""
        return [[self.pieces[i].name for i in group] for group in self.variant_groups]

    def __add__(self, other: IngestReport) -> IngestReport:
        return IngestReport(
            read=self.read + other.read,
            skipped=self.skipped + other.skipped,
            duplicates=self.duplicates + other.duplicates,
            other=Counter(self.other) + Counter(other.other),
            pieces=self.pieces + other.pieces,
            doubtful_keys=self.doubtful_keys + other.doubtful_keys,
        )

    def select(self, indices: Sequence[int]) -> IngestReport:
        """The same account of the files, for some of the pieces."""
        return replace(self, pieces=tuple(self.pieces[i] for i in indices))

    @property
    def account(self) -> Account:
        """The report without what is known of single pieces."""
        return Account(
            files_read=len(self.read),
            **{field.name: getattr(self, field.name) for field in fields(Account) if field.name != "files_read"},
        )

    def to_json(self) -> dict[str, Any]:
        """The keys of the command line's `--json`."""
        return self.account.to_json()

    def summary(self, *, at_most: int = 10) -> str:
        """The report in words; of each list the first `at_most` lines."""
        return self.account.summary(at_most=at_most)


def ranked(counts: Mapping[str, int]) -> dict[str, int]:
    """Counts, the largest first.

    >>> ranked({"3/4": 1, "4/4": 2})
    {'4/4': 2, '3/4': 1}
    """
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _summary(report: Account, at_most: int) -> list[str]:
    error = report.quantisation_error
    files, pieces, notes = report.files_read, report.n_pieces, report.n_notes
    lines = [f"{counted(files, 'file')} read: {counted(pieces, 'piece')}, {counted(notes, 'note')}."]
    if report.n_pieces:
        lines += [f"Meters: {_listed(report.meters)}.", f"Keys: {_listed(report.keys)}{_estimated(report)}."]
        off = f"{error['mean']:.4f} quarter notes off the grid {GRID} on average, {error['max']:.4f} at most"
        lines.append(f"Notes lie {off}." if error["max"] else f"All notes lie on the grid {GRID}.")
    sections = [
        (f"{counted(len(report.skipped), 'file')} skipped:", [s.in_words() for s in report.skipped]),
        ("Worth knowing:", _grouped(report.warnings)),
        ("Played without a click (their rhythm is a guess):", list(report.without_click)),
        ("Equal to the byte, counted once:", [" = ".join(group) for group in report.duplicates]),
        ("Variants of one tune, all kept:", [_some(group, 5) for group in report.variants]),
        ("Key in doubt, estimated:", [f"{d.piece}: taken as {d.key}" for d in report.doubtful_keys]),
    ]
    for title, items in sections:
        lines += _section(title, items, at_most)
    if report.other:
        others = sum(report.other.values())
        kind = "that is no music was" if others == 1 else "that are no music were"
        lines.append(f"{counted(others, 'file')} {kind} passed over.")
    lines += [f"Licence: {licence}" for licence in report.licences]
    return lines


def _estimated(report: Account) -> str:
    n = report.keys_estimated
    verb = "prints none: its" if n == 1 else "print none: their"
    return f"; {counted(n, 'piece')} {verb} key is estimated from all notes" if n else ""


def _section(title: str, items: Sequence[str], at_most: int) -> list[str]:
    if not items:
        return []
    more = [f"  ... and {len(items) - at_most} more"] if len(items) > at_most else []
    return [title, *(f"  {printable(item)}" for item in items[:at_most]), *more]


def _grouped(warnings: Sequence[tuple[str, str]]) -> list[str]:
    """A line for each sentence, with the pieces it is said of; those said most often first.

    Sentences that differ in the number they begin with are one, with the sum.

    >>> _grouped([("a", "1 grace note: left out"), ("b", "1 grace note: left out")])
    ['2 grace notes: left out: a, b']
    """
    said: dict[str, list[str]] = {}
    total: Counter[str] = Counter()
    for piece, text in warnings:
        n, kind = _number_and_kind(text)
        said.setdefault(kind, []).append(piece)
        total[kind] += n
    rows = sorted(said.items(), key=lambda item: -len(item[1]))
    return [f"{_numbered(total[kind], kind)}: {_some(pieces)}" for kind, pieces in rows]


def _number_and_kind(text: str) -> tuple[int, str]:
    """The number a sentence begins with (0 if it has none), and the rest, with its noun in the singular."""
    first, _, rest = text.partition(" ")
    digits = first.replace(",", "")
    return (int(digits), re.sub(r"\b(note|bar)s\b", r"\1", rest, count=1)) if digits.isdecimal() else (0, text)


def _numbered(n: int, kind: str) -> str:
    words = kind if n == 1 else re.sub(r"\b(note|bar)\b", r"\1s", kind, count=1)
    return f"{n:,} {words}" if n else kind


def _some(names: Sequence[str], at_most: int = 3) -> str:
    more = f" and {len(names) - at_most:,} more" if len(names) > at_most else ""
    return ", ".join(names[:at_most]) + more


def _listed(counts: Mapping[str, int], at_most: int = 12) -> str:
    shown = [f"{name} ({n})" for name, n in list(counts.items())[:at_most]]
    return ", ".join(shown) + (f" and {len(counts) - at_most:,} more" if len(counts) > at_most else "")


def counted(count: int, what: str) -> str:
    """A number with its noun.

    >>> counted(1, "file"), counted(1200, "note")
    ('1 file', '1,200 notes')
    """
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def printable(text: str) -> str:
    r"""`text` on one line, with what no console can show spelled out.

    >>> print(printable("a\nb.mid"))
    a\nb.mid
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
