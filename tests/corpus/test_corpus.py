import numpy as np
import pytest
from symusic import Note, Score, Track

from stochastic_music.corpus import Corpus, Piece, encode_corpus, open_corpora
from stochastic_music.errors import EmptyCorpusError, InvalidParameterError
from stochastic_music.music import keys, marks
from stochastic_music.tokens import MelodyEncoding


@pytest.fixture
def twenty(tune):
    return Corpus.from_scores([tune([(0, 1, 60 + i), (1, 1, 62 + i)]) for i in range(20)])


def first_pitches(corpus):
    return [int(piece.score.tracks[0].notes[0].pitch) for piece in corpus]


def test_it_is_an_immutable_sequence_of_pieces(twenty):
    assert isinstance(twenty[3], Piece)
    assert twenty[-1].name == "score#20"
    assert first_pitches(twenty[5:8]) == [65, 66, 67]
    twenty[0].score.tracks[0].notes[0].pitch = 1
    assert first_pitches(twenty)[0] == 60
    assert repr(twenty) == "Corpus(20 pieces, 40 notes, from score)"
    with pytest.raises(IndexError):
        twenty[20]


def test_scores_survive_being_held(tune):
    score = tune([(0, 1 / 3, 60), (1 / 3, 2 / 3, 64), (1, 7, 67)], meter=(5, 8))
    marks.set_pickup(score, 240)
    marks.add_phrase_ends(score, 0, [480])
    keys.mark_key(score, keys.parse_key("D:dorian"))
    held = Corpus.from_scores([score])[0].score
    assert held.tracks[0].name == "melody"
    assert [(n.time, n.duration, n.pitch) for n in held.tracks[0].notes] == [
        (n.time, n.duration, n.pitch) for n in score.tracks[0].notes
    ]
    assert marks.pickup(held) == 240
    assert marks.phrase_ends(held, 0) == [480]
    assert str(keys.key_of(held).key) == "D:dorian"
    assert [(s.numerator, s.denominator) for s in held.time_signatures] == [(5, 8)]


def test_split_is_by_piece_and_by_seed(twenty):
    train, test = twenty.split(0.25, seed=3)
    assert (len(train), len(test)) == (15, 5)
    assert sorted(first_pitches(train) + first_pitches(test)) == first_pitches(twenty)
    assert first_pitches(twenty.split(0.25, seed=3)[1]) == first_pitches(test)
    assert first_pitches(twenty.split(0.25, seed=4)[1]) != first_pitches(test)
    assert train.report.n_pieces == 15
    assert train.report.n_notes == 30


@pytest.mark.parametrize("size", [0, 1, 1.5, -0.2])
def test_split_sizes_that_make_no_sense(twenty, size):
    with pytest.raises(InvalidParameterError, match="test_size"):
        twenty.split(size)


def test_a_single_piece_cannot_be_split(twenty):
    with pytest.raises(InvalidParameterError, match="cannot be split"):
        twenty[:1].split()


def test_folds_partition_the_corpus(twenty):
    folds = twenty.folds(6, seed=1)
    assert sorted(len(test) for _, test in folds) == [3, 3, 3, 3, 4, 4]
    assert sorted(p for _, test in folds for p in first_pitches(test)) == first_pitches(twenty)
    assert all(not set(first_pitches(train)) & set(first_pitches(test)) for train, test in folds)
    with pytest.raises(InvalidParameterError, match="folds"):
        twenty.folds(21)


def test_variants_stay_in_one_fold(tune):
    melodies = np.random.default_rng(0).integers(55, 80, (8, 20))
    scores = [tune([(i, 1, int(p) + step) for i, p in enumerate(line)]) for line in melodies for step in (0, 5)]
    numbers = Corpus.from_scores(scores).fold_numbers(4, keep_variants_together=True)
    assert (numbers[::2] == numbers[1::2]).all()
    assert np.bincount(numbers).tolist() == [4, 4, 4, 4]


def test_common_key_moves_notes_and_not_drums(tune):
    score = tune([(0, 1, 62), (1, 1, 66), (2, 1, 69), (3, 1, 62)])
    keys.mark_key(score, keys.parse_key("D"))
    drums = Track(is_drum=True)
    drums.notes.append(Note(0, 480, 36, 90))
    score.tracks.append(drums)
    [piece] = Corpus.from_scores([score]).transpose("common")
    assert piece.transposed == -2
    assert [n.pitch for n in piece.score.tracks[0].notes] == [60, 64, 67, 60]
    assert piece.score.tracks[1].notes[0].pitch == 36
    assert str(keys.key_of(piece.score).key) == "C"


def test_minor_goes_to_a_minor_and_doubtful_keys_are_reported(tune):
    minor = tune([(0, 1, 64), (1, 1, 67), (2, 1, 71), (3, 1, 64)])
    keys.mark_key(minor, keys.parse_key("Em"))
    whole_tones = tune([(i, 1, 60 + 2 * i) for i in range(6)])
    common = Corpus.from_scores([minor, whole_tones]).transpose()
    assert common[0].transposed == 5
    assert common.report.keys["Am"] >= 1
    assert [doubt.piece for doubt in common.report.doubtful_keys] == ["score#2"]
    assert "Key in doubt" in common.report.summary()


def test_all_keys_are_twelve_copies(twenty):
    copies = twenty[:2].transpose("all")
    assert first_pitches(copies) == [60 + n for n in range(-5, 7)] + [61 + n for n in range(-5, 7)]
    assert [piece.transposed for piece in copies][:12] == list(range(-5, 7))
    assert copies.report.n_pieces == 24


def test_transposing_nothing_and_nonsense(twenty):
    assert twenty.transpose("none") is twenty
    with pytest.raises(InvalidParameterError, match="'common', 'none' or 'all'"):
        twenty.transpose("up")


def test_two_corpora_make_one(twenty, music_folder):
    both = open_corpora([music_folder, music_folder / "tune03.mid"], workers=1)
    assert len(both) == 13
    assert both.report.n_pieces == 13
    assert len(both + twenty) == 33


def test_no_scores():
    with pytest.raises(EmptyCorpusError):
        Corpus.from_scores([])
    with pytest.raises(EmptyCorpusError, match="no corpus is named"):
        open_corpora([])


def test_encoding_keeps_titles_and_transposition(tune):
    score = tune([(0, 1, 62), (1, 1, 66), (2, 1, 69), (3, 1, 62)])
    keys.mark_key(score, keys.parse_key("D"))
    tokens, report = encode_corpus(Corpus.from_scores([score], titles=["Air"]).transpose(), MelodyEncoding())
    assert tokens.names == ("score#1",)
    assert tokens.headers[0].title == "Air"
    assert tokens.headers[0].transposed == -2
    assert report.loss.n_notes == 4
    assert report.to_json()["encoding"] == "melody"


def test_a_piece_that_cannot_be_encoded_is_left_out_and_named(tune):
    drums = Score(480)
    track = Track(is_drum=True)
    track.notes.append(Note(0, 480, 36, 90))
    drums.tracks.append(track)
    corpus = Corpus.from_scores([drums, tune([(0, 1, 60)])])
    tokens, report = encode_corpus(corpus, MelodyEncoding(part="melody"))
    assert tokens.names == ("score#2",)
    assert [piece.file for piece in report.left_out] == ["score#1"]
    assert "score#1" in report.summary()
    with pytest.raises(EmptyCorpusError, match="encodes to nothing"):
        encode_corpus(corpus[:1], MelodyEncoding(part="melody"))
