"""Any labeller, in one key: pieces are transposed to a common tonic before they are labelled, and their labels back.

The tonic is estimated from what sounds (`models.crf.roots`). A labeller that knows nothing of transposition so learns
what the dominant seventh is from pieces in all keys.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from stochastic_music.corpus.labelled import checked_labels
from stochastic_music.errors import EmptyCorpusError
from stochastic_music.models.crf.crf import CRF
from stochastic_music.models.crf.features import PITCHED
from stochastic_music.models.crf.labeller import ChainLabeller
from stochastic_music.models.crf.roots import Rooted, Tonic, lowered, parse_rooted, spellings, tonic_of
from stochastic_music.protocols import IntArray, Observation
from stochastic_music.sampling.chains import Chain


class InOneKey(ChainLabeller):
    """A CRF that sees every piece with its tonic at 0; see the module's article.

    The columns `pitch_classes` and `bass`, and those named in `pitched`, are transposed; a column `key` (`major`,
    `minor`) is added.

    Args:
        labeller: the CRF to fit; None for `CRF()`. It is copied, not changed.
        every_root: whether a label that some key held may be given in all; else labels are those that training held,
            and a piece in a key where none of them can stand raises UnsatisfiableError.
        pitched: further columns that hold pitch classes.

    Learned in C, known in D:

        >>> tonic, dominant = {"pitch_classes": (0, 4, 7)}, {"pitch_classes": (2, 7, 11)}
        >>> model = InOneKey(CRF(["pitch_classes"], l2=0.1)).fit([[tonic, dominant, tonic]], [["C", "G", "C"]])
        >>> model.predict([[{"pitch_classes": (1, 4, 9)}, {"pitch_classes": (2, 6, 9)}]])
        [['A', 'D']]
    """

    def __init__(self, labeller: CRF | None = None, *, every_root: bool = True, pitched: Sequence[str] = ()) -> None:
        self.labeller = labeller
        self.every_root = every_root
        self.pitched = pitched

    def fit(self, observations: Sequence[Sequence[Observation]], labels: Sequence[Sequence[str]]) -> Self:
        """Learn from pieces with a label for each event; returns self."""
        given = checked_labels(observations, labels)
        if not any(given):
            raise EmptyCorpusError("there is nothing to learn from: no piece has an event. Give labelled pieces")
        tonics = [tonic_of(piece) for piece in observations]
        turned = [self._turned(piece, tonic) for piece, tonic in zip(observations, tonics, strict=True)]
        degrees = [
            [str(parse_rooted(label).transposed(-tonic.pitch_class)) for label in own]
            for own, tonic in zip(given, tonics, strict=True)
        ]
        kind = self.labeller if self.labeller is not None else CRF()
        self.labeller_ = type(kind)(**kind.get_params()).fit(turned, degrees)
        names = spellings(label for own in given for label in own)
        if self.every_root:
            held = [parse_rooted(label) for label in self.labeller_.labels_]
            everywhere = [label.transposed(semitones) for label in held for semitones in range(12)]
            names = {**{label: str(label) for label in everywhere}, **names}
        self.labels_ = tuple(sorted(names.values()))
        self._index()
        return self

    def chain(self, observation: Sequence[Observation]) -> Chain:
        """The potentials of one piece's labels; -inf for labels that its key never held."""
        self._check_fitted()
        tonic = tonic_of(observation)
        inner = self.labeller_.chain(self._turned(observation, tonic))
        columns = self._columns(tonic)
        unary = np.where(columns >= 0, inner.unary[:, columns], -np.inf)
        return Chain(unary, inner.pairwise[..., columns[:, None], columns])

    def to_arrays(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """The fitted model as plain JSON and arrays, which `from_arrays` takes."""
        self._check_fitted()
        inner, arrays = self.labeller_.to_arrays()
        own = {"every_root": self.every_root, "pitched": list(self.pitched), "labels": list(self.labels_)}
        return {**own, "labeller": inner}, arrays

    @classmethod
    def from_arrays(cls, meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The inverse of `to_arrays`."""
        inner = CRF.from_arrays(meta["labeller"], arrays)
        model = cls(CRF(**inner.get_params()), every_root=meta["every_root"], pitched=tuple(meta["pitched"]))
        model.labeller_, model.labels_ = inner, tuple(meta["labels"])
        model._index()
        return model

    def _index(self) -> None:
        self._rooted = tuple(parse_rooted(label) for label in self.labels_)
        self._column = {label: k for k, label in enumerate(self._rooted)}
        self._inner = {parse_rooted(label): k for k, label in enumerate(self.labeller_.labels_)}

    def _columns(self, tonic: Tonic) -> IntArray:
        """The inner label of each of ours, -1 for none."""
        wanted: list[Rooted] = [label.transposed(-tonic.pitch_class) for label in self._rooted]
        return np.array([self._inner.get(label, -1) for label in wanted], dtype=np.int64)

    def _place(self, label: str) -> int | None:
        return self._column.get(parse_rooted(label))

    def _turned(self, piece: Sequence[Observation], tonic: Tonic) -> list[Observation]:
        key = "minor" if tonic.minor else "major"
        pitched = PITCHED | set(self.pitched)
        return [{"key": key, **lowered(event, pitched, tonic.pitch_class)} for event in piece]
