"""A pipeline merged, or made to forget, writes the file that fitting would write."""

import logging

import numpy as np
import pytest

import stochastic_music as sm
from stochastic_music import model_file
from stochastic_music.corpus.text import score_from_text
from stochastic_music.errors import EmptyCorpusError, ModelFileError, UnknownNameError, UsageError, VocabularyError
from stochastic_music.models.idyom import Idyom
from stochastic_music.models.multiple_viewpoint import MultipleViewpoint

BACH = ["3/4 c4 d e f2. g4 a b c'2.", "4/4 c4 d e c d e f2 e4 d c2", "2/4 e4 d c2"]
BLUES = ["4/4 c8 e- f f# g4 r4 b- g f e- c1", "4/4 g8 b- c'4 b-8 g f4 e-8 c c2. r4"]
KINDS = {
    "markov": sm.Markov,
    "ppm": lambda: sm.PPM(order_bound=2),
    "unbounded": lambda: sm.PPM(order_bound=None),
    "online": sm.OnlinePPM,
    "idyom": lambda: Idyom("cpint*dur,cpitch"),
    "stm": sm.STM,
    "viewpoints": lambda: MultipleViewpoint("cpint:1,dur:1", "none"),
}


def corpus_of(tunes, source, licence):
    return sm.Corpus.from_scores([score_from_text(tune) for tune in tunes], source=source, licence=licence)


A = corpus_of(BACH, "bach", "public domain")
B = corpus_of(BLUES, "blues", "CC BY 4.0")


def fitted(kind, corpus, *, transpose="common"):
    return sm.Pipeline(sm.MelodyEncoding(), KINDS[kind](), transpose=transpose).fit(corpus)


def written(pipeline, *, sources=True):
    return model_file.dumps(*pipeline.contents(sources=sources))


def without_sources(pipeline, path):
    pipeline.save(path, sources=False)
    return sm.Pipeline.load(path)


@pytest.mark.parametrize(
    ("kind", "transpose"), [*((kind, "common") for kind in KINDS), ("markov", "none"), ("ppm", "all")]
)
def test_the_file_is_that_of_one_fitted_so(kind, transpose):
    one, other, both = (fitted(kind, corpus, transpose=transpose) for corpus in (A, B, A + B))
    before = written(one)
    assert written(one.merge(other)) == written(both)
    assert written(both.forget(B)) == before
    assert written(one) == before


def test_learned_weights_are_learned_again(caplog):
    one, other, both = (fitted("viewpoints", corpus) for corpus in (A, B, A + B))
    merged = one.merge(other)
    assert not merged.model.stale_
    assert not caplog.records
    for name, array in both.model.to_arrays().items():
        assert merged.model.to_arrays()[name] == pytest.approx(array, abs=1e-6), name


@pytest.mark.parametrize("kind", ["markov", "ppm", "online", "idyom"])
def test_counts_add_without_sources(kind, tmp_path):
    one, other, both = (
        without_sources(fitted(kind, corpus), tmp_path / f"{i}.smm") for i, corpus in enumerate((A, B, A + B))
    )
    assert written(one.merge(other)) == written(both)
    assert written(both.forget(B)) == written(one)
    assert written(both.forget(B[0].score).forget(B[1].score)) == written(one)


def test_weights_without_sources_are_stale_and_say_so(tmp_path, caplog):
    one, other = (without_sources(fitted("viewpoints", c), tmp_path / f"{c[0].source}.smm") for c in (A, B))
    assert not caplog.records
    one.merge(other).save(tmp_path / "both.smm")
    assert "stale" in caplog.text
    caplog.clear()
    assert sm.Pipeline.load(tmp_path / "both.smm").model.stale_
    assert "stale" in caplog.text


def test_what_cannot_add_needs_sources(tmp_path):
    one = without_sources(fitted("unbounded", A), tmp_path / "a.smm")
    with pytest.raises(UsageError, match="sources"):
        one.merge(one)
    with pytest.raises(UsageError, match="sources"):
        one.forget(A[0].score)
    with pytest.raises(UsageError, match="give the music"):
        one.forget("bach#1")


def test_pieces_are_forgotten_by_name(caplog):
    both = fitted("markov", A + B)
    left = both.forget(["bach#1", "blues#2"])
    assert left.corpus_.names == ("bach#2", "bach#3", "blues#1")
    assert left.card_["n_pieces"] == 3
    assert left.forget("blues#1").card_["licences"] == ["public domain"]
    with pytest.raises(UnknownNameError, match="did you mean 'bach#1'"):
        both.forget("bach#11")
    with pytest.raises(EmptyCorpusError, match="all pieces"):
        both.forget(both.corpus_.names)


