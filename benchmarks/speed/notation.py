"""How long engraving takes: 32 bars in four parts as SVG, PNG and PDF, a sheet for a screen, and 10,000 notes.

    python benchmarks/speed/notation.py [--repeats 15]

The music is a chorale of `examples/harmonize`, its bars repeated until there are 32. Each format is made in a process
of its own: the first time with all that has to be imported, then again, the fastest of the repeats. Imports of the
package itself and reading the score are not counted. Seconds are of the processor, so that other work on the machine
does not count; on an idle one they are those of the clock, since nothing here waits. The bars are for the later times:
0.2 s for SVG, 1 s for PNG. The melody of 10,000 eighths in 1,250 bars has none; memory is the most that its process
held. The table is written by this script.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

from symusic import Note, Score, Track

from stochastic_music import io
from stochastic_music.render import notation

sys.path.insert(0, str(Path(__file__).parents[1]))
import _table
from _memory import peak

CHORALE = Path(__file__).parents[2] / "examples" / "harmonize" / "bwv269-s1.musicxml"
#: bars and quarter notes of the chorale (after its pickup) that are repeated
BARS, LENGTH = 20, 60
FORMATS = {
    "SVG": (notation.to_svg, 0.2),
    "PNG": (notation.to_png, 1.0),
    "PDF": (notation.to_pdf, None),
    "sheet": (lambda score: notation.sheet(score).svg, None),
}
PACKAGES = ["numpy", "symusic", "verovio", "resvg-py", "reportlab"]


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measured(*options.measure, options.repeats)))
        return
    rows = [row("chorale", name, options.repeats, bar) for name, (_, bar) in FORMATS.items()]
    rows += [row("melody", name, 1, None) for name in ("SVG", "PDF")]
    header = ["music", "as", "first time, s", "later, s", "bar, s", "met", "kB", "memory, MB"]
    question = "Engraving: seconds of the processor for a score, and the size of what is written"
    _table.write(Path(__file__).with_suffix(".md"), question, header, rows, packages=PACKAGES)


def row(music: str, name: str, repeats: int, bar: float | None) -> list[object]:
    """One row of the table, measured in a process of its own."""
    command = [sys.executable, __file__, "--measure", music, name, "--repeats", str(repeats)]
    found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    met = "" if bar is None else "yes" if found["later"] <= bar else "no"
    sizes = [f"{found['bytes'] / 1e3:,.0f}", f"{found['memory'] / 1e6:,.0f}"]
    return [MUSIC[music][0], name, f"{found['first']:.2f}", f"{found['later']:.2f}", bar or "", met, *sizes]


def measured(music: str, name: str, repeats: int) -> dict[str, float]:
    """What that process does."""
    score, write, taken = MUSIC[music][1](), FORMATS[name][0], []
    for _ in range(1 + repeats):
        start = time.process_time()
        made = write(score)
        taken.append(time.process_time() - start)
    return {"first": taken[0], "later": min(taken[1:]), "bytes": len(made), "memory": peak()}


def chorale(n_bars: int = 32) -> Score:
    """So many bars in four parts."""
    score = io.load(CHORALE)
    quarter = score.ticks_per_quarter
    period, end = LENGTH * quarter, quarter + n_bars * LENGTH * quarter // BARS
    for track in score.tracks:
        notes = [note for note in track.notes if note.time < period + quarter]
        again = [Note(note.time + period, note.duration, note.pitch, note.velocity) for note in notes if note.time]
        track.notes = type(track.notes)([note for note in notes + again if note.time < end])
    return score


def melody(n_notes: int = 10_000) -> Score:
    """So many eighths."""
    score = Score(480)
    notes = [Note(240 * i, 240, 60 + 7 * i % 13, 80) for i in range(n_notes)]
    score.tracks.append(Track(name="melody", notes=notes))
    return score


MUSIC = {"chorale": ("32 bars, four parts", chorale), "melody": ("10,000 notes", melody)}

if __name__ == "__main__":
    main()
