"""`inspect` as a user walks it, and what goes wrong."""

import json
from functools import partial

import pytest

from stochastic_music.corpus import Corpus
from stochastic_music.models import STM, Markov
from stochastic_music.models.hmm import HMM
from stochastic_music.pipeline import Pipeline
from stochastic_music.render.notation.provenance import provenance as made_by
from stochastic_music.render.plots import provenance
from stochastic_music.tasks.given.composer import CRFComposer
from stochastic_music.tokens import MelodyEncoding


@pytest.fixture
def run(verb):
    return partial(verb, "inspect")


@pytest.fixture
def plain(tmp_path):
    """A model that has no module of its own."""
    tunes = Corpus.from_text("4/4 c4 d e c c d e c e f g2 e4 f g2")
    Pipeline(MelodyEncoding(), STM()).fit(tunes).save(tmp_path / "plain.smm")
    return "plain.smm"


@pytest.fixture
def markov(tmp_path):
    tunes = Corpus.from_text("4/4 c4 d e c c d e c e f g2 e4 f g2")
    Pipeline(MelodyEncoding(), Markov(1)).fit(tunes).save(tmp_path / "m.smm")
    return "m.smm"


def test_a_context_is_answered_and_drawn(run, markov, tmp_path):
    done = run(markov, "--context", "E4 F4", "-o", "after.png")
    assert done.returncode == 0, done.stderr
    assert "After E4 F4: G4 " in done.stdout
    assert (tmp_path / "after.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads(provenance((tmp_path / "after.png").read_bytes()))["command"].endswith("-o after.png")
    assert "Wrote after.png" in done.stderr


def test_the_next_command_is_named_and_svg_keeps_how_it_was_made(run, markov, tmp_path):
    done = run(markov, "-o", "all.svg")
    assert "stochmusic inspect m.smm --context 'E4 C4'" in done.stderr
    written = (tmp_path / "all.svg").read_text()
    assert "What follows what" in done.stdout
    assert "stochmusic inspect m.smm -o all.svg" in made_by(written.encode())
    assert run(markov, "-o", "all.svg").returncode == 0  # equal bytes


def test_the_last_model_is_told_of(run, plain):
    done = run()
    assert done.returncode == 0, done.stderr
    assert f"Using {plain}" in done.stderr
    assert done.stdout.startswith("stm\n")
    assert "Alphabet, field by field" in done.stdout


def test_json_stands_alone_on_stdout_and_in_a_file(run, plain, tmp_path):
    done = run(plain, "--json", "-o", "found.json")
    told, written = json.loads(done.stdout), json.loads((tmp_path / "found.json").read_text())
    assert (told["schema"], told["model"], told["files"]) == (1, plain, ["found.json"])
    assert written["tables"] == told["tables"]
    assert set(written["made_by"]) == {"stochastic_music", "command", "model"}


def test_nothing_is_overwritten(run, plain, tmp_path):
    (tmp_path / "found.txt").write_text("mine")
    assert "exists and differs" in run(plain, "-o", "found.txt").stderr
    assert run(plain, "-o", "found.txt", "--force").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["markov"], "markov is a kind of model and has learned nothing yet: fit one with 'stochmusic fit CORPUS -m"),
        (["none.smm"], "there is no model file none.smm"),
        (["plain.smm", "-o", "x.gif"], "-o got 'x.gif'; expected a name that ends in .png, .svg, .json or .txt"),
        (["plain.smm", "-o", "x.png"], "there is nothing to draw of stm: leave -o out, or write .txt or .json"),
    ],
)
def test_mistakes_are_said_in_one_line(run, plain, arguments, said):
    done = run(*arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_damaged_model_is_refused(run, plain, tmp_path):
    data = bytearray((tmp_path / plain).read_bytes())
    data[200] ^= 1
    (tmp_path / plain).write_bytes(data)
    done = run(plain)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


TUNES = "4/4 c4 d e c c d e c e f g2 e4 f g2 g8 a g f e4 c"


@pytest.fixture
def others(tmp_path):
    """Models of hidden states, and of a task of their own."""
    tunes = Corpus.from_text(TUNES)
    tunes[0].score.dump_midi(str(tmp_path / "tune.mid"))
    Pipeline(MelodyEncoding(), HMM(2, n_iterations=3, n_restarts=1)).fit(tunes).save(tmp_path / "states.smm")
    CRFComposer(max_iterations=3).fit(tunes).save(tmp_path / "over.smm")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["states.smm", "--piece", "tune.mid"], "States behind each event"),
        (["states.smm", "--context", "start C4 D4"], "After start C4 D4"),
        (["over.smm"], "Strongest transitions of rhythms"),
        (["over.smm", "--piece", "tune.mid"], "The pitches"),
    ],
)
def test_states_and_labels_are_looked_into(run, others, arguments, said):
    done = run(*arguments, "-o", "seen.png")
    assert done.returncode == 0, done.stderr
    assert said in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["plain.smm", "--piece", "tune.mid"], "leave --piece out"),
        (["states.smm", "--piece", "tune.mid", "--tune", "2"], "--tune got 2; there is 1 piece"),
        (["states.smm", "--piece", "tune.mid", "--context", "C4"], "expected one of them"),
    ],
)
def test_pieces_that_cannot_be_looked_at_are_said(run, plain, others, arguments, said):
    done = run(*arguments)
    assert done.returncode == 2
    assert said in done.stderr
