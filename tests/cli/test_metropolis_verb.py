"""`generate --sampler metropolis` as a user runs it."""

import json

import pytest
from symusic import Score

from stochastic_music import Markov, MelodyEncoding, Pipeline
from stochastic_music.cli import _metropolis
from stochastic_music.constraints import Bars, Form, Length
from stochastic_music.corpus import Corpus
from stochastic_music.errors import (
    InvalidParameterError,
    MachineError,
    UnknownNameError,
    UnsatisfiableError,
    UsageError,
)
from stochastic_music.pipeline.walking import walked
from stochastic_music.sampling.metropolis import Plan, Style


@pytest.fixture(scope="module")
def pipeline():
    corpus = Corpus.from_text("4/4 c4 d e c c d e c e f g2 e4 f g2 g8 a g f e4 c g8 a g f e4 c c d c2 c4 d c2")
    return Pipeline(MelodyEncoding(), Markov(2)).fit(corpus)


def test_takes_tables_traces_and_a_tune_that_converges(stochmusic, pipeline, tmp_path):
    pipeline.save(tmp_path / "m.smm")
    options = ["--sampler", "metropolis", "--steps", 60, "--chains", 2, "--soft", "contour=arch:2", "--bars", 4]
    options += ["--range", "C4:A4", "--seed", 3, "-n", 3, "--diagnostics", "how", "--checkpoint", "run.ckpt", "--json"]
    done = stochmusic("generate", "m.smm", *options)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert [row["guarantee"] for row in said["files"]] == ["metropolis"] * 3
    assert all(0 <= row["acceptance"] <= 1 for row in said["files"])
    assert said["metropolis"]["steps"] == 60
    assert {row["name"] for row in said["metropolis"]["quantities"]} == {
        "log density", "model", "contour", "notes", "mean pitch"
    }  # fmt: skip
    for row in said["files"]:
        score = Score(tmp_path / row["file"])
        assert score.end() == 4 * 4 * score.ticks_per_quarter
        assert all(60 <= note.pitch <= 69 for note in score.tracks[0].notes)
    names = {path.name: path for path in (tmp_path / "how").iterdir()}
    assert set(names) == {f"m-s3-diagnostics.{suffix}" for suffix in ("mid", "txt", "json", "png")}
    assert "R-hat" in names["m-s3-diagnostics.txt"].read_text()
    assert json.loads(names["m-s3-diagnostics.json"].read_text())["chains"] == 2
    markers = [marker.text for marker in Score(names["m-s3-diagnostics.mid"]).markers]
    assert [text for text in markers if text.startswith("step ")] == [f"step {5 * i}" for i in range(13)]
    assert "2 chains; the budget of 60 steps is spent" in done.stderr
    other = stochmusic("generate", "m.smm", *options, "--proposals", "swap:1")
    assert other.returncode == 2
    assert "another proposals" in other.stderr


def test_options_of_metropolis_need_it():
    with pytest.raises(UsageError, match="--steps goes with --sampler metropolis"):
        _metropolis.Request(steps=10).refuse("auto")
    _metropolis.Request().refuse("auto")


def test_weights_of_proposals_are_read():
    assert _metropolis.weights("redraw:3, block") == {"redraw": 3.0, "block": 1.0}
    with pytest.raises(UsageError, match="--proposals got 'swap:many'; expected a number where 'many' stands"):
        _metropolis.weights("swap:many")
    with pytest.raises(UsageError, match="--proposals names none"):
        _metropolis.weights(" , ")


def test_soft_terms_are_read(pipeline, tmp_path):
    term, weight = _metropolis.soft_term(pipeline, "contour=60/67/60:1.5")
    assert (term.curve, weight) == ((60.0, 67.0, 60.0), 1.5)
    assert _metropolis.soft_term(pipeline, "tension=arch:2")[0].curve == "arch"
    assert _metropolis.soft_term(pipeline, "density=6:1")[0].notes == 6
    pipeline.save(tmp_path / "m.smm")
    style, weight = _metropolis.soft_term(pipeline, f"style={tmp_path / 'm.smm'}~{tmp_path / 'm.smm'}:-1")
    assert weight == -1
    assert style.against is not None


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("contuor=arch:2", UnknownNameError, "unknown soft term 'contuor': did you mean 'contour'"),
        ("contour=arc:2", UnknownNameError, "unknown curve 'arc': did you mean 'arch'"),
        ("contour=arch", UsageError, "expected NAME=WHAT:WEIGHT"),
        ("contour=arch:nan", UsageError, "expected a finite weight"),
        ("style=m.smm:inf", UsageError, "expected a finite weight"),
        ("contour=arch:-2", UsageError, "the weight is below 0"),
        ("density=six:1", UsageError, "expected a number where 'six' stands"),
        ("contour=60/x:1", UsageError, "expected a number where 'x' stands"),
    ],
)
def test_soft_terms_that_make_no_sense_are_refused(pipeline, text, error, message):
    with pytest.raises(error, match=message):
        _metropolis.soft_term(pipeline, text)


