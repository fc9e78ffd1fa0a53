"""Does a store that was killed while it was built lose anything?

    python benchmarks/speed/kills.py --data FOLDER_OF_MIDI [--files 400] [--kills 20] [--seed 0]

Data: the first `--files` MIDI files of FOLDER, by name. A builder (a process of its own, two workers, four files a
shard) is ended by SIGKILL at a moment drawn evenly from the time that an uninterrupted one takes, counted from when it
takes the store's lock. Then another builder goes on to the end. That is done `--kills` times, each time with a new
store; in every other row the second builder is killed as well, and a third goes on.

*Told* is how many files the journal named when the builder died. *Equal* says whether the finished store is equal, to
the byte of every file, to that of the uninterrupted builder. Bar: all are.
"""

from __future__ import annotations

import argparse
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
import _table

from stochastic_music.corpus.store import TokenStore, is_store
from stochastic_music.corpus.store.lock import NAME as LOCK

BUILD = """
import sys
from stochastic_music import MelodyEncoding
from stochastic_music.corpus.store import build_store
build_store(sys.argv[1], sys.argv[2:], MelodyEncoding(), workers=2, shard_files=4)
"""


def main() -> None:
    """Build once, kill many times, write the table."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--data", type=Path, required=True)
    arguments.add_argument("--files", type=int, default=400)
    arguments.add_argument("--kills", type=int, default=20)
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".md"))
    options = arguments.parse_args()
    moments = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary)
        folder = copied(options.data, options.files, home / "music")
        process = builder(home / "whole", folder)
        begun = time.perf_counter()
        process.wait()
        seconds, whole = time.perf_counter() - begun, contents(home / "whole")
        rows = []
        for i in range(options.kills):
            after = [moments.uniform(0, seconds) for _ in range(1 + i % 2)]
            rows.append([str(i + 1), *row(home / "store", folder, after, whole)])
    equal = sum(line[-1] == "yes" for line in rows)
    verdict = ["all", f"{seconds:.2f} s without a break", "", f"{equal} of {options.kills}"]
    question = "Stores whose builders were killed, beside one whose builder was not"
    _table.write(options.out, question, ["kill", "after, s", "told", "equal"], [*rows, verdict], packages=["numpy"])


def row(store: Path, folder: Path, after: list[float], whole: dict[str, bytes]) -> list[str]:
    """One store, killed once or twice and then finished."""
    shutil.rmtree(store, ignore_errors=True)
    told = [killed(store, folder, moment) for moment in after]
    builder(store, folder).wait()
    equal = "yes" if contents(store) == whole else "NO"
    return [", ".join(f"{moment:.2f}" for moment in after), ", ".join(map(str, told)), equal]


def killed(store: Path, folder: Path, seconds: float) -> int:
    """Build for so long, then kill; returns how many files the journal tells of."""
    process = builder(store, folder)
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
    return TokenStore.open(store).report.files_read if is_store(store) else 0


def builder(store: Path, folder: Path) -> subprocess.Popen[bytes]:
    """A builder that has taken the lock of its store."""
    before = locked_at(store)
    process = subprocess.Popen([sys.executable, "-c", BUILD, str(store), str(folder)])
    while process.poll() is None and locked_at(store) == before:
        time.sleep(0.001)
    return process


def locked_at(store: Path) -> int:
    """When the lock was last taken, in nanoseconds; 0 for never."""
    lock = store / LOCK
    return lock.stat().st_mtime_ns if lock.exists() else 0


def copied(data: Path, n: int, folder: Path) -> Path:
    """The first files of a folder, in another one."""
    folder.mkdir()
    for path in sorted(data.rglob("*.mid"))[:n]:
        shutil.copy2(path, folder)
    return folder


def contents(store: Path) -> dict[str, bytes]:
    """Every file of a store, but the lock."""
    files = (path for path in store.rglob("*") if path.is_file() and path.name != LOCK)
    return {str(path.relative_to(store)): path.read_bytes() for path in files}


if __name__ == "__main__":
    main()
