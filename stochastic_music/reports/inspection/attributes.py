"""What a conditional random field sees, in a musician's words.

An attribute is a text such as `{pitch_classes}*bass@-1=0,4,7|5` (`models.crf.features`): a template, and a value for
each of its terms. Values of pitched terms that are seen from the root of the label are intervals: 4 is its major third.

    >>> in_words("{pitch_classes}*bass@-1=0,4,7|7", OF_CHORDS)
    'root, major third, fifth sound together, and fifth is the bass one event before'
    >>> in_words("duration=r6", OF_NOTES)
    'an eighth after a rest'
    >>> in_words("color@1=red", OF_BEATS)
    'color is red one event after'
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from fractions import Fraction
from typing import NamedTuple, TypeAlias

from stochastic_music.models.crf.features import OUTSIDE, PITCHED, Term, parse_template
from stochastic_music.models.crf.roots import ROOTS
from stochastic_music.models.harmony.melody import FAR
from stochastic_music.tokens.vocabulary import pitch_name

INTERVALS = (
    "root", "minor second", "second", "minor third", "major third", "fourth", "tritone", "fifth", "minor sixth",
    "sixth", "minor seventh", "major seventh",
)  # fmt: skip
_LENGTHS = {
    Fraction(1): "a whole note", Fraction(3, 4): "a dotted half", Fraction(1, 2): "a half",
    Fraction(3, 8): "a dotted quarter", Fraction(1, 4): "a quarter", Fraction(3, 16): "a dotted eighth",
    Fraction(1, 8): "an eighth", Fraction(1, 12): "a triplet eighth", Fraction(1, 16): "a sixteenth",
}  # fmt: skip
_MOTIONS = {".": "first", "=": "repeated", "u": "step up", "d": "step down", "U": "leap up", "D": "leap down"}
#: what is said of a value; what each value is called; or both found by a function of the value and units a quarter note
_Phrase: TypeAlias = str | Mapping[str, str] | Callable[[str, int], str]


class Sight(NamedTuple):
    """What the names of a field's features mean; `pitched` ones are intervals above the `home` of a label.

    `quarter` is units in a quarter note, where lengths are told.
    """

    phrases: Mapping[str, _Phrase]
    pitched: Collection[str] = ()
    home: str = "root"
    quarter: int = 12


def _length(value: str, quarter: int) -> str:
    """A length in units, `r` in front where a rest comes before."""
    if not value:
        return "nothing"
    length = Fraction(int(value.removeprefix("r")), 4 * quarter)
    return _LENGTHS.get(length, str(length)) + (" after a rest" if value.startswith("r") else "")


def _place(value: str, quarter: int) -> str:
    """A meter and a place: in units (`2/4:6`), or a beat and its length (`2/4:1:12`)."""
    meter, place, *beat = value.split(":")
    number = int(place) + 1 if beat else 1 + int(place) * int(meter.split("/")[1]) / (4 * quarter)
    return f"beat {number:g} of {meter}"


def _chord(value: str, _: int) -> str:
    if value == "-":
        return "no chord known"
    return f"over {ROOTS[int(value.removesuffix('m'))]}{'m' if value.endswith('m') else ''}"


def _next_chord(value: str, quarter: int) -> str:
    return "no other chord known" if value == "-" else f"{_chord(value, quarter).removeprefix('over ')} follows"


def _counted(after: str, most: int) -> Callable[[str, int], str]:
    """A count and what it is of; at `most` there may be more."""

    def said(value: str, _: int) -> str:
        return "phrases unknown" if value == "-" else f"{value}{' or more' if value == str(most) else ''} {after}"

    return said


_CHORDS: Mapping[str, _Phrase] = {
    "always": "anywhere",
    "pitch_classes": "{} sounds",
    "struck": "{} begins",
    "bass": "{} is the bass",
    "kept": "{} sounded before",
    "added": "{} is new",
    "held": "{} before, now and next",
    "passing": "{} passes",
    "left": "{} stops here",
    "gone": "{} has stopped",
    "coming": "{} comes next",
    "with_last": "{} now or before",
    "with_next": "{} now or next",
    "thickness": "{} pitch classes",
    "n_kept": "{} pitch classes kept",
    "n_both": "{} pitch classes with those before",
    "bass_step": lambda value, _: f"the bass moves by a {INTERVALS[int(value)]}" if value != "0" else "the bass stays",
    "change": {"same": "same notes", "fewer": "fewer notes", "more": "more notes", "other": "other notes"},
    "long": {"0": "shorter than a quarter", "1": "a quarter or longer"},
    "metre": {"4": "on the downbeat", "3": "in mid-bar", "2": "on a beat", "1": "between beats", "0": "off the beat"},
    "longest": "{} is the longest note",
    "first": "{} is the first note",
    "tonic": "{} is the tonic of the piece",
    "mode": "in {}",
    "end": {"first": "at the very beginning", "last": "at the very end", "inner": "inside"},
    **{f"{when}root": f"{said}chord on the {{}}" for when, said in (("", ""), ("prev_", "before: "))},
    **{f"{when}root": f"{said}chord on the {{}}" for when, said in (("next_", "next: "), ("then_", "then: "))},
    **{f"{when}kind": "({})" for when in ("", "prev_", "next_", "then_")},
    "lower_before": "{} more recent than the semitone above",
    "upper_before": "{} more recent than the semitone below",
    "lower_after": "{} sooner than the semitone above",
    "upper_after": "{} sooner than the semitone below",
    "step": lambda value, _: f"strength {value[:1]}{', same chord' if value.endswith('=') else ''}",
}
_NOTES: Mapping[str, _Phrase] = {
    "always": "anywhere",
    "duration": _length,
    "before": lambda value, quarter: f"{_length(value, quarter)} before",
    "after": lambda value, quarter: f"{_length(value, quarter)} next",
    "place": _place,
    "strength": {"0": "on the downbeat", "1": "on a beat", "2": "half a beat later", "3": "off the beat"},
    "phrase": {"0": "inside a phrase", "1": "at the end of a phrase", "-": "phrases unknown"},
    "since": _counted("notes into the phrase", 4),
    "until": _counted("notes to the end of the phrase", 4),
    "left": _counted("notes to the end", 4),
    "chord": _chord,
    "next_chord": _next_chord,
    "mode": "in {}",
}
_BEATS: Mapping[str, _Phrase] = {
    "always": "anywhere",
    "place": _place,
    "meter": "in {}",
    "bar": lambda value, _: f"bar {int(value) + 1} of four" if value != "-" else "meters change",
    "until": _counted("beats to the end of the phrase", 8),
    "left": _counted("beats to the end", 8),
    "change": {"new": "chord changes", "later": "chord changes later", "same": "chord stays", "-": "no chord known"},
}


def _degree(said: str) -> Callable[[str, int], str]:
    """A soprano note as an interval above the tonic, -1 for none."""
    return lambda value, _: said.format(_interval(value, "tonic") if value != "-1" else "no note")


def _step(said: str) -> Callable[[str, int], str]:
    """Semitones from the present soprano note, 99 for none."""
    return lambda value, _: said.format(f"{int(value):+d} semitones" if value != "99" else "no note")


def _to_end(value: str, _: int) -> str:
    final, near = divmod(int(value), FAR + 1)
    return f"{near}{' or more' if near == FAR else ''} beats to the end of {'the piece' if final else 'the phrase'}"


_SOPRANOS: Mapping[str, _Phrase] = {
    "s": _degree("soprano on the {}"),
    "s1": _degree("{} next"),
    "s2": _degree("{} after that"),
    "s3": _degree("{} third"),
    "p1": _degree("{} before"),
    "p2": _degree("{} before that"),
    "later": _degree("{} later in the beat"),
    "rises": _step("{} to the next"),
    "fell": _step("{} to the one before"),
    "height": "{} semitones above the tonic",
    "place": {"0": "on the downbeat", "1": "on a weak beat", "2": "on a strong beat", "3": "on the last beat"},
    "end": _to_end,
    "begun": {"0": "as the phrase begins", "1": "one beat into the phrase", "2": "well into the phrase"},
    "minor": {"0": "in major", "1": "in minor"},
}
#: of the fields of `tasks.chords`, of notes and beats in `tasks.given`, and of `tasks.harmonize`
OF_CHORDS, OF_NOTES, OF_BEATS = Sight(_CHORDS, PITCHED), Sight(_NOTES), Sight(_BEATS)
OF_SOPRANOS = Sight(_SOPRANOS)


def in_words(attribute: str, sight: Sight) -> str:
    """An attribute as a musician says it; see the module's article."""
    template, _, values = attribute.partition("=")
    terms, parts = parse_template(template), values.split("|")
    if len(parts) != len(terms):
        return attribute
    said = [_term(term, value, sight) for term, value in zip(terms, parts, strict=True)]
    return ", and ".join(said).replace(", and (", " (")


