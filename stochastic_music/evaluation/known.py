"""What is known of a note when its pitch is predicted: the rows of tables of melodic prediction.

    none                the pitches before, and nothing else: no time, no key, no end [1]
    timing,key          also onset, duration and place in the bar, of the note itself as of those before, and the
                        printed key
    timing,key,phrase   also whether a phrase ends with the note

That is what a listener knows when the note sounds; later notes are never known. Where time is known a model
predicts whole events, rest, duration, phrase mark and pitch in turn, and only the bits of the pitches count
(`likelihood.bits_per_pitch`). The alphabet is what the corpus uses; pieces stand in the keys they are printed in.

[1] M. T. Pearce, G. A. Wiggins. Improved methods for statistical modelling of monophonic music.
    Journal of New Music Research 33(4), 2004.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from stochastic_music.corpus import TokenCorpus, encode_corpus
from stochastic_music.errors import UnknownNameError
from stochastic_music.tokens import MelodyEncoding

if TYPE_CHECKING:
    from stochastic_music.corpus import Corpus, EncodingReport

#: the fields of an event, by what is known
KNOWN = {
    "none": ("pitch",),
    "timing,key": ("rest", "duration", "pitch"),
    "timing,key,phrase": ("rest", "duration", "phrase", "pitch"),
}


def encode_known(
    music: Corpus, known: str, encoding: MelodyEncoding | None = None
) -> tuple[TokenCorpus, EncodingReport]:
    """Melodies as symbols that show what is `known`, over the alphabet that they use, and what encoding lost.

    `encoding` gives the part and the grid. Raises UnknownNameError, EmptyCorpusError.

    >>> from stochastic_music.corpus import Corpus
    >>> corpus, _ = encode_known(Corpus.from_text("3/4 c2 d4 e2."), "none")
    >>> corpus.vocabulary.values(corpus.symbols).tolist()
    [60, 62, 64]
    """
    if known not in KNOWN:
        raise UnknownNameError("set of what is known", known, KNOWN)
    corpus, report = encode_corpus(music, replace(encoding or MelodyEncoding(), fields=KNOWN[known]))
    if known == "none":
        corpus = replace(corpus, headers=tuple(header and replace(header, key=None) for header in corpus.headers))
    vocabulary = corpus.vocabulary.restrict(np.unique(corpus.symbols), closed=known != "none")
    return corpus.with_vocabulary(vocabulary), report
