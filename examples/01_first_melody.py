"""Learn from a corpus that can be counted by hand, and write one melody.

The corpus is one line of eight bars. An order-1 Markov model counts which note follows which,
and composes eight bars more.
"""

import sys
from pathlib import Path

import stochastic_music as sm

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "takes")
folder.mkdir(exist_ok=True)

corpus = sm.Corpus.from_text("4/4 c4 d e c  c d e c  e f g2  e4 f g2  g8 a g f e4 c  g8 a g f e4 c  c G c2  c4 G c2")
pipeline = sm.Pipeline(sm.MelodyEncoding(), sm.Markov(order=1)).fit(corpus)
[melody] = pipeline.sample(1, constraint=sm.Bars(8), seed=1)
melody.dump_midi(folder / "first_melody.mid")
print(f"{len(melody.tracks[0].notes)} notes in {folder / 'first_melody.mid'}")
