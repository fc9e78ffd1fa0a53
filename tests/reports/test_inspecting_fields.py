"""Inside conditional random fields: weights are the models' own, features are said right, marginals are enumerated."""

from fractions import Fraction
from itertools import pairwise, product

import numpy as np
import pytest

from stochastic_music.corpus import Corpus, LabelledPiece
from stochastic_music.corpus.piece import Piece
from stochastic_music.errors import InvalidParameterError, UsageError
from stochastic_music.io.roman_text import Harmony
from stochastic_music.models.crf import CRF, RelativeCRF
from stochastic_music.music.chords import parse_chord
from stochastic_music.music.keys import parse_key
from stochastic_music.reports.inspection import Request, inspect
from stochastic_music.reports.inspection.attributes import (
    OF_BEATS,
    OF_CHORDS,
    OF_NOTES,
    OF_SOPRANOS,
    in_words,
)
from stochastic_music.reports.inspection.fields import draw, label_weights, steps_of
from stochastic_music.reports.inspection.marginals import score_of
from stochastic_music.reports.inspection.named import Named, fields_of
from stochastic_music.tasks.chords import ChordLabeller
from stochastic_music.tasks.given.composer import CRFComposer
from stochastic_music.tasks.harmonize import Harmonizer

TONIC, DOMINANT = {"pitch_classes": (0, 4, 7), "bass": 0}, {"pitch_classes": (2, 7, 11), "bass": 7}


@pytest.fixture(scope="module")
def composer():
    tune = "4/4 c4 d e c c d e c e f g2 e4 f g2 g8 a g f e4 c"
    return CRFComposer(max_iterations=10).fit(Corpus.from_text(tune))


@pytest.mark.parametrize(
    ("attribute", "sight", "said"),
    [
        ("{pitch_classes}=0,4,7", OF_CHORDS, "root, major third, fifth sound together"),
        ("pitch_classes=10", OF_CHORDS, "minor seventh sounds"),
        ("pitch_classes=", OF_CHORDS, "nothing sounds"),
        ("bass@-1=outside", OF_CHORDS, "nothing one event before"),
        ("root*kind=7|maj", OF_CHORDS._replace(pitched={"root"}, home="tonic"), "chord on the fifth (maj)"),
        ("next_root=0", OF_CHORDS._replace(pitched={"next_root"}, home="tonic"), "next: chord on the tonic"),
        ("step=4=", OF_CHORDS, "strength 4, same chord"),
        ("bass_step=0", OF_CHORDS, "the bass stays"),
        ("metre*long=4|1", OF_CHORDS, "on the downbeat, and a quarter or longer"),
        ("place=3/4:12", OF_NOTES, "beat 2 of 3/4"),
        ("place=6/8:3", OF_NOTES, "beat 1.5 of 6/8"),
        ("place=6/8:1:18", OF_BEATS, "beat 2 of 6/8"),
        ("before*duration=|12", OF_NOTES, "nothing before, and a quarter"),
        ("duration=24", OF_NOTES._replace(quarter=24), "a quarter"),
        ("duration=5", OF_NOTES, "5/48"),
        ("chord*next_chord=9m|-", OF_NOTES, "over Am, and no other chord known"),
        ("until=4", OF_NOTES, "4 or more notes to the end of the phrase"),
        ("until=4", OF_BEATS, "4 beats to the end of the phrase"),
        ("my_feature@2=x", OF_BEATS, "my_feature is x 2 events after"),
    ],
)
def test_features_are_said_as_musicians_say_them(attribute, sight, said):
    assert in_words(attribute, sight) == said


def test_weights_of_a_field_over_labels_are_its_own():
    crf = CRF(["bass"], l2=0.1).fit([[TONIC, DOMINANT, TONIC], [DOMINANT, TONIC]], [["C", "G", "C"], ["G", "C"]])
    one = Named("chords", crf, OF_CHORDS, str)
    labels, attributes, table = label_weights(one)
    assert (labels, attributes) == (crf.labels_, crf.attributes_)
    np.testing.assert_array_equal(table, crf.state_.toarray())
    np.testing.assert_array_equal(steps_of(one)[2], crf.transitions_)
    assert one.feature("after=G") == "after G"


def test_transitions_of_a_relative_field_are_by_interval_between_roots():
    pieces = [[TONIC, DOMINANT, TONIC]] * 3
    field = RelativeCRF(min_count=1, every_root=True).fit(pieces, [["C", "G", "C"]] * 3)
    rows, columns, table = steps_of(Named("chords", field, OF_CHORDS, lambda mode: mode or "major"))
    assert rows == ["major to major"]
    assert table[0, columns.index("fifth up")] == field.weights_.move[0, 0, 7]
    assert columns[int(table[0].argmax())] in {"fifth up", "fourth up"}


def test_tables_hold_the_strongest_weights(composer):
    found = inspect(composer).to_json()
    own = {(w.label, w.feature): w.weight for w in composer.pitches_.strongest(3)}
    rows = found["tables"]["pitches_weights"]["rows"]
    assert {row["weight"] for row in rows} <= set(own.values())
    assert found["tables"]["rhythms_steps"]["rows"][0]["weight"] in composer.cells_.transitions_
    assert set(found["data"]["fields"]) == {"pitches", "rhythms"}


