"""Metrics: one number about generated pieces beside reference pieces, built in or brought by a plug-in.

A metric is a plain function of two sequences of scores, generated and reference, to a float. A package adds one with a
line of its packaging:

    [project.entry-points."stochastic_music.metrics"]
    my_metric = "my_package.metrics:my_metric"

What a metric says of itself, for tables and reports, is read off it by `described`:

    title      its attribute `title`, or else its name with spaces
    meaning    its attribute `meaning`, or else the first line of its docstring
    better     its attribute `better`: "higher", "lower", or "closer", the default: the nearer to what held-out pieces
               score beside training pieces, the better

The metrics built in are the overlaps of the twelve features (`distances`), `overlap_pitch_count` and so on. They are
not averaged: a mean over features would hide what a model gets wrong behind what every model gets right.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias, get_args

from stochastic_music.errors import InvalidParameterError, StochasticMusicError
from stochastic_music.evaluation.music.distances import compared
from stochastic_music.evaluation.music.features import FEATURES

if TYPE_CHECKING:
    from symusic.core import ScoreTick

Metric: TypeAlias = "Callable[[Sequence[ScoreTick], Sequence[ScoreTick]], float]"
Better: TypeAlias = Literal["higher", "lower", "closer"]


class Described(NamedTuple):
    """What a metric says of itself; see the module's article."""

    title: str
    meaning: str
    better: Better


@dataclass(frozen=True)
class Overlap:
    """The overlap of one feature of generated and reference pieces: a metric, built in for each feature."""

    feature: str

    better = "higher"

    @property
    def title(self) -> str:
        """Which overlap this is."""
        return f"overlap of {FEATURES[self.feature].title}"

    @property
    def meaning(self) -> str:
        """What is compared."""
        return f"{FEATURES[self.feature].meaning}: do distances between the sets look like those within the reference?"

    def __call__(self, generated: Sequence[ScoreTick], reference: Sequence[ScoreTick]) -> float:
        """0 to 1; NaN where the reference is one piece. Raises EmptyCorpusError for an empty set."""
        found = compared(generated, reference, features=[self.feature], n_resamples=0)
        return found[self.feature].overlap.value


#: `overlap.pitch_count` and so on
overlap = SimpleNamespace(**{name: Overlap(name) for name in FEATURES})
#: what comes with this module: name -> "module:function"
BUILT_IN = {f"overlap_{name}": f"{__name__}:overlap.{name}" for name in FEATURES}


def described(name: str, metric: Metric) -> Described:
    """What a metric registered as `name` says of itself; raises InvalidParameterError for a direction that is none.

    >>> described("overlap_pitch_range", overlap.pitch_range).title
    'overlap of pitch range'
    """
    better: Any = getattr(metric, "better", "closer")
    if better not in get_args(Better):
        raise InvalidParameterError(f"{name}.better is {better!r}; expected one of {', '.join(get_args(Better))}")
    first_line = (metric.__doc__ or "").strip().partition("\n")[0]
    return Described(
        getattr(metric, "title", name.replace("_", " ")), getattr(metric, "meaning", first_line.rstrip(".")), better
    )


def measured(
    loaders: Mapping[str, Callable[[], Metric]], generated: Sequence[ScoreTick], reference: Sequence[ScoreTick]
) -> dict[str, dict[str, Any]]:
    """The value of each metric that `loaders` load, None where it is no number, with what it says of itself.

    One that cannot be loaded, or that raises, has the value None and the `reason`: it stops nothing else.
    """
    return {name: _measured(name, load, generated, reference) for name, load in loaders.items()}


def _measured(
    name: str, load: Callable[[], Metric], generated: Sequence[ScoreTick], reference: Sequence[ScoreTick]
) -> dict[str, Any]:
    try:
        metric = load()
        told, value = described(name, metric)._asdict(), float(metric(generated, reference))
    except StochasticMusicError as error:
        return {"value": None, "reason": str(error)}
    except Exception as error:
        return {"value": None, "reason": f"{type(error).__name__}: {error}"}
    return {**told, "value": value if math.isfinite(value) else None}
