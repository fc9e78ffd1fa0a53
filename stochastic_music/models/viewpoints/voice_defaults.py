"""The viewpoints that a model uses for pieces in several voices when none are named.

Those that need no durations were looked over on the training and validation pieces of chorales in frames, those that do
on slices of chorales. What events do not have is left out, so the same lists serve both.
"""

from __future__ import annotations

from collections.abc import Sequence

from stochastic_music.tokens import Vocabulary

#: long-term, for every voice
VOICES = (
    "cpitch:0, cpitch|chord@1, cpitch|own@1*above, cpitch|own@1*own@2, cpitch|upper, cpitch|mode*upper, "
    "cpitch|tonic*upper, cpitch|mode*own@1*above, cpitch|upperset*own@1, cpitch|chord@1*upper, "
    "cpitch|chord@4*upper*chord@1, "
    "cpitch-class|upperset*mode, "
    "cpintfref|top*mode, cpintfref|upperset, cpintfref|chordset@1*upperset, "
    "cpfref|own@1, cpfref|above, cpfref|top, cpfref|top*above, cpfref|bass@1*upperset, cpfref|upper, cpfref|chord@1, "
    "cpfref|chord@1*upper, cpfref|own@1*own@2, cpfref|own@1*own@2*own@3, cpfref|prior@1*own@1, cpfref|events*own@1, "
    "cpfref|posinbar*upper, cpfref|metaccent*upper*bass@1, cpfref|upper*bass@1*own@1*bass@2, cpfref|upperset*above, "
    "cpfref|upperset*bass@1*own@1, cpfref|chordset@1*upperset*own@1, cpfref|chordclass@1*upperclass*own@1, "
    "cpfref|top*top@1*top@2*own@1, cpfref|top*top@1*above*own@1, cpfref|top@1*bass@1*upper, "
    "cpflocal|localmode*own@1*upper, cpflocal|localmode*above, "
    "cpint:0, cpint|above, cpint|own@2, cpint|topstep, cpint|upper, cpint|upperset, cpint|chord@1, "
    "cpint|chord@1*upper, cpint|chord@1*chord@2, cpint|own@2*own@3, cpint|prior@1, cpint|upper*own@2, "
    "cpint|upper*lower@1, cpint|upper*bass@1*own@2, cpint|top*top@1*bass@1, cpint|above*above@1*below@1, "
    "cpint|uppercontour*above*above@1, cpint|chordset@1*upperset, cpint|chordset@1*upper*own@2, "
    "cpint|posinbar*own@2*above, cpint|posinbar*chord@1, cpint|posinbar*chordcontour@1*upper, "
    "cpintabove:0, cpintabove|above*tonic, cpintabove|upper, cpintabove|upper*tonic, cpintabove|upper*own@1, "
    "cpintabove|upper*chord@1, cpintabove|upperset*tonic, cpintabove|own@1*above@1, cpintabove|own@1*above@1*upper, "
    "cpintabove|own@1*above@1*own@2*above@2, "
    "cpcintabove:0, cpcintabove|upperset, cpcintabove|upperset*own@1, "
    "cpintlow:0, cpintlow|upper, cpintlow|chord@1, cpintlow|upper*chord@1"
)
#: and for the top one, which none goes before
TOP = (
    "cpitch1:1-2, cpitch1|mode*own1@1*own1@2, "
    "cpint1:1-5, cpint1|posinbar*own1@2, cpint1|lower1@1*own1@2, cpint1|chordcontour1@1*posinbar, "
    "cpfref1:1-3, cpfref1|posinbar*own1@1, cpfref1|bass1@1*own1@1, cpfref1|posinbar*bass1@1*own1@1, "
    "cpfref1|own1@1*own1@2*bass1@1, cpfref1|chordset1@1*own1@1, cpfref1|chordclass1@1*own1@1, "
    "cpflocal1|localmode*own1@1*own1@2"
)
#: for every voice, where notes are held and phrases marked
HELD = (
    "cpint|dur*metaccent, cpint|dur*metaccent*held@1, cpint|abovestep*upperonset*dur*metaccent, "
    "cpint|dur*metaccent*upperonset, cpint|dur*metaccent*upperonset*upper, cpint|metaccent*dur*upper, "
    "cpint|metaccent*dur*upperonset*chord@1, cpint|metaccent*dur*chordonset@1*upperonset, "
    "cpint|metaccent*dur*held@1*prior@1, cpint|metaccent*dur*dur@1*own@2*upperonset, "
    "cpint|upperheld@1*held@1*metaccent*dur, cpint|dur*posinbar*barlength*upperonset, "
    "cpint|liph*dur*metaccent*upperonset, cpint|liph*chord@1*upper, cpint1:1-3|metaccent*dur, "
    "cpint1|metaccent*dur*held1@1*own1@2, cpint1|dur*dur@1*dur@2*metaccent*held1@1, "
    "cpintfref|own@1*liph, cpintfref|upperset*liph*metaccent, "
    "cpfref|metaccent*dur*upperonset*own@1, cpfref|metaccent*dur*upper*bass@1, "
    "cpfref|dur*upperset*above*metaccent*upperonset, cpfref|inphrase*dur*own@1, cpfref|phrasetime*own@1, "
    "cpfref|phrasetime*upper*liph, cpfref|phrasetime*bass@1*liph, cpfref|liph*upper, cpfref|liph*upperset*metaccent, "
    "cpfref|liph*bass@1*own@1*metaccent, cpfref1:1-3|metaccent*dur, cpfref1|dur*posinbar*barlength*own1@1, "
    "cpfref1|liph*phrasetime*own1@1, cpfref1|liph*bass1@1*own1@1*metaccent, cpfref1|phrases*inphrase*own1@1, "
    "cpintabove|dur*metaccent*upperonset*own@1*above@1"
)
#: for the length of slices, and the end of the piece
DURATION = (
    "dur|metaccent, dur|metaccent*dur@1, dur|metaccent*chordonset@1, dur|inphrase*metaccent, "
    "dur|liph@1*metaccent*dur@1, dur|posinbar*barlength*dur@1, dur:3, dur:4|posinbar*barlength, "
    "dur:2|posinbar*metre*bar, dur:1|phrasetime*posinbar, dur|liph@1*posinbar*dur@1, "
    "dur|phrasetime*lphrase*barlength, dur|posinbar*durbar1*aligned1, dur|posinbar*durbar2*aligned2, "
    "dur|posinbar*durbar4*aligned4, dur|durrepeat*durrepeated, dur|durrepeat*posinbar, dur|chordonset@1*posinbar, "
    "dur|chordonset@1*dur@1*posinbar*chordonset@2, dur|posinbar*dur@1*dur@2*chordonset@1, "
    "dur|chordonset@1*topstep@1*posinbar*dur@1, dur|bass@1*top@1*posinbar, dur|chordset@1*posinbar*dur@1, "
    "dur|liph@1*complete*bass@1*top@1, dur|liph@1*phrases*complete, dur|liph@1*complete*events, "
    "dur|liph@1*complete*bar, dur|inphrase*chordonset@1*complete, dur|inphrase*complete*bass@1*top@1, "
    "dur|inphrase*complete*chordset@1, dur|inphrase*complete*dur@1, dur|inphrase*barofeight*complete*bass@1*top@1, "
    "dur|liph@1*phrases, dur|liph@1*phrases*bass@1*top@1, dur|phrases*inphrase, dur|phrases*inphrase*bass@1"
)
#: for the ends of phrases, which in frames are the first to know that the piece ends
PHRASE = (
    "liph|metaccent*dur, liph|phrasetime*posinbar*barlength, liph|phrasetime*lphrase*posinbar*dur, "
    "liph|phrasetime*lphrase, liph|phrasetime*dur, liph|inphrase*dur, liph|inphrase*metaccent*dur, "
    "liph|dur*bass@1*top@1*metaccent, liph|dur*bass@1*bass@2*top@1*metaccent, liph|dur*chordset@1*metaccent, "
    "liph|dur*phrasetime*topstep@1"
)
#: for the others where the top voice is given: what comes next there
AHEAD = (
    "cpint|top@-1, cpint|top@-1*top, cpint|top@-1*upper, cpint|top@-1*chord@1*top, cpint|top@-1*top@-2*top, "
    "cpint|topstep@-1*upper*lower@1, cpint|topstep@-1*topstep@-2*upper, "
    "cpint|topstep@-1*topstep@-2*topstep@-3*posinbar, "
    "cpfref|top@-1*upper, cpfref|top@-1*upper*own@1, cpfref|top@-1*top*bass@1, cpfref|top@-1*top@-2*top, "
    "cpfref|top*top@-1*top@-2*above*bass@1, cpfref|top*top@-1*top@-2*top@-3*posinbar, "
    "cpfref|topstep@-1*upperset*bass@1, "
    "cpitch|top@-1*upper, "
    "cpintabove|top@-1*upper*own@1, "
    "cpcintabove|top@-1*upperset"
)
#: short-term
SHORT = (
    "cpitch:0-1, cpitch|upper, cpitch|chord@1, cpitch|upper*chord@1, cpitch|chord@1*chord@2*upper, "
    "cpitch|chord@1*chord@2*chord@3*upper, cpitch|bass@1*upper, cpitch|top*top@1*top@2*top@3, cpitch1:2-6, "
    "cpitch1|bass1@1*bass1@2, cpitch|dur*metaccent*upper, cpitch|dur*chord@1*metaccent, cpitch|dur*posinbar*upper, "
    "cpitch1|dur*dur@1*own1@1*own1@2, "
    "cpint|upper, cpint|chord@1, cpint|chord@1*upper, cpint|dur*metaccent*upperonset"
)


def long_term(field: str, vocabulary: Vocabulary, given: Sequence[str]) -> str:
    """What predicts a field of events with voices; those that are `given` are known ahead. "" for unknown fields."""
    if field not in vocabulary.voices:
        return {"duration": DURATION, "phrase": PHRASE}.get(field, "")
    ahead = [AHEAD] if vocabulary.voices[0] in given else []
    return ", ".join([VOICES, TOP, HELD, *ahead])
