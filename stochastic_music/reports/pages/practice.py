"""The sections on what it took and what came of it: cost, takes to hear, how to repeat it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stochastic_music.reports.pages import player
from stochastic_music.reports.pages.blind import sources
from stochastic_music.reports.pages.markup import Html, element
from stochastic_music.reports.pages.sections import Model, Report, Section, by_model, failure, paragraph, subheading
from stochastic_music.reports.pages.tables import Row, count, figure, head, meanings, size, table

#: Takes of each source that are played.
MOST_TAKES = 4
_COSTS = {
    "fit_seconds": lambda x: figure(x, 1),
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
    """Players for takes of each model and for held-out pieces."""
    found = sources(report)
    reasons = {model["name"]: failure(model) for model in report["models"]}
    content = [
        part
        for name, takes in found.items()
        for part in (subheading(name), _takes(name, takes[:MOST_TAKES], reasons.get(name)))
    ]
    text = (
        "Pieces as they were drawn, the first of each model and not the best ones, and pieces that were held out. "
        "Space plays and pauses where a player has the focus; a click into the picture goes there. To judge without "
        "knowing whom, open "
    )
    blind = element("a", "the blind listening page", href="blind.html")
    return Section("listening", "Listening", (element("p", text, blind, "."), *content))


def _takes(source: str, takes: Any, reason: str | None) -> Html:
    if reason is not None:
        return paragraph(f"did not finish: {reason}")
    if not takes:
        return paragraph("There are no takes.")
    players = [player.player(player.of_report(take), _title(source, i, take)) for i, take in enumerate(takes, start=1)]
    return element("div", *players, class_="takes")


def _title(source: str, i: int, take: Mapping[str, Any]) -> str:
    return f"{source}, {i}: {take['piece']}" if take.get("piece") else f"{source}, {i}"


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
    return "–" if value is None else str(value)


def _flat(hardware: Any) -> Mapping[str, Any]:
    return hardware if isinstance(hardware, Mapping) else {"hardware": hardware}
