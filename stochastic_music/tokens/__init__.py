"""From scores to symbols and back: vocabulary, clock, headers, encodings."""

from stochastic_music.tokens.auto import Choice, choose_encoding
from stochastic_music.tokens.clock import Clock, ClockState, Place
from stochastic_music.tokens.frames import Frames
from stochastic_music.tokens.grid import Grid
from stochastic_music.tokens.header import Header, Meter, Part
from stochastic_music.tokens.loss import EncodingLoss
from stochastic_music.tokens.melody import MelodyEncoding
from stochastic_music.tokens.notes import NotesEncoding
from stochastic_music.tokens.piece import TokenPiece
from stochastic_music.tokens.remi import RemiEncoding
from stochastic_music.tokens.vocabulary import Field, Vocabulary, pitch_name, pitch_number
from stochastic_music.tokens.voices import HOLD, REST, VoicesEncoding

__all__ = [
    "HOLD",
    "REST",
    "Choice",
    "Clock",
    "ClockState",
    "EncodingLoss",
    "Field",
    "Frames",
    "Grid",
    "Header",
    "MelodyEncoding",
    "Meter",
    "NotesEncoding",
    "Part",
    "Place",
    "RemiEncoding",
    "TokenPiece",
    "Vocabulary",
    "VoicesEncoding",
    "choose_encoding",
    "pitch_name",
    "pitch_number",
]
