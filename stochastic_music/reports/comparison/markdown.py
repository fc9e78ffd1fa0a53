"""`report.md`: the report's tables to read as text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from stochastic_music.reports.pages.tables import several

#: of a cell without a figure
NONE = "-"


def as_markdown(report: Mapping[str, Any]) -> str:
    """The whole report as Markdown."""
    parts = [
        _opening(report),
        _predicting(report, "budget", "Prediction under the budget"),
        _predicting(report, "own_stop", "Prediction, each trained to its own stop")
        if report["settings"]["own_stop"]
        else "",
        _differences(report["differences"], "Differences under the budget"),
        _differences(report["differences_own_stop"], "Differences, each trained to its own stop"),
        _curves(report),
        _differences(report["differences_by_size"], "Differences by number of training pieces"),
        _features(report),
        _shape(report),
        _originality(report),
        _judge(report),
        _votes(report.get("votes")),
        _metrics(report),
        _cost(report),
        _problems(report),
        _closing(report),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; bars within cells are escaped.

    >>> print(table(["model", "bits"], [["markov", "2.0"]]))
    | model | bits |
    |---|---|
    | markov | 2.0 |
    """
    lines = [[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in [head, *rows]]
    return "\n".join([_row(lines[0]), "|" + "---|" * len(head), *map(_row, lines[1:])])


def figure(estimate: Mapping[str, Any] | None, form: str = ".3f") -> str:
    """An estimate with its interval."""
    if estimate is None:
        return NONE
    value, low, high = (
        "infinite" if x is None else format(x, form) for x in (estimate["value"], *estimate["interval"])
    )
    return f"{value} ({low} to {high})"


def number(value: float | None, form: str = ",.3g") -> str:
    """A number, or what stands for none."""
    return NONE if value is None else format(value, form)


def probability(value: float | None) -> str:
    """A p-value to four decimals.

    >>> probability(0.00001), probability(0.25), probability(None)
    ('< 0.0001', '0.2500', '-')
    """
    return "< 0.0001" if value is not None and value < 0.0001 else number(value, ".4f")


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _opening(report: Mapping[str, Any]) -> str:
    corpus, settings = report["corpus"], report["settings"]
    notes = f", {corpus['n_notes_test']:,} notes" if corpus["n_notes_test"] else ""
    return (
        f"# {report['title']}: models compared\n\n"
        f"{corpus['n_train']:,} pieces to learn from, {corpus['n_test']:,} held out{notes}; variants of a tune on one "
        "side. "
        f"Encoding {corpus['encoding']}, transposition {corpus['transpose']}, {corpus['alphabet_size']:,} symbols. "
        f"Budget {settings['budget_seconds']:g} s for the fits of each model over "
        f"{several(settings['seeds'], 'seed')}; {settings['n_composed']} pieces composed by each model and seed.\n\n"
        "Intervals hold 95 %, and are bootstrapped over held-out pieces. No figure here names a winner."
        + "".join(f"\n\n{text}" for text in (*report.get("cautions", []), _lost(corpus)) if text)
    )


def _lost(corpus: Mapping[str, Any]) -> str:
    """What encoding lost, in a list."""
    left_out = [f"{piece['file']} is left out: {piece['reason']}" for piece in corpus["pieces_not_encoded"]]
    return "\n".join(f"- {sentence}" for sentence in [*corpus["encoding_losses"], *left_out])


def _predicting(report: Mapping[str, Any], regime: str, title: str) -> str:
    rows = [_predicted(model, regime) for model in report["models"]]
    head = ["model", "bits per note (lower is better)", "each seed", "fit, s", "stopped"]
    pseudo = any((model[regime] or {}).get("pseudo_bits_per_note") for model in report["models"])
    note = f"\n\n\\* {report['measures']['pseudo_bits_per_note']['meaning']}" if pseudo else ""
    return f"## {title}\n\n{report['measures']['bits_per_note']['meaning']}\n\n{table(head, rows)}{note}"


def _predicted(model: Mapping[str, Any], regime: str) -> list[str]:
    found = model[regime]
    if found is None:
        return [model["name"], NONE, NONE, NONE, model["failed"] or "not fitted so"]
    pseudo = found["pseudo_bits_per_note"]
    said = f"{figure(pseudo)} \\*" if pseudo else figure(found["bits_per_note"])
    once = " (fitted once)" if model["fitted_once"] else ""
    seeds = ", ".join(number(value, ".3f") for value in found["per_seed"])
    seconds = ", ".join(format(value, ".1f") for value in found["seconds"])
    return [model["name"], said, seeds + once, seconds, ", ".join(dict.fromkeys(found["stopped"]))]


def _differences(rows: Sequence[Mapping[str, Any]], title: str) -> str:
    if not rows:
        return ""
    by_size = "n_pieces" in rows[0]
    head = [*(["pieces"] if by_size else []), "b minus a", "bits per note", "p", f"p, corrected for {len(rows)}"]
    body = [
        [
            *([format(row["n_pieces"], ",")] if by_size else []),
            f"{row['b']} - {row['a']}",
            figure(row["bits_per_note"], "+.3f"),
            probability(row["p"]),
            probability(row["p_corrected"]),
        ]
        for row in rows
    ]
    told = (
        "Paired by piece, averaged over seeds first; below zero b predicts better. p by swapping pieces between the "
        f"two, corrected by Holm's method over the {several(len(rows), 'row')} of this table."
    )
    return f"## {title}\n\n{told}\n\n{table(head, body)}"


def _curves(report: Mapping[str, Any]) -> str:
    sizes = sorted({point["n_pieces"] for model in report["models"] for point in model["curve"]})
    if len(sizes) < 2:
        return ""
    rows = [[model["name"], *(_at(model, size) for size in sizes)] for model in report["models"]]
    head = ["model", *(f"{size:,} pieces" for size in sizes)]
    told = (
        "Bits per note by number of training pieces: smaller sets lie within larger ones, each fit has a seed's share "
        "of the budget. Points are of one seed, the last of all."
    )
    return f"## Learning curves\n\n{told}\n\n{table(head, rows)}"


def _at(model: Mapping[str, Any], size: int) -> str:
    point = next((point for point in model["curve"] if point["n_pieces"] == size), None)
    if point is None:
        return NONE
    pseudo = point["pseudo_bits_per_note"]
    return f"{figure(pseudo)} \\*" if pseudo else figure(point["bits_per_note"])


def _features(report: Mapping[str, Any]) -> str:
    """The twelve features down, models across: overlap with held-out pieces, beside the ceiling."""
    models, measures = [model for model in report["models"] if model["features"]], report["measures"]
    if not models:
        return ""
    columns = [report["ceiling"], *(model["features"] for model in models)]
    head = ["", "ceiling: training pieces", *(model["name"] for model in models)]
    tables = [
        f"{measures[key]['title']} ({measures[key]['better']} is better). {measures[key]['meaning']}\n\n"
        + table(
            head,
            [
                [measures[name]["title"], *(number(column[name][key], ".2f") for column in columns)]
                for name in report["ceiling"]
            ],
        )
        for key in ("overlap", "generated_overlap", "kl")
    ]
    named = "\n".join(f"- {measures[name]['title']}: {measures[name]['meaning']}" for name in report["ceiling"])
    return "## Twelve features, beside held-out pieces\n\n" + "\n\n".join([*tables, named])


def _shape(report: Mapping[str, Any]) -> str:
    """The shapes of pieces down, models across."""
    measures, columns = report["measures"], [(name, of) for name, of in _composed(report, "shape") if of]
    rows = [
        [f"{measures[key]['title']}: {measures[key]['meaning']}", *(_average(of[key]) for _, of in columns)]
        for key in columns[0][1]
    ]
    spread = _composed(report, "diversity")
    rows += [
        [f"{measures[key]['title']}: {measures[key]['meaning']}", *(number(of[key], ".2f") for _, of in spread if of)]
        for key in spread[0][1]
    ]
    told = "Means over pieces, and how much pieces of a set differ; closer to held-out pieces is better."
    return f"## Shape\n\n{told}\n\n{table(['', *(name for name, _ in columns)], rows)}"


def _average(found: Mapping[str, Any]) -> str:
    return NONE if found["mean"] is None else figure({"value": found["mean"], "interval": found["interval"]}, ".2f")


def _originality(report: Mapping[str, Any]) -> str:
    rows = [[name, *_copied(of)] for name, of in _composed(report, "originality")]
    head = ["", "longest copy, notes", "nine in ten at most", "share copied", "nine in ten at most"]
    meaning = " ".join(report["measures"][key]["meaning"] for key in ("longest_copy", "share_copied"))
    return f"## Originality\n\n{meaning}\n\n{table(head, rows)}"


def _copied(found: Mapping[str, Any] | None) -> list[str]:
    if found is None:
        return [NONE] * 4
    longest, share = found["longest"], found["share"]
    return [figure(longest, ".1f"), number(longest["q90"], ".0f"), figure(share, ".2f"), number(share["q90"], ".2f")]


def _composed(report: Mapping[str, Any], key: str) -> list[tuple[str, Any]]:
    """What each model has under `key`, held-out pieces first."""
    return [("held-out pieces", report["held_out"][key]), *((model["name"], model[key]) for model in report["models"])]


def _judge(report: Mapping[str, Any]) -> str:
    """How well composed pieces are told from held-out ones, and by what; training pieces in their place first."""
    judged = [("ceiling: training pieces", report["ceiling_judge"])]
    judged += [(model["name"], model["judge"]) for model in report["models"]]
    rows = [[name, *_judged(found)] for name, found in judged if found]
    if not rows:
        return ""
    tests = sum(model["judge"] is not None for model in report["models"])
    head = ["", "told rightly (lower is better)", "AUC", "p", f"p, corrected for {tests}", "given away by"]
    meaning = report["measures"]["judge_accuracy"]["meaning"]
    return f"## The judge\n\n{meaning}\n\n{table(head, rows)}"


def _judged(found: Mapping[str, Any]) -> list[str]:
    accuracy = figure({"value": found["accuracy"], "interval": found["interval"]}, ".2f")
    telling = "; ".join(row["words"] for row in found["telling"][:3])
    p_values = [probability(found.get(key)) for key in ("p", "p_corrected")]
    return [accuracy, number(found["auc"], ".2f"), *p_values, telling or NONE]


def _votes(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return ""
    rows = [
        [
            f"{row['a']} rather than {row['b']}",
            f"{row['preferred']} of {row['n']}",
            NONE if row["share"] is None else figure({"value": row["share"], "interval": row["interval"]}, ".2f"),
            probability(row["p"]),
            probability(row["p_corrected"]),
            str(row["undecided"]),
        ]
        for row in found["rows"]
    ]
    head = ["preferred", "votes", "share", "p", f"p, corrected for {len(rows)}", "undecided"]
    told = (
        f"Blind votes of {found['voters']} listeners. Share of those who chose, with its exact interval; p of the "
        "exact binomial test against one half."
    )
    return f"## Listening\n\n{told}\n\n{table(head, rows)}"


def _metrics(report: Mapping[str, Any]) -> str:
    """What metrics of plug-ins say."""
    names = sorted({name for model in report["models"] for name in model["metrics"]})
    if not names:
        return ""
    found = [(model["name"], model["metrics"]) for model in report["models"]]
    columns = [("ceiling: training pieces", report["ceiling_metrics"]), *found]
    rows = [[who, *(_brought(metrics.get(name)) for name in names)] for who, metrics in columns]
    return f"## Metrics of plug-ins\n\n{table(['model', *names], rows)}"


def _brought(found: Mapping[str, Any] | None) -> str:
    return NONE if found is None else found.get("reason") or number(found["value"])


_COSTS: tuple[tuple[str, Callable[[float], str]], ...] = (
    ("fit_seconds", lambda value: f"{value:.2f}"),
    ("notes_per_second", lambda value: f"{value:,.0f}"),
    ("peak_bytes", lambda value: f"{value / 1e6:,.0f} MB"),
    ("parameters", lambda value: f"{value:,}"),
    ("file_bytes", lambda value: f"{value / 1e3:,.0f} kB"),
)


def _cost(report: Mapping[str, Any]) -> str:
    measures = report["measures"]
    units = {"fit_seconds": ", s a fit", "notes_per_second": ", notes a second"}
    head = ["model", *(measures[key]["title"] + units.get(key, "") for key, _ in _COSTS), "Cut at the cap"]
    rows = [
        [
            model["name"],
            *(_spent(model["cost"], key, form) for key, form in _COSTS),
            str(model["capped"]) if model["cost"] else NONE,
        ]
        for model in report["models"]
    ]
    meanings = "\n".join(f"- {measures[key]['title']}: {measures[key]['meaning']}" for key, _ in _COSTS)
    return f"## Cost\n\n{table(head, rows)}\n\n{meanings}"


def _spent(cost: Mapping[str, Any] | None, key: str, form: Callable[[float], str]) -> str:
    return NONE if cost is None or cost[key] is None else form(cost[key])


def _problems(report: Mapping[str, Any]) -> str:
    told = [f"- {problem}" for model in report["models"] for problem in model["problems"]]
    return "## What went wrong\n\n" + "\n".join(told) if told else ""


def _closing(report: Mapping[str, Any]) -> str:
    made = report["made_with"]
    versions = ", ".join(f"{name} {version}" for name, version in made["versions"].items())
    licences = "".join(f"\n\nLicence of the corpus: {licence}" for licence in report["corpus"]["licences"])
    return f"## How this was made\n\n`{made['command']}`\n\n{versions}; {made['hardware']}.{licences}"
