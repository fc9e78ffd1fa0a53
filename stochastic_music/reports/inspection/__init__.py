"""Looking inside: what a fitted model has learned, and how chains moved, as plain values first.

    inspect(pipeline)                      the inspection of a fitted model, or of a walk of Markov chains
    found.text(), found.to_json(),         the same for terminals, programs, pages
    found.to_html(), found.draw()          and as a matplotlib figure (None where there is nothing to draw)

Each family of models has a module with one function `inspect(pipeline, request) -> Inspection`, named in `families`. A
model that has none there, a plug-in's say, gets the general one: parameters, alphabet, size.
"""

from __future__ import annotations

from stochastic_music.reports.inspection.families import inspect
from stochastic_music.reports.inspection.inspection import Column, Inspection, Request, Table

__all__ = ["Column", "Inspection", "Request", "Table", "inspect"]
