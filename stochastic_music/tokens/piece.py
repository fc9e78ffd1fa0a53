"""A piece as a model sees it."""

from __future__ import annotations

from typing import NamedTuple

from stochastic_music.protocols import IntArray
from stochastic_music.tokens.header import Header


class TokenPiece(NamedTuple):
    """Symbols, (n,) and END last where the vocabulary is closed, and the header they stand under."""

    symbols: IntArray
    header: Header
