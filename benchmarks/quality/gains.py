"""What does each viewpoint gain?

    python benchmarks/quality/gains.py [--data bach-sopranos essen-kinder]

`MultipleViewpoint` asks that of its training pieces: weights are learned from one half of them and tried on the other,
and the other way round, every piece without its own counts. A viewpoint's gain is how many bits a symbol of its field
would cost more if it fell silent and all others stayed as they are. Viewpoints overlap, so that gains do not add
up: what two know alike, neither loses alone. The table in gains.md is written by this script.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

import stochastic_music as sm
from stochastic_music.models.multiple_viewpoint import MultipleViewpoint

sys.path.insert(0, str(Path(__file__).parents[1]))
import _table


def gains(name: str) -> dict[tuple[str, str], float]:
    """Bits by field and viewpoint."""
    model = MultipleViewpoint()
    sm.Pipeline(sm.MelodyEncoding(), model).fit(sm.Corpus.builtin(name))
    return {
        (field, part): bits
        for field, found in model.gains_.items()
        for part, bits in zip(found.parts, found.gain.tolist(), strict=True)
    }


def main() -> None:
    """Fit, and write the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", nargs="+", default=["bach-sopranos", "essen-kinder"])
    names = parser.parse_args().data
    found = [gains(name) for name in names]
    fields = ["pitch", "duration", "rest", "phrase"]
    rows = sorted(found[0], key=lambda row: (fields.index(row[0]), -np.mean([each[row] for each in found])))
    table = [
        [field, f"`{part}`".replace("|", "\\|"), *(f"{each[field, part]:.4f}" for each in found)]
        for field, part in rows
    ]
    question = "Bits a symbol that each viewpoint of MultipleViewpoint() gains on the training pieces"
    header = ["field", "viewpoint", *names]
    _table.write(Path(__file__).with_suffix(".md"), question, header, table, packages=["numpy", "scipy", "music21"])


if __name__ == "__main__":
    main()
