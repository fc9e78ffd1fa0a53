"""All contexts of a corpus, counted."""

from __future__ import annotations

import numpy as np

from stochastic_music.models.contexts.linking import assemble
from stochastic_music.models.contexts.packing import base_of, joined
from stochastic_music.models.contexts.stream import Stream
from stochastic_music.models.contexts.table import Contexts
from stochastic_music.protocols import IntArray
from stochastic_music.tokens import Vocabulary


def grow(stream: Stream, vocabulary: Vocabulary, marks: IntArray) -> Contexts:
    """All contexts of a stream: each round lengthens the contexts of the last by one element."""
    base = base_of(vocabulary.n_symbols, marks)
    at = np.flatnonzero(stream.depth >= 0)
    context = stream.due[at]
    families, keys, counts = [], [], []
    bounds = [0, vocabulary.n_fields + 1]
    while len(at):
        key, count = np.unique(context * base + stream.element[at], return_counts=True)
        keys.append(key)
        counts.append(count)
        length = len(bounds) - 1
        deeper = stream.depth[at] >= length
        at = at[deeper]
        family, index = np.unique(context[deeper] * base + stream.taken_up(at, length), return_inverse=True)
        families.append(family)
        context = index + bounds[-1]
        bounds.append(bounds[-1] + len(family))
    lengths = np.array(bounds)
    return assemble(vocabulary, marks, stream.leads, joined(families), lengths, joined(keys), joined(counts))
