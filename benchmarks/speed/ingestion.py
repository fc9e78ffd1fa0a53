"""How fast do MIDI files become token arrays, against symusic's parse alone, and in how much memory?

    python benchmarks/speed/ingestion.py --data FOLDER_OF_MIDI [--files 100000] [--repeats 2] [--workers 2]

Data: `--files` files made from those of FOLDER, transposed by -6 .. +6 semitones and cut into eight bars that begin at
every beat; and a twentieth as many larger files, each sixteen of these one after the other.

*Parse* is `symusic.Score(path)` for every file, in one process and in two, from the first file to the last. *Ours* runs
from the path of the folder to a `TokenCorpus` (encoding `melody`) with its report: starting the workers, listing,
reading, checking, measuring, encoding, transport. *Store* is the whole command `stochmusic corpus build`. All run in
processes of their own, in turn; the shortest time of each counts. Peak memory is that of the process that asks, and of
its largest worker.

Bars: ours takes at most 2.5 times as long as the parse in one process; ten times as many files do not raise the memory
of a worker, and the process that asks grows by what it returns.

The second table tells where the time of a small file goes: the same steps in one process, in batches as workers take
them, microseconds of processor time a file, the least of all batches.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import _table
import symusic
from symusic import Score

from stochastic_music import io
from stochastic_music.corpus import answers, ingest, ingest_tokens
from stochastic_music.corpus.facts import measure
from stochastic_music.music.notes import gather
from stochastic_music.tokens import MelodyEncoding

BAR = 2.5
BARS = 8
JOINED = 16
LARGER = 20
BATCH = 95
PARSE = """
import sys, time, pathlib, symusic
files = pathlib.Path(sys.argv[1]).read_text().splitlines()
start = time.time()
for file in files: symusic.Score(file)
print(start, time.time())
"""


def main() -> None:
    """Make the files, measure, write both tables."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--data", type=Path, required=True)
    arguments.add_argument("--files", type=int, default=100_000)
    arguments.add_argument("--repeats", type=int, default=2)
    arguments.add_argument("--workers", type=int, default=2)
    arguments.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".md"))
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary)
        small, tenth, large = (home / name for name in ("small", "tenth", "large"))
        n_large = options.files // LARGER
        make(cuts(options.data), small, options.files)
        make(cuts(options.data), tenth, options.files // 10)
        make(joined(cuts(options.data)), large, n_large)
        rows = [
            row(f"{n:,} of {mean_size(folder):,.0f} bytes", folder, n, options)
            for folder, n in ((tenth, options.files // 10), (small, options.files), (large, n_large))
        ]
        stages = [(name, f"{spent:.1f}") for name, spent in by_stage(small).items()]
    _table.write(
        options.out,
        "From MIDI files to token arrays",
        (
            *(
                "files",
                "parse, 1 process, files/s",
                "parse, 2 processes",
                "ours",
                "store",
                "ours / parse in 1 process (bar 2.5)",
            ),
            *("ours / parse in 2 processes", "peak memory asking / worker, MB", "bytes returned a file"),
        ),
        rows,
        packages=("numpy", "symusic"),
        below=[_table.Table("Where the time of a small file goes", ("step", "microseconds a file"), stages)],
    )


def cuts(source: Path) -> Iterator[Score]:
    """Small scores: those of a folder, transposed, eight bars from every beat on."""
    for step in range(-6, 7):
        for path in sorted(source.rglob("*.mid")):
            score = Score(str(path)).shift_pitch(step)
            beat = score.ticks_per_quarter
            for start in range(0, score.end() - 4 * BARS * beat + 1, beat):
                cut = score.clip(start, start + 4 * BARS * beat, clip_end=True)
                if cut.note_num():
                    yield cut.shift_time(-start)


def joined(scores: Iterator[Score]) -> Iterator[Score]:
    """Larger scores, each of several that follow one another."""
    while len(run := list(itertools.islice(scores, JOINED))) == JOINED:
        whole = run[0].copy()
        for i, part in enumerate(run[1:], 1):
            later = part.shift_time(i * 4 * BARS * part.ticks_per_quarter)
            for track, more in zip(whole.tracks, later.tracks, strict=False):
                track.notes.extend(more.notes)
        yield whole


def make(scores: Iterator[Score], folder: Path, count: int) -> None:
    """Write the first `count` scores, a thousand a folder."""
    made = 0
    for made, score in enumerate(itertools.islice(scores, count), 1):
        place = folder / f"{made // 1000:03}"
        if made % 1000 == 0 or made == 1:
            place.mkdir(parents=True, exist_ok=True)
        (place / f"{made:06}.mid").write_bytes(score.dumps_midi())
    if made < count:
        raise SystemExit(f"the data give {made} files only; expected {count}")


def mean_size(folder: Path) -> float:
    """Bytes a file."""
    sizes = [path.stat().st_size for path in folder.rglob("*.mid")]
    return sum(sizes) / len(sizes)


def row(name: str, folder: Path, count: int, options: argparse.Namespace) -> tuple[str, ...]:
    """One kind of files: every side in turn."""
    runs = [
        (parse(folder, 1), parse(folder, 2), ours(folder, options.workers), store(folder, options.workers))
        for _ in range(options.repeats)
    ]
    one, two, us, kept = (min(side) for side in zip(*((a, b, c["seconds"], d) for a, b, c, d in runs), strict=True))
    told = runs[0][2]
    return (
        name,
        *(f"{count / seconds:,.0f}" for seconds in (one, two, us, kept)),
        f"{us / one:.2f}{'' if us <= BAR * one else ' (not met)'}",
        f"{us / two:.2f}",
        f"{told['asking'] / 1e6:.0f} / {told['worker'] / 1e6:.0f}",
        f"{told['returned'] / count:,.0f}",
    )


def parse(folder: Path, n: int) -> float:
    """Seconds that `n` processes take to parse all files with symusic alone, from the first to the last."""
    files = sorted(str(path) for path in folder.rglob("*.mid"))
    halves = []
    for i in range(n):
        listing = folder.parent / f"part{i}.txt"
        listing.write_text("\n".join(files[i::n]))
        halves.append(subprocess.Popen([sys.executable, "-c", PARSE, str(listing)], stdout=subprocess.PIPE, text=True))
    spans = [[float(time) for time in half.communicate()[0].split()] for half in halves]
    return max(end for _, end in spans) - min(start for start, _ in spans)


def ours(folder: Path, workers: int) -> dict[str, float]:
    """What `tell_ingestion` says in a process of its own."""
    command = f"import ingestion; ingestion.tell_ingestion({str(folder)!r}, {workers})"
    home = Path(__file__).parent
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(home), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run([sys.executable, "-c", command], stdout=subprocess.PIPE, check=True, env=environment)
    told: dict[str, float] = json.loads(done.stdout)
    return told


def tell_ingestion(folder: str, workers: int) -> None:
    """Print how long ingestion took, peak memory of this process and its largest worker, and bytes returned."""
    start = time.perf_counter()
    corpus, report = ingest_tokens(folder, MelodyEncoding(), workers=workers)
    seconds = time.perf_counter() - start
    if report.skipped:
        raise SystemExit(f"skipped: {report.skipped[:3]}")
    asking, worker = (
        1024 * resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    returned = corpus.symbols.nbytes + corpus.offsets.nbytes + sum(_bytes_of(piece) for piece in report.pieces)
    print(json.dumps({"seconds": seconds, "asking": asking, "worker": worker, "returned": returned}))


def _bytes_of(value: Any) -> int:
    """Memory of a line of the report, what it holds included."""
    return sys.getsizeof(value) + (sum(_bytes_of(v) for v in value) if isinstance(value, tuple) else 0)


def store(folder: Path, workers: int) -> float:
    """Seconds that the command takes from the folder to a store on disk."""
    with tempfile.TemporaryDirectory() as target:
        options = ["corpus", "build", str(folder), "-o", f"{target}/store", "--encoding", "melody"]
        command = [sys.executable, "-c", "from stochastic_music.cli.main import run; run()", *options]
        start = time.perf_counter()
        subprocess.run([*command, "--workers", str(workers)], check=True, capture_output=True)
        return time.perf_counter() - start


def by_stage(folder: Path) -> dict[str, float]:
    """Microseconds of processor time a file takes in each step, in batches as workers take them."""
    start = time.process_time()
    found, _ = ingest.find(folder)
    spent = {"listing the folder": (time.process_time() - start) / len(found.files) * BATCH}
    encoding = MelodyEncoding()
    for first in range(0, min(len(found.files), 100 * BATCH) - BATCH + 1, BATCH):
        paths = [path for path, _ in found.files[first : first + BATCH]]
        for name, taken in _stages(paths, encoding):
            spent[name] = min(spent.get(name, taken), taken)
    microseconds = {name: 1e6 * taken / BATCH for name, taken in spent.items()}
    parse_alone = microseconds.pop("symusic's parse alone")
    return microseconds | {"all of these": sum(microseconds.values()), "symusic.Score(path)": parse_alone}


def _stages(paths: Sequence[str], encoding: MelodyEncoding) -> Iterator[tuple[str, float]]:
    """The steps of one batch, and the processor time each took."""
    made: list[Any] = []

    def timed(name: str, step: Callable[[], Any]) -> tuple[str, float]:
        start = time.process_time()
        made.append(step())
        return name, time.process_time() - start

    yield timed("symusic's parse alone", lambda: [symusic.Score(path) for path in paths])
    yield timed("reading bytes, symusic's parse", lambda: [io.start(path) for path in paths])
    opened = made[-1]
    yield timed("the table of notes", lambda: gather([file.score for file in opened]))
    table = made[-1]
    yield timed("checks and repairs", lambda: io.finish(opened, table))
    pieces = made[-1]
    scores = [piece.score for piece in pieces]
    table = table.without_empty_tracks()
    yield timed("facts for the report: key, grid, meters, runs", lambda: measure(scores, table))
    facts = made[-1]
    yield timed("encoding", lambda: encoding.encode_many(scores, table))
    tokens = made[-1]
    yield timed("packing", lambda: _packed(pieces, tokens, facts))
    texts, bodies = made[-1]
    yield timed("unpacking", lambda: _unpacked(texts, bodies))


def _packed(pieces: Sequence[Any], tokens: Sequence[Any], facts: Sequence[Any]) -> tuple[str, list[bytes]]:
    coded = [answers.code_symbols(piece, own) for piece, own in zip(pieces, tokens, strict=True)]
    told = [answers.answer([both]) for both in zip(coded, facts, strict=True)]
    return json.dumps([message for message, _ in told], separators=(",", ":")), [body for _, body in told]


def _unpacked(text: str, bodies: Sequence[bytes]) -> list[Any]:
    return [list(answers.decode_rows("", m, body)) for m, body in zip(json.loads(text), bodies, strict=True)]


if __name__ == "__main__":
    main()
