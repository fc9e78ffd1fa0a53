"""A small transformer decoder with relative positions.

Layers of attention and of a two-layer perceptron, each on a normalised input and added to what came in (pre-norm, which
learns without a long warm-up [1]). Attention is causal and told positions by distance alone [2, 3]: with queries q,
keys k and values v of a head of `size` numbers, position i looks at j, i - j = 0 .. span - 1 positions before it, with

    a_ij = softmax over j of  q_i (k_j + r_(i-j)) / sqrt(size)        out_i = sum over j of a_ij v_j

where r, one vector for each head and distance, is learned. As q has a bias, r also weighs distances whatever is there,
as biases by distance do. `span` counts what one layer sees; n_layers layers see n_layers (span - 1) positions before
their own. What is carried are the keys and values of the last span - 1 positions of each layer, fewer after a shorter
past: (batch, at most span - 1, width), the earliest first. Before the first position there is nothing to look at.

Long inputs are looked through some queries at a time, so that work and memory grow with T * span, not T * T.

[1] R. Xiong and others. On layer normalization in the transformer architecture. ICML 2020.
[2] P. Shaw, J. Uszkoreit and A. Vaswani. Self-attention with relative position representations. NAACL 2018.
[3] C.-Z. A. Huang and others. Music transformer: generating music with long-term structure. ICLR 2019.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, pad

from stochastic_music.models.neural.networks.dropout import Dropout

__all__ = ["Transformer"]

#: queries that are looked up at once
_AT_ONCE = 64


class Transformer(nn.Module):
    """A decoder of `n_layers` layers: (batch, T, n_inputs) to (batch, T, width), n_outputs being `width`.

    `receptive_field` counts the positions that an output depends on, its own among them; `dropout` is the share of
    numbers silenced while it learns, in what layers add and among what is looked at.

    >>> network = Transformer(n_inputs=5, width=8, n_heads=2, n_layers=3, span=4)
    >>> network.receptive_field
    10
    >>> outputs, memory = network(torch.zeros(2, 7, 5), network.start(2))
    >>> tuple(outputs.shape), [part.shape[1] for part in memory]
    ((2, 7, 8), [3, 3, 3, 3, 3, 3])
    """

    def __init__(
        self,
        n_inputs: int,
        *,
        width: int = 64,
        n_heads: int = 4,
        n_layers: int = 2,
        span: int = 128,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.n_outputs, self.receptive_field = width, 1 + n_layers * (span - 1)
        self.first = nn.Linear(n_inputs, width)
        self.dropout = Dropout(dropout)
        self.layers = nn.ModuleList(DecoderLayer(width, n_heads, span, dropout) for _ in range(n_layers))
        self.last = nn.LayerNorm(width)

    def start(self, batch_size: int) -> tuple[Tensor, ...]:
        """The memory before anything: no keys and no values, of the parameters' type and device."""
        like = self.first.weight
        return tuple(like.new_zeros(batch_size, 0, self.n_outputs) for _ in range(2 * len(self.layers)))

    def forward(self, inputs: Tensor, memory: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Outputs (batch, T, n_outputs), and the memory after them; inputs (batch, T, n_inputs)."""
        passed, carried = self.dropout(self.first(inputs)), []
        for layer, keys, values in zip(self.layers, memory[::2], memory[1::2], strict=True):
            passed, *kept = layer(passed, keys, values)
            carried += kept
        return self.last(passed), tuple(carried)


class DecoderLayer(nn.Module):
    """Attention, then a perceptron four times as wide, each added to its input."""

    def __init__(self, width: int, n_heads: int, span: int, dropout: float) -> None:
        super().__init__()
        self.before_attention, self.before_perceptron = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = RelativeAttention(width, n_heads, span, dropout)
        self.wide, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.dropout = Dropout(dropout)

    def forward(self, inputs: Tensor, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Outputs (batch, T, width), and the keys and values to carry on."""
        looked, keys, values = self.attention(self.before_attention(inputs), keys, values)
        passed = inputs + self.dropout(looked)
        return passed + self.dropout(self.narrow(gelu(self.wide(self.before_perceptron(passed))))), keys, values


class RelativeAttention(nn.Module):
    """Causal attention of `n_heads` heads to the last `span` positions, told apart by distance."""

    def __init__(self, width: int, n_heads: int, span: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.n_heads, self.span = n_heads, span
        self.all_three, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        size = width // n_heads
        self.distances = nn.Parameter(torch.randn(n_heads, span, size) / math.sqrt(size))  # the farthest first
        self.dropout = Dropout(dropout)

    def forward(self, inputs: Tensor, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Outputs (batch, T, width), and the keys and values of the last span - 1 positions."""
        queries, new_keys, new_values = self.all_three(inputs).chunk(3, dim=-1)
        keys, values = torch.cat([keys, new_keys], dim=1), torch.cat([values, new_values], dim=1)
        looked, n_before = [], keys.shape[1] - queries.shape[1]
        for first in range(0, queries.shape[1], _AT_ONCE):
            asked = queries[:, first : first + _AT_ONCE]
            seen = slice(max(0, n_before + first - self.span + 1), n_before + first + asked.shape[1])
            looked.append(self._looked(*(self._heads(part) for part in (asked, keys[:, seen], values[:, seen]))))
        kept = max(0, keys.shape[1] - self.span + 1)
        return self.out(torch.cat(looked, dim=1)), keys[:, kept:], values[:, kept:]

    def _heads(self, part: Tensor) -> Tensor:
        """(batch, T, width) as (batch, n_heads, T, size)."""
        return part.unflatten(-1, (self.n_heads, -1)).transpose(1, 2)

    def _looked(self, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """What the queries, which are the last of the positions with keys, find: (batch, T, width)."""
        queries = queries / math.sqrt(queries.shape[-1])
        n_queries, n_keys = queries.shape[2], keys.shape[2]
        logits = queries @ keys.transpose(-1, -2) + self._by_distance(queries, n_keys)
        distance = distances(n_queries, n_keys, queries.device)
        unseen = (distance < 0) | (distance >= self.span)
        logits += torch.zeros_like(logits[0, 0]).masked_fill(unseen, -math.inf)  # whose gradient costs nothing
        found = self.dropout(logits.softmax(dim=-1)) @ values
        return found.transpose(1, 2).flatten(2)

    def _by_distance(self, queries: Tensor, n_keys: int) -> Tensor:
        """q_i r_(i-j) for each query i and key j, and anything where j is ahead: (batch, n_heads, n_queries, n_keys).

        The products with all distances are computed once, the farthest first. Of the last query they stand in place;
        each row above is shifted one further, which is what reading them in rows of one number less does, as in [3].
        """
        n_queries = queries.shape[2]
        reached = pad(self.distances, (0, 0, n_keys - self.span, 0))
        strung = pad(queries @ reached.transpose(-1, -2), (0, 1)).flatten(2)
        first = n_queries - 1
        return strung[..., first : first + n_queries * n_keys].unflatten(-1, (n_queries, n_keys))


def distances(n_queries: int, n_keys: int, device: torch.device | None = None) -> Tensor:
    """How far before each of the last `n_queries` positions each of all `n_keys` stands: (n_queries, n_keys).

    >>> for row in distances(2, 3).tolist(): print(*row)
    1 0 -1
    2 1 0
    """
    positions = torch.arange(n_keys, device=device)
    return positions[n_keys - n_queries :, None] - positions
