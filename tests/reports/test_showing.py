"""What notebooks show: of everything something, never too much, never markup of others, and never an error."""

import html.parser
import importlib
import re
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from symusic import Note, Score, Track

import stochastic_music as sm
from stochastic_music import _showing, constraints
from stochastic_music._showing import ShowsItself, html_of
from stochastic_music.constraints import Count, Form, Leaps
from stochastic_music.errors import UsageError
from stochastic_music.pipeline.walking import walked
from stochastic_music.reports.inspection import Inspection
from stochastic_music.reports.showing import blocks, demands, drawn, findings, models, scores
from stochastic_music.sampling.metropolis import Plan
from stochastic_music.tasks.harmonize.harmonizer import Take
from stochastic_music.tasks.structure import find_structure, form_of

TUNE = "4/4 c4 d e c  c d e c  e f g2  e4 f g2  g8 a g f e4 c  g8 a g f e4 c  c G c2  c4 G c2"
_VOID = {"br", "hr", "img", "input", "link", "meta", "wbr"}


class Reader(html.parser.HTMLParser):
    """Raises where elements are not closed in turn; gathers what may hold something foreign."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.text = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] != ["style"]:
            self.text.append(data)


def read(markup):
    reader = Reader()
    reader.feed(markup)
    assert not reader.open
    return reader


def words(markup):
    return " ".join(" ".join(read(markup).text).split())


def framed(markup):
    """The pages in its frames."""
    return [attributes["srcdoc"] for tag, attributes in read(markup).tags if tag == "iframe"]


@pytest.fixture(scope="module")
def corpus():
    return sm.Corpus.from_text(TUNE, title="Frère Jacques")


@pytest.fixture(scope="module")
def pipeline(corpus):
    return sm.Pipeline(sm.MelodyEncoding(), sm.Markov(order=1)).fit(corpus)


@pytest.fixture(scope="module")
def takes(pipeline):
    return pipeline.compose(2, constraint=sm.Bars(2), seed=1)


@pytest.fixture(scope="module")
def walk(pipeline):
    return walked(pipeline, 2, n_chains=2, plan=Plan(steps=20), constraint=sm.Bars(1), seed=1)


def harmony():
    from stochastic_music.music.voice_leading import RULES, Report

    counts = dict.fromkeys(RULES, 0) | {next(iter(RULES)): 3}
    return Take(Score(480), np.zeros((2, 4), dtype=np.int64), (), -3.0, Report(counts, {}, 2), ((4, "half"),))


def analysis():
    from fractions import Fraction

    from stochastic_music.music.bars import bars
    from stochastic_music.music.chords import parse_chord
    from stochastic_music.music.keys import key_of, parse_key
    from stochastic_music.tasks.chords.analysis import Analysis, ChordSpan

    score = sm.Corpus.from_text(TUNE)[0].score
    span = ChordSpan(Fraction(4), Fraction(4), parse_key("C"), parse_chord("G7"), 0.9, 1.0)
    return Analysis("a tune", key_of(score), (span,), tuple(bars(score)), remarks=("It is short",))


@pytest.fixture(scope="module")
def things(corpus, pipeline, takes, walk):
    """One of each kind that shows itself."""
    return {
        "corpus": corpus,
        "piece": corpus[0],
        "report": corpus.report,
        "tokens": pipeline.corpus_,
        "pipeline": pipeline,
        "unfitted": sm.Pipeline(sm.MelodyEncoding(), sm.PPM()),
        "model": pipeline.model,
        "harmonizer": sm.Harmonizer(),
        "constraint": sm.Bars(2) & sm.InScale("C"),
        "score": takes[0].score,
        "take": takes[0],
        "takes": takes,
        "walk": walk,
        "run": walk.run,
        "diagnostics": walk.run.diagnostics,
        "explanation": pipeline.explain(takes[0].score),
        "originality": pipeline.originality().report(takes[0].piece),
        "form": form_of(corpus[0].score, n_states=1),
        "structure": find_structure(corpus + corpus, n_states=1),
        "harmony": harmony(),
        "analysis": analysis(),
        "inspection": Inspection("toy", "A toy", {"order": 1}, lines=["It says little."]),
    }


#: what is to be read of each
EXPECTED = {
    "corpus": "Corpus: 1 piece, 32 notes",
    "piece": "Frère Jacques",
    "report": "0 files read: 1 piece",
    "tokens": "32 events of 4 symbols each",
    "pipeline": "Learned from 1 piece, 32 notes",
    "unfitted": "Not fitted yet",
    "model": "Markov, fitted",
    "harmonizer": "Not fitted yet",
    "constraint": "every note belongs to C major",
    "score": "Play",
    "take": "bits a note",
    "takes": "Take 2",
    "walk": "R-hat",
    "run": "R-hat",
    "diagnostics": "Accepted",
    "explanation": "learned",
    "originality": "intervals and rhythm",
    "form": "Sections, in bars as printed",
    "structure": "Form of 2 pieces",
    "harmony": "half (bar 4)",
    "analysis": "V7 90%",
    "inspection": "It says little.",
}


def everything(markup):
    return " ".join([words(markup), *map(words, framed(markup))])


@pytest.mark.parametrize("name", EXPECTED)
def test_it_shows_what_it_is(name, things):
    said = everything(drawn(things[name]))
    assert EXPECTED[name].lower() in said.lower()


@pytest.mark.parametrize("name", EXPECTED)
def test_it_asks_for_nothing_and_has_no_ground_of_its_own(name, things):
    markup = drawn(things[name])
    outside = [tag for tag, a in read(markup).tags if tag in {"script", "link", "img"} or "href" in a or "src" in a]
    assert not outside
    assert "http" not in words(markup)
    assert not re.findall(r"background(?:-color)?:(?!\s*(?:none|rgba))", markup.partition("<iframe")[0])
    assert not re.findall(r"[^-]color:(?!\s*inherit)", markup.partition("<iframe")[0])


@pytest.mark.parametrize("name", sorted(set(EXPECTED) - {"score", "takes"}))
def test_notebooks_are_given_the_same(name, things):
    assert things[name]._repr_html_() == drawn(things[name]) == sm.show(things[name]).html


def test_the_report_of_a_comparison_is_its_page():
    from tests.reports.a_report import a_report

    [page] = framed(drawn(a_report()))
    assert "Models compared on" in words(page)


def test_whoever_names_an_artist_has_one():
    def family(cls):
        return {cls}.union(*map(family, cls.__subclasses__()))

    named = {cls.shown_by for cls in family(ShowsItself) if hasattr(cls, "shown_by")}
    assert named == {"corpora", "demands", "findings", "models", "scores", "walks"}
    assert all(callable(importlib.import_module(f"{_showing.ROOM}.{name}").drawn) for name in named)


def test_what_a_plug_in_derives_shows_itself_too():
    class Mine(sm.Markov):
        pass

    assert words(Mine(order=1)._repr_html_()).startswith("Mine order 1")


def test_a_picture_that_fails_breaks_no_cell(monkeypatch, pipeline):
    monkeypatch.setattr(models, "drawn", lambda _: 1 // 0)
    said = words(pipeline._repr_html_())
    assert said.startswith("Pipeline(MelodyEncoding(")
    assert said.endswith("It could not be drawn: ZeroDivisionError: integer division or modulo by zero")
    with pytest.raises(ZeroDivisionError):
        sm.show(pipeline)


def test_what_has_no_picture_is_told():
    assert drawn(3) is None
    assert html_of(3) is None
    assert drawn([]) is None
    assert drawn("abc") is None
    with pytest.raises(UsageError, match="int has no picture: expected a score"):
        sm.show(3)


def test_shown_things_are_text_elsewhere(pipeline):
    assert repr(sm.show(pipeline)) == repr(pipeline)


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
    assert "of 3,000 are shown" in words(page)


def test_a_score_may_be_empty_or_in_other_units():
    quarters, empty = Score(480), Score(480)
    quarters.tracks.append(Track(notes=[Note(0, 480, 60, 80)]))
    for score in (empty, quarters.to("quarter"), quarters.to("second")):
        assert framed(drawn(score))


def test_a_table_says_how_many_rows_it_has():
    from stochastic_music.reports.pages.tables import Row

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


# IPython


def test_ipython_shows_scores_once_it_is_told(takes):
    formatters = pytest.importorskip("IPython.core.formatters")
    display = formatters.DisplayFormatter()
    assert "text/html" not in display.format(takes[0].score)[0]
    sm.load_ipython_extension(SimpleNamespace(display_formatter=display))
    for score in (takes[0].score, takes[0].score.to("second")):
        assert framed(display.format(score)[0]["text/html"])
    assert "Take 1" not in display.format(takes[0])[0]["text/html"]


def test_scores_are_registered_where_ipython_runs(monkeypatch):
    told = []
    formatter = SimpleNamespace(for_type_by_name=lambda *names: told.append(names))
    shell = SimpleNamespace(display_formatter=SimpleNamespace(formatters={"text/html": formatter}))
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    _showing.register()
    assert [names[1] for names in told] == ["ScoreTick", "ScoreQuarter", "ScoreSecond"]
    assert {names[2] for names in told} == {html_of}


def test_nothing_is_registered_elsewhere(monkeypatch):
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))
    _showing.register()
    monkeypatch.delitem(sys.modules, "IPython")
    _showing.register()


def test_frames_are_of_a_sensible_height(takes):
    heights = [int(dict(read(drawn(thing)).tags)["iframe"]["height"]) for thing in (takes[0], takes, takes * 8)]
    assert heights == sorted(heights)
    assert heights[-1] <= scores._HIGHEST
