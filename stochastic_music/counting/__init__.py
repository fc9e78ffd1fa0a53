"""Counting what follows what, in corpora of any size: packed integers, sorted, merged, spilled to disk."""

from stochastic_music.counting.ngrams import count_ngrams as count_ngrams
from stochastic_music.counting.packing import BEFORE as BEFORE
from stochastic_music.counting.packing import Packing as Packing
from stochastic_music.counting.table import NGramCounts as NGramCounts
from stochastic_music.counting.tallier import Tallier as Tallier
from stochastic_music.counting.tally import Tally as Tally
from stochastic_music.counting.tally import merged as merged
from stochastic_music.counting.tally import tally as tally

__all__ = ["BEFORE", "NGramCounts", "Packing", "Tallier", "Tally", "count_ngrams", "merged", "tally"]
