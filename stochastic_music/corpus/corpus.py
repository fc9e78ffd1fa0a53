"""Pieces to learn from: an immutable sequence, and the report of where it came from."""

from __future__ import annotations

import difflib
import functools
import operator
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self, overload

import numpy as np

from stochastic_music import io
from stochastic_music._random import Seed
from stochastic_music._showing import ShowsItself
from stochastic_music.corpus import dealing, ingest, transposition
from stochastic_music.corpus._pool import Limits
from stochastic_music.corpus._scan import Found
from stochastic_music.corpus.facts import measure
from stochastic_music.corpus.ingest import AnyPath
from stochastic_music.corpus.piece import HeldPiece, Piece
from stochastic_music.corpus.report import IngestReport, PieceFacts, printable
from stochastic_music.corpus.text import score_from_text
from stochastic_music.errors import EmptyCorpusError, InvalidParameterError, StoreError
from stochastic_music.protocols import IntArray, Progress

if TYPE_CHECKING:
    from symusic.core import ScoreTick


class Corpus(ShowsItself, Sequence[Piece]):
    """An immutable sequence of `Piece`; `report` tells what became of every file.

    Scores are held as bytes and read when a piece is asked for: each access gives a score of its own.

        >>> corpus = Corpus.from_text("4/4 c4 d e c")
        >>> len(corpus), corpus[0].score.note_num()
        (1, 4)
    """

    shown_by = "corpora"

    def __init__(self, pieces: Sequence[HeldPiece], report: IngestReport) -> None:
        self._pieces = tuple(pieces)
        self.report = report

    @classmethod
    def from_folder(
        cls,
        path: AnyPath,
        *,
        workers: int | None = None,
        time_limit: float = Limits().seconds,
        memory_limit: int = Limits().memory,
        progress: Progress | None = None,
        executor: Executor | None = None,
    ) -> Self:
        """Every piece of every music file below a folder (or of one file), read in worker processes.

        A file that cannot be read, or takes more than `time_limit` seconds or `memory_limit` bytes, is skipped and
        reported. Of files with equal bytes the first is taken. `progress(done, total, file)` is called as reading goes
        on. With `executor` the files are read where its tasks run, which must see them under the same paths.
        Raises EmptyCorpusError where no piece is left.
        """
        settings = ingest.make_settings(workers, time_limit, memory_limit, progress, executor=executor)
        return cls._ingested(*ingest.find(path), settings)

    @classmethod
    def from_files(
        cls,
        paths: Sequence[AnyPath],
        *,
        workers: int | None = None,
        time_limit: float = Limits().seconds,
        memory_limit: int = Limits().memory,
        progress: Progress | None = None,
        executor: Executor | None = None,
    ) -> Self:
        """The pieces of the files named, in that order; see `from_folder`."""
        settings = ingest.make_settings(workers, time_limit, memory_limit, progress, executor=executor)
        return cls._ingested(*ingest.find_files(paths), settings)

    @classmethod
    def from_text(cls, text: str, *, title: str = "") -> Self:
        """A melody in music21's TinyNotation: a time signature, then notes such as `c4 d8 e-`, rests `r`.

        Raises InputError where the text makes no sense.
        """
        return cls.from_scores([score_from_text(text)], titles=[title], source="text")

    @classmethod
    def from_scores(
        cls,
        scores: Sequence[ScoreTick],
        *,
        titles: Sequence[str] | None = None,
        source: str = "score",
        licence: str = "",
    ) -> Self:
        """Scores that are at hand already; they are copied. Raises EmptyCorpusError where there is none."""
        names = titles if titles is not None else [""] * len(scores)
        tunes = [str(i) for i in range(1, len(scores) + 1)]
        held = [
            HeldPiece(io.score_to_bytes(score), source, tune, title, licence)
            for score, tune, title in zip(scores, tunes, names, strict=True)
        ]
        if not held:
            raise EmptyCorpusError("no piece to work on: there are no scores here; expected one or more.")
        facts = [PieceFacts(piece.name, licence, *fact) for piece, fact in zip(held, measure(scores), strict=True)]
        return cls(held, IngestReport(pieces=tuple(facts)))

    @classmethod
    def builtin(cls, name: str, *, workers: int | None = None, progress: Progress | None = None) -> Self:
        """One of the corpora that come with music21 (`builtin_corpora` lists them), licence shown.

        The first time its files are parsed, in parallel; afterwards it comes from the cache.
        Raises UnknownNameError.
        """
        from stochastic_music.corpus.builtin import open_builtin

        return cls(*open_builtin(name, workers=workers, progress=progress))

    @classmethod
    def _ingested(cls, found: Found, home: str, settings: ingest.Settings) -> Self:
        pieces, report = ingest.ingest_scores(found, home, settings)
        if not pieces:
            raise EmptyCorpusError(ingest.nothing_left(report, home))
        return cls(pieces, report)

    def __len__(self) -> int:
        return len(self._pieces)

    @overload
    def __getitem__(self, index: int) -> Piece: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: int | slice) -> Piece | Self:
        if isinstance(index, slice):
            return self.select(range(len(self))[index])
        return self._pieces[index].open()

    def __iter__(self) -> Iterator[Piece]:
        return (self[i] for i in range(len(self)))

    def __add__(self, other: Corpus) -> Self:
        return type(self)((*self._pieces, *other._pieces), self.report + other.report)

    def __repr__(self) -> str:
        sources = list(dict.fromkeys(piece.source for piece in self._pieces))
        shown = ", ".join(sources[:3]) + (", ..." if len(sources) > 3 else "")
        return f"Corpus({len(self)} pieces, {self.report.n_notes:,} notes, from {shown})"

    @property
    def names(self) -> tuple[str, ...]:
        """The name of each piece."""
        return tuple(piece.name for piece in self._pieces)

    @property
    def licences(self) -> tuple[str, ...]:
        """Every licence in the corpus."""
        return tuple(sorted({piece.licence for piece in self._pieces if piece.licence}))

    def select(self, indices: Sequence[int] | IntArray) -> Self:
        """The pieces at `indices`, in that order."""
        chosen = [int(i) for i in indices]
        return type(self)([self._pieces[i] for i in chosen], self.report.select(chosen))

    def split(
        self, test_size: float = 0.2, *, seed: Seed = 0, keep_variants_together: bool = False
    ) -> tuple[Self, Self]:
        """Training and test pieces, drawn by piece; each in corpus order.

        `test_size` is a share; both sides hold a piece at least. With `keep_variants_together` no tune is on both
        sides. Raises InvalidParameterError.

        >>> train, test = Corpus.from_scores([Corpus.from_text("2/4 c4 d")[0].score] * 10).split(0.2)
        >>> len(train), len(test)
        (8, 2)
        """
        groups = self.variant_numbers if keep_variants_together else None
        train, test = dealing.sides(len(self), test_size, seed=seed, groups=groups)
        return self.select(train), self.select(test)

    def folds(self, n: int = 10, *, seed: Seed = 0, keep_variants_together: bool = False) -> list[tuple[Self, Self]]:
        """Training and test pieces of each of `n` folds; see `fold_numbers`."""
        numbers = self.fold_numbers(n, seed=seed, keep_variants_together=keep_variants_together)
        sides = [(np.flatnonzero(numbers != fold), np.flatnonzero(numbers == fold)) for fold in range(n)]
        return [(self.select(train), self.select(test)) for train, test in sides]

    def fold_numbers(self, n: int, *, seed: Seed = 0, keep_variants_together: bool = False) -> IntArray:
        """The fold of each piece, 0 .. n - 1, of sizes as equal as can be: (n_pieces,).

        With `keep_variants_together` no tune is in two folds. Raises InvalidParameterError.
        """
        groups = self.variant_numbers if keep_variants_together else None
        return dealing.folds(len(self), n, seed=seed, groups=groups)

    @property
    def variant_numbers(self) -> list[int]:
        """A number for each piece, the same for variants of one tune: the first of them in the corpus."""
        numbers = list(range(len(self)))
        for group in self.report.variant_groups:
            for i in group:
                numbers[i] = group[0]
        return numbers

    def transpose(self, how: Literal["common", "none", "all"] = "common") -> Self:
        """The corpus in other keys; drums never move.

        `common` brings every piece to C major or A minor by its printed key, or by an estimate where none is printed
        (doubtful ones are in the report); `all` gives every piece twelve times, -5 .. +6 semitones (augmentation of
        training data); `none` leaves all as it is. Raises InvalidParameterError.
        """
        if how == "none":
            return self
        if how == "common":
            return type(self)(*transposition.to_common_key(self._pieces, self.report))
        if how == "all":
            return type(self)(*transposition.to_all_keys(self._pieces, self.report))
        raise InvalidParameterError(f"transpose is '{how}'; expected 'common', 'none' or 'all'")


