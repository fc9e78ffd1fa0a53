"""What a fitted model says of a corpus, some pieces at a time: here, or as tasks of other processes.

The parts are the same wherever they are worked on, and so are the figures.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from stochastic_music.cli._common import load_model
from stochastic_music.errors import ModelFileError

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from stochastic_music.corpus import TokenCorpus
    from stochastic_music.evaluation.surprise import Prediction

#: pieces of a part
PIECES = 512


class _Part(NamedTuple):
    """Pieces, the file of the model that is asked about them and its checksum, and whether in full."""

    model: Path
    checksum: str
    tokens: TokenCorpus
    in_full: bool


def asked(path: Path, checksum: str, tokens: TokenCorpus, executor: Executor | None, *, in_full: bool) -> Prediction:
    """The prediction of `tokens` by the model in the file `path`, `in_full` with entropies and parts.

    The model is read where the tasks of `executor` run, under the same path; few pieces are asked about here.
    Raises ModelFileError where another file is found there.
    """
    from stochastic_music._parallel import mapped
    from stochastic_music.evaluation.surprise import joined

    tasks = (_Part(path.absolute(), checksum, part, in_full) for part in _parts(tokens))
    return joined(list(mapped(_said, tasks, executor if len(tokens) > PIECES else None)))


def _parts(tokens: TokenCorpus) -> Iterator[TokenCorpus]:
    for first in range(0, max(len(tokens), 1), PIECES):
        yield tokens.select(range(first, min(first + PIECES, len(tokens))))


def _said(part: _Part) -> Prediction:
    from stochastic_music.evaluation import predict

    return predict(_model(part.model, part.checksum), part.tokens, entropy=part.in_full, parts=part.in_full)


@functools.lru_cache(maxsize=1)
def _model(path: Path, checksum: str) -> Any:
    """The model of a file, read once for all the parts that a process is given."""
    pipeline, found = load_model(path)
    if found != checksum:
        raise ModelFileError(f"{path} is another file where the work is done: bring the same one there")
    return pipeline.model
