"""Demands that cannot be met: the error names those that clash, and how far the music can go."""

import re

import numpy as np
import pytest

from stochastic_music.constraints import (
    Around,
    At,
    Avoids,
    Bars,
    ChordTones,
    Contains,
    Contour,
    Count,
    EndsOn,
    InScale,
    Leaps,
    Length,
    Matches,
    Metre,
    Notes,
    PitchRange,
    Rests,
    Rhythm,
    Similar,
    StartsOn,
)
from stochastic_music.corpus import TokenCorpus
from stochastic_music.errors import InvalidParameterError, UnsatisfiableError, UsageError
from stochastic_music.models import Markov
from stochastic_music.sampling import sample
from stochastic_music.tokens import Field, Header, Meter, Vocabulary
from tests.constraints.kinds import symbols_of

MELODY = Vocabulary(
    (Field("rest", 3, advances="now"), Field("duration", 4, first=1, advances="later"), Field("pitch", 12, first=60)), 2
)
#: bars of two quarters, four units
HEADER = Header(2, (Meter(0, 2, 4),), key="C")
UP = symbols_of(MELODY, [(0, 2, p) for p in (60, 62, 64, 65, 67)] + [(0, 1, 65), (0, 1, 64), (0, 2, 60)])
LATE = symbols_of(MELODY, [(0, 2, 67), (1, 1, 64), (0, 2, 61), (0, 2, 60), (0, 4, 62), (0, 2, 60)])
FAST = symbols_of(MELODY, [(0, 1, 64), (0, 1, 62), (0, 2, 60), (0, 2, 66), (0, 2, 67), (0, 3, 62), (0, 1, 60)])


@pytest.fixture(scope="module")
def model():
    seen = MELODY.restrict(np.unique([*UP, *LATE, *FAST]))
    corpus = TokenCorpus.from_sequences([UP, LATE, FAST], seen, headers=[HEADER] * 3)
    return Markov(1).fit(corpus).restricted(seen)


CLASHES = [
    (PitchRange("C4", "E4"), InScale("F#,G"), "note 1"),
    (PitchRange("C4", "E4"), StartsOn("G4"), "note 1"),
    (PitchRange("C4", "E4"), EndsOn("G4"), ""),
    (PitchRange("C4", "E4"), At(2, 1, "G4"), "bar 2 beat 1"),
    (PitchRange("C4", "C#4"), ChordTones("G") & Metre(), "bar 1 beat 1"),
    (PitchRange("C4", "E4"), Contains("E4 F4"), ""),
    (PitchRange("C4", "C4"), Contour("+"), "note 2"),
    (PitchRange("C4", "E4"), Count(Notes("G"), 1), ""),
    (PitchRange("C4", "E4"), Matches(".* G4"), ""),
    (PitchRange("C4", "E4"), Around(UP, 0, 4), "bar 2 beat 2"),
    (PitchRange("C4", "E4"), Similar(UP, 0.9), "bar 2 beat 2"),
    (InScale("C"), StartsOn("F#4"), "note 1"),
    (InScale("C"), EndsOn("C#"), ""),
    (InScale("C"), At(1, 1, "F#4"), "bar 1 beat 1"),
    (InScale("C"), Contains("F4 F#4"), ""),
    (InScale("D"), Around(LATE, 4, 8), "bar 4 beat 1"),
    (InScale("G,D"), ChordTones("F | F") & Metre() & Length(4), "bar 1 beat 1|note 1"),
    (StartsOn("C4"), At(1, 1, "D4"), "bar 1 beat 1"),
    (StartsOn("C4"), Around(LATE, 4, 8), ""),
    (EndsOn("D4"), Around(UP, 4, 8), ""),
    (EndsOn("C4"), Avoids("C4"), ""),
    (At(2, 1, "C4"), At(2, 1, "D4"), "bar 2 beat 1"),
    (At(1, 1, "D4"), ChordTones("C"), "bar 1 beat 1"),
    (At(1, 1, "D4"), Around(UP, 4, 8), "bar 1 beat 1"),
    (At(1, 2, "D4"), Rhythm(symbols_of(MELODY, [(0, 4, 60)])), "bar 1 beat 1"),
    (Bars(2), At(4, 1, "C4"), "bar 3 beat 1"),
    (Bars(2), Bars(3), "bar 3 beat 1"),
    (Bars(1), Rhythm(UP), "bar 2 beat 1"),
    (Bars(3), Around(UP, 4, 8), "bar 4 beat 1"),
    (Bars(2), Count(Rests(), 20), "bar 3 beat 1"),
    (Bars(1), Length(9), "bar 2 beat 1"),
    (Bars(1), Contains("C4 D4 E4 F4 G4"), "bar 2 beat 1"),
    (Metre(), Rhythm(LATE), "note 7"),
    (Length(2), Length(3), "note 3"),
    (Length(3), Contains("C4 D4 E4 F4"), "note 4"),
    (Length(3), Rhythm(UP), "note 4"),
    (Length(2), Contour("++"), "note 3"),
    (Length(2), Matches(". . ."), "note 3"),
    (Length(1), Count(Rests(), 2), "note 2"),
    (Length(3), ~Length(3), "note 4"),
    (Length(3), Similar(UP, 0.9), ""),
    (Contour("+"), Contour("-"), "note 2"),
    (Contour("+"), Contains("D4 C4"), "note 3"),
    (Contains("C4 G4"), Avoids("G4"), ""),
    (Contains("C4 G4"), Count(Leaps(3), most=0), ""),
    (Similar(UP, 1), Avoids("F4"), ""),
]


