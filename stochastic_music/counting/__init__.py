"""Counting what follows what, in corpora of any size: packed integers, sorted, merged, spilled to disk."""

from stochastic_music.counting.tallier import Tallier as Tallier
from stochastic_music.counting.tally import Tally as Tally
from stochastic_music.counting.tally import merged as merged
from stochastic_music.counting.tally import tally as tally

__all__ = ["Tallier", "Tally", "merged", "tally"]
