"""New music around what is there: pieces continued, filled and varied, all else kept.

    continued    new notes after the last one of a part
    filled       new notes in some bars, drawn from the model conditioned on what comes before and after them
    varied       the part again, with some of its rhythm, contour, bars or notes

Each gives `Revision`s: takes that also say which notes of the part go and which come, so that a file can be kept whole
around them (`stochastic_music.io.splicing`). What is kept comes from the score as it is; what the model's encoding
cannot say of it is lost on the model alone.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from stochastic_music import _random
from stochastic_music.constraints import All, At, Contour, EndsOn, Length, Rhythm, Similar, conjuncts
from stochastic_music.constraints.automata.automaton import MaskAutomaton
from stochastic_music.constraints.automata.timing import Timed, timed_events
from stochastic_music.constraints.kept import Kept, Span
from stochastic_music.errors import UnknownNameError, UnsatisfiableError, UsageError
from stochastic_music.pipeline.composing import draw_pieces, key_taken, new_in
from stochastic_music.pipeline.excerpts import Excerpt, Gap, Reading, read_part, stop
from stochastic_music.pipeline.originals import drawn_within
from stochastic_music.pipeline.revisions import New, Revision, picked, revisions
from stochastic_music.protocols import BoolArray, Constraint, IntArray
from stochastic_music.sampling import Sample

if TYPE_CHECKING:
    from symusic.core import ScoreTick as Score

    from stochastic_music.pipeline.pipeline import Pipeline

_log = logging.getLogger(__name__)

#: what a variation may keep besides bars
KEEP = ("rhythm", "contour")
#: the share of notes that come back in a variation that nothing else was asked of
SIMILARITY = 0.7
#: how far from the share asked for the share of notes that come back may lie
_TOLERANCE = 0.05
#: how often a variation is drawn again that was there before
_ROUNDS = 20


def continued(
    pipeline: Pipeline,
    score: Score,
    n: int,
    *,
    bars: int | None,
    length: int | None,
    part: str | int | None,
    constraint: Constraint | None,
    seed: _random.Seed,
    usual_copies: bool,
    **shaping: Any,
) -> list[Revision]:
    """New notes after the last one; see `Pipeline.continue_`."""
    reading = read_part(pipeline, score, part)
    last = int(reading.ends.max())
    kept = np.ones(len(reading.ends), dtype=bool)
    gap = reading.gap(kept, reading.end_of(last, 0), reading.end_of(last, bars or 0))
    n_before = len(gap.before.onset)
    demands: list[Constraint | None] = [constraint]
    demands += [Kept(stops=_closes(reading, gap))] if bars else []
    demands += [Length(n_before + length)] if length else []
    least = max(pipeline.card_["least_events"], n_before + 1)
    ends = {"least_events": least, "whole": pipeline.vocabulary_.closed}
    _remark(pipeline, reading, gap.before)
    index = pipeline.originality() if usual_copies else None

    def draw(key: int, first: int) -> list[Sample]:
        options = {"start": gap.symbols, "seed": key, **ends, **shaping}
        return _drawn(pipeline, reading, gap.excerpt, demands, gap.before, n=first, **options)

    drawn = drawn_within(draw, n, key=_random.key(seed), index=index)
    found = revisions(pipeline, reading, ~kept, [[_in_gap(pipeline, gap, one.sample)] for one in drawn])
    return [replace(take, redrawn=one.redrawn) for take, one in zip(found, drawn, strict=True)]


def filled(
    pipeline: Pipeline,
    score: Score,
    bars: int | tuple[int, int],
    n: int,
    *,
    part: str | int | None,
    constraint: Constraint | None,
    seed: _random.Seed,
    **shaping: Any,
) -> list[Revision]:
    """New notes in some bars; see `Pipeline.fill`."""
    reading = read_part(pipeline, score, part)
    begin, end = reading.span(*((bars, bars) if isinstance(bars, int) else bars))
    dropped = reading.within(begin, end)
    gap = reading.gap(~dropped, begin, end)
    if reading.one_at_a_time and stop(gap.before) >= gap.end:
        [name] = reading.described(gap.excerpt, gap.before, [len(gap.before.onset) - 1])
        raise UnsatisfiableError(
            f"{name} sounds beyond the bars to fill: nothing can begin there. Fill its bar as well"
        )
    stops = (stop(gap.after),) if len(gap.after.onset) else _closes(reading, gap)
    fixed = Timed(*(np.concatenate(columns) for columns in zip(gap.before, gap.after, strict=True)))
    first = max(gap.begin, int(gap.before.onset.max(initial=-1)) + 1)
    rings = 0, max(gap.end, reading.rings_until(gap, dropped))
    demands = [_kept(fixed, [(0, first), (gap.end, None)], stops, rings), constraint]
    _remark(pipeline, reading, fixed)
    samples = _drawn(pipeline, reading, gap.excerpt, demands, fixed, start=gap.symbols, n=n, seed=seed, **shaping)
    return revisions(pipeline, reading, dropped, [[_in_gap(pipeline, gap, found)] for found in samples])


def varied(
    pipeline: Pipeline,
    score: Score,
    n: int,
    *,
    keep: Sequence[str],
    keep_bars: Sequence[tuple[int, int]],
    similarity: float | None,
    part: str | int | None,
    constraint: Constraint | None,
    seed: _random.Seed,
    **shaping: Any,
) -> list[Revision]:
    """The part again, otherwise; see `Pipeline.vary`."""
    share = _share(keep, keep_bars, similarity)
    reading, key = read_part(pipeline, score, part), _random.key(seed)
    bars = [reading.span(*span) for span in sorted(keep_bars)]
    kept = np.logical_or.reduce([np.zeros(len(reading.ends), dtype=bool), *(reading.touching(*span) for span in bars)])
    if kept.all():
        raise UsageError("all notes of the part are in the bars to keep, so there is nothing to vary: keep fewer bars")
    found = []
    for number, (excerpt, events) in enumerate(reading.stretches()):
        spans = reading.spans(excerpt, kept, bars)
        is_new = ~_inside(events, spans)
        if is_new.any():
            fixed = picked(events, ~is_new)
            _remark(pipeline, reading, events)
            rings = tuple(max(begin, _sounding(picked(events, is_new), begin)) for begin, _ in spans)
            pitch = reading.pitches(events)
            demands = [
                _kept(fixed, spans, (stop(events),), rings),
                *_alike(pitch, events, keep, share),
                *_ending(reading, pitch, constraint),
            ]
            draw = functools.partial(
                _drawn, pipeline, reading, excerpt, [*demands, constraint], fixed, known=events, n=n, **shaping
            )
            samples = _different(pipeline, draw, n, _key_of(key, number), events)
            drawn = [timed_events(pipeline.vocabulary_, sample.symbols) for sample in samples]
            found.append(
                [New(excerpt, one, new, ~_inside(new, spans)) for one, new in zip(samples, drawn, strict=True)]
            )
    return revisions(pipeline, reading, ~kept, list(zip(*found, strict=True)))


def _drawn(
    pipeline: Pipeline,
    reading: Reading,
    excerpt: Excerpt,
    demands: Sequence[Constraint | None],
    fixed: Timed,
    *,
    n: int,
    known: Timed | None = None,
    **options: Any,
) -> list[Sample]:
    """Pieces that meet all demands, which events that are `fixed` must meet too.

    Their symbols are those of the corpus and of the events `known`; None for the fixed ones.
    """
    passed = reading.bars_before(excerpt)
    asked = tuple(_within_excerpt(part, passed) for demand in demands if demand for part in conjuncts(demand))
    for demand in asked:
        _check_fixed(demand, pipeline, reading, excerpt, fixed)
    symbols = (known or fixed).symbols
    return draw_pieces(
        pipeline,
        [excerpt.header] * n,
        known=symbols.ravel(),
        constraint=All(asked) if asked else None,
        max_events=pipeline.card_["most_events"] + len(symbols),
        **options,
    )


def _remark(pipeline: Pipeline, reading: Reading, events: Timed) -> None:
    """Say, in the log, what is to be known of the piece and of the events of it that the model hears."""
    for remark in (*key_taken(pipeline, reading.score), *new_in(pipeline, events.symbols)):
        _log.warning("Of the piece: %s.", remark)


def _kept(events: Timed, spans: Sequence[Span], stops: tuple[int, ...], rings: tuple[int, ...]) -> Kept:
    """That within some spans these events begin, each as it is, and no others; where music stops, how far it rings."""
    symbols = tuple(tuple(row) for row in events.symbols.tolist())
    return Kept(tuple(events.onset.tolist()), symbols, tuple(spans), stops, rings)


def _sounding(events: Timed, time: int) -> int:
    """Until when those of the events ring that begin before a time (units)."""
    return stop(picked(events, events.onset < time))


def _closes(reading: Reading, gap: Gap) -> tuple[int, ...]:
    """Where music that nothing follows may stop: as `Bars` says, or where the part stopped in the last free bar."""
    excerpt = gap.excerpt
    starts, lengths, _ = excerpt.header.bar_spans()
    bar = max((length for start, length in zip(starts, lengths, strict=True) if start < gap.end), default=lengths[0])
    inside = range(max(gap.end - bar, 0) + 1, gap.end + 1)
    stopped = int(excerpt.timeline.nearest(np.array([int(reading.ends.max()) - excerpt.origin]))[0])
    if reading.rest:
        return tuple(inside)
    return tuple(sorted({gap.end, gap.end - excerpt.header.pickup, stopped} & set(inside)))


def _within_excerpt(demand: Constraint, n_bars: int) -> Constraint:
    """The same demand where bars are counted from an excerpt that begins `n_bars` after the piece."""
    if not n_bars or not isinstance(demand, At):
        return demand
    return At(demand.bar - n_bars, demand.beat, demand.note, key=demand.key)


def _check_fixed(demand: Constraint, pipeline: Pipeline, reading: Reading, excerpt: Excerpt, fixed: Timed) -> None:
    """Raise UnsatisfiableError naming the events that are kept and that `demand` excludes wherever they stand."""
    automaton = demand.compile(pipeline.vocabulary_, excerpt.header)
    if not isinstance(automaton, MaskAutomaton):
        return
    excluded = np.flatnonzero((~automaton.mask[fixed.symbols]).any(axis=1)).tolist()
    if excluded:
        more = f" and {len(excluded) - 6} more" if len(excluded) > 6 else ""
        names = ", ".join(reading.described(excerpt, fixed, excluded[:6]))
        raise UnsatisfiableError(
            f"{demand} excludes notes that are kept: {names}{more}. Ask for something wider, or keep fewer bars"
        )


def _share(keep: Sequence[str], bars: Sequence[tuple[int, int]], similarity: float | None) -> float | None:
    """The share of notes to come back; raises UsageError or UnknownNameError for what cannot be asked."""
    for name in keep:
        if name not in KEEP:
            raise UnknownNameError("thing to keep", name, KEEP)
    if similarity is not None and not 0 <= similarity < 1:
        raise UsageError(f"the similarity is {similarity}; expected the share of notes that come back: 0 to below 1")
    return SIMILARITY if similarity is None and not keep and not bars else similarity


def _alike(pitch: IntArray, events: Timed, keep: Sequence[str], share: float | None) -> list[Constraint]:
    """What a variation has of the events."""
    symbols, n = events.symbols.ravel().tolist(), len(events.onset)
    demands: list[Constraint] = [Rhythm(symbols)] if "rhythm" in keep else []
    demands += [Contour.of(pitch)] if "contour" in keep else []
    if share is not None:
        nearest = min(round(share * n), n - 1) / n
        least, most = min(share - _TOLERANCE, nearest), max(share + _TOLERANCE, nearest)
        demands.append(Similar(symbols, max(least, 0.0), min(most, (n - 1) / n)))
    return demands


def _ending(reading: Reading, pitch: IntArray, constraint: Constraint | None) -> list[Constraint]:
    """That a melody ends on the note it ended on, where nothing else is asked of its end."""
    asked = any(isinstance(part, EndsOn) for part in conjuncts(constraint)) if constraint else False
    return [EndsOn(int(pitch[-1]))] if reading.one_at_a_time and not asked else []


def _inside(events: Timed, spans: Sequence[tuple[int, int]]) -> BoolArray:
    """Which events begin within some spans: (n_events,)."""
    found = np.zeros(len(events.onset), dtype=bool)
    for first, last in spans:
        found |= (first <= events.onset) & (events.onset < last)
    return found


def _different(
    pipeline: Pipeline, draw: Callable[..., list[Sample]], n: int, key: int, original: Timed
) -> list[Sample]:
    """`n` samples that differ from the original and from each other; one that does not is drawn again."""
    rounds: list[list[Sample]] = []
    there, found = {_heard(pipeline, original.symbols.ravel())}, []
    for i in range(n):
        for attempt in range(_ROUNDS):
            if attempt == len(rounds):
                rounds.append(draw(seed=_key_of(key, attempt)))
            notes = _heard(pipeline, rounds[attempt][i].symbols)
            if notes not in there:
                break
        else:
            raise UnsatisfiableError(
                f"only {i} variations were found that differ from the piece and from each other: ask for fewer, or "
                "keep less"
            )
        there.add(notes)
        found.append(rounds[attempt][i])
    return found


def _key_of(key: int, number: int) -> int:
    """The keys that follow from one, itself the first of them."""
    return _random.key(np.random.default_rng([key, number])) if number else key


def _heard(pipeline: Pipeline, symbols: IntArray) -> bytes:
    """What is heard of symbols: when notes begin and end, and their pitches."""
    events = timed_events(pipeline.vocabulary_, symbols)
    pitch = events.values[:, pipeline.vocabulary_.place("pitch")]
    return np.stack([events.onset, events.end, pitch]).tobytes()


def _in_gap(pipeline: Pipeline, gap: Gap, found: Sample) -> New:
    """A sample of which all is new but what lies around the gap."""
    events = timed_events(pipeline.vocabulary_, found.symbols)
    place, n = np.arange(len(events.onset)), len(events.onset)
    is_new = (place >= len(gap.before.onset)) & (place < n - len(gap.after.onset))
    return New(gap.excerpt, found, events, is_new)


def _outside(pipeline: Pipeline, excerpt: Excerpt, spans: Sequence[tuple[int, int]], found: Sample) -> New:
    """A sample of which all is new but what begins within some spans."""
    events = timed_events(pipeline.vocabulary_, found.symbols)
    return New(excerpt, found, events, ~_inside(events, spans))
