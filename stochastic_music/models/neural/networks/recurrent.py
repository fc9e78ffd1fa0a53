"""Recurrent networks: long short-term memory [1] and gated recurrent units [2], in layers.

What is carried is the hidden state of each layer, and for an LSTM its cells. Forget gates begin open, with a bias of 1,
so that gradients reach back from the start [3]. Weights between a layer's hidden states are silenced rather than the
states themselves, the same ones for all positions of a batch, so that what is remembered is not lost on the way [4].

[1] S. Hochreiter, J. Schmidhuber. Long short-term memory. Neural Computation 9(8), 1997.
[2] K. Cho and others. Learning phrase representations using RNN encoder-decoder for statistical machine translation.
    EMNLP 2014.
[3] R. Jozefowicz, W. Zaremba, I. Sutskever. An empirical exploration of recurrent network architectures. ICML 2015.
[4] S. Merity, N. S. Keskar, R. Socher. Regularizing and optimizing LSTM language models. ICLR 2018.
"""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.func import functional_call

from stochastic_music.models.neural.networks.dropout import Dropout

__all__ = ["Recurrent"]


class Recurrent(nn.Module):
    """`n_layers` layers of `width` units each, "lstm" or "gru": (batch, T, n_inputs) to (batch, T, width).

    While it learns, `dropout` is the share of numbers silenced between layers, `recurrent_dropout` that of weights from
    hidden states to hidden states.

    >>> network = Recurrent(n_inputs=5, width=8, n_layers=2)
    >>> outputs, memory = network(torch.zeros(2, 7, 5), network.start(2))
    >>> tuple(outputs.shape), [tuple(part.shape) for part in memory]
    ((2, 7, 8), [(2, 2, 8), (2, 2, 8)])
    """

    def __init__(
        self,
        n_inputs: int,
        *,
        kind: Literal["lstm", "gru"] = "lstm",
        width: int = 128,
        n_layers: int = 1,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.n_outputs, self.kind = width, kind
        between = dropout if n_layers > 1 else 0.0
        cells = nn.LSTM if kind == "lstm" else nn.GRU
        self.layers = cells(n_inputs, width, n_layers, batch_first=True, dropout=between)
        self.recurrent_dropout = Dropout(recurrent_dropout)
        if kind == "lstm":
            self._open_forget_gates()

    def _open_forget_gates(self) -> None:
        for name, bias in self.layers.named_parameters():
            if name.startswith("bias"):
                with torch.no_grad():
                    bias.zero_()
                    if name.startswith("bias_ih"):
                        bias[self.n_outputs : 2 * self.n_outputs] = 1.0  # gates are input, forget, cell, output

    def start(self, batch_size: int) -> tuple[Tensor, ...]:
        """Zeros, (batch, n_layers, width) each: hidden state, and cells of an LSTM."""
        like = self.layers.weight_ih_l0
        parts = 2 if self.kind == "lstm" else 1
        return tuple(like.new_zeros(batch_size, self.layers.num_layers, self.n_outputs) for _ in range(parts))

    def forward(self, inputs: Tensor, memory: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Outputs (batch, T, width), and the memory after them; inputs (batch, T, n_inputs)."""
        layered = tuple(part.transpose(0, 1).contiguous() for part in memory)
        outputs, after = self._read(inputs, layered if self.kind == "lstm" else layered[0])
        carried = after if self.kind == "lstm" else (after,)
        return outputs, tuple(part.transpose(0, 1) for part in carried)

    def _read(self, *given: Any) -> Any:
        """What the layers answer, some of their recurrent weights silenced while they learn."""
        if not self.training:
            return self.layers(*given)
        weights = {
            name: self.recurrent_dropout(part) if name.startswith("weight_hh") else part
            for name, part in self.layers.named_parameters()
        }
        return functional_call(self.layers, weights, given)
