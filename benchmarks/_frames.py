"""Four-part chorales as frames, from a JSON file of the lists `train`, `valid` and `test` of pieces."""

from __future__ import annotations

import json
from pathlib import Path

from stochastic_music.corpus import TokenCorpus
from stochastic_music.tokens import Frames


def frames(path: Path) -> dict[str, TokenCorpus]:
    """The three sets of a file of frames; raises SystemExit where there is no such file."""
    if not path.is_file():
        raise SystemExit(f"there is no {path}: give the JSON file of the data with --data")
    kind = Frames(n_notes=4)
    sets = json.loads(path.read_text(encoding="utf-8"))
    return {
        name: TokenCorpus.from_sequences([kind.symbols(piece) for piece in pieces], kind.vocabulary)
        for name, pieces in sets.items()
    }
