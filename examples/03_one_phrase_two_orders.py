"""The same seed at order 1 and at order 4: the longer the memory, the closer to the corpus.

Prints the surprise of each melody under its own model, and the held-out surprise that tells which order learned more.
"""

import math
import sys
from pathlib import Path

import stochastic_music as sm

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "takes")
folder.mkdir(exist_ok=True)

train, test = sm.Corpus.builtin("essen-kinder").split(test_size=0.2, seed=0)
for order in (1, 4):
    pipeline = sm.Pipeline(sm.MelodyEncoding(), sm.Markov(order=order), transpose="common").fit(train)
    [take] = pipeline.compose(1, constraint=sm.Bars(8), seed=3)
    sm.save(take.score, folder / f"order{order}.mid")
    held_out = -pipeline.score(test) / math.log(2)
    print(f"order {order}: {take.bits_per_note:.2f} bits per note; held-out pieces {held_out:.3f} bits per symbol")
