"""check_labeller accepts what keeps the contract, and names what breaks it."""

import numpy as np
import pytest

from stochastic_music.models.crf import CRF, InOneKey, RelativeCRF
from stochastic_music.testing import check_labeller
from stochastic_music.testing.toys import LABELLED


@pytest.mark.parametrize(
    "labeller",
    [
        CRF(),
        CRF(l1=0.1, l2=0.1),
        CRF(algorithm="ap"),
        CRF(choose={"l2": [0.1, 1.0]}, folds=2),
        RelativeCRF(),
        RelativeCRF(every_root=True, min_count=1, l2=0.5),
        InOneKey(CRF(l2=0.3)),
        InOneKey(CRF(l2=0.3), every_root=False),
    ],
    ids=repr,
)
def test_own_labellers_keep_the_contract(labeller):
    check_labeller(labeller)


class Broken(CRF):
    """Each subclass breaks one thing."""

    def __init__(self, l2=0.3):
        super().__init__(l2=l2)
        for name in ("templates", "algorithm", "l1", "max_iterations", "choose", "folds", "seed"):
            delattr(self, name)

    templates, algorithm, l1, max_iterations, choose, folds, seed = None, "lbfgs", 0.0, 50, None, 2, 0

    def get_params(self):
        return {"l2": self.l2}


class ChangesParameters(Broken):
    def fit(self, observations, labels):
        super().fit(observations, labels)
        self.l2 = 0.1
        return self


class ReturnsNothing(Broken):
    def fit(self, observations, labels):
        super().fit(observations, labels)


class TakesAnyLength(Broken):
    def fit(self, observations, labels):
        own = [
            [*(given or ["x"]), *["x"] * len(piece)][: len(piece)]
            for piece, given in zip(observations, labels, strict=False)
        ]
        return super().fit(observations, own)


class NotNormalised(Broken):
    def log_prob(self, labels, observations):
        return super().log_prob(labels, observations) - 0.01


class NearlyLikeliest(Broken):
    def predict(self, observations, *, allowed=None):  # noqa: ARG002
        return [[self.labels_[row.argmin()] for row in rows] for rows in self.predict_marginals(observations)]


class WrongMarginals(Broken):
    def predict_marginals(self, observations, *, allowed=None):  # noqa: ARG002
        return [np.full_like(rows, 1 / rows.shape[1]) for rows in super().predict_marginals(observations)]


class ForgetsDemands(Broken):
    def predict_marginals(self, observations, *, allowed=None):  # noqa: ARG002
        return super().predict_marginals(observations)


class SamplesMarginals(Broken):
    """Each event for itself: right marginals, wrong labellings."""

    def sample(self, observations, n=1, *, allowed=None, seed=None):
        generator = np.random.default_rng(seed)
        rows = self.predict_marginals([observations], allowed=None if allowed is None else [allowed])[0]
        return [[str(generator.choice(self.labels_, p=row)) for row in rows] for _ in range(n)]


class NewSeedEachTime(Broken):
    def sample(self, observations, n=1, *, allowed=None, seed=None):  # noqa: ARG002
        return super().sample(observations, n, allowed=allowed)


class LosesTransitions(Broken):
    @classmethod
    def from_arrays(cls, meta, arrays):
        meta = {**meta, "parameters": {"l2": meta["parameters"]["l2"]}}
        return super().from_arrays(meta, {**arrays, "transitions": np.zeros_like(arrays["transitions"])})


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (ChangesParameters, "fit changes the parameters"),
        (ReturnsNothing, "fit does not return self"),
        (TakesAnyLength, "raises no InputError"),
        (NotNormalised, "all labellings together"),
        (NearlyLikeliest, "predict gives a labelling of probability"),
        (WrongMarginals, "marginals are not the sums"),
        (ForgetsDemands, "marginals under demands are not conditioned"),
        (SamplesMarginals, "samples do not follow"),
        (NewSeedEachTime, "the same seed gives other labels"),
        (LosesTransitions, "after to_arrays and from_arrays"),
    ],
)
def test_what_breaks_is_named(broken, said):
    with pytest.raises(AssertionError, match=f"'signs': .*{said}"):
        check_labeller(broken(), corpora={"signs": LABELLED["signs"]})
