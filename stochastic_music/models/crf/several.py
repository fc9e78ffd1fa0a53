"""Several labels of each event at once, by one labeller each.

The labellers stand in a row; each sees, beside the observations, the labels that those before it gave, as columns of
their names. So

    p(key, chord, cadence | x)  =  p(key | x)  p(chord | key, x)  p(cadence | key, chord, x)

which makes log probabilities and samples exact. `predict` takes the likeliest labels of each given the likeliest of
those before it: the best of each step, not always of all together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from stochastic_music import _random
from stochastic_music.errors import InputError, InvalidParameterError, NotFittedError, UnknownNameError
from stochastic_music.models.base import Estimator
from stochastic_music.models.crf.crf import CRF
from stochastic_music.models.crf.in_one_key import InOneKey
from stochastic_music.models.crf.relative import RelativeCRF
from stochastic_music.protocols import FloatArray, Observation

_KINDS: Mapping[str, Any] = {"crf": CRF, "relative": RelativeCRF, "in_one_key": InOneKey}


class CRFs(Estimator):
    """A labeller for each of several names; see the module's article.

    Args:
        labellers: name -> labeller (`CRF`, `RelativeCRF`, `InOneKey`), in the order in which they see each other's
            labels. They are copied, not changed.

    Examples:
        >>> pieces = [[{"bass": 0}, {"bass": 7}, {"bass": 0}]]
        >>> labels = {"chord": [["I", "V", "I"]], "role": [["rest", "tension", "rest"]]}
        >>> both = CRFs({"chord": CRF(["bass"], l2=0.1), "role": CRF(["chord"], l2=0.1)}).fit(pieces, labels)
        >>> both.predict([[{"bass": 7}, {"bass": 0}]])
        {'chord': [['V', 'I']], 'role': [['tension', 'rest']]}
    """

    def __init__(self, labellers: Mapping[str, Any]) -> None:
        self.labellers = labellers

    def fit(self, observations: Sequence[Sequence[Observation]], labels: Mapping[str, Sequence[Sequence[str]]]) -> Self:
        """Learn from pieces with a label of each name for each event; returns self.

        Raises InputError where the labels of a name are missing or of another length, UnknownNameError for labels that
        no labeller is for, InvalidParameterError where a column of the observations has a labeller's name.
        """
        self._check(observations, labels)
        fitted: dict[str, Any] = {}
        for name, labeller in self.labellers.items():
            seen = _seeing(observations, {before: labels[before] for before in fitted})
            fitted[name] = type(labeller)(**labeller.get_params()).fit(seen, labels[name])
        self.labellers_ = fitted
        return self

    def predict(
        self, observations: Sequence[Sequence[Observation]], *, allowed: Mapping[str, Any] | None = None
    ) -> dict[str, list[list[str]]]:
        """Likely labels, by name; `allowed` holds demands by name, as each labeller takes them."""
        said: dict[str, list[list[str]]] = {}
        for name, labeller in self._fitted().items():
            demands = (allowed or {}).get(name)
            said[name] = labeller.predict(_seeing(observations, said), allowed=demands)
        return said

    def predict_marginals(self, observations: Sequence[Sequence[Observation]]) -> dict[str, list[FloatArray]]:
        """The probability of each label at each event, by name, given the likeliest labels of the names before."""
        said: dict[str, list[list[str]]] = {}
        rows = {}
        for name, labeller in self._fitted().items():
            seen = _seeing(observations, said)
            rows[name], said[name] = labeller.predict_marginals(seen), labeller.predict(seen)
        return rows

    def log_prob(
        self, labels: Mapping[str, Sequence[Sequence[str]]], observations: Sequence[Sequence[Observation]]
    ) -> FloatArray:
        """The log probability of all labels of each piece given its observations, in nats: (n,)."""
        total = np.zeros(len(observations))
        before: dict[str, Sequence[Sequence[str]]] = {}
        for name, labeller in self._fitted().items():
            if name not in labels:
                raise InputError(f"there are no labels '{name}'; expected those of {', '.join(self.labellers)}")
            total += labeller.log_prob(labels[name], _seeing(observations, before))
            before[name] = labels[name]
        return total

    def sample(
        self,
        observations: Sequence[Observation],
        n: int = 1,
        *,
        allowed: Mapping[str, Any] | None = None,
        seed: _random.Seed = None,
    ) -> list[dict[str, list[str]]]:
        """`n` independent draws of all labels of one piece; draw i depends on the seed and on i alone."""
        fitted, key = self._fitted(), _random.key(seed)
        draws: list[dict[str, list[str]]] = [{} for _ in range(n)]
        for step, (name, labeller) in enumerate(fitted.items()):
            demands = (allowed or {}).get(name)
            for draw, word in zip(draws, _random.lanes(key, step, n).tolist(), strict=True):
                [seen] = _seeing([observations], {before: [own] for before, own in draw.items()})
                [draw[name]] = labeller.sample(seen, 1, allowed=demands, seed=word >> 1)
        return draws

    def to_arrays(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """The fitted labellers as plain JSON and arrays, which `from_arrays` takes."""
        metas, arrays = [], {}
        for name, labeller in self._fitted().items():
            kind = next((kind for kind, cls in _KINDS.items() if type(labeller) is cls), None)
            if kind is None:
                raise InvalidParameterError(
                    f"the labeller '{name}' is a {type(labeller).__name__}, which cannot be saved; expected one of "
                    f"{', '.join(cls.__name__ for cls in _KINDS.values())}"
                )
            meta, own = labeller.to_arrays()
            metas.append([name, kind, meta])
            arrays.update({f"{name}/{part}": array for part, array in own.items()})
        return {"labellers": metas}, arrays

    @classmethod
    def from_arrays(cls, meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The inverse of `to_arrays`."""
        fitted = {}
        for name, kind, own in meta["labellers"]:
            parts = {part[len(name) + 1 :]: arrays[part] for part in arrays if part.startswith(f"{name}/")}
            fitted[name] = _KINDS[kind].from_arrays(own, parts)
        model = cls({name: type(labeller)(**labeller.get_params()) for name, labeller in fitted.items()})
        model.labellers_ = fitted
        return model

    def _fitted(self) -> dict[str, Any]:
        if not hasattr(self, "labellers_"):
            raise NotFittedError("these CRFs have not learned anything yet: call fit(observations, labels) first")
        return self.labellers_

    def _check(self, observations: Sequence[Sequence[Observation]], labels: Mapping[str, Any]) -> None:
        for name in labels:
            if name not in self.labellers:
                raise UnknownNameError("labeller", name, self.labellers)
        for name in self.labellers:
            if name not in labels:
                raise InputError(f"there are no labels '{name}'; expected those of {', '.join(self.labellers)}")
            if any(name in event for piece in observations for event in piece):
                raise InvalidParameterError(f"'{name}' is a column of the observations: give its labeller another name")


def _seeing(
    observations: Sequence[Sequence[Observation]], labels: Mapping[str, Sequence[Sequence[str]]]
) -> list[list[Observation]]:
    """Pieces whose events also show labels, as columns of their names. Raises InputError where lengths differ."""
    seen = [list(piece) for piece in observations]
    for name, own in labels.items():
        for i, (piece, given) in enumerate(zip(seen, own, strict=True)):
            if len(piece) != len(given):
                raise InputError(f"piece {i} has {len(piece)} events and {len(given)} labels '{name}'")
            seen[i] = [{**event, name: label} for event, label in zip(piece, given, strict=True)]
    return seen
