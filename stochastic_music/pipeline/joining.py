"""Fitted pipelines joined and parted: mixed, merged, made to forget.

`merged` and `forgotten` give the pipeline that `fit` would give with more pieces, or without some: the same file, byte
for byte, where nothing but counts is learned, or where the sources are there to learn weights from again.
"""

from __future__ import annotations

import functools
import logging
import operator
from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stochastic_music import registry
from stochastic_music.corpus import Corpus, Piece, TokenCorpus
from stochastic_music.errors import EmptyCorpusError, UnknownNameError, UsageError
from stochastic_music.evaluation import lines
from stochastic_music.protocols import MergingModel
from stochastic_music.tokens import Vocabulary

if TYPE_CHECKING:
    from symusic.core import ScoreTick as Score

    from stochastic_music.models.mixture import Weights
    from stochastic_music.pipeline.pipeline import Pipeline

_log = logging.getLogger(__name__)


def mixed(
    pipelines: Sequence[Pipeline], rule: str, *, weights: Weights, bias: float, held_out: Corpus | None
) -> Pipeline:
    """Fitted pipelines as one; see `Pipeline.mix`."""
    from stochastic_music.models import Mixture

    for pipeline in pipelines:
        pipeline.check_fitted()
    model = Mixture.of([pipeline.model for pipeline in pipelines], rule, weights=weights, bias=bias)
    _check_one_key(pipelines)
    opens = model.weights_at(model.initial_state())[0] > 0
    rosters = [p.pieces_.opening(bool(w)) for p, w in zip(pipelines, opens, strict=True)]
    pieces, corpus = functools.reduce(operator.add, rosters), _all_sources(pipelines)
    whole = type(pipelines[0])(_over(pipelines, model.vocabulary_), model, transpose=pipelines[0].transpose)
    whole.settle(model.vocabulary_, pieces, corpus)
    if rule == "learned":
        if held_out is None:
            raise UsageError("the rule 'learned' learns weights from music that no model has seen: give held_out")
        model.learn_weights(whole.encode(held_out)[0])
    return whole


def merged(pipeline: Pipeline, other: Pipeline) -> Pipeline:
    """The pipeline fitted on the pieces of both; see `Pipeline.merge`."""
    pipeline.check_fitted()
    other.check_fitted()
    _check_made_alike(pipeline, other)
    corpus = _all_sources([pipeline, other])
    if corpus is None and (pipeline.corpus_ is not None or other.corpus_ is not None):
        _log.warning("One of the two has no sources, so the merged model has none.")
    if isinstance(pipeline.model, MergingModel):
        model = pipeline.model.merge(other.model, pieces=corpus)
    else:
        model = _fitted_anew(pipeline.model, corpus)
    vocabulary = pipeline.vocabulary_.union(other.vocabulary_)
    both = type(pipeline)(_over([pipeline, other], vocabulary), model, transpose=pipeline.transpose)
    both.settle(vocabulary, pipeline.pieces_ + other.pieces_, corpus)
    both.warn_if_stale()
    return both


def forgotten(pipeline: Pipeline, what: str | Iterable[str] | Corpus | Piece | Score) -> Pipeline:
    """The pipeline fitted without some of its pieces; see `Pipeline.forget`."""
    pipeline.check_fitted()
    places, lost = _lost(pipeline, what)
    if len(places) == len(pipeline.pieces_):
        raise EmptyCorpusError("nothing would be left: these are all pieces of the model. Leave one at least")
    kept = np.setdiff1d(np.arange(len(pipeline.pieces_)), places)
    corpus = None if pipeline.corpus_ is None else pipeline.corpus_.select(kept)
    if isinstance(pipeline.model, MergingModel):
        model = pipeline.model.forget(lost, kept=corpus)
    else:
        model = _fitted_anew(pipeline.model, corpus)
    left = type(pipeline)(pipeline.encoding, model, transpose=pipeline.transpose)
    left.settle(pipeline.vocabulary_, pipeline.pieces_.without(places, lost), corpus)
    left.warn_if_stale()
    return left


def _check_made_alike(pipeline: Pipeline, other: Pipeline) -> None:
    """Raise UsageError naming the first difference; alphabets may differ."""
    mine, theirs = (
        {
            "encoding": registry.name_of("encodings", one.encoding),
            "transpose": one.transpose,
            **registry.parameters_set(one.encoding),
        }
        for one in (pipeline, other)
    )
    for name, value in mine.items():
        if name != "alphabet" and value != theirs.get(name):
            raise UsageError(
                f"these models cannot be merged: {name} is {value!r} in one and {theirs.get(name)!r} in the other. "
                "Fit one of them again"
            )


