"""What notebooks show: of everything something, and never an error."""

import importlib
import re
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from symusic import Score

import stochastic_music as sm
from stochastic_music import _showing
from stochastic_music._showing import ShowsItself, html_of
from stochastic_music.errors import UsageError
from stochastic_music.evaluation import cross_validate
from stochastic_music.pipeline.walking import walked
from stochastic_music.reports.inspection import Inspection
from stochastic_music.reports.showing import drawn, models
from stochastic_music.sampling.metropolis import Plan
from stochastic_music.tasks.harmonize.harmonizer import Take
from stochastic_music.tasks.structure import find_structure, form_of
from tests.reports.seen import everything, framed, read, words

TUNE = "4/4 c4 d e c  c d e c  e f g2  e4 f g2  g8 a g f e4 c  g8 a g f e4 c  c G c2  c4 G c2"


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
    toy = sm.TokenCorpus.from_sequences([[0, 1, 0], [1, 0, 0], [1, 1], [0, 1]], sm.Vocabulary.plain(2))
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
        "vocabulary": sm.MelodyEncoding().vocabulary,
        "encoding report": pipeline.report_,
        "cross-validation": cross_validate(sm.Markov, toy, k=2, seeds=(0, 1)),
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
    "vocabulary": "symbols, END among them",
    "encoding report": "Encoded as melody: 1 piece, 32 notes",
    "cross-validation": "4 pieces in 2 folds",
    "analysis": "V7 90%",
    "inspection": "It says little.",
}


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
