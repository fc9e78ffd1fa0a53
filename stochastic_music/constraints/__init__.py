"""Musical demands, as values: `PitchRange(60, 81) & Bars(16) & ~Contains("C4 D4 E4")`.

A constraint is compiled against a vocabulary and a header to an automaton, which samplers condition on. They join with
`&` and `|` and are negated with `~`.

    symbols.py, pitches.py   which symbols and pitches; scales; the first note and the last
    places.py, metre.py      a note at a place, chord tones on beats; full bars, downbeats
    length.py                bars, notes
    motifs.py, max_copy.py   motifs that come or do not; no long runs of the corpus's
    counting.py, matches.py  how many of a thing; regular expressions
    shapes.py, similar.py    the rhythm of a piece, its contour, how much of it comes back
    around.py, kept.py       events that are kept, and gaps between them
    form.py                  plans of sections

To write another: `automata/events.py` makes an automaton of a machine that hears whole events;
`testing.check_constraint` checks it.
"""

from stochastic_music.constraints.around import Around
from stochastic_music.constraints.automata.automaton import BaseAutomaton, join, provides
from stochastic_music.constraints.automata.events import ByEvent, ByOnset, EventMachine, OnsetMachine
from stochastic_music.constraints.automata.timeline import TimeAutomaton, TimedAutomaton
from stochastic_music.constraints.constraint import All, AnyOf, Joinable, Not, conjuncts
from stochastic_music.constraints.counting import Count, Having, Leaps, Notes, Rests
from stochastic_music.constraints.form import Form
from stochastic_music.constraints.kept import Kept
from stochastic_music.constraints.length import AtMost, Bars, Length
from stochastic_music.constraints.matches import Matches
from stochastic_music.constraints.max_copy import MaxCopy
from stochastic_music.constraints.metre import Metre
from stochastic_music.constraints.motifs import Avoids, Contains, Motif
from stochastic_music.constraints.pitches import EndsOn, InScale, StartsOn
from stochastic_music.constraints.places import At, ChordTones
from stochastic_music.constraints.shapes import Contour, Rhythm
from stochastic_music.constraints.similar import Similar
from stochastic_music.constraints.symbols import PitchRange, SymbolsOf

__all__ = [
    "All",
    "AnyOf",
    "Around",
    "At",
    "AtMost",
    "Avoids",
    "Bars",
    "BaseAutomaton",
    "ByEvent",
    "ByOnset",
    "ChordTones",
    "Contains",
    "Contour",
    "Count",
    "EndsOn",
    "EventMachine",
    "Form",
    "Having",
    "InScale",
    "Joinable",
    "Kept",
    "Leaps",
    "Length",
    "Matches",
    "MaxCopy",
    "Metre",
    "Motif",
    "Not",
    "Notes",
    "OnsetMachine",
    "PitchRange",
    "Rests",
    "Rhythm",
    "Similar",
    "StartsOn",
    "SymbolsOf",
    "TimeAutomaton",
    "TimedAutomaton",
    "conjuncts",
    "join",
    "provides",
]
