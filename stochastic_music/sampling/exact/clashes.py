"""Why nothing meets a constraint: which of its parts clash, and how far music gets before they do.

Parts are left out one at a time, those with many states first: where the others cannot be met either, a part has
nothing to do with it. What is left clashes, and does so no more without any one of its parts. Only what can be reached
counts here, not how likely it is. What grows too large is taken for something that can be met.

Demands that no music at all meets are found by themselves (`check_clashes`), before any model is asked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from stochastic_music.constraints import provides
from stochastic_music.errors import ProductTooLargeError, UnsatisfiableError
from stochastic_music.protocols import Constraint, IntArray
from stochastic_music.sampling.compiling import compiled, is_wide, split
from stochastic_music.sampling.drawing import NO_START
from stochastic_music.sampling.exact.product import END, Product
from stochastic_music.sampling.exact.setting import Setting
from stochastic_music.sampling.reachable import Ways
from stochastic_music.tokens import Header, Vocabulary

#: a product that is made to find a reason may have so small a part of the arcs that one made to sample may have
_SHARE = 2
#: states of demands that are looked at without a model
_MOST_STATES = 60_000

Parts: TypeAlias = tuple[Constraint, ...]
#: where music may go under some demands; raises ProductTooLargeError
Explore: TypeAlias = Callable[[Parts], Ways]


def check_clashes(constraint: Parts, vocabulary: Vocabulary, header: Header | None, start: IntArray = NO_START) -> None:
    """Raise UnsatisfiableError where no music over the alphabet meets the parts that are not wide."""
    parts = tuple(part for part in constraint if not split([part], vocabulary, header)[1])

    def explore(some: Parts) -> Ways:
        return Ways.of(compiled(some, vocabulary, header), vocabulary, start, _MOST_STATES)

    if not _possible(explore, parts):
        raise UnsatisfiableError(_reason(explore, parts, vocabulary, header, start))


def explained(setting: Setting, parts: Parts) -> str:
    """What is to be said where nothing that a model can play meets all `parts`."""
    setting = setting._replace(max_arcs=setting.max_arcs // _SHARE)
    vocabulary, header = setting.vocabulary, setting.header

    def explore(some: Parts) -> Ways:
        return _ways(setting.product(some, rounded=False))

    return _reason(explore, parts, vocabulary, header, setting.start)


def _reason(explore: Explore, parts: Parts, vocabulary: Vocabulary, header: Header | None, start: IntArray) -> str:
    clash = parts
    for part in sorted(parts, key=lambda part: not is_wide(part.compile(vocabulary, header))):
        rest = tuple(p for p in clash if p is not part)
        if not _possible(explore, rest):
            clash = rest
    where = _furthest(explore, clash, len(start), vocabulary.n_fields)
    reached = f"; every continuation breaks off by {where}" if where else ""
    after = " after the start given" if len(start) else ""
    return f"{_sentence(clash, header)}{after}{reached}. {_remedy(clash)}."


def _possible(explore: Explore, parts: Parts) -> bool:
    try:
        return bool(explore(parts).ends.any())
    except ProductTooLargeError:
        return True


def _furthest(explore: Explore, parts: Parts, n_given: int, n_fields: int) -> str:
    """The last place that any continuation reaches, in words; "" where the music may go on for ever."""
    try:
        ways = explore(parts)
    except ProductTooLargeError:
        return ""
    longest = ways.longest
    return "" if longest is None else _last_place(ways) or f"note {(n_given + longest) // n_fields + 1}"


def _last_place(ways: Ways) -> str:
    """The latest place that the automaton can tell of; "" where it tells none."""
    automaton = ways.automaton
    if not provides(automaton, "describe"):
        return ""
    states = ways.states[automaton.due(ways.states) == 0]  # an event under way may be doomed already
    reached = automaton.progress(states)
    latest = np.argsort(automaton.moment(states) if reached is None else reached)[::-1]
    places = (automaton.describe(state) for state in states[latest].tolist())
    return next((place for place in places if place), "")


def _ways(product: Product) -> Ways:
    """The nodes of a product, its end left out."""
    nodes = product.nodes[1:]
    edges = [(i, target - 1) for i, node in enumerate(nodes) for target in node.targets if target != END]
    before, after = np.array(edges, dtype=np.int64).reshape(-1, 2).T
    states = np.array([node.state for node in nodes], dtype=np.int64)
    return Ways(product.automaton, states, before, after, np.array([END in node.targets for node in nodes]))


def _sentence(clash: Parts, header: Header | None) -> str:
    if not clash:
        return "this model never ends its pieces"
    meters = f" under {', '.join(str(meter) for meter in header.meters)}" if header else ""
    if len(clash) == 1:
        return f"nothing this model can play meets {clash[0]}{meters}"
    return f"{' and '.join(str(part) for part in clash)} cannot be met together{meters}"


def _remedy(clash: Parts) -> str:
    return "Relax one of them" if len(clash) > 1 else "Ask for something else, or learn from more music"