def _lost(
    pipeline: Pipeline, what: str | Iterable[str] | Corpus | Piece | Score
) -> tuple[NDArray[np.int64], TokenCorpus]:
    """The places of pieces to forget, ascending, and their symbols."""
    if isinstance(what, str):
        return _named(pipeline, [what])
    if isinstance(what, Corpus):
        return _with_notes_of(pipeline, what)
    if isinstance(what, Piece):
        return _with_notes_of(pipeline, Corpus.from_scores([what.score], source=what.name))
    if isinstance(what, Iterable):
        return _named(pipeline, list(what))
    return _with_notes_of(pipeline, Corpus.from_scores([what]))


def _with_notes_of(pipeline: Pipeline, music: Corpus) -> tuple[NDArray[np.int64], TokenCorpus]:
    tokens, report = pipeline.encode(music, training=True)
    for piece in report.left_out:
        _log.warning("Never learned, so not forgotten either: %s", piece.in_words())
    found = pipeline.pieces_.places_of(tokens)
    missing = [i for i, places in enumerate(found) if not len(places)]
    if missing:
        raise UsageError(_never_seen(pipeline, tokens.select(missing[:1])))
    places, first = np.unique(np.concatenate(found), return_index=True)
    row = np.repeat(np.arange(len(found)), [len(places) for places in found])[first]
    lost = tokens.select(row)
    return places, replace(lost, headers=tuple(pipeline.headers_[i] for i in places))


def _named(pipeline: Pipeline, names: list[str]) -> tuple[NDArray[np.int64], TokenCorpus]:
    if pipeline.corpus_ is None:
        raise UsageError(
            "this model was saved without sources and knows no names: give the music of the pieces to forget, "
            "as a Corpus or a score"
        )
    places: list[int] = []
    for name in dict.fromkeys(names):
        found = [i for i, known in enumerate(pipeline.corpus_.names) if known == name]
        if not found:
            raise UnknownNameError("training piece", name, set(pipeline.corpus_.names))
        if len(found) > 1:
            _log.info("%d training pieces are called '%s': all of them are forgotten.", len(found), name)
        places += found
    chosen = np.array(sorted(places), dtype=np.int64)
    return chosen, pipeline.corpus_.select(chosen)


def _never_seen(pipeline: Pipeline, piece: TokenCorpus) -> str:
    message = f"'{piece.names[0]}' was not in the training of this model: no piece has just these notes"
    index = pipeline.originality()
    if index is None:
        return message
    copied = index.longest_copy(lines(piece))
    if copied.length < 2:
        return f"{message}, or two of them in a row"
    return f"{message}. The nearest is '{copied.piece}', with {copied.length} notes in a row"


def _check_one_key(pipelines: Sequence[Pipeline]) -> None:
    """Raise UsageError unless all transpose their music in one way."""
    first, *others = (pipeline.transpose for pipeline in pipelines)
    for number, other in enumerate(others, start=2):
        if other != first:
            raise UsageError(
                f"models 1 and {number} cannot be mixed: one transposed its music '{first}', the other '{other}'. Fit "
                "one of them again"
            )


def _over(pipelines: Sequence[Pipeline], vocabulary: Vocabulary) -> Any:
    """The first encoding, over the alphabet of `vocabulary` where the others have another one."""
    encoding = pipelines[0].encoding
    alphabets = [getattr(pipeline.encoding, "alphabet", None) for pipeline in pipelines]
    if all(alphabet == alphabets[0] for alphabet in alphabets):
        return encoding
    return type(encoding)(**{**registry.parameters_set(encoding), "alphabet": vocabulary.alphabet})


def _all_sources(pipelines: Sequence[Pipeline]) -> TokenCorpus | None:
    """The training pieces of all, None where one has none."""
    corpora = [pipeline.corpus_ for pipeline in pipelines if pipeline.corpus_ is not None]
    return functools.reduce(operator.add, corpora) if len(corpora) == len(pipelines) else None


def _fitted_anew(model: Any, corpus: TokenCorpus | None) -> Any:
    """A copy of `model` fitted on `corpus`: for models that cannot add, or take away."""
    if corpus is None:
        raise UsageError(f"{model!r} cannot add or take away what it counted, and there are no sources to fit it again")
    return copy(model).fit(corpus)
