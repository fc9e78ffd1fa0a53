# Tunes as text, a line each: bar by bar, eighth by eighth.
#
#     python as_text.py ORIGINAL OTHER ...
#
# `-` holds a note, `.` is silence; in files made from the original `'` stands for a note that it has at this place.

import sys
from pathlib import Path

from stochastic_music import io
from stochastic_music.music.bars import bars
from stochastic_music.tokens import pitch_name


def line(score, original=None):
    eighth = score.ticks_per_quarter // 2
    notes = {note.time: note for note in score.tracks[0].notes}
    there = set() if original is None else places(original, score.ticks_per_quarter)
    texts = []
    for bar in bars(score):
        begin = round(bar.start * 2 * eighth)
        texts.append(" ".join(cell(notes, begin + i * eighth, eighth, there) for i in range(round(bar.length * 2))))
    return " | ".join(texts)


def places(score, quarter):
    return {(n.time * quarter // score.ticks_per_quarter, n.pitch) for n in score.tracks[0].notes}


def cell(notes, tick, eighth, there):
    begun = [n for n in notes.values() if tick <= n.time < tick + eighth]
    if begun:
        same = all((n.time, n.pitch) in there for n in begun)
        return ",".join("'" if same else pitch_name(n.pitch) for n in begun)
    return "-" if any(n.time < tick < n.time + n.duration for n in notes.values()) else "."


first, *others = sys.argv[1:]
original = io.load(first)
print(f"{first}\n  {line(original)}\n")
for name in others:
    made_from = original if Path(name).name.startswith(Path(first).stem) else None
    print(f"{Path(name).name}\n  {line(io.load(name), made_from)}\n")
