"""From scores to symbols and back: vocabulary, clock, headers, encodings."""

from stochastic_music.tokens.clock import Clock, ClockState, Place
from stochastic_music.tokens.grid import Grid
from stochastic_music.tokens.header import Header, Meter, Part
from stochastic_music.tokens.loss import EncodingLoss
from stochastic_music.tokens.melody import MelodyEncoding
from stochastic_music.tokens.piece import TokenPiece
from stochastic_music.tokens.vocabulary import Field, Vocabulary, pitch_name, pitch_number

__all__ = [
    "Clock",
    "ClockState",
    "EncodingLoss",
    "Field",
    "Grid",
    "Header",
    "MelodyEncoding",
    "Meter",
    "Part",
    "Place",
    "TokenPiece",
    "Vocabulary",
    "pitch_name",
    "pitch_number",
]
