"""Two sets of pieces compared feature by feature, after Yang and Lerch: distances, densities, overlap, divergence.

Task: how do generated pieces spread over a feature, beside reference pieces (held-out music)? Each of the twelve
features (`features`) is compared pair by pair, by Euclidean distance between its numbers, vectors or matrices:

    intra             within the reference: each piece with each other, n (n - 1) distances (every pair counts twice)
    generated_intra   likewise within the generated pieces
    inter             between: each generated piece with each reference piece, m n distances

Each set of distances becomes a density (`densities`). Generated pieces that cannot be told from the reference lie as
far from it as its pieces lie from each other: the densities of intra and inter fall together. Both sets' own densities
are compared with inter, as in the toolbox that the authors published:

    overlap, kl                        of intra and inter; kl is the divergence D(intra || inter)
    generated_overlap, generated_kl    of generated_intra and inter

Read both. One piece in the middle of the corpus, composed again and again, lies near to all pieces: its overlap may be
fair, its generated_overlap is not, because its copies have no distance. Overlap runs from 0 (worse) to 1; the
divergence from 0 to some 20 nats (worse). No overlap says that pieces are good music, and none is 1: held-out pieces
beside training pieces are the *ceiling*, and their figures the ones to come up to. With equal sets, overlap stays a
little below 1, because inter holds the distance 0 of each piece to itself, and intra does not.

Features with a row for each bar are compared bar by bar, over the bars that both pieces have: root of the mean over
them of the squared distance. Where all pieces are equally long that is the Euclidean distance but for a factor, which
no density notices; where they are not, nothing is said of bars that one piece lacks. (If they were filled up with
silence, a short piece would differ from a long one mostly in length, and two short ones would agree about bars without
any notes.)

Intervals come from a bootstrap over the *pieces* of both sets: distances share pieces and are not independent. Pieces
are drawn with replacement, and one drawn twice is not compared with itself. Sets drawn so hold fewer different pieces
and overlap less than the sets they come from, so the spread of the figures drawn is used, not their place: the normal
interval, value plus and minus 1.96 standard errors for 95 % [2], cut to what the figure can be. For sets that are alike
it is rather too wide than too narrow. The number of pieces moves the figures themselves a little: compare those of sets
of like size. Time grows with the product of the sizes and the number of resamples.

Where the toolbox differs: its divergence evaluates the two densities at points spread over the range of each, so that
two sets of distances of one shape, however far apart, have divergence 0; ours has one grid. Its overlap stops at the
least and greatest distance and loses what smoothing put beyond them; ours does not, so equal densities overlap by 1.
Where all distances are equal it raises an error; ours is a narrow peak. It cuts the larger set to the size of the
smaller; we keep all. Features without a spread, such as the note count of pieces cut to one length, agree with each
other perfectly and mean nothing.

[1] L.-C. Yang, A. Lerch. On the evaluation of generative models in music. Neural Computing and Applications 32 (2020),
    4773-4784. doi:10.1007/s00521-018-3849-7
[2] B. Efron, R. J. Tibshirani. An Introduction to the Bootstrap. Chapman & Hall 1993, chapters 6 and 12.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.spatial.distance import cdist

from stochastic_music import _random
from stochastic_music.errors import EmptyCorpusError, InvalidParameterError, UnknownNameError
from stochastic_music.evaluation.likelihood import Estimate
from stochastic_music.evaluation.music import densities
from stochastic_music.evaluation.music.densities import N_CELLS, Grid
from stochastic_music.evaluation.music.features import FEATURES, Features, features_of
from stochastic_music.protocols import FloatArray

if TYPE_CHECKING:
    from symusic.core import ScoreTick

#: how often the pieces are drawn anew
N_RESAMPLES = 300
#: of the points of a density every so many is written to JSON
_TOLD_EVERY = 16


class Densities(NamedTuple):
    """Densities over one grid of distances, each (N_CELLS,), per unit of distance; NaN for a set without pairs."""

    grid: FloatArray
    intra: FloatArray
    generated_intra: FloatArray
    inter: FloatArray

    def to_json(self) -> dict[str, list[float | None]]:
        """64 of the points, to four digits."""
        return {name: [_told(x, 4) for x in values[::_TOLD_EVERY].tolist()] for name, values in self._asdict().items()}


class Comparison(NamedTuple):
    """One feature of generated pieces beside reference pieces; see the module's article."""

    intra: FloatArray
    generated_intra: FloatArray
    inter: FloatArray
    overlap: Estimate
    kl: Estimate
    generated_overlap: Estimate
    generated_kl: Estimate
    densities: Densities

    def to_json(self) -> dict[str, Any]:
        """Mean distances (null where there is no pair), the four figures with intervals, and densities to draw."""
        distances = {name: getattr(self, name) for name in ("intra", "generated_intra", "inter")}
        means = {name: _told(values.mean()) if len(values) else None for name, values in distances.items()}
        figures = ("overlap", "kl", "generated_overlap", "generated_kl")
        return {
            **means,
            **{name: getattr(self, name).to_json() for name in figures},
            "densities": self.densities.to_json(),
        }


