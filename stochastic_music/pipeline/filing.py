"""Fitted pipelines as model files, and back.

A file holds parameters, vocabulary, learned arrays, the headers of the training pieces (meter, pickup, key, tempo,
parts) and, unless left out, the training symbols.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stochastic_music import model_file, registry
from stochastic_music._version import __version__
from stochastic_music.corpus import Roster, TokenCorpus
from stochastic_music.errors import ModelFileError, NotFittedError
from stochastic_music.tokens import Header, Vocabulary

if TYPE_CHECKING:
    from stochastic_music.pipeline.pipeline import Pipeline


def contents(pipeline: Pipeline, *, sources: bool) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """What a model file holds: JSON and arrays."""
    learned = pipeline.model.to_arrays() if hasattr(pipeline.model, "to_arrays") else {}
    arrays = {f"model.{name}": array for name, array in learned.items()}
    roster, columns = pipeline.pieces_.to_file()
    arrays |= {f"corpus.{name}": column for name, column in columns.items()}
    if sources and pipeline.corpus_ is not None:
        arrays["corpus.symbols"] = pipeline.corpus_.symbols.astype(np.min_scalar_type(pipeline.vocabulary_.end))
        arrays["corpus.offsets"] = pipeline.corpus_.offsets
    meta = {
        "version": __version__,
        "task": "compose",
        "encoding": registry.to_json("encodings", pipeline.encoding),
        "model": registry.to_json("models", pipeline.model),
        "transpose": pipeline.transpose,
        "vocabulary": pipeline.vocabulary_.to_json(),
        "stale": bool(getattr(pipeline.model, "stale_", False)),
        **roster,
        "names": list(pipeline.corpus_.names) if sources and pipeline.corpus_ is not None else None,
        "card": pipeline.card_,
    }
    return meta, arrays


def filled(empty: type[Pipeline], file: model_file.ModelFile) -> Pipeline:
    """The pipeline that a file holds; raises ModelFileError for other tasks, and where something is missing."""
    try:
        return _filled(empty, file.expect("compose"))
    except KeyError as error:
        raise ModelFileError(f"{file.path} holds no {error}: another version wrote it. Fit the model again") from error


def _filled(empty: type[Pipeline], file: model_file.ModelFile) -> Pipeline:
    meta = file.meta
    pipeline = empty(
        registry.from_json("encodings", meta["encoding"]),
        registry.from_json("models", meta["model"]),
        transpose=meta["transpose"],
    )
    vocabulary = Vocabulary.from_json(meta["vocabulary"])
    pieces = Roster.from_file(meta, _part(file, "corpus."), vocabulary.n_symbols)
    sources = "corpus.symbols" in file
    pipeline.settle(vocabulary, pieces, (lambda: _stored_corpus(file, vocabulary, pieces.headers)) if sources else None)
    _restore_model(pipeline, _part(file, "model."))
    if meta["stale"]:
        pipeline.model.stale_ = True
    pipeline.warn_if_stale()
    return pipeline


def _restore_model(pipeline: Pipeline, arrays: dict[str, NDArray[Any]]) -> None:
    if hasattr(pipeline.model, "from_arrays"):
        pipeline.model.from_arrays(arrays, pipeline.vocabulary_)
    elif pipeline.corpus_ is not None:
        pipeline.model.fit(pipeline.corpus_)
    else:
        raise NotFittedError("this model keeps no arrays and its file was saved without sources: fit it again")


def _part(file: model_file.ModelFile, prefix: str) -> dict[str, NDArray[Any]]:
    """The arrays whose names begin with `prefix`, without it."""
    return {name.removeprefix(prefix): file[name] for name in file if name.startswith(prefix)}


def _stored_corpus(
    file: model_file.ModelFile, vocabulary: Vocabulary, headers: tuple[Header | None, ...]
) -> TokenCorpus:
    symbols = file["corpus.symbols"].astype(np.int64)
    return TokenCorpus(vocabulary, symbols, file["corpus.offsets"], headers, tuple(file.meta["names"]))
