from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stochastic_music.errors import InvalidParameterError
from stochastic_music.music.chords import (
    QUALITIES,
    Chord,
    applied_key,
    best_chord,
    chord,
    parse_chart,
    parse_chord,
    parse_roman,
    roman,
)
from stochastic_music.music.keys import Key, parse_key

#: symbol -> notes from the root up, counted by hand on a keyboard
NOTES = {
    "C": (0, 4, 7),
    "Am": (9, 0, 4),
    "F#dim": (6, 9, 0),
    "Caug": (0, 4, 8),
    "G7": (7, 11, 2, 5),
    "Fmaj7": (5, 9, 0, 4),
    "Dm7": (2, 5, 9, 0),
    "Bm7b5": (11, 2, 5, 9),
    "G#dim7": (8, 11, 2, 5),
    "Am(maj7)": (9, 0, 4, 8),
    "C6": (0, 4, 7, 9),
    "Dm6": (2, 5, 9, 11),
    "Dsus2": (2, 4, 9),
    "Dsus4": (2, 7, 9),
    "D7sus4": (2, 7, 9, 0),
    "G7#5": (7, 11, 3, 5),
    "D7b5": (2, 6, 8, 0),
    "G9": (7, 11, 2, 5, 9),
    "Eb5": (3, 10),
    "E7b9": (4, 8, 11, 2, 5),
}
seventh_chords_and_triads = (
    "maj",
    "min",
    "dim",
    "aug",
    "7",
    "maj7",
    "min7",
    "hdim7",
    "dim7",
    "minmaj7",
    "aug7",
    "augmaj7",
)
keys = st.builds(Key, st.integers(-7, 7), st.sampled_from(["major", "minor"]))


@st.composite
def chords(draw: st.DrawFn, qualities: tuple[str, ...] = QUALITIES, *, slash: bool = True) -> Chord:
    plain = chord(draw(st.integers(0, 11)), draw(st.sampled_from(qualities)))
    basses = st.integers(0, 11) if slash else st.sampled_from(plain.pitch_classes)
    return chord(plain.root, plain.quality, draw(st.none() | basses))


@pytest.mark.parametrize(("text", "notes"), NOTES.items())
def test_symbols_mean_these_notes(text: str, notes: tuple[int, ...]) -> None:
    found = parse_chord(text)
    assert found is not None
    assert found.pitch_classes == notes


SAME = """A-=Am Bbmin7=Bbm7 B♭=Bb Cø=Cm7b5 C°7=Cdim7 C+=Caug CM7=Cmaj7 CΔ=Cmaj7 Csus=Csus4 C/C=C C69/E=C6/9/E
    Cm(b5)=Cdim C7(b9)=C7b9 CMaj7=Cmaj7"""


@pytest.mark.parametrize("pair", SAME.split())
def test_other_spellings(pair: str) -> None:
    text, same = pair.split("=")
    assert parse_chord(text) == parse_chord(same) is not None


@pytest.mark.parametrize("text", ["AMIN", "H", "c", "C/H", "", "Cfoo", "C7b", "C/", "C E"])
def test_what_is_no_chord_symbol(text: str) -> None:
    with pytest.raises(InvalidParameterError, match="no chord symbol"):
        parse_chord(text)


@pytest.mark.parametrize("text", ["N.C.", "NC", "n.c.", "No chord"])
def test_no_chord(text: str) -> None:
    assert parse_chord(text) is None


@given(chords(), keys)
def test_a_symbol_in_any_key_is_read_back(value: Chord, key: Key) -> None:
    assert parse_chord(value.symbol(key)) == value


SPELLED = {
    "C": "Bb Db C#dim7 Ab C/Bb F#dim7 Eb", "F#": "A#", "G": "F#dim", "E": "G#", "Am": "G#dim E7/G#", "Ab": "Eb7/Db",
    "Gb": "Cb",     "Bm": "F#7/A#", "Fm": "Db7",
}  # fmt: skip


@pytest.mark.parametrize(("key", "text"), [(key, text) for key, texts in SPELLED.items() for text in texts.split()])
def test_spelled_as_the_key_wants_it(key: str, text: str) -> None:
    found = parse_chord(text)
    assert found is not None
    assert found.symbol(parse_key(key)) == text


def test_inversions() -> None:
    assert [Chord(0, "7", bass).inversion for bass in (None, 4, 7, 10, 2)] == [0, 1, 2, 3, None]
    assert Chord(0, "7", 4).lowest == 4
    assert Chord(0, "7", 4).transposed(-3) == Chord(9, "7", 1)


def test_a_quality_that_is_none() -> None:
    with pytest.raises(InvalidParameterError, match="'mol' is no chord quality"):
        chord(0, "mol")


#: in C major and in A minor, as theory books have it
ROMANS = {
    "C": """C=I C/E=I6 C/G=I64 G7=V7 G7/B=V65 G7/D=V43 G7/F=V42 Bdim=viio Bm7b5=viiø7
        Bdim7/D=viio65 Dm7=ii7 Fmaj7=IV7 F7=IVd7 D7=V7/V D7/F#=V65/V F#dim7=viio7/V C7=V7/IV
        E7/G#=V65/vi C#dim=viio/ii Db/F=bII6 Ab=bVI Fm=iv Ab7=Ger65 D7b5/Ab=Fr43
        Caug=I+ Bb=bVII Cm=i Gsus4=Vsus4 G9=V9""",
    "Am": """Am=i A=I E7/G#=V65 G#dim7=viio7 Bm7b5/D=iiø65 G=VII F=VI C=III D=IV Em=v A7=V7/iv B7=V7/V C#dim7=viio7/iv
        Bb/D=bII6 F#m7b5=viø7 Caug/E=III+6 F#m=vi Fm=bvi Am(maj7)=imaj7 Fmaj7=VI7 C7=V7/VI""",
}


