"""The viewpoints that a model uses when none are named, by what is predicted.

They are meant for melodies in general, and were looked over on chorale tenors and on folk songs that no published
table uses. What reads fields that events do not have is left out, and fields without viewpoints of their own get
sequences of themselves and of whole events.
"""

from __future__ import annotations

from collections.abc import Sequence

from stochastic_music.models.viewpoints import voice_defaults
from stochastic_music.models.viewpoints.language import Term, by_voice, missing_fields, parse, resolve
from stochastic_music.tokens import Vocabulary

#: long-term, by field
LONG = {
    "pitch": (
        "cpitch, cpfref, cpint:1-5, cpfref|cpfref@2, cpfref|cpfref@1*cpfref@3, cpfref|cpfref@2*cpfref@3, "
        "cpint:1|contour@2*contour@3*contour@4*contour@5, cpfref:2|highest*lowest, cpfref:1|recentset, "
        "cpitch:1|recentset, cpint:1|firstdegree, cpfref:2|firstdegree, cpintfip:3|events, cpfref:1|events, "
        "cpintfref:3, cpitch-class:3, cpcint:1-3, cpintsecond:1, "
        "cpint|held, cpint|held*dur, "
        "repeat|repeated, repeat:1|repeated, sequence|sequenced, sequence|sequenced*cpfref@1, "
        # with the time of the note known
        "cpfref|metaccent*dur, cpfref:1-3|metaccent*dur, cpfref:1-3|dur*dur@1, cpfref:1|posinbar*barlength, "
        "cpint:1-3|metaccent*dur, "
        "bar1|aligned1*dur, bar2|aligned2*dur, bar4|aligned4*dur, bar8|aligned8*dur, "
        "bar2|aligned2*cpfref@1, bar4|aligned4*cpfref@1, bar4|repeated*sequenced, "
        # with phrases
        "cpfref:3|liph*fiph*dur, cpfref|liph*inphrase, cpfref:1|liph*inphrase, cpfref:1|liph*phrasedegree, "
        "cpintfiph:1|liph*inphrase, lastphrase|inphrase, lastphrase:1|liph, lastphrase|repeated*inphrase"
    ),
    "duration": (
        "dur, dur:3|posinbar*barlength, dur:2|posinbar*metre*bar, durend:2|posinbar*metre, "
        "dur|posinbar*durbar1*aligned1, dur|posinbar*durbar2*aligned2, dur|posinbar*durbar4*aligned4, "
        "dur:1|posinbar*durbar2*durbar4, dur|durrepeat*durrepeated, dur|durrepeat*posinbar, dur:1|cpint@1*posinbar, "
        "dur:1|phrasetime*posinbar, dur|phrasetime*lphrase*barlength, dur:2|inphrase"
    ),
    "rest": (
        "rest:2|endinbar*barlength, ioi:3, rest|liph@1*endinbar*barlength, rest|liph@1*dur@1, "
        "rest|liph@1*cpfref@1*dur@1, rest|liph@1*bar*metre, rest|liph@1*phrases, rest|liph@1*barofeight*metre, "
        "rest|liph@1*endinbar*pickup*barlength, rest|liph@1*cpfref@1*bar*barlength, rest|liph@1*phrases*cpfref@1, "
        "rest|liph@1*events, rest|repeated, rest|rest@1*dur@1*dur@2, "
        # what speaks for the end of the piece
        "rest|liph@1*complete*cpintfref@1, rest|liph@1*complete*phrases, rest|liph@1*complete*cpintfref@1*phrases, "
        "rest|liph@1*complete*cpintfref@1*firstdegree, rest|liph@1*complete*dur@1*cpintfref@1, "
        "rest|liph@1*complete*bar, rest|liph@1*complete*cpint@1*cpintfref@1, rest|liph@1*complete*repeated"
    ),
    "phrase": (
        "liph|dur*posinbar*barlength, liph|phrasetime*posinbar*barlength, liph|phrasetime*lphrase, "
        "liph|phrasetime*dur, liph|inphrase*dur, liph|dur*dur@1*dur@2, liph|dur*cpfref@1, "
        "liph|dur*cpint@1*posinbar, liph|liphbar2*phrasetime, liph|liphbar4*phrasetime, "
        "liph|bar*posinbar*metre, liph|inphrase*metaccent*dur, liph|dur*cpfref@1*cpfref@2*phrasetime"
    ),
}
#: short-term, by field
SHORT = {
    "pitch": (
        "cpitch, cpint:0-6, cpitch|dur, cpitch:1|dur*dur@1, cpitch:2|dur, cpitch:1|posinbar, cpint:1-3|dur, "
        "cpitch:2|liph"
    ),
    "duration": "dur:4, dur|posinbar, dur:2|posinbar, dur|phrasetime, dur:2|cpitch@1",
    "rest": "rest|endinbar, rest|liph@1",
    "phrase": "liph|phrasetime, liph|inphrase, liph|dur, liph|dur*posinbar",
}


def default_terms(
    field: str, vocabulary: Vocabulary, order: int, *, given: Sequence[str] = (), short: bool = False
) -> list[Term]:
    """The terms that predict `field`, those that the vocabulary can show; `given` fields are known ahead."""
    text = (SHORT if short else LONG).get(field) or _plain(field, vocabulary)
    if vocabulary.voices:
        ours = voice_defaults.SHORT if field in vocabulary.voices else ""
        text = (ours if short else voice_defaults.long_term(field, vocabulary, given)) or text
    terms: dict[Term, None] = {}
    for part in text.split(","):
        for one in by_voice(part.strip(), vocabulary):
            if _readable(one, vocabulary):
                terms.update(dict.fromkeys(parse(one, order, vocabulary)))
    return [term for term in terms if resolve(term.target, vocabulary).field == field]


def _plain(field: str, vocabulary: Vocabulary) -> str:
    """Sequences of the field, of whole events, and of the field joined with each other one."""
    others = [other.name for other in vocabulary.fields if other.name != field]
    links = [f"{field}*{other}:2" for other in others]
    return ",".join([field, *links, "*".join([field, *others])])


def _readable(part: str, vocabulary: Vocabulary) -> bool:
    chain, _, given = part.partition("|")
    names = [*chain.partition(":")[0].split("*"), *(item.partition("@")[0] for item in given.split("*") if item)]
    return not any(missing_fields(resolve(name, vocabulary), vocabulary) for name in names)
