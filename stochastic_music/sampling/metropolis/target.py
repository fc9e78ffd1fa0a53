"""What chains walk towards: a sum of terms, each the log density that a reader finds, times a weight.

    log density(piece) = log p(piece) / temperature + sum of weight * soft term(piece) + 0 or -inf by the constraint

in nats. A weight of 0 reads along: so a guide, from which proposals draw, is kept up to date. Where any term is -inf
the density is -inf, and the terms after it are not asked. That holds for guides too: no chain goes where its guide
has no way, so that guides should be smoothed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from stochastic_music.errors import InvalidParameterError
from stochastic_music.protocols import BoolArray, Constraint, FloatArray
from stochastic_music.sampling.drawing import vocabulary_of
from stochastic_music.sampling.metropolis.chains import Chains, Pieces, Reading, Readings
from stochastic_music.sampling.metropolis.reading import ConstraintReader, Reader, reader_of
from stochastic_music.sampling.metropolis.soft import SoftReader, SoftTerm, Style
from stochastic_music.tokens import Header, Vocabulary


class Term(NamedTuple):
    """A reader and the weight of what it says."""

    name: str
    weight: float
    reader: Reader


class Target:
    """A log density over pieces; see the module's article. Terms are asked in order.

    Raises InvalidParameterError for weights that are not finite.

    >>> import stochastic_music as sm
    >>> corpus = sm.TokenCorpus.from_sequences([[0, 1, 0]], sm.Vocabulary.plain(2))
    >>> target = Target.of(sm.Markov(order=0, smoothing="none").fit(corpus), temperature=2.0)
    >>> log_density, *_ = target(Pieces(np.array([[0, 1, 2]]), np.array([3])))  # 2 of 4, 1 of 4, END 1 of 4
    >>> bool(np.isclose(log_density[0], np.log(2 / 4 * 1 / 4 * 1 / 4) / 2))
    True
    """

    def __init__(self, vocabulary: Vocabulary, terms: Sequence[Term]) -> None:
        self.vocabulary, self.terms = vocabulary, tuple(terms)
        for term in self.terms:
            if not np.isfinite(term.weight):
                raise InvalidParameterError(f"the weight of {term.name} is {term.weight}; expected a finite number")

    @classmethod
    def of(
        cls,
        model: Any,
        header: Header | None = None,
        *,
        temperature: float = 1.0,
        soft: Sequence[tuple[SoftTerm | Style, float]] = (),
        constraint: Constraint | None = None,
        guides: Sequence[Any] = (),
        backend: str = "numpy",
    ) -> Target:
        """The usual target: a model, soft terms with their weights, a hard constraint; `guides` read along.

        With `backend` "cupy", or "auto" where there is a GPU, models of counted contexts are looked up there for chains
        that are many. Raises InvalidParameterError for a temperature that is not above 0, MissingExtraError or
        MachineError for a back end that is not there.
        """
        if not 0 < temperature < np.inf:
            raise InvalidParameterError(f"temperature is {temperature}; expected a number above 0 (1 changes nothing)")
        vocabulary = vocabulary_of(model)
        terms = [Term("constraint", 1.0, ConstraintReader(constraint, vocabulary, header))] if constraint else []
        terms.append(Term("model", 1 / temperature, reader_of(model, header, backend)))
        terms += [Term("guide", 0.0, reader_of(guide, header, backend)) for guide in guides]
        for term, weight in soft:
            terms += _soft(term, weight, vocabulary, header)
        return cls(vocabulary, terms)

    @property
    def names(self) -> tuple[str, ...]:
        """The terms' names, in order."""
        return tuple(term.name for term in self.terms)

    @property
    def identity(self) -> dict[str, str]:
        """What it is made of, in words that differ where targets do."""
        model = next((term.reader for term in self.terms if term.name == "model"), None)
        others = [f"{t.name} {t.weight:g} {t.reader}" for t in self.terms]
        return {"model": str(model), "target": "; ".join(others)}

    def reader(self, name: str) -> Reader:
        """The reader of the first term of this name."""
        return next(term.reader for term in self.terms if term.name == name)

    def __call__(self, pieces: Pieces, near: Chains | None = None) -> tuple[FloatArray, FloatArray, Readings]:
        """Log densities (n,), the terms before they are weighted (n, n_terms), and the readings."""
        n = len(pieces.lengths)
        total, terms, readings = np.zeros(n), np.zeros((n, len(self.terms))), {}
        for i, term in enumerate(self.terms):
            reading = _read(term.reader, pieces, near, total > -np.inf)
            readings[term.reader] = reading
            terms[:, i] = reading.total
            dead = np.isneginf(reading.total)
            total = np.where(dead, -np.inf, total + term.weight * np.where(dead, 0.0, reading.total))
        return total, terms, readings


def _soft(term: SoftTerm | Style, weight: float, vocabulary: Vocabulary, header: Header | None) -> list[Term]:
    """Soft terms that stand on models are read as these are."""
    if isinstance(term, Style):
        return [Term(name, weight * sign, reader_of(model, header)) for name, model, sign in term.signed]
    return [Term(term.name, weight, SoftReader(term, vocabulary, header))]


def _read(reader: Reader, pieces: Pieces, near: Chains | None, alive: BoolArray) -> Reading:
    """Pieces that are dead already are read as what they were: nothing is to do."""
    if near is None or alive.all():
        return reader.read(pieces, near)
    kept = Pieces(np.where(alive[:, None], pieces.symbols, near.symbols), np.where(alive, pieces.lengths, near.lengths))
    return reader.read(kept, near)
