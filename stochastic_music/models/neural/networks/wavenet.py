"""WaveNet over symbols: dilated causal convolutions, gated, with residual and skip connections [1].

Layer l of a stack looks at two positions, now and 2^l before, so that a stack of `n_layers` layers sees 2^n_layers
positions for the price of n_layers; `n_stacks` of them follow each other. A layer turns its input x into

    z = tanh(W_f [x_(t-d), x_t]) * sigmoid(W_g [x_(t-d), x_t])        the gated unit
    x + W_r z   goes to the next layer        W_s z   goes, summed over all layers, to the outputs

The outputs are a layer with rectifiers over that sum; what comes after them, logits in [1], is the caller's. Before the
first position there is silence: zeros at every layer. What is carried are the last d inputs of each layer (batch, d,
width), the earliest first. Both taps lie side by side, channels last, so that a convolution is one product of matrices.

[1] A. van den Oord, S. Dieleman, H. Zen, K. Simonyan, O. Vinyals, A. Graves, N. Kalchbrenner, A. Senior and
    K. Kavukcuoglu. WaveNet: a generative model for raw audio. arXiv:1609.03499, 2016.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

from stochastic_music.models.neural.networks.dropout import Dropout

__all__ = ["WaveNet"]


class WaveNet(nn.Module):
    """Stacks of gated convolutions: (batch, T, n_inputs) to (batch, T, n_outputs), n_outputs being `skip_width`.

    `receptive_field` counts the positions that an output depends on, its own among them; `dropout` is the share of
    gated units silenced while it learns.

    >>> network = WaveNet(n_inputs=5, width=8, skip_width=12, n_layers=3, n_stacks=2)
    >>> network.receptive_field
    15
    >>> outputs, memory = network(torch.zeros(2, 7, 5), network.start(2))
    >>> tuple(outputs.shape), [tail.shape[1] for tail in memory]
    ((2, 7, 12), [1, 2, 4, 1, 2, 4])
    """

    def __init__(
        self,
        n_inputs: int,
        *,
        width: int = 64,
        skip_width: int = 128,
        n_layers: int = 6,
        n_stacks: int = 1,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.n_outputs = skip_width
        self.first = nn.Linear(n_inputs, width)
        dilations = [2**layer for layer in range(n_layers)] * n_stacks
        self.receptive_field = 1 + sum(dilations)
        self.layers = nn.ModuleList(GatedLayer(width, skip_width, dilation, dropout) for dilation in dilations)
        self.last = nn.Linear(skip_width, skip_width)

    def start(self, batch_size: int) -> tuple[Tensor, ...]:
        """The memory before anything: silence, of the parameters' type and device."""
        like = self.first.weight
        return tuple(like.new_zeros(batch_size, layer.dilation, layer.width) for layer in self.layers)

    def forward(self, inputs: Tensor, memory: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Outputs (batch, T, n_outputs), and the memory after them; inputs (batch, T, n_inputs)."""
        passed, skipped, tails = self.first(inputs), 0.0, []
        for layer, tail in zip(self.layers, memory, strict=True):
            passed, skip, carried = layer(passed, tail)
            skipped = skipped + skip
            tails.append(carried)
        return relu(self.last(relu(skipped))), tuple(tails)


class GatedLayer(nn.Module):
    """One gated convolution of two taps, `dilation` apart, with its residual and its skip connection."""

    def __init__(self, width: int, skip_width: int, dilation: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.width, self.skip_width, self.dilation = width, skip_width, dilation
        self.taps = nn.Linear(2 * width, 2 * width)
        self.dropout = Dropout(dropout)
        self.ways = nn.Linear(width, width + skip_width)

    def extra_repr(self) -> str:
        """What weights do not tell."""
        return f"dilation={self.dilation}"

    def forward(self, inputs: Tensor, tail: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What goes on (batch, T, width), what skips (batch, T, skip_width), and the tail after them."""
        known = torch.cat([tail, inputs], dim=1)
        before = known[:, : -self.dilation]
        gated = self.dropout(gated_unit(self.taps(torch.cat([before, inputs], dim=-1))))
        residual, skip = self.ways(gated).split([self.width, self.skip_width], dim=-1)
        return inputs + residual, skip, known[:, -self.dilation :]


def gated_unit(both: Tensor) -> Tensor:
    """The hyperbolic tangent of the first half of the last axis, times the sigmoid of the second.

    >>> gated_unit(torch.tensor([1.0, 0.0])).item() == torch.tensor(1.0).tanh().item() / 2
    True
    """
    heard, gate = both.chunk(2, dim=-1)
    return torch.tanh(heard) * torch.sigmoid(gate)
