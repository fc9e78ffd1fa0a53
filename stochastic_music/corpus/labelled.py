"""Pieces with a label for every event: what labellers learn from.

An *observation* is what a labeller sees of an event: a mapping from column to value. A column is named by whoever made
the corpus (`pitch_classes`, `bass`, `metre`); a value is an integer, a text, or a tuple of them where several things
are true at once (the pitch classes that sound). A piece is a series of observations; *labels* are texts, one an event.

    a piece       ({"pitch_classes": (0, 4, 7), "bass": 0, "metre": 3}, {"pitch_classes": (2, 7, 11), ...}, ...)
    its labels    ("C_M", "G_M", ...)

Pieces may be empty. `LabelledCorpus` checks that every event has its label; splits and folds are by piece.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from stochastic_music._random import Seed
from stochastic_music.corpus.dealing import folds
from stochastic_music.errors import InputError
from stochastic_music.protocols import IntArray, Observation


@dataclass(frozen=True, eq=False)
class LabelledCorpus:
    """Pieces, each a series of events with one label an event.

    Args:
        observations: a piece each: a series of events, mappings from column to value.
        labels: the labels of each piece, as many as it has events.
        names: of the pieces; numbers where none are given.

    Raises InputError, naming the piece, for labels that are missing, empty or of another length.

        >>> corpus = LabelledCorpus([[{"bass": 0}, {"bass": 7}], [{"bass": 2}]], [["C", "G"], ["Dm"]], ["a", "b"])
        >>> len(corpus), corpus.n_events, corpus.label_counts()
        (2, 3, {'C': 1, 'Dm': 1, 'G': 1})
        >>> corpus.select([1]).names
        ('b',)
    """

    observations: tuple[tuple[Observation, ...], ...]
    labels: tuple[tuple[str, ...], ...]
    names: tuple[str, ...] = ()

    def __init__(
        self,
        observations: Sequence[Sequence[Observation]],
        labels: Sequence[Sequence[str]],
        names: Sequence[str] | None = None,
    ) -> None:
        check_observations(observations)
        pieces = tuple(tuple(piece) for piece in observations)
        called = tuple(names) if names else tuple(str(i) for i in range(len(pieces)))
        object.__setattr__(self, "observations", pieces)
        object.__setattr__(self, "names", called)
        if len(called) != len(pieces):
            raise InputError(f"got {len(called)} names for {len(pieces)} pieces; expected one each")
        object.__setattr__(self, "labels", checked_labels(pieces, labels, called))

    def __len__(self) -> int:
        return len(self.observations)

    def __iter__(self) -> Iterator[tuple[tuple[Observation, ...], tuple[str, ...]]]:
        return zip(self.observations, self.labels, strict=True)

    def __add__(self, other: LabelledCorpus) -> LabelledCorpus:
        """The pieces of both, this one's first."""
        return LabelledCorpus(
            self.observations + other.observations, self.labels + other.labels, self.names + other.names
        )

    @property
    def n_events(self) -> int:
        """Events of all pieces."""
        return sum(map(len, self.labels))

    def label_counts(self) -> dict[str, int]:
        """How many events have each label, labels in order of the alphabet."""
        return dict(sorted(Counter(label for piece in self.labels for label in piece).items()))

    def select(self, indices: Sequence[int] | IntArray) -> Self:
        """The pieces at `indices`, in that order."""
        chosen = [int(i) for i in indices]
        return type(self)(
            [self.observations[i] for i in chosen], [self.labels[i] for i in chosen], [self.names[i] for i in chosen]
        )

    def fold_numbers(self, k: int, *, seed: Seed = 0, groups: Sequence[int] | None = None) -> IntArray:
        """The fold, 0 .. k - 1, of each piece, those of one group together: (n_pieces,); see `corpus.folds`."""
        return folds(len(self), k, seed=seed, groups=groups)


def check_observations(observations: Any, names: Sequence[str] | None = None) -> None:
    """Raise InputError, naming the piece, unless these are pieces: series of mappings from column to value.

    >>> check_observations([{"bass": 0}])
    Traceback (most recent call last):
      ...
    stochastic_music.errors.InputError: piece 0 is a mapping; expected a series of events, each a mapping. For one
    piece give a list of it
    """
    if isinstance(observations, Mapping | str):
        raise InputError(f"got a {type(observations).__name__}; expected a list of pieces, each a series of events")
    for i, piece in enumerate(observations):
        name = names[i] if names is not None else str(i)
        if isinstance(piece, Mapping | str):
            kind = "a text" if isinstance(piece, str) else "a mapping"
            raise InputError(
                f"piece {name} is {kind}; expected a series of events, each a mapping. For one piece give a list of it"
            )
        for place, event in enumerate(piece):
            if not isinstance(event, Mapping):
                raise InputError(
                    f"event {place} (counted from 0) of piece {name} is {event!r}; expected a mapping by column"
                )


def checked_labels(
    observations: Sequence[Sequence[Observation]], labels: Sequence[Sequence[str]], names: Sequence[str] | None = None
) -> tuple[tuple[str, ...], ...]:
    """`labels` as tuples; raises InputError, naming the piece, unless every event has one, a text.

    >>> checked_labels([[{"bass": 0}, {"bass": 7}]], [["C"]])
    Traceback (most recent call last):
      ...
    stochastic_music.errors.InputError: piece 0 has 2 events and 1 labels; expected one label an event
    """
    check_observations(observations, names)
    called = list(names) if names is not None else [str(i) for i in range(len(observations))]
    if isinstance(labels, str) or len(labels) != len(observations):
        what = repr(labels) if isinstance(labels, str) else f"labels for {len(labels)}"
        raise InputError(f"got {len(observations)} pieces and {what}; expected a series of labels for each piece")
    return tuple(_labels_of(name, piece, own) for name, piece, own in zip(called, observations, labels, strict=True))


def _labels_of(name: str, piece: Sequence[Observation], labels: Any) -> tuple[str, ...]:
    if labels is None or isinstance(labels, str):
        raise InputError(f"piece {name} has {labels!r} for labels; expected a series of texts, one an event")
    if len(labels) != len(piece):
        raise InputError(f"piece {name} has {len(piece)} events and {len(labels)} labels; expected one label an event")
    for place, label in enumerate(labels):
        if not isinstance(label, str) or not label:
            raise InputError(
                f"the label of event {place} (counted from 0) of piece {name} is {label!r}; expected a text. "
                "Label every event, or leave the piece out"
            )
    return tuple(str(label) for label in labels)
