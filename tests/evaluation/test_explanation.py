"""Explanations: bits that add up, notes where they stand, sources where they were learned."""

import math

import numpy as np
import pytest
from symusic import KeySignature

from stochastic_music.corpus import Corpus, TokenCorpus
from stochastic_music.errors import EncodingError, UsageError, VocabularyError
from stochastic_music.evaluation import explain
from stochastic_music.models import PPM, STM, Markov, Mixture, OnlinePPM
from stochastic_music.models.multiple_viewpoint import MultipleViewpoint
from stochastic_music.pipeline import Pipeline
from stochastic_music.testing.toys import TOYS
from stochastic_music.tokens import MelodyEncoding, NotesEncoding, VoicesEncoding

TUNES = """\
4/4 c4 d e c c d e c e f g2 e4 f g2 g8 a g f e4 c g8 a g f e4 c

4/4 c4 d e f g a g2 a4 b c'2 c'4 b a g f e d2 c1

3/4 g4 e c d e f g2. a4 f d e g c c2."""

MODELS = [Markov(2), PPM(), PPM(None), MultipleViewpoint(order=2), STM(), OnlinePPM(), Mixture([Markov(1), STM()])]


def fitted(model, *, transpose="none", encoding=None, text=TUNES):
    pipeline = Pipeline(encoding or MelodyEncoding(), model, transpose=transpose)
    return pipeline.fit(Corpus.from_scores([Corpus.from_text(part)[0].score for part in text.split("\n\n")]))


def all_bits(found):
    parts = [bits for note in found.notes for bits in (note.bits, *(b for _, b in note.other_bits))]
    return math.fsum([*parts, found.closing_bits])


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_everything_adds_up_to_what_the_model_says_of_the_piece(model):
    pipeline = fitted(model)
    new = Corpus.from_text("4/4 c4 d e g r e f2 g8 a g f e4 c b1")
    found = pipeline.explain(new[0].score)
    log_probs = pipeline.log_probs(pipeline.encode(new)[0])
    assert all_bits(found) == math.fsum((-log_probs / math.log(2)).tolist())
    assert found.bits == pytest.approx(-log_probs.sum() / math.log(2), rel=1e-12)
    assert len(found.notes) == 13
    for note in found.notes:
        assert 0 < note.probability <= 1
        assert note.bits == pytest.approx(-math.log2(note.probability))
        assert note.entropy >= 0
        assert [name for name, _ in note.other_bits] == ["rest", "duration", "phrase"]


@pytest.mark.parametrize("toy", TOYS)
def test_toys_add_up_too(toy):
    corpus = TOYS[toy]()
    model = Markov(1).fit(corpus)
    found = explain(model, corpus.select([0]), corpus)
    assert found.bits == pytest.approx(-model.log_prob(corpus[0], corpus.headers[0]) / math.log(2))
    assert all(note.sources[0].itself for note in found.notes)


@pytest.mark.parametrize("model", MODELS[:4], ids=lambda model: type(model).__name__)
def test_models_that_can_say_why_do(model):
    found = fitted(model).explain(Corpus.from_text("4/4 c4 d e f g1")[0].score)
    assert all(note.reasons for note in found.notes)
    assert all(0 < len(note.sources) <= 3 and note.n_sources >= len(note.sources) for note in found.notes)
    assert found.notes[0].sources[0].bar is not None
    assert not any(source.itself for note in found.notes for source in note.sources)


def test_others_give_figures_alone():
    found = fitted(STM()).explain(Corpus.from_text("4/4 c4 d e f g1")[0].score)
    assert all(note.reasons == () and note.sources == () and note.n_sources == 0 for note in found.notes)
    assert found.sources_kept


def test_notes_stand_where_they_are_printed():
    pipeline = fitted(Markov(1), transpose="common")
    score = Corpus.from_text("3/4 d4 e f# g2 a4 b2. a4 g f# e2 c# d2.")[0].score
    score.key_signatures.append(KeySignature(0, 2, 0))
    found = pipeline.explain(score)
    assert [note.name for note in found.notes[:3]] == ["D4", "E4", "F#4"]
    assert [(note.bar, note.beat, note.onset) for note in found.notes[3:6]] == [(2, 1, 3), (2, 3, 5), (3, 1, 6)]
    assert found.notes[1].reasons[0].context == "after D4; now 1/4"  # in C major: after C4
    assert [note.pitch for note in found.score.tracks[0].notes[:3]] == [62, 64, 66]
    assert found.score.key_signatures[0].key == 2


def test_a_training_piece_is_known_and_its_own_source():
    pipeline = fitted(PPM())
    score = Corpus.from_text(TUNES.split("\n\n")[1])[0].score
    found = pipeline.explain(score)
    assert found.in_training
    mine = [[source for source in note.sources if source.itself] for note in found.notes]
    assert all(len(sources) >= 1 for sources in mine)
    assert {source.piece for sources in mine for source in sources} == {"score#2"}
    assert [sources[0].bar for sources in mine[-5:]] == [note.bar for note in found.notes[-5:]]
    assert not pipeline.explain(Corpus.from_text("4/4 c4 d e d")[0].score).in_training


