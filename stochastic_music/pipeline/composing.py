"""New pieces out of a fitted pipeline: headers, openings, how long a piece may be, scores."""

from __future__ import annotations

import functools
import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stochastic_music import _random
from stochastic_music._showing import ShowsItself
from stochastic_music.constraints import All, MaxCopy, conjuncts
from stochastic_music.constraints.form import form_of
from stochastic_music.corpus import encode_piece
from stochastic_music.errors import (
    EncodingError,
    InvalidParameterError,
    ProductTooLargeError,
    UnsatisfiableError,
    UsageError,
)
from stochastic_music.evaluation.likelihood import begins_note
from stochastic_music.music.keys import DOUBTFUL, key_of, parse_key, pitch_class_weights, relative_mode, transpose
from stochastic_music.pipeline.guiding import Guides
from stochastic_music.pipeline.originals import drawn_within
from stochastic_music.protocols import Constraint
from stochastic_music.sampling import Sample, sample
from stochastic_music.sampling.compiling import by_timing, is_wide
from stochastic_music.sampling.drawing import NO_START
from stochastic_music.sampling.exact import ExactSampler
from stochastic_music.tokens import Header, TokenPiece

if TYPE_CHECKING:
    from symusic.core import ScoreTick as Score

    from stochastic_music.pipeline.pipeline import Pipeline

_log = logging.getLogger(__name__)

#: a pitch may always come so often in a row, and more often only where the corpus has it
LEAST_REPEATS = 4


@dataclass(frozen=True)
class Take(ShowsItself):
    """One composed piece.

    `bits_per_note` is its surprise under the model (base 2, END included, divided by its notes), a start apart: what
    was given surprises nobody, and it is no number where a model only compares pieces (`MaxEnt`). `piece` holds its
    symbols as the model reads them, `n_given` counts the notes that were its start, `redrawn` the pieces drawn before
    it that copied too much.
    """

    shown_by = "scores"

    score: Score
    sample: Sample
    piece: TokenPiece
    bits_per_note: float
    n_given: int = 0
    redrawn: int = 0


def composed(
    pipeline: Pipeline,
    n: int,
    *,
    constraint: Constraint | None,
    seed: _random.Seed,
    header: Header | None,
    max_events: int | None,
    start: Score | None,
    usual_copies: bool,
    **shaping: Any,
) -> list[Take]:
    """New pieces; see `Pipeline.compose`."""
    key, card = _random.key(seed), pipeline.card_
    opening = None if start is None else _checked_opening(pipeline, start, header)
    begun = opening.symbols if opening else pipeline.pieces_.alphabet[:0]
    fixed = opening.header if opening else header
    n_begun = len(begun) // pipeline.vocabulary_.n_fields
    most = max_events or card["most_events"] + n_begun
    least = max(card["least_events"], n_begun + 1 if opening else 0)
    headers = [fixed] * n if fixed else draw_headers(pipeline, n, key, constraint)
    index = pipeline.originality() if usual_copies else None

    def draw(number: int, first: int, asked: Constraint | None = constraint) -> list[Sample]:
        again = {} if number == key else {"backend": "auto"}  # few are drawn again: the tables are not worth it
        return draw_pieces(
            pipeline,
            headers[:first],
            start=begun,
            constraint=asked,
            least_events=min(least, most),
            max_events=most,
            whole=(max_events is None or asked is not None) and pipeline.vocabulary_.closed,
            seed=number,
            **shaping | again,
        )

    def limited(number: int, first: int) -> list[Sample]:
        assert pipeline.corpus_ is not None and index is not None and index.limit is not None  # noqa: S101, PT018
        few = MaxCopy(pipeline.corpus_, index.limit, since=n_begun)
        return draw(number, first, All((*(conjuncts(constraint) if constraint else ()), few)))

    try:
        samples = drawn_within(draw, n, key=key, index=index, limited=limited)
    except (UsageError, UnsatisfiableError):
        headers, before = ([fixed] * n if fixed else draw_headers(pipeline, n, key, constraint, fitting=True)), headers
        if headers == before:
            raise
        samples = drawn_within(draw, n, key=key, index=index, limited=limited)
    return [replace(take_of(pipeline, drawn.sample, constraint), redrawn=drawn.redrawn) for drawn in samples]


