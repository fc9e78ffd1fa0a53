"""Comparisons of models: their page, in a frame."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stochastic_music.reports.pages.frame import frame
from stochastic_music.reports.pages.index import index_page
from stochastic_music.reports.pages.markup import Html

_HEIGHT = 800


def drawn(thing: Mapping[str, Any]) -> Html:
    """The page of the report that `reports.comparison` writes."""
    return frame(index_page(thing), _HEIGHT, title=f"Models compared on {thing['title']}")
