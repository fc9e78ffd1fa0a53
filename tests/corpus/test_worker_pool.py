import itertools
import shutil
import sys

import pytest

from stochastic_music.corpus import ingest
from stochastic_music.corpus._memory import resident_bytes
from stochastic_music.corpus._pool import Limits, WorkerPool, make_batches
from stochastic_music.errors import MachineError


@pytest.fixture
def folder_with(music_folder):
    """The folder of twelve good files, and copies of one under other names."""

    def add(*names):
        for name in names:
            shutil.copy(music_folder / "tune00.mid", music_folder / name)
        return music_folder

    return add


def read(folder, *, workers=2, reader="bad_readers:by_name", seconds=30.0, memory=2 * 10**9):
    found, home = ingest.find(folder)
    settings = ingest.Settings(workers, Limits(seconds, memory), None, reader)
    return ingest.ingest_scores(found, home, settings, keep_copies=True)


def reasons(report):
    return {skipped.file: skipped.reason for skipped in report.skipped}


@pytest.mark.parametrize("name", ["tune05_exit.mid", "tune05_segfault.mid", "zz_exit.mid", "a_exit.mid"])
def test_a_file_that_kills_the_worker_costs_itself_alone(folder_with, name):
    pieces, report = read(folder_with(name))
    assert reasons(report) == {name: "it makes the reader crash, so it must be damaged"}
    assert [piece.source for piece in pieces] == [f"tune{i:02d}.mid" for i in range(12)]


def test_several_killers_in_one_batch(folder_with):
    names = ["a_exit.mid", "tune03_exit.mid", "tune03a_exit.mid", "z_exit.mid"]
    pieces, report = read(folder_with(*names), workers=1)
    assert sorted(reasons(report)) == sorted(names)
    assert len(pieces) == 12


def test_files_done_before_a_crash_are_not_read_again(folder_with):
    pieces, report = read(folder_with("tune09_exit.mid"), workers=1, reader="bad_readers:slowly")
    assert len(pieces) == 12
    assert len(report.skipped) == 1


def test_a_file_that_hangs_is_ended_at_the_time_limit(folder_with):
    pieces, report = read(folder_with("tune05_hang.mid"), seconds=0.5)
    assert reasons(report) == {"tune05_hang.mid": "reading it took longer than 0.5 seconds"}
    assert report.skipped[0].remedy == "--time-limit 5 gives it longer"
    assert len(pieces) == 12


def test_the_time_limit_is_each_files_own(music_folder):
    pieces, report = read(music_folder, workers=1, reader="bad_readers:slowly", seconds=0.5)
    assert not report.skipped
    assert len(pieces) == 12


def test_a_file_that_eats_memory_is_stopped_by_the_systems_cap(folder_with):
    if sys.platform != "linux":
        pytest.skip("this system sets no cap on a process's memory")
    pieces, report = read(folder_with("tune05_greedy.mid"), memory=300 * 10**6)
    assert reasons(report) == {"tune05_greedy.mid": "reading it takes more than 0.3 GB of memory"}
    assert "--memory-limit" in report.skipped[0].remedy
    assert len(pieces) == 12


def test_a_file_that_eats_memory_is_stopped_from_outside(folder_with):
    folder = folder_with("greedy.mid")
    found, _ = ingest.find(folder)
    setup = {"reader": "bad_readers:by_name", "melody": False, "encoding": None, "cap": False}
    with WorkerPool(setup, 1, Limits(memory=400 * 10**6)) as pool:
        results = {found.files[i][0]: message for i, message, _ in pool.run(found.files)}
    refused = {path: message["reason"] for path, message in results.items() if "reason" in message}
    assert refused == {str(folder / "greedy.mid"): "reading it takes more than 0.4 GB of memory"}
    assert len(results) == 13


def test_an_exception_of_the_reader_becomes_a_reason(folder_with):
    _, report = read(folder_with("raise.mid"))
    assert reasons(report) == {"raise.mid": "the reader gave up on it (RuntimeError: inner workings of the reader)"}


def test_what_a_library_prints_does_not_disturb_the_messages(folder_with):
    pieces, report = read(folder_with("print.mid"))
    assert len(pieces) == 13
    assert not report.skipped


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_the_result_does_not_depend_on_the_workers(music_folder, workers):
    pieces, report = read(music_folder, workers=workers)
    again, _ = read(music_folder, workers=1)
    assert pieces == again
    assert [r.file for r in report.read] == [p.source for p in pieces]


def test_a_worker_that_cannot_start_says_why(music_folder):
    with pytest.raises(MachineError, match="no_such_module"):
        read(music_folder, reader="no_such_module:read")


def test_the_folder_a_program_is_started_in_shadows_nothing(music_folder, monkeypatch):
    (music_folder / "numpy.py").write_text("raise SystemExit('run from the corpus folder')")
    monkeypatch.chdir(music_folder)
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    pieces, report = read(music_folder)
    assert len(pieces) == 12
    assert report.other == {".py": 1}


def test_batches_hold_every_file_once_in_order():
    files = [(f"{i}.mid", 1000 * i) for i in range(200)] + [("slow.mxl", 10**6)]
    for workers in (1, 2, 7):
        batches = make_batches(files, workers)
        assert list(itertools.chain(*batches)) == list(range(201))
        assert len(batches) >= min(6 * workers, 201)
    assert make_batches([], 2) == []


def test_resident_bytes_of_a_process_that_is_not_there():
    assert resident_bytes(2**22 + 1) == 0
