"""A block of notes drawn exactly, given everything around it.

All ways to fill the block are walked at once, as layers of what the model may remember: from the context before the
block, through its free fields (and those that stay), and on through the notes behind it until whatever was played is
forgotten. Going back, each gets a message, how likely it is to lead to the notes behind the block; going forward
again, symbols are drawn by probability times message: forward filtering and backward sampling [1], turned round.

What is drawn has q(new) = p(new, what follows) / Z, and Z is the same on the way back. So under a target that is
the model itself every block is accepted.

[1] C. K. Carter, R. Kohn. On Gibbs sampling for state space models. Biometrika 81(3), 1994.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from stochastic_music.protocols import FloatArray, IntArray
from stochastic_music.sampling.metropolis.chains import Chains, Draws, Pieces
from stochastic_music.sampling.metropolis.layout import Layout
from stochastic_music.sampling.metropolis.reading import ContextReader
from stochastic_music.sampling.metropolis.redraw import known
from stochastic_music.sampling.metropolis.step import OWN

#: more ways than these at one symbol of one chain, and the block is left as it is
MAX_WAYS = 100_000


class Layer(NamedTuple):
    """The ways from one symbol to the next: node i owns arcs `first[i] : first[i + 1]`, each with its target node."""

    first: IntArray
    symbol: IntArray
    log_prob: FloatArray
    target: IntArray


class _Nodes(NamedTuple):
    """What may be remembered, of which chain: (m,) and (m, 4)."""

    chain: IntArray
    states: IntArray


@dataclass(frozen=True)
class Block:
    """`n_events` notes in a row drawn exactly, given all others; see the module's article.

    The `fields` of each are free, as long as what follows begins when it did; the others stay.
    """

    reader: ContextReader
    fields: tuple[int, ...]
    n_events: int = 2
    name: str = "block"

    def propose(self, rng: Draws, chains: Chains) -> tuple[Pieces, FloatArray]:
        """A block anew."""
        n_fields = self.reader.vocabulary.n_fields
        counts = Layout(self.reader.vocabulary).n_events(chains.pieces)
        begin = rng.below(np.maximum(counts - self.n_events + 1, 0), OWN) * n_fields
        active = np.flatnonzero(counts >= self.n_events)
        layers, start, active = self._layers(chains, begin, active)
        symbols, log_hastings = chains.symbols.copy(), np.full(len(counts), -np.inf)
        if not len(active):
            return Pieces(symbols, chains.lengths), log_hastings
        node, log_new = start, np.zeros(len(active))
        following = messages(layers)
        for i, (layer, message) in enumerate(zip(layers, following, strict=True)):
            arc = _drawn(rng, OWN + 1 + i, layer, message, node, active)
            node, log_new = layer.target[arc], log_new + layer.log_prob[arc]
            at = np.minimum(begin[active] + i, symbols.shape[1] - 1)
            symbols[active, at] = np.where(layer.symbol[arc] < 0, symbols[active, at], layer.symbol[arc])
        log_hastings[active] = self._log_old(chains, begin, len(layers))[active] - log_new
        return Pieces(symbols, chains.lengths), log_hastings

    def _log_old(self, chains: Chains, begin: IntArray, n_layers: int) -> FloatArray:
        log_probs = known(self.reader, chains).log_probs
        assert log_probs is not None  # noqa: S101 - walkers say them
        place = np.arange(log_probs.shape[1])
        inside = (place >= begin[:, None]) & (place < (begin + n_layers)[:, None])
        total: FloatArray = np.where(inside, log_probs, 0.0).sum(axis=1)
        return total

    def _layers(self, chains: Chains, begin: IntArray, active: IntArray) -> tuple[list[Layer], IntArray, IntArray]:
        """The layers, the first node of each chain, and the chains whose ways are not too many."""
        reading = known(self.reader, chains)
        assert reading.states is not None  # noqa: S101 - walkers remember
        while True:
            nodes = _Nodes(active, reading.states[active, begin[active]])
            layers: list[Layer] = []
            i, size = 0, self.n_events * self.reader.vocabulary.n_fields
            while len(nodes.chain) and (i < size or len(nodes.chain) > len(active)) and i < chains.symbols.shape[1]:
                layer, nodes = self._layer(chains, begin, nodes, i, i < size)
                layers.append(layer)
                i += 1
                if i == size:
                    nodes = self._in_time(layers, nodes, reading.states[:, :, 1:], begin + size)
                crowded = np.flatnonzero(np.bincount(nodes.chain, minlength=len(begin)) > MAX_WAYS)
                if len(crowded):
                    break
            else:
                return layers, np.arange(len(active)), active
            active = np.setdiff1d(active, crowded)

    def _layer(self, chains: Chains, begin: IntArray, nodes: _Nodes, i: int, inside: bool) -> tuple[Layer, _Nodes]:
        """The arcs of place i behind `begin`, and the nodes that they lead to."""
        if inside and i % self.reader.vocabulary.n_fields in self.fields:
            arcs = self.reader.model.arcs(nodes.states[:, 0])
            row, symbol, log_prob, context = arcs
        else:
            row = np.arange(len(nodes.chain))
            place = np.minimum(begin[nodes.chain] + i, chains.symbols.shape[1] - 1)
            symbol = chains.symbols[nodes.chain, place]
            log_prob, context = self.reader.follow(nodes.states[:, 0], symbol)
        ended = (begin + i >= chains.lengths)[nodes.chain][row]
        log_prob = np.where(ended, 0.0, log_prob)
        kept = log_prob > -np.inf
        if inside:
            kept &= symbol != self.reader.vocabulary.end
        row, symbol, log_prob, context = row[kept], symbol[kept], log_prob[kept], context[kept]
        states = self.reader.following(nodes.states[row], symbol, context)
        states = np.where(ended[kept][:, None], 0, states)  # behind END all is forgotten
        target, arrived = _distinct(nodes.chain[row], states)
        first = np.searchsorted(row, np.arange(len(nodes.chain) + 1))
        return Layer(first, np.where(ended[kept], -1, symbol), log_prob, target), arrived

    @staticmethod
    def _in_time(layers: list[Layer], nodes: _Nodes, clocks: IntArray, place: IntArray) -> _Nodes:
        """Ways that would move what follows lead nowhere."""
        wanted = clocks[nodes.chain, np.minimum(place[nodes.chain], clocks.shape[1] - 1)]
        good = (nodes.states[:, 1:] == wanted).all(axis=1)
        last = layers[-1]
        layers[-1] = last._replace(log_prob=np.where(good[last.target], last.log_prob, -np.inf))
        return nodes


def _distinct(chain: IntArray, states: IntArray) -> tuple[IntArray, _Nodes]:
    """Equal nodes as one: the number of each, and the nodes, by chain."""
    order = np.lexsort((*states.T[::-1], chain))
    chain, states = chain[order], states[order]
    new = np.ones(len(chain), dtype=bool)
    new[1:] = (chain[1:] != chain[:-1]) | (states[1:] != states[:-1]).any(axis=1)
    number = np.empty(len(chain), dtype=np.int64)
    number[order] = np.cumsum(new) - 1
    return number, _Nodes(chain[new], states[new])


def messages(layers: list[Layer]) -> list[FloatArray]:
    """For each layer the log message of each of its arcs: its own probability times that of all that may follow."""
    out: list[FloatArray] = []
    after: FloatArray | None = None
    for layer in reversed(layers):
        arcs = layer.log_prob + (0.0 if after is None else after[layer.target])
        out.append(arcs)
        after = _sums(layer.first, arcs)
    return out[::-1]


def _sums(first: IntArray, terms: FloatArray) -> FloatArray:
    """The log of the sum of exp of each row's terms: (n_rows,)."""
    out = np.full(len(first) - 1, -np.inf)
    filled = np.flatnonzero(np.diff(first))
    if len(filled):
        top = np.maximum.reduceat(terms, first[filled])
        top = np.where(top > -np.inf, top, 0.0)
        scaled = np.exp(terms - np.repeat(top, np.diff(first)[filled]))
        with np.errstate(divide="ignore"):
            out[filled] = np.log(np.add.reduceat(scaled, first[filled])) + top
    return out


def _drawn(  # noqa: PLR0917, all that a draw stands on
    rng: Draws, slot: int, layer: Layer, message: FloatArray, node: IntArray, active: IntArray
) -> IntArray:
    """One arc of the node at which each active chain stands, by message."""
    first, count = layer.first[node], layer.first[node + 1] - layer.first[node]
    within = np.arange(count.max()) < count[:, None]
    at = first[:, None] + np.where(within, np.arange(count.max()), 0)
    log_weights = np.where(within, message[at], -np.inf)
    weights = np.ones((rng.n, within.shape[1]))
    weights[active] = np.exp(log_weights - log_weights.max(axis=1, keepdims=True))
    drawn: IntArray = at[np.arange(len(node)), rng.choose(weights, slot)[active]]
    return drawn
