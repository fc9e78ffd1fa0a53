"""Writes `mgeval.json`: what the toolbox of Yang and Lerch says of two small sets of melodies; see the README.

Run it as `python tests/golden/mgeval.py FOLDER`, where FOLDER holds the package `mgeval` in a translation to Python 3
(whole division of ticks, `print` as a function, float() about the integrand of `overlap_area`) and modules `midi` and
`pretty_midi` that it imports.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import mido
import numpy as np

SCALE = (0, 2, 4, 5, 7, 9, 11, 12)
SETS = {
    "reference": (1, (1, 1, 2, 0.5, 0.5, 1.5, 0.5, 1)),
    "generated": (3, (1, 0.5, 0.5, 1, 1, 3, 2, 0.5, 0.5)),
}
TOLD = {
    "pitch_count": lambda m, f: m.total_used_pitch(f),
    "pitch_count_per_bar": lambda m, f: m.bar_used_pitch(f, 0).ravel(),
    "pitch_class_histogram": lambda m, f: m.total_pitch_class_histogram(f),
    "pitch_class_histogram_per_bar": lambda m, f: m.bar_pitch_class_histogram(f, 0),
    "pitch_class_transition_matrix": lambda m, f: m.pitch_class_transition_matrix(f, 2),
    "pitch_range": lambda m, f: m.pitch_range(f),
    "average_pitch_interval": lambda m, f: m.avg_pitch_shift(f, 0),
    "note_count": lambda m, f: m.total_used_note(f, 0),
    "note_count_per_bar": lambda m, f: m.bar_used_note(f, 0).ravel(),
    "average_inter_onset_interval": lambda m, f: m.avg_IOI(f),
    "note_length_histogram": lambda m, f: m.note_length_hist(f, 0),
    "note_length_transition_matrix": lambda m, f: m.note_length_transition_matrix(f, 0, 2),
}


def melody(k, step, lengths):
    """Eight bars of four quarters by arithmetic: (start, length, pitch) in quarters."""
    notes, time = [], 0.0
    while time < 32:
        i = len(notes)
        length = min(lengths[(i + k + i // 7 * (k + 1)) % len(lengths)], 32 - time)
        notes.append((time, length, 60 + k % 3 + SCALE[(step * i * i + (k + 1) * i + k) % 8]))
        time += length
    return notes


def write(path, notes, meter=(4, 4)):
    """One track, 120 quarters a minute, all notes equally loud."""
    events = [(start, 1, "note_on", pitch, 80) for start, _, pitch in notes]
    events += [(start + length, 0, "note_off", pitch, 0) for start, length, pitch in notes]
    track = mido.MidiTrack([mido.MetaMessage("time_signature", numerator=meter[0], denominator=meter[1])])
    now = 0.0
    for time, _, kind, pitch, velocity in sorted(events):
        track.append(mido.Message(kind, note=pitch, velocity=velocity, time=round(480 * (time - now))))
        now = time
    track.append(mido.MetaMessage("end_of_track"))
    mido.MidiFile(ticks_per_beat=480, tracks=[track]).save(path)


def measured(core, notes, meter=(4, 4)):
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "piece.mid")
        write(path, notes, meter)
        return {
            name: np.asarray(told(core.metrics(), core.extract_feature(path)), dtype=float)
            for name, told in TOLD.items()
        }


def compared(utils, generated, reference):
    """Overlap and divergence of distances within the reference and between, as the script of the toolbox has them."""
    n = range(len(reference))
    within = [utils.c_dist(reference[i], np.array([reference[j] for j in n if j != i])) for i in n]
    between = [utils.c_dist(piece, np.array(reference)) for piece in generated]
    intra, inter = np.concatenate(within), np.concatenate(between)
    return {"overlap": float(utils.overlap_area(intra, inter)), "kl": float(utils.kl_dist(intra, inter))}


def main(folder):
    sys.path.insert(0, folder)
    from mgeval import core, utils

    pieces = {name: [melody(k, *how) for k in range(8)] for name, how in SETS.items()}
    found = {name: [measured(core, notes) for notes in melodies] for name, melodies in pieces.items()}
    figures = {
        name: compared(utils, *([piece[name].reshape(-1) for piece in found[s]] for s in ("generated", "reference")))
        for name in TOLD
    }
    in_three = measured(core, [(0, 2, 60), (2, 1, 62), (3, 2, 64), (5, 1, 65)], (3, 4))
    ten = np.arange(10.0)
    told = {
        "pieces": pieces,
        "features": {name: [{k: v.tolist() for k, v in f.items()} for f in sets] for name, sets in found.items()},
        "figures": figures,
        "three_four_lengths": in_three["note_length_histogram"].tolist(),
        "ten_and_ten": {"overlap": utils.overlap_area(ten, ten), "kl_50_apart": utils.kl_dist(ten, ten + 50)},
    }
    text = json.dumps(told)
    Path(__file__).with_suffix(".json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
