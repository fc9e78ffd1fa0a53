"""Exact sampling under constraints, for models of finite memory.

context_sets.py   contexts of a model, in sets, and the arcs that leave them
lifting.py        contexts joined with the states of automata that have many
saturation.py     which contexts can be alive at each place in the bar, in the end
product.py        model and automaton together, as far as they can be reached
messages.py       how likely each context is to end well, from the end backward
sampler.py        forward, drawing: `ExactSampler`
forms.py          plans in which sections come back, over single places of the product (`places.py`)
clashes.py        why nothing meets a request, in words
setting.py        what all of these stand on
"""

from stochastic_music.sampling.exact.sampler import MAX_ARCS, ExactSampler, exact, finite_contexts

__all__ = ["MAX_ARCS", "ExactSampler", "exact", "finite_contexts"]