def test_a_name_that_occurs_twice_loses_all_its_pieces(caplog):
    caplog.set_level(logging.INFO)
    both = fitted("markov", A + B + A)
    left = both.forget("bach#1")
    assert len(left.corpus_) == len(both.corpus_) - 2
    assert "2 training pieces are called 'bach#1'" in caplog.text
    assert "bach#1" not in left.forget(A[1].score).corpus_.names


def test_music_that_is_not_there_names_the_nearest():
    nearly = score_from_text("3/4 c4 d e f2. g4 a b g2.")
    with pytest.raises(UsageError, match=r"never|not in the training.*nearest is 'bach#1', with 7 notes"):
        fitted("markov", A).forget(nearly)
    with pytest.raises(UsageError, match="or two of them in a row"):
        fitted("markov", A).forget(score_from_text("7/8 c32 g'32"))


def test_a_piece_of_a_corpus_is_forgotten_and_one_that_was_never_learned_is_said(caplog):
    both = fitted("markov", A + B)
    assert both.forget(A[1]).corpus_.names == ("bach#1", "bach#3", "blues#1", "blues#2")
    odd = corpus_of(["5/64 c16 d e f g"], "odd", "")
    assert "odd" not in caplog.text
    both.forget(A + odd)
    assert "Never learned, so not forgotten either: odd#1" in caplog.text


def test_what_was_made_otherwise_is_not_merged():
    one = fitted("markov", A)
    with pytest.raises(UsageError, match="transpose is 'common' in one and 'none'"):
        one.merge(fitted("markov", B, transpose="none"))
    with pytest.raises(UsageError, match="one kind of model"):
        one.merge(fitted("ppm", B))
    with pytest.raises(UsageError, match="encoding is 'melody' in one and 'notes' in the other"):
        one.merge(sm.Pipeline(sm.NotesEncoding(), sm.Markov(), transpose="common").fit(B))
    with pytest.raises(UsageError, match="grid is '1/16,1/12' in one and '1/8' in the other"):
        one.merge(sm.Pipeline(sm.MelodyEncoding(grid="1/8"), sm.Markov(), transpose="common").fit(B))
    other = sm.Pipeline(sm.MelodyEncoding(), sm.Markov())
    toy = sm.TokenCorpus.from_sequences([[0, 1]], sm.Vocabulary.plain(2))
    with pytest.raises(VocabularyError, match="field 'rest'"):
        sm.Pipeline(sm.MelodyEncoding(), sm.Markov()).fit(A).merge(other.fit_tokens(toy))


def test_alphabets_are_joined():
    def narrow(*corpora):
        wide = sm.MelodyEncoding()
        used = {symbol for corpus in corpora for piece in corpus for symbol in wide.encode(piece.score)[0].symbols}
        return sm.MelodyEncoding(alphabet=sorted(int(symbol) for symbol in used - {wide.vocabulary.end}))

    one, other = (sm.Pipeline(narrow(corpus), sm.Markov()).fit(corpus) for corpus in (A, B))
    both = sm.Pipeline(narrow(A, B), sm.Markov()).fit(A + B)
    assert written(one.merge(other)) == written(both)
    assert one.vocabulary_.alphabet != both.vocabulary_.alphabet
    mixed = sm.Pipeline.mix([one, other])
    assert mixed.encoding == both.encoding
    assert np.isfinite(mixed.score(A + B))


def test_merged_and_forgetful_pipelines_compose():
    for pipeline in (fitted("markov", A).merge(fitted("markov", B)), fitted("markov", A + B).forget("bach#2")):
        [take] = pipeline.compose(1, constraint=sm.Bars(4), seed=1)
        assert take.sample.guarantee == "exact"


def test_a_plug_in_without_counts_is_fitted_again(tmp_path):
    class Plain(sm.Markov):
        merge = forget = None

    one, other, both = (sm.Pipeline(sm.MelodyEncoding(), Plain()).fit(corpus) for corpus in (A, B, A + B))
    merged = one.merge(other)
    assert np.array_equal(merged.log_probs(both.corpus_), both.log_probs(both.corpus_))
    assert np.array_equal(both.forget(B).log_probs(one.corpus_), one.log_probs(one.corpus_))
    one.settle(one.vocabulary_, one.pieces_, None)
    with pytest.raises(UsageError, match="no sources"):
        one.merge(other)


def test_a_file_that_lacks_something_is_another_versions(tmp_path):
    meta, arrays = fitted("markov", A).contents()
    del arrays["corpus.times"]
    model_file.write(tmp_path / "old.smm", meta, arrays)
    with pytest.raises(ModelFileError, match=r"times.*another version"):
        sm.Pipeline.load(tmp_path / "old.smm")