def test_similarity_pulls_towards_a_piece(pipeline, tune, tmp_path):
    given = [(i, 1, pitch) for i, pitch in enumerate([60, 62, 64, 60, 60, 62, 64, 60])]
    tune(given).dump_midi(tmp_path / "given.mid")
    term = _metropolis.soft_term(pipeline, f"similarity={tmp_path / 'given.mid'}:4")
    shared = []
    for soft in ([term], []):
        walk = walked(pipeline, 2, n_chains=2, plan=Plan(steps=150), soft=soft, constraint=Bars(2), seed=1)
        notes = [(n.time / 480, n.duration / 480, n.pitch) for t in walk.takes for n in t.score.tracks[0].notes]
        shared.append(sum(note in given for note in notes))
    assert shared[0] >= shared[1] + 4


def test_chains_begin_where_soft_terms_allow(pipeline):
    def learned(text):
        return Style(Pipeline(MelodyEncoding(), Markov(0, "none")).fit(Corpus.from_text(text)).model, name="strict")

    options = {"n_chains": 4, "plan": Plan(steps=8), "constraint": Length(3), "seed": 3}
    some = learned("4/4 c4 d e f8 e d c c2 d4 e8 d e4 c2")
    assert walked(pipeline, 2, soft=[(some, 1.0)], **options).run.n_steps == 8
    none = learned("4/4 c8 c c c")
    with pytest.raises(UsageError, match=r"nowhere to begin: 64 pieces .* the term 'strict' .* with smoothing"):
        walked(pipeline, 2, soft=[(none, 1.0)], **options)


def test_files_that_are_in_the_way_are_told_before_anything_is_sampled(tmp_path):
    request = _metropolis.Request(diagnostics=tmp_path / "how")
    request.check_paths("m-s3", force=False)
    (tmp_path / "how").mkdir()
    (tmp_path / "how" / "m-s3-diagnostics.png").write_bytes(b"of an earlier run")
    with pytest.raises(UsageError, match=r"m-s3-diagnostics.png exists: give --force .*--diagnostics"):
        request.check_paths("m-s3", force=False)
    request.check_paths("m-s3", force=True)
    request.check_paths("m-s4", force=False)
    (tmp_path / "run.ckpt").write_bytes(b"of this run")
    going_on = _metropolis.Request(diagnostics=tmp_path / "how", checkpoint=tmp_path / "run.ckpt")
    going_on.check_paths("m-s3", force=False)
    for request in (
        _metropolis.Request(diagnostics=tmp_path / "run.ckpt" / "how"),
        _metropolis.Request(checkpoint=tmp_path / "run.ckpt" / "more" / "run.ckpt"),
    ):
        with pytest.raises(MachineError, match="a part of that path is a file"):
            request.check_paths("m-s3", force=False)


def test_takes_do_not_depend_on_how_many_there_are(pipeline):
    few, many = (walked(pipeline, n, n_chains=2, plan=Plan(steps=40), seed=7) for n in (2, 9))
    for one, other in zip(few.takes, many.takes, strict=False):
        assert one.piece.symbols.tolist() == other.piece.symbols.tolist()
    with pytest.raises(InvalidParameterError, match="ask for more steps"):
        walked(pipeline, 9, n_chains=2, plan=Plan(steps=4), seed=7)
    with pytest.raises(InvalidParameterError, match="0 chains were asked for"):
        walked(pipeline, 2, n_chains=0)
    with pytest.raises(UsageError, match="a form is not kept by changes note by note"):
        walked(pipeline, 1, constraint=Form("A:2 A:2"), seed=1)
    with pytest.raises(UnsatisfiableError, match="cannot be met together"):
        walked(pipeline, 1, constraint=Bars(2) & Length(60), seed=1)
