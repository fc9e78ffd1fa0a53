"""The sections on what it took and what came of it: cost, takes to hear, how to repeat it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stochastic_music.reports.pages import player
from stochastic_music.reports.pages.blind import sources
from stochastic_music.reports.pages.markup import Html, element
from stochastic_music.reports.pages.sections import Model, Report, Section, by_model, paragraph, subheading
from stochastic_music.reports.pages.tables import (
    Row,
    count,
    figure,
    head,
    meanings,
    probability,
    several,
    size,
    table,
    with_interval,
)
from stochastic_music.reports.pages.takes import of_report

#: Takes of each source that are played.
MOST_TAKES = 4
_COSTS = {
    "fit_seconds": lambda x: f"{figure(x, 1)} s",
    "notes_per_second": count,
    "peak_bytes": size,
    "parameters": count,
    "file_bytes": size,
}


def cost(report: Report) -> Section:
    """Time, memory, parameters and file size."""
    measures = report["measures"]

    def cells(model: Model) -> list[str]:
        return [written((model.get("cost") or {}).get(key)) for key, written in _COSTS.items()]

    columns = [head(measures, key) for key in _COSTS]
    whole = by_model(report, "What each model took", columns, cells)
    return Section(
        "cost", "Cost", (paragraph("Under the budget, on the machine named below."), meanings(measures, _COSTS), whole)
    )


def listening(report: Report) -> Section:
    """Players for takes of each model and for held-out pieces, and what blind listeners said."""
    capped = {model["name"]: model.get("capped") for model in report["models"]}
    content = [
        part
        for name, takes in sources(report).items()
        for part in (subheading(name), *_cut(capped.get(name)), _takes(name, takes[:MOST_TAKES]))
    ]
    text = (
        "Pieces as they were drawn, the first of each model and not the best ones, and pieces that were held out. "
        "Space plays and pauses where a player has the focus; a click into the picture goes there. To judge without "
        "knowing whom, open "
    )
    blind = element("a", "the blind listening page", href="blind.html")
    return Section("listening", "Listening", (element("p", text, blind, "."), *_votes(report), *content))


def _cut(capped: int | None) -> Sequence[Html]:
    if not capped:
        return ()
    return (
        paragraph(f"{several(capped, 'piece')} had found no end at twice the longest training piece, and were cut."),
    )


def _takes(source: str, takes: Sequence[Mapping[str, Any]]) -> Html:
    if not takes:
        return paragraph("There are no takes.")
    players = [player.player(of_report(take), _title(source, i, take)) for i, take in enumerate(takes, start=1)]
    return element("div", *players, class_="takes")


def _title(source: str, i: int, take: Mapping[str, Any]) -> str:
    return f"{source}, {i}: {take['piece']}" if take.get("piece") else f"{source}, {i}"


def _votes(report: Report) -> Sequence[Html]:
    """What blind listeners preferred, once votes were counted."""
    votes = report.get("votes")
    if not votes:
        return ()
    text = (
        f"{several(votes['voters'], 'listener')} voted without knowing whom they heard. The share is of those who "
        "chose; one half means that neither is preferred. p is of an exact binomial test, corrected (Holm) for the "
        "rows."
    )
    columns = ["Preferred", "Votes", "Share", "p", "p, corrected", "Could not tell"]
    rows = [Row(f"{row['a']} to {row['b']}", _counted(row)) for row in votes["rows"]]
    return subheading("Blind votes"), paragraph(text), table("Which was liked more", columns, rows)


def _counted(row: Mapping[str, Any]) -> list[str]:
    share = with_interval({"value": row["share"], "interval": row["interval"]})
    p_values = (probability(row[key]) for key in ("p", "p_corrected"))
    return [f"{row['preferred']} of {row['n']}", share, *p_values, count(row["undecided"])]


def repeating(report: Report) -> Section:
    """Versions, hardware, corpus and the command."""
    made, corpus = report["made_with"], report["corpus"]
    return Section(
        "repeating",
        "How to repeat it",
        (
            element("pre", element("code", str(made.get("command", "")))),
            _facts("Made with", {**(made.get("versions") or {}), **_flat(made.get("hardware"))}),
            _facts("Music", corpus),
            _facts("Settings", report["settings"]),
            element(
                "p", "Every figure of this page, and more, is in ", element("a", "report.json", href="report.json"), "."
            ),
        ),
    )


def _facts(caption: str, facts: Mapping[str, Any]) -> Html:
    rows = [Row(str(name).replace("_", " "), [_told(value)]) for name, value in facts.items()]
    return table(caption, ["What", "Value"], rows, words=1)


def _told(value: Any) -> str:
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {_told(inner)}" for name, inner in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_told, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "–" if value is None else str(value)


def _flat(hardware: Any) -> Mapping[str, Any]:
    return hardware if isinstance(hardware, Mapping) else {"hardware": hardware}
