"""Motifs: a few notes that must come somewhere, or must not.

Where they come is found by the machine of Knuth, Morris and Pratt [1]: its state is how many notes of the motif the
last ones heard repeat, and where one does not fit it falls back to the longest beginning that still does. What fits is
told by `corpus.matching`: pitches or intervals, with rhythm (durations, and distances between onsets) or without.

[1] D. E. Knuth, J. H. Morris, V. R. Pratt. Fast pattern matching in strings. SIAM Journal on Computing 6(2), 1977.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import accumulate
from typing import Literal, Self

import numpy as np

from stochastic_music.constraints.automata.events import ByEvent, Values
from stochastic_music.constraints.constraint import Joinable
from stochastic_music.constraints.melodic import Melodic
from stochastic_music.constraints.naming import field_names, line_field
from stochastic_music.corpus.lines import Line
from stochastic_music.corpus.matching import Matching
from stochastic_music.errors import InvalidParameterError, UsageError
from stochastic_music.protocols import DEAD, BoolArray, Constraint, IntArray
from stochastic_music.tokens import Header, Vocabulary, pitch_name, pitch_number


@dataclass(frozen=True)
class Motif:
    """Notes in a row: MIDI numbers, and with a rhythm `durations` and `gaps` from onset to onset, in quarter notes.

    There is one gap fewer than there are notes. Raises InvalidParameterError for a motif without notes, or lists that
    do not go together.

    >>> print(Motif.named("C4 D4 Eb4"))
    C4 D4 Eb4
    """

    pitches: tuple[int, ...]
    durations: tuple[Fraction, ...] | None = None
    gaps: tuple[Fraction, ...] | None = None

    def __post_init__(self) -> None:
        if not self.pitches:
            raise InvalidParameterError("the motif has no notes: give at least one")
        if (self.durations is None) != (self.gaps is None):
            raise InvalidParameterError("a motif's rhythm needs both durations and gaps: give both, or neither")
        if self.durations is not None and self.gaps is not None:
            lengths = len(self.pitches), len(self.durations), len(self.gaps) + 1
            if len(set(lengths)) > 1:
                raise InvalidParameterError(
                    f"the motif has {lengths[0]} pitches, {lengths[1]} durations and {lengths[2] - 1} gaps: expected "
                    "as many durations as pitches, and one gap fewer"
                )

    @classmethod
    def named(cls, names: str) -> Self:
        """Pitches by name, parted by blanks, without rhythm; raises InvalidParameterError for what is no pitch."""
        return cls(tuple(pitch_number(name) for name in names.split()))

    @classmethod
    def of(cls, line: Line, resolution: int) -> Self:
        """The notes of a line (`corpus.lines`) whose times are units, `resolution` to a quarter note."""
        durations, gaps = (
            tuple(Fraction(value, resolution) for value in values.tolist())
            for values in (line.duration, np.diff(line.onset))
        )
        return cls(tuple(line.pitch.tolist()), durations, gaps)

    def __len__(self) -> int:
        return len(self.pitches)

    def __str__(self) -> str:
        names = [pitch_name(pitch) for pitch in self.pitches]
        return " ".join(names if len(names) <= 8 else [*names[:6], f"... ({len(names)} notes)"])

    def units(self, resolution: int, asker: object) -> tuple[IntArray, IntArray]:
        """Durations and gaps in units, `resolution` to a quarter note; raises UsageError where they do not fit."""
        quarters = [*(self.durations or ()), *(self.gaps or ())]
        units = [quarter * resolution for quarter in quarters]
        if any(unit.denominator > 1 for unit in units):
            raise UsageError(
                f"{asker} has a rhythm that does not fit a grid of {resolution} units a quarter note: match it without "
                "rhythm, or use a finer --grid"
            )
        whole = np.array([int(unit) for unit in units], dtype=np.int64)
        return whole[: len(self)], whole[len(self) :]


@dataclass(frozen=True, init=False)
class _AboutMotif(Joinable):
    """A motif and how it is matched; see `Contains`."""

    motif: Motif
    how: Matching

    def __init__(
        self,
        motif: Motif | str | Sequence[int],
        by: Literal["pitch", "interval"] | Matching = "pitch",
        *,
        rhythm: bool | None = None,
    ) -> None:
        if not isinstance(motif, Motif):
            motif = Motif.named(motif) if isinstance(motif, str) else Motif(tuple(motif))
        with_rhythm = motif.durations is not None if rhythm is None else rhythm
        how = by if isinstance(by, Matching) else Matching(by, with_rhythm)
        if how.rhythm and motif.durations is None:
            raise InvalidParameterError(f"the motif {motif} has no rhythm to match: give it one, or say rhythm=False")
        object.__setattr__(self, "motif", motif)
        object.__setattr__(self, "how", how)

    def moved(self, semitones: int) -> Self:
        """The motif so many semitones higher."""
        pitches = tuple(pitch + semitones for pitch in self.motif.pitches)
        return type(self)(replace(self.motif, pitches=pitches), self.how)

    def _machine(self, vocabulary: Vocabulary, *, wanted: bool) -> ByEvent:
        line = line_field(vocabulary, self)
        if not self.how.rhythm:
            return ByEvent(vocabulary, _MotifMachine(line, self.motif, self.how, None, wanted=wanted))
        gap, duration = _rhythm_fields(vocabulary, self)
        durations, gaps = self.motif.units(vocabulary.resolution, self)
        silences = gaps - durations[:-1] if vocabulary.fields[vocabulary.place(duration)].advances == "later" else gaps
        rhythm = _Rhythm(duration, gap, durations, silences)
        return ByEvent(vocabulary, _MotifMachine(line, self.motif, self.how, rhythm, wanted=wanted))

    def __str__(self) -> str:
        return f"{type(self).__name__}({self.motif}, by {self.how})"

    __repr__ = __str__


class Contains(_AboutMotif):
    """A motif comes somewhere: the same notes in a row, compared `by` "pitch" or "interval", with `rhythm` or without.

    The motif is a `Motif`, names of pitches in one text, or MIDI numbers. Rhythm is compared where the motif has one,
    if nothing else is said. Of slices of several voices the top one is meant, without rhythm. Raises
    InvalidParameterError for a motif without notes, or without the rhythm asked for.

    >>> Contains("C4 D4 E4"), ~Contains([60, 64, 67], by="interval")
    (Contains(C4 D4 E4, by pitches), Avoids(C4 E4 G4, by intervals))
    """

    def compile(self, vocabulary: Vocabulary, header: Header | None) -> ByEvent:  # noqa: ARG002
        """A machine that looks for the motif; raises UsageError where there is no pitch, or no time for its rhythm."""
        return self._machine(vocabulary, wanted=True)

    def __invert__(self) -> Constraint:
        return Avoids(self.motif, self.how)


class Avoids(_AboutMotif):
    """A motif comes nowhere; told as for `Contains`, whose negation it is.

    >>> Avoids("C4 D4 E4")
    Avoids(C4 D4 E4, by pitches)
    """

    def compile(self, vocabulary: Vocabulary, header: Header | None) -> ByEvent:  # noqa: ARG002
        """A machine that looks for the motif; raises UsageError where there is no pitch, or no time for its rhythm."""
        return self._machine(vocabulary, wanted=False)

    def __invert__(self) -> Constraint:
        return Contains(self.motif, self.how)


@dataclass(frozen=True, eq=False)
class _Rhythm:
    """The fields that tell a length and a silence, and what the motif has there, in units: (n,) and (n - 1,)."""

    duration: str
    silence: str | None
    durations: IntArray
    silences: IntArray


class _MotifMachine(Melodic):
    """The state counts notes of the motif that the last ones repeat; all of them stay."""

    wide = True

    def __init__(self, line: str, motif: Motif, how: Matching, rhythm: _Rhythm | None, *, wanted: bool) -> None:
        fields = () if rhythm is None else (rhythm.duration, *([rhythm.silence] if rhythm.silence else []))
        super().__init__(line, fields)
        self._pitches, self._how, self._rhythm, self._found = np.array(motif.pitches), how, rhythm, wanted
        self._falls_to = _borders(motif, how)

    def heard(self, inner: IntArray, before: IntArray, pitch: IntArray, values: Values) -> IntArray:
        n = len(self._pitches)
        count = inner.copy()
        looking = np.flatnonzero(count < n)
        while len(looking):
            column = {name: values[name][looking] for name in self.wanted}
            fits = self._fits(count[looking], before[looking], pitch[looking], column)
            count[looking[fits]] += 1
            missed = looking[~fits]
            looking = missed[count[missed] > 0]
            count[looking] = self._falls_to[count[looking]]
        return count if self._found else np.where(count == n, DEAD, count)

    def _fits(self, count: IntArray, before: IntArray, pitch: IntArray, values: Values) -> BoolArray:
        """Whether a note is the next one of the motif after `count` of its notes."""
        expected, last = self._pitches[count], self._pitches[np.maximum(count - 1, 0)]
        moves = (count == 0) | (pitch - before == expected - last)
        fits = pitch == expected if self._how.pitch == "pitch" else moves
        if self._rhythm is not None:
            fits &= values[self._rhythm.duration] == self._rhythm.durations[count]
            if self._rhythm.silence:
                silences = np.append(0, self._rhythm.silences)
                fits &= (count == 0) | (values[self._rhythm.silence] == silences[count])
        matches: BoolArray = fits
        return matches

    def may_end(self, inner: IntArray) -> BoolArray:
        accepted: BoolArray = (inner == len(self._pitches)) == self._found
        return accepted


def _borders(motif: Motif, how: Matching) -> IntArray:
    """For each number of notes matched, how many the longest shorter beginning has that they end with: (n + 1,)."""
    ones = [Fraction(1)] * len(motif)
    onset, duration = accumulate(motif.gaps or ones[1:], initial=Fraction(0)), motif.durations or ones
    line = Line.of("", onset=_scaled([*onset]), duration=_scaled(duration), pitch=motif.pitches)
    borders = np.zeros(len(motif) + 1, dtype=np.int64)
    for n in range(2, len(motif) + 1):
        same = (k for k in range(n - 1, 0, -1) if _alike(line, how, n - k, k))
        borders[n] = next(same, 0)
    return borders


def _alike(line: Line, how: Matching, start: int, length: int) -> bool:
    """Whether the notes from `start` on are as the first `length` ones."""
    one, other = line.until(length), line.since(start).until(length)
    steps = np.array_equal(how.steps(one), how.steps(other))
    return steps and np.array_equal(how.notes(one)[:, :1], how.notes(other)[:, :1])


def _scaled(values: Sequence[Fraction]) -> list[int]:
    """Fractions as whole numbers of one size."""
    unit = math.lcm(*(value.denominator for value in values))
    return [int(value * unit) for value in values]


def _rhythm_fields(vocabulary: Vocabulary, asker: object) -> tuple[str | None, str]:
    """The fields in which silences (or shifts) and lengths are; raises UsageError where there is no such rhythm."""
    lengths = [field.name for field in vocabulary.fields if field.advances in ("later", "sounds")]
    waits = [field.name for field in vocabulary.fields if field.advances == "now"]
    if not lengths or vocabulary.index("pitch") is None:
        raise UsageError(
            f"{asker} needs notes with durations, and this encoding has only {field_names(vocabulary)}: "
            "match the motif without rhythm"
        )
    return (waits[0] if waits else None), lengths[0]
