"""How well labels are told: event by event, and segment by segment.

A *segment* is a run of events with one label. One that a labeller says is right where both its borders and its label
are those of a given segment; F1 is the harmonic mean of the share of said segments that are right and the share of
given ones that were found [1]. A label that training never held cannot be told: its events count as wrong, and how many
they are is kept beside.

`cross_validate_labeller` deals the pieces to folds; a labeller that saw the other folds labels each. Figures pool all
events of a seed before they divide.

[1] K. Masada, R. Bunescu. Chord recognition in symbolic music using semi-Markov conditional random fields. ISMIR 2017.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple

import numpy as np

from stochastic_music.corpus import LabelledCorpus
from stochastic_music.corpus.labelled import checked_labels


class LabelFigures(NamedTuple):
    """Counts, and what they come to: events, those right, those whose label training never held; segments alike."""

    events: int = 0
    right: int = 0
    never_trained: int = 0
    segments_given: int = 0
    segments_said: int = 0
    segments_right: int = 0

    @property
    def accuracy(self) -> float:
        """The share of events whose label is right; nan without events."""
        return self.right / self.events if self.events else float("nan")

    @property
    def segment_f1(self) -> float:
        """F1 of segments; nan without any."""
        total = self.segments_given + self.segments_said
        return 2 * self.segments_right / total if total else float("nan")


def segments(labels: Sequence[str]) -> list[tuple[int, int, str]]:
    """Runs of one label: first event, first event after, label.

    >>> segments(["C", "C", "G"])
    [(0, 2, 'C'), (2, 3, 'G')]
    """
    starts = [t for t, label in enumerate(labels) if t == 0 or label != labels[t - 1]]
    ends = [*starts[1:], len(labels)] if starts else []
    return [(start, end, labels[start]) for start, end in zip(starts, ends, strict=True)]


def label_figures(
    said: Sequence[Sequence[str]], given: Sequence[Sequence[str]], trained: Collection[str]
) -> LabelFigures:
    """What the labels said of some pieces come to, against those given; `trained` are the labels that training held.

    A label outside `trained` counts as wrong even where it is said. Raises InputError for labels of another length.

    >>> label_figures([["C", "C", "G"]], [["C", "F", "G"]], ["C", "G"])[:3]
    (3, 2, 1)
    """
    held = set(trained)
    counts = np.zeros(len(LabelFigures._fields), dtype=np.int64)
    checked = checked_labels([[{}] * len(piece) for piece in said], given)
    for mine, theirs in zip(said, checked, strict=True):
        right = sum(a == b and b in held for a, b in zip(mine, theirs, strict=True))
        own, truth = segments(mine), segments(theirs)
        found = sum(segment in set(truth) and segment[2] in held for segment in own)
        counts += [len(theirs), right, sum(b not in held for b in theirs), len(truth), len(own), found]
    return LabelFigures(*counts.tolist())


def cross_validate_labeller(
    make: Callable[[], Any],
    corpus: LabelledCorpus,
    *,
    k: int = 10,
    seeds: Sequence[int] = (0,),
    groups: Sequence[int] | None = None,
) -> list[LabelFigures]:
    """Every piece labelled by a labeller that never saw it: the figures of each seed.

    `make` gives a new labeller; pieces of one group stay in one fold. Raises InvalidParameterError where there are
    fewer pieces, or groups, than folds.
    """
    return [_one_seed(make, corpus, k, seed, groups) for seed in seeds]


def _one_seed(
    make: Callable[[], Any], corpus: LabelledCorpus, k: int, seed: int, groups: Sequence[int] | None
) -> LabelFigures:
    fold = corpus.fold_numbers(k, seed=seed, groups=groups)
    counts = np.zeros(len(LabelFigures._fields), dtype=np.int64)
    for f in range(k):
        train, test = corpus.select(np.flatnonzero(fold != f)), corpus.select(np.flatnonzero(fold == f))
        model = make().fit(train.observations, train.labels)
        counts += label_figures(model.predict(test.observations), test.labels, train.label_counts())
    return LabelFigures(*counts.tolist())
