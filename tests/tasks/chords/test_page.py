"""What the page on `analyze` shows is what `analyze` says."""

from __future__ import annotations

from pathlib import Path

from stochastic_music import io
from stochastic_music.corpus import LabelledPiece
from stochastic_music.corpus.builtin import music21_corpus
from stochastic_music.tasks.chords import ChordLabeller

PAGE = Path(__file__).parents[3] / "docs" / "how_to" / "analyze.md"


def test_the_table_on_the_page_is_the_analysis(chorales: list[LabelledPiece]) -> None:
    shown = PAGE.read_text(encoding="utf-8").partition("```text\n")[2].partition("```")[0].splitlines()
    found = ChordLabeller().fit(chorales).label(io.load(music21_corpus() / "bach" / "bwv366.mxl"))
    told = found.table().splitlines()[: len(shown)]
    assert len(shown) > 12
    # the last column may differ by a rounding from machine to machine
    assert [line.rpartition(" ")[0].rstrip() for line in shown] == [line.rpartition(" ")[0].rstrip() for line in told]
