"""Conditional random fields: labellers of sequences, with features that are named functions."""

from stochastic_music.models.crf.crf import CRF, LabelWeight
from stochastic_music.models.crf.in_one_key import InOneKey
from stochastic_music.models.crf.labeller import ChainLabeller
from stochastic_music.models.crf.relative import RelativeCRF
from stochastic_music.models.crf.several import CRFs

__all__ = ["CRF", "CRFs", "ChainLabeller", "InOneKey", "LabelWeight", "RelativeCRF"]