class Summary(NamedTuple):
    """Mean and standard deviation of a feature over pieces: floats, or arrays shaped as the feature.

    Features with a row for each bar are averaged over the bars of each piece first.
    """

    mean: float | FloatArray
    std: float | FloatArray

    def to_json(self) -> dict[str, Any]:
        """Numbers and lists."""
        return {name: np.asarray(value).tolist() for name, value in self._asdict().items()}


def compared(
    generated: Sequence[ScoreTick],
    reference: Sequence[ScoreTick],
    *,
    features: Iterable[str] = tuple(FEATURES),
    n_resamples: int = N_RESAMPLES,
    seed: _random.Seed = 0,
    level: float = 0.95,
) -> dict[str, Comparison]:
    """Each of `features` of generated pieces beside reference pieces, with bootstrap intervals.

    Without resamples intervals are NaN; so is, of a set of one piece, all that needs distances within it. Raises
    EmptyCorpusError for an empty set, UnknownNameError for a feature that is none, InvalidParameterError for options
    outside their ranges.

    >>> from symusic import Note, Score, Track
    >>> def tune(*pitches):
    ...     score = Score(480)
    ...     score.tracks.append(Track(notes=[Note(480 * i, 480, pitch, 80) for i, pitch in enumerate(pitches)]))
    ...     return score
    >>> low, high = [tune(60, 62), tune(60, 64, 65)], [tune(40, 80, 90), tune(30, 90)]
    >>> round(compared(high, low, features=["pitch_range"])["pitch_range"].overlap.value, 6)
    0.0
    """
    names = list(features)
    _check(names, n_resamples, level)
    ours, theirs = ([features_of(score) for score in scores] for scores in (generated, reference))
    for name, found in (("generated", ours), ("reference", theirs)):
        if not found:
            raise EmptyCorpusError(f"the {name} set has no pieces: expected one or more, and some fifty to say much")
    draws = _Draws.of(len(ours), len(theirs), n_resamples, _random.generator(seed))
    return {name: _comparison(name, ours, theirs, draws, level) for name in names}


def _check(names: Iterable[str], n_resamples: int, level: float) -> None:
    for name in names:
        if name not in FEATURES:
            raise UnknownNameError("feature", name, FEATURES)
    if n_resamples < 0:
        raise InvalidParameterError(f"n_resamples is {n_resamples}; expected 0 or more")
    if not 0 < level < 1:
        raise InvalidParameterError(f"level is {level}; expected a probability between 0 and 1, such as 0.95")


def distances(name: str, first: Sequence[Features], second: Sequence[Features]) -> FloatArray:
    """Distances in one feature between all pieces of two sets: (len(first), len(second))."""
    if FEATURES[name].per_bar:
        return _distances_by_bar(_by_bar(name, first), _by_bar(name, second))
    rows = [np.array([np.ravel(getattr(piece, name)) for piece in pieces]) for pieces in (first, second)]
    found: FloatArray = cdist(rows[0], rows[1])
    return found


def summaries(scores: Iterable[ScoreTick]) -> dict[str, Summary]:
    """Mean and standard deviation of every feature; raises EmptyCorpusError for no scores."""
    found = [features_of(score) for score in scores]
    if not found:
        raise EmptyCorpusError("there are no pieces to measure")
    return {name: _summary(name, found) for name in FEATURES}


def _summary(name: str, pieces: Sequence[Features]) -> Summary:
    values = [getattr(piece, name) for piece in pieces]
    rows = np.array([value.mean(axis=0) for value in values] if FEATURES[name].per_bar else values)
    mean, std = rows.mean(axis=0), rows.std(axis=0)
    return Summary(mean, std) if rows.ndim > 1 else Summary(float(mean), float(std))


# Distances


