"""Engraved music: scores as SVG, PNG and PDF, and as sheets for screens that know where each note is drawn.

    to_svg(score, title=..., provenance=..., look=...)    one tall picture, in the fonts of whoever shows it
    to_png(score, title=..., provenance=..., look=...)    the same in pixels, in fonts of this package
    to_pdf(score, title=..., provenance=..., look=...)    the same as A4 pages
    sheet(score, width=..., look=..., prefix=...)         a picture for pages on screens, and the ids of its notes
    Look(colors, lyrics)                                  what single notes show

A score becomes MusicXML (`io.engrave`), Verovio lays that out, and its drawing is read into plain shapes (`drawing`)
from which each format is written. Equal scores give equal bytes with one version of Verovio. It all works offline;
the extra `notation` brings the libraries.
"""

from __future__ import annotations

from stochastic_music.render.notation.look import Look
from stochastic_music.render.notation.pdf import to_pdf
from stochastic_music.render.notation.png import to_png
from stochastic_music.render.notation.sheets import Sheet, SheetNote, sheet
from stochastic_music.render.notation.svg import to_svg

__all__ = ["Look", "Sheet", "SheetNote", "sheet", "to_pdf", "to_png", "to_svg"]
