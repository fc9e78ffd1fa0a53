"""Viewpoints: one aspect of music each, by name.

A *derived* viewpoint says of a symbol not what it is but where it lies from a *reference* that the past gives:
`cpint` is the distance of a pitch from the one before, `cpfref` from the tonic. So it can predict the field it is
derived from, and its past values can be context. An *observed* viewpoint is read off the past and the known part of
the present (the place in the bar, the length of the phrase so far): context only.

A viewpoint is one line:

    derived("cpint", "pitch", lambda past: past.last("pitch"))
    observed("fib", lambda past: (past.place().position == 0).astype(np.int64), after="rest", needs=_TIMED),
    observed("dur-ratio", _duration_ratio, after="duration", needs=_TIMED),
    observed("posinbar", lambda past: past.place().position, after="rest", needs=("duration",))

and `register` makes it known by its name. Names are those of IDyOM [1] where it has one. A package adds its own with

    [project.entry-points."stochastic_music.viewpoints"]
    my_viewpoint = "my_package.viewpoints:my_viewpoint"

[1] M. T. Pearce. The construction and evaluation of statistical models of melodic structure in music perception and
    composition. PhD thesis, City University London, 2005, chapter 5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Literal, TypeAlias

import numpy as np

from stochastic_music.errors import UnknownNameError, UsageError
from stochastic_music.models.viewpoints.past import LOCAL, NONE, Past
from stochastic_music.models.viewpoints.tables import FIXED
from stochastic_music.protocols import IntArray

Ask: TypeAlias = Callable[[Past], IntArray]


@dataclass(frozen=True)
class Viewpoint:
    """One aspect; see the module's article.

    `field` is what a derived viewpoint predicts, "" for an observed one. `ask` gives the reference, or the value.
    `fold` takes octaves ("class") or sizes ("sign") off a distance. An observed value is known once the field
    `after` was heard ("" or a field that events do not have: at once). `needs` are fields without which there is
    nothing to read, "time" meaning that events take time. Past values of a `lasting` reference, such as the tonic, are
    seen from where it stands now.
    """

    name: str
    ask: Ask | None
    field: str = ""
    fold: Literal["", "class", "sign"] = ""
    after: str = ""
    needs: tuple[str, ...] = ()
    lasting: bool = False

    def symbols(self, values: IntArray, reference: IntArray) -> IntArray:
        """What a derived viewpoint sees of `values` from `reference` (arrays that broadcast); NONE without one.

        >>> step = derived("cpcint", "pitch", lambda past: past.last("pitch"), fold="class")
        >>> step.symbols(np.array([59]), np.array([60]))
        array([11])
        """
        distance = values - reference
        if self.fold == "class":
            distance = distance % 12
        elif self.fold == "sign":
            distance = np.sign(distance)
        distance = np.where(values > FIXED, values, distance)
        return np.where((reference == NONE) | (values == NONE), NONE, distance)

    def reference(self, past: Past) -> IntArray:
        """The reference of a derived viewpoint: (batch,)."""
        return np.zeros(len(past.do), dtype=np.int64) if self.ask is None else self.ask(past)


def derived(
    name: str,
    field: str,
    ask: Ask | None = None,
    *,
    fold: Literal["", "class", "sign"] = "",
    needs: tuple[str, ...] = (),
    lasting: bool = False,
) -> Viewpoint:
    """A viewpoint that predicts `field` as a distance from what `ask` gives; without `ask`, the field itself."""
    return Viewpoint(name, ask, field, fold, needs=needs, lasting=lasting)


def observed(name: str, ask: Ask, *, after: str = "", needs: tuple[str, ...] = ()) -> Viewpoint:
    """A viewpoint that is context only."""
    return Viewpoint(name, ask, after=after, needs=needs)


_KNOWN: dict[str, Viewpoint] = {}


def register(viewpoint: Viewpoint) -> Viewpoint:
    """Make a viewpoint known by its name; raises UsageError where another has that name."""
    if _KNOWN.setdefault(viewpoint.name, viewpoint) is not viewpoint:
        raise UsageError(f"there is a viewpoint '{viewpoint.name}' already: give yours another name")
    return viewpoint


def find(name: str, others: Iterable[str] = ()) -> Viewpoint:
    """The viewpoint of that name, built in, registered or of a plug-in.

    Raises UnknownNameError naming the nearest; `others` are names that could have been meant, too.

    >>> find("cpint").field
    'pitch'
    """
    if name not in _KNOWN:
        for point in entry_points(group="stochastic_music.viewpoints", name=name):
            return register(point.load())
        raise UnknownNameError("viewpoint", name, [*known_viewpoints(), *others])
    return _KNOWN[name]


def known_viewpoints() -> list[str]:
    """The names of all viewpoints."""
    return sorted({*_KNOWN, *(point.name for point in entry_points(group="stochastic_music.viewpoints"))})


def _metric_level(past: Past) -> IntArray:
    """4 on the bar line, 3 in the middle of a bar of an even number of beats, 2 on a beat, 1 on half of one, 0 else."""
    place = past.place()
    beats, unit = place.meter >> 8, 4 * past.vocabulary.resolution // np.maximum(place.meter & 0xFF, 1)
    compound = (beats % 3 == 0) & (beats > 3)
    beats, unit = np.where(compound, beats // 3, beats), np.maximum(np.where(compound, 3 * unit, unit), 1)
    level = (2 * place.position % unit == 0).astype(np.int64)
    level += (place.position % unit == 0).astype(np.int64)
    level += (beats % 2 == 0) & (2 * place.position % place.bar_length == 0)
    return np.where(place.position == 0, 4, level)


def _recent_set(past: Past) -> IntArray:
    """Which distances from the tonic the last eight notes had, as bits."""
    recent = past.events["pitch"][:, -8:] - past.tonic()[:, None]
    found: IntArray = np.bitwise_or.reduce(np.left_shift(1, np.clip(recent - 44, 0, 62)), axis=1, initial=0)
    return found


def _followed(past: Past, *, steps: bool) -> IntArray:
    """The pitch that a repeat would bring."""
    event, _ = past.repeat("pitch", steps=steps)
    pitch = past.at("pitch", event)
    if not steps:
        return pitch
    return np.where(pitch == NONE, NONE, past.last("pitch") + pitch - past.at("pitch", event - 1))


def _duration_ratio(past: Past) -> IntArray:
    """The duration over the one before, in lowest terms."""
    now, before = past.present.get("duration", past.none), past.last("duration")
    common = np.gcd(now, before)
    return np.where((now == NONE) | (before == NONE), NONE, (now // common) << 20 | before // common)


def _since_last(past: Past) -> IntArray:
    onset = past.last("onset")
    return np.where(onset == NONE, NONE, onset - past.clock.time)


def _sum(*parts: IntArray) -> IntArray:
    total = np.sum(parts, axis=0)
    return np.where(np.any([part == NONE for part in parts], axis=0), NONE, total)


def _complete(past: Past) -> IntArray:
    """1 where a full bar is just over, 2 where the bars so far, the pickup among them, add up, 3 for both, 0 else."""
    place = past.place()
    adds_up = past.clock.time % place.bar_length == 0
    kinds: IntArray = (place.position == 0) + 2 * adds_up.astype(np.int64)
    return kinds


_TIMED = ("time",)
_LASTING = ("duration",)
_PHRASED = ("phrase",)
_BOTH = ("duration", "phrase")
_ALL = ("duration", "phrase", "pitch")

BUILT_IN = [
    # pitch, from several points of view
    derived("cpitch", "pitch"),
    derived("cpcint", "pitch", lambda past: past.last("pitch"), fold="class"),
    derived("cpint", "pitch", lambda past: past.last("pitch")),
    derived("contour", "pitch", lambda past: past.last("pitch"), fold="sign"),
    derived("cpitch-class", "pitch", lambda past: np.zeros_like(past.do), fold="class"),
    derived("cpfref", "pitch", lambda past: past.tonic(), lasting=True),
    derived("cpintfref", "pitch", lambda past: past.tonic(), fold="class", lasting=True),
    derived("cpintfip", "pitch", lambda past: past.first("pitch")),
    derived("cpintfiph", "pitch", lambda past: past.at("pitch", past.phrase_start()), needs=_PHRASED),
    derived("cpintsecond", "pitch", lambda past: past.last("pitch", 2)),
    # pitch, from where it may be repeating itself
    derived("repeat", "pitch", lambda past: _followed(past, steps=False)),
    derived("sequence", "pitch", lambda past: _followed(past, steps=True)),
    derived("bar1", "pitch", lambda past: past.at("pitch", past.bars_ago(1)), needs=_TIMED),
    derived("bar2", "pitch", lambda past: past.at("pitch", past.bars_ago(2)), needs=_TIMED),
    derived("bar4", "pitch", lambda past: past.at("pitch", past.bars_ago(4)), needs=_TIMED),
    derived("bar8", "pitch", lambda past: past.at("pitch", past.bars_ago(8)), needs=_TIMED),
    derived("lastphrase", "pitch", lambda past: past.at("pitch", _in_last_phrase(past)), needs=_PHRASED),
    observed("held", lambda past: past.run("pitch"), needs=("pitch",)),
    observed("repeated", lambda past: past.repeat("pitch")[1], needs=("pitch",)),
    observed("sequenced", lambda past: past.repeat("pitch", steps=True)[1], needs=("pitch",)),
    observed("aligned1", lambda past: past.aligned(1), after="rest", needs=_TIMED),
    observed("aligned2", lambda past: past.aligned(2), after="rest", needs=_TIMED),
    observed("aligned4", lambda past: past.aligned(4), after="rest", needs=_TIMED),
    observed("aligned8", lambda past: past.aligned(8), after="rest", needs=_TIMED),
    # pitch, seen as a whole
    observed("tonic", lambda past: past.tonic()),
    observed("mode", lambda past: past.key() // 12),
    observed("localmode", lambda past: past.key(LOCAL) // 12),
    observed("recentset", _recent_set, needs=("pitch",)),
    observed(
        "highest", lambda past: _sum(past.events["pitch"].max(axis=1, initial=NONE), -past.tonic()), needs=("pitch",)
    ),
    observed(
        "lowest", lambda past: _sum(past.events["pitch"].min(axis=1, initial=-NONE), -past.tonic()), needs=("pitch",)
    ),
    observed("firstdegree", lambda past: _sum(past.first("pitch"), -past.tonic()), needs=("pitch",)),
    observed(
        "phrasedegree",
        lambda past: _sum(past.at("pitch", past.phrase_start()), -past.tonic()),
        needs=("phrase", "pitch"),
    ),
    # time
    derived("dur", "duration"),
    derived("rest", "rest"),
    derived("ioi", "rest", _since_last, needs=_TIMED),
    derived("durend", "duration", lambda past: -past.place().position),
    observed("barlength", lambda past: past.place().bar_length, needs=_TIMED),
    observed("metre", lambda past: past.place().meter, needs=_TIMED),
    observed("endinbar", lambda past: past.place().position, needs=_TIMED),
    observed("fib", lambda past: (past.place().position == 0).astype(np.int64), after="rest", needs=_TIMED),
    observed("dur-ratio", _duration_ratio, after="duration", needs=_TIMED),
    observed("posinbar", lambda past: past.place().position, after="rest", needs=_TIMED),
    observed("metaccent", _metric_level, after="rest", needs=_TIMED),
    observed("complete", _complete, needs=_TIMED),
    observed("bar", lambda past: past.place().bar, needs=_TIMED),
    observed("barofeight", lambda past: past.place().bar % 8, needs=_TIMED),
    observed("pickup", lambda past: past.clock.spans.start[:, 0], needs=_TIMED),
    observed("durbar1", lambda past: past.at("duration", past.bars_ago(1)), after="rest", needs=_LASTING),
    observed("durbar2", lambda past: past.at("duration", past.bars_ago(2)), after="rest", needs=_LASTING),
    observed("durbar4", lambda past: past.at("duration", past.bars_ago(4)), after="rest", needs=_LASTING),
    observed("durrepeat", lambda past: past.at("duration", past.repeat("duration")[0]), needs=_LASTING),
    observed("durrepeated", lambda past: past.repeat("duration")[1], needs=_LASTING),
    # phrases
    derived("liph", "phrase"),
    observed("fiph", lambda past: (past.phrase_start() == past.n_events).astype(np.int64), needs=_PHRASED),
    observed("inphrase", lambda past: past.n_events - past.phrase_start(), needs=_PHRASED),
    observed("phrasetime", lambda past: past.phrase_time(), after="rest", needs=_BOTH),
    observed("lphrase", lambda past: past.previous_phrase_time(), needs=_BOTH),
    observed("phrases", lambda past: np.minimum((past.events["phrase"] == 1).sum(axis=1), 8), needs=_PHRASED),
    observed("liphbar2", lambda past: past.at("phrase", past.bars_ago(2)), after="rest", needs=_BOTH),
    observed("liphbar4", lambda past: past.at("phrase", past.bars_ago(4)), after="rest", needs=_BOTH),
    # how far the piece has come
    observed("events", lambda past: np.full(len(past.do), past.n_events)),
]


def _in_last_phrase(past: Past) -> IntArray:
    """The event as far into the phrase before as the present one is into this; -1: none."""
    start, here = past.previous_phrase_start(), past.phrase_start()
    event = start + past.n_events - here
    return np.where((start >= 0) & (event < here), event, -1)


for _viewpoint in BUILT_IN:
    register(_viewpoint)
