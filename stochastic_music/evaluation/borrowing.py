"""Borrowing and innovation: out of what a piece could be put together, and how many joints that takes.

Sakellariou, Tria, Loreto and Pachet [1] ask of a model that it sounds like a corpus without repeating it, and measure
it as one would by data compression: out of how long pieces of the corpus can the new music be put together? Here the
notes of a piece are cut from left to right into *runs*: each is the longest that the corpus has from there on, and the
next begins where it ends, as in Ziv and Merhav's parsing of one sequence by another [2]. A note that the corpus does
not have at all is new, and stands alone.

    borrowing    the mean length of a run, in notes; new notes count as runs of length 0
    innovation   the share of steps from note to note that are joints between runs: 0 for a copy, 1 where all is new
    bits         Ziv and Merhav's estimate of bits a note: runs times the log of how many notes the corpus has

None of these is good or bad by itself. What they should be is what they are for the corpus against itself, each piece
put together out of the others (`own_borrowing`): music that borrows more is a patchwork of quotations, music that
borrows less is in another style.

    >>> tune = Line.of("tune", onset=[0, 1, 2, 3], duration=[1, 1, 1, 1], pitch=[60, 62, 64, 65])
    >>> new = Line.of("new", onset=[0, 1, 2, 3, 4], duration=[1, 1, 1, 1, 1], pitch=[62, 64, 65, 60, 61])
    >>> found = borrowing([new], OriginalityIndex([tune]))
    >>> found.runs.tolist(), found.borrowing, found.innovation
    ([3, 1, 0], 1.3333333333333333, 0.5)

[1] J. Sakellariou, F. Tria, V. Loreto, F. Pachet. Maximum entropy models capture melodic styles. Scientific Reports 7,
    9172, 2017.
[2] J. Ziv, N. Merhav. A measure of relative entropy between individual sequences with application to universal
    classification. IEEE Transactions on Information Theory 39, 1993.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from stochastic_music.corpus.lines import Line
from stochastic_music.corpus.matching import Matching
from stochastic_music.errors import EmptyCorpusError
from stochastic_music.evaluation.originality import OriginalityIndex
from stochastic_music.protocols import IntArray

#: as in the paper, which knows pitches alone
PITCHES = Matching("pitch", rhythm=False)


class Borrowing(NamedTuple):
    """How long the `runs` (n_runs,) are, in notes of the corpus, 0 for a note that it does not have.

    They cover `n_notes` of `n_pieces`; the corpus that they are taken from has `n_corpus` notes.
    """

    runs: IntArray
    n_notes: int
    n_pieces: int
    n_corpus: int

    @property
    def borrowing(self) -> float:
        """The mean length of a run, in notes."""
        return float(self.runs.mean())

    @property
    def innovation(self) -> float:
        """The share, 0 to 1, of steps from note to note that are joints; 0 where there is no step."""
        return (len(self.runs) - self.n_pieces) / max(self.n_notes - self.n_pieces, 1)

    @property
    def bits(self) -> float:
        """Bits a note: what it takes to say, of each run, where the corpus has it."""
        return len(self.runs) * math.log2(max(self.n_corpus, 1)) / self.n_notes


def borrowing(pieces: Sequence[Line], index: OriginalityIndex, *, how: Matching = PITCHES) -> Borrowing:
    """What `pieces` borrow from the corpus of `index`, compared as `how` says.

    Raises EmptyCorpusError where the pieces have no notes.
    """
    suffixes = index.suffixes(how)
    return _of([suffixes.matches(line)[0] for line in pieces if len(line)], sum(map(len, index.lines)))


def own_borrowing(index: OriginalityIndex, *, how: Matching = PITCHES) -> Borrowing:
    """What each line of a corpus borrows from the others. Raises EmptyCorpusError where there are no notes."""
    sizes = [len(line) for line in index.lines]
    lengths = index.suffixes(how).elsewhere(np.repeat(np.arange(len(sizes)), sizes))
    return _of([part for part in np.split(lengths, np.cumsum(sizes)[:-1]) if len(part)], sum(sizes))


def _of(matches: Sequence[IntArray], n_corpus: int) -> Borrowing:
    """`matches` are, for each note of each piece, how long a copy begins there."""
    if not matches:
        raise EmptyCorpusError("there is nothing to measure: the pieces have no notes")
    runs = [run for match in matches for run in _parsed(match.tolist())]
    n_notes = sum(len(match) for match in matches)
    return Borrowing(np.array(runs, dtype=np.int64), n_notes, len(matches), n_corpus)


def _parsed(match: list[int]) -> list[int]:
    """Runs from left to right, each as long as can be."""
    runs, at = [], 0
    while at < len(match):
        runs.append(match[at])
        at += max(match[at], 1)
    return runs
