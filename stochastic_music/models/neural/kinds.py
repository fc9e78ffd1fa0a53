"""The comparators: which network each is, and what it is trained with where nothing else is said.

All take, beside the sizes of their networks,

    embedding        how many numbers a heard value is embedded in, at most
    input_dropout, output_dropout    shares of numbers silenced before and after the network while it learns
    learning_rate, weight_decay, batch_size, max_epochs, patience, clip, reach    see `lesson.Lesson`
    validation       share of the pieces held back to know when to stop
    dynamic_rate, dynamic_decay    how quickly it goes on learning while it is evaluated (`score --use ltm+`), and falls
                     back to what it was (see `dynamic`)
    device           where it learns: "cpu", "cuda", or "auto", on a GPU where there is one
    seed             equal seeds give equal models on one machine with equal versions

`fit` raises InvalidParameterError or UnknownNameError for parameters outside these.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from stochastic_music.errors import InvalidParameterError
from stochastic_music.models.neural.model import NeuralModel

__all__ = ["GRU", "LSTM", "RecurrentModel", "Transformer", "WaveNet"]

#: layers of a stack of a WaveNet
MOST_LAYERS = 14


@dataclass(kw_only=True, repr=False, eq=False)
class RecurrentModel(NeuralModel):
    """A recurrent neural network of `cells`.

    Args:
        width: units of a layer.
        n_layers: layers.
        dropout: share of numbers silenced between layers while it learns.
        recurrent_dropout: share of the weights from units to units silenced meanwhile.
    """

    cells: ClassVar[Literal["lstm", "gru"]]
    width: int = 128
    n_layers: int = 1
    dropout: float = 0.2
    recurrent_dropout: float = 0.5

    def _network(self, n_inputs: int) -> Any:
        from stochastic_music.models.neural.networks.recurrent import Recurrent

        return Recurrent(n_inputs, kind=self.cells, **self._sizes(RecurrentModel))


@dataclass(kw_only=True, repr=False, eq=False)
class LSTM(RecurrentModel):
    """Long short-term memory, a recurrent neural network; see the module's article.

    Sizes are those of `RecurrentModel`.
    """

    cells = "lstm"


@dataclass(kw_only=True, repr=False, eq=False)
class GRU(RecurrentModel):
    """Gated recurrent units, a recurrent neural network; see the module's article.

    Sizes are those of `RecurrentModel`.
    """

    cells = "gru"


@dataclass(kw_only=True, repr=False, eq=False)
class WaveNet(NeuralModel):
    """Dilated causal convolutions over symbols, gated, with residual and skip connections; see the module's article.

    Args:
        width: numbers that go from layer to layer.
        skip_width: numbers that layers pass on to the heads.
        n_layers: layers of a stack, each looking twice as far back as the one before.
        n_stacks: stacks.
        dropout: share of gated units silenced while it learns.
    """

    width: int = 64
    skip_width: int = 128
    n_layers: int = 6
    n_stacks: int = 1
    dropout: float = 0.5
    learning_rate: float = 2e-3

    def _network(self, n_inputs: int) -> Any:
        from stochastic_music.models.neural.networks import wavenet

        return wavenet.WaveNet(n_inputs, **self._sizes(WaveNet))

    def _check_params(self) -> None:
        super()._check_params()
        if self.n_layers > MOST_LAYERS:
            raise InvalidParameterError(
                f"n_layers is {self.n_layers}, and each layer looks twice as far back as the one before; expected "
                f"{MOST_LAYERS} at most, which is {2**MOST_LAYERS:,} symbols. Take more stacks for a deeper network"
            )


@dataclass(kw_only=True, repr=False, eq=False)
class Transformer(NeuralModel):
    """A small transformer decoder that tells places apart by their distance; see the module's article.

    Args:
        width: numbers that go from layer to layer, a multiple of `n_heads`.
        n_heads: heads of attention.
        n_layers: layers.
        span: symbols that a layer sees, its own among them.
        dropout: share of numbers silenced while it learns.
    """

    width: int = 64
    n_heads: int = 4
    n_layers: int = 2
    span: int = 128
    dropout: float = 0.2
    learning_rate: float = 2e-3
    reach: int = 3

    def _network(self, n_inputs: int) -> Any:
        from stochastic_music.models.neural.networks import transformer

        return transformer.Transformer(n_inputs, **self._sizes(Transformer))

    def _check_params(self) -> None:
        super()._check_params()
        if self.width % self.n_heads:
            raise InvalidParameterError(
                f"width is {self.width} and n_heads {self.n_heads}; expected a width that heads can share evenly"
            )
