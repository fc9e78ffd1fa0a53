"""Scores to and from tokens of MidiTok, by any of its tokenizers: both work on `symusic.Score`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from symusic.core import ScoreTick


def to_miditok(score: ScoreTick, tokenizer: Any) -> Any:
    """The tokens of a score as `tokenizer` gives them: a TokSequence, or one for each track.

    What is carried (velocities, programs, tempos, meters) and on which grid is the tokenizer's choice. Lost: names of
    parts, key, pickup, phrase ends and chord symbols. The score stays as it is.
    """
    return tokenizer.encode(score)


def from_miditok(tokens: Any, tokenizer: Any) -> ScoreTick:
    """The score of tokens (a TokSequence, several, or ids), as `tokenizer` understands them."""
    score: ScoreTick = tokenizer.decode(tokens)
    return score
