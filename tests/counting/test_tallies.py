"""Tallies against `collections.Counter`; spilled ones against those that stayed in memory, to the byte."""

from __future__ import annotations

import errno
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stochastic_music.counting import Tallier, Tally, merged, tallier, tally
from stochastic_music.counting.runs import Run, merged_ranges
from stochastic_music.errors import InvalidParameterError, MachineError

SMALL = 1 << 22
keys = st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 5), max_size=60)


def as_dict(table: Tally) -> dict[int, int]:
    return dict(zip(table.keys.tolist(), table.counts.tolist(), strict=True))


def bytes_of(table: Tally) -> tuple[bytes, bytes]:
    assert (table.keys.dtype, table.counts.dtype) == (np.uint64, np.int64)
    return table.keys.tobytes(), table.counts.tobytes()


def of(values: list[int]) -> Tally:
    return tally(np.array(values, dtype=np.uint64))


@given(keys)
def test_a_tally_counts_each_key_in_ascending_order(values):
    assert list(as_dict(of(values)).items()) == sorted(Counter(values).items())


@given(keys, keys, keys)
def test_merging_adds_up_and_neither_order_nor_grouping_shows(a, b, c):
    expected = bytes_of(of(a + b + c))
    assert bytes_of(merged([of(a), of(b), of(c)])) == expected
    assert bytes_of(merged([of(c), of(a), of(b)])) == expected
    assert bytes_of(merged([merged([of(a), of(b)]), of(c)])) == expected
    assert bytes_of(merged([of(a), merged([of(b), of(c)])])) == expected


@given(keys, st.lists(st.integers(0, 60), max_size=4), st.randoms())
def test_a_tallier_gives_the_same_whatever_the_parts(values, cuts, random):
    parts = np.split(np.array(values, dtype=np.uint64), sorted(cuts))
    random.shuffle(parts)
    with Tallier() as counter:
        for i, part in enumerate(parts):
            counter.add(*(tally(part) if i % 2 else (part,)))
        assert bytes_of(counter.finish()) == bytes_of(of(values))


def test_counts_of_keys_that_are_not_sorted_or_come_twice_are_added_up():
    with Tallier() as counter:
        counter.add([7, 3, 7], counts=[1, 2, 4])
        assert as_dict(counter.finish()) == {3: 2, 7: 5}


def test_nothing_counted_is_an_empty_tally():
    with Tallier() as counter:
        assert bytes_of(counter.finish()) == (b"", b"")
    assert bytes_of(merged([])) == (b"", b"")


@given(st.lists(keys, min_size=1, max_size=5), st.integers(1, 20))
def test_runs_merged_range_by_range_are_their_sum_in_ascending_order(rows, size):
    runs = [Run([of(row)]) for row in rows]
    ranges = list(merged_ranges(runs, size))
    for run in runs:
        run.close()
    joined = Tally(*(np.concatenate(columns) for columns in zip(tally([]), *ranges, strict=True)))
    assert bytes_of(joined) == bytes_of(of([value for row in rows for value in row]))
    assert all(len(part.keys) <= max(size, len(rows)) for part in ranges)


@pytest.mark.parametrize("spread", [2**62, 200_000, 2**62 + 1], ids=["all differ", "many twice", "sorted"])
def test_spilling_equals_not_spilling_and_leaves_no_file(tmp_path, spread):
    values = np.random.default_rng(0).integers(0, spread, 600_000).astype(np.uint64)
    if spread % 2:
        values.sort()
    with Tallier(memory=SMALL, folder=tmp_path) as counter:
        for part in np.array_split(values, 7):
            counter.add(part)
        spilled = counter.finish()
        assert isinstance(spilled.keys, np.memmap)
        assert list(tmp_path.iterdir()) == []
    assert bytes_of(spilled) == bytes_of(tally(values))


def test_many_runs_become_fewer_and_say_the_same(monkeypatch, tmp_path):
    monkeypatch.setattr(tallier, "_RUNS", 4)
    values = np.random.default_rng(1).integers(0, 2**60, 400_000).astype(np.uint64)
    with Tallier(memory=SMALL, folder=tmp_path) as counter:
        counter.add(values)
        assert len(counter._runs) < 4
        assert bytes_of(counter.finish()) == bytes_of(tally(values))


