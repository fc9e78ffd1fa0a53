# Harmonise five chorale melodies that training never saw: their tunes are held out with all variants of them.
#
#     python make.py [MODEL.smm]
#
# writes a MIDI file, a MusicXML score and a report for each. The model is kept in MODEL.smm where that is given.

import json
import sys
from pathlib import Path

import numpy as np

import stochastic_music as sm
from stochastic_music import io
from stochastic_music.model_file import ModelFile
from stochastic_music.tasks.harmonize import Harmonizer
from stochastic_music.tasks.harmonize.reports import report_lines
from stochastic_music.tasks.harmonize.tunes import melody_alone

HERE = Path(__file__).parent
#: BWV number: the seed that was picked, by ear, out of four
MELODIES = {"66.6": 1, "269": 1, "281": 1, "302": 1, "40.6": 1}

chorales = sm.Corpus.builtin("bach-chorales")
tunes = np.array(chorales.variant_numbers)
chosen = {
    number: next(i for i, piece in enumerate(chorales) if piece.name == f"bwv{number}.mxl") for number in MELODIES
}
taught = chorales.select(np.flatnonzero(~np.isin(tunes, tunes[list(chosen.values())])))

kept = Path(sys.argv[1]) if len(sys.argv) > 1 else None
if kept and kept.exists():
    harmonizer = Harmonizer.from_file(ModelFile(kept))
else:
    harmonizer = Harmonizer().fit(taught)
    if kept:
        harmonizer.save(kept)

for number, seed in MELODIES.items():
    score = chorales[chosen[number]].score
    found = harmonizer.harmonize(melody_alone(score), 1, seed=seed)
    made_by = json.dumps(
        {
            "stochastic_music": sm.__version__,
            "command": "examples/harmonize/make.sh",
            "melody": f"BWV {number}, soprano",
            "seed": seed,
            "trained_on": f"{len(taught)} of {len(chorales)} pieces of bach-chorales: none with this tune",
            "licences": harmonizer.card_["licences"],
        }
    )
    name = f"bwv{number.replace('.', '-')}-s{seed}"
    for suffix in ("mid", "musicxml"):
        io.save(found.takes[0].score, HERE / f"{name}.{suffix}", provenance=made_by)
    lines = report_lines(found, 0, harmonizer.card_["rates"], bach=score)
    (HERE / f"{name}.txt").write_text("\n".join([f"BWV {number}, seed {seed}", "", *lines]) + "\n", encoding="utf-8")
    print(f"{name}: {len(found.takes[0].voices)} beats, {found.takes[0].nats_per_beat:.2f} nats per beat")
