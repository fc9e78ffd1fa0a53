"""Encoding and model together: scores in, scores out.

    Corpus --encoding--> TokenCorpus --model--> fit, score
    model --sampling--> symbols --encoding--> Score

A fitted pipeline is what a model file holds: parameters, vocabulary, learned arrays, the headers of the
training pieces (meter, pickup, key, tempo, parts) and, unless left out, the training symbols.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from stochastic_music import __version__, _random, model_file, registry
from stochastic_music.corpus import Corpus, TokenCorpus, encode_corpus
from stochastic_music.errors import NotFittedError
from stochastic_music.evaluation.likelihood import begins_note
from stochastic_music.music.keys import parse_key, pitch_class_weights, relative_mode
from stochastic_music.protocols import Constraint
from stochastic_music.sampling import Sample, sample
from stochastic_music.tokens import Header, TokenPiece, Vocabulary

if TYPE_CHECKING:
    from symusic.core import ScoreTick as Score

    from stochastic_music.corpus import EncodingReport

Transpose: TypeAlias = Literal["none", "common", "all"]
#: a piece that the model does not end is cut after this many events, or twice the longest training piece
MAX_EVENTS = 1024


@dataclass(frozen=True)
class Take:
    """One composed piece.

    `bits_per_note` is its surprise under the model (base 2, END included, divided by its notes).
    """

    score: Score
    sample: Sample
    piece: TokenPiece
    bits_per_note: float


class Pipeline:
    """An encoding and a model, fitted and used as one.

    Args:
        encoding: how scores become symbols, e.g. `MelodyEncoding()`.
        model: what learns from symbols, e.g. `Markov(order=3)`.
        transpose: "none", or "common" to bring every piece to C major or A minor first, "all" to learn from
            every piece in all twelve keys.

    After `fit`: `vocabulary_`, `alphabet_` (the symbols of the corpus, END left out), `headers_` (one a
    training piece), `corpus_` (the training symbols as a TokenCorpus, None in a file saved without
    sources), `report_` (what encoding lost) and `card_`.

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

    def fit(self, corpus: Corpus) -> Self:
        """Learn from scores; returns self. Raises EmptyCorpusError where nothing can be encoded."""
        tokens, report = self.encode(corpus, training=True)
        self.report_ = report
        return self.fit_tokens(tokens, card={"licences": list(corpus.licences)})

    def fit_tokens(self, tokens: TokenCorpus, *, card: dict[str, Any] | None = None) -> Self:
        """Learn from symbols; `card` describes where they come from."""
        self.model.fit(tokens)
        self.vocabulary_: Vocabulary = tokens.vocabulary
        self.headers_: tuple[Header | None, ...] = tokens.headers
        self.fingerprints_ = fingerprints(tokens)
        self.corpus_: TokenCorpus | None = tokens
        self.alphabet_: NDArray[np.int64] = np.setdiff1d(tokens.symbols, [tokens.vocabulary.end])
        n_notes = int(begins_note(tokens.vocabulary, tokens.symbols).sum())
        lengths = tokens.lengths // tokens.vocabulary.n_fields
        self.card_: dict[str, Any] = {
            **(card or {}),
            "n_pieces": len(tokens),
            "n_notes": n_notes,
            "least_events": int(lengths.min()),
            "most_events": max(MAX_EVENTS, 2 * int(lengths.max())),
            "ends_on_line": _ends_on_line(tokens),
        }
        self._composer: Any = None
        return self

    def score(self, corpus: Corpus) -> float:
        """Mean log probability per symbol of `corpus`, END included, in nats."""
        return float(np.mean(self.log_probs(self.encode(corpus)[0])))

    def log_probs(self, tokens: TokenCorpus) -> NDArray[np.float64]:
        """The log probability of every symbol, aligned with `tokens.symbols`, in nats."""
        self._check_fitted()
        from stochastic_music.models import corpus_log_probs

        return corpus_log_probs(self.model, tokens)

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
        **shaping: Any,
    ) -> list[Take]:
        """`n` new pieces with what is known of each.

        The model draws from the symbols its corpus has. Without a constraint it ends each piece itself, though
        not before the length of its shortest training piece, and at the latest after `max_events` (None: twice
        its longest one, 1,024 at least). Without `header` one is drawn from the training pieces for each take.
        `shaping` is temperature, top_k, top_p and method of `stochastic_music.sampling.sample`. Raises
        UnsatisfiableError where nothing meets `constraint`.
        """
        self._check_fitted()
        key = _random.key(seed)
        headers = [header] * n if header else self._draw_headers(n, key)
        model = self._seen_model()
        most = max_events or self.card_["most_events"]
        samples = sample(
            model,
            n,
            headers=headers,
            seed=key,
            constraint=constraint,
            least_events=0 if constraint else min(self.card_["least_events"], most),
            max_events=most,
            **shaping,
        )
        return [self._take(drawn) for drawn in samples]

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
        arrays["corpus.fingerprints"] = self.fingerprints_
        arrays["corpus.alphabet"] = self.alphabet_
        unique, index = _unique_headers(self.headers_)
        arrays["corpus.header_index"] = index
        if sources and self.corpus_ is not None:
            arrays["corpus.symbols"] = self.corpus_.symbols.astype(np.min_scalar_type(self.vocabulary_.end))
            arrays["corpus.offsets"] = self.corpus_.offsets
        meta = {
            "version": __version__,
            "encoding": [registry.name_of("encodings", self.encoding), registry.parameters_set(self.encoding)],
            "model": [registry.name_of("models", self.model), registry.parameters_set(self.model)],
            "transpose": self.transpose,
            "vocabulary": self.vocabulary_.to_json(),
            "headers": [header and header.to_json() for header in unique],
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
        """The pipeline that `file` holds."""
        meta = file.meta
        pipeline = cls(
            registry.create("encodings", *meta["encoding"]),
            registry.create("models", *meta["model"]),
            transpose=meta["transpose"],
        )
        pipeline.vocabulary_ = Vocabulary.from_json(meta["vocabulary"])
        headers = [header and Header.from_json(header) for header in meta["headers"]]
        pipeline.headers_ = tuple(headers[i] for i in file["corpus.header_index"])
        pipeline.fingerprints_ = file["corpus.fingerprints"]
        pipeline.card_ = meta["card"]
        pipeline.corpus_ = _stored_corpus(file, pipeline.vocabulary_, pipeline.headers_)
        pipeline.alphabet_ = file["corpus.alphabet"]
        pipeline._composer = None
        pipeline._restore_model({name.removeprefix("model."): file[name] for name in file if name.startswith("model.")})
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

    def _seen_model(self) -> Any:
        """The model over the symbols of its corpus alone, where it can be restricted."""
        if self._composer is None:
            restrict = getattr(self.model, "restricted", None)
            self._composer = restrict(self.vocabulary_.restrict(self.alphabet_.tolist())) if restrict else self.model
        return self._composer

    def _draw_headers(self, n: int, key: int) -> list[Header | None]:
        generator = np.random.default_rng([key, 0x48454144])
        return [self.headers_[i] for i in generator.integers(0, len(self.headers_), size=n)]

    def _take(self, drawn: Sample) -> Take:
        n_notes = int(begins_note(self.vocabulary_, drawn.symbols).sum())
        header = replace(drawn.header or Header(max(self.vocabulary_.resolution, 1)), title="", transposed=0)
        score = self.encoding.decode([TokenPiece(drawn.symbols, header)])
        heard = replace(_as_far_as(header, score), key=self._key_heard(score, header))
        if heard != header:
            header, score = heard, self.encoding.decode([TokenPiece(drawn.symbols, heard)])
        surprise = -drawn.log_prob / math.log(2) / max(n_notes, 1)
        return Take(score, drawn, TokenPiece(drawn.symbols, header), surprise)

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


def fingerprints(tokens: TokenCorpus) -> NDArray[np.uint64]:
    """A 64-bit fingerprint per piece, of its symbols: (n_pieces,). Tells training pieces apart from new ones."""
    digests = (hashlib.sha256(row.astype("<i8").tobytes()).digest()[:8] for row in tokens)
    return np.array([int.from_bytes(digest, "little") for digest in digests], dtype=np.uint64)


def _ends_on_line(tokens: TokenCorpus, at_most: int = 100, longest: int = 4096) -> bool:
    """Whether most pieces stop sounding on a bar line; asked of the first ones that are not very long."""
    clock, end = tokens.vocabulary.clock, tokens.vocabulary.end
    asked = np.flatnonzero(tokens.lengths <= longest)[:at_most]
    if not clock.ticks or not len(asked):
        return True
    headers = [tokens.headers[i] for i in asked]
    state = clock.start(headers)
    for column in zip_longest(*(tokens[i].tolist() for i in asked), fillvalue=end):
        state = clock.advance(state, np.array(column, dtype=np.int64))
    pickups = np.array([header.pickup if header else 0 for header in headers])
    return bool(clock.on_line(state, pickups).mean() >= 0.5)


def _unique_headers(headers: Sequence[Header | None]) -> tuple[list[Header | None], NDArray[np.int64]]:
    places: dict[Header | None, int] = {}
    index = [places.setdefault(header and replace(header, title=""), len(places)) for header in headers]
    return list(places), np.array(index, dtype=np.int64)


def _stored_corpus(
    file: model_file.ModelFile, vocabulary: Vocabulary, headers: tuple[Header | None, ...]
) -> TokenCorpus | None:
    if "corpus.symbols" not in file:
        return None
    symbols = file["corpus.symbols"].astype(np.int64)
    return TokenCorpus(vocabulary, symbols, file["corpus.offsets"], headers, tuple(file.meta["names"]))
