"""Makes the `format_1_*.smm` files and `format_1.json`: run with a version that writes model files of format 1.

python tests/golden/format_1.py
"""

import json
from pathlib import Path

import stochastic_music as sm

HERE = Path(__file__).parent
TUNES = [
    "4/4 c4 d e c c d e c e f g2 e4 f g2",
    "4/4 g8 a g f e4 c g8 a g f e4 c c G c2 c4 G c2",
    "3/4 e4 e f g f e d c c d e d2.",
]
MODELS = {"markov": sm.Markov(order=2), "ppm": sm.PPM(order_bound=3, escape="ax", exclusion=True)}

if __name__ == "__main__":
    corpus = sm.Corpus.from_scores([sm.Corpus.from_text(tune)[0].score for tune in TUNES])
    found = {}
    for name, model in MODELS.items():
        pipeline = sm.Pipeline(sm.MelodyEncoding(), model).fit(corpus)
        pipeline.save(HERE / f"format_1_{name}.smm", force=True)
        found[name] = pipeline.log_probs(pipeline.corpus_).tolist()
    (HERE / "format_1.json").write_text(json.dumps(found), encoding="utf-8")
