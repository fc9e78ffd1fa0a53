"""Why nothing meets a constraint: which of its parts clash, and how far music gets before they do.

Parts are left out one at a time, those with many states first: where the others cannot be met either, a part has
nothing to do with it. What is left clashes, and does so no more without any one of its parts. Only what can be reached
counts here, not how likely it is. A product that grows too large is taken for one that can be met.
"""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter

import numpy as np

from stochastic_music.constraints import provides
from stochastic_music.errors import ProductTooLargeError
from stochastic_music.protocols import Constraint
from stochastic_music.sampling.compiling import is_wide
from stochastic_music.sampling.exact.product import END, Product
from stochastic_music.sampling.exact.setting import Setting
from stochastic_music.tokens import Header

#: a product that is made to find a reason may have so small a part of the arcs that one made to sample may have
_SHARE = 2


def explained(setting: Setting, parts: tuple[Constraint, ...]) -> str:
    """What is to be said where nothing meets all `parts`."""
    setting = setting._replace(max_arcs=setting.max_arcs // _SHARE)
    clash = parts
    for part in sorted(parts, key=lambda part: not is_wide(part.compile(setting.vocabulary, setting.header))):
        rest = tuple(p for p in clash if p is not part)
        if not _possible(setting, rest):
            clash = rest
    where = _furthest(setting, clash)
    reached = f"; every continuation breaks off by {where}" if where else ""
    after = " after the start given" if len(setting.start) else ""
    return f"{_sentence(clash, setting.header)}{after}{reached}. {_remedy(clash)}."


def _possible(setting: Setting, parts: tuple[Constraint, ...]) -> bool:
    try:
        return setting.product(parts, rounded=False).reaches_end
    except ProductTooLargeError:
        return True


def _furthest(setting: Setting, parts: tuple[Constraint, ...]) -> str:
    """The last place that any continuation reaches, in words; "" where the music may go on for ever."""
    try:
        product = setting.product(parts, rounded=False)
    except ProductTooLargeError:
        return ""
    note = _last_note(product)
    return note and (_last_place(product) or note)


def _last_place(product: Product) -> str:
    """The latest place that the automaton can tell of; "" where it tells none."""
    if not provides(product.automaton, "describe"):
        return ""
    states = np.array([node.state for node in product.nodes[1:]], dtype=np.int64)
    states = states[product.automaton.due(states) == 0]  # an event under way may be doomed already
    reached = product.automaton.progress(states)
    latest = np.argsort(product.automaton.moment(states) if reached is None else reached)[::-1]
    places = (product.automaton.describe(state) for state in states[latest].tolist())
    return next((place for place in places if place), "")


def _last_note(product: Product) -> str:
    """How many notes there can be, counted; "" where there is no end of them."""
    targets = {i: set(node.targets) - {END} for i, node in enumerate(product.nodes) if i != END}
    try:
        order = list(TopologicalSorter(targets).static_order())
    except CycleError:
        return ""
    depth = dict.fromkeys(order, 0)
    for i in order:
        depth[i] = 1 + max((depth[target] for target in targets[i]), default=-1)
    given = len(product.start_symbols)
    return f"note {(given + depth[product.start]) // product.vocabulary.n_fields + 1}"


def _sentence(clash: tuple[Constraint, ...], header: Header | None) -> str:
    if not clash:
        return "this model never ends its pieces"
    meters = f" under {', '.join(str(meter) for meter in header.meters)}" if header else ""
    if len(clash) == 1:
        return f"nothing this model can play meets {clash[0]}{meters}"
    return f"{' and '.join(str(part) for part in clash)} cannot be met together{meters}"


def _remedy(clash: tuple[Constraint, ...]) -> str:
    return "Relax one of them" if len(clash) > 1 else "Ask for something else, or learn from more music"
