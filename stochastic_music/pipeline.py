"""Encoding and model together: scores in, scores out.

    Corpus --encoding--> TokenCorpus --model--> fit, score
    model --sampling--> symbols --encoding--> Score

A fitted pipeline is what a model file holds: parameters, vocabulary, learned arrays, the headers of the
training pieces (meter, pickup, key, tempo, parts) and, unless left out, the training symbols.

`merge` and `forget` give the pipeline that `fit` would give with more pieces, or without some: the same file, byte
for byte, where nothing but counts is learned, or where the sources are there to learn weights from again.
"""

from __future__ import annotations

import functools
import inspect
import logging
import math
import operator
from collections.abc import Callable, Iterable, Sequence
from copy import copy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from stochastic_music import __version__, _random, model_file, registry
from stochastic_music.corpus import Corpus, Piece, Roster, TokenCorpus, encode_corpus, encode_piece
from stochastic_music.errors import (
    EmptyCorpusError,
    EncodingError,
    ModelFileError,
    NotFittedError,
    UnknownNameError,
    UnsatisfiableError,
    UsageError,
)
from stochastic_music.evaluation import OriginalityIndex, lines
from stochastic_music.evaluation.explanation import Explanation, as_heard, explain
from stochastic_music.evaluation.likelihood import begins_note
from stochastic_music.music.keys import DOUBTFUL, key_of, parse_key, pitch_class_weights, relative_mode, transpose
from stochastic_music.protocols import Constraint, MergingModel
from stochastic_music.sampling import Sample, sample
from stochastic_music.tokens import Header, TokenPiece, Vocabulary

if TYPE_CHECKING:
    from symusic.core import ScoreTick as Score

    from stochastic_music.corpus import EncodingReport
    from stochastic_music.models.mixture import Weights

_log = logging.getLogger(__name__)

Transpose: TypeAlias = Literal["none", "common", "all"]
#: done so far, in all, what is being worked on
Progress: TypeAlias = Callable[[int, int, str], None]
#: a piece that the model does not end is cut after twice as many events as the longest training piece has, or these
MAX_EVENTS = 64
#: a pitch may always come so often in a row, and more often only where the corpus has it
LEAST_REPEATS = 4


@dataclass(frozen=True)
class Take:
    """One composed piece.

    `bits_per_note` is its surprise under the model (base 2, END included, divided by its notes), a start apart: what
    was given surprises nobody. `piece` holds its symbols as the model reads them, `n_given` counts the notes that
    were its start.
    """

    score: Score
    sample: Sample
    piece: TokenPiece
    bits_per_note: float
    n_given: int = 0


