"""How fast 10,000 small MIDI files become token arrays, with two processes, against symusic's bare parse.

    python benchmarks/speed/reading.py --data FOLDER_OF_MIDI [--files 10000] [--encoding melody] [--repeats 3]

Files are made from those of FOLDER: transposed by -6 .. +5 semitones and cut into pieces of eight bars, four bars
apart. *End to end* runs from the path of the folder to a `TokenCorpus` and its report: starting the processes, listing,
reading, repair, measuring, encoding, transport. The bare parse is `symusic.Score(path)` alone, in two processes, from
the first file to the last. The bar: 4,000 files a second, or a third of the bare parse, whichever is less. The table
in reading.md is written by this script.
"""

from __future__ import annotations

import argparse
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import symusic
from symusic import Score

from stochastic_music.corpus import ingest_tokens
from stochastic_music.tokens import MelodyEncoding, NotesEncoding, VoicesEncoding

ENCODINGS = {"melody": MelodyEncoding, "notes": NotesEncoding, "voices": VoicesEncoding}
BARS = 8
PARSE = """
import sys, time, pathlib, symusic
files = pathlib.Path(sys.argv[1]).read_text().splitlines()
start = time.perf_counter()
for file in files: symusic.Score(file)
print(start, time.perf_counter())
"""


def make_files(source: Path, target: Path, count: int) -> int:
    """Write `count` different small files; returns how many bytes they hold."""
    made = size = 0
    for step in range(-6, 6):
        for path in sorted(source.glob("*.mid")):
            score = Score(str(path))
            bar = 4 * score.ticks_per_quarter
            for start in range(0, score.end() - BARS * bar + 1, BARS * bar // 2):
                if made == count:
                    return size
                cut = score.clip(start, start + BARS * bar, clip_end=True).shift_time(-start).shift_pitch(step)
                if not cut.note_num():
                    continue
                folder = target / f"{made // 1000:03}"
                folder.mkdir(exist_ok=True)
                data = cut.dumps_midi()
                (folder / f"{made:05}.mid").write_bytes(data)
                made, size = made + 1, size + len(data)
    raise SystemExit(f"{source} gives {made} files only; expected {count}")


def bare_parse(folder: Path, count: int) -> float:
    """Files a second that two processes parse with symusic alone."""
    files = sorted(str(path) for path in folder.rglob("*.mid"))
    halves = []
    for i in range(2):
        listing = folder.parent / f"half{i}.txt"
        listing.write_text("\n".join(files[i::2]))
        halves.append(subprocess.Popen([sys.executable, "-c", PARSE, str(listing)], stdout=subprocess.PIPE, text=True))
    spans = np.array([half.communicate()[0].split() for half in halves], dtype=float)
    return count / float(spans[:, 1].max() - spans[:, 0].min())


def end_to_end(folder: Path, encoding: object) -> tuple[float, int]:
    """Files a second from a folder to token arrays with two processes, and how many symbols there were."""
    start = time.perf_counter()
    corpus, report = ingest_tokens(folder, encoding, workers=2)
    seconds = time.perf_counter() - start
    if report.skipped:
        raise SystemExit(f"skipped: {report.skipped[:3]}")
    return len(report.read) / seconds, len(corpus.symbols)


def main() -> None:
    """Measure, print, and write the table."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--data", type=Path, required=True)
    arguments.add_argument("--files", type=int, default=10_000)
    arguments.add_argument("--encoding", choices=ENCODINGS, default="melody")
    arguments.add_argument("--repeats", type=int, default=3)
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, "midi")
        folder.mkdir()
        size = make_files(options.data, folder, options.files)
        rows = []
        for _ in range(options.repeats):
            rate, symbols = end_to_end(folder, ENCODINGS[options.encoding]())
            rows.append((bare_parse(folder, options.files), rate))
            print(f"bare parse {rows[-1][0]:,.0f} files/s, end to end {rows[-1][1]:,.0f} files/s")
        parse, rate = np.median(rows, axis=0)
        bar = min(4000.0, parse / 3)
        lines = [
            "# Reading MIDI files to token arrays",
            "",
            f"{options.files:,} files of {size / options.files:,.0f} bytes on average, encoding `{options.encoding}`, "
            f"{symbols:,} symbols, two processes; medians of {options.repeats} runs, all in one go.",
            "",
            "| symusic's bare parse, files/s | end to end, files/s | ratio | bar, files/s | met |",
            "|---|---|---|---|---|",
            f"| {parse:,.0f} | {rate:,.0f} | {rate / parse:.2f} | {bar:,.0f} | {'yes' if rate >= bar else 'no'} |",
            "",
            f"Python {platform.python_version()}, numpy {np.__version__}, symusic {symusic.__version__}, "
            f"{platform.system()} {platform.machine()}.",
        ]
        Path(__file__).with_suffix(".md").write_text("\n".join(lines) + "\n", encoding="utf-8")
        print("\n".join(lines))


if __name__ == "__main__":
    main()
