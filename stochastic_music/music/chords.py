"""Chords as values: named, spelled, read from lead sheets and from Roman numerals.

    Chord(root, quality, bass)       a value; pitch classes are 0 .. 11, C = 0; `bass` is None in root position
    parse_chord("Am7/G")             a chord symbol of a lead sheet; None for "N.C.", no chord
    chord.symbol(key)                the way back, spelled for a key
    parse_chart("C | F G | C")       bars of chord symbols
    roman(chord, key)                "V6/5", "viio7", "V7/ii"
    parse_roman("V6/5", key)         the way back
    best_chord({0, 4, 7}, bass=4)    the chord that fits some sounding notes best

A quality is a name of `QUALITIES`: maj min dim aug 7 maj7 min7 hdim7 dim7 and so on. Its notes are kept as places on
the line of fifths above the root (a fifth up is +1, a major third +4, a minor third -3), which give pitch classes
(times 7, modulo 12) and spellings alike.

Roman numerals follow what RomanText [1] and music21 read: upper case for a major third, `o` diminished, `ø`
half-diminished, `+` augmented; inversions as figured bass (6, 64, 65, 43, 42). A seventh is the key's own, so `IV7`
in C major is F A C E; `d7` is a minor seventh over a major triad, `maj7` a major one. In minor keys `vi` and `vii`
stand on the raised steps, `VI` and `VII` on the natural ones. Applied chords are read in the key that the slash
names: `V7/ii`.

[1] D. Tymoczko, M. Gotham, M. S. Cuthbert, C. Ariza. The RomanText format: a flexible and standard method for
representing Roman numeral analyses. ISMIR 2019.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from stochastic_music.errors import InvalidParameterError
from stochastic_music.music.keys import Key, key_on
from stochastic_music.music.spelling import spell

_LETTERS = "FCGDAEB"
#: a step above the root -> its place on the line of fifths
_STEP = {
    "1": 0, "b9": -5, "2": 2, "#9": 9, "b3": -3, "3": 4, "4": -1, "b5": -6, "5": 1, "#5": 8, "6": 3, "bb7": -9,
    "b7": -2, "7": 5,
}  # fmt: skip


def _quality(notes: str, *names: str) -> tuple[tuple[int, ...], tuple[str, ...]]:
    return tuple(_STEP[note] for note in notes.split()), names


#: quality -> its notes from the root up, and how lead sheets spell it, the usual way first
_TABLE: dict[str, tuple[tuple[int, ...], tuple[str, ...]]] = {
    "maj": _quality("1 3 5", "", "maj", "M", "ma", "major"),
    "min": _quality("1 b3 5", "m", "min", "-", "mi", "minor"),
    "dim": _quality("1 b3 b5", "dim", "o", "°", "mb5", "m(b5)"),
    "aug": _quality("1 3 #5", "aug", "+", "(#5)"),
    "7": _quality("1 3 5 b7", "7", "dom7", "dom"),
    "maj7": _quality("1 3 5 7", "maj7", "M7", "ma7", "Δ7", "Δ", "j7", "major7"),
    "min7": _quality("1 b3 5 b7", "m7", "min7", "-7", "mi7", "minor7"),
    "hdim7": _quality("1 b3 b5 b7", "m7b5", "ø7", "ø", "min7b5", "-7b5", "hdim7", "hdim", "m7(b5)", "half-dim7", "/o7"),
    "dim7": _quality("1 b3 b5 bb7", "dim7", "o7", "°7"),
    "minmaj7": _quality("1 b3 5 7", "m(maj7)", "mM7", "mmaj7", "minmaj7", "-M7", "-Δ7", "minMaj7", "mΔ7"),
    "6": _quality("1 3 5 6", "6", "maj6", "M6"),
    "min6": _quality("1 b3 5 6", "m6", "min6", "-6"),
    "sus2": _quality("1 2 5", "sus2"),
    "sus4": _quality("1 4 5", "sus4", "sus"),
    "7sus4": _quality("1 4 5 b7", "7sus4", "7sus", "sus7"),
    "aug7": _quality("1 3 #5 b7", "7#5", "+7", "aug7", "7(#5)", "7+"),
    "augmaj7": _quality("1 3 #5 7", "maj7#5", "+M7", "augmaj7", "maj7(#5)"),
    "7b5": _quality("1 3 b5 b7", "7b5", "7(b5)"),
    "7b9": _quality("1 3 5 b7 b9", "7b9", "7(b9)"),
    "7#9": _quality("1 3 5 b7 #9", "7#9", "7(#9)"),
    "9": _quality("1 3 5 b7 2", "9", "dom9"),
    "maj9": _quality("1 3 5 7 2", "maj9", "M9", "Δ9"),
    "min9": _quality("1 b3 5 b7 2", "m9", "min9", "-9"),
    "11": _quality("1 3 5 b7 2 4", "11"),
    "min11": _quality("1 b3 5 b7 2 4", "m11", "min11", "-11"),
    "13": _quality("1 3 5 b7 2 6", "13"),
    "add9": _quality("1 3 5 2", "add9", "(add9)", "2", "add2"),
    "minadd9": _quality("1 b3 5 2", "m(add9)", "madd9", "m2"),
    "6/9": _quality("1 3 5 6 2", "6/9", "69", "6(9)"),
    "5": _quality("1 5", "5", "no3"),
}
#: every quality's name
QUALITIES = tuple(_TABLE)
#: qualities that `best_chord` tries, of chords that fit alike the first
COMMON_QUALITIES = ("maj", "min", "7", "min7", "maj7", "dim", "hdim7", "dim7", "aug", "sus4")

_BY_NAME = {name: quality for quality, (_, names) in _TABLE.items() for name in names}
_NO_CHORD = ("", "n.c.", "n.c", "nc", "no chord", "none", "tacet")
_ACCIDENTALS = str.maketrans({"♯": "#", "♭": "b", "△": "Δ", "º": "°", "–": "-", "−": "-"})
_SYMBOL = re.compile(r"([A-G])(##?|bb?|)(.*?)(?:/([A-G])(##?|bb?|))?")


class Chord(NamedTuple):
    """A root and a bass (pitch classes) with a quality; in root position `bass` is None.

    >>> parse_chord("Am7/G"), Chord(9, "min7", 7).pitch_classes, Chord(10, "maj").symbol()
    (Chord(root=9, quality='min7', bass=7), (9, 0, 4, 7), 'Bb')
    """

    root: int
    quality: str = "maj"
    bass: int | None = None

    @property
    def pitch_classes(self) -> tuple[int, ...]:
        """The notes from the root up; a bass that is none of them is left out."""
        return tuple((self.root + 7 * place) % 12 for place in _TABLE[self.quality][0])

    @property
    def lowest(self) -> int:
        """The pitch class in the bass."""
        return self.root if self.bass is None else self.bass

    @property
    def inversion(self) -> int | None:
        """Which note from the root up is in the bass, 0 in root position; None for a bass outside the chord."""
        notes = self.pitch_classes
        return notes.index(self.lowest) if self.lowest in notes else None

    @property
    def is_minor(self) -> bool:
        """Whether its third is a minor one."""
        return _STEP["b3"] in _TABLE[self.quality][0]

    @property
    def has_third(self) -> bool:
        """Whether it has a third: suspensions and bare fifths have none."""
        return bool({_STEP["b3"], _STEP["3"]} & set(_TABLE[self.quality][0]))

    def symbol(self, key: Key | None = None) -> str:
        """As lead sheets write it, spelled for `key` (C major without one): `F#dim`, `Bb7/D`."""
        return symbol(self, key)

    def spelled(self, key: Key) -> tuple[str, str]:
        """The name of the root in `key`, and what stands after it without the bass: ("Bb", "7")."""
        return _name(_root_place(self, key)), _TABLE[self.quality][1][0]

    def transposed(self, semitones: int) -> Chord:
        """The same chord, so many semitones higher."""
        bass = None if self.bass is None else (self.bass + semitones) % 12
        return Chord((self.root + semitones) % 12, self.quality, bass)


def chord(root: int, quality: str = "maj", bass: int | None = None) -> Chord:
    """A checked chord in its one form: pitch classes modulo 12, a bass that is the root as None.

    Raises InvalidParameterError for a quality that is not in `QUALITIES`.

    >>> chord(12, "7", 0)
    Chord(root=0, quality='7', bass=None)
    """
    if quality not in _TABLE:
        raise InvalidParameterError(f"'{quality}' is no chord quality; expected one of {', '.join(QUALITIES)}")
    low = None if bass is None or (bass - root) % 12 == 0 else bass % 12
    return Chord(root % 12, quality, low)


# Lead sheets


def parse_chord(text: str) -> Chord | None:
    """The chord that a lead sheet's symbol spells, None for "N.C."; raises InvalidParameterError for anything else.

    >>> parse_chord("F#dim"), parse_chord("Bb"), parse_chord("N.C.")
    (Chord(root=6, quality='dim', bass=None), Chord(root=10, quality='maj', bass=None), None)
    """
    plain = text.strip().translate(_ACCIDENTALS)
    if plain.lower() in _NO_CHORD and plain:
        return None
    match = _SYMBOL.fullmatch(plain)
    if not match:
        raise InvalidParameterError(
            f"'{text}' is no chord symbol: expected a letter A to G first, as in F#dim or Bb7/D"
        )
    quality = _named_quality(match[3])
    if quality is None:
        raise InvalidParameterError(
            f"'{text}' is no chord symbol known here: '{match[3]}' after the root is none of "
            f"{', '.join(names[0] for _, names in _TABLE.values() if names[0])}"
        )
    bass = _pitch_class(match[4], match[5]) if match[4] else None
    return chord(_pitch_class(match[1], match[2]), quality, bass)


def symbol(chord: Chord, key: Key | None = None) -> str:
    """As lead sheets write a chord, spelled for `key`: as near to the key's notes on the line of fifths as can be.

    >>> from stochastic_music.music.keys import parse_key
    >>> symbol(Chord(8), parse_key("C")), symbol(Chord(8, "dim7", 5), parse_key("Am"))
    ('Ab', 'G#dim7/F')
    """
    name = "".join(chord.spelled(key or Key(0)))
    return name if chord.bass is None else f"{name}/{_bass_name(chord, key or Key(0))}"


def transposed_symbol(text: str, semitones: int, key: Key | None = None) -> str:
    """A chord symbol so many semitones higher, spelled for `key`; a text that is none stays as it is.

    >>> transposed_symbol("Am7/G", 3), transposed_symbol("slowly", 3)
    ('Cm7/Bb', 'slowly')
    """
    try:
        found = parse_chord(text)
    except InvalidParameterError:
        return text
    return text if found is None else found.transposed(semitones).symbol(key)


def parse_chart(text: str) -> tuple[tuple[Chord | None, ...], ...]:
    """Bars of chords; the chords of a bar share it equally.

    Bars are parted by `|` or a line's end; `%` repeats the bar before, `.` or `/` the chord before. Raises
    InvalidParameterError naming the bar for a symbol that is none, and where there is no bar at all.

    >>> [[c and c.symbol() for c in bar] for bar in parse_chart("C | F . . G | % | N.C.")]
    [['C'], ['F', 'F', 'F', 'G'], ['F', 'F', 'F', 'G'], [None]]
    """
    bars: list[tuple[Chord | None, ...]] = []
    for words in (bar.strip(" :|]").split() for bar in re.split(r"\|+|\n", text)):
        if words == ["%"] and bars:
            bars.append(bars[-1])
        elif words:
            bars.append(_parse_bar(words, len(bars) + 1))
    if not bars:
        raise InvalidParameterError("the chart holds no chord; expected bars of chord symbols, as in 'C | F G | C'")
    return tuple(bars)


def _parse_bar(words: Sequence[str], number: int) -> tuple[Chord | None, ...]:
    chords: list[Chord | None] = []
    for word in words:
        if word in (".", "/") and chords:
            chords.append(chords[-1])
            continue
        try:
            chords.append(parse_chord(word))
        except InvalidParameterError as error:
            raise InvalidParameterError(f"bar {number} of the chart: {error}") from error
    return tuple(chords)


def _named_quality(text: str) -> str | None:
    """The quality that a suffix names, whatever its brackets and case of longer words."""
    tight = text.replace(" ", "").replace("^", "Δ")
    for name in (tight, tight.replace("(", "").replace(")", ""), tight.replace("Maj", "maj").replace("MAJ", "maj")):
        if name in _BY_NAME:
            return _BY_NAME[name]
    return None


def _pitch_class(letter: str, accidental: str) -> int:
    return 7 * _place(letter, accidental) % 12


def _place(letter: str, accidental: str) -> int:
    """The place of a name on the line of fifths, C = 0."""
    return _LETTERS.index(letter) - 1 + 7 * (accidental.count("#") - accidental.count("b"))


def _name(place: int) -> str:
    octaves, letter = divmod(place + 1, 7)
    return _LETTERS[letter] + ("#" * octaves if octaves > 0 else "b" * -octaves)


def _root_place(chord: Chord, key: Key) -> int:
    notes = _TABLE[chord.quality][0]
    centre = key.sharps + (3 if key.is_minor else 2)  # of the scale with its leading tone, on the line of fifths
    low = 7 * chord.root % 12
    places = [low + 12 * turn for turn in range(-2, 3)]
    allowed = [place for place in places if -9 <= place <= 13]  # a double accidental of the letter at most
    return min(allowed, key=lambda place: (abs(place + sum(notes) / len(notes) - centre), place))


def _bass_name(chord: Chord, key: Key) -> str:
    root_place = _root_place(chord, key)
    for note in _TABLE[chord.quality][0]:
        if 7 * (root_place + note) % 12 == chord.bass and -15 <= root_place + note <= 19:
            return _name(root_place + note)
    written = spell(60 + (chord.bass or 0), key.sharps, minor=key.is_minor)
    return str(written).rstrip("-0123456789")


# Roman numerals

_NUMERALS = ("I", "II", "III", "IV", "V", "VI", "VII")
_MAJOR_STEPS = (0, 2, 4, 5, 7, 9, 11)
_MINOR_STEPS = (0, 2, 3, 5, 7, 8, 10)
#: how a numeral on each semitone above the tonic is written; in minor, those in lower case stand on raised steps
_IN_MAJOR = ("I", "bII", "II", "bIII", "III", "IV", "#IV", "V", "bVI", "VI", "bVII", "VII")  # fmt: skip
_IN_MINOR = ("I", "bII", "II", "III", "#III", "IV", "#IV", "V", "VI", "#VI", "VII", "#VII")  # fmt: skip
_IN_MINOR_LOWER = ("i", "bii", "ii", "iii", "#iii", "iv", "#iv", "v", "bvi", "vi", "bvii", "vii")  # fmt: skip

#: figures of sevenths and triads by inversion
_SEVENTHS = ("7", "65", "43", "42")
_TRIADS = ("", "6", "64")
_INVERSIONS = {"": 0, "5": 0, "53": 0, "6": 1, "63": 1, "64": 2, "7": 0, "65": 1, "43": 2, "42": 3, "2": 3}
_SEVENTH_FIGURES = {"7", "65", "43", "42", "2"}
#: triad, seventh -> mark before the figure; the rest is written out after the numeral
_MARKS = {
    "maj": "", "min": "", "min7": "", "dim": "o", "dim7": "o", "hdim7": "ø", "aug": "+", "aug7": "+", "augmaj7": "+maj",
    "minmaj7": "maj",
}  # fmt: skip
_SPELLED_OUT = tuple(q for q in QUALITIES if q not in {*_MARKS, "7", "maj7", "6", "min6"})
#: qualities of chords on the steps of a key (semitones above the tonic) that no other reading explains better
_AT_HOME_MAJOR = {
    0: ("maj", "maj7"), 2: ("min", "min7"), 4: ("min", "min7"), 5: ("maj", "maj7"), 7: ("maj", "7"), 9: ("min", "min7"),
    11: ("dim", "hdim7", "dim7"),
}  # fmt: skip
_AT_HOME_MINOR = {
    0: ("min", "min7", "maj", "minmaj7"), 2: ("dim", "hdim7", "min", "min7"), 3: ("maj", "maj7", "aug", "augmaj7"),
    5: ("min", "min7", "maj", "7"), 7: ("maj", "7", "min", "min7"), 8: ("maj", "maj7"), 9: ("dim", "hdim7"),
    10: ("maj", "7"), 11: ("dim", "dim7", "hdim7"),
}  # fmt: skip
_ROMAN = re.compile(r"(##?|bb?|)(VII|VI|IV|V|III|II|I|vii|vi|iv|v|iii|ii|i|N)(.*)")
_SIXTHS = {"It": ("7", 8), "Ger": ("7", 8), "Fr": ("7b5", 2)}
_AUGMENTED_SIXTH = re.compile(r"(It|Ger|Fr)([0-9/]*)")
_FRENCH_BASS = {"43": 8, "": 8, "7": 2, "65": 6, "42": 0, "6": 8}
_GERMAN_BASS = {"65": 8, "6": 8, "": 8, "7": 6, "43": 0, "42": 3, "53": 8}


def roman(chord: Chord, key: Key) -> str:
    """The Roman numeral of a chord in a key, inversions as figured bass.

    Chords foreign to the key that are dominants of one of its steps are written as such (`V7/ii`, `viio7/V`), others by
    their step (`bII6`, `#ivø7`). Modes are read as major or minor by their third. A bass outside the chord is left out,
    as are inversions of suspensions and ninths; all else is read back by `parse_roman`.

    >>> from stochastic_music.music.keys import parse_key
    >>> [roman(parse_chord(c), parse_key("C")) for c in ("G7/B", "A7", "F#dim7/A", "Db/F", "Am7/G")]
    ['V65', 'V7/ii', 'viio65/V', 'bII6', 'vi42']
    """
    chord = _without_sixths(chord)
    step = (chord.root - key.tonic) % 12
    if chord.quality in (_AT_HOME_MINOR if key.is_minor else _AT_HOME_MAJOR).get(step, ()):
        return _plain(chord, key)
    if chord.quality == "7b5" and step == 2:
        return "Fr" + _figure(chord)
    if chord.quality == "7" and step == 8 and not chord.inversion:
        return "Ger65"
    target = _resolution(chord, key)
    if target is not None:
        return f"{_plain(chord, target[1])}/{target[0]}"
    return _plain(chord, key)


def parse_roman(text: str, key: Key) -> Chord:
    """The chord that a Roman numeral means in a key; raises InvalidParameterError for anything else.

    Reads what `roman` writes, and slashed figures (`V6/5`), `°`, `Ger65`, `It6`, `Fr43`, `N6`, `Cad64`; remarks in
    brackets (`V[no5]`) are passed over.

    >>> from stochastic_music.music.keys import parse_key
    >>> parse_roman("V6/5", parse_key("C")).symbol(), parse_roman("viio7/ii", parse_key("C")).symbol()
    ('G7/B', 'C#dim7')
    """
    tight = re.sub(r"\[.*?\]|\s", "", text.translate(_ACCIDENTALS))
    numeral, target = _split_target(tight)
    if numeral != tight:
        return _parse_numeral(numeral, _key_of(target, key, text), text)
    return _parse_numeral(numeral, key, text)


def applied_key(text: str, key: Key) -> Key:
    """The key in which the chord of a Roman numeral is heard: that of the step after the slash, else `key` itself.

    >>> from stochastic_music.music.keys import parse_key
    >>> str(applied_key("V7/ii", parse_key("C")))
    'Dm'
    """
    target = _split_target(re.sub(r"\[.*?\]|\s", "", text.translate(_ACCIDENTALS)))[1]
    return _key_of(target, key, text) if target else key


def _split_target(text: str) -> tuple[str, str]:
    """A numeral and what follows the slash that names a step; slashes within figures and before `o` are none."""
    match = re.search(r"/(?=[#b]*[IViv]|$)", text)
    return (text[: match.start()], text[match.end() :]) if match else (text, "")


def _key_of(target: str, key: Key, text: str) -> Key:
    inner, outer = _split_target(target)
    base = _key_of(outer, key, text) if outer else key
    tonic = _parse_numeral(inner, base, text)
    return key_on(tonic.root, "minor" if tonic.is_minor else "major", base)


def _parse_numeral(text: str, key: Key, whole: str) -> Chord:
    if text.startswith("Cad"):
        text = ("i" if key.is_minor else "I") + text[3:]
    if match := _AUGMENTED_SIXTH.fullmatch(text):
        quality, step = _SIXTHS[match[1]]
        figure = match[2].replace("/", "")
        basses = _FRENCH_BASS if match[1] == "Fr" else _GERMAN_BASS
        if figure in basses:
            return chord(key.tonic + step, quality, key.tonic + basses[figure])
    match = _ROMAN.fullmatch(text)
    if not match:
        raise InvalidParameterError(
            f"'{whole}' is no Roman numeral: expected I to VII or i to vii, as in V65 or viio7/V"
        )
    sign, numeral, rest = match.groups()
    if numeral == "N":
        sign, numeral = "b", "II"
    root = key.tonic + _step_of(sign, numeral, key)
    quality, inversion = _parse_rest(rest, root, numeral, key, whole)
    notes = Chord(root % 12, quality).pitch_classes
    return chord(root, quality, notes[inversion])


def _step_of(sign: str, numeral: str, key: Key) -> int:
    degree = _NUMERALS.index(numeral.upper())
    shift = sign.count("#") - sign.count("b")
    if not key.is_minor:
        return _MAJOR_STEPS[degree] + shift
    raised = degree >= 5 and numeral.islower()
    if raised and shift == 1:
        shift = 0  # a sharp that only reminds of the raised step
    return _MINOR_STEPS[degree] + raised + shift


def _parse_rest(rest: str, root: int, numeral: str, key: Key, whole: str) -> tuple[str, int]:
    """Quality and inversion from what follows a numeral."""
    lower = numeral.islower()
    for quality in _SPELLED_OUT:
        if rest == _suffix(quality) and lower == Chord(0, quality).is_minor:
            return quality, 0
    match = re.fullmatch(r"(o|°|ø|/o|%|\+|)(maj|M|d|m|)([0-9/]*)", rest)
    figure = match[3].replace("/", "") if match else "?"
    if not match or figure not in _INVERSIONS:
        raise InvalidParameterError(
            f"'{whole}' is no Roman numeral known here: '{rest}' after {numeral} makes no sense"
        )
    mark, seventh, has_seventh = match[1], match[2], figure in _SEVENTH_FIGURES
    triad = {"o": "dim", "°": "dim", "+": "aug", "": "min" if lower else "maj"}.get(mark, "hdim7")
    if not has_seventh:
        return ("dim" if triad == "hdim7" else triad), _INVERSIONS[figure]
    if triad == "maj":
        major_seventh = seventh in ("maj", "M") or (not seventh and (root + 11 - key.tonic) % 12 in _scale(key))
        return ("maj7" if major_seventh else "7"), _INVERSIONS[figure]
    sevenths = {"min": ("min7", "minmaj7"), "aug": ("aug7", "augmaj7"), "dim": ("dim7",) * 2, "hdim7": ("hdim7",) * 2}
    return sevenths[triad][seventh in ("maj", "M")], _INVERSIONS[figure]


def _scale(key: Key) -> tuple[int, ...]:
    return _MINOR_STEPS if key.is_minor else _MAJOR_STEPS


def _plain(chord: Chord, key: Key) -> str:
    """The numeral by the step of the key on which the root stands."""
    step = (chord.root - key.tonic) % 12
    if key.is_minor:
        numeral = (_IN_MINOR_LOWER if chord.is_minor else _IN_MINOR)[step]
    else:
        numeral = _IN_MAJOR[step].lower() if chord.is_minor else _IN_MAJOR[step]
    if chord.quality in _MARKS:
        return f"{numeral}{_MARKS[chord.quality]}{_figure(chord)}"
    if chord.quality in ("7", "maj7"):
        own = "maj7" if (step + 11) % 12 in _scale(key) else "7"
        mark = "" if chord.quality == own else {"7": "d", "maj7": "maj"}[chord.quality]
        return f"{numeral}{mark}{_figure(chord)}"
    return f"{numeral}{_suffix(chord.quality)}"


def _suffix(quality: str) -> str:
    """What follows the numeral for qualities without figures of their own: the case says that the third is minor."""
    return quality.removeprefix("min") if quality.startswith("min") else quality


def _figure(chord: Chord) -> str:
    figures = _SEVENTHS if len(chord.pitch_classes) == 4 else _TRIADS
    return figures[chord.inversion or 0]


def _resolution(chord: Chord, key: Key) -> tuple[str, Key] | None:
    """The step of the key whose dominant or leading-tone chord this is, as numeral and key; None where it is none."""
    up = {"maj": 5, "7": 5, "dim": 1, "dim7": 1, "hdim7": 1}.get(chord.quality)
    if up is None:
        return None
    target = (chord.root + up) % 12
    step = (target - key.tonic) % 12
    homes = (_AT_HOME_MINOR if key.is_minor else _AT_HOME_MAJOR).get(step, ("dim",))
    if step == 0 or homes[0] not in ("maj", "min"):
        return None
    goal = Chord(target, homes[0])
    return _plain(goal, key), key_on(target, "minor" if goal.is_minor else "major", key)


def _without_sixths(chord: Chord) -> Chord:
    """Chords of the added sixth as the seventh chords whose inversions they are."""
    if chord.quality in ("6", "min6"):
        quality = "min7" if chord.quality == "6" else "hdim7"
        root = (chord.root + 9) % 12
        return Chord(root, quality, None if chord.lowest == root else chord.lowest)
    return chord


# Fitting chords to notes

#: what it costs that a note of the chord, from the root up, does not sound
_MISSING = (2.0, 1.5, 0.5, 1.4)
_FOREIGN = 2.0
#: what it costs that the bass is the root, third, fifth or seventh
_INVERTED = (0.0, 0.1, 0.2, 0.3)
_FOREIGN_BASS = 0.6


def best_chord(
    pitch_classes: Iterable[int], bass: int | None = None, *, qualities: Sequence[str] = COMMON_QUALITIES
) -> Chord | None:
    """The chord that fits sounding notes best, inverted by their bass; None for less than two different notes.

    Each note outside the chord and each of its notes that does not sound has its price, a fifth's being the lowest; of
    chords that fit alike that with its root in the bass is taken, then the first of `qualities`, then the lowest root.

    >>> best_chord({0, 4, 7, 10}, bass=4), best_chord([2, 9, 6]), best_chord([0])
    (Chord(root=0, quality='7', bass=4), Chord(root=2, quality='maj', bass=None), None)
    """
    sounding = {int(p) % 12 for p in pitch_classes}
    if len(sounding) < 2:
        return None
    low = None if bass is None else bass % 12
    candidates = [Chord(root, quality) for quality in qualities for root in range(12)]
    best = min(candidates, key=lambda candidate: round(_misfit(candidate, sounding, low), 6))
    return chord(best.root, best.quality, low if low in best.pitch_classes else None)


def named_chord(pitch_classes: Iterable[int], root: int, bass: int | None = None) -> Chord | None:
    """The chord on `root` with exactly these notes, its bass perhaps besides; None where no quality has them.

    >>> named_chord([7, 11, 2, 5], 7, 11), named_chord([0, 1, 2], 0)
    (Chord(root=7, quality='7', bass=11), None)
    """
    sounding = {int(p) % 12 for p in pitch_classes}
    if len(sounding) == 7:  # some spell a thirteenth with its eleventh
        sounding -= {(root + 5) % 12}
    for quality in QUALITIES:
        notes = set(Chord(root % 12, quality).pitch_classes)
        if notes == sounding or (bass is not None and notes == sounding - {bass % 12} and bass % 12 not in notes):
            return chord(root, quality, bass)
    return None


def _misfit(candidate: Chord, sounding: set[int], bass: int | None) -> float:
    notes = candidate.pitch_classes
    prices = _MISSING if candidate.has_third else (_FOREIGN,) * 4
    missing = sum(price for note, price in zip(notes, prices, strict=False) if note not in sounding)
    foreign = _FOREIGN * len(sounding - set(notes))
    if bass is None:
        return missing + foreign
    return missing + foreign + (_INVERTED[min(notes.index(bass), 3)] if bass in notes else _FOREIGN_BASS)