def test_a_tallier_without_a_limit_stays_in_memory(monkeypatch):
    monkeypatch.setattr(tallier, "_BUFFER", 100)
    monkeypatch.setattr(tallier, "_HELD", 1000)
    values = np.arange(5000)[::-1]
    with Tallier() as counter:
        counter.add(values)
        assert counter._runs == []
        assert bytes_of(counter.finish()) == bytes_of(tally(values))


def test_too_little_memory_names_the_least_that_works():
    with pytest.raises(InvalidParameterError, match=r"1000 bytes .* give 4194304 \(4 MB\) or more"):
        Tallier(memory=1000)


@pytest.mark.parametrize(("values", "said"), [([-1], "a key is -1"), ([0.5], "keys are float64")])
def test_keys_that_are_no_counting_numbers_are_refused(values, said):
    with pytest.raises(InvalidParameterError, match=said):
        tally(values)


def test_a_disk_that_is_full_is_said_and_nothing_stays(monkeypatch, tmp_path):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("stochastic_music.counting.runs._Column.write", full)
    with Tallier(memory=SMALL, folder=tmp_path) as counter, pytest.raises(MachineError, match="the disk is full"):
        counter.add(np.arange(200_000))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no disk that is always full")
def test_a_disk_that_is_full_for_the_last_bytes_alone_is_said(monkeypatch):
    monkeypatch.setattr("stochastic_music.counting.runs._file", lambda _: Path("/dev/full").open("wb+"))  # noqa: SIM115
    with pytest.raises(MachineError, match="the disk is full"):
        Run([of([1, 2, 3])])


def test_a_folder_that_is_not_there_is_said(tmp_path):
    with Tallier(SMALL, tmp_path / "nowhere") as counter, pytest.raises(MachineError, match=r"cannot write .*nowhere"):
        counter.add(np.arange(200_000))


_KILLED = """
import os, signal, sys
import numpy as np
from stochastic_music.counting import Tallier
counter = Tallier(memory=1 << 22, folder=sys.argv[1])
counter.add(np.arange(400_000))
assert counter._runs
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals on Windows")
def test_a_process_that_is_killed_leaves_nothing_on_disk(tmp_path):
    done = subprocess.run([sys.executable, "-c", _KILLED, str(tmp_path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_changes_a_byte_is_found_out(monkeypatch):
    run = Run([of([1, 2, 3])])
    run._columns[0]._file.seek(9)
    run._columns[0]._file.write(b"\x07")
    with pytest.raises(MachineError, match="does not give back"):
        list(run.windows(2))
    run.close()


_MEASURED = """
import sys
import numpy as np
from stochastic_music.counting import Tallier
memory, n = int(sys.argv[1]), int(sys.argv[2])
counter = Tallier(memory=memory)
random = np.random.default_rng(0)
block = random.integers(0, 2**60, 1 << 16).astype(np.uint64)
def peak():  # not getrusage, which begins with the peak of the parent
    lines = open("/proc/self/status").read().splitlines()
    return 1024 * int(next(line.split()[1] for line in lines if line.startswith("VmHWM")))
before = peak()
for i in range(n >> 16):
    counter.add(block * np.uint64(2 * i + 1))
total = sum(int(part.counts.sum()) for part in counter.ranges())
sys.stdout.write(f"{total} {peak() - before}")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is asked of Linux")
def test_memory_stays_under_the_limit():
    memory, n = 1 << 25, 1 << 22
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED, str(memory), str(n)], capture_output=True, text=True, check=True
    )
    total, peak = map(int, done.stdout.split())
    assert total == n
    assert peak < 1.25 * memory, "half of the keys alone take as much"


@settings(max_examples=20)
@given(keys.filter(len))
def test_negative_control_a_key_counted_twice_shows(values):
    assert bytes_of(of([*values, values[0]])) != bytes_of(of(values))
