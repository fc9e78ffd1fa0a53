"""Viewpoints on several voices: families, one viewpoint for each voice.

Events that have the fields voice1, voice2, ... from the top down know two kinds of viewpoint more. What *predicts* is
what melodies have, for each voice: `cpint` stands for `cpint1`, `cpint2`, ..., the distance of a voice's note from its
own last one. What is *context* names some of the voices, seen from the voice that is predicted:

    cpint|upper          how this voice moves, given the voices above it
    cpfref|chord@1*top   its degree, given the whole chord one event ago and the top voice now

Where context is pitches, they are seen from the reference of what is predicted, as the symbols counted are: so
`cpint|upper` hears the chord above as intervals from this voice's last note, `cpfref|upper` as degrees, `cpitch|upper`
as it is. Where no pitch is predicted (durations, ends of phrases) pitches are seen from the tonic. Held notes sound;
a silent voice shows REST. A family means nothing for a voice that has no such others, and is left out there.

With a lag below 0 context lies ahead, in voices that are given from beginning to end: `top@-1`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from stochastic_music.errors import UsageError
from stochastic_music.models.viewpoints.past import NONE, Past
from stochastic_music.models.viewpoints.viewpoint import Ask, Viewpoint, derived
from stochastic_music.protocols import IntArray
from stochastic_music.tokens import Vocabulary

#: what a voice shows at a lag
Show: TypeAlias = Callable[[Past, str, int], IntArray]


@dataclass(frozen=True)
class Sounding:
    """What some voices show at any lag: context only.

    `relative` is whether it is pitches, seen from the reference of what is predicted; `fold` takes octaves off them
    ("class"), and also order and number ("set").
    """

    name: str
    voices: tuple[str, ...]
    show: Show
    fold: Literal["", "class", "set"] = ""
    relative: bool = True
    field: str = ""
    needs: tuple[str, ...] = ()

    @property
    def after(self) -> str:
        """The last field that must be heard before the present value is known."""
        return self.voices[-1]

    def columns(self, lag: int) -> list[Source]:
        """The numbers that it shows: one a voice, or one for a set."""
        if self.fold == "set":
            return [Source(self.voices, self.show, lag)]
        return [Source((voice,), self.show, lag) for voice in self.voices]


@dataclass(frozen=True)
class Source:
    """A number read off the past: what one voice shows, or the pitch classes of several as bits."""

    voices: tuple[str, ...]
    show: Show
    lag: int

    def read(self, past: Past, *, as_set: bool) -> IntArray:
        """What is shown now: (batch,)."""
        if not as_set:
            return self.show(past, self.voices[0], self.lag)
        shown = np.stack([self.show(past, voice, self.lag) for voice in self.voices], axis=1)
        bits: IntArray = np.bitwise_or.reduce(np.where(shown >= 0, 1 << shown % 12, 0), axis=1)
        return bits


class Columns:
    """The numbers that the contexts of one field's terms read off the voices.

    Asked for by (viewpoint, lag, target): `target` numbers what the term predicts, NO_PITCH where that is no pitch.
    """

    def __init__(self, asked: Sequence[tuple[Sounding, int, int]]) -> None:
        sources: dict[tuple[Source, bool], int] = {}
        #: by (name, lag, target), which columns are its own
        self.places: dict[tuple[str, int, int], range] = {}
        columns: list[tuple[int, int, str]] = []
        for viewpoint, lag, target in dict.fromkeys(asked):
            found = viewpoint.columns(lag)
            self.places[viewpoint.name, lag, target] = range(len(columns), len(columns) + len(found))
            pairs = [(source, viewpoint.fold == "set") for source in found]
            reference = target if viewpoint.relative else _AS_IT_IS
            columns += [(sources.setdefault(pair, len(sources)), reference, viewpoint.fold) for pair in pairs]
        self._sources = list(sources)
        self._source = np.array([source for source, _, _ in columns], dtype=np.int64)
        self._reference = np.array([reference for _, reference, _ in columns], dtype=np.int64)
        self._classes = np.flatnonzero([fold == "class" for _, _, fold in columns])
        self._sets = np.flatnonzero([fold == "set" for _, _, fold in columns])

    def __len__(self) -> int:
        return len(self._source)

    def read(self, past: Past, references: IntArray) -> IntArray:
        """What is shown now, seen from `references` (batch, n_targets): (batch, n_columns)."""
        if not len(self):
            return np.zeros((len(references), 0), dtype=np.int64)
        shown = np.stack([source.read(past, as_set=as_set) for source, as_set in self._sources], axis=1)
        shown = shown[:, self._source]
        known = [references, past.tonic()[:, None], np.zeros((len(shown), 1), dtype=np.int64)]
        reference = np.concatenate(known, axis=1)[:, self._reference]
        reference = np.where(reference == NONE, 0, reference)
        out = shown - reference
        out[:, self._classes] %= 12
        out = np.where(shown < 0, shown, out)
        turn, bits = reference[:, self._sets] % 12, shown[:, self._sets]
        out[:, self._sets] = (bits >> turn | bits << (12 - turn)) & 0xFFF
        return out


#: the places of the tonic and of 0 after the references of targets
NO_PITCH, _AS_IT_IS = -2, -1


def _sounds(past: Past, voice: str, lag: int) -> IntArray:
    return past.sounding(voice, lag)


def _note_before(past: Past, voice: str, lag: int) -> IntArray:
    """The note before the latest one."""
    return past.last(f"{voice} prior", lag)


def _step(past: Past, voice: str, lag: int) -> IntArray:
    """How far a voice moved to come to what it sounds; REST or NONE as they are."""
    now, before = past.sounding(voice, lag), past.sounding(voice, lag + 1)
    return np.where(now < 0, now, np.where(before < 0, NONE, now - before))


def _contour(past: Past, voice: str, lag: int) -> IntArray:
    now, before = past.sounding(voice, lag), past.sounding(voice, lag + 1)
    return np.where(now < 0, now, np.where(before < 0, NONE, np.sign(now - before)))


def _onset(past: Past, voice: str, lag: int) -> IntArray:
    """1 where a note begins, HOLD where one is held, REST."""
    value = past.last(voice, lag) if lag else past.present[voice]
    return np.minimum(value, 1)


def _held(past: Past, voice: str, lag: int) -> IntArray:
    """How long a voice had done what it did `lag` events ago when the present event began."""
    since = past.last(f"{voice} since", lag)
    return np.where(since == NONE, NONE, past.clock.time - since)


@dataclass(frozen=True)
class Family:
    """Viewpoints of one kind: the one of voice k of n, or None where it has none."""

    name: str
    make: Callable[[int, int], Viewpoint | Sounding | None]


_FAMILIES: dict[str, Family] = {}

#: the voices, numbered from 1, that voice k of n hears
_VOICES: dict[str, Callable[[int, int], Sequence[int]]] = {
    "own": lambda k, _: [k],
    "above": lambda k, _: [k - 1],
    "below": lambda k, _: [k + 1],
    "upper": lambda k, _: range(1, k),
    "lower": lambda k, n: range(k + 1, n + 1),
    "top": lambda k, _: [1] if k != 1 else [],
    "bass": lambda _, n: [n],
    "chord": lambda _, n: range(1, n + 1),
}


def sounding(
    name: str, voices: str, show: Show = _sounds, *, fold: Literal["", "class", "set"] = "", relative: bool = True
) -> Family:
    """A family of context: what `voices` show, which are the own one, upper ones, or any other key of `_VOICES`."""

    def make(k: int, n: int) -> Sounding | None:
        numbers = list(_VOICES[voices](k, n))
        if not numbers or not all(1 <= number <= n for number in numbers):
            return None
        return Sounding(f"{name}{k}", tuple(f"voice{i}" for i in numbers), show, fold, relative)

    return Family(name, make)


def voiced(
    name: str,
    reference: Callable[[Past, int], IntArray] | None = None,
    *,
    fold: Literal["", "class", "sign"] = "",
    lasting: bool = False,
    first: int = 1,
) -> Family:
    """A family that predicts voice k as a distance from `reference(past, k)`, or as it is; for voices from `first`."""

    def make(k: int, n: int) -> Viewpoint | None:
        if not first <= k <= n:
            return None
        ask: Ask | None = None if reference is None else lambda past: reference(past, k)
        return derived(f"{name}{k}", f"voice{k}", ask, fold=fold, lasting=lasting)

    return Family(name, make)


def register_family(family: Family) -> Family:
    """Make a family known by its name; raises UsageError where another has that name."""
    if _FAMILIES.setdefault(family.name, family) is not family:
        raise UsageError(f"there is a viewpoint '{family.name}' already: give yours another name")
    return family


def is_family(name: str, vocabulary: Vocabulary) -> bool:
    """Whether a name stands for one viewpoint a voice."""
    return bool(vocabulary.voices) and name in _FAMILIES


def known_families(vocabulary: Vocabulary) -> list[str]:
    """The names of families, where there are voices."""
    return sorted(_FAMILIES) if vocabulary.voices else []


def of_voice(name: str, vocabulary: Vocabulary) -> Viewpoint | Sounding | None:
    """The viewpoint of one voice, `cpint2` say; None where there is none of that name."""
    family = family_of(name)
    if family == name or not is_family(family, vocabulary):
        return None
    return _FAMILIES[family].make(int(name.removeprefix(family)), len(vocabulary.voices))


def family_of(name: str) -> str:
    """A name without the number of its voice."""
    return name.rstrip("0123456789")


def _own(past: Past, k: int) -> IntArray:
    return past.last(f"voice{k} note")


def _above(past: Past, k: int) -> IntArray:
    return past.sounding(f"voice{k - 1}")


FAMILIES = [
    # a voice, from several points of view
    voiced("cpitch"),
    voiced("cpitch-class", lambda past, _: np.zeros_like(past.do), fold="class"),
    voiced("cpint", _own),
    voiced("cpcint", _own, fold="class"),
    voiced("contour", _own, fold="sign"),
    voiced("cpintprior", lambda past, k: past.last(f"voice{k} prior")),
    voiced("cpfref", lambda past, _: past.tonic(), lasting=True),
    voiced("cpintfref", lambda past, _: past.tonic(), fold="class", lasting=True),
    voiced("cpflocal", lambda past, _: past.local_tonic(), lasting=True),
    voiced("cpintabove", _above, first=2),
    voiced("cpcintabove", _above, fold="class", first=2),
    voiced("cpinttop", lambda past, _: past.sounding("voice1"), first=3),
    voiced("cpintlow", lambda past, _: _lowest(past)),
    # the notes of other voices
    sounding("own", "own"),
    sounding("prior", "own", _note_before),
    sounding("above", "above"),
    sounding("below", "below"),
    sounding("top", "top"),
    sounding("bass", "bass"),
    sounding("upper", "upper"),
    sounding("lower", "lower"),
    sounding("chord", "chord"),
    sounding("upperclass", "upper", fold="class"),
    sounding("chordclass", "chord", fold="class"),
    sounding("upperset", "upper", fold="set"),
    sounding("chordset", "chord", fold="set"),
    # how they move
    sounding("abovestep", "above", _step, relative=False),
    sounding("topstep", "top", _step, relative=False),
    sounding("upperstep", "upper", _step, relative=False),
    sounding("uppercontour", "upper", _contour, relative=False),
    sounding("chordcontour", "chord", _contour, relative=False),
    sounding("held", "own", _held, relative=False),
    sounding("upperheld", "upper", _held, relative=False),
    sounding("ownonset", "own", _onset, relative=False),
    sounding("upperonset", "upper", _onset, relative=False),
    sounding("chordonset", "chord", _onset, relative=False),
]


def _lowest(past: Past) -> IntArray:
    """The lowest note that sounded in the last event; NONE in silence."""
    sounding = np.stack([past.sounding(voice, 1) for voice in past.vocabulary.voices], axis=1)
    lowest = np.where(sounding < 0, -NONE, sounding).min(axis=1)
    return np.where(lowest == -NONE, NONE, lowest)


for _family in FAMILIES:
    register_family(_family)
