"""How well does the harmoniser know the lower voices, and how often does it write parallels beside Bach?

*Lower voices*: minus the log probability of the notes below the top one, the frame's end among them, given the whole
top voice, past and future, and the frames before: in nats, over all frames of the set. The harmoniser's own
conditionals are normalised step by step; a set's probability sums over all skeletons of chords and all ways in which
four voices sing it (`stochastic_music/models/harmony/sets.py`). Data: 382 Bach chorales on the quarter-note grid in the
split of [1] (229 / 76 / 77; 4,725 test frames), a JSON file with the lists `train`, `valid` and `test` of pieces, a
piece being a list of frames, a frame a list of MIDI pitches. It is no part of this project: give its path. A row for
each kind of skeleton; kinds and penalties were compared on the validation pieces. Chords of less than 1 in 1,000 at a
beat are left out of the sum on validation pieces, 1 in 100,000 on test pieces: that can only make the figure worse.

*Rules*: the built-in chorales are split by tune, nine in ten teach; sopranos of others are harmonised as they come, and
breaches of rules counted at every onset, in 100 beats, by the function that counts them in Bach's own settings.

    python benchmarks/quality/harmony.py --data jsb_quarter.json [--quick]

writes the table beside this script. For orientation, in other units: Allan and Williams [2], 4.90 and 5.02 nats a beat.

[1] N. Boulanger-Lewandowski, Y. Bengio, P. Vincent. Modeling temporal dependencies in high-dimensional sequences:
    Application to polyphonic music generation and transcription. ICML 2012.
[2] M. Allan, C. K. I. Williams. Harmonising chorales by probabilistic inference. NIPS 2004.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from stochastic_music.corpus import Corpus
from stochastic_music.models.harmony import sets
from stochastic_music.models.harmony.harmony import Harmony
from stochastic_music.tasks.harmonize import Harmonizer
from stochastic_music.tasks.harmonize.reports import piece_report, rates
from stochastic_music.tasks.harmonize.tunes import four_parts, melody_alone

sys.path.insert(0, str(Path(__file__).parents[1]))
import _table

BAR = 3.1
RULES = ("parallel_fifths", "parallel_octaves", "direct_octaves", "doubled_leading_note", "unresolved_leading_note")


def frames(path: Path) -> dict[str, list[list[sets.Frame]]]:
    """The three sets; raises SystemExit where there is no such file."""
    if not path.is_file():
        raise SystemExit(f"there is no {path}: give the JSON file of the data with --data")
    read = json.loads(path.read_text(encoding="utf-8"))
    return {name: [[sets.frame(frame) for frame in piece] for piece in pieces] for name, pieces in read.items()}


def nats(scorer: sets.SetScorer, pieces: Sequence[Sequence[sets.Frame]]) -> float:
    """Nats a frame."""
    return -sum(scorer.log_prob(piece) for piece in pieces) / sum(map(len, pieces))


def lower_voices(data: dict[str, list[list[sets.Frame]]], kind: str) -> list[object]:
    """Fit with one kind of skeleton, and score the other sets."""
    begin = time.perf_counter()
    harmony = Harmony(kind).fit([sets.setting_of(piece) for piece in data["train"]])
    seconds = time.perf_counter() - begin
    escape = sets.Escape.fit(data["train"])
    valid = nats(sets.SetScorer(harmony, escape, prune=1e-3), data["valid"])
    test = nats(sets.SetScorer(harmony, escape, prune=1e-5), data["test"])
    met = "yes" if test <= BAR else "no"
    return [f"lower voices, skeleton {kind}", f"{valid:.3f}", f"{test:.3f}", f"{BAR}", met, f"{seconds:.0f} s"]


def rule_rows(most: int) -> list[list[object]]:
    """Harmonise held-out sopranos, and count."""
    music = Corpus.builtin("bach-chorales")
    tunes = np.array(music.variant_numbers)
    order = np.random.default_rng(0).permutation(np.unique(tunes))
    held_out = np.isin(tunes, order[: len(order) // 10])
    harmonizer = Harmonizer().fit(music.select(np.flatnonzero(~held_out)))
    mine, bach, seconds, beats = [], [], 0.0, 0
    for piece in list(music.select(np.flatnonzero(held_out)))[:most]:
        if four_parts(piece.score) is None:
            continue
        melody = melody_alone(piece.score)
        begin = time.perf_counter()
        takes = harmonizer.harmonize(melody, 2, seed=0).takes
        seconds += time.perf_counter() - begin
        beats += len(takes[0].voices)
        mine += [take.report for take in takes if take.report]
        bach.append(piece_report(piece.score))
    ours, theirs = rates(mine), rates(bach)
    both = [sum(of[name] for name in RULES[:2]) for of in (ours, theirs)]
    met = "yes" if both[0] <= both[1] + 1 else "no"
    rows: list[list[object]] = [
        ["parallel fifths and octaves in 100 beats", "", f"{both[0]:.2f}", f"Bach {both[1]:.2f} + 1", met, ""]
    ]
    rows += [[name.replace("_", " "), "", f"{ours[name]:.2f}", f"Bach {theirs[name]:.2f}", "", ""] for name in RULES]
    rows.append(
        [f"seconds for 64 beats, two takes, of {len(bach)} melodies", "", f"{64 * seconds / beats:.1f}", "", "", ""]
    )
    return rows


def main() -> None:
    """Measure, and write the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, default=Path("jsb_quarter.json"))
    parser.add_argument("--quick", action="store_true", help="a few pieces of each set: a try, not the table")
    parser.add_argument("--kinds", nargs="+", default=["crf", "mixture", "hmm"])
    options = parser.parse_args()
    data = frames(options.data)
    if options.quick:
        data |= {name: data[name][:15] for name in ("valid", "test")}
    rows = []
    for kind in options.kinds:
        rows.append(lower_voices(data, kind))
        print(*rows[-1], flush=True)
    rows += rule_rows(4 if options.quick else 40)
    header = ["measure", "valid", "test", "bar, or Bach", "met", "fit"]
    question = "Nats a frame of lower voices under a given soprano, and rules in harmonised melodies"
    if options.quick:
        print(*rows, sep="\n")
        return
    _table.write(Path(__file__).with_suffix(".md"), question, header, rows, packages=["numpy", "scipy", "music21"])


if __name__ == "__main__":
    main()