def test_without_training_symbols_no_sources_are_named(tmp_path):
    path = fitted(Markov(2)).save(tmp_path / "m.smm", sources=False)
    found = Pipeline.load(path).explain(Corpus.from_text("4/4 c4 d e d b-4")[0].score)
    assert not found.sources_kept
    assert all(note.reasons and note.sources == () for note in found.notes)
    assert [note.seen for note in found.notes] == [True] * 4 + [False]


def test_what_was_never_heard_is_marked():
    for model in MODELS[:4]:
        found = fitted(model).explain(Corpus.from_text("4/4 c4 f# c")[0].score)
        assert [note.seen for note in found.notes] == [True, False, True]
        assert found.notes[1].n_sources == 0


def test_one_note_and_the_impossible():
    [note] = fitted(MultipleViewpoint(order=1)).explain(Corpus.from_text("4/4 c4")[0].score).notes
    assert note.bits > 0
    found = fitted(Markov(1, "none")).explain(Corpus.from_text("4/4 c4 b")[0].score)
    assert math.isinf(found.notes[1].bits)
    assert math.isinf(found.bits)
    assert found.to_json()["bits"] is None
    assert found.to_json()["notes"][1]["reasons"][0]["nats"] is None


def test_voices_are_parts():
    encoding = VoicesEncoding(n_voices=2)
    score = Corpus.from_text("4/4 c'4 d' e'2")[0].score
    low = Corpus.from_text("4/4 c2 g")[0].score.tracks[0]
    score.tracks.append(low)
    pipeline = Pipeline(encoding, Markov(1)).fit(Corpus.from_scores([score, score]))
    found = pipeline.explain(score)
    upper, lower = found.by_part()
    assert [note.name for note in upper] == ["C5", "D5", "E5"]
    assert [(note.name, note.bar, note.beat) for note in lower] == [("C4", 1, 1), ("G4", 1, 3)]
    assert len(found.score.tracks) == 2
    log_probs = pipeline.log_probs(pipeline.encode(Corpus.from_scores([score]))[0])
    assert found.bits == pytest.approx(-log_probs.sum() / math.log(2), rel=1e-12)
    with pytest.raises(UsageError, match="reads several parts"):
        pipeline.explain(score, part=0)
    with pytest.raises(EncodingError, match="expected 2"):
        pipeline.explain(Corpus.from_text("4/4 c4")[0].score)


def test_chords_are_told_from_the_top():
    score = Corpus.from_text("4/4 c4 e g2")[0].score
    for note in Corpus.from_text("4/4 e4 g c'2")[0].score.tracks[0].notes:
        score.tracks[0].notes.append(note)
    found = fitted(Markov(1), encoding=NotesEncoding()).explain(score)
    assert [note.name for note in found.notes] == ["E4", "C4", "G4", "E4", "C5", "G4"]
    assert [note.pitch for note in found.score.tracks[0].notes] == [note.pitch for note in found.notes]


def test_a_part_is_chosen_and_what_is_left_out_is_said():
    score = Corpus.from_text("4/4 c'4 d' e'2")[0].score
    score.tracks.append(Corpus.from_text("4/4 c2 g")[0].score.tracks[0])
    pipeline = fitted(Markov(1))
    assert "1 part not encoded" in pipeline.explain(score).remarks
    assert [note.name for note in pipeline.explain(score, part=1).notes] == ["C4", "G4"]
    with pytest.raises(EncodingError, match="no part 7"):
        pipeline.explain(score, part=7)


def test_pieces_that_cannot_be_read():
    silent = Corpus.from_text("4/4 c4")[0].score
    silent.tracks[0].notes.clear()
    with pytest.raises(EncodingError, match="no notes"):
        fitted(Markov(1)).explain(silent)
    narrow = Pipeline(MelodyEncoding(), Markov(1)).fit_tokens(_narrow())
    with pytest.raises(VocabularyError, match="outside the alphabet"):
        narrow.explain(Corpus.from_text("4/4 c4 f#")[0].score)


def _narrow():
    encoding = MelodyEncoding()
    tokens, _ = Pipeline(encoding, Markov(1)).encode(Corpus.from_text("4/4 c4 d e"))
    return tokens.seen()


def test_symbols_alone_have_neither_bars_nor_names():
    corpus = TokenCorpus.from_sequences([[0, 1], [1, 0]], TOYS["plain"]().vocabulary)
    found = explain(Markov(1).fit(corpus), corpus.select([0]), corpus)
    assert [(note.name, note.bar, note.onset) for note in found.notes] == [
        ("symbol 0", None, None),
        ("symbol 1", None, None),
    ]
    assert found.notes[0].sources[0].bar is None
    assert explain(Markov(1).fit(corpus), corpus.select([0])).notes[0].seen


def test_of_many_sources_a_few_are_named():
    pipeline = fitted(Markov(0))
    note = pipeline.explain(Corpus.from_text("4/4 c4")[0].score, at_most=2).notes[0]
    assert len(note.sources) <= 2 < note.n_sources
    assert np.isfinite(note.entropy)
