"""Files read by the tasks of an executor: the same pieces, report and bytes as from the pool of this process."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from stochastic_music.corpus import Corpus, ingest
from stochastic_music.corpus._pool import Limits


@pytest.fixture
def threads():
    with ThreadPoolExecutor(2) as executor:
        yield executor


@pytest.fixture(autouse=True)
def _several_tasks(monkeypatch):
    monkeypatch.setattr(ingest, "_STEPS_A_TASK", 8.0)


def scores(corpus):
    return [(piece.name, piece.title, piece.score.dumps_midi()) for piece in corpus]


def told(report):
    facts = [(piece.name, piece.facts, piece.runs.tolist()) for piece in report.pieces]
    return report.read, report.skipped, report.duplicates, facts


def test_scores_are_the_same_and_a_relative_folder_is_found(music_folder, threads, monkeypatch):
    (music_folder / "tune03_torn.mid").write_bytes((music_folder / "tune03.mid").read_bytes()[:50])
    seen = []
    here = Corpus.from_folder(music_folder, workers=1)
    monkeypatch.chdir(music_folder.parent)
    there = Corpus.from_folder(music_folder.name, executor=threads, progress=lambda *step: seen.append(step))
    assert scores(here) == scores(there)
    assert told(here.report) == told(there.report)
    assert [done for done, _, _ in seen] == list(range(1, 14))


def test_a_bad_file_costs_itself_alone_there_too(music_folder, threads):
    (music_folder / "tune05_exit.mid").write_bytes((music_folder / "tune05.mid").read_bytes())
    found, home = ingest.find(music_folder)
    settings = ingest.Settings(1, Limits(), None, "bad_readers:by_name", executor=threads)
    pieces, report = ingest.ingest_scores(found, home, settings, keep_copies=True)
    assert [skipped.file for skipped in report.skipped] == ["tune05_exit.mid"]
    assert len(pieces) == 12
