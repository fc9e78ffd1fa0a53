"""What the page on `analyze` shows is what `analyze` says, and a prelude that every theory book analyses."""

from __future__ import annotations

from pathlib import Path

import pytest

from stochastic_music import io
from stochastic_music.corpus import LabelledPiece
from stochastic_music.corpus.builtin import music21_corpus
from stochastic_music.tasks.chords import Analysis, ChordLabeller

PAGE = Path(__file__).parents[3] / "docs" / "how_to" / "analyze.md"


@pytest.fixture(scope="module")
def model(chorales: list[LabelledPiece]) -> ChordLabeller:
    return ChordLabeller().fit(chorales)


def told(model: ChordLabeller, name: str) -> Analysis:
    return model.label(io.load(music21_corpus() / "bach" / name))


def test_the_table_on_the_page_is_the_analysis(model: ChordLabeller) -> None:
    shown = PAGE.read_text(encoding="utf-8").partition("```text\n")[2].partition("```")[0].splitlines()
    found = told(model, "bwv366.mxl").table().splitlines()[: len(shown)]
    assert len(shown) > 12
    # the last column may differ by a rounding from machine to machine
    assert [line.rpartition(" ")[0].rstrip() for line in shown] == [line.rpartition(" ")[0].rstrip() for line in found]


def test_broken_chords_of_the_first_prelude(model: ChordLabeller) -> None:
    found = told(model, "bwv846.mxl")
    assert found.texture == "bars"
    bars = [(found.place(span)[0], str(span.key), span.numeral) for span in found.chords]
    assert bars[:7] == [
        (1, "C", "I"), (2, "C", "ii42"), (3, "C", "V65"), (4, "C", "I"), (5, "G", "ii6"), (6, "G", "V42"),
        (7, "G", "I6"),
    ]  # fmt: skip
    assert bars[-1][2] == "I"
