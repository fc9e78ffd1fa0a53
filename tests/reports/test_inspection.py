"""Inspections as values, text, JSON and HTML; what each family shows of itself."""

import json

import pytest

from stochastic_music.corpus import Corpus
from stochastic_music.errors import UsageError
from stochastic_music.models import STM
from stochastic_music.pipeline import Pipeline
from stochastic_music.reports.inspection import Column, Inspection, Table, inspect
from stochastic_music.tokens import MelodyEncoding

TABLE = Table(
    "next",
    "What comes next",
    (Column("note"), Column("chance", unit="probability"), Column("times"), Column("surprise", unit="bits")),
    [("B4", 0.412, 1037, 1.279), ("<C5>", 0.0004, 0, float("inf"))],
    note="2 of 9",
)
FOUND = Inspection(
    "toy", "A <toy>", {"order": 2, "sources_kept": "yes"}, [TABLE], ["After G4 & A4."], data={"p": (0.5,)}
)


def test_text_stands_in_columns():
    assert FOUND.text().splitlines() == [
        "A <toy>",
        "",
        "order         2",
        "sources kept  yes",
        "",
        "After G4 & A4.",
        "",
        "What comes next",
        "  note   chance  times  surprise",
        "  B4       41 %  1,037      1.28",
        "  <C5>  < 0.1 %      0         ∞",
        "  (2 of 9)",
    ]


def test_json_is_finite_and_keyed():
    found = json.loads(FOUND.json())
    assert (found["schema"], found["kind"], found["facts"]) == (1, "toy", {"order": 2, "sources_kept": "yes"})
    assert found["tables"]["next"]["units"] == {"chance": "probability", "surprise": "bits"}
    assert found["tables"]["next"]["rows"][1] == {"note": "<C5>", "chance": 0.0004, "times": 0, "surprise": None}
    assert found["data"] == {"p": [0.5]}


def test_html_is_escaped():
    found = FOUND.to_html()
    assert "<h2>A &lt;toy&gt;</h2>" in found
    assert "After G4 &amp; A4." in found
    assert "&lt;C5&gt;" in found
    assert "<toy>" not in found


@pytest.fixture(scope="module")
def tunes():
    return Corpus.from_text("4/4 c4 d e c c d e c e f g2 e4 f g2")


def test_a_model_without_a_module_is_told_of_in_general(tunes):
    found = inspect(Pipeline(MelodyEncoding(), STM(order_bound=2)).fit(tunes))
    assert found.kind == "stm"
    assert found.title == "stm(order_bound=2)"
    assert found.facts["pieces"] == 1
    rows = found.to_json()["tables"]["alphabet"]["rows"]
    assert rows[-1] == {"field": "pitch", "used": 5, "declared": 128, "lowest": "C4", "highest": "G4"}


def test_what_is_no_model_is_refused():
    with pytest.raises(UsageError, match="int cannot be looked into: expected a fitted pipeline"):
        inspect(3)


class Mine(STM):
    """A model that nobody registered."""


def test_a_model_that_nobody_registered_goes_by_its_class(tunes):
    found = inspect(Pipeline(MelodyEncoding(), Mine(order_bound=2)).fit(tunes))
    assert (found.kind, found.title) == ("Mine", "Mine(order_bound=2)")
