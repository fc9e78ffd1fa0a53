"""From what is heard to distributions: embeddings, a network, and heads that are added up.

The columns of `hearing.Hearing` that are inputs are embedded and put side by side. What the network answers is read by
linear heads. The logit of symbol x is the sum of

    absolute        one number a symbol
    from own last   one number an interval: that from the own line's last note to x
    from above      one number an interval: that from the lowest note above in the same event to x
    from tonic      one number a degree: that of x above the printed tonic, in semitones from 0 to 11
    copy            one number a length of match, for the symbol that the copy proposes alone

Intervals are one head for all lines: what a voice does a third below its last note is learned from all voices and at
all heights. A head is silent where there is no such note or key, and for symbols that are no pitches.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from stochastic_music.models.neural.heard import N_LENGTHS
from stochastic_music.models.neural.hearing import Hearing
from stochastic_music.models.neural.networks.dropout import Dropout

__all__ = ["Predictor"]

#: heads that speak of intervals: the columns that hold the notes from which these are counted
_ANCHORS = ("own last", "above")


class Predictor(nn.Module):
    """Embeddings, a network and heads for one `hearing`; see the module's article.

    `make_network(n_inputs)` gives the network. `embedding` is how many numbers a column's value is embedded in, at
    most; `input_dropout` and `output_dropout` are the shares of numbers silenced before and after the network while it
    learns.
    """

    def __init__(
        self,
        hearing: Hearing,
        make_network: Callable[[int], Any],
        *,
        embedding: int = 16,
        input_dropout: float = 0.2,
        output_dropout: float = 0.5,
    ) -> None:
        super().__init__()
        self.inputs = [i for i, column in enumerate(hearing.columns) if column.is_input]
        sizes = [hearing.columns[i].size for i in self.inputs]
        self.embeddings = nn.ModuleList(nn.Embedding(size, min(embedding, size)) for size in sizes)
        self.network = make_network(sum(table.embedding_dim for table in self.embeddings))
        self.input_dropout, self.output_dropout = Dropout(input_dropout), Dropout(output_dropout)
        n_outputs, n_known = self.network.n_outputs, len(hearing.symbols)
        self.absolute = nn.Linear(n_outputs, n_known)
        self.n_steps = hearing.highest - hearing.lowest
        self.intervals = nn.ModuleList(
            nn.Linear(n_outputs, 2 * self.n_steps + 1) for _ in _ANCHORS if len(hearing.lines) > 0
        )
        self.degrees = nn.Linear(n_outputs, 12) if hearing.lines else None
        self.copying = nn.Linear(n_outputs, N_LENGTHS)
        self.anchors = [hearing.index[name] for name in _ANCHORS]
        self.tonic, self.copy, self.length = (hearing.index[name] for name in ("tonic", "copy", "copy length"))
        pitch = torch.as_tensor(hearing.vocabulary.values(hearing.symbols))
        self._keep("is_pitch", torch.as_tensor(hearing.pitches[hearing.symbols]))
        self._keep("height", (pitch - hearing.lowest).clamp(0, self.n_steps))
        self._keep("pitch_class", pitch % 12)
        self._keep("place", torch.as_tensor(hearing.place))

    def _keep(self, name: str, values: Tensor) -> None:
        """Numbers that are not learned and follow from the hearing: they move with the module, and are not saved."""
        self.register_buffer(name, values, persistent=False)

    def start(self, batch_size: int) -> tuple[Tensor, ...]:
        """The network's memory before anything."""
        memory: tuple[Tensor, ...] = self.network.start(batch_size)
        return memory

    def forward(self, heard: Tensor, memory: tuple[Tensor, ...], allowed: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Log probabilities (batch, T, n_known), and the memory after them; see `networks`."""
        embedded = [table(heard[..., i]) for table, i in zip(self.embeddings, self.inputs, strict=True)]
        outputs, memory = self.network(self.input_dropout(torch.cat(embedded, dim=-1)), memory)
        logits = self.logits(self.output_dropout(outputs), heard)
        return logits.masked_fill(~allowed, -torch.inf).log_softmax(dim=-1), memory

    def logits(self, outputs: Tensor, heard: Tensor) -> Tensor:
        """The sum of what all heads say: (batch, T, n_known)."""
        logits = self.absolute(outputs)
        for head, column in zip(self.intervals, self.anchors, strict=False):
            logits = logits + self._from(heard[..., column, None], head(outputs))
        if self.degrees is not None:
            logits = logits + self._in_key(heard[..., self.tonic, None], self.degrees(outputs))
        proposed = heard[..., self.copy, None]
        place = self.place[(proposed - 1).clamp(min=0)]
        said = self.copying(outputs).gather(-1, heard[..., self.length, None])
        said = said * ((proposed > 0) & (place >= 0))
        return logits.scatter_add(-1, place.clamp(min=0), said)

    def _in_key(self, tonic: Tensor, said: Tensor) -> Tensor:
        """What a head says of each symbol by its degree above the `tonic` (batch, T, 1); 0 where there is none."""
        return said.gather(-1, (self.pitch_class - tonic + 1) % 12) * ((tonic > 0) & self.is_pitch)

    def _from(self, anchor: Tensor, said: Tensor) -> Tensor:
        """What a head says of each symbol, seen from the note that `anchor` (batch, T, 1) codes; 0 without one."""
        step = self.height - (anchor - 1).clamp(min=0) + self.n_steps
        return said.gather(-1, step) * ((anchor > 0) & self.is_pitch)
