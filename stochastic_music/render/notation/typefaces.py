"""The fonts that words are set in where no browser brings its own: PNG and PDF.

They lie in `fonts/` with their licences and the script that made them. A character that the first font lacks is taken
from the second, and one that neither has (Chinese, Arabic ...) is drawn as an empty box and reported: no text vanishes.
SVG files keep every character, since whoever shows them has fonts of his own.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import groupby
from pathlib import Path

from stochastic_music import _optional
from stochastic_music.render.notation.drawing import Drawing, Run, Shape, Words

#: the family that SVG asks for, and what steps in for it
FAMILY = "Score Serif"
_MORE, _BOX = "ScoreSerifMore-Regular", "□"
_FOLDER = Path(__file__).parent / "fonts"
_log = logging.getLogger(__name__)


def files() -> list[Path]:
    """All font files, in the order in which characters are looked for."""
    return sorted(_FOLDER.glob("*.ttf"))


def boxed(pages: Sequence[Drawing]) -> list[Drawing]:
    """The pages with boxes for the characters that no font has; says which they are."""
    texts = {run.text for page in pages for _, shape in page.shapes if isinstance(shape, Words) for run in shape.runs}
    known = frozenset.union(*map(_characters, _names()))
    lacking = sorted(set("".join(texts)) - known)
    if not lacking:
        return list(pages)
    _log.warning("no font here has %s: drawn as %s; an SVG keeps such characters", " ".join(lacking), _BOX)
    boxes = dict.fromkeys(map(ord, lacking), _BOX)
    return [page._replace(shapes=[(note, _translated(shape, boxes)) for note, shape in page.shapes]) for page in pages]


def _translated(shape: Shape, boxes: dict[int, str]) -> Shape:
    if not isinstance(shape, Words):
        return shape
    return shape._replace(runs=tuple(run._replace(text=run.text.translate(boxes)) for run in shape.runs))


def cut(run: Run) -> Iterator[tuple[str, str]]:
    """(font, text) for the pieces of a run of boxed words, each font being the name of its file.

    >>> list(cut(Run("aș", 1.0, bold=True, italic=False)))
    [('ScoreSerif-Bold', 'a'), ('ScoreSerifMore-Regular', 'ș')]
    """
    first = f"ScoreSerif-{'Bold' if run.bold else 'Italic' if run.italic else 'Regular'}"
    for font, characters in groupby(run.text, key=lambda c: first if c in _characters(first) else _MORE):
        yield font, "".join(characters)


@cache
def _characters(font: str) -> frozenset[str]:
    library = _optional.require("fontTools.ttLib")
    with library.TTFont(_FOLDER / f"{font}.ttf", lazy=True) as file:
        return frozenset(map(chr, file.getBestCmap()))


def _names() -> list[str]:
    return [path.stem for path in files()]
