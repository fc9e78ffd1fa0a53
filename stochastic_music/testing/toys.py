"""Corpora small enough to enumerate, for tests of models and labellers.

`plain`      one field of three symbols
`two_fields` an event is a shape (2 symbols) and a color (3 symbols)
`ticking`    an event is a duration (1 or 2 units) and a pitch; the clock shows marks in bars of 2/4
`open_ended` one field of three symbols, pieces without END

With labels:

`signs`      two columns, one of them a tuple; three labels
`chords`     pitch classes and bass in two keys; two labels in each
"""

from __future__ import annotations

from stochastic_music.corpus import LabelledCorpus, TokenCorpus
from stochastic_music.tokens import Field, Header, Meter, Vocabulary


def plain() -> TokenCorpus:
    """One field of three symbols."""
    return TokenCorpus.from_sequences([[0, 1, 0, 2], [0, 1, 1, 0], [2, 0]], Vocabulary.plain(3))


def open_ended() -> TokenCorpus:
    """One field of three symbols, pieces without END."""
    return TokenCorpus.from_sequences([[0, 1, 0, 2], [0, 1, 1, 0], [2, 0]], Vocabulary.plain(3, closed=False))


def two_fields() -> TokenCorpus:
    """Events of two symbols; the last color is never seen."""
    vocabulary = Vocabulary((Field("shape", 2), Field("color", 3)))
    return TokenCorpus.from_sequences([[0, 2, 1, 3, 0, 2], [1, 3, 0, 3], [0, 2]], vocabulary)


def ticking() -> TokenCorpus:
    """Events of a duration and a pitch, over bars of 2/4 with and without a pickup of one unit."""
    vocabulary = Vocabulary(
        (Field("duration", 2, first=1, advances="later"), Field("pitch", 2, first=60)), resolution=1
    )
    header = Header(1, (Meter(0, 2, 4),))
    pickup = Header(1, (Meter(0, 2, 4),), pickup=1)
    pieces = [[0, 2, 0, 3, 1, 2], [1, 3, 0, 2, 0, 2], [0, 3, 1, 2]]
    return TokenCorpus.from_sequences(pieces, vocabulary, headers=[header, header, pickup])


def signs() -> LabelledCorpus:
    """Two columns, one of them a tuple; three labels that follow both, not always. One piece is empty."""
    first = [(0, ("a",)), (1, ("a", "b")), (2, ()), (0, ("b",))]
    second = [(1, ("b",)), (1, ("a",)), (0, ("a", "b"))]
    observations = [[{"n": n, "shapes": shapes} for n, shapes in piece] for piece in (first, second, [], [(2, ())])]
    return LabelledCorpus(observations, [["x", "y", "z", "x"], ["y", "x", "x"], [], ["z"]])


def chords() -> LabelledCorpus:
    """Tonic and dominant in C and in D, with the bass."""
    c, g, d, a = (
        {"pitch_classes": notes, "bass": bass}
        for notes, bass in (((0, 4, 7), 0), ((2, 7, 11), 7), ((2, 6, 9), 2), ((1, 4, 9), 1))
    )
    return LabelledCorpus([[c, g, c], [d, a, d], [c, c]], [["C", "G", "C"], ["D", "A", "D"], ["C", "G"]])


TOYS = {"plain": plain, "two_fields": two_fields, "ticking": ticking, "open_ended": open_ended}
LABELLED = {"signs": signs, "chords": chords}
