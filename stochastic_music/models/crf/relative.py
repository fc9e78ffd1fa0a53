"""A conditional random field for chords: what is learned in one key is known in all.

Labels have a root and a mode (`models.crf.roots`: `C#m7` is root 1, mode `m7`). What is seen of an event is seen *from
each root*: the third above the root sounds, the bass is its fifth. The weight of an attribute so seen belongs to a
mode, and all twelve roots share it, as if every piece had been learned in every key, with a twelfth of the weights:

    unary[t, (r, m)]               =  degree[major or minor, (r - tonic, m)]
                                      + sum over attributes a of x at t of state[a seen from r, m]
    pairwise[t, (r, m), (r', m')]  =  move[m, m', r' - r]
                                      + sum over attributes b of the step of
                                        stay[b, 0] where the label stays + stay[b, 1] where the root stays

The tonic and whether the key is minor are estimated from the notes of a piece. What is seen of a step (the metre, how
the bass moves, how many notes are new) says whether the harmony changes there: what a semi-Markov model [1] learns of
its segments is so learned of their borders, and inference stays that of a linear chain.

Attributes are those of templates (`models.crf.features`); the values of pitched ones are seen from the root. Weights
maximise the penalised likelihood by L-BFGS on exact gradients.

[1] K. Masada, R. Bunescu. Chord recognition in symbolic music using semi-Markov conditional random fields. ISMIR 2017.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from stochastic_music.corpus.labelled import checked_labels
from stochastic_music.errors import EmptyCorpusError, InvalidParameterError
from stochastic_music.models.crf._relative_training import Problem, Table, Weights, together, unary_weights
from stochastic_music.models.crf.choosing import Choice, choose
from stochastic_music.models.crf.crf import LabelWeight
from stochastic_music.models.crf.features import (
    BUILT_IN,
    PITCHED,
    Attribute,
    Feature,
    columns_of,
    found,
    parse_template,
    resolve,
)
from stochastic_music.models.crf.labeller import ChainLabeller
from stochastic_music.models.crf.roots import Rooted, lower, lowered, parse_rooted, spellings, tonic_of
from stochastic_music.protocols import FloatArray, IntArray, Observation
from stochastic_music.sampling.chains import Chain, Varying

#: what is seen of an event where no templates are given
TEMPLATES = (
    "always",
    "thickness",
    *(f"pitch_classes{at}" for at in ("@-2", "@-1", "", "@1", "@2")),
    *(f"bass{at}" for at in ("@-2", "@-1", "", "@1", "@2")),
    *(f"{{pitch_classes}}{at}" for at in ("@-1", "", "@1")),
    "pitch_classes*metre",
    "bass*metre",
    "{pitch_classes}*metre",
    "pitch_classes*bass",
    "{pitch_classes}*bass",
    "bass*bass@-1",
    "bass*bass@1",
    *("kept", "added", "held", "passing", "left", "gone", "coming"),
    "{with_last}",
    "{with_next}",
)
#: what is seen of the step from the event before, where no templates are given
STEP_TEMPLATES = (
    "always",
    "metre",
    "metre@-1*metre",
    "metre*metre@1",
    "bass_step",
    "bass_step*metre",
    "bass_step*change",
    "change",
    "change*metre",
    "change@1*metre",
    "n_kept",
    "n_kept*metre",
    "n_both",
    "n_both*metre",
)


class RelativeCRF(ChainLabeller):
    """A CRF whose weights are shared by all roots; see the module's article.

    Observations have the columns `pitch_classes` (a tuple of 0 .. 11) and, for the default templates, `bass` (0 .. 11)
    and `metre` (how strong the beat is); templates whose columns are missing are left out.

    Args:
        templates: what is seen of an event; None for `TEMPLATES`.
        step_templates: what is seen of the step from the event before; None for `STEP_TEMPLATES`.
        l2: strength of the penalty on weights of attributes; all others have that of 1.
        min_count: attributes that training saw less often, from the roots that were given, have no weight.
        every_root: whether a mode that training held may stand on every root; else labels are those that it held.
        pitched: columns, beside those known (`features.PITCHED`), that hold pitch classes.
        max_iterations: of L-BFGS.
        choose: candidates by parameter, tried by cross-validation over the training pieces, as in `CRF`.
        folds: folds of that cross-validation.
        seed: of the dealing to folds.

    `fit` raises InvalidParameterError or UnknownNameError for parameters outside these, InputError for labels that are
    missing, EmptyCorpusError where there are no events.

        >>> tonic, dominant = {"pitch_classes": (0, 4, 7), "bass": 0}, {"pitch_classes": (2, 7, 11), "bass": 7}
        >>> model = RelativeCRF(min_count=1, every_root=True).fit([[tonic, dominant, tonic]], [["C", "G", "C"]])
        >>> model.predict([[{"pitch_classes": (2, 6, 9), "bass": 2}, {"pitch_classes": (1, 4, 9), "bass": 1}]])
        [['D', 'A']]
    """

    def __init__(
        self,
        templates: Sequence[str] | None = None,
        step_templates: Sequence[str] | None = None,
        *,
        l2: float = 8.0,
        min_count: int = 2,
        every_root: bool = False,
        pitched: Sequence[str] = (),
        max_iterations: int = 60,
        choose: Mapping[str, Sequence[Any]] | None = None,
        folds: int = 5,
        seed: int = 0,
    ) -> None:
        self.templates = templates
        self.step_templates = step_templates
        self.l2 = l2
        self.min_count = min_count
        self.every_root = every_root
        self.pitched = pitched
        self.max_iterations = max_iterations
        self.choose = choose
        self.folds = folds
        self.seed = seed

    def fit(self, observations: Sequence[Sequence[Observation]], labels: Sequence[Sequence[str]]) -> Self:
        """Learn from pieces with a label for each event; returns self. Pieces without events teach nothing."""
        given = checked_labels(observations, labels)
        self._check_params()
        pieces = [piece for piece, own in zip(observations, given, strict=True) if own]
        kept = [own for own in given if own]
        if not pieces:
            raise EmptyCorpusError("there is nothing to learn from: no piece has an event. Give labelled pieces")
        self.tried_: tuple[Choice, ...] = ()
        chosen = self
        if self.choose:
            self.tried_ = choose(self, self.choose, pieces, kept, folds=self.folds, seed=self.seed)
            best = max(self.tried_, key=lambda choice: choice.accuracy)
            chosen = type(self)(**{**self.get_params(), "choose": None, **best.parameters})
            chosen._check_params()
        self.chosen_ = {name: getattr(chosen, name) for name in self.choose or ()}
        self._learn(chosen, pieces, kept)
        return self

    def _learn(
        self, settings: RelativeCRF, pieces: Sequence[Sequence[Observation]], labels: Sequence[Sequence[str]]
    ) -> None:
        columns = columns_of(pieces)
        self.columns_ = tuple(sorted(columns))
        self.templates_ = _usable(settings.templates, TEMPLATES, columns)
        self.step_templates_ = _usable(settings.step_templates, STEP_TEMPLATES, columns)
        self._features: dict[str, Feature] | None = None
        self._set_labels(spellings(label for piece in labels for label in piece), settings.every_root)
        sights = [_Sight(self, piece) for piece in pieces]
        states = [self._states(own, sight.tonic) for own, sight in zip(labels, sights, strict=True)]
        absolute = list(dict.fromkeys(a for sight in sights for event in sight.events for a in event))
        number = {attribute: i for i, attribute in enumerate(absolute)}
        seen = [_incidence([[number[a] for a in event] for event in sight.events], len(number)) for sight in sights]
        rotations = self._rotations(absolute)
        counts = _counts_at_roots(seen, states, rotations, len(self.modes_))
        kept = sorted(name for name, count in counts.items() if count >= settings.min_count)
        self.attributes_ = tuple(kept)
        self.step_attributes_ = tuple(dict.fromkeys(a for sight in sights for event in sight.steps for a in event))
        self._index()
        steps = [_incidence(self._known_steps(sight), len(self.step_attributes_)) for sight in sights]
        problem = Problem(
            tuple(
                Table.of(
                    [seen[i] for i in own],
                    [steps[i] for i in own],
                    [states[i] for i in own],
                    [sights[i].minor for i in own],
                )
                for own in together([len(own) for own in states])
            ),
            self._seen_from(rotations),
            len(kept),
            len(self.modes_),
            self._possible(),
            float(settings.l2),
        )
        self.weights_ = problem.solve(settings.max_iterations)

    def chain(self, observation: Sequence[Observation]) -> Chain:
        """The potentials of one piece's labels: unary (T, n_labels), pairwise (n_labels, n_labels) and what varies."""
        self._check_fitted()
        table = _Sight(self, observation)
        weights = self.weights_
        absolute = list(dict.fromkeys(a for event in table.events for a in event))
        number = {attribute: i for i, attribute in enumerate(absolute)}
        seen = _incidence([[number[a] for a in event] for event in table.events], len(absolute))
        states = self._states_of(self._rooted, table.tonic)
        columns = unary_weights(weights.state, self._seen_from(self._rotations(absolute)))[:, states]
        unary = np.asarray(seen @ columns) + weights.degree[int(table.minor), states]
        pairwise = weights.pairwise()[np.ix_(states, states)]
        stay = np.asarray(_incidence(self._known_steps(table), len(self.step_attributes_)) @ weights.stay)[1:]
        roots = states // len(self.modes_)
        same = np.stack([np.eye(len(states)), roots[:, None] == roots[None, :]]).astype(np.float64)
        return Chain(unary, pairwise, Varying(stay, same))

    def strongest(self, n: int = 5) -> list[LabelWeight]:
        """For each mode the `n` attributes that speak most for it, then the `n` that speak most against it.

        Values of pitched attributes are semitones above the root.
        """
        self._check_fitted()
        rows = []
        for mode, column in zip(self.modes_, self.weights_.state.T, strict=True):
            order = np.argsort(-column, kind="stable")
            told = [i for i in order[:n] if column[i] > 0] + [i for i in order[: -n - 1 : -1] if column[i] < 0]
            rows += [LabelWeight(mode, self.attributes_[i], float(column[i])) for i in told]
        return rows

    def to_arrays(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """The fitted model as plain JSON and arrays, which `from_arrays` takes."""
        self._check_fitted()
        parameters = {
            name: list(value) if isinstance(value, list | tuple) else value for name, value in self.get_params().items()
        }
        if self.choose:
            parameters["choose"] = {name: list(candidates) for name, candidates in self.choose.items()}
        meta = {
            "parameters": parameters,
            "labels": list(self.labels_),
            "modes": list(self.modes_),
            "attributes": list(self.attributes_),
            "step_attributes": list(self.step_attributes_),
            "columns": list(self.columns_),
            "templates": list(self.templates_),
            "step_templates": list(self.step_templates_),
            "chosen": self.chosen_,
            "tried": [choice._asdict() for choice in self.tried_],
        }
        return meta, dict(self.weights_._asdict())

    @classmethod
    def from_arrays(cls, meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The inverse of `to_arrays`."""
        model = cls(**meta["parameters"])
        for name in ("labels", "modes", "attributes", "step_attributes", "columns", "templates", "step_templates"):
            setattr(model, f"{name}_", tuple(meta[name]))
        model.chosen_ = dict(meta["chosen"])
        model.tried_ = tuple(Choice(**choice) for choice in meta["tried"])
        model._features = None
        model.weights_ = Weights(*(np.asarray(arrays[name]) for name in Weights._fields))
        model._index()
        return model

    def _set_labels(self, spelled: Mapping[Rooted, str], every_root: bool) -> None:
        names = dict(spelled)
        if every_root:
            rooted = [Rooted(root, label.mode) for label in spelled if label.root is not None for root in range(12)]
            names = {**{label: str(label) for label in rooted}, **names}
        self.labels_ = tuple(sorted(names.values()))
        self.modes_ = tuple(sorted({label.mode for label in names}))

    def _index(self) -> None:
        self._rooted = tuple(parse_rooted(label) for label in self.labels_)
        self._column = {label: k for k, label in enumerate(self._rooted)}
        self._row = {name: i for i, name in enumerate(self.attributes_)}
        self._step_row = {name: i for i, name in enumerate(self.step_attributes_)}

    def _resolved(self) -> dict[str, Feature]:
        """The functions of all templates; plug-ins are looked up once."""
        templates = (*self.templates_, *self.step_templates_)
        if self._features is None:
            self._features = resolve(templates, self.columns_)
        return self._features

    def _place(self, label: str) -> int | None:
        return self._column.get(parse_rooted(label))

    def _possible(self) -> NDArray[np.bool_]:
        """Which states exist: a mode without a root stands on the tonic alone."""
        rootless = {label.mode for label in self._rooted if label.root is None}
        rooted = {label.mode for label in self._rooted if label.root is not None}
        possible = np.tile([mode in rooted for mode in self.modes_], (12, 1))
        possible[0] |= [mode in rootless for mode in self.modes_]
        return possible.ravel()

    def _states(self, labels: Sequence[str], tonic: int) -> IntArray:
        return self._states_of([parse_rooted(label) for label in labels], tonic)

    def _states_of(self, labels: Sequence[Rooted], tonic: int) -> IntArray:
        mode = {name: m for m, name in enumerate(self.modes_)}
        roots = [0 if label.root is None else (label.root - tonic) % 12 for label in labels]
        return np.array([r * len(mode) + mode[label.mode] for r, label in zip(roots, labels, strict=True)], np.int64)

    def _known_steps(self, table: _Sight) -> list[list[int]]:
        return [[self._step_row[a] for a in event if a in self._step_row] for event in table.steps]

    def _rotations(self, absolute: Sequence[Attribute]) -> list[list[str]]:
        """What each attribute is called, seen from each of twelve roots."""
        pitched = PITCHED | set(self.pitched)
        terms = {
            template: tuple(term.name in pitched for term in parse_template(template)) for template in self.templates_
        }
        return [[str(_seen_from(a, terms[a.template], root)) for root in range(12)] for a in absolute]

    def _seen_from(self, rotations: Sequence[Sequence[str]]) -> IntArray:
        none = len(self.attributes_)
        rows = [[self._row.get(name, none) for name in names] for names in rotations]
        return np.array(rows, dtype=np.int64).reshape(len(rows), 12)

    def _check_params(self) -> None:
        if isinstance(self.l2, bool) or not isinstance(self.l2, int | float) or not 0 < self.l2 < np.inf:
            raise InvalidParameterError(f"l2 is {self.l2!r}; expected a number above 0")
        for name in ("min_count", "max_iterations"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
                raise InvalidParameterError(f"{name} is {value!r}; expected a whole number, 1 or more")
        for name in ("templates", "step_templates", "pitched"):
            value = getattr(self, name)
            if isinstance(value, str):
                raise InvalidParameterError(f"{name} is the text {value!r}; expected a list of texts, or None")
        for template in (*(self.templates or ()), *(self.step_templates or ())):
            parse_template(template)


class _Sight:
    """A piece, its pitched values counted from its tonic: the attributes of each event, and of the step to it."""

    def __init__(self, model: RelativeCRF, piece: Sequence[Observation]) -> None:
        self.tonic, self.minor = tonic_of(piece)
        features = model._resolved()
        pitched = PITCHED | set(model.pitched)
        turned = [lowered(event, pitched, self.tonic) for event in piece]
        own = _named_in(model.templates_, features)
        self.events = found(turned, model.templates_, own)
        steps = found(turned, model.step_templates_, _named_in(model.step_templates_, features))
        self.steps = [[str(a) for a in event] if t else [] for t, event in enumerate(steps)]


def _named_in(templates: Sequence[str], features: Mapping[str, Feature]) -> dict[str, Feature]:
    names = {term.name for template in templates for term in parse_template(template)}
    return {name: feature for name, feature in features.items() if name in names}


def _seen_from(attribute: Attribute, pitched: Sequence[bool], root: int) -> Attribute:
    values = (
        lower(value, root) if is_pitched else value for value, is_pitched in zip(attribute.values, pitched, strict=True)
    )
    return Attribute(attribute.template, tuple(values))


def _usable(given: Sequence[str] | None, default: Sequence[str], columns: set[str]) -> tuple[str, ...]:
    """The templates given; of the default ones those whose names are known."""
    if given is not None:
        return tuple(given)
    known = columns | set(BUILT_IN)
    return tuple(t for t in default if all(term.name in known for term in parse_template(t)))


def _incidence(rows: Sequence[Sequence[int]], n_columns: int) -> csr_matrix:
    """Ones where a row lists a column: (n_rows, n_columns)."""
    bounds = np.cumsum([0, *map(len, rows)])
    columns = np.array([column for row in rows for column in row], dtype=np.int64)
    return csr_matrix((np.ones(len(columns)), columns, bounds), shape=(len(rows), n_columns))


def _counts_at_roots(
    seen: Sequence[csr_matrix], states: Sequence[IntArray], rotations: Sequence[Sequence[str]], n_modes: int
) -> dict[str, float]:
    """How often each relative attribute was seen from the root that was given."""
    by_root: FloatArray = np.zeros((len(rotations), 12))
    for own, truth in zip(seen, states, strict=True):
        entries = own.tocoo()
        np.add.at(by_root, (entries.col, truth[entries.row] // n_modes), entries.data)
    counts: dict[str, float] = {}
    for names, row in zip(rotations, by_root.tolist(), strict=True):
        for name, count in zip(names, row, strict=True):
            counts[name] = counts.get(name, 0.0) + count
    return counts
