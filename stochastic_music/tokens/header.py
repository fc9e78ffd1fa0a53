"""What a piece stands under and is not scored: meters, pickup, key, tempo, part names.

Times are whole *units*; `resolution` says how many make a quarter note. Time 0 is the first
moment of the piece; with a pickup of P units the first full bar starts at time P.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple, Self

from stochastic_music.errors import InvalidParameterError


class Meter(NamedTuple):
    """A time signature that holds from `start` (units), a bar line."""

    start: int
    numerator: int
    denominator: int

    def bar_length(self, resolution: int) -> int:
        """Units in a bar; `resolution` is units a quarter note.

        >>> Meter(0, 6, 8).bar_length(12)
        36
        """
        units, rest = divmod(4 * self.numerator * resolution, self.denominator)
        if rest or units < 1:
            raise InvalidParameterError(
                f"a bar of {self.numerator}/{self.denominator} does not fit a grid of {resolution} units a quarter "
                "note: choose a finer --grid"
            )
        return units

    def __str__(self) -> str:
        return f"{self.numerator}/{self.denominator}"


class Part(NamedTuple):
    """A part's name and its General MIDI program (0 .. 127)."""

    name: str = ""
    program: int = 0
    is_drum: bool = False


@dataclass(frozen=True, slots=True)
class Header:
    """What a piece stands under; see the module's article.

    `tempos` are (time in units, quarter notes a minute); `key` is spelled as on the command line
    (`G`, `Em`, `G:dorian`), None when unknown; `transposed` tells how many semitones the piece was
    moved from where it was printed; `velocity` is the median MIDI velocity of the encoded parts.
    `given` holds fields that are known from beginning to end before anything is predicted: (name, one value an event).
    """

    resolution: int
    meters: tuple[Meter, ...] = (Meter(0, 4, 4),)
    pickup: int = 0
    key: str | None = None
    transposed: int = 0
    tempos: tuple[tuple[int, float], ...] = ((0, 120.0),)
    velocity: int = 80
    parts: tuple[Part, ...] = (Part(),)
    title: str = ""
    given: tuple[tuple[str, tuple[int, ...]], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain lists, numbers and strings."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """The inverse of `to_json`."""
        return cls(
            **{
                **data,
                "meters": tuple(Meter(*m) for m in data["meters"]),
                "tempos": tuple((int(t), float(q)) for t, q in data["tempos"]),
                "parts": tuple(Part(*p) for p in data["parts"]),
                "given": tuple((name, tuple(values)) for name, values in data.get("given", ())),
            }
        )

    def bar_spans(self) -> tuple[list[int], list[int], list[int]]:
        """Per meter: the time its first full bar starts, its bar length (units), that bar's printed number.

        >>> Header(12, (Meter(0, 3, 4), Meter(84, 2, 4)), pickup=12).bar_spans()
        ([12, 84], [36, 24], [1, 3])
        """
        starts, lengths, numbers = [self.pickup], [self.meters[0].bar_length(self.resolution)], [1]
        for meter in self.meters[1:]:
            passed = -((starts[-1] - meter.start) // lengths[-1])
            starts.append(meter.start)
            lengths.append(meter.bar_length(self.resolution))
            numbers.append(numbers[-1] + passed)
        return starts, lengths, numbers

    def bar_start(self, bar: int) -> int:
        """The time (units) at which printed bar `bar` starts; bar 0 is the pickup.

        >>> Header(12, pickup=12).bar_start(2)
        60
        """
        starts, lengths, numbers = self.bar_spans()
        span = max((i for i, first in enumerate(numbers) if first <= bar), default=0)
        return max(0, starts[span] + (bar - numbers[span]) * lengths[span])

    def with_meter(self, numerator: int, denominator: int) -> Header:
        """The same header under one meter, without its pickup if that no longer fits."""
        meter = Meter(0, numerator, denominator)
        fits = self.pickup < meter.bar_length(self.resolution)
        return replace(self, meters=(meter,), pickup=self.pickup if fits else 0)
