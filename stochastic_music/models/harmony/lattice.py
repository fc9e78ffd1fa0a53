"""The lattice: candidates beat by beat, joined by what the model and the rules say of each step.

A path through the lattice is a harmony. Its weight is that of the model, times exp(-price) for each breach of a soft
rule, and 0 where a hard rule is broken:

    product over beats of  [ p(chord_t | chord_t-1, melody)  p(voices_t | chord_t, voices_t-1, melody) ]^(1 / T)
                           x  exp( - sum over soft rules of price x breaches  -  price of closes )

The skeleton comes with its normaliser left out, which all paths share. The lattice is a `Chain`: paths are drawn
exactly (forward-filter backward-sample), and the heaviest is found (Viterbi): exact over the candidates. A soprano note
struck within the beat is judged as it sounds: parallels are looked for from the beat's first soprano note, and from its
last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Literal, TypeAlias

import numpy as np

from stochastic_music.models.harmony.candidates import Candidates
from stochastic_music.models.harmony.harmony import Harmony
from stochastic_music.models.harmony.melody import Melody
from stochastic_music.models.harmony.mixture import NONE
from stochastic_music.models.harmony.voices import PLACES, SPANS
from stochastic_music.music.voice_leading import OF_CHORDS, OF_STEPS, Context, count
from stochastic_music.protocols import FloatArray, IntArray
from stochastic_music.sampling.chains import Chain, log_partition

#: how a rule is kept: never broken, at a price in nats, or not asked
Strictness: TypeAlias = Literal["hard", "off"] | float

_PORTION = 8_000
#: steps that are held at once
_STEPS = 32
#: what each voice hears of now and of before: columns of a candidate's row (chord, S, A, T, B), and of the one before
_HEARD = {"B": ((0,), (4,)), "T": ((0, 4), (3, 4)), "A": ((0, 3, 4), (2,))}


def lattice(
    harmony: Harmony,
    melody: Melody,
    skeleton: Chain,
    candidates: Sequence[Candidates],
    *,
    rules: Mapping[str, Strictness],
    temperature: float = 1.0,
    closes: Mapping[int, FloatArray] | None = None,
) -> Chain:
    """The chain over candidates, padded to as many as the frame with the most has.

    `closes` are prices of steps from chord to chord, (n_labels, n_labels), by the frame that they leave.
    """
    n, k = len(melody), max((len(c.label) for c in candidates), default=0)
    unary, steps_on = np.full((n, k), -np.inf), np.full((max(n - 1, 0), k, k), -np.inf)
    context = Context(melody.tonic, melody.minor)
    for t, here in enumerate(candidates):
        price = _price(rules, OF_CHORDS, None, here.voices, context)
        unary[t, : len(here.label)] = skeleton.unary[t, here.label] / temperature - price
    if n and len(candidates[0].label):
        first = candidates[0]
        unary[0, : len(first.label)] += _first_voices(harmony, melody, first) / temperature
    for t, moved in enumerate(_voices(harmony, melody, candidates)):
        last, here = candidates[t], candidates[t + 1]
        chosen = np.ix_(last.label, here.label)
        model = skeleton.step(t)[chosen] + moved
        price = closes[t][chosen] if closes and t in closes else np.zeros(moved.shape)
        price = price + _step_price(rules, melody, t, last=last.voices, here=here.voices)
        steps_on[t, : len(last.label), : len(here.label)] = model / temperature - price
    return Chain(unary, steps_on)


def model_log_prob(harmony: Harmony, melody: Melody, skeleton: Chain, path: Sequence[Candidates]) -> float:
    """The log probability of one harmony under the model alone, in nats: `path` holds one candidate a frame."""
    chain = lattice(harmony, melody, skeleton, path, rules={})
    return float(chain.unary.sum() + chain.pairwise.sum()) - log_partition(skeleton)


def _price(
    rules: Mapping[str, Strictness],
    kind: Mapping[str, object],
    before: IntArray | None,
    now: IntArray,
    context: Context,
) -> FloatArray:
    """What rules of one kind cost: infinity for a breach of a hard one."""
    shape = now.shape[:-1] if before is None else np.broadcast_shapes(before.shape, now.shape)[:-1]
    price = np.zeros(shape)
    for name in kind:
        strictness = rules.get(name, "off")
        if strictness == "off":
            continue
        breaches = count(name, before, now, context)
        price += np.where(breaches > 0, np.inf, 0.0) if strictness == "hard" else float(strictness) * breaches
    return price


def _step_price(
    rules: Mapping[str, Strictness], melody: Melody, t: int, *, last: IntArray, here: IntArray
) -> FloatArray:
    context = Context(melody.tonic, melody.minor)
    price = _price(rules, OF_STEPS, last[:, None], here[None], context)
    if melody.later[t] != NONE:
        parallels = {name: OF_STEPS[name] for name in OF_STEPS if name.startswith("parallel")}
        moved = last.copy()
        moved[:, 0] = melody.later[t]
        price += _price(rules, parallels, moved[:, None], here[None], context)
    return price


def _first_voices(harmony: Harmony, melody: Melody, first: Candidates) -> FloatArray:
    frames = np.zeros(len(first.label), dtype=np.int64)
    columns = dict(harmony.columns(melody, frames, first.label))
    columns |= {voice: first.voices[:, place] for voice, place in PLACES.items()}
    return harmony.voices_.log_prob(columns, len(frames))


def _voices(harmony: Harmony, melody: Melody, candidates: Sequence[Candidates]) -> list[FloatArray]:
    """The log probability of each candidate's voices after each of the frame before, a step each: (k_before, k)."""
    pairs = list(pairwise(candidates))
    found: list[FloatArray] = []
    for begin in range(0, len(pairs), _STEPS):
        found += _some_voices(harmony, melody, pairs[begin : begin + _STEPS], begin)
    return found


