"""How much of a piece is copied from a corpus, and from where.

A *copy* is a run of neighboring notes that the corpus has too. Runs are compared in four ways (`corpus.matching`): by
pitch or by interval, with their rhythm or without; by interval and with rhythm where nothing is said, so that a
transposed quotation counts. `length` counts notes; `piece` and `bar` say where the corpus has it, bars as printed (a
pickup is bar 0).

    longest   the longest run of a piece that the corpus holds
    share     the part of its notes that lie within copies of at least 8 notes

Short copies prove nothing: held-out pieces of one style share runs too. So a report shows theirs beside (`held_out`),
and `limit`, the longest copy that nine in ten of them do not exceed, is what composing keeps to where nothing else is
asked. The idea is that of Papadopoulos, Roy and Pachet's maximum order [1], measured; `constraints.MaxCopy` imposes
it.

    >>> tune = Line.of("tune", onset=[0, 1, 2, 3], duration=[1, 1, 1, 2], pitch=[60, 62, 64, 65])
    >>> index = OriginalityIndex([tune])
    >>> moved = Line.of("new", onset=[0, 2, 3, 4], duration=[2, 1, 1, 2], pitch=[60, 67, 69, 70])
    >>> index.longest_copy(moved), index.longest_copy(moved, how=Matching("pitch")).length
    (Copy(length=3, piece='tune', bar=None, start=1), 0)

[1] A. Papadopoulos, P. Roy, F. Pachet. Avoiding plagiarism in Markov sequence generation. AAAI 2014.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Self

import numpy as np

from stochastic_music._showing import ShowsItself
from stochastic_music.corpus.lines import UNKNOWN_BAR, Line, lines, lines_of
from stochastic_music.corpus.matching import USUAL, WAYS, Matching
from stochastic_music.corpus.token_corpus import TokenCorpus
from stochastic_music.errors import InvalidParameterError
from stochastic_music.evaluation.held_out import NOTABLE, HeldOut, Usual, covered
from stochastic_music.evaluation.suffixes import Suffixes
from stochastic_music.protocols import IntArray
from stochastic_music.tokens import TokenPiece, Vocabulary


class Copy(NamedTuple):
    """A run of `length` notes of a line, from note `start` on, that `piece` of the corpus has in printed bar `bar`."""

    length: int
    piece: str
    bar: int | None
    start: int

    def __str__(self) -> str:
        if not self.length:
            return "none"
        bar = "" if self.bar is None else f", bar {self.bar}"
        return f"{self.length} {'note' if self.length == 1 else 'notes'} of {self.piece}{bar}"

    def to_json(self) -> dict[str, Any]:
        """`length`, `piece` and `bar`."""
        return {"length": self.length, "piece": self.piece, "bar": self.bar}


_NOTHING = Copy(0, "", None, 0)


class Copied(NamedTuple):
    """What of a piece is copied, compared in one way: the longest copy, the share (0 to 1) of notes in notable ones."""

    longest: Copy
    share: float

    def to_json(self) -> dict[str, Any]:
        """`longest` and `share`."""
        return {"longest": self.longest.to_json(), "share": round(self.share, 4)}


@dataclass(frozen=True)
class Originality(ShowsItself):
    """What of a piece is copied, by each way of comparing, and what is of held-out pieces (None where unknown)."""

    shown_by = "findings"

    copied: Mapping[Matching, Copied]
    held_out: Mapping[Matching, Usual] | None

    @property
    def longest(self) -> Copy:
        """The longest copy, transposed ones counted, with rhythm."""
        return self.copied[USUAL].longest

    def to_json(self) -> dict[str, Any]:
        """Plain numbers and strings: `longest_copy`, and `copies` by each way of comparing."""
        copies = {how.key: copied.to_json() for how, copied in self.copied.items()}
        return {"longest_copy": self.longest.to_json(), "copies": copies}

    def __str__(self) -> str:
        return "\n".join(self._line(how, copied) for how, copied in self.copied.items())

    def _line(self, how: Matching, copied: Copied) -> str:
        text = f"{f'{how}:':<22} {copied.longest}; {copied.share:.0%} of the notes in copies of {NOTABLE} or more"
        if self.held_out is None:
            return text
        longest, share, _ = self.held_out[how]
        return f"{text} (held out: {longest.median}, at most {longest.high}; {share.median:.0%}, {share.high:.0%})"


class OriginalityIndex:
    """A corpus, ready to be asked; see the module's article.

    A piece is a Line, several (its voices), or a `TokenPiece`, which is read with the vocabulary of the corpus that
    `from_tokens` was given.
    """

    def __init__(self, lines: Iterable[Line], *, vocabulary: Vocabulary | None = None) -> None:
        self.lines = list(lines)
        self.vocabulary = vocabulary
        self._made: dict[Matching, Suffixes] = {}

    @classmethod
    def from_tokens(cls, corpus: TokenCorpus) -> Self:
        """The index of a corpus whose events are notes or slices of voices; raises VocabularyError for others."""
        return cls(lines(corpus), vocabulary=corpus.vocabulary)

    def longest_copy(self, piece: Line | Sequence[Line] | TokenPiece, *, how: Matching = USUAL) -> Copy:
        """The longest run of `piece` that the corpus holds; of length 0 where it shares no note."""
        return self.copied(piece, how=how).longest

    def share(self, piece: Line | Sequence[Line] | TokenPiece, *, how: Matching = USUAL) -> float:
        """The part, 0 to 1, of the notes of `piece` that lie within copies of at least 8 notes."""
        return self.copied(piece, how=how).share

    def copied(self, piece: Line | Sequence[Line] | TokenPiece, *, how: Matching = USUAL) -> Copied:
        """What of `piece` the corpus holds, compared in one way."""
        found = [(line, *self.suffixes(how).matches(line)) for line in self._lines(piece) if len(line)]
        n_copied = sum(int(covered(lengths).sum()) for _, lengths, _ in found)
        n_notes = sum(len(line) for line, _, _ in found)
        copies = [self._longest(lengths, places) for _, lengths, places in found]
        longest = max(copies, key=lambda copy: copy.length, default=_NOTHING)
        return Copied(longest, n_copied / max(n_notes, 1))

    def report(self, piece: Line | Sequence[Line] | TokenPiece) -> Originality:
        """Everything that can be said of `piece`, beside what is usual."""
        own = self._lines(piece)
        return Originality({how: self.copied(own, how=how) for how in WAYS}, self.held_out)

    @cached_property
    def held_out(self) -> Mapping[Matching, Usual] | None:
        """What pieces of the corpus copy from those that are no kin of theirs; None where they are too few."""
        usual = {how: self._held_out.usual(self.suffixes(how)) for how in WAYS}
        return {how: found for how, found in usual.items() if found} or None

    @cached_property
    def limit(self) -> int | None:
        """The longest copy that nine in ten held-out pieces do not exceed, in notes; None where they are too few."""
        usual = self._held_out.usual(self.suffixes(USUAL))
        return None if usual is None else int(usual.longest.high)

    def suffixes(self, how: Matching) -> Suffixes:
        """The runs of the corpus, compared as `how` says: made once."""
        if how not in self._made:
            self._made[how] = Suffixes(self.lines, how)
        return self._made[how]

    @cached_property
    def _held_out(self) -> HeldOut:
        return HeldOut(self.lines)

    def _lines(self, piece: Line | Sequence[Line] | TokenPiece) -> Sequence[Line]:
        if isinstance(piece, Line):
            return [piece]
        if not isinstance(piece, TokenPiece):
            return piece
        if self.vocabulary is None:
            raise InvalidParameterError("this index was made of plain lines: ask it about a Line")
        return lines_of(self.vocabulary, piece.symbols, piece.header, "")

    def _longest(self, lengths: IntArray, places: IntArray) -> Copy:
        start = int(lengths.argmax())
        length, note = int(lengths[start]), int(places[start])
        if not length:
            return _NOTHING
        source = int(np.searchsorted(self._firsts, note, side="right")) - 1
        line = self.lines[source]
        bar = int(line.bar[note - self._firsts[source]])
        return Copy(length, line.name, None if bar == UNKNOWN_BAR else bar, start)

    @cached_property
    def _firsts(self) -> IntArray:
        """The place of each line's first note among all notes; of empty lines the last counts."""
        return np.cumsum([0, *(len(line) for line in self.lines)])[:-1].astype(np.int64)