def draw_pieces(
    pipeline: Pipeline,
    headers: Sequence[Header | None],
    *,
    start: NDArray[np.int64] = NO_START,
    constraint: Constraint | None,
    known: NDArray[np.int64] | None = None,
    **options: Any,
) -> list[Sample]:
    """Symbols that begin with `start`, a sample for each header: of the corpus's alphabet and the symbols `known`.

    None for those of the start. The options are those of `stochastic_music.sampling.sample`.
    """
    known = start if known is None else known
    return sample(
        seen_model(pipeline, known),
        len(headers),
        headers=headers,
        constraint=constraint,
        most_repeats=max(pipeline.card_["most_repeats"], LEAST_REPEATS) if pipeline.vocabulary_.closed else None,
        start=start,
        guide=guides_of(pipeline, known) if constraint else None,
        **options,
    )


def opened(pipeline: Pipeline, start: Score) -> tuple[TokenPiece, list[str]]:
    """The symbols of a score to go on from, and what is to be said of it, in sentences; see `Pipeline.opening`."""
    try:
        parts, loss = encode_piece(pipeline.in_its_key(start), pipeline.encoding)
    except EncodingError as error:
        name = pipeline.encoding.name
        raise EncodingError(f"this model reads music as {name}, and the start cannot be written so: {error}") from error
    if len(parts) != 1:
        raise EncodingError(f"the start encodes to {len(parts)} pieces; expected one to go on from")
    symbols, header = parts[0]
    opening = TokenPiece(symbols[symbols != pipeline.vocabulary_.end], header)
    return opening, [*loss.sentences(), *key_taken(pipeline, start), *new_in(pipeline, opening.symbols)]


def _checked_opening(pipeline: Pipeline, start: Score, header: Header | None) -> TokenPiece:
    if header is not None:
        raise UsageError("a start brings its own header: give one of them")
    opening, remarks = opened(pipeline, start)
    for remark in remarks:
        _log.warning("Of the start: %s.", remark)
    return opening


def key_taken(pipeline: Pipeline, start: Score) -> list[str]:
    """The key that a score is taken to be in, where it is brought to another and none is printed: in a sentence."""
    finding = key_of(start)
    if pipeline.transpose != "common" or finding.source != "estimated":
        return []
    doubt = ", though another key fits about as well" if finding.confidence < DOUBTFUL else ""
    return [f"no key is printed: it is taken to be in {finding.key}{doubt}"]


