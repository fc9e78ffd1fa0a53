"""Which notes are meant by a name: one pitch, one pitch class, or a step of the key.

60, "C4", "Bb3"       one pitch: a MIDI number, or a name with its octave, C4 being 60
"C", "F#"             a pitch class: that note in any octave
"tonic", "dominant"   a step of the piece's key: tonic, supertonic, mediant, subdominant, dominant, submediant, and
                      the leading tone, a semitone under the tonic
"^3", "^b6", "^#4"    a step of the key by its number, 1 to 7, lowered or raised by a semitone
"""

from __future__ import annotations

import re

import numpy as np

from stochastic_music.errors import InvalidParameterError, UsageError
from stochastic_music.music.keys import Key, parse_key
from stochastic_music.protocols import BoolArray
from stochastic_music.tokens import Header, Vocabulary, pitch_name, pitch_number

#: MIDI numbers
N_PITCHES = 128
_STEPS = ("tonic", "supertonic", "mediant", "subdominant", "dominant", "submediant")
_LEADING = ("leading tone", "leading note")
_BY_NUMBER = re.compile(r"\^([#b]?)([1-7])")
_FIFTHS = "FCGDAEB"
_CLASS = re.compile(r"([A-Ga-g])(#{0,2}|b{0,2})")


def normal(name: int | str) -> str:
    """A name in its usual spelling; raises InvalidParameterError for one that names no note.

    >>> normal(60), normal("a#"), normal(" ^b3 "), normal("Dominant")
    ('C4', 'Bb', '^b3', 'dominant')
    """
    text = str(name).strip()
    if _BY_NUMBER.fullmatch(text) or text.lower() in (*_STEPS, *_LEADING):
        return text.lower()
    if _CLASS.fullmatch(text):
        return class_name(pitch_class(text))
    try:
        return pitch_name(pitch_number(text))
    except InvalidParameterError as error:
        raise InvalidParameterError(
            f"'{name}' names no note: expected a pitch (C4, or 60), a note in any octave (C, F#), or a step of the key "
            f"({', '.join(_STEPS)}, leading tone, or ^1 to ^7)"
        ) from error


def is_step(name: str) -> bool:
    """Whether a normal name is a step, whose pitch depends on the key."""
    return name.startswith("^") or name in (*_STEPS, *_LEADING)


def pitch_class(name: int | str) -> int:
    """The pitch class, 0 to 11, that a name without octave, or a number, spells; raises InvalidParameterError.

    >>> pitch_class("F#"), pitch_class("Cb"), pitch_class(11)
    (6, 11, 11)
    """
    text = str(name).strip()
    if text.isdigit() and int(text) < 12:
        return int(text)
    match = _CLASS.fullmatch(text)
    if not match:
        raise InvalidParameterError(f"'{name}' is no note name: expected one such as C, F# or Bb, or 0 to 11")
    fifths = _FIFTHS.index(match[1].upper()) - 1
    return (7 * fifths + match[2].count("#") - match[2].count("b")) % 12


def class_name(number: int) -> str:
    """The name of a pitch class, 0 to 11.

    >>> class_name(6)
    'F#'
    """
    return pitch_name(number + 60)[:-1]


def step_class(name: str, key: Key) -> int:
    """The pitch class of a step in a key.

    >>> step_class("leading tone", parse_key("Am")), step_class("^7", parse_key("Am"))
    (8, 7)
    """
    if name in _LEADING:
        return (key.tonic - 1) % 12
    if name in _STEPS:
        return scale_of(key)[_STEPS.index(name)]
    return (scale_of(key)[int(name[-1]) - 1] + name.count("#") - name.count("b")) % 12


def scale_of(key: Key) -> tuple[int, ...]:
    """The seven pitch classes of a key, from its tonic up; minor is the natural one.

    >>> scale_of(parse_key("D:dorian"))
    (2, 4, 5, 7, 9, 11, 0)
    """
    notes = {7 * (key.sharps + fifth) % 12 for fifth in range(-1, 6)}
    return tuple(sorted(notes, key=lambda note: (note - key.tonic) % 12))


def pitches_named(name: str, header: Header | None, key: str | None, asker: object) -> BoolArray:
    """Which of the 128 pitches a normal name means: (128,).

    Steps are those of the header's key, or of `key` where it has none. Raises UsageError where neither is known, in the
    name of `asker`.
    """
    numbers = np.arange(N_PITCHES)
    if not is_step(name):
        one: BoolArray = numbers % 12 == pitch_class(name) if _CLASS.fullmatch(name) else numbers == pitch_number(name)
        return one
    known = (header.key if header else None) or key
    if known is None:
        raise UsageError(f"{asker} asks for a step of the key, and the piece's key is not known: name a note instead")
    steps: BoolArray = numbers % 12 == step_class(name, parse_key(known))
    return steps


def moved(name: str, semitones: int) -> str:
    """The same name so many semitones higher; a step stays.

    >>> moved("C4", 7), moved("Bb", 2), moved("tonic", 5)
    ('G4', 'C', 'tonic')
    """
    if is_step(name):
        return name
    if _CLASS.fullmatch(name):
        return class_name((pitch_class(name) + semitones) % 12)
    pitch = pitch_number(name) + semitones
    if not 0 <= pitch < N_PITCHES:
        raise InvalidParameterError(f"{name} moved by {semitones} semitones leaves MIDI's range")
    return pitch_name(pitch)


def line_field(vocabulary: Vocabulary, asker: object) -> str:
    """The field that a line of notes is in: `pitch`, or the voice at the top; raises UsageError where there is none."""
    if vocabulary.index("pitch") is not None:
        return "pitch"
    if vocabulary.voices:
        return vocabulary.voices[0]
    raise UsageError(f"{asker} needs a field of pitches, and this encoding has only {field_names(vocabulary)}")


def field_names(vocabulary: Vocabulary) -> str:
    """The fields, for messages."""
    return ", ".join(field.name for field in vocabulary.fields)