def open_corpora(
    names: Sequence[AnyPath],
    *,
    workers: int | None = None,
    time_limit: float = Limits().seconds,
    memory_limit: int = Limits().memory,
    progress: Progress | None = None,
    executor: Executor | None = None,
) -> Corpus:
    """The corpus that folders, files and built-in names together make, in that order.

    Raises EmptyCorpusError where nothing can be read, and names the built-in corpora where a name is neither.
    """
    from stochastic_music.corpus.builtin import BUILTIN
    from stochastic_music.corpus.store import is_store

    if not names:
        raise EmptyCorpusError("no corpus is named: expected a folder, a file, or a built-in name.")

    def opened(name: str) -> Corpus:
        if name in BUILTIN and not Path(name).exists():
            return Corpus.builtin(name, workers=workers, progress=progress)
        if not os.path.lexists(name):
            known = ", ".join(BUILTIN)
            near = difflib.get_close_matches(name, BUILTIN, n=1)
            hint = f"did you mean '{near[0]}'? Built-in" if near else "built-in"
            missing = f"there is no file or folder '{printable(name)}'"
            raise EmptyCorpusError(f"{missing}{': ' if near else '; '}{hint} corpora are: {known}.")
        if is_store(Path(name)):
            raise StoreError(
                f"{printable(name)} is a store of tokens, and here scores are needed: name the folder of its files. "
                "Stores are for fit, score without --cv, and corpus info"
            )
        return Corpus.from_folder(
            name,
            workers=workers,
            time_limit=time_limit,
            memory_limit=memory_limit,
            progress=progress,
            executor=executor,
        )

    return functools.reduce(operator.add, [opened(os.fspath(name)) for name in names])
