"""Classical probabilistic models that learn from your scores and compose.

    >>> import stochastic_music as sm
    >>> corpus = sm.Corpus.from_text("4/4 c4 d e c")
    >>> pipeline = sm.Pipeline(sm.MelodyEncoding(), sm.Markov(order=1)).fit(corpus)

Importing this package loads the standard library only: each name arrives with its first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from stochastic_music import _showing
from stochastic_music._lazy import attach
from stochastic_music._showing import load_ipython_extension as load_ipython_extension
from stochastic_music._version import __version__

if TYPE_CHECKING:
    from stochastic_music.constraints import At as At
    from stochastic_music.constraints import Avoids as Avoids
    from stochastic_music.constraints import Bars as Bars
    from stochastic_music.constraints import ChordTones as ChordTones
    from stochastic_music.constraints import Contains as Contains
    from stochastic_music.constraints import Count as Count
    from stochastic_music.constraints import EndsOn as EndsOn
    from stochastic_music.constraints import InScale as InScale
    from stochastic_music.constraints import Length as Length
    from stochastic_music.constraints import Matches as Matches
    from stochastic_music.constraints import MaxCopy as MaxCopy
    from stochastic_music.constraints import Metre as Metre
    from stochastic_music.constraints import PitchRange as PitchRange
    from stochastic_music.constraints import StartsOn as StartsOn
    from stochastic_music.corpus import Corpus as Corpus
    from stochastic_music.corpus import Piece as Piece
    from stochastic_music.corpus import TokenCorpus as TokenCorpus
    from stochastic_music.counting import NGramCounts as NGramCounts
    from stochastic_music.counting import count_ngrams as count_ngrams
    from stochastic_music.evaluation import OriginalityIndex as OriginalityIndex
    from stochastic_music.io import load as load
    from stochastic_music.io import save as save
    from stochastic_music.models import HMM as HMM
    from stochastic_music.models import PPM as PPM
    from stochastic_music.models import STM as STM
    from stochastic_music.models import Markov as Markov
    from stochastic_music.models import MaxEnt as MaxEnt
    from stochastic_music.models import Mixture as Mixture
    from stochastic_music.models import OnlinePPM as OnlinePPM
    from stochastic_music.pipeline import Pipeline as Pipeline
    from stochastic_music.reports.showing import show as show
    from stochastic_music.tasks.chords import ChordLabeller as ChordLabeller
    from stochastic_music.tasks.given.composer import CRFComposer as CRFComposer
    from stochastic_music.tasks.harmonize import Harmonizer as Harmonizer
    from stochastic_music.tokens import Header as Header
    from stochastic_music.tokens import MelodyEncoding as MelodyEncoding
    from stochastic_music.tokens import NotesEncoding as NotesEncoding
    from stochastic_music.tokens import RemiEncoding as RemiEncoding
    from stochastic_music.tokens import Vocabulary as Vocabulary
    from stochastic_music.tokens import VoicesEncoding as VoicesEncoding

#: public name -> the room it lives in
_ROOMS = {
    "At": "constraints",
    "Avoids": "constraints",
    "Bars": "constraints",
    "CRFComposer": "tasks.given.composer",
    "ChordLabeller": "tasks.chords",
    "ChordTones": "constraints",
    "Contains": "constraints",
    "Corpus": "corpus",
    "Count": "constraints",
    "EndsOn": "constraints",
    "HMM": "models",
    "Harmonizer": "tasks.harmonize",
    "Header": "tokens",
    "InScale": "constraints",
    "Length": "constraints",
    "Markov": "models",
    "Matches": "constraints",
    "MaxCopy": "constraints",
    "MaxEnt": "models",
    "MelodyEncoding": "tokens",
    "Metre": "constraints",
    "Mixture": "models",
    "NGramCounts": "counting",
    "NotesEncoding": "tokens",
    "OnlinePPM": "models",
    "OriginalityIndex": "evaluation",
    "PPM": "models",
    "Piece": "corpus",
    "Pipeline": "pipeline",
    "PitchRange": "constraints",
    "RemiEncoding": "tokens",
    "STM": "models",
    "StartsOn": "constraints",
    "TokenCorpus": "corpus",
    "Vocabulary": "tokens",
    "VoicesEncoding": "tokens",
    "count_ngrams": "counting",
    "load": "io",
    "save": "io",
    "show": "reports.showing",
}

__all__ = [
    "HMM",
    "PPM",
    "STM",
    "At",
    "Avoids",
    "Bars",
    "CRFComposer",
    "ChordLabeller",
    "ChordTones",
    "Contains",
    "Corpus",
    "Count",
    "EndsOn",
    "Harmonizer",
    "Header",
    "InScale",
    "Length",
    "Markov",
    "Matches",
    "MaxCopy",
    "MaxEnt",
    "MelodyEncoding",
    "Metre",
    "Mixture",
    "NGramCounts",
    "NotesEncoding",
    "OnlinePPM",
    "OriginalityIndex",
    "Piece",
    "Pipeline",
    "PitchRange",
    "RemiEncoding",
    "StartsOn",
    "TokenCorpus",
    "Vocabulary",
    "VoicesEncoding",
    "__version__",
    "count_ngrams",
    "load",
    "save",
    "show",
]

__getattr__, __dir__ = attach(__name__, _ROOMS)

_showing.register()
