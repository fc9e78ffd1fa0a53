"""The contract of metrics, for whoever writes one.

`check_metric(my_metric)` calls it on small sets of pieces and raises AssertionError at the first broken promise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stochastic_music.evaluation.music.metrics import Metric, described

if TYPE_CHECKING:
    from symusic.core import ScoreTick


def check_metric(metric: Metric, *, seed: int = 0) -> None:
    """Raise AssertionError unless a metric is a repeatable number that says what it means.

    Checked on sets of like and unlike size, among them a silent piece, drums and chords: the answer is a number, not
    infinite, and the same when asked again; neither the order of the pieces counts, nor are they changed; there is a
    docstring (or `meaning`), and `better` is "higher", "lower" or "closer".

    >>> from stochastic_music.evaluation.music.metrics import overlap
    >>> check_metric(overlap.note_count)
    """
    name = getattr(metric, "__name__", type(metric).__name__)
    _require(bool(described(name, metric).meaning), "say in a docstring what the metric means")
    rng = np.random.default_rng(seed)
    reference = [*(_melody(rng) for _ in range(6)), _made([]), _made([(0, 4, 60), (0, 4, 64)])]
    for generated in ([_melody(rng) for _ in range(8)], [_melody(rng), _made([(0, 1, 36)], drums=True)], reference):
        _check(metric, generated, reference)


def _check(metric: Metric, generated: list[ScoreTick], reference: list[ScoreTick]) -> None:
    before = [score.copy() for score in (*generated, *reference)]
    value = metric(generated, reference)
    _require(isinstance(value, float | int | np.floating | np.integer), f"got {value!r}, which is no number")
    _require(not np.isinf(value), "got infinity: what has no value is NaN")
    _require(_equal(metric(generated, reference), value), "asked again, the answer is another")
    turned = metric(generated[::-1], reference[::-1])
    _require(_equal(turned, value), f"the order of the pieces counts: {value} in one, {turned} in the other")
    _require(before == [*generated, *reference], "the pieces were changed")


def _equal(first: float, second: float) -> bool:
    return bool(np.isclose(first, second, rtol=1e-9, atol=1e-12, equal_nan=True))


def _melody(rng: np.random.Generator) -> ScoreTick:
    """Eight to twenty notes of a quarter or an eighth that wander by small steps."""
    n = int(rng.integers(8, 20))
    lengths = rng.choice([0.5, 1.0], n)
    starts, pitches = np.cumsum(lengths) - lengths, 60 + np.cumsum(rng.integers(-2, 3, n))
    return _made(list(zip(starts.tolist(), lengths.tolist(), pitches.tolist(), strict=True)))


def _made(notes: list[tuple[float, float, int]], *, drums: bool = False) -> ScoreTick:
    from symusic.core import NoteTick, ScoreTick, TrackTick

    score = ScoreTick(480)
    track = TrackTick("", 0, drums)
    for start, length, pitch in notes:
        track.notes.append(NoteTick(round(480 * start), round(480 * length), pitch, 80))
    score.tracks.append(track)
    return score


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise AssertionError(message)
