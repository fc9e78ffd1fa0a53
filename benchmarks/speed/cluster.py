"""What a Dask cluster costs beside processes of this machine, and what a killed worker costs either of them.

    python benchmarks/speed/cluster.py --data FOLDER_OF_MIDI [--files 20000] [--copies 5] [--repeats 2]

Both sides have two workers. *Reading* takes a folder of small MIDI files, made from those of FOLDER by transposition
and cutting as in ingestion.py, to token arrays: by the worker processes of `ingest_tokens`, or by tasks on a Dask
cluster of `dask scheduler` and two `dask worker`s. *Counting* takes n-grams of orders 1 to 5 of `copies` times these
tokens, as tasks on processes or on the cluster. Each is repeated, both sides in turn, the shortest time taken; then
once more with one of the workers ended by SIGKILL in the middle. Two processes divide the cores with the one that gives
out the work. The bar: every result is equal to that of one process, to the byte. The table in cluster.md is written by
this script.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import psutil
from ingestion import cuts, make

from stochastic_music._parallel import Processes, opened
from stochastic_music.corpus import TokenCorpus, ingest_tokens
from stochastic_music.counting import count_ngrams
from stochastic_music.tokens import MelodyEncoding

sys.path.insert(0, str(Path(__file__).parents[1]))
import _table
from _timing import in_turn, seconds

ORDER = 5


class Side(NamedTuple):
    """Two workers: what they are called, the work as a function that gives a digest, and their processes."""

    name: str
    work: Callable[[], str]
    pids: Callable[[], list[int]]


def digest(*arrays: object) -> str:
    """What stands for the bytes of arrays."""
    total = hashlib.blake2b()
    for array in arrays:
        total.update(np.ascontiguousarray(array).tobytes())
    return total.hexdigest()


def read(folder: Path, **how: Any) -> tuple[TokenCorpus, str]:
    """The tokens of a folder, and their digest."""
    corpus, report = ingest_tokens(folder, MelodyEncoding(), **how)
    if report.skipped:
        raise SystemExit(f"skipped: {report.skipped[:3]}")
    return corpus, digest(corpus.symbols, corpus.offsets)


def count(parts: list[TokenCorpus], executor: Executor | None) -> str:
    """The digest of the counts of all orders."""
    counts = count_ngrams(parts, ORDER, executor=executor)
    return digest(*(array for order in range(1, ORDER + 1) for array in counts.table(order)))


@contextlib.contextmanager
def cluster() -> Iterator[str]:
    """A scheduler and two workers on this machine, each in a process of its own; gives the address."""
    start = [sys.executable, "-m", "dask"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder, "scheduler.json")
        options = ["--port", "0", "--host", "127.0.0.1", "--no-dashboard", "--scheduler-file", str(told)]
        scheduler = subprocess.Popen([*start, "scheduler", *options], **quiet)
        while not told.exists() or not told.read_text():
            time.sleep(0.05)
        address = json.loads(told.read_text())["address"]
        options = ["--nworkers", "2", "--nthreads", "1", "--no-dashboard", "--local-directory", folder]
        workers = subprocess.Popen([*start, "worker", address, *options], **quiet)
        try:
            yield address
        finally:
            for process in (workers, scheduler):
                process.terminate()
                process.wait()


def with_one_killed(side: Side, after: float) -> tuple[float, str]:
    """Seconds and digest of the work, one of whose workers is killed `after` some seconds, or before that."""
    digests: list[str] = []
    timer = threading.Timer(after, lambda: os.kill(side.pids()[0], signal.SIGKILL))
    timer.start()
    taken = seconds(lambda: digests.append(side.work()))
    if timer.is_alive():  # the work was done before
        timer.cancel()
        return with_one_killed(side, after / 2)
    return taken, digests[0]


def children(module: str) -> list[int]:
    """The processes of `module` that were started here."""
    return [child.pid for child in psutil.Process().children() if module in child.cmdline()]


def main() -> None:
    """Measure, print, and write the table."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--data", type=Path, required=True)
    arguments.add_argument("--files", type=int, default=20_000)
    arguments.add_argument("--copies", type=int, default=5)
    arguments.add_argument("--repeats", type=int, default=2)
    arguments.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".md"))
    options = arguments.parse_args()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "files"
        make(cuts(options.data), folder, options.files)
        corpus, tokens = read(folder, workers=1)
        parts = [corpus] * options.copies
        counts = count(parts, None)
        ours = stack.enter_context(Processes(2))
        theirs = stack.enter_context(opened(stack.enter_context(cluster())))

        def of_cluster() -> list[int]:
            return list(theirs._client.run(os.getpid).values())

        reading = [
            Side("processes", lambda: read(folder, workers=2)[1], lambda: children("stochastic_music.corpus._worker")),
            Side("Dask", lambda: read(folder, executor=theirs)[1], of_cluster),
        ]
        counting = [
            Side("processes", lambda: count(parts, ours), lambda: children("stochastic_music._parallel.worker")),
            Side("Dask", lambda: count(parts, theirs), of_cluster),
        ]
        rows = [
            *measured("reading", tokens, reading, options.repeats),
            *measured("counting", counts, counting, options.repeats),
        ]
    n_symbols = options.copies * len(corpus.symbols)
    _table.write(
        options.out,
        f"{options.files:,} files read, {n_symbols:,} symbols counted: processes against Dask",
        ("work", "two workers", "seconds", "equal bytes", "one killed, seconds", "equal bytes"),
        rows,
        packages=("numpy", "symusic", "dask", "distributed"),
    )


def measured(what: str, expected: str, sides: list[Side], repeats: int) -> Iterator[tuple[object, ...]]:
    """A row for each side: its time, whether its bytes are those `expected`, and the same with a worker killed."""
    found: list[set[str]] = [set() for _ in sides]
    works = [lambda side=side, seen=seen: seen.add(side.work()) for side, seen in zip(sides, found, strict=True)]
    for side, seen, taken in zip(sides, found, in_turn(works, repeats), strict=True):
        longer, other = with_one_killed(side, taken / 2)
        equal = ["yes" if same else "NO" for same in (seen == {expected}, other == expected)]
        yield what, side.name, f"{taken:.2f}", equal[0], f"{longer:.2f}", equal[1]


if __name__ == "__main__":
    main()
