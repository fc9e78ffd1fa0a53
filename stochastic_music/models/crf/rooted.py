"""A conditional random field over labels that have a root: chords, keys.

A label is a root (a pitch class) and a kind: "7 maj", "0 min7". What speaks for G major in its own surroundings speaks
for A major in the same surroundings a tone higher, so all roots share their weights: every feature is seen *from the
root of the label*, pitches as semitones above it. With 12 times fewer weights, twenty pieces teach what a plain CRF
learns from hundreds, in any key. With x the whole observation and k the kind of a label y,

    log p(y | x) = sum over t of  sum over attributes a of x at t, seen from root(y_t), of state[a, k(y_t)]
                                  + motion[root(y_t) - root(y_t-1), k(y_t-1), k(y_t)]
                                  + stay[step of x at t] where y_t = y_t-1
                   - log Z(x)

Attributes are found by templates as in `CRF` (`models.crf.features`), in pieces whose pitch columns are turned so that
the root is 0. The `step` of an event is a column, such as its place in the bar: how likely it is that nothing changes
there. Weights maximise the likelihood of the given labels less l2 / 2 times their squared sum, which is convex; L-BFGS
finds them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import csr_matrix

from stochastic_music.corpus.labelled import checked_labels
from stochastic_music.errors import EmptyCorpusError, InputError, InvalidParameterError
from stochastic_music.models.crf.features import attributes, columns_of, default_templates, parse_template, resolve
from stochastic_music.models.crf.labeller import ChainLabeller
from stochastic_music.protocols import FloatArray, IntArray, Observation
from stochastic_music.sampling.chains import Chain

_ROOTS = 12
#: semitones up from one root to another: [from, to]
_UP = (np.arange(_ROOTS)[None, :] - np.arange(_ROOTS)[:, None]) % _ROOTS


class _Weights(NamedTuple):
    """Views of one vector: state (attributes, kinds), motion (12, kinds, kinds), stay (steps,)."""

    state: FloatArray
    motion: FloatArray
    stay: FloatArray


class _Example(NamedTuple):
    """A piece for training: seen (T * 12, attributes), label numbers (T,), step numbers (T,)."""

    seen: csr_matrix
    labels: IntArray
    steps: IntArray


class RootedCRF(ChainLabeller):
    """A linear-chain CRF whose labels, "root kind", share the weights of all roots; see the module's article.

    Args:
        templates: what is seen of an event (`models.crf.features`); None for each column of it and both neighbours.
        pitches: the columns that hold pitch classes, which are seen from the root of a label.
        step: the column that says what kind of step leads to an event; None where all steps are alike.
        l2: strength of the L2 penalty.
        max_iterations: at most so many passes over the pieces.

    `fit` raises InputError for labels that are missing or not of that form, EmptyCorpusError where there are no events,
    InvalidParameterError for parameters outside their range.

    What is learned in one key holds in every other:

        >>> piece = [{"pitch_classes": (0, 4, 7), "bass": 0}, {"pitch_classes": (2, 7, 11), "bass": 7}]
        >>> crf = RootedCRF(["pitch_classes", "bass"], l2=0.1).fit([piece], [["0 maj", "7 maj"]])
        >>> crf.predict([[{"pitch_classes": (3, 6, 11), "bass": 11}]])
        [['11 maj']]
    """

    def __init__(
        self,
        templates: Sequence[str] | None = None,
        *,
        pitches: Sequence[str] = ("pitch_classes", "bass"),
        step: str | None = None,
        l2: float = 1.0,
        max_iterations: int = 60,
    ) -> None:
        self.templates = templates
        self.pitches = pitches
        self.step = step
        self.l2 = l2
        self.max_iterations = max_iterations

    def fit(self, observations: Sequence[Sequence[Observation]], labels: Sequence[Sequence[str]]) -> Self:
        """Learn from pieces with a label for each event; returns self. Pieces without events teach nothing."""
        given = checked_labels(observations, labels)
        self._check_params()
        pieces = [(piece, own) for piece, own in zip(observations, given, strict=True) if own]
        if not pieces:
            raise EmptyCorpusError("there is nothing to learn from: no piece has an event. Give labelled pieces")
        parsed = [[split_label(label) for label in own] for _, own in pieces]
        self.kinds_ = tuple(sorted({kind for own in parsed for _, kind in own}))
        self.labels_ = tuple(f"{root} {kind}" for root in range(_ROOTS) for kind in self.kinds_)
        self.columns_ = tuple(sorted(columns_of([piece for piece, _ in pieces])))
        templates = default_templates(self.columns_) if self.templates is None else tuple(self.templates)
        self.templates_ = templates
        self.steps_ = tuple(sorted({self._step(event) for piece, _ in pieces for event in piece}))
        found = [self._attributes(piece) for piece, _ in pieces]
        self._name_attributes(sorted({name for piece in found for place in piece for name in place}))
        number = {label: i for i, label in enumerate(self.labels_)}
        examples = [
            _Example(self._seen(names), np.array([number[label] for label in own]), self._step_numbers(piece))
            for names, (piece, own) in zip(found, pieces, strict=True)
        ]
        self.weights_ = self._train(examples)
        return self

    def chain(self, observation: Sequence[Observation]) -> Chain:
        """The potentials of one piece's labels: unary (T, n_labels), pairwise (T - 1, n_labels, n_labels)."""
        self._check_fitted()
        state, motion, stay = self._views(self.weights_)
        unary = self._unary(self._seen(self._attributes(observation)), state)
        steps = self._step_numbers(observation)[1:]
        kinds = np.concatenate([stay, [0.0]])[steps]  # a step never met is neither for nor against staying
        distinct, place = np.unique(kinds, return_inverse=True)
        still = np.eye(len(self.labels_))
        return Chain(unary, (_every_step(motion) + distinct[:, None, None] * still)[place.ravel()])

    def to_arrays(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """The fitted model as plain JSON and arrays, which `from_arrays` takes."""
        self._check_fitted()
        parameters = {name: list(v) if isinstance(v, tuple) else v for name, v in self.get_params().items()}
        fields = ("kinds", "columns", "templates", "steps", "attributes")
        meta = {"parameters": parameters} | {name: list(getattr(self, f"{name}_")) for name in fields}
        return meta, {"weights": self.weights_}

    @classmethod
    def from_arrays(cls, meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The inverse of `to_arrays`."""
        model = cls(**meta["parameters"])
        model.kinds_, model.columns_ = tuple(meta["kinds"]), tuple(meta["columns"])
        model.templates_, model.steps_ = tuple(meta["templates"]), tuple(meta["steps"])
        model.labels_ = tuple(f"{root} {kind}" for root in range(_ROOTS) for kind in model.kinds_)
        model._name_attributes(meta["attributes"])
        model.weights_ = np.asarray(arrays["weights"], dtype=np.float64)
        return model

    # What is seen of a piece

    def _attributes(self, piece: Sequence[Observation]) -> list[list[str]]:
        """The names of what is seen: of event t from root r at place 12 t + r."""
        features = resolve(self.templates_, self.columns_)
        seen = [attributes(_turned(piece, self.pitches, root), self.templates_, features) for root in range(_ROOTS)]
        return [seen[root][t] for t in range(len(piece)) for root in range(_ROOTS)]

    def _name_attributes(self, names: Sequence[str]) -> None:
        self.attributes_ = tuple(names)
        self._row = {name: i for i, name in enumerate(self.attributes_)}

    def _seen(self, names: Sequence[Sequence[str]]) -> csr_matrix:
        known = [[self._row[name] for name in place if name in self._row] for place in names]
        bounds = np.cumsum([0, *map(len, known)])
        columns = np.array([row for place in known for row in place], dtype=np.int64)
        return csr_matrix((np.ones(len(columns)), columns, bounds), shape=(len(known), len(self.attributes_)))

    def _unary(self, seen: csr_matrix, state: FloatArray) -> FloatArray:
        found: FloatArray = np.asarray(seen @ state).reshape(-1, len(self.labels_))
        return found

    def _step(self, event: Observation) -> str:
        return "" if self.step is None else str(event.get(self.step))

    def _step_numbers(self, piece: Sequence[Observation]) -> IntArray:
        """The number of the step to each event, that after the last for one never met."""
        number = {step: i for i, step in enumerate(self.steps_)}
        return np.array([number.get(self._step(event), len(self.steps_)) for event in piece], dtype=np.int64)

    # Training

    def _views(self, vector: FloatArray) -> _Weights:
        n, k = len(self.attributes_), len(self.kinds_)
        state, motion, stay = np.split(vector, [n * k, n * k + _ROOTS * k * k])
        return _Weights(state.reshape(n, k), motion.reshape(_ROOTS, k, k), stay)

    def _train(self, examples: Sequence[_Example]) -> FloatArray:
        k = len(self.kinds_)
        given = np.zeros(len(self.attributes_) * k + _ROOTS * k * k + len(self.steps_))
        for example in examples:
            self._count_given(example, self._views(given))

        def loss(vector: FloatArray) -> tuple[float, FloatArray]:
            value = 0.5 * self.l2 * float(vector @ vector) - float(given @ vector)
            slope = self.l2 * vector - given
            return value + self._expect(examples, self._views(vector), self._views(slope)), slope

        found = minimize(
            loss, np.zeros(len(given)), jac=True, method="L-BFGS-B", options={"maxiter": self.max_iterations}
        )
        return np.asarray(found.x, dtype=np.float64)

    def _count_given(self, example: _Example, counts: _Weights) -> None:
        """Add what the given labels of a piece show to `counts`, in place."""
        k = len(self.kinds_)
        chosen = np.eye(len(self.labels_))[example.labels].reshape(-1, k)
        counts.state[:] += example.seen.T @ chosen
        before, after = example.labels[:-1], example.labels[1:]
        np.add.at(counts.motion, ((after // k - before // k) % _ROOTS, before % k, after % k), 1.0)
        np.add.at(counts.stay, example.steps[1:][before == after], 1.0)

    def _expect(self, examples: Sequence[_Example], weights: _Weights, slope: _Weights) -> float:
        """The sum of log Z over the pieces; adds what the model expects to see to `slope`, in place."""
        moves = _every_step(weights.motion)
        still = np.eye(len(self.labels_))
        top = moves.max() + max(weights.stay.max(), 0.0)
        steps = np.exp(moves[None] + weights.stay[:, None, None] * still - top)
        pairs = np.zeros_like(steps)
        total = 0.0
        for example in examples:
            unary = self._unary(example.seen, weights.state)
            log_z, beliefs = _forward_backward(unary, steps, example.steps, pairs)
            total += log_z + (len(unary) - 1) * float(top)
            slope.state[:] += example.seen.T @ beliefs.reshape(-1, len(self.kinds_))
        pairs *= steps
        slope.stay[:] += np.trace(pairs, axis1=1, axis2=2)
        k = len(self.kinds_)
        by_root = pairs.sum(axis=0).reshape(_ROOTS, k, _ROOTS, k).transpose(0, 2, 1, 3)
        np.add.at(slope.motion, _UP, by_root)
        return total

    def _check_params(self) -> None:
        if isinstance(self.l2, bool) or not isinstance(self.l2, int | float) or not 0 <= self.l2 < np.inf:
            raise InvalidParameterError(f"l2 is {self.l2!r}; expected a number, 0 or more")
        if self.max_iterations < 1:
            raise InvalidParameterError(f"max_iterations is {self.max_iterations!r}; expected 1 or more")
        for template in self.templates or ():
            parse_template(template)


def split_label(label: str) -> tuple[int, str]:
    """Root and kind of a label; raises InputError for any other text.

    >>> split_label("7 maj7")
    (7, 'maj7')
    """
    root, _, kind = label.partition(" ")
    if not root.isdecimal() or int(root) >= _ROOTS or not kind:
        raise InputError(
            f"'{label}' is no label with a root; expected a pitch class, 0 to 11, and a kind, as in '7 maj7'"
        )
    return int(root), kind


def _turned(piece: Sequence[Observation], columns: Sequence[str], root: int) -> list[Observation]:
    """A piece with the pitch classes in `columns` as semitones above `root`, those of one event ascending."""
    return [
        {name: _from(value, root) if name in columns else value for name, value in event.items()} for event in piece
    ]


def _from(value: Any, root: int) -> Any:
    if isinstance(value, tuple):
        return tuple(sorted((pitch - root) % _ROOTS for pitch in value))
    return (value - root) % _ROOTS if isinstance(value, int) else value


def _every_step(motion: FloatArray) -> FloatArray:
    """Motion by interval, (12, kinds, kinds), as steps between labels: (n_labels, n_labels)."""
    n = _ROOTS * motion.shape[1]
    steps: FloatArray = motion[_UP].transpose(0, 2, 1, 3).reshape(n, n)
    return steps


def _forward_backward(
    unary: FloatArray, steps: FloatArray, which: IntArray, pairs: FloatArray
) -> tuple[float, FloatArray]:
    """The log of Z and the marginals (T, K); adds to `pairs` what, times `steps`, is expected of each kind of step.

    `steps` (S, K, K) are not logarithms; `which` (T,) is the kind of step that leads to a place. Messages are scaled to
    sum to 1, their sums kept.
    """
    top = unary.max(axis=1)
    shown = np.exp(unary - top[:, None])
    ahead, behind, sums = np.empty_like(shown), np.ones_like(shown), np.empty(len(shown))
    for t in range(len(shown)):
        ahead[t] = shown[t] if t == 0 else (ahead[t - 1] @ steps[which[t]]) * shown[t]
        sums[t] = ahead[t].sum()
        ahead[t] /= sums[t]
    for t in range(len(shown) - 2, -1, -1):
        behind[t] = steps[which[t + 1]] @ (behind[t + 1] * shown[t + 1]) / sums[t + 1]
    onward = (behind * shown / sums[:, None])[1:]
    for s in range(len(steps)):
        of_kind = which[1:] == s
        pairs[s] += ahead[:-1][of_kind].T @ onward[of_kind]
    return float(np.log(sums).sum() + top.sum()), ahead * behind