def _by_bar(name: str, pieces: Sequence[Features]) -> FloatArray:
    """One feature of all pieces, (n_pieces, n_bars, n_values), NaN in bars that a piece does not have."""
    values = [getattr(piece, name).reshape(len(getattr(piece, name)), -1) for piece in pieces]
    table = np.full((len(values), max(map(len, values)), values[0].shape[1]), np.nan)
    for row, value in zip(table, values, strict=True):
        row[: len(value)] = value
    return table


def _distances_by_bar(first: FloatArray, second: FloatArray) -> FloatArray:
    n_bars = min(first.shape[1], second.shape[1])
    second = second[:, :n_bars]
    squares = (np.square(second - row).sum(axis=2) for row in first[:, :n_bars])
    return np.array([np.sqrt(np.nanmean(square, axis=1)) for square in squares])


# Densities, of all pieces and of pieces drawn anew


class _Draws(NamedTuple):
    """How often each piece was drawn; the first row holds each once: (1 + n_resamples, n_pieces)."""

    generated: FloatArray
    reference: FloatArray

    @classmethod
    def of(cls, n_generated: int, n_reference: int, n_resamples: int, rng: np.random.Generator) -> _Draws:
        drawn = (rng.multinomial(n, np.full(n, 1 / n), n_resamples) for n in (n_generated, n_reference))
        return cls(*(np.vstack([np.ones(counts.shape[1]), counts]) for counts in drawn))


def _comparison(
    name: str, generated: Sequence[Features], reference: Sequence[Features], draws: _Draws, level: float
) -> Comparison:
    within, own, between = (
        distances(name, *pair) for pair in ((reference, reference), (generated, generated), (generated, reference))
    )
    sets = (_apart(within), _apart(own), between.ravel())
    grid = densities.common_grid(sets)
    intra = _densities(within, draws.reference, None, grid)
    generated_intra = _densities(own, draws.generated, None, grid)
    inter = _densities(between, draws.generated, draws.reference, grid)
    return Comparison(
        *sets,
        overlap=_estimate(densities.overlap(intra, inter), 1.0, level),
        kl=_estimate(densities.divergence(intra, inter), np.inf, level),
        generated_overlap=_estimate(densities.overlap(generated_intra, inter), 1.0, level),
        generated_kl=_estimate(densities.divergence(generated_intra, inter), np.inf, level),
        densities=Densities(grid.points, *(rows[0] / grid.step for rows in (intra, generated_intra, inter))),
    )


def _apart(square: FloatArray) -> FloatArray:
    """The distances of each piece to every other one: (n (n - 1),)."""
    return square[~np.eye(len(square), dtype=bool)]


def _densities(table: FloatArray, rows: FloatArray, columns: FloatArray | None, grid: Grid) -> FloatArray:
    """The density of the distances in a table, for each draw of its rows and columns: (n_draws, N_CELLS).

    Without `columns` the table is one set with itself, and its diagonal does not count.
    """
    centred, cells = table - table.mean(), grid.cells(table).ravel()
    masses = np.empty((len(rows), N_CELLS))
    bandwidths = np.empty(len(rows))
    for i, counts in enumerate(rows):
        weights = np.outer(counts, counts if columns is None else columns[i])
        if columns is None:
            np.fill_diagonal(weights, 0.0)
        masses[i] = np.bincount(cells, weights.ravel(), N_CELLS)
        bandwidths[i] = densities.scott_bandwidth(weights.sum(), _std(centred, weights)) / grid.step
    return densities.smoothed(masses, bandwidths)


def _std(values: FloatArray, weights: FloatArray) -> float:
    """The standard deviation of values that count `weights` times, 0 of fewer than two."""
    n = weights.sum()
    if n < 2:
        return 0.0
    mean = (weights * values).sum() / n
    return float(np.sqrt((weights * np.square(values - mean)).sum() / (n - 1)))


def _estimate(values: FloatArray, most: float, level: float) -> Estimate:
    """The first value, and the interval that the spread of the others gives, from 0 to `most`."""
    drawn = values[1:][~np.isnan(values[1:])]
    reach = NormalDist().inv_cdf((1 + level) / 2) * drawn.std(ddof=1) if len(drawn) > 1 else np.nan
    low, high = np.clip([values[0] - reach, values[0] + reach], 0.0, most)
    return Estimate(float(values[0]), (float(low), float(high)), level)


def _told(value: float, digits: int = 12) -> float | None:
    return float(f"{value:.{digits}g}") if np.isfinite(value) else None