@pytest.mark.parametrize(("one", "other", "where"), CLASHES, ids=str)
def test_demands_that_clash_are_named(model, one, other, where):
    for demand in (one, other):  # each of them could be met alone
        assert sample(model, 1, header=HEADER, constraint=demand, seed=1, max_events=64)
    with pytest.raises(UnsatisfiableError) as caught:
        sample(model, 1, header=HEADER, constraint=one & other, seed=1)
    message = str(caught.value)
    assert message.startswith(f"{one} and {str(other).replace(' & ', ' and ')} cannot be met together under 2/4")
    assert re.search(f"every continuation breaks off by ({where})" if where else "Relax one of them", message)


def test_demands_that_do_not_clash_are_left_out_of_the_error(model):
    with pytest.raises(UnsatisfiableError, match=r"^Length\(3\) and Contour\(\+\+\+\) cannot be met together"):
        sample(model, 1, header=HEADER, constraint=InScale("C") & Length(3) & PitchRange(60, 67) & Contour("+++"))


@pytest.mark.parametrize("method", ["auto", "particle", "greedy"])
def test_a_clash_is_found_where_the_product_with_the_model_is_too_large(model, method):
    everything = Bars(4) & EndsOn("C") & At(3, 1, "F#4") & InScale("C") & Avoids("E4")
    with pytest.raises(UnsatisfiableError) as caught:
        sample(model, 1, header=HEADER, constraint=everything, method=method, max_arcs=10)
    assert str(caught.value) == (
        "At(3.1=F#4) and InScale(C:major) cannot be met together under 2/4; "
        "every continuation breaks off by bar 3 beat 1. Relax one of them."
    )


def test_a_demand_that_the_model_cannot_meet_stands_alone(model):
    with pytest.raises(UnsatisfiableError, match=r"nothing this model can play meets EndsOn\(Bb\) under 2/4"):
        sample(model, 1, header=HEADER, constraint=EndsOn("Bb") & Length(3))


@pytest.mark.parametrize(
    ("constraint", "error", "message"),
    [
        (At(0, 1, "C4"), UsageError, "At(0.1=C4) asks for bar 0, the pickup, and the piece has none"),
        (At(2, 3, "C4"), UsageError, "asks for a beat that bar 2 lacks: it has beats 1 to 2"),
        (At(2, "1+1/3", "C4"), UsageError, "lies between the units of time, of which a quarter note has 2"),
        (EndsOn("mediant"), UsageError, "EndsOn(mediant) asks for a step of the key, and the piece's key is not known"),
        (Around([0, 3], 0, 4), InvalidParameterError, "not made of whole events"),
    ],
)
def test_what_a_piece_does_not_have(constraint, error, message):
    header = Header(2, (Meter(0, 2, 4),))
    with pytest.raises(error, match=re.escape(message)):
        constraint.compile(MELODY, header)
