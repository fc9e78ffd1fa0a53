"""Reading, counting and evaluating: the same bytes from one process, from several, and from a cluster.

And with a worker killed while it works.
"""

import sys
from functools import partial

import numpy as np
import odd_tasks
import pytest

from stochastic_music.cli import _asking
from stochastic_music.corpus import Corpus, TokenCorpus, ingest, ingest_tokens
from stochastic_music.corpus._pool import Limits
from stochastic_music.counting import count_ngrams
from stochastic_music.errors import ModelFileError
from stochastic_music.evaluation import cross_validate, predict
from stochastic_music.model_file import ModelFile
from stochastic_music.models import PPM, Markov
from stochastic_music.pipeline import Pipeline
from stochastic_music.tokens import Field, MelodyEncoding, Vocabulary

linux = pytest.mark.skipif(sys.platform == "win32", reason="a process is killed by a signal")
PITCHES = Vocabulary((Field("pitch", 12),))


@pytest.fixture(autouse=True)
def _several_tasks(monkeypatch):
    monkeypatch.setattr(ingest, "_STEPS_A_TASK", 8.0)


@pytest.fixture(scope="module")
def parts():
    """A corpus of random pieces, in five parts."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 40, 60)
    pieces = [np.append(rng.integers(0, 12, n), 12) for n in lengths]
    return [TokenCorpus.from_sequences(pieces[i::5], PITCHES) for i in range(5)]


def told(found):
    corpus, report = found
    facts = [(piece.name, piece.facts, piece.runs.tolist()) for piece in report.pieces]
    return corpus.symbols.tobytes(), corpus.offsets.tobytes(), corpus.names, report.read, report.skipped, facts


def test_reading(executor, music_folder):
    (music_folder / "torn.mid").write_bytes((music_folder / "tune03.mid").read_bytes()[:60])
    here = ingest_tokens(music_folder, MelodyEncoding(), workers=1)
    assert told(ingest_tokens(music_folder, MelodyEncoding(), executor=executor)) == told(here)
    assert len(here[1].skipped) == 1


@linux
def test_reading_while_a_worker_is_killed(executor, music_folder):
    def read(executor, reader):
        settings = ingest.Settings(1, Limits(), None, reader, executor=executor)
        pieces, report = ingest.ingest_scores(*ingest.find(music_folder), settings)
        return [(piece.source, piece.data) for piece in pieces], report.read, report.skipped

    (music_folder / "tune04.mid").rename(music_folder / "tune04_killer.mid")
    here = read(None, "stochastic_music.io:start")
    assert read(executor, "odd_tasks:kill_the_worker_once") == here
    assert list(music_folder.glob("*.flag"))
    assert len(here[0]) == 12


def test_counting(executor, parts):
    here, there = (count_ngrams(parts, 3, memory=1 << 24, executor=each) for each in (None, executor))
    for order in (1, 2, 3):
        for one, other in zip(here.table(order), there.table(order), strict=True):
            assert np.asarray(one).tobytes() == np.asarray(other).tobytes()


@pytest.mark.parametrize("model", [Markov(2), PPM(3)], ids=repr)
def test_fitting(executor, parts, model):
    here = type(model)(**model.get_params()).fit(TokenCorpus.together(parts))
    there = type(model)(**model.get_params()).fit_parts(parts, executor=executor)
    mine, theirs = here.to_arrays(), there.to_arrays()
    assert mine.keys() == theirs.keys()
    assert all(np.asarray(mine[name]).tobytes() == np.asarray(theirs[name]).tobytes() for name in mine)


def test_cross_validation(executor, parts):
    corpus = TokenCorpus.together(parts)
    here, there = (
        cross_validate(partial(Markov, 2), corpus, k=3, seeds=(0, 1), entropy=True, executor=each)
        for each in (None, executor)
    )
    assert here.log_probs.tobytes() == there.log_probs.tobytes()
    assert here.entropy.tobytes() == there.entropy.tobytes()
    assert here.per_fold("bits_per_note") == there.per_fold("bits_per_note")


@linux
def test_cross_validation_while_a_worker_is_killed(executor, parts, tmp_path):
    corpus = TokenCorpus.together(parts)
    here = cross_validate(partial(Markov, 1), corpus, k=3)
    (tmp_path / "kill1").touch()
    there = cross_validate(partial(odd_tasks.Killer, 1, str(tmp_path)), corpus, k=3, executor=executor)
    assert not list(tmp_path.iterdir())
    assert here.log_probs.tobytes() == there.log_probs.tobytes()


def test_scoring_by_a_fitted_model(executor, music_folder, tmp_path, monkeypatch):
    pipeline = Pipeline(MelodyEncoding(), PPM(2)).fit(Corpus.from_folder(music_folder, workers=1))
    path = pipeline.save(tmp_path / "model.smm")
    monkeypatch.setattr(_asking, "PIECES", 5)
    checksum, tokens = ModelFile(path).checksum, pipeline.corpus_
    here, there = (_asking.asked(path, checksum, tokens, each, in_full=True) for each in (None, executor))
    whole = predict(pipeline.model, pipeline.corpus_, entropy=True)
    assert here.log_probs.tobytes() == there.log_probs.tobytes() == whole.log_probs.tobytes()
    assert here.entropy.tobytes() == there.entropy.tobytes() == whole.entropy.tobytes()
    with pytest.raises(ModelFileError, match="another file where the work is done"):
        _asking.asked(path, "other", tokens, executor, in_full=False)


def test_the_command_line(stochmusic, scheduler, music_folder):
    def run(*arguments):
        done = stochmusic(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    cross_validation = ("score", "music", "-m", "markov", "--cv", "3", "--json")
    everywhere = {run(*cross_validation, *where) for where in [("--workers", "1"), ("--scheduler", scheduler)]}
    assert len(everywhere) == 1
    run("fit", "music", "-m", "markov", "-o", "here.smm", "--workers", "2")
    run("fit", "music", "-m", "markov", "-o", "there.smm", "--scheduler", scheduler)
    home = music_folder.parent
    assert (home / "here.smm").read_bytes() == (home / "there.smm").read_bytes()
