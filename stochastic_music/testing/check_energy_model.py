"""`check_energy_model`: does a model keep the contract of `stochastic_music.protocols.EnergyModel`?

    def test_contract():
        check_energy_model(MyModel())

Such a model compares pieces, and has no probability of what comes next; see `check_model` for those that have. What
breaks is named in the AssertionError.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from stochastic_music.corpus import TokenCorpus
from stochastic_music.errors import NotFittedError
from stochastic_music.protocols import EnergyModel, FloatArray, WalkingModel
from stochastic_music.testing.check_model import _require as require
from stochastic_music.testing.check_model import check_constructor, fresh
from stochastic_music.testing.toys import TOYS


def check_energy_model(model: Any, *, corpora: Mapping[str, Callable[[], TokenCorpus]] = TOYS) -> None:
    """Raise AssertionError, naming what broke, unless `model` keeps the contract.

    `model` is an instance with the parameters to be tested; it is copied, not changed. `corpora` are the toy corpora to
    fit, by name: leave out those that a model is not made for.
    """
    check_constructor(model)
    require(isinstance(model, EnergyModel), "there is no log_density(symbols, lengths, headers)")
    for name, make in corpora.items():
        try:
            _check_on(model, make())
        except AssertionError as error:
            raise AssertionError(f"{type(model).__name__} on the toy corpus '{name}': {error}") from error


def _check_on(model: Any, corpus: TokenCorpus) -> None:
    check_density_unfitted(model, corpus)
    fitted = fresh(model)
    before = corpus.symbols.copy()
    require(fitted.fit(corpus) is fitted, "fit does not return self")
    require(bool((corpus.symbols == before).all()), "fit changes the pieces it was given")
    again = fresh(model).fit(corpus)
    require(np.array_equal(_densities(fitted, corpus), _densities(again, corpus)), "fitted again, the model differs")
    check_density(fitted, corpus)
    check_density_files(fitted, corpus)
    if isinstance(fitted, WalkingModel):
        check_walk(fitted, corpus)


def check_density_unfitted(model: Any, corpus: TokenCorpus) -> None:
    """Use before `fit` raises NotFittedError."""
    try:
        _densities(fresh(model), corpus)
    except NotFittedError:
        return
    raise AssertionError("log_density before fit raises no NotFittedError")


def check_density(model: Any, corpus: TokenCorpus) -> None:
    """A number a piece, finite for those of the corpus, which depends on that piece alone."""
    found = _densities(model, corpus)
    require(found.shape == (len(corpus),), f"log_density gives {found.shape}; expected ({len(corpus)},)")
    require(bool(np.isfinite(found).all()), "a piece of the corpus is held impossible")
    alone = [float(_densities(model, corpus.select([i]))[0]) for i in range(len(corpus))]
    require(np.allclose(found, alone, atol=1e-9), "the density of a piece depends on those beside it")
    padded = np.pad(corpus.padded(), ((0, 0), (0, 3)), constant_values=corpus.vocabulary.end)
    longer = model.log_density(padded, corpus.lengths)
    require(np.allclose(found, longer, atol=1e-9), "what stands after a piece changes its density")


def check_density_files(model: Any, corpus: TokenCorpus) -> None:
    """`from_arrays` makes the same model of what `to_arrays` gives."""
    if not hasattr(model, "to_arrays"):
        return
    arrays = {name: array.copy() for name, array in model.to_arrays().items()}
    loaded = fresh(model).from_arrays(arrays, corpus.vocabulary)
    same = np.array_equal(_densities(model, corpus), _densities(loaded, corpus))
    require(same, "the model differs after to_arrays and from_arrays")


def check_walk(model: Any, corpus: TokenCorpus) -> None:
    """Equal seeds give equal pieces, whatever is drawn beside, and the model holds them possible."""
    header = corpus.headers[0]
    four, again, two = (model.sample(n, header=header, max_events=6, seed=5) for n in (4, 4, 2))
    rows = [[piece.symbols.tolist() for piece in pieces] for pieces in (four, again, two)]
    require(rows[0] == rows[1], "the same seed gives other pieces")
    require(rows[0][:2] == rows[2], "a piece depends on how many are drawn")
    drawn = TokenCorpus.from_sequences(
        [piece.symbols[piece.symbols != corpus.vocabulary.end] for piece in four],
        corpus.vocabulary,
        headers=[header] * 4,
    )
    require(bool(np.isfinite(_densities(model, drawn)).all()), "a piece was drawn that the model holds impossible")


def _densities(model: Any, corpus: TokenCorpus) -> FloatArray:
    found: FloatArray = model.log_density(corpus.padded(), corpus.lengths)
    return found
