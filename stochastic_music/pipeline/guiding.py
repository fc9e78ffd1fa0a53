"""Guides: small models of a pipeline's own corpus, by which particles know what is to come.

A guide is a smoothed Markov model, so that it holds every symbol of its alphabet possible everywhere. There is one of
each order from `ORDER` down to 0, fitted when it is asked for; samplers take the first whose product with the
constraint is small enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, overload

from stochastic_music.models import Markov

if TYPE_CHECKING:
    from stochastic_music.corpus import TokenCorpus
    from stochastic_music.protocols import FiniteContextModel
    from stochastic_music.tokens import Vocabulary

#: events that the best guide remembers
ORDER = 2


class Guides(Sequence["FiniteContextModel"]):
    """Markov models of a corpus over the alphabet of `vocabulary`, which holds that of the corpus: best first."""

    def __init__(self, corpus: TokenCorpus, vocabulary: Vocabulary) -> None:
        self.corpus, self.vocabulary = corpus, vocabulary
        self._fitted: dict[int, FiniteContextModel] = {}

    def __len__(self) -> int:
        return ORDER + 1

    @overload
    def __getitem__(self, place: int) -> FiniteContextModel: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[FiniteContextModel]: ...

    def __getitem__(self, place: int | slice) -> FiniteContextModel | Sequence[FiniteContextModel]:
        """The guide of order `ORDER - place`."""
        if isinstance(place, slice):
            return [self[i] for i in range(*place.indices(len(self)))]
        order = range(ORDER, -1, -1)[place]
        if order not in self._fitted:
            markov = Markov(order, "witten_bell").fit(self.corpus)
            self._fitted[order] = markov.restricted(self.vocabulary)
        return self._fitted[order]
