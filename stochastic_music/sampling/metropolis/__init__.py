"""Metropolis sampling over pieces: any log density, changed a little at a time.

    chains   many pieces side by side, and the random numbers of a step
    step     one pure step, and the exchange of replicas
    proposals, rhythm, redraw, block   ways to change a piece
    target, soft, reading, walker   what chains walk towards, and how it is worked out again after a change
    run, diagnostics, checkpoint   many steps, how well they mixed, and how to break off

A run under a model conditioned on a constraint, from pieces that meet it:

    >>> import numpy as np
    >>> import stochastic_music as sm
    >>> from stochastic_music.sampling import sample
    >>> corpus = sm.TokenCorpus.from_sequences([[0, 1, 0, 2], [1, 2, 2, 0]], sm.Vocabulary.plain(3))
    >>> model = sm.Markov(order=1, smoothing="add_k").fit(corpus)
    >>> target = Target.of(model, constraint=sm.Length(4))
    >>> layout = Layout(corpus.vocabulary)
    >>> start = layout.laid_out([s.symbols for s in sample(model, 2, constraint=sm.Length(4), seed=1)], n_events=4)
    >>> moves = mixture([(Redraw(target.reader("model"), (0,)), 3), (Swap(layout), 1)])
    >>> found = run(target, start, moves, Plan(steps=200), seed=1)
    >>> found.symbols.shape, found.stopped
    ((200, 2, 5), 'the budget of 200 steps is spent')
"""

from stochastic_music.sampling.metropolis.block import Block
from stochastic_music.sampling.metropolis.chains import Chains, Draws, Pieces
from stochastic_music.sampling.metropolis.diagnostics import Diagnostics, summary
from stochastic_music.sampling.metropolis.layout import Layout
from stochastic_music.sampling.metropolis.proposals import Mixture, Swap, Transpose, mixture
from stochastic_music.sampling.metropolis.redraw import Copy, Redraw
from stochastic_music.sampling.metropolis.rhythm import Shift, Split
from stochastic_music.sampling.metropolis.run import Plan, Precision, Run, run
from stochastic_music.sampling.metropolis.soft import Contour, Density, Events, Similarity, Style, Tension
from stochastic_music.sampling.metropolis.step import Info, begin, exchange, step
from stochastic_music.sampling.metropolis.target import Target, Term

__all__ = [
    "Block",
    "Chains",
    "Contour",
    "Copy",
    "Density",
    "Diagnostics",
    "Draws",
    "Events",
    "Info",
    "Layout",
    "Mixture",
    "Pieces",
    "Plan",
    "Precision",
    "Redraw",
    "Run",
    "Shift",
    "Similarity",
    "Split",
    "Style",
    "Swap",
    "Target",
    "Tension",
    "Term",
    "Transpose",
    "begin",
    "exchange",
    "mixture",
    "run",
    "step",
    "summary",
]
