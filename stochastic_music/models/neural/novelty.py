"""How likely it is that what comes next is a symbol that training never saw.

As often as new symbols came in training: a symbol that came once was new then, so of n symbols of a field of which m
came once, (m + 1/2) / (n + 1) were [1], and something is left where none was.

[1] I. J. Good. The population frequencies of species and the estimation of population parameters. Biometrika 40, 1953.
"""

from __future__ import annotations

import numpy as np

from stochastic_music.corpus import TokenCorpus
from stochastic_music.protocols import FloatArray


def novelty_of(corpus: TokenCorpus) -> FloatArray:
    """How likely the next symbol of each field is a new one: (n_fields,); END counts in the first field.

    >>> from stochastic_music.tokens import Vocabulary
    >>> corpus = TokenCorpus.from_sequences([[0, 0, 1], [0, 2, 0]], Vocabulary.plain(9))
    >>> float(novelty_of(corpus)[0])  # two of eight symbols came once
    0.2777777777777778
    """
    vocabulary = corpus.vocabulary
    counts = np.bincount(corpus.symbols, minlength=vocabulary.n_symbols)
    field = vocabulary.field_of(np.arange(vocabulary.n_symbols)) % vocabulary.n_fields
    once = np.bincount(field, counts == 1, minlength=vocabulary.n_fields)
    total = np.bincount(field, counts, minlength=vocabulary.n_fields)
    novelty: FloatArray = (once + 0.5) / (total + 1)
    return novelty
