"""What notebooks show: never too much, never markup of others; and demands, in words."""

import re

import pytest
from symusic import Note, Score, Track

import stochastic_music as sm
from stochastic_music import constraints
from stochastic_music.constraints import Count, Form, Leaps
from stochastic_music.reports.pages.tables import Row
from stochastic_music.reports.showing import blocks, demands, drawn, findings, scores
from tests.reports.seen import everything, framed, read, words

TUNE = "4/4 c4 d e c  c d e c  e f g2  e4 f g2"


@pytest.fixture(scope="module")
def corpus():
    return sm.Corpus.from_text(TUNE, title="Frère Jacques")


@pytest.fixture(scope="module")
def takes(corpus):
    pipeline = sm.Pipeline(sm.MelodyEncoding(), sm.Markov(order=1)).fit(corpus)
    return pipeline.compose(2, constraint=sm.Bars(2), seed=1)


# Markup of others


def test_what_comes_from_files_is_escaped(tune):
    nasty = "<script>alert(1)</script>\"' onload=x"
    score = tune([(0, 1, 60), (1, 1, 62)])
    score.tracks[0].name = nasty
    corpus = sm.Corpus.from_scores([score], titles=[nasty], source=nasty, licence=nasty)
    for thing in (corpus, corpus[0], corpus.report, [corpus[0]]):
        markup = drawn(thing)
        for one in (markup, *framed(markup)):
            assert "<script>alert" not in one
            assert not [a for _, a in read(one).tags if "onload" in a]
        assert nasty.partition("<")[0] in everything(markup)


# Sizes


def test_a_large_corpus_is_shown_in_part(corpus):
    markup = drawn(corpus.select([0] * 10_000))
    assert "The first 10 of 10,000 pieces" in words(markup)
    assert len(markup) < 300_000


def test_a_long_list_is_shown_in_part(takes):
    markup = drawn([takes[0]] * 5000)
    [page] = framed(markup)
    assert "4,992 more of 5,000 are not shown" in words(page)
    assert len(markup) < 1_500_000


def test_a_long_score_is_shown_as_far_as_its_first_bars_go(tune):
    score = tune([(i / 2, 0.5, 60 + i % 12) for i in range(10_000)])
    [page] = framed(drawn(score))
    assert "The first 1,000 notes of 10,000 are shown, 125 bars of 1,250." in words(page)
    assert len(page) < 1_500_000


def test_many_notes_at_once_are_cut_all_the_same(tune):
    [page] = framed(drawn(tune([(0, 8, i % 128) for i in range(3000)])))
    assert "The first 1,000 notes of 3,000 are shown" in words(page)


def test_a_score_may_be_empty_or_in_other_units():
    quarters, empty = Score(480), Score(480)
    quarters.tracks.append(Track(notes=[Note(0, 480, 60, 80)]))
    for score in (empty, quarters.to("quarter"), quarters.to("second")):
        assert framed(drawn(score))


def test_a_table_says_how_many_rows_it_has():
    markup = blocks.rows("Notes", ["A", "B"], [Row("x", ["1"])] * 50)
    assert "Notes (the first 40 of 50)" in words(markup)
    assert blocks.rows("Notes", ["A", "B"], []) == blocks.listed([]) == blocks.facts([("a", None)]) == ""


# Words


def test_every_constraint_of_ours_has_words():
    kinds = {getattr(constraints, name) for name in constraints.__all__}
    ours = {kind for kind in kinds if isinstance(kind, type) and issubclass(kind, constraints.Joinable)}
    assert ours - {constraints.Joinable} == set(demands._WORDS)


def test_demands_are_told_in_words():
    told = {
        sm.EndsOn("tonic", "G4"): "the last note is the tonic or G4",
        sm.At(3, 1.5, "A"): "in bar 3, on beat 1+1/2, begins A",
        sm.At(0, 4, "^5"): "in the pickup, on beat 4, begins step 5 of the key",
        sm.Length(8): "exactly 8 notes",
        sm.Length(4, 8): "4 to 8 notes",
        sm.Contains("C4 E4", by="interval"): "the motif C4 E4 comes somewhere, at any pitch",
        ~sm.Contains("C4 E4"): "the motif C4 E4 comes nowhere, at this pitch",
        Count(Leaps(5), most=2): "at most 2 leaps of 5 semitones or more",
        sm.ChordTones("C | F G"): "what begins on a beat belongs to the chord there: C | F G",
        sm.Metre(): "the music stops on a bar line, and a note begins on every downbeat",
        Form("A:4 B:2 A':4"): "the form A B A', 10 bars",
    }
    for constraint, said in told.items():
        assert said in demands.in_words(constraint)


def test_a_demand_of_someone_else_is_told_by_its_docstring():
    class Quiet(constraints.Joinable):
        """No note is loud. At least in spirit."""

        def __str__(self):
            return "Quiet()"

    assert demands.in_words(Quiet()) == "No note is loud (Quiet())"


def test_heat_grows_with_bits_and_is_bounded():
    strength = [float(re.search(r"([\d.]+)\);", findings.heat(bits))[1]) for bits in (0, 4, 8, 400, float("inf"))]
    assert strength == sorted(strength)
    assert strength[2:] == [strength[2]] * 3


def test_frames_are_of_a_sensible_height(takes):
    heights = [int(dict(read(drawn(thing)).tags)["iframe"]["height"]) for thing in (takes[0], takes, takes * 8)]
    assert heights == sorted(heights)
    assert heights[-1] <= scores._HIGHEST
