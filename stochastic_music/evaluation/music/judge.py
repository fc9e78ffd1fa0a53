"""A judge: how well can generated pieces be told from real ones, and by what?

Task: two sets of pieces, one composed by a model and one by people. A classifier learns to tell them apart and is
asked about pieces that it did not learn from. Where the two sets are alike nobody can do better than guessing, so its
accuracy is a test of whether they are [1]: 0.5 is the best that a model can reach, 1 the worst.

The classifier is gradient boosting over trees of two questions [2], on the `traits` of each piece. The larger set is
cut, by drawing, to the size of the smaller; the pieces are dealt to ten folds (fewer where there are not ten of a
kind), half generated and half real as nearly as can be, and each fold is judged by a classifier of the others. Pieces
of one *group*, such as variants of a tune, stay in one fold.

    accuracy   share of the pieces that are told rightly, with Clopper and Pearson's interval
    auc        probability that of a generated and a real piece of one fold the generated one seems more generated; 0.5
               is guessing. Finer than accuracy, because it counts how sure the judge is
    p          how probable as many right answers are, or more, if answers have nothing to do with who composed: within
               each fold the labels are exchanged in every way (a sum of hypergeometric variables, counted exactly)
    telling    the traits that the judge leans on: by how much the probability of the right answer falls, on average
               over all pieces, when a trait is exchanged between the pieces of a fold that was held out [3]; with its
               mean in both sets

How sure that is. Interval and p take the answers of different folds as independent. They are not quite: folds learn
from pieces that they share, so that accuracy moves more than it should from one set to another, by a fifth to a third.
Real music judged against itself lies outside the interval about once in ten times where it should once in twenty,
below as often as above, and p lies below 0.05 in 5 to 10 of 100 (`benchmarks/quality/music_judge.md`). A judge at
0.5 has found nothing, which is not to say that there is nothing: forty pieces of a kind tell coarse faults only, and
traits know no form beyond `repetition`. Traits that go together share their weight. Where pieces were cut at so many
notes the judge notices: generate as long as held-out music is, or leave such traits out.

[1] D. Lopez-Paz, M. Oquab. Revisiting classifier two-sample tests. ICLR 2017. [2] J. H. Friedman. Greedy function
approximation: a gradient boosting machine. Annals of Statistics 29(5), 2001. [3] L. Breiman. Random forests. Machine
Learning 45, 2001.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from stochastic_music import _optional, _random
from stochastic_music.errors import EmptyCorpusError, InvalidParameterError, UnknownNameError
from stochastic_music.evaluation.music.traits import Traits, traits
from stochastic_music.evaluation.significance import BinomialTest, binomial_test
from stochastic_music.protocols import BoolArray, FloatArray, IntArray

if TYPE_CHECKING:
    from symusic.core import ScoreTick

#: fewer pieces of a kind teach nothing
LEAST_PIECES = 5
_FOLDS = 10
_N_TELLING = 8
#: how often a trait is exchanged within a fold
_N_EXCHANGES = 8
_BOOSTING = {"n_estimators": 50, "max_depth": 2, "learning_rate": 0.15, "subsample": 0.8, "max_features": "sqrt"}
#: what trees are told where a trait is missing, which no trait is otherwise
_MISSING = -1e3


class Telling(NamedTuple):
    """A trait that the judge leans on: its weight, its mean in both sets, and whether it is a share."""

    trait: str
    weight: float
    generated: float
    real: float
    is_share: bool

    @property
    def words(self) -> str:
        """As a sentence.

        >>> Telling("a larger leap up", 0.04, 0.031, 0.002, True).words
        'a larger leap up: more in generated pieces (3.1 % against 0.2 %)'
        """
        more = "more" if self.generated > self.real else "less"
        values = (f"{100 * x:.1f} %" if self.is_share else f"{x:.3g}" for x in (self.generated, self.real))
        return f"{self.trait}: {more} in generated pieces ({' against '.join(values)})"


class Judgement(NamedTuple):
    """How well pieces were told apart; see the module's article. `n` pieces of each kind were judged in `n_folds`."""

    accuracy: BinomialTest
    auc: float
    p: float
    telling: tuple[Telling, ...]
    n: int
    n_folds: int

    def to_json(self) -> dict[str, Any]:
        """`accuracy`, `interval`, `level`, `auc`, `p`, `n`, `n_folds`, `telling` (each with `words`)."""
        accuracy = {
            "accuracy": self.accuracy.share,
            "interval": [*self.accuracy.interval],
            "level": self.accuracy.level,
        }
        rest = {name: getattr(self, name) for name in ("auc", "p", "n", "n_folds")}
        telling = [{"feature": t.trait, **t._asdict(), "words": t.words} for t in self.telling]
        return {**accuracy, **rest, "telling": telling}


