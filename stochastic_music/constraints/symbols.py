"""Which symbols, and which pitches, the music may use."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from stochastic_music.constraints.automata.automaton import MaskAutomaton
from stochastic_music.constraints.constraint import Joinable
from stochastic_music.errors import InvalidParameterError, UsageError, VocabularyError
from stochastic_music.protocols import BoolArray, IntArray
from stochastic_music.tokens import Header, Vocabulary, pitch_name, pitch_number


@dataclass(frozen=True, init=False)
class PitchRange(Joinable):
    """There is a pitch, and every pitch is from `low` to `high`, both included: MIDI numbers, or names with C4 = 60.

    Holds for the field `pitch` and for every field whose name starts with `voice`; rests and held notes, whose
    values are negative, stay free. Raises InvalidParameterError for an empty range or a name that is no pitch.

    >>> PitchRange("C4", "A5") == PitchRange(60, 81)
    True
    """

    low: int
    high: int

    def __init__(self, low: int | str, high: int | str) -> None:
        object.__setattr__(self, "low", _pitch(low))
        object.__setattr__(self, "high", _pitch(high))
        if self.low > self.high:
            raise InvalidParameterError(
                f"PitchRange({low}, {high}): the low end {pitch_name(self.low)} is above the high end "
                f"{pitch_name(self.high)}; swap them"
            )

    def compile(self, vocabulary: Vocabulary, header: Header | None) -> MaskAutomaton:  # noqa: ARG002
        """A mask; raises UsageError where the vocabulary has no pitches."""
        pitches = pitches_of(vocabulary)
        if (pitches < 0).all():
            names = ", ".join(field.name for field in vocabulary.fields)
            raise UsageError(f"{self} needs a field of pitches, and this encoding has only {names}")
        inside = (self.low <= pitches) & (pitches <= self.high)
        return MaskAutomaton((pitches < 0) | inside, needed=inside)

    def __str__(self) -> str:
        return f"PitchRange({pitch_name(self.low)}, {pitch_name(self.high)})"


@dataclass(frozen=True)
class SymbolsOf(Joinable):
    """Nothing but these symbols (ids; END is always allowed): what a corpus uses, for example.

    >>> SymbolsOf.mask([True, False, True]).symbols
    (0, 2)
    """

    symbols: tuple[int, ...]

    @classmethod
    def mask(cls, mask: Iterable[bool] | BoolArray) -> SymbolsOf:
        """The symbols where `mask` (n_symbols,) holds."""
        return cls(tuple(i for i, allowed in enumerate(mask) if allowed))

    def compile(self, vocabulary: Vocabulary, header: Header | None) -> MaskAutomaton:  # noqa: ARG002
        """A mask; raises VocabularyError for ids that the vocabulary does not have."""
        ids = np.array(self.symbols, dtype=np.int64)
        if len(ids) and not 0 <= ids.min() <= ids.max() < vocabulary.n_symbols:
            raise VocabularyError(f"symbols run from {ids.min()} to {ids.max()}; expected 0 to {vocabulary.end}")
        mask = np.zeros(vocabulary.n_symbols, dtype=bool)
        mask[ids] = True
        mask[vocabulary.end] = True
        return MaskAutomaton(mask)

    def __str__(self) -> str:
        return f"SymbolsOf({len(self.symbols)} symbols)"


def pitches_of(vocabulary: Vocabulary) -> IntArray:
    """The MIDI pitch that each symbol stands for, -1 where it stands for none: (n_symbols,)."""
    pitches = np.full(vocabulary.n_symbols, -1, dtype=np.int64)
    for field, start in zip(vocabulary.fields, vocabulary.starts, strict=False):
        if field.name == "pitch" or field.name.startswith("voice"):
            values = np.arange(field.first, field.first + field.size)
            pitches[start : start + field.size] = np.where(values >= 0, values, -1)
    return pitches


def _pitch(value: int | str) -> int:
    return pitch_number(str(value))
