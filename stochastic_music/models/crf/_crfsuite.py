"""The adapter to crfsuite: trains, and hands over the weights as arrays. Nothing else here knows that library.

Attributes and labels go in as numbers. The weights come back out of crfsuite's model file, where they stand as
float64 (`info()` of its tagger rounds them to six places). The eighth of that file's four-byte words is the place of a
table: twelve bytes, of which the last four are the number of features, then (kind, from, to, weight) for each, kind 0
from an attribute to a label, 1 from label to label.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from stochastic_music._optional import require
from stochastic_music.protocols import FloatArray, IntArray

#: the parameters that each training algorithm of crfsuite takes, besides how often it may go through the pieces
TAKES: Mapping[str, tuple[str, ...]] = {
    "lbfgs": ("l1", "l2"),
    "l2sgd": ("l2",),
    "ap": (),
    "pa": (),
    "arow": (),
}
_THEIRS = {"l1": "c1", "l2": "c2"}
_FEATURE = np.dtype([("kind", "<u4"), ("source", "<u4"), ("target", "<u4"), ("weight", "<f8")])


class Weights(NamedTuple):
    """What training found: state weight i is of `attribute[i]` and `label[i]`; `transitions` (K, K) is [from, to]."""

    attribute: IntArray
    label: IntArray
    weight: FloatArray
    transitions: FloatArray


def train(
    items: Sequence[Sequence[Sequence[int]]],
    labels: Sequence[Sequence[int]],
    n_labels: int,
    *,
    algorithm: str,
    settings: Mapping[str, float],
    max_iterations: int | None,
) -> Weights:
    """The weights of a CRF over pieces, each event a series of attribute numbers and a label number.

    Raises MissingExtraError where sklearn-crfsuite is not installed.
    """
    return weights_of(trained(items, labels, algorithm, settings, max_iterations), n_labels)


def trained(
    items: Sequence[Sequence[Sequence[int]]],
    labels: Sequence[Sequence[int]],
    algorithm: str,
    settings: Mapping[str, float],
    max_iterations: int | None,
) -> Any:
    """The library's own model, its tagger ready to be asked."""
    crfsuite = require("sklearn_crfsuite")
    taken = {_THEIRS[name]: value for name, value in settings.items() if name in TAKES[algorithm]}
    model = crfsuite.CRF(algorithm=algorithm, all_possible_transitions=True, max_iterations=max_iterations, **taken)
    _same_shuffles()
    return model.fit(
        [[[str(number) for number in event] for event in piece] for piece in items],
        [[str(number) for number in piece] for piece in labels],
    )


def weights_of(model: Any, n_labels: int) -> Weights:
    """The weights in the file of a trained model."""
    data = Path(model.modelfile.name).read_bytes()
    place = int(np.frombuffer(data, "<u4", count=8)[7])
    n_features = int(np.frombuffer(data, "<u4", count=1, offset=place + 8)[0])
    table = np.frombuffer(data, _FEATURE, count=n_features, offset=place + 12)
    info = model.tagger_.info()
    attributes, labels = _numbers(info.attributes), _numbers(info.labels)
    states, steps = table[table["kind"] == 0], table[table["kind"] == 1]
    transitions = np.zeros((n_labels, n_labels))
    transitions[labels[steps["source"]], labels[steps["target"]]] = steps["weight"]
    found = Weights(
        attributes[states["source"]], labels[states["target"]], states["weight"].astype(np.float64), transitions
    )
    order = np.lexsort((found.label, found.attribute))
    return Weights(found.attribute[order], found.label[order], found.weight[order], transitions)


def _numbers(names: Mapping[str, str]) -> IntArray:
    """Our number for each of crfsuite's."""
    ours = np.zeros(len(names), dtype=np.int64)
    for name, number in names.items():
        ours[int(number)] = int(name)
    return ours


def _same_shuffles() -> None:
    """Start the C library's `rand`, by which crfsuite shuffles, the same each time."""
    library = ctypes.CDLL("ucrtbase" if sys.platform == "win32" else None)
    library.srand(ctypes.c_uint(1))