class Pipeline:
    """An encoding and a model, fitted and used as one.

    Args:
        encoding: how scores become symbols, e.g. `MelodyEncoding()`.
        model: what learns from symbols, e.g. `Markov(order=3)`.
        transpose: "none", or "common" to bring every piece to C major or A minor first, "all" to learn from
            every piece in all twelve keys.

    After `fit`: `vocabulary_`, `pieces_` (a `Roster`: what is known of each training piece besides its symbols),
    `corpus_` (these symbols as a TokenCorpus, None in a file saved without sources), `report_` (what encoding
    lost) and `card_`.

        >>> import stochastic_music as sm
        >>> corpus = sm.Corpus.from_text("4/4 c4 d e c c d e c e f g2 e4 f g2")
        >>> pipeline = sm.Pipeline(sm.MelodyEncoding(), sm.Markov(order=1)).fit(corpus)
        >>> [melody] = pipeline.sample(1, seed=1)
    """

    def __init__(self, encoding: Any, model: Any, *, transpose: Transpose = "none") -> None:
        self.encoding = encoding
        self.model = model
        self.transpose = transpose

    def __repr__(self) -> str:
        return f"Pipeline({self.encoding!r}, {self.model!r}, transpose={self.transpose!r})"

    def encode(self, corpus: Corpus, *, training: bool = False) -> tuple[TokenCorpus, EncodingReport]:
        """The corpus as symbols, transposed as the pipeline says, and what that lost.

        Only training pieces are multiplied by `transpose="all"`; others then stay as they are.
        """
        how = "none" if self.transpose == "all" and not training else self.transpose
        return encode_corpus(corpus.transpose(how), self.encoding)

    def fit(self, corpus: Corpus, *, progress: Progress | None = None) -> Self:
        """Learn from scores; returns self. Raises EmptyCorpusError where nothing can be encoded.

        `progress` is told (done, total, label) by models that learn in steps.
        """
        tokens, report = self.encode(corpus, training=True)
        self.report_ = report
        licence = dict(zip(corpus.names, (piece.licence for piece in corpus.report.pieces), strict=True))
        return self.fit_tokens(tokens, licences=[licence[name] for name in tokens.names], progress=progress)

    def fit_tokens(
        self, tokens: TokenCorpus, *, licences: Sequence[str] | None = None, progress: Progress | None = None
    ) -> Self:
        """Learn from symbols; `licences`, one a piece, say how they may be used; `progress` as for `fit`."""
        told = progress is not None and "progress" in inspect.signature(self.model.fit).parameters
        self.model.fit(tokens, **({"progress": progress} if told else {}))
        n_notes = tokens.sums(begins_note(tokens.vocabulary, tokens.symbols)).astype(np.int64)
        roster = Roster.of(tokens, n_notes=n_notes, licences=licences or [""] * len(tokens))
        return self._settle(tokens.vocabulary, roster, tokens)

    def _settle(self, vocabulary: Vocabulary, pieces: Roster, corpus: TokenCorpus | None) -> Self:
        self.vocabulary_ = vocabulary
        self.pieces_ = pieces
        self.corpus_ = corpus
        self._composer: Any = None
        return self

    @property
    def headers_(self) -> tuple[Header | None, ...]:
        """The header of each training piece."""
        return self.pieces_.headers

    @property
    def fingerprints_(self) -> NDArray[np.uint64]:
        """The fingerprint of each training piece: (n_pieces,)."""
        return self.pieces_.fingerprints

    @property
    def alphabet_(self) -> NDArray[np.int64]:
        """The symbols of the corpus, END left out."""
        return self.pieces_.alphabet

    @property
    def card_(self) -> dict[str, Any]:
        """What the corpus was: licences, how many pieces and notes, and how long pieces are to be."""
        least, most = int(self.pieces_.n_events.min()), int(self.pieces_.n_events.max())
        return {**self.pieces_.facts(), "least_events": least, "most_events": max(MAX_EVENTS, 2 * most)}

    @classmethod
    def mix(
        cls,
        pipelines: Sequence[Pipeline],
        rule: str = "linear",
        *,
        weights: Weights = None,
        bias: float = 0.0,
        held_out: Corpus | None = None,
    ) -> Pipeline:
        """Fitted pipelines as one, whose model is their `Mixture`; they stay as they are.

        `rule`, `weights` and `bias` are those of `Mixture`; weights may be a `Glide`. The rule "learned" learns its own
        from `held_out`, pieces that none of the models has seen. The encoding is the first one's; the training pieces
        are those of all. New pieces begin under headers of the models that have a weight at the beginning.
        Raises VocabularyError naming the first difference between vocabularies, InvalidParameterError for
        weights that make no sense, UsageError for pipelines that transpose in different ways.
        """
        from stochastic_music.models import Mixture

        for pipeline in pipelines:
            pipeline._check_fitted()
        model = Mixture.of([pipeline.model for pipeline in pipelines], rule, weights=weights, bias=bias)
        _check_one_key(pipelines)
        opens = model.weights_at(model.initial_state())[0] > 0
        rosters = [p.pieces_.opening(bool(w)) for p, w in zip(pipelines, opens, strict=True)]
        pieces, corpus = functools.reduce(operator.add, rosters), _all_sources(pipelines)
        mixed = cls(_over(pipelines, model.vocabulary_), model, transpose=pipelines[0].transpose)
        mixed._settle(model.vocabulary_, pieces, corpus)
        if rule == "learned":
            if held_out is None:
                raise UsageError("the rule 'learned' learns weights from music that no model has seen: give held_out")
            model.learn_weights(mixed.encode(held_out)[0])
        return mixed

    def merge(self, other: Pipeline) -> Pipeline:
        """The pipeline fitted on the pieces of both, this one's first; neither is changed.

        Counts add. Weights that were learned are learned again from all pieces; where a file has no sources they
        stay as they were here, and are marked stale: `info` and whoever opens the file says so. Raises
        UsageError naming the first difference where the two were not made alike, and for models whose counts do
        not add up where there are no sources; VocabularyError for different vocabularies.
        """
        self._check_fitted()
        other._check_fitted()
        self._check_made_alike(other)
        corpus = _all_sources([self, other])
        if corpus is None and (self.corpus_ is not None or other.corpus_ is not None):
            _log.warning("One of the two has no sources, so the merged model has none.")
        if isinstance(self.model, MergingModel):
            model = self.model.merge(other.model, pieces=corpus)
        else:
            model = _fitted_anew(self.model, corpus)
        vocabulary = self.vocabulary_.union(other.vocabulary_)
        merged = Pipeline(_over([self, other], vocabulary), model, transpose=self.transpose)
        merged._settle(vocabulary, self.pieces_ + other.pieces_, corpus)
        merged._warn_if_stale()
        return merged

    def forget(self, what: str | Iterable[str] | Corpus | Piece | Score) -> Pipeline:
        """The pipeline fitted without some of its pieces; this one is not changed.

        `what` names them, or is their music, which a file without sources needs. All pieces of a name are
        forgotten, and all that have these notes. Weights are learned again, or stale, as `merge` says. Raises
        UnknownNameError naming the nearest for names that are not there, UsageError for music that is not,
        EmptyCorpusError where nothing would be left.
        """
        self._check_fitted()
        places, lost = self._lost(what)
        if len(places) == len(self.pieces_):
            raise EmptyCorpusError("nothing would be left: these are all pieces of the model. Leave one at least")
        kept = np.setdiff1d(np.arange(len(self.pieces_)), places)
        corpus = None if self.corpus_ is None else self.corpus_.select(kept)
        if isinstance(self.model, MergingModel):
            model = self.model.forget(lost, kept=corpus)
        else:
            model = _fitted_anew(self.model, corpus)
        left = Pipeline(self.encoding, model, transpose=self.transpose)
        left._settle(self.vocabulary_, self.pieces_.without(places, lost), corpus)
        left._warn_if_stale()
        return left

    def _warn_if_stale(self) -> None:
        if getattr(self.model, "stale_", False):
            _log.warning(
                "The weights of this model are stale: its counts have changed since they were learned, and the pieces "
                "were not there to learn them again. Fit it again, from sources, for the best."
            )

    def _check_made_alike(self, other: Pipeline) -> None:
        """Raise UsageError naming the first difference; alphabets may differ."""
        mine, theirs = (
            {
                "encoding": registry.name_of("encodings", pipeline.encoding),
                "transpose": pipeline.transpose,
                **registry.parameters_set(pipeline.encoding),
            }
            for pipeline in (self, other)
        )
        for name, value in mine.items():
            if name != "alphabet" and value != theirs.get(name):
                raise UsageError(
                    f"these models cannot be merged: {name} is {value!r} in one and {theirs.get(name)!r} in the other. "
                    "Fit one of them again"
                )

    def _lost(self, what: str | Iterable[str] | Corpus | Piece | Score) -> tuple[NDArray[np.int64], TokenCorpus]:
        """The places of pieces to forget, ascending, and their symbols."""
        if isinstance(what, str):
            return self._named([what])
        if isinstance(what, Corpus):
            return self._with_notes_of(what)
        if isinstance(what, Piece):
            return self._with_notes_of(Corpus.from_scores([what.score], source=what.name))
        if isinstance(what, Iterable):
            return self._named(list(what))
        return self._with_notes_of(Corpus.from_scores([what]))

    def _with_notes_of(self, music: Corpus) -> tuple[NDArray[np.int64], TokenCorpus]:
        tokens, report = self.encode(music, training=True)
        for piece in report.left_out:
            _log.warning("Never learned, so not forgotten either: %s", piece.in_words())
        found = self.pieces_.places_of(tokens)
        missing = [i for i, places in enumerate(found) if not len(places)]
        if missing:
            raise UsageError(self._never_seen(tokens.select(missing[:1])))
        places, first = np.unique(np.concatenate(found), return_index=True)
        row = np.repeat(np.arange(len(found)), [len(places) for places in found])[first]
        lost = tokens.select(row)
        return places, replace(lost, headers=tuple(self.headers_[i] for i in places))

    def _named(self, names: list[str]) -> tuple[NDArray[np.int64], TokenCorpus]:
        if self.corpus_ is None:
            raise UsageError(
                "this model was saved without sources and knows no names: give the music of the pieces to forget, "
                "as a Corpus or a score"
            )
        places: list[int] = []
        for name in dict.fromkeys(names):
            found = [i for i, known in enumerate(self.corpus_.names) if known == name]
            if not found:
                raise UnknownNameError("training piece", name, set(self.corpus_.names))
            if len(found) > 1:
                _log.info("%d training pieces are called '%s': all of them are forgotten.", len(found), name)
            places += found
        chosen = np.array(sorted(places), dtype=np.int64)
        return chosen, self.corpus_.select(chosen)

    def _never_seen(self, piece: TokenCorpus) -> str:
        message = f"'{piece.names[0]}' was not in the training of this model: no piece has just these notes"
        if self.corpus_ is None or self.vocabulary_.index("pitch") is None:
            return message
        copied = OriginalityIndex.from_tokens(self.corpus_).longest_copy(lines(piece)[0])
        if copied.length < 2:
            return f"{message}, or two of them in a row"
        return f"{message}. The nearest is '{copied.piece}', with {copied.length} notes in a row"

    def score(self, corpus: Corpus) -> float:
        """Mean log probability per symbol of `corpus`, END included, in nats."""
        return float(np.mean(self.log_probs(self.encode(corpus)[0])))

    def log_probs(self, tokens: TokenCorpus) -> NDArray[np.float64]:
        """The log probability of every symbol, aligned with `tokens.symbols`, in nats."""
        self._check_fitted()
        from stochastic_music.models import corpus_log_probs

        return corpus_log_probs(self.model, tokens)

    def explain(self, score: Score, *, part: str | int | None = None, at_most: int = 3) -> Explanation:
        """Why each note of `score` came as likely as it did; see `stochastic_music.evaluation.explanation`.

        `part` takes another part than the encoding does: its name, its number or "drums". Of many places of the corpus
        where a continuation was learned `at_most` are named. Raises EncodingError for what cannot be encoded,
        UsageError where the encoding takes several parts.
        """
        self._check_fitted()
        encoding = self._for_part(part)
        piece = self._in_its_key(score)
        pieces, loss = encode_piece(piece, encoding)
        tokens = TokenCorpus.from_pieces(pieces, encoding.vocabulary).with_vocabulary(self.vocabulary_)
        found = explain(self.model, tokens, self.corpus_, seen=self.alphabet_, at_most=at_most)
        printed = transpose(encoding.decode(pieces), -piece.transposed)
        return replace(
            found,
            in_training=any(len(places) for places in self.pieces_.places_of(tokens)),
            remarks=tuple(loss.sentences()),
            score=as_heard(found, printed),
        )

    def _in_its_key(self, score: Score) -> Piece:
        """A score in the key in which this model reads music."""
        [piece] = Corpus.from_scores([score]).transpose("none" if self.transpose == "all" else self.transpose)
        return piece

    def _for_part(self, part: str | int | None) -> Any:
        if part is None:
            return self.encoding
        parameters = registry.parameters_set(self.encoding)
        if "part" not in parameters:
            raise UsageError(f"this model reads several parts ({self.encoding.name}), so that no --part can be chosen")
        return type(self.encoding)(**{**parameters, "part": part})

    def sample(
        self, n: int = 1, *, constraint: Constraint | None = None, seed: _random.Seed = None, **options: Any
    ) -> list[Score]:
        """`n` new scores; see `compose` for the options."""
        return [take.score for take in self.compose(n, constraint=constraint, seed=seed, **options)]

    def compose(
        self,
        n: int = 1,
        *,
        constraint: Constraint | None = None,
        seed: _random.Seed = None,
        header: Header | None = None,
        max_events: int | None = None,
        start: Score | None = None,
        **shaping: Any,
    ) -> list[Take]:
        """`n` new pieces with what is known of each.

        The model draws from the symbols its corpus has. Without a constraint it ends each piece itself, though
        not before the length of its shortest training piece, and at the latest after `max_events` (None: twice
        its longest one, 64 at least; pieces that have not ended by then are drawn again, a few times). Without
        `header` one is drawn from the training pieces for each take.
        `shaping` is temperature, top_k, top_p and method of `stochastic_music.sampling.sample`. Raises
        UnsatisfiableError where nothing meets `constraint`.

        With `start` every piece begins with the notes of that score, under its header and in its key, and goes on;
        `constraint` is met by the whole piece. Raises EncodingError where it cannot be encoded, UnsatisfiableError
        where nothing can follow it.
        """
        self._check_fitted()
        key, card = _random.key(seed), self.card_
        opening = None if start is None else self._checked_opening(start, header)
        begun = opening.symbols if opening else self.pieces_.alphabet[:0]
        fixed = opening.header if opening else header
        n_begun = len(begun) // self.vocabulary_.n_fields
        most = max_events or card["most_events"] + n_begun
        least = max(card["least_events"], n_begun + 1 if opening else 0)
        samples = sample(
            self._seen_model(begun),
            n,
            headers=[fixed] * n if fixed else self._draw_headers(n, key),
            seed=key,
            constraint=constraint,
            least_events=0 if constraint else min(least, most),
            most_repeats=max(card["most_repeats"], LEAST_REPEATS) if self.vocabulary_.closed else None,
            max_events=most,
            whole=max_events is None and self.vocabulary_.closed,
            start=begun,
            **shaping,
        )
        if opening and samples and all(len(drawn.symbols) <= len(begun) + 1 for drawn in samples):
            raise UnsatisfiableError(
                f"nothing comes after the start, which {constraint or 'the model'} takes for whole: ask for more bars "
                "or notes, or give a shorter start"
            )
        return [self._take(drawn) for drawn in samples]

    def opening(self, start: Score) -> TokenPiece:
        """The symbols of a score to go on from, END left out, and its header: as the model reads them.

        The header tells by how many semitones the score was moved. Raises EncodingError where it cannot be encoded.
        """
        return self._opened(start)[0]

    def _opened(self, start: Score) -> tuple[TokenPiece, list[str]]:
        """The opening, and what is to be said of it, in sentences."""
        self._check_fitted()
        try:
            parts, loss = encode_piece(self._in_its_key(start), self.encoding)
        except EncodingError as error:
            name = self.encoding.name
            raise EncodingError(
                f"this model reads music as {name}, and the start cannot be written so: {error}"
            ) from error
        if len(parts) != 1:
            raise EncodingError(f"the start encodes to {len(parts)} pieces; expected one to go on from")
        symbols, header = parts[0]
        opening = TokenPiece(symbols[symbols != self.vocabulary_.end], header)
        return opening, [*loss.sentences(), *self._key_taken(start), *self._new_in(opening)]

    def _key_taken(self, start: Score) -> list[str]:
        finding = key_of(start)
        if self.transpose != "common" or finding.source != "estimated":
            return []
        doubt = ", though another key fits about as well" if finding.confidence < DOUBTFUL else ""
        return [f"no key is printed: it is taken to be in {finding.key}{doubt}"]

    def _new_in(self, opening: TokenPiece) -> list[str]:
        """Whether it holds symbols that the corpus never has."""
        unseen = np.flatnonzero(~np.isin(opening.symbols, self.alphabet_))
        if not len(unseen):
            return []
        events = np.unique(unseen // self.vocabulary_.n_fields + 1)
        shown = ", ".join(map(str, events[:5].tolist())) + (", ..." if len(events) > 5 else "")
        first = self.vocabulary_.describe(int(opening.symbols[unseen[0]]))
        return [
            f"it holds what this model's corpus never has ({first}, in events {shown}): the music goes on as well as "
            "it can"
        ]

    def _checked_opening(self, start: Score, header: Header | None) -> TokenPiece:
        if header is not None:
            raise UsageError("a start brings its own header: give one of them")
        opening, remarks = self._opened(start)
        for remark in remarks:
            _log.warning("Of the start: %s.", remark)
        return opening

    def save(self, path: str | Path, *, sources: bool = True, force: bool = False) -> Path:
        """Write a model file; `sources=False` leaves the training symbols out.

        Raises UsageError where another file stands at `path` and `force` is not given.
        """
        path = Path(path)
        meta, arrays = self.contents(sources=sources)
        model_file.write(path, meta, arrays, force=force)
        return path

    def contents(self, *, sources: bool = True) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """What a model file holds: JSON and arrays."""
        self._check_fitted()
        learned = self.model.to_arrays() if hasattr(self.model, "to_arrays") else {}
        arrays = {f"model.{name}": array for name, array in learned.items()}
        roster, columns = self.pieces_.to_file()
        arrays |= {f"corpus.{name}": column for name, column in columns.items()}
        if sources and self.corpus_ is not None:
            arrays["corpus.symbols"] = self.corpus_.symbols.astype(np.min_scalar_type(self.vocabulary_.end))
            arrays["corpus.offsets"] = self.corpus_.offsets
        meta = {
            "version": __version__,
            "task": "compose",
            "encoding": registry.to_json("encodings", self.encoding),
            "model": registry.to_json("models", self.model),
            "transpose": self.transpose,
            "vocabulary": self.vocabulary_.to_json(),
            "stale": bool(getattr(self.model, "stale_", False)),
            **roster,
            "names": list(self.corpus_.names) if sources and self.corpus_ is not None else None,
            "card": self.card_,
        }
        return meta, arrays

    @classmethod
    def load(cls, path: str | Path) -> Pipeline:
        """Open a model file; raises ModelFileError where it is damaged or foreign."""
        return cls.from_file(model_file.ModelFile(path))

    @classmethod
    def from_file(cls, file: model_file.ModelFile) -> Pipeline:
        """The pipeline that `file` holds; raises ModelFileError for other tasks, and where something is missing."""
        try:
            return cls._of_file(file.expect("compose"))
        except KeyError as error:
            raise ModelFileError(
                f"{file.path} holds no {error}: another version wrote it. Fit the model again"
            ) from error

    @classmethod
    def _of_file(cls, file: model_file.ModelFile) -> Pipeline:
        meta = file.meta
        pipeline = cls(
            registry.from_json("encodings", meta["encoding"]),
            registry.from_json("models", meta["model"]),
            transpose=meta["transpose"],
        )
        vocabulary = Vocabulary.from_json(meta["vocabulary"])
        pieces = Roster.from_file(meta, _part(file, "corpus."), vocabulary.n_symbols)
        pipeline._settle(vocabulary, pieces, _stored_corpus(file, vocabulary, pieces.headers))
        pipeline._restore_model(_part(file, "model."))
        if meta["stale"]:
            pipeline.model.stale_ = True
        pipeline._warn_if_stale()
        return pipeline

    def _restore_model(self, arrays: dict[str, NDArray[Any]]) -> None:
        if hasattr(self.model, "from_arrays"):
            self.model.from_arrays(arrays, self.vocabulary_)
        elif self.corpus_ is not None:
            self.model.fit(self.corpus_)
        else:
            raise NotFittedError("this model keeps no arrays and its file was saved without sources: fit it again")

    def _check_fitted(self) -> None:
        if not hasattr(self, "vocabulary_"):
            raise NotFittedError("this pipeline has not learned anything yet: call fit(corpus) first")

    def _seen_model(self, begun: NDArray[np.int64]) -> Any:
        """The model over the symbols of its corpus, and of what was `begun`, where it can be restricted."""
        alphabet = tuple(np.union1d(self.alphabet_, begun).tolist())
        if self._composer is None or self._composer[0] != alphabet:
            restrict = getattr(self.model, "restricted", None)
            self._composer = alphabet, restrict(self.vocabulary_.restrict(alphabet)) if restrict else self.model
        return self._composer[1]

    def _draw_headers(self, n: int, key: int) -> list[Header | None]:
        generator = np.random.default_rng([key, 0x48454144])
        places = np.flatnonzero(self.pieces_.opens)
        return [self.headers_[places[i]] for i in generator.integers(0, len(places), size=n)]

    def _take(self, drawn: Sample) -> Take:
        notes = begins_note(self.vocabulary_, drawn.symbols)
        n_given = int(notes[: drawn.n_given].sum())
        n_notes = int(notes.sum()) - n_given
        header = replace(drawn.header or Header(max(self.vocabulary_.resolution, 1)), title="", transposed=0)
        score = self.encoding.decode([TokenPiece(drawn.symbols, header)])
        heard = _as_far_as(header, score)
        if not drawn.n_given:
            heard = replace(heard, key=self._key_heard(score, header))
        if heard != header:
            header, score = heard, self.encoding.decode([TokenPiece(drawn.symbols, heard)])
        if drawn.n_given and drawn.header:
            score = transpose(score, -drawn.header.transposed)
        surprise = -drawn.log_prob / math.log(2) / max(n_notes, 1)
        return Take(score, drawn, TokenPiece(drawn.symbols, header), surprise, n_given)

    def _key_heard(self, score: Score, header: Header) -> str | None:
        """The key to print: the header says how many sharps, the notes decide between major and minor."""
        name = header.key or ("C" if self.transpose == "common" else None)
        if name is None or (key := parse_key(name)).mode not in {"major", "minor"}:
            return name
        return str(relative_mode(key.sharps, pitch_class_weights(score)))


def _as_far_as(header: Header, score: Score) -> Header:
    """The header without meters and tempos that begin where the music has ended already."""
    end = score.end() * header.resolution / score.ticks_per_quarter
    return replace(
        header,
        meters=tuple(meter for i, meter in enumerate(header.meters) if not i or meter.start < end),
        tempos=tuple(tempo for i, tempo in enumerate(header.tempos) if not i or tempo[0] < end),
    )


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


def _part(file: model_file.ModelFile, prefix: str) -> dict[str, NDArray[Any]]:
    """The arrays whose names begin with `prefix`, without it."""
    return {name.removeprefix(prefix): file[name] for name in file if name.startswith(prefix)}


def _stored_corpus(
    file: model_file.ModelFile, vocabulary: Vocabulary, headers: tuple[Header | None, ...]
) -> TokenCorpus | None:
    if "corpus.symbols" not in file:
        return None
    symbols = file["corpus.symbols"].astype(np.int64)
    return TokenCorpus(vocabulary, symbols, file["corpus.offsets"], headers, tuple(file.meta["names"]))
