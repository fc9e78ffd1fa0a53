"""Offline pages: one HTML file each, that opens from disk, asks for nothing, and reads on a phone or on paper.

    listening_page(title, heard)   scores to hear, with whatever is known of each (`Heard`)
    index_page(report)             a comparison: tables with their meanings, pictures, players
    blind_page(report)             pairs of takes to choose from without knowing where they come from
    pairs(report)                  what the votes of that page mean
    frame(page, height)            a page within another, for notebooks

`report` is the JSON object that `reports.comparison` writes. The rooms: `markup` (escaped by default), `shell` (the
page and its content security policy), `takes` and `roll` (notes as values and as a picture), `player` (what makes them
sound), `tables`; then the sections of the pages, and `static/`, the style sheets and scripts as files of their own.
"""

from __future__ import annotations

from stochastic_music.reports.pages.blind import blind_page, checksum, pairs
from stochastic_music.reports.pages.frame import frame
from stochastic_music.reports.pages.index import index_page
from stochastic_music.reports.pages.listening import Heard, listening_page

__all__ = ["Heard", "blind_page", "checksum", "frame", "index_page", "listening_page", "pairs"]
