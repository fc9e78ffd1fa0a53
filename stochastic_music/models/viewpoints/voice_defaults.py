"""The viewpoints that a model uses for pieces in several voices when none are named.

They were chosen on training and validation pieces of chorales in frames, and on slices of other chorales.
"""

from __future__ import annotations

from collections.abc import Sequence

from stochastic_music.tokens import Vocabulary

#: long-term, for every voice
VOICES = (
    "cpitch:0, cpitch|chord@1, cpitch|own@1*above, cpitch|upper, "
    "cpfref|mode, cpfref|mode*own@1*above, cpfref|upper, cpfref|chord@1, cpfref|chord@1*upper, cpfref|own@1*own@2, "
    "cpfref|own@1*own@2*own@3, cpfref|top@1*bass@1*upper, cpfref|posinbar*own@1*above, "
    "cpfref|chordclass@1*upperclass*own@1, cpfref|upperset*above, cpfref|chordset@1*upperset*own@1, "
    "cpfref|chordclass@1*chordclass@2*upperclass, cpflocal|localmode*own@1*upper, cpflocal|localmode*above, "
    "cpint:0, cpint|upper, cpint|chord@1, cpint|chord@1*upper, cpint|own@2*own@3, "
    "cpint|uppercontour*above*above@1, cpint|upper*lower@1, cpint|above*above@1*below@1, cpint|chord@1*chord@2, "
    "cpint|upperset, cpint|posinbar*own@2*above, cpintabove:0, cpintabove|upper, cpintabove|upper*tonic, "
    "cpintabove|upper*own@1, cpintabove|upper*chord@1, cpintabove|upperset*tonic, "
    "cpitch|chord@4*upper*chord@1, cpfref|chord@1*chord@2*upper"
)
#: and for the top one, which none goes before
TOP = (
    "cpitch1:1-2, cpint1:1-5, cpfref1:1-3, cpfref1|posinbar*own1@1, cpint1|posinbar*own1@2, "
    "cpfref1|bass1@1*own1@1, cpfref1|chordset1@1*own1@1, cpflocal1|localmode*own1@1*own1@2, "
    "cpint1|lower1@1*own1@2, cpfref1|chordclass1@1*own1@1, cpint1|chordcontour1@1*posinbar, "
    "cpfref1|own1@1*own1@2*bass1@1"
)
#: for the others where the top voice is given: what comes next there
AHEAD = "cpint|top@-1"
#: short-term
SHORT = (
    "cpitch:0-1, cpitch|own@1*above, cpitch|upper, cpitch|chord@1, cpitch|upper*chord@1, cpint|upper, "
    "cpint|chord@1, cpint|chord@1*upper, cpitch|chord@1*chord@2*upper, cpitch1:2-4"
)


def of_voices(vocabulary: Vocabulary, given: Sequence[str], *, short: bool) -> str:
    """What predicts voices, those that are `given` known ahead."""
    if short:
        return SHORT
    ahead = [AHEAD] if vocabulary.voices[0] in given else []
    return ", ".join([VOICES, TOP, *ahead])