def judge(
    generated: Sequence[ScoreTick],
    real: Sequence[ScoreTick],
    *,
    groups: Sequence[int] | None = None,
    leave_out: Collection[str] = (),
    seed: _random.Seed = 0,
    level: float = 0.95,
) -> Judgement:
    """Judge generated pieces beside real ones.

    `groups` has a number for each piece, the generated ones first; those of one number stay in one fold. `leave_out`
    names traits that the judge shall not see. The same seed gives the same judgement. Raises EmptyCorpusError for
    fewer than `LEAST_PIECES` of a kind, InvalidParameterError for groups that do not fit, UnknownNameError for a trait
    that there is not.
    """
    if min(len(generated), len(real)) < LEAST_PIECES:
        raise EmptyCorpusError(
            f"{len(generated)} generated and {len(real)} real pieces are too few to learn what tells them apart. "
            f"Expected {LEAST_PIECES} or more of each, and some forty for figures that mean something"
        )
    kept = _without(traits([*generated, *real]), leave_out)
    return judged(kept, np.arange(len(generated) + len(real)) < len(generated), groups=groups, seed=seed, level=level)


def judged(
    table: Traits, is_generated: BoolArray, *, groups: Sequence[int] | None, seed: _random.Seed = 0, level: float = 0.95
) -> Judgement:
    """As `judge`, of pieces whose traits are known; `is_generated` is (n_pieces,)."""
    if groups is not None and len(groups) != len(is_generated):
        raise InvalidParameterError(f"got {len(groups)} groups for {len(is_generated)} pieces; expected one for each")
    rng = _random.generator(seed)
    kept = _balanced(is_generated, rng)
    labels, group = is_generated[kept], (np.arange(len(is_generated)) if groups is None else np.asarray(groups))[kept]
    values = np.where(np.isnan(table.values), _MISSING, table.values)[kept]
    fold = _dealt(labels, group, rng)
    chance, weights = _cross_validated(values, labels, fold, rng)
    answers = chance > 0.5
    right = int((answers == labels).sum())
    return Judgement(
        accuracy=binomial_test(right, len(labels), level=level),
        auc=_auc(chance, labels, fold),
        p=_p_value(right, answers, labels, fold),
        telling=_telling(table, table.values[kept], labels, weights),
        n=int(labels.sum()),
        n_folds=len(np.unique(fold)),
    )


def _without(table: Traits, names: Collection[str]) -> Traits:
    for name in names:
        if name not in table.names:
            raise UnknownNameError("trait", name, table.names)
    kept = [i for i, name in enumerate(table.names) if name not in names]
    left = tuple(table.names[i] for i in kept)
    return Traits(left, table.values[:, kept], tuple(table.is_share[i] for i in kept))


def _balanced(is_generated: BoolArray, rng: np.random.Generator) -> IntArray:
    """Which pieces are judged: as many of each kind, in their order."""
    sides = [np.flatnonzero(is_generated), np.flatnonzero(~is_generated)]
    n = min(map(len, sides))
    return np.sort(np.concatenate([rng.choice(side, n, replace=False) for side in sides]))


def _dealt(labels: BoolArray, group: IntArray, rng: np.random.Generator) -> IntArray:
    """The fold of each piece: (n_pieces,)."""
    n_groups = min(len(np.unique(group[labels == kind])) for kind in (True, False))
    if n_groups < 2:
        raise _in_too_few_groups()
    selection = _optional.require("sklearn.model_selection")
    splits = selection.StratifiedGroupKFold(min(_FOLDS, n_groups), shuffle=True, random_state=_state(rng))
    fold = np.zeros(len(labels), dtype=np.int64)
    for f, (_, asked) in enumerate(splits.split(labels, labels, group)):
        fold[asked] = f
    if any(len(np.unique(labels[fold != f])) < 2 for f in np.unique(fold)):
        raise _in_too_few_groups()
    return fold