def _term(term: Term, value: str, sight: Sight) -> str:
    """What a term says of its value, and where."""
    where = _where(term.offset)
    if value == OUTSIDE:
        return f"nothing {where}"
    if term.name in sight.pitched:
        value = ", ".join(_interval(one, sight.home) for one in value.split(",")) if value else "nothing"
    said = _phrased(sight.phrases.get(term.name, f"{term.name} is {{}}"), value, sight.quarter)
    return f"{said.replace(' sounds', ' sound together') if term.whole else said} {where}".rstrip()


def _phrased(phrase: _Phrase, value: str, quarter: int) -> str:
    if isinstance(phrase, str):
        return phrase.format(value)
    return phrase.get(value, value) if isinstance(phrase, Mapping) else phrase(value, quarter)


def _interval(value: str, home: str) -> str:
    if not value.isdigit():
        return value
    return home if int(value) % 12 == 0 else INTERVALS[int(value) % 12]


def _where(offset: int) -> str:
    """An offset in words.

    >>> _where(0), _where(-1), _where(2)
    ('', 'one event before', '2 events after')
    """
    if not offset:
        return ""
    many = "one event" if abs(offset) == 1 else f"{abs(offset)} events"
    return f"{many} {'before' if offset < 0 else 'after'}"


def chord_in_words(label: str) -> str:
    """A label with a root, or its mode alone.

    >>> chord_in_words("7 maj"), chord_in_words(" min7"), chord_in_words("9 minor")
    ('G maj', 'min7', 'A minor')
    """
    root, _, mode = label.partition(" ")
    return f"{ROOTS[int(root)]} {mode}" if root.isdigit() else mode or label


def note_in_words(label: str) -> str:
    """A pitch and how it was reached (`tasks.given.lines`).

    >>> note_in_words("67U")
    'G4 (leap up)'
    """
    return f"{pitch_name(int(label[:-1]))} ({_MOTIONS[label[-1]]})"


def cell_in_words(label: str, quarter: int = 12) -> str:
    """A beat's rhythm (`tasks.given.cells`) in parts of a whole note: `~` ties, `r` rests.

    >>> cell_in_words("~6 n6"), cell_in_words("r12")
    ('~1/8 1/8', 'r1/4')
    """
    parts = [(part.rstrip("0123456789"), int(part.lstrip("n~r"))) for part in label.split()]
    return " ".join(f"{sign.replace('n', '')}{Fraction(units, 4 * quarter)}" for sign, units in parts)
