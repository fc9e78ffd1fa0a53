"""Encoding and model together: scores in, scores out.

    Corpus --encoding--> TokenCorpus --model--> fit, score
    model --sampling--> symbols --encoding--> Score

`Pipeline` is in `pipeline`; what it does beyond fitting and scoring has a file each: `composing` draws new pieces,
`around` and `excerpts` change a part of a piece and keep all else,
`joining` mixes, merges and forgets, `filing` writes model files and reads them.
"""

from stochastic_music.pipeline.composing import Take
from stochastic_music.pipeline.pipeline import Pipeline, Transpose
from stochastic_music.pipeline.revisions import Revision

__all__ = ["Pipeline", "Revision", "Take", "Transpose"]
