"""How long does a score take to become sound, how far is that from the limit, and how even is it?

    python benchmarks/speed/sound.py [--repeats 7] [--quick]

Random notes of a quarter second to a second, one after another in each part, 44,100 stereo samples a second. Seconds
are the processor's, of one thread, so that other work on the machine counts little; the fastest of the repeats counts.
*Sound* is `synthesize`; the file is made of it apart. The bar: a minute of four parts in 0.3 s, file and all; a minute
of anything in less than one second.

Where the time goes: the steps of that minute (flute, two violas, piano), beside what the machine could do at best. For
sums of damped sines that is one large product of matrices of 32-bit floats with as many operations; for all else it is
a plain sum of two arrays that do not fit into any cache, with as many bytes read and written.

How even: the same melody of sixteen notes at velocity 80 by each family of instruments; then four parts, drums, a thick
chord and soft short notes. *By the root mean square* is the loudness that they would have, were it -20 dBFS wherever
something sounds. The table in sound.md is written by this script.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"  # before NumPy arrives
import numpy as np
from symusic import Note, Score, Tempo, Track

from stochastic_music.render.audio import mixing, synthesize, to_wav, tones
from stochastic_music.render.audio.instruments import FAMILIES
from stochastic_music.render.audio.leveling import loudness

sys.path.insert(0, str(Path(__file__).parents[1]))
import _table

RATE = 44100
BAR, PATIENCE = 0.3, 1.0
PROGRAMS = {
    **{"piano": 0, "bell": 9, "organ": 19, "plucked": 24, "bass": 33, "strings": 48, "choir": 52},
    **{"brass": 56, "reed": 71, "pipe": 73, "drums": 0},
}
MELODY = (60, 62, 64, 65, 67, 65, 64, 62, 72, 71, 69, 67, 65, 64, 62, 60)
GROOVE = (36, 42, 38, 42, 36, 36, 38, 46, 36, 42, 38, 42, 45, 43, 41, 49)


def score_of(parts: list[tuple[int, bool, list[tuple[float, float, int, int]]]]) -> Score:
    """Notes are (onset, duration, pitch, velocity), times in seconds."""
    score = Score(480)
    score.tempos.append(Tempo(0, 60))
    for program, is_drum, notes in parts:
        track = Track(program=program, is_drum=is_drum)
        track.notes.extend([Note(round(480 * on), max(1, round(480 * d)), p, v) for on, d, p, v in notes])
        score.tracks.append(track)
    return score


def line(seconds: float, center: int, generator: np.random.Generator) -> list[tuple[float, float, int, int]]:
    """One note after another, within an octave around `center`."""
    lengths = generator.choice([0.25, 0.25, 0.5, 0.5, 1.0], size=int(4 * seconds))
    onsets = np.cumsum(lengths) - lengths
    kept = onsets < seconds
    pitches = center + generator.choice([-5, -3, -1, 0, 2, 4, 5, 7], size=len(lengths))
    velocities = generator.integers(60, 100, size=len(lengths))
    return [tuple(row) for row in np.stack([onsets, lengths, pitches, velocities], axis=1)[kept].tolist()]


def played(programs: list[int], seconds: float = 60.0) -> Score:
    """Each program with a line of its own, and drums for programs below 0."""
    generator = np.random.default_rng(0)
    parts = []
    for i, program in enumerate(programs):
        notes = line(seconds, (76, 67, 60, 48)[i % 4], generator)
        if program < 0:
            notes = [(on, d, GROOVE[k % 16], v) for k, (on, d, _, v) in enumerate(notes)]
        parts.append((max(program, 0), program < 0, [(on, d, int(p), int(v)) for on, d, p, v in notes]))
    return score_of(parts)


def in_turn(works: Sequence[Callable[[], object]], repeats: int) -> list[float]:
    """The shortest processor time that each takes, in seconds: all of them one after another, `repeats` times."""
    least = [float("inf")] * len(works)
    for _ in range(repeats):
        for i, work in enumerate(works):
            start = time.process_time()
            work()
            least[i] = min(least[i], time.process_time() - start)
    return least


def speed(scores: dict[str, Score], repeats: int) -> list[list[object]]:
    """A row for each score."""
    rows = []
    for name, score in scores.items():
        made = synthesize(score)
        sound, file = in_turn([lambda score=score: synthesize(score), lambda made=made: to_wav(made)], repeats)
        bar = BAR if "four parts" in name else PATIENCE
        n_notes = sum(len(track.notes) for track in score.tracks)
        met = "yes" if sound + file <= bar else "no"
        rows.append([name, f"{n_notes:,}", f"{len(made) / RATE:.0f} s", f"{sound:.3f}", f"{file:.3f}", f"{bar} s", met])
    return rows


class Steps:
    """Seconds in functions that are called by name, and what they worked on."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.operations = 0
        self.added = 0

    def watch(self, module: Any, name: str, seen: Callable[..., None] = lambda *_: None) -> Callable[[], None]:
        """Take the time in `module.name` from now on, until the answer is called."""
        function = getattr(module, name)

        def timed(*args: Any) -> Any:
            seen(*args)
            start = time.process_time()
            done = function(*args)
            self.seconds[name] = self.seconds.get(name, 0.0) + time.process_time() - start
            return done

        setattr(module, name, timed)
        return lambda: setattr(module, name, function)

    def summed(self, partials: Any, n: int, rate: int) -> None:
        """Count the operations of a sum of partials."""
        self.operations += 4 * n * int((partials.frequency < 0.45 * rate).sum())

    def notes(self, _mixed: Any, _made: Any, length: int, *_: Any) -> None:
        """Count the samples of a note."""
        self.added += length