def test_marginals_of_pitches_are_enumerated(composer):
    score = Corpus.from_text("4/4 e4 f g2")[0].score
    _, chain = composer.over(score)
    n, k = chain.unary.shape
    weights = np.zeros((n, k))
    best = (-np.inf, ())
    for path in product(range(k), repeat=n):
        nats = sum(chain.unary[t, y] for t, y in enumerate(path))
        nats += sum(chain.pairwise[a, b] for a, b in pairwise(path))
        best = max(best, (nats, path))
        for t, y in enumerate(path):
            weights[t, y] += np.exp(nats)
    told = inspect(composer, Request(score=score)).data["marginals"]["pitches"]
    np.testing.assert_allclose(told["marginals"], weights / weights.sum(axis=1, keepdims=True), atol=1e-9)
    assert told["labels"] == [composer.pitches_.labels_[y] for y in best[1]]
    assert told["events"] == ["bar 1"] * 3


PROGRESSIONS = ["C3+E4+G4 G2+D4+B4 C3+E4+G4", "C3+E4+C5 F3+C4+A4 G3+D4+B4 C3+E4+G4"]


@pytest.fixture(scope="module")
def labeller():
    chords = {"C": parse_chord("C"), "F": parse_chord("F"), "G": parse_chord("G")}
    pieces = [
        LabelledPiece(
            Piece(score_of(text), text),
            tuple(Harmony(Fraction(i), chords[word[0]], parse_key("C")) for i, word in enumerate(text.split())),
            "a toy",
            1.0,
        )
        for text in PROGRESSIONS * 3
    ]
    return ChordLabeller(max_iterations=20).fit(pieces)


def test_a_labeller_tells_of_each_of_its_fields(labeller):
    found = inspect(labeller)
    names = [one.name for one in fields_of(labeller)]
    assert found.kind == "chord_labeller"
    assert names[:2] == ["chords", "melodies"]
    assert {f"{name}_weights" for name in names} <= {table.key for table in found.tables}
    assert len(draw(fields_of(labeller)).axes) == 2 * len(names) + 1


def test_chords_of_a_context_are_the_fields_own_marginals(labeller):
    found = inspect(labeller, Request(context="C3+E4+G4 G2+D4+B4"))
    told = found.data["marginals"]["chords"]
    assert told["labels"] == ["0 maj", "7 maj"]
    assert told["events"] == ["1.1 C3 E4 G4", "1.2 G2 D4 B4"]
    np.testing.assert_allclose(np.asarray(told["marginals"]).sum(axis=1), 1)
    assert found.to_json()["tables"]["chords_marginals"]["rows"][0]["label"] == "C maj"
    found.draw().draw_without_rendering()


def test_a_tune_is_labelled_by_the_field_for_tunes(labeller):
    assert set(inspect(labeller, Request(context="C4 D4 E4 F4")).data["marginals"]) == {"melodies"}


def test_what_cannot_be_asked_is_said(labeller, composer):
    with pytest.raises(UsageError, match="sees rhythms and chords"):
        inspect(composer, Request(context="G4"))
    with pytest.raises(UsageError, match="names no note"):
        inspect(labeller, Request(context=" "))
    with pytest.raises(InvalidParameterError, match="H4"):
        inspect(labeller, Request(context="C4+H4"))
    with pytest.raises(UsageError, match="expected one of them"):
        inspect(labeller, Request(context="C4", score=score_of("C4")))


@pytest.mark.parametrize(
    ("attribute", "said"),
    [
        ("p1*s*s1=2|0|-1", "second before, and soprano on the tonic, and no note next"),
        ("fell*rises=99|2", "no note to the one before, and +2 semitones to the next"),
        ("s*end*minor=4|5|0", "soprano on the major third, and 0 beats to the end of the piece, and in major"),
        ("end=4", "4 or more beats to the end of the phrase"),
    ],
)  # fmt: skip
def test_what_a_harmoniser_hears_of_sopranos_is_said(attribute, said):
    assert in_words(attribute, OF_SOPRANOS) == said


def test_a_harmoniser_tells_chords_as_roman_numerals():
    phrase = "C3+G3+C4+E4 F3+A3+C4+F4 G3+B3+D4+G4 C3+G3+C4+E4"
    corpus = Corpus.from_scores([four_parts(phrase, times=6)])
    harmonizer = Harmonizer().fit(corpus)
    found = inspect(harmonizer)
    labels = {row["label"] for row in found.to_json()["tables"]["chords_weights"]["rows"]}
    assert found.kind == "harmonizer"
    assert {"I", "IV", "V"} <= labels
    with pytest.raises(UsageError, match="of a harmoniser the weights are told"):
        inspect(harmonizer, Request(context="C4"))
    with pytest.raises(UsageError, match="told by 'hmm'"):
        inspect(Harmonizer(skeleton="hmm").fit(corpus))


def four_parts(words, times):
    """Chords of four notes, the bass first, a quarter each, in four tracks."""
    whole = score_of(" ".join([words] * times))
    notes = whole.tracks[0].notes
    parts = []
    for voice in range(4):
        track = whole.tracks[0].copy()
        track.notes = type(notes)(sorted(notes, key=lambda note: (note.time, note.pitch))[voice::4])
        parts.append(track)
    whole.tracks = type(whole.tracks)(parts[::-1])
    return whole
