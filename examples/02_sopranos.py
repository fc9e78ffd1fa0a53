"""Learn from Bach's chorale sopranos, measure the model on unseen pieces, compose within a singer's range."""

import sys
from pathlib import Path

import stochastic_music as sm

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "takes")
folder.mkdir(exist_ok=True)

corpus = sm.Corpus.builtin("bach-sopranos")
train, test = corpus.split(test_size=0.2, seed=0)
pipeline = sm.Pipeline(sm.MelodyEncoding(), sm.PPM(order_bound=5, escape="c"), transpose="common").fit(train)
print(f"mean log probability of a symbol: {pipeline.score(test):.3f} nats")
for i, melody in enumerate(pipeline.sample(4, constraint=sm.PitchRange(60, 84) & sm.Bars(8), seed=1)):
    melody.dump_midi(folder / f"soprano{i + 1}.mid")
    print(f"{len(melody.tracks[0].notes)} notes in {folder / f'soprano{i + 1}.mid'}")
