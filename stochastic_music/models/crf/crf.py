"""A linear-chain conditional random field (CRF) over named features [1].

Given the whole observation x of a piece, its labels y have the probability

    p(y | x)  is proportional to  exp( sum over t of sum over attributes a of x at t of state[a, y_t]
                                       + sum over t of transition[y_t-1, y_t] )

with a weight for each attribute and label that occurred together, and for each pair of labels. What an attribute is,
templates say (`models.crf.features`). crfsuite learns the weights [2]; everything after is ours, and exact: likeliest
labels, marginals, log probabilities, and labels *drawn* from the posterior, also under demands (`models.crf.labeller`).
A model that was saved needs no crfsuite to be used.

Labels that training never held have probability 0; `score` counts them as wrong. Equal pieces give equal weights.

[1] J. Lafferty, A. McCallum, F. Pereira. Conditional random fields: probabilistic models for segmenting and labeling
    sequence data. ICML 2001.
[2] N. Okazaki. CRFsuite: a fast implementation of conditional random fields. 2007.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from stochastic_music.corpus.labelled import checked_labels
from stochastic_music.errors import EmptyCorpusError, InvalidParameterError, UnknownNameError
from stochastic_music.models.crf import _crfsuite
from stochastic_music.models.crf.choosing import Choice, choose
from stochastic_music.models.crf.features import (
    Feature,
    attributes,
    columns_of,
    default_templates,
    parse_template,
    resolve,
)
from stochastic_music.models.crf.labeller import ChainLabeller
from stochastic_music.protocols import Observation
from stochastic_music.sampling.chains import Chain


class LabelWeight(NamedTuple):
    """What speaks for a label (weight above 0) or against it: an attribute, or the label before (`after=...`)."""

    label: str
    feature: str
    weight: float


class CRF(ChainLabeller):
    """A linear-chain CRF; see the module's article.

    Args:
        templates: what is seen of an event (`models.crf.features`); None for each column of it and both neighbours.
        algorithm: how crfsuite trains: "lbfgs", "l2sgd", "ap" (averaged perceptron), "pa" or "arow".
        l1: strength of the L1 penalty, which makes weights vanish; "lbfgs" only.
        l2: strength of the L2 penalty; "lbfgs" and "l2sgd" only.
        max_iterations: at most so many passes; None for the library's own limit.
        choose: candidates by parameter, such as {"l2": [0.1, 1, 10], "algorithm": ["lbfgs", "ap"]}: every combination
            is tried by cross-validation over the training pieces, and the one that labels most events rightly is taken.
        folds: folds of that cross-validation.
        seed: of the dealing to folds.

    `fit` raises InvalidParameterError or UnknownNameError for parameters outside these, InputError for labels that are
    missing, EmptyCorpusError where there are no events, MissingExtraError where sklearn-crfsuite is not installed.

    After `fit`: `labels_`, sorted; `templates_`; `attributes_`, the names of the rows of `state_` (sparse, attributes
    by labels); `transitions_` (from, to); `chosen_`, the parameters taken where `choose` is given, and `tried_`.

        >>> pieces = [[{"bass": 0}, {"bass": 7}, {"bass": 0}], [{"bass": 7}, {"bass": 0}]]
        >>> crf = CRF(["bass"], l2=0.1).fit(pieces, [["C", "G", "C"], ["G", "C"]])
        >>> crf.predict([[{"bass": 0}, {"bass": 7}]], allowed=[{-1: "C"}])
        [['G', 'C']]
        >>> crf.log_prob([["C", "G"]], [[{"bass": 0}, {"bass": 7}]]).round(3).tolist()
        [-0.35]
        >>> crf.sample([{"bass": 0}, {"bass": 7}], 2, seed=1)
        [['C', 'G'], ['C', 'G']]
    """

    def __init__(
        self,
        templates: Sequence[str] | None = None,
        *,
        algorithm: str = "lbfgs",
        l1: float = 0.0,
        l2: float = 1.0,
        max_iterations: int | None = 200,
        choose: Mapping[str, Sequence[Any]] | None = None,
        folds: int = 5,
        seed: int = 0,
    ) -> None:
        self.templates = templates
        self.algorithm = algorithm
        self.l1 = l1
        self.l2 = l2
        self.max_iterations = max_iterations
        self.choose = choose
        self.folds = folds
        self.seed = seed

    def fit(self, observations: Sequence[Sequence[Observation]], labels: Sequence[Sequence[str]]) -> Self:
        """Learn from pieces with a label for each event; returns self. Pieces without events teach nothing."""
        given = checked_labels(observations, labels)
        self._check_params()
        pieces = [(piece, own) for piece, own in zip(observations, given, strict=True) if own]
        if not pieces:
            raise EmptyCorpusError("there is nothing to learn from: no piece has an event. Give labelled pieces")
        kept, own = [piece for piece, _ in pieces], [labels for _, labels in pieces]
        self.tried_: tuple[Choice, ...] = ()
        chosen = self
        if self.choose:
            self.tried_ = choose(self, self.choose, kept, own, folds=self.folds, seed=self.seed)
            chosen = type(self)(**{**self.get_params(), "choose": None, **max(self.tried_, key=_merit).parameters})
            chosen._check_params()
        self.chosen_ = {name: getattr(chosen, name) for name in self.choose or ()}
        self._learn(chosen, kept, own)
        return self

    def _learn(self, settings: CRF, pieces: Sequence[Sequence[Observation]], labels: Sequence[Sequence[str]]) -> None:
        columns = columns_of(pieces)
        templates = default_templates(columns) if settings.templates is None else tuple(settings.templates)
        features = resolve(templates, columns)
        seen = [attributes(piece, templates, features) for piece in pieces]
        names = sorted({label for piece in labels for label in piece})
        label_number = {label: k for k, label in enumerate(names)}
        number: dict[str, int] = {}
        items = [[[number.setdefault(name, len(number)) for name in event] for event in piece] for piece in seen]
        weights = _crfsuite.train(
            items,
            [[label_number[label] for label in piece] for piece in labels],
            len(names),
            algorithm=settings.algorithm,
            settings={"l1": settings.l1, "l2": settings.l2},
            max_iterations=settings.max_iterations,
        )
        self.columns_ = tuple(sorted(columns))
        self.templates_ = templates
        self._set_weights(tuple(names), tuple(number), weights)

    def _set_weights(self, labels: tuple[str, ...], names: tuple[str, ...], weights: _crfsuite.Weights) -> None:
        used, rows = np.unique(weights.attribute, return_inverse=True)
        self.labels_ = labels
        self.attributes_ = tuple(names[i] for i in used.tolist())
        self.state_ = csr_matrix((weights.weight, (rows, weights.label)), shape=(len(used), len(labels)))
        self.transitions_ = weights.transitions
        self._row = {name: i for i, name in enumerate(self.attributes_)}
        self._features: dict[str, Feature] | None = None  # found at first use: plug-ins are looked up once

    def chain(self, observation: Sequence[Observation]) -> Chain:
        """The potentials of one piece's labels: unary (T, n_labels), pairwise (n_labels, n_labels)."""
        self._check_fitted()
        if self._features is None:
            self._features = resolve(self.templates_, self.columns_)
        seen = [
            [self._row[name] for name in event if name in self._row]
            for event in attributes(observation, self.templates_, self._features)
        ]
        bounds = np.cumsum([0, *map(len, seen)])
        columns = np.array([row for event in seen for row in event], dtype=np.int64)
        present = csr_matrix((np.ones(len(columns)), columns, bounds), shape=(len(seen), len(self.attributes_)))
        return Chain(np.asarray((present @ self.state_).toarray(), dtype=np.float64), self.transitions_)

    def strongest(self, n: int = 5) -> list[LabelWeight]:
        """For each label the `n` weights that speak most for it, then the `n` that speak most against it.

        Labels in order; among each label's rows the strongest come first.
        """
        self._check_fitted()
        names = [*self.attributes_, *(f"after={label}" for label in self.labels_)]
        columns = np.concatenate([self.state_.toarray(), self.transitions_])
        rows = []
        for label, column in zip(self.labels_, columns.T, strict=True):
            order = np.argsort(-column, kind="stable")
            told = [i for i in order[:n] if column[i] > 0] + [i for i in order[: -n - 1 : -1] if column[i] < 0]
            rows += [LabelWeight(label, names[i], float(column[i])) for i in told]
        return rows

    def to_arrays(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """The fitted model as plain JSON and arrays, which `from_arrays` takes."""
        self._check_fitted()
        parameters = self.get_params()
        if self.choose:
            parameters["choose"] = {name: list(candidates) for name, candidates in self.choose.items()}
        meta = {
            "parameters": parameters,
            "labels": list(self.labels_),
            "attributes": list(self.attributes_),
            "columns": list(self.columns_),
            "templates": list(self.templates_),
            "chosen": self.chosen_,
            "tried": [choice._asdict() for choice in self.tried_],
        }
        state = self.state_.tocoo()
        arrays: dict[str, NDArray[Any]] = {
            "state_attribute": state.row.astype(np.int64),
            "state_label": state.col.astype(np.int64),
            "state_weight": state.data.astype(np.float64),
            "transitions": self.transitions_,
        }
        return meta, arrays

    @classmethod
    def from_arrays(cls, meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The inverse of `to_arrays`; crfsuite is not needed."""
        model = cls(**meta["parameters"])
        model.templates_ = tuple(meta["templates"])
        model.columns_ = tuple(meta["columns"])
        model.chosen_ = dict(meta["chosen"])
        model.tried_ = tuple(Choice(**choice) for choice in meta["tried"])
        attribute, label, weight = (np.asarray(arrays[f"state_{part}"]) for part in ("attribute", "label", "weight"))
        weights = _crfsuite.Weights(attribute, label, weight, np.asarray(arrays["transitions"]))
        model._set_weights(tuple(meta["labels"]), tuple(meta["attributes"]), weights)
        return model

    def _check_params(self) -> None:
        if self.algorithm not in _crfsuite.TAKES:
            raise UnknownNameError("training algorithm", str(self.algorithm), _crfsuite.TAKES)
        for name in ("l1", "l2"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < np.inf:
                raise InvalidParameterError(f"{name} is {value!r}; expected a number, 0 or more")
        if self.max_iterations is not None and self.max_iterations < 1:
            raise InvalidParameterError(f"max_iterations is {self.max_iterations!r}; expected 1 or more, or None")
        if isinstance(self.templates, str):
            raise InvalidParameterError(f"templates is the text {self.templates!r}; expected a list of texts, or None")
        for template in self.templates or ():
            parse_template(template)


def _merit(choice: Choice) -> float:
    return choice.accuracy