def new_in(pipeline: Pipeline, symbols: NDArray[np.int64]) -> list[str]:
    """Whether whole events hold symbols that the corpus never has: in a sentence."""
    unseen = np.flatnonzero(~np.isin(symbols, pipeline.alphabet_))
    if not len(unseen):
        return []
    events = np.unique(unseen // pipeline.vocabulary_.n_fields + 1)
    shown = ", ".join(map(str, events[:5].tolist())) + (", ..." if len(events) > 5 else "")
    first = pipeline.vocabulary_.describe(int(symbols.ravel()[unseen[0]]))
    return [
        f"it holds what this model's corpus never has ({first}, in events {shown}): the music goes on as well as it can"
    ]


def seen_model(pipeline: Pipeline, begun: NDArray[np.int64]) -> Any:
    """The model over the symbols of its corpus, and of what was `begun`, where it can be restricted."""
    alphabet = _alphabet(pipeline, begun)
    if pipeline.composer is None or pipeline.composer[0] != alphabet:
        restrict = getattr(pipeline.model, "restricted", None)
        pipeline.composer = alphabet, restrict(pipeline.vocabulary_.restrict(alphabet)) if restrict else pipeline.model
    return pipeline.composer[1]


def guides_of(pipeline: Pipeline, begun: NDArray[np.int64]) -> Guides | None:
    """The guides of particles over the same symbols, None without sources to learn from."""
    if pipeline.corpus_ is None:
        return None
    vocabulary = pipeline.vocabulary_.restrict(_alphabet(pipeline, begun))
    if pipeline.guides is None or pipeline.guides.vocabulary != vocabulary:
        pipeline.guides = Guides(pipeline.corpus_, vocabulary)
    return pipeline.guides


def _alphabet(pipeline: Pipeline, begun: NDArray[np.int64]) -> tuple[int, ...]:
    """The symbols of the corpus, and those of what was `begun`."""
    return tuple(np.union1d(pipeline.alphabet_, begun).tolist())


def draw_headers(
    pipeline: Pipeline, n: int, key: int, constraint: Constraint | None = None, *, fitting: bool = False
) -> list[Header | None]:
    """Headers of the corpus; header i does not depend on `n`.

    A form asks for headers of one meter, or else under their first meter alone. With `fitting`, those under which
    `constraint` cannot be met make way for others, if there are any.
    """
    generator = np.random.default_rng([key, 0x48454144])
    headers = [pipeline.headers_[place] for place in np.flatnonzero(pipeline.pieces_.opens)]
    form, regular = form_of(constraint)
    if form is not None:
        one_meter = [header for header in headers if header is None or len(header.meters) == 1]
        headers = one_meter or [header and header.with_meter(*header.meters[0][1:]) for header in headers]
    drawn = generator.integers(0, len(headers), size=n)
    if regular is None or not fitting:
        return [headers[i] for i in drawn]
    timing = {i: group[0] for group in by_timing(headers, regular) for i in group}
    fits = functools.cache(lambda first: _can_meet(pipeline, regular, headers[first]))
    for number, place in enumerate(drawn):
        if not fits(timing[int(place)]):
            others = np.random.default_rng([key, 0x48454144, number]).permutation(len(headers))
            drawn[number] = next((i for i in others if fits(timing[int(i)])), place)
    return [headers[i] for i in drawn]


def _can_meet(pipeline: Pipeline, constraint: Constraint, header: Header | None) -> bool:
    """Whether symbols of the corpus, in any order, can meet what `constraint` asks under a header, copies apart."""
    guides = guides_of(pipeline, pipeline.pieces_.alphabet[:0])
    try:
        parts = [part for part in conjuncts(constraint) if not is_wide(part.compile(pipeline.vocabulary_, header))]
        if guides is not None and parts:
            ExactSampler(guides[-1], All(tuple(parts)), header)
    except ProductTooLargeError:
        return True
    except (UsageError, InvalidParameterError, UnsatisfiableError):
        return False
    return True


def take_of(pipeline: Pipeline, drawn: Sample, constraint: Constraint | None = None) -> Take:
    """A sample as music; `constraint` is what it was drawn under."""
    notes = begins_note(pipeline.vocabulary_, drawn.symbols)
    n_given = int(notes[: drawn.n_given].sum())
    n_notes = int(notes.sum()) - n_given
    header = replace(drawn.header or Header(max(pipeline.vocabulary_.resolution, 1)), title="", transposed=0)
    score = pipeline.encoding.decode([TokenPiece(drawn.symbols, header)])
    heard = _as_far_as(header, score)
    if not drawn.n_given:
        heard = replace(heard, key=_key_heard(pipeline, score, header, constraint))
    if heard != header:
        header, score = heard, pipeline.encoding.decode([TokenPiece(drawn.symbols, heard)])
    if drawn.n_given and drawn.header:
        score = transpose(score, -drawn.header.transposed)
    surprise = -drawn.log_prob / math.log(2) / max(n_notes, 1)
    return Take(score, drawn, TokenPiece(drawn.symbols, header), surprise, n_given)


def _key_heard(pipeline: Pipeline, score: Score, header: Header, constraint: Constraint | None) -> str | None:
    """The key to print: the header says how many sharps, the notes decide between major and minor.

    Where steps of the key were asked for, the header's key decides: they are meant in it.
    """
    name = header.key or ("C" if pipeline.transpose == "common" else None)
    if name is None or (key := parse_key(name)).mode not in {"major", "minor"}:
        return name
    if constraint is not None and getattr(constraint, "reads_key", True):
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