def _some_voices(
    harmony: Harmony, melody: Melody, pairs: Sequence[tuple[Candidates, Candidates]], begin: int
) -> list[FloatArray]:
    """The same for some steps, the first of which leaves the frame `begin`."""
    total = [np.zeros((len(last.label), len(here.label))) for last, here in pairs]
    for voice, (now, before) in _HEARD.items():
        asked = [_Asked.of(last, here, now, before) for last, here in pairs]
        found = _scored(harmony, melody, voice, asked, begin)
        low, _ = SPANS[voice]
        for t, (ask, rows) in enumerate(zip(asked, found, strict=True)):
            pitch = pairs[t][1].voices[:, PLACES[voice]] - low
            total[t] += rows[ask.before_of[:, None], ask.now_of[None], pitch[None]]
    return total


class _Asked:
    """What a voice hears in a step, each thing once: `now` (n, 5), `before` (m, 5), and which candidate hears which."""

    def __init__(self, now: IntArray, now_of: IntArray, before: IntArray, before_of: IntArray) -> None:
        self.now, self.now_of, self.before, self.before_of = now, now_of, before, before_of

    @classmethod
    def of(cls, last: Candidates, here: Candidates, now: tuple[int, ...], before: tuple[int, ...]) -> _Asked:
        rows = [np.column_stack([c.label, c.voices]) for c in (here, last)]
        kinds = []
        for row, heard in zip(rows, (now, before), strict=True):
            hidden = row.copy()
            hidden[:, [i for i in range(5) if i not in heard]] = NONE
            different, place = np.unique(hidden, axis=0, return_inverse=True)
            kinds.append((different, place.ravel()))
        return cls(*kinds[0], *kinds[1])


def _scored(harmony: Harmony, melody: Melody, voice: str, asked: Sequence[_Asked], begin: int) -> list[FloatArray]:
    """The log probability of each pitch of a voice, for each step: (n_before, n_now, n_pitches)."""
    sizes = [len(ask.now) * len(ask.before) for ask in asked]
    if not asked:
        return []
    frames = np.repeat(np.arange(begin + 1, begin + len(asked) + 1), sizes)
    now = np.concatenate([np.tile(ask.now, (len(ask.before), 1)) for ask in asked])
    before = np.concatenate([np.repeat(ask.before, len(ask.now), axis=0) for ask in asked])
    parts = []
    for first in range(0, len(frames), _PORTION):
        part = slice(first, first + _PORTION)
        columns = dict(harmony.columns(melody, frames[part], now[part, 0], before[part, 1:]))
        columns |= {name: now[part, 1 + place] for name, place in PLACES.items()}
        parts.append(harmony.voices_.log_probs(voice, columns, len(frames[part])))
    found = np.concatenate([np.zeros((0, SPANS[voice][1])), *parts])
    split = np.split(found, np.cumsum(sizes)[:-1])
    return [rows.reshape(len(ask.before), len(ask.now), -1) for rows, ask in zip(split, asked, strict=True)]