def steps_of(score: Score) -> Steps:
    """Where the time of one rendering goes."""
    steps = Steps()
    undo = [
        steps.watch(tones, "summed", steps.summed),
        steps.watch(mixing, "tone"),
        steps.watch(mixing, "_add", steps.notes),
        steps.watch(mixing, "_reflect"),
        steps.watch(mixing, "level"),
    ]
    synthesize(score)
    for put_back in undo:
        put_back()
    return steps


def limits(score: Score, repeats: int) -> list[list[object]]:
    """Steps of a rendering, each beside what the machine could do at best."""
    runs = [steps_of(score) for _ in range(repeats)]
    best = {name: min(run.seconds[name] for run in runs) for name in runs[0].seconds}
    n = len(synthesize(score))
    floats = np.ones((512, 512), dtype=np.float32)
    one, other = (np.ones(1 << 25, dtype=np.float32) for _ in range(2))
    product, addition = in_turn([lambda: floats @ floats, lambda: np.add(one, other, out=one)], repeats)
    operation, byte = product / (2 * 512**3), addition / (12 * len(one))
    rows = [
        ("damped sines summed", best["summed"], operation * runs[0].operations),
        ("envelopes, tones of equal loudness", best["tone"] - best["summed"], None),
        ("notes added to two channels", best["_add"], byte * 20 * runs[0].added),
        ("reflections, eight", best["_reflect"], byte * 4 * 12 * n),
        ("loudness (by spectra), level, limit", best["level"], byte * 4 * 10 * n),
    ]
    return [
        [
            name,
            f"{taken * 1e3:.0f}",
            "" if least is None else f"{least * 1e3:.0f}",
            "" if least is None else f"{taken / least:.1f}",
        ]
        for name, taken, least in rows
    ]


def evenness() -> list[list[object]]:
    """Loudness of many scores, now and by the root mean square."""
    scores = {
        name: score_of([(PROGRAMS[name], name == "drums", [(i / 2, 0.48, p, 80) for i, p in enumerate(notes)])])
        for name in FAMILIES
        for notes in [GROOVE if name == "drums" else MELODY]
    }
    scores |= {
        "four parts": played([73, 40, 42, 0], 20),
        "four parts, drums": played([56, 24, 33, -1], 20),
        "32 notes at once, velocity 127": score_of([(48, False, [(0, 4, 36 + i, 127) for i in range(32)])]),
        "two octaves, short, soft": score_of([(11, False, [(i, 0.1, 60 + i, 20) for i in range(24)])]),
    }
    rows, before = [], []
    for name, score in scores.items():
        sound = synthesize(score)
        heard = loudness(sound.T, RATE)
        peak = np.abs(sound).max()
        square = float(np.sqrt(np.mean(sound[np.abs(sound).max(axis=1) > peak / 100] ** 2)))
        before.append(heard + 20 * np.log10(min(0.1 / square, 0.89 / peak)))
        rows.append([name, f"{heard:.1f}", f"{before[-1]:.1f}", f"{20 * np.log10(peak):.1f}"])
    spread = float(np.ptp([float(row[1]) for row in rows])), float(np.ptp(before))
    return [*rows, ["from the softest to the loudest", f"{spread[0]:.1f} LU", f"{spread[1]:.1f} LU", ""]]


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--quick", action="store_true", help="a tenth of the music, two repeats")
    options = parser.parse_args()
    length, repeats = (6.0, 2) if options.quick else (60.0, options.repeats)
    four = played([73, 40, 42, 0], length)
    scores = {
        "four parts: flute, two violas, piano": four,
        "four parts: choir": played([52] * 4, length),
        "four parts: trumpet, guitar, bass, drums": played([56, 24, 33, -1], length),
        "one melody, piano": played([0], length),
        "16 parts, all families": played([8 * i for i in range(15)] + [-1], length),
        "96 voices in 96 parts": played(list(range(96)), length),
        "10,000 notes, every pitch and velocity": score_of(
            [(0, False, [(i * length / 10_000, 0.1, i % 128, i // 128 % 128) for i in range(10_000)])]
        ),
        "one note of a quarter second": score_of([(0, False, [(0, 0.25, 60, 80)])]),
    }
    _table.write(
        Path(__file__).with_suffix(".md"),
        "Seconds of one processor that sound takes",
        ["score", "notes", "lasts", "sound, s", "file, s", "bar", "met"],
        speed(scores, repeats),
        packages=("numpy", "symusic"),
        below=(
            _table.Table(
                "Where the time of a minute of four parts goes, in milliseconds",
                ["step", "taken", "at best", "times off"],
                limits(four, repeats),
            ),
            _table.Table(
                "How even: loudness in LUFS",
                ["score", "now", "by the root mean square", "peak, dBFS"],
                evenness(),
            ),
        ),
    )


if __name__ == "__main__":
    main()