@pytest.mark.parametrize(("key", "pair"), [(key, pair) for key, pairs in ROMANS.items() for pair in pairs.split()])
def test_numerals_as_theory_books_have_them(key: str, pair: str) -> None:
    text, numeral = pair.split("=")
    found = parse_chord(text)
    assert found is not None
    assert roman(found, parse_key(key)) == numeral
    assert parse_roman(numeral, parse_key(key)) == found


def test_an_added_sixth_is_the_seventh_chord_of_its_notes() -> None:
    assert roman(Chord(0, "6"), Key(0)) == "vi65"
    assert roman(Chord(5, "min6", 2), Key(0)) == "iiø7"


def test_a_mode_is_read_by_its_third() -> None:
    assert roman(Chord(2, "maj"), parse_key("A:dorian")) == "IV"


@given(chords(seventh_chords_and_triads, slash=False), keys)
def test_numerals_are_read_back(value: Chord, key: Key) -> None:
    assert parse_roman(roman(value, key), key) == value


@given(chords(), keys)
def test_every_chord_has_a_numeral(value: Chord, key: Key) -> None:
    again = parse_roman(roman(value, key), key)
    if value.quality not in ("6", "min6"):
        assert again.root == value.root
        assert again.quality == value.quality


ROMANS_TOO = {
    "C": "V6/5=G7/B V4/2/V=D7/C vii/o7=Bm7b5 V7/V/V=A7 V[no5]=G v6=Gm/Bb V2=G7/F vii%65=Bm7b5/D V7/bVI=Eb7",
    "Am": "vii°7=G#dim7 #viio7=G#dim7 N6=Bb/D It6=F7 Cad64=Am/E",
}


@pytest.mark.parametrize(("key", "pair"), [(key, pair) for key, pairs in ROMANS_TOO.items() for pair in pairs.split()])
def test_other_spellings_of_numerals(key: str, pair: str) -> None:
    numeral, text = pair.split("=")
    assert parse_roman(numeral, parse_key(key)) == parse_chord(text)


@pytest.mark.parametrize("text", ["", "VIII", "H7", "V8", "iV", "V/", "7", "V7/x", "Vfoo"])
def test_what_is_no_numeral(text: str) -> None:
    with pytest.raises(InvalidParameterError, match="no Roman numeral"):
        parse_roman(text, Key(0))


def test_the_key_of_an_applied_chord() -> None:
    assert [str(applied_key(text, parse_key("Bb"))) for text in ("V7/V", "V7", "viio7/vi", "V6/5")] == [
        "F",
        "Bb",
        "Gm",
        "Bb",
    ]


def test_music21_reads_the_numerals_alike() -> None:
    m21 = pytest.importorskip("music21.roman")
    differences = []
    for key, root, quality in itertools.product(
        ("C", "Am", "Eb", "F#m"), range(12), ("maj", "min", "dim", "7", "min7", "hdim7", "dim7")
    ):
        value, home = chord(root, quality), parse_key(key)
        numeral = roman(value, home)
        read = m21.RomanNumeral(numeral, key.replace("b", "-") if home.mode == "major" else key[:-1].lower())
        if {p.pitchClass for p in read.pitches} != set(value.pitch_classes):
            differences.append((home.mode, numeral))
    # over these two roots it takes the natural seventh of the key for a diminished one
    assert set(differences) == {("minor", "#iv7"), ("minor", "vii7")}


def test_charts() -> None:
    bars = parse_chart("|: C | F G7/B | % :|\nAm . . N.C. ||")
    assert [[c and c.symbol() for c in bar] for bar in bars] == [
        ["C"], ["F", "G7/B"], ["F", "G7/B"], ["Am", "Am", "Am", None],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "words"), [("", "no chord"), (" | | ", "no chord"), ("C | F X", "bar 2"), ("%", "bar 1")]
)
def test_charts_that_are_none(text: str, words: str) -> None:
    with pytest.raises(InvalidParameterError, match=words):
        parse_chart(text)


FITS = [
    ((0, 4, 7), None, "C"), ((0, 4, 7), 4, "C/E"), ((7, 11, 5), 7, "G7"), ((2, 5, 9, 0), 2, "Dm7"),
    ((2, 5, 9, 0), 5, "Dm7/F"), ((11, 2, 5, 8), 8, "G#dim7"),
    ((0, 4, 8), 0, "Caug"), ((0, 5, 7), 0, "Csus4"), ((0, 4), 0, "C"), ((9, 0), 9, "Am"),
    ((0, 7), 0, "C"), ((0, 2, 4, 7), 0, "C"), ((11, 2, 5), 2, "Bdim/D"),
]  # fmt: skip


@pytest.mark.parametrize(("notes", "bass", "expected"), FITS)
def test_the_chord_that_fits_best(notes: tuple[int, ...], bass: int | None, expected: str) -> None:
    found = best_chord(notes, bass)
    assert found is not None
    assert found.symbol() == expected


def test_one_note_is_no_chord() -> None:
    assert best_chord([]) is None
    assert best_chord([4, 16], bass=4) is None


@given(chords(("maj", "min", "dim", "7", "maj7", "hdim7"), slash=False))
def test_a_whole_chord_is_found_again(value: Chord) -> None:
    assert best_chord(value.pitch_classes, value.lowest) == value


@given(st.sets(st.integers(0, 11), min_size=2, max_size=5), st.integers(0, 11))
def test_fitting_moves_with_the_notes(notes: set[int], up: int) -> None:
    bass = min(notes)
    here, there = best_chord(notes, bass), best_chord({n + up for n in notes}, bass + up)
    assert here is not None
    assert there is not None
    assert there.quality == here.quality
