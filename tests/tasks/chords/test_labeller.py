"""The chord labeller: on toys whose answer is known, and on chorales that others have analysed."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from symusic import Note, Score, TimeSignature, Track

from stochastic_music import model_file
from stochastic_music.corpus import Corpus, LabelledPiece
from stochastic_music.corpus.piece import Piece
from stochastic_music.errors import (
    EmptyCorpusError,
    EncodingError,
    InvalidParameterError,
    ModelFileError,
    NotFittedError,
)
from stochastic_music.io.roman_text import Harmony
from stochastic_music.music import keys
from stochastic_music.music.chords import parse_chord
from stochastic_music.music.keys import parse_key
from stochastic_music.tasks.chords import ChordLabeller, cross_validated, measured
from stochastic_music.tasks.chords.events import events

PROGRESSIONS = ["C F G C", "Am Dm E Am", "C Am Dm G7 C", "F C G7 C", "Am F Bdim E7 Am", "C Em F G C", "C G7/B C F G7 C"]


def hymn(symbols: str, up: int = 0, *, key: str = "", passing: bool = False, broken: bool = False) -> Score:
    """A half note a chord, in four parts or broken into quavers; `passing` puts a foreign note on an upper off-beat."""
    score = Score(480)
    score.time_signatures.append(TimeSignature(0, 4, 4))
    if key:
        keys.mark_key(score, parse_key(key))
    notes: list[Note] = []
    for i, symbol in enumerate(symbols.split()):
        chord = parse_chord(symbol)
        assert chord is not None
        pitches = [36 + (chord.lowest + up) % 12, *(60 + (p + up) % 12 for p in chord.pitch_classes[:4])]
        start = 960 * i
        if broken:
            notes += [Note(start + 240 * j, 240, pitches[j % len(pitches)], 80) for j in range(4)]
        else:
            notes += [Note(start, 960, p, 80) for p in pitches]
            if passing:
                notes.append(Note(start + 720, 240, pitches[1] + 2, 80))
    score.tracks.append(Track("piano", notes=notes))
    return score


def labelled(symbols: str, up: int = 0, key: str = "C") -> LabelledPiece:
    found = [parse_chord(symbol) for symbol in symbols.split()]
    home = keys.transposed_key(parse_key(key), up)
    harmonies = tuple(Harmony(Fraction(2 * i), c and c.transposed(up), home) for i, c in enumerate(found))
    return LabelledPiece(Piece(hymn(symbols, up), symbols), harmonies, "a toy", 1.0)


TOYS = [labelled(p, up, "Am" if p.startswith("Am") else "C") for p in PROGRESSIONS for up in (0, 5)]


@pytest.fixture(scope="module")
def toy() -> ChordLabeller:
    return ChordLabeller(l2=0.5, key_l2=0.5, melody_l2=0.5).fit(TOYS)


@pytest.mark.parametrize("up", [0, 1, 6, 10])
def test_chords_are_told_in_keys_never_trained_on(toy: ChordLabeller, up: int) -> None:
    found = toy.label(hymn("C F G7/B C", up))
    assert [span.chord.transposed(-up).symbol() for span in found.chords] == ["C", "F", "G7/B", "C"]
    assert [span.numeral for span in found.chords] == ["I", "IV", "V65", "I"]
    assert [(span.onset, span.length) for span in found.chords] == [(0, 2), (2, 2), (4, 2), (6, 2)]
    assert all(0.5 < span.confidence <= 1 for span in found.chords)


def test_minor_is_minor(toy: ChordLabeller) -> None:
    found = toy.label(hymn("Am Dm E Am", 2))
    assert [str(span.key) for span in found.chords] == ["Bm"] * 4
    assert [span.numeral for span in found.chords] == ["i", "iv", "V", "i"]


def test_passing_notes_belong_to_their_chord(toy: ChordLabeller) -> None:
    found = toy.label(hymn("C F G C", passing=True))
    assert [span.chord.symbol() for span in found.chords] == ["C", "F", "G", "C"]


def test_broken_chords_are_heard_by_the_beat_or_half_bar(toy: ChordLabeller) -> None:
    found = toy.label(hymn("C F G C Am Dm G C", broken=True))
    assert found.texture in ("beats", "bars")
    assert [span.chord.symbol() for span in found.chords] == ["C", "F", "G", "C", "Am", "Dm", "G", "C"]
    assert "few notes sound at once" in found.remarks[0]


def test_a_melody_gets_chords_that_go_with_it(toy: ChordLabeller, tune) -> None:
    found = toy.label(tune([(i, 1, p) for i, p in enumerate((60, 64, 67, 64, 65, 69, 67, 71, 72, 72, 72, 72))]))
    assert found.texture == "melody"
    assert "one note sounds at a time" in found.remarks[0]
    assert found.chords[-1].numeral == "I"
    assert all(span.chord.bass is None for span in found.chords)


def test_lead_sheets_teach_melodies(tune) -> None:
    """Melodies with chord symbols alone: what is learned from them is told of others."""
    lines = ["C F G7 C", "F C G7 C", "C G7 C F", "G7 C F C"] * 2
    pieces = []
    for text in lines:
        chords = [parse_chord(symbol) for symbol in text.split()]
        notes = [
            (2 * i + j / 2, 0.5, 60 + pitch)
            for i, c in enumerate(chords)
            if c is not None
            for j, pitch in enumerate(c.pitch_classes[k] for k in (0, 1, 0, 0))
        ]
        harmonies = tuple(Harmony(Fraction(2 * i), c) for i, c in enumerate(chords))
        pieces.append(LabelledPiece(Piece(tune(notes), text), harmonies, "chord symbols in the score", 1.0))
    model = ChordLabeller(melody_l2=0.5).fit(pieces[:6])
    found = model.label(pieces[6].piece.score)
    assert found.texture == "melody"
    assert [span.chord.symbol() for span in found.chords] == ["C", "G7", "C", "F"]
    assert model.label(hymn("C F G C")).chords  # it tells something of other music, too


def test_music_without_a_tonal_centre_is_remarked_on(toy: ChordLabeller) -> None:
    rng = np.random.default_rng(0)
    score = Score(480)
    rows = [(i, p) for i in range(48) for p in rng.choice(np.arange(48, 84), 4, replace=False).tolist()]
    score.tracks.append(Track(notes=[Note(480 * i, 480, p, 80) for i, p in rows]))
    found = toy.label(score)
    assert any("no clear tonal centre" in remark for remark in found.remarks)
    assert any("of what sounds" in remark for remark in found.remarks)
    assert toy.label(hymn("C F G C", key="C")).remarks == ()


def test_drums_and_silence_have_no_chords(toy: ChordLabeller) -> None:
    drums = Score(480)
    drums.tracks.append(Track("drums", is_drum=True, notes=[Note(0, 240, 36, 80)]))
    with pytest.raises(EncodingError, match="drums only"):
        toy.label(drums)
    with pytest.raises(EncodingError, match="no notes"):
        toy.label(Score(480))


def test_long_pieces_are_read_in_stretches(toy: ChordLabeller, monkeypatch: pytest.MonkeyPatch) -> None:
    score = hymn(" ".join(["C F G C Am Dm G7 C"] * 12))
    whole = toy.label(score)
    monkeypatch.setattr("stochastic_music.tasks.chords.labeller._STRETCH", 20)
    monkeypatch.setattr("stochastic_music.tasks.chords.labeller._LAP", 10)
    pieces = toy.label(score)
    assert [span[:4] for span in pieces.chords] == [span[:4] for span in whole.chords]
    assert [span.confidence for span in pieces.chords] == pytest.approx([s.confidence for s in whole.chords], abs=1e-3)


def test_one_chord_is_a_piece(toy: ChordLabeller) -> None:
    assert [span.numeral for span in toy.label(hymn("C")).chords] == ["I"]


def test_a_labeller_comes_back_from_its_file(toy: ChordLabeller, tmp_path) -> None:
    path = toy.save(tmp_path / "toy.smm")
    again = ChordLabeller.load(path)
    assert again.label(hymn("C F G C")) == toy.label(hymn("C F G C"))
    assert again.card_ == toy.card_
    model_file.write(tmp_path / "other.smm", {"task": "compose", "version": "0"}, {})
    with pytest.raises(ModelFileError):
        ChordLabeller.load(tmp_path / "other.smm")


def test_equal_pieces_give_equal_bytes(toy: ChordLabeller) -> None:
    again = ChordLabeller(l2=0.5, key_l2=0.5, melody_l2=0.5).fit(TOYS)
    assert model_file.dumps(*again.contents()) == model_file.dumps(*toy.contents())


def test_labels_without_keys_leave_the_key_to_the_piece() -> None:
    bare = [piece._replace(harmonies=tuple(h._replace(key=None) for h in piece.harmonies)) for piece in TOYS]
    model = ChordLabeller(l2=0.5).fit(bare)
    assert model.keys_ is None
    found = model.label(hymn("C F G C", key="C"))
    assert {str(span.key) for span in found.chords} == {"C"}
    assert cross_validated(model, bare, folds=3).key is None


def test_rare_qualities_are_learned_as_simpler_ones(toy: ChordLabeller) -> None:
    # ten sevenths are enough for a label of their own, two diminished triads are not
    assert {label.partition(" ")[2] for label in toy.chords_.labels_} == {"maj", "min", "7"}


def test_bad_requests() -> None:
    with pytest.raises(NotFittedError):
        ChordLabeller().label(hymn("C"))
    with pytest.raises(EmptyCorpusError):
        ChordLabeller().fit([])
    with pytest.raises(EmptyCorpusError):
        ChordLabeller().fit([TOYS[0]._replace(harmonies=(Harmony(Fraction(0), None),))])
    with pytest.raises(InvalidParameterError, match="two labelled pieces"):
        cross_validated(ChordLabeller(), TOYS[:1])


def test_no_chord_is_no_label() -> None:
    first = TOYS[0]
    silent = first._replace(harmonies=(Harmony(Fraction(0), None), *first.harmonies[1:]))
    model = ChordLabeller(l2=0.5).fit([silent, *TOYS[1:]])
    assert model.card_["n_events"] == sum(len(events(p.piece.score).slices) for p in TOYS) - 1


# Real music


def test_the_built_in_analyses_fit_their_scores(chorales: list[LabelledPiece]) -> None:
    assert len(chorales) == 19
    assert min(piece.fit for piece in chorales) > 0.88
    moved = {piece.piece.name: piece.remarks[0] for piece in chorales if piece.remarks}
    assert set(moved) == {"bwv145.5.mxl", "bwv184.5.mxl"}
    assert "moved by 2 semitones" in moved["bwv145.5.mxl"]
    [first] = [piece for piece in chorales if piece.piece.name == "bwv269.mxl"]
    assert [str(h.chord and h.chord.symbol(h.key)) for h in first.harmonies[:4]] == ["G", "C/E", "D/F#", "G"]
    assert all("Tymoczko" in piece.piece.licence for piece in chorales)


def test_chorales_never_heard_are_told_as_their_analysts_did(chorales: list[LabelledPiece]) -> None:
    held = [piece for piece in chorales if piece.piece.name in ("bwv269.mxl", "bwv347.mxl", "bwv302.mxl")]
    model = ChordLabeller().fit([piece for piece in chorales if piece not in held])
    figures = measured(model, held)
    assert figures.chord > 0.88
    assert figures.chord_by_time > 0.88
    assert figures.root > 0.92
    assert figures.key is not None
    assert figures.key > 0.8
    found = model.label(next(p.piece.score for p in held if p.piece.name == "bwv269.mxl"))
    assert [span.numeral for span in found.chords[:4]] == ["I", "IV6", "V6", "I"]
    assert (found.place(found.chords[0]), str(found.chords[0].key)) == ((0, Fraction(3)), "G")
    assert [span.numeral for span in found.chords[-3:]] == ["V", "V7", "I"]
    assert len(found.chords) < 1.2 * 59  # the analyst has 59


def test_the_model_of_the_analyses_is_fitted_once(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("STOCHASTIC_MUSIC_CACHE", str(tmp_path / "cache"))
    said: list[str] = []
    monkeypatch.setattr("stochastic_music.tasks.chords.labeller.label_pieces", lambda *_, **__: (TOYS, []))
    monkeypatch.setattr(Corpus, "builtin", lambda *_, **__: None)
    first, checksum = ChordLabeller.of_analyses(say=said.append)
    second, again = ChordLabeller.of_analyses(say=said.append)
    assert len(said) == 1
    assert checksum == again
    assert first.label(hymn("C F G C")) == second.label(hymn("C F G C"))