def _in_too_few_groups() -> InvalidParameterError:
    return InvalidParameterError("the groups are so large that a fold would be judged without pieces of one kind")


def _cross_validated(
    values: FloatArray, labels: BoolArray, fold: IntArray, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """How probably each piece is generated, as the other folds tell, (n_pieces,), and trait weights, (n_traits,)."""
    chance, weights = np.zeros(len(labels)), np.zeros(values.shape[1])
    for f in np.unique(fold):
        asked = fold == f
        model = _fitted(values[~asked], labels[~asked], rng)
        chance[asked] = model.predict_proba(values[asked])[:, 1]
        weights += _losses(model, values[asked], labels[asked], rng) / len(labels)
    return chance, weights


def _fitted(values: FloatArray, labels: BoolArray, rng: np.random.Generator) -> Any:
    ensemble = _optional.require("sklearn.ensemble")
    return ensemble.GradientBoostingClassifier(**_BOOSTING, random_state=_state(rng)).fit(values, labels)


def _state(rng: np.random.Generator) -> int:
    return int(rng.integers(2**31))


def _losses(model: Any, values: FloatArray, labels: BoolArray, rng: np.random.Generator) -> FloatArray:
    """Probability of the right answer that is lost, in sum over pieces, when a trait is exchanged: (n_traits,)."""
    used = np.flatnonzero(model.feature_importances_)
    orders = rng.permuted(np.tile(np.arange(len(values)), (len(used), _N_EXCHANGES, 1)), axis=-1)
    asked = np.broadcast_to(values, (len(used), _N_EXCHANGES, *values.shape)).copy()
    for i, trait in enumerate(used):
        asked[i, :, :, trait] = values[orders[i], trait]
    exchanged = _right(model, asked.reshape(-1, values.shape[1]), np.tile(labels, len(used) * _N_EXCHANGES))
    lost = np.zeros(values.shape[1])
    lost[used] = _right(model, values, labels).sum() - exchanged.reshape(len(used), -1).sum(axis=1) / _N_EXCHANGES
    return lost


def _right(model: Any, values: FloatArray, labels: BoolArray) -> FloatArray:
    chance: FloatArray = model.predict_proba(values)[:, 1]
    return np.where(labels, chance, 1 - chance)


def _auc(chance: FloatArray, labels: BoolArray, fold: IntArray) -> float:
    """The share of pairs of one fold that are ranked rightly, ties counting half."""
    pairs = fold[labels][:, None] == fold[~labels]
    apart = np.sign(chance[labels][:, None] - chance[~labels])
    return float(((apart + 1) / 2)[pairs].mean()) if pairs.any() else math.nan


def _p_value(right: int, answers: BoolArray, labels: BoolArray, fold: IntArray) -> float:
    """The probability of as many right answers or more, were the labels exchanged within folds."""
    from scipy.stats import hypergeom

    chances = np.ones(1)  # of each number of right answers so far
    for f in np.unique(fold):
        here = fold == f
        n, n_generated, n_said = (int(x.sum()) for x in (here, labels[here], answers[here]))
        both = np.arange(n + 1)  # generated, and said to be
        of_fold = np.zeros(n + 1)
        found = hypergeom.pmf(both, n, n_generated, n_said)
        np.add.at(of_fold, (2 * both + n - n_generated - n_said)[found > 0], found[found > 0])
        chances = np.convolve(chances, of_fold)
    return float(min(chances[right:].sum(), 1.0))


def _telling(table: Traits, values: FloatArray, labels: BoolArray, weights: FloatArray) -> tuple[Telling, ...]:
    """The weightiest traits, the weightiest first."""

    def found() -> Iterator[Telling]:
        for i in np.argsort(-weights, kind="stable")[:_N_TELLING].tolist():
            if weights[i] > 0:
                ours, theirs = (_mean(values[side, i]) for side in (labels, ~labels))
                yield Telling(table.names[i], float(weights[i]), ours, theirs, table.is_share[i])

    return tuple(found())


def _mean(values: FloatArray) -> float:
    kept = values[~np.isnan(values)]
    return float(kept.mean()) if len(kept) else math.nan
