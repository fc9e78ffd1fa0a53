"""The class `Pipeline`: an encoding and a model, fitted and used as one."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from stochastic_music import _random, model_file, registry
from stochastic_music._showing import ShowsItself
from stochastic_music.corpus import Corpus, Piece, Roster, TokenCorpus, encode_corpus, encode_piece
from stochastic_music.corpus.store import Parts, TokenStore
from stochastic_music.errors import (
    NotFittedError,
    UsageError,
)
from stochastic_music.evaluation import OriginalityIndex
from stochastic_music.evaluation.explanation import Explanation, as_heard, explain
from stochastic_music.evaluation.likelihood import begins_note
from stochastic_music.music.keys import transpose
from stochastic_music.pipeline import filing, joining, storing
from stochastic_music.pipeline.around import continued, filled, varied
from stochastic_music.pipeline.composing import Take, composed, opened
from stochastic_music.pipeline.guiding import Guides
from stochastic_music.pipeline.originals import index_of
from stochastic_music.pipeline.revisions import Revision
from stochastic_music.pipeline.surprising import surprises
from stochastic_music.protocols import Constraint, Progress
from stochastic_music.tokens import Header, TokenPiece, Vocabulary

if TYPE_CHECKING:
    from symusic.core import ScoreTick as Score

    from stochastic_music.corpus import EncodingReport
    from stochastic_music.models.mixture import Weights

_log = logging.getLogger(__name__)

Transpose: TypeAlias = Literal["none", "common", "all"]
#: a piece that the model does not end is cut after twice as many events as the longest training piece has, or these
MAX_EVENTS = 64


class Pipeline(ShowsItself):
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

    shown_by = "models"

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

    def fit(
        self,
        corpus: Corpus,
        *,
        memory: int | None = None,
        progress: Progress | None = None,
        seconds: float | None = None,
        checkpoint: Path | None = None,
    ) -> Self:
        """Learn from scores; returns self. Raises EmptyCorpusError where nothing can be encoded.

        Models that count do so in `memory` bytes. Those that learn in steps tell `progress` (done, total, label), stop
        after so many `seconds`, and go on from their `checkpoint` (`protocols.TrainedModel`).
        """
        tokens, report = self.encode(corpus, training=True)
        self.report_ = report
        licence = dict(zip(corpus.names, (piece.licence for piece in corpus.report.pieces), strict=True))
        licences = [licence[name] for name in tokens.names]
        return self.fit_tokens(
            tokens, licences=licences, memory=memory, progress=progress, seconds=seconds, checkpoint=checkpoint
        )

    def fit_tokens(
        self,
        tokens: TokenCorpus,
        *,
        licences: Sequence[str] | None = None,
        memory: int | None = None,
        progress: Progress | None = None,
        seconds: float | None = None,
        checkpoint: Path | None = None,
    ) -> Self:
        """Learn from symbols; `licences`, one a piece, say how they may be used; the others as for `fit`."""
        storing.learn(self.model, [tokens], memory=memory, progress=progress, seconds=seconds, checkpoint=checkpoint)
        n_notes = tokens.sums(begins_note(tokens.vocabulary, tokens.symbols)).astype(np.int64)
        roster = Roster.of(tokens, n_notes=n_notes, licences=licences or [""] * len(tokens))
        return self.settle(tokens.vocabulary, roster, tokens)

    def fit_store(
        self,
        store: TokenStore | Parts,
        *,
        memory: int | None = None,
        executor: Executor | None = None,
        sources: bool | None = None,
        progress: Progress | None = None,
        checkpoint: Path | None = None,
    ) -> Self:
        """Learn from a store of tokens (`corpus.store`), or from some of its parts; returns self.

        Models that count take it part by part, in `memory` bytes and on the tasks of `executor`; the others get
        everything at once, and those that learn in steps go on from their `checkpoint`. The training symbols stay in
        reach, for explanations and model files, where `sources` says so; None means where there are not too many.

        Raises StoreError where the store was encoded or transposed in another way than this pipeline does, and
        InvalidParameterError for a model that needs everything at once where that is more than `memory`.
        """
        parts = store if isinstance(store, Parts) else store.parts
        storing.fit_parts(
            self,
            parts,
            sources=sources,
            memory=memory,
            executor=executor,
            progress=progress,
            checkpoint=checkpoint,
        )
        return self

    def settle(
        self, vocabulary: Vocabulary, pieces: Roster, corpus: TokenCorpus | Callable[[], TokenCorpus] | None
    ) -> Self:
        """Take over what was learned from, or what will read it when it is asked for; the model is fitted already."""
        self.vocabulary_ = vocabulary
        self.pieces_ = pieces
        self._sources = corpus
        #: the alphabet that was composed with last, and the model restricted to it
        self.composer: tuple[tuple[int, ...], Any] | None = None
        #: what leads particles over the alphabet that was composed with last
        self.guides: Guides | None = None
        self._indexed: tuple[OriginalityIndex | None, ...] = ()
        return self

    @property
    def corpus_(self) -> TokenCorpus | None:
        """The symbols of the training pieces, None in a file saved without sources."""
        if callable(self._sources):
            self._sources = self._sources()
        return self._sources

    @property
    def has_sources(self) -> bool:
        """Whether `corpus_` is there, which is not read for that."""
        return self._sources is not None

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
        return joining.mixed(pipelines, rule, weights=weights, bias=bias, held_out=held_out)

    def merge(self, other: Pipeline) -> Pipeline:
        """The pipeline fitted on the pieces of both, this one's first; neither is changed.

        Counts add. Weights that were learned are learned again from all pieces; where a file has no sources they
        stay as they were here, and are marked stale: `info` and whoever opens the file says so. Raises
        UsageError naming the first difference where the two were not made alike, and for models whose counts do
        not add up where there are no sources; VocabularyError for different vocabularies.
        """
        return joining.merged(self, other)

    def forget(self, what: str | Iterable[str] | Corpus | Piece | Score) -> Pipeline:
        """The pipeline fitted without some of its pieces; this one is not changed.

        `what` names them, or is their music, which a file without sources needs. All pieces of a name are
        forgotten, and all that have these notes. Weights are learned again, or stale, as `merge` says. Raises
        UnknownNameError naming the nearest for names that are not there, UsageError for music that is not,
        EmptyCorpusError where nothing would be left.
        """
        return joining.forgotten(self, what)

    def warn_if_stale(self) -> None:
        """Say, in the log, where weights are older than counts."""
        if getattr(self.model, "stale_", False):
            _log.warning(
                "The weights of this model are stale: its counts have changed since they were learned, and the pieces "
                "were not there to learn them again. Fit it again, from sources, for the best."
            )

    def score(self, corpus: Corpus) -> float:
        """Mean log probability per symbol of `corpus`, END included, in nats."""
        return float(np.mean(self.log_probs(self.encode(corpus)[0])))

    def log_probs(self, tokens: TokenCorpus) -> NDArray[np.float64]:
        """The log probability of every symbol, aligned with `tokens.symbols`, in nats."""
        self.check_fitted()
        from stochastic_music.models import corpus_log_probs

        return corpus_log_probs(self.model, tokens)

    def explain(self, score: Score, *, part: str | int | None = None, at_most: int = 3) -> Explanation:
        """Why each note of `score` came as likely as it did; see `stochastic_music.evaluation.explanation`.

        `part` takes another part than the encoding does: its name, its number or "drums". Of many places of the corpus
        where a continuation was learned `at_most` are named. Raises EncodingError for what cannot be encoded,
        UsageError where the encoding takes several parts.
        """
        self.check_fitted()
        encoding = self.for_part(part)
        piece = self.in_its_key(score)
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

    def surprises(
        self, scores: Sequence[Score], *, part: str | int | None = None
    ) -> list[list[NDArray[np.float64]] | None]:
        """How many bits each note of `scores` takes, as `explain` tells them, in one pass.

        For each score an array a track, (n_notes,), in order of time and pitch, nan for notes that the model does not
        hear; None for a score that cannot be encoded, and of models that only compare pieces. `part` as for `explain`.

            >>> import stochastic_music as sm
            >>> corpus = sm.Corpus.from_text("4/4 c4 d e c c d e c e f g2 e4 f g2")
            >>> pipeline = sm.Pipeline(sm.MelodyEncoding(), sm.Markov(order=1)).fit(corpus)
            >>> [[melody]] = pipeline.surprises([corpus[0].score])
            >>> len(melody)
            14
        """
        self.check_fitted()
        return surprises(self, scores, part=part)

    def in_its_key(self, score: Score) -> Piece:
        """A score in the key in which this model reads music."""
        [piece] = Corpus.from_scores([score]).transpose("none" if self.transpose == "all" else self.transpose)
        return piece

    def for_part(self, part: str | int | None) -> Any:
        """The encoding, for another part of a score; raises UsageError where it takes several parts."""
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
        usual_copies: bool = False,
        **shaping: Any,
    ) -> list[Take]:
        """`n` new pieces with what is known of each.

        The model draws from the symbols its corpus has. Without a constraint it ends each piece itself, though
        not before the length of its shortest training piece, and at the latest after `max_events` (None: twice
        its longest one, 64 at least; pieces that have not ended by then are drawn again, a few times). Without
        `header` one is drawn from the training pieces for each take.
        `shaping` is temperature, top_k, top_p, method and backend of `stochastic_music.sampling.sample`. Raises
        UnsatisfiableError where nothing meets `constraint`.

        With `start` every piece begins with the notes of that score, under its header and in its key, and goes on;
        `constraint` is met by the whole piece. Raises EncodingError where it cannot be encoded, UnsatisfiableError
        where nothing can follow it.

        With `usual_copies` takes that copy more notes in a row than nine in ten held-out pieces do
        (`OriginalityIndex.limit`) are drawn again, up to six times; the least copying one is then kept. Takes say how
        often. To condition on a limit instead, ask for `constraint=MaxCopy(pipeline.corpus_, most)`.
        """
        self.check_fitted()
        return composed(
            self,
            n,
            constraint=constraint,
            seed=seed,
            header=header,
            max_events=max_events,
            start=start,
            usual_copies=usual_copies,
            **shaping,
        )

    def originality(self) -> OriginalityIndex | None:
        """The training pieces, to ask how much of a piece is copied from them: made once.

        None where they are not kept, or where events are neither notes nor voices.
        """
        self.check_fitted()
        if not self._indexed:
            self._indexed = (index_of(self),)
        return self._indexed[0]

    def opening(self, start: Score) -> TokenPiece:
        """The symbols of a score to go on from, END left out, and its header: as the model reads them.

        The header tells by how many semitones the score was moved. Raises EncodingError where it cannot be encoded.
        """
        self.check_fitted()
        return opened(self, start)[0]

    def continue_(
        self,
        score: Score,
        n: int = 1,
        *,
        bars: int | None = None,
        length: int | None = None,
        part: str | int | None = None,
        constraint: Constraint | None = None,
        seed: _random.Seed = None,
        usual_copies: bool = False,
        **shaping: Any,
    ) -> list[Revision]:
        """`n` ways to go on after the last note of a part of `score`; all that is there stays.

        `bars` full bars are added after the one in which the part ends, or `length` notes; with neither the model ends
        the piece. `part` is a name, a number or "drums", None for the part that carries the tune. `constraint`, in
        pitches as the model reads them, is met by old and new notes together. `usual_copies` and `shaping` as for
        `compose`. Raises EncodingError where there is no such part, UsageError for encodings that do not say when
        single notes begin, UnsatisfiableError where nothing can follow.
        """
        return continued(
            self,
            score,
            n,
            bars=bars,
            length=length,
            part=part,
            constraint=constraint,
            seed=seed,
            usual_copies=usual_copies,
            **shaping,
        )

    def fill(
        self,
        score: Score,
        bars: int | tuple[int, int],
        n: int = 1,
        *,
        part: str | int | None = None,
        constraint: Constraint | None = None,
        seed: _random.Seed = None,
        **shaping: Any,
    ) -> list[Revision]:
        """`n` other versions of some bars of a part, from the model conditioned on what comes before and after them.

        `bars` is one printed bar or (first, last); a pickup is bar 0. Only notes that begin in them are replaced: one
        that sounds into them from before is kept, and the new music begins when it has ended. The other options, and
        what is raised, as for `continue_`; UsageError where there are no such bars.

            >>> import stochastic_music as sm
            >>> corpus = sm.Corpus.from_text("4/4 c4 d e c c d e c e f g2 e4 f g2")
            >>> pipeline = sm.Pipeline(sm.MelodyEncoding(), sm.Markov(order=1)).fit(corpus)
            >>> [take] = pipeline.fill(corpus[0].score, (2, 3), seed=1)
            >>> [note.pitch for note in take.score.tracks[0].notes][:4]
            [60, 62, 64, 60]
        """
        return filled(self, score, bars, n, part=part, constraint=constraint, seed=seed, **shaping)

    def vary(
        self,
        score: Score,
        n: int = 1,
        *,
        keep: Sequence[str] = (),
        keep_bars: Sequence[tuple[int, int]] = (),
        similarity: float | None = None,
        part: str | int | None = None,
        constraint: Constraint | None = None,
        seed: _random.Seed = None,
        **shaping: Any,
    ) -> list[Revision]:
        """`n` variations of a part of `score`, as long as it is, that differ from it and from each other.

        They are draws of the model conditioned on what is asked for. `keep` may name "rhythm" and "contour" (whether
        each note is higher than the one before, or lower); `keep_bars` (first, last) stay as they are; `similarity` is
        the share of notes that come back, in place and pitch, give or take 0.05. With none of these it is 0.7. The
        other options, and what is raised, as for `fill`; UnsatisfiableError also where there are fewer variations.

            >>> import stochastic_music as sm
            >>> corpus = sm.Corpus.from_text("4/4 c4 d e c c d e c e f g2 e4 f g2")
            >>> pipeline = sm.Pipeline(sm.MelodyEncoding(), sm.Markov(order=1)).fit(corpus)
            >>> [take] = pipeline.vary(corpus[0].score, keep=["rhythm"], seed=1)
            >>> len(take.new.onset) == len(corpus[0].score.tracks[0].notes)
            True
        """
        return varied(
            self,
            score,
            n,
            keep=keep,
            keep_bars=keep_bars,
            similarity=similarity,
            part=part,
            constraint=constraint,
            seed=seed,
            **shaping,
        )

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
        self.check_fitted()
        return filing.contents(self, sources=sources)

    @classmethod
    def load(cls, path: str | Path) -> Pipeline:
        """Open a model file; raises ModelFileError where it is damaged or foreign."""
        return cls.from_file(model_file.ModelFile(path))

    @classmethod
    def from_file(cls, file: model_file.ModelFile) -> Pipeline:
        """The pipeline that `file` holds; raises ModelFileError for other tasks, and where something is missing."""
        return filing.filled(cls, file)

    def check_fitted(self) -> None:
        """Raise NotFittedError before `fit`."""
        if not hasattr(self, "vocabulary_"):
            raise NotFittedError("this pipeline has not learned anything yet: call fit(corpus) first")
