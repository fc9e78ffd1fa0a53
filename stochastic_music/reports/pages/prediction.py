"""The sections on prediction: bits per note, learning curves, the training of networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stochastic_music.reports.pages import pictures
from stochastic_music.reports.pages.markup import Html, element, joined
from stochastic_music.reports.pages.sections import ALPHA, Model, Report, Section, by_model, paragraph, subheading
from stochastic_music.reports.pages.tables import Row, count, figure, head, meanings, probability, table, with_interval

_BITS = ("bits_per_note", "pseudo_bits_per_note")


def prediction(report: Report) -> Section:
    """Bits per note, under the budget and to each model's own stop, and paired differences."""
    seconds = report["settings"].get("budget_seconds")
    limit = f"{seconds:g} seconds for each model, over all its seeds" if seconds else "no limit of time"
    content = (
        paragraph(
            "Each model is asked for the probability of every note of pieces it has never seen, given what came "
            "before. Under each value stands its interval, from resampling pieces: another choice of pieces would "
            "most likely have given a value in it."
        ),
        meanings(report["measures"], _bits_kinds(report)),
        subheading("Under one budget of time"),
        pictures.forest(report, "budget", "Bits per note under the budget, with intervals; further left is better"),
        _bits(report, "budget", f"Held-out pieces; {limit}"),
        *_own_stop(report),
        subheading("Differences, piece by piece"),
        *_differences(report),
    )
    return Section("prediction", "How well each predicts held-out music", content)


def _bits_kinds(report: Report) -> Sequence[str]:
    """The kinds of bits that the models have."""
    pseudo = any((model.get("budget") or {}).get(_BITS[1]) for model in report["models"])
    return _BITS if pseudo else _BITS[:1]


def _own_stop(report: Report) -> Sequence[Html]:
    """The second table, where it was asked for."""
    if not any(model.get("own_stop") for model in report["models"]):
        return ()
    return (
        subheading("Each to its own stop"),
        pictures.forest(report, "own_stop", "Bits per note, each to its own stop; further left is better"),
        _bits(report, "own_stop", "Held-out pieces; each model trained until it stops by itself"),
    )


def _bits(report: Report, which: str, caption: str) -> Html:
    def cells(model: Model) -> list[str]:
        result = model.get(which) or {}
        seeds = ", ".join(figure(x, 3) for x in result.get("per_seed") or [])
        stopped = ", ".join(dict.fromkeys(map(str, result.get("stopped") or [])))
        return [_bits_of(result), seeds or "–", stopped or "–", model.get("family", "–")]

    columns = [head(report["measures"], "bits_per_note"), "Each seed", "Why it stopped", "Family"]
    return by_model(report, caption, columns, cells, part=which, words=2)


def _bits_of(measured: Mapping[str, Any]) -> Html:
    """Bits per note; pseudo-bits, where a model has nothing better, are called so."""
    pseudo = measured.get("pseudo_bits_per_note")
    if measured.get("bits_per_note") is None and pseudo:
        return joined((with_interval(pseudo, 3), element("span", " pseudo", class_="interval")))
    return with_interval(measured.get("bits_per_note"), 3)


def _differences(report: Report) -> Sequence[Html]:
    tables = [
        _paired(report[key], f"Differences {when}")
        for key, when in (("differences", "under the budget"), ("differences_own_stop", "each to its own stop"))
        if report.get(key)
    ]
    text = (
        "Both models of a row predict the same pieces; the difference is the first less the second. p-values are "
        f"corrected (Holm) for the number of rows in a table: below {ALPHA:g}, a difference is hardly chance."
    )
    return [paragraph(text), *tables] if tables else [paragraph("Fewer than two models were measured.")]


def _paired(found: Sequence[Mapping[str, Any]], caption: str) -> Html:
    columns = ["Models", "Difference in bits per note", "p", "p, corrected", "Reading"]
    rows = [Row(f"{one['b']} − {one['a']}", _difference(one)) for one in found]
    return table(caption, columns, rows, words=1)


def _difference(one: Mapping[str, Any]) -> list[str]:
    reading = f"{_order(one)[0]} predicts better" if is_difference(one) else "not told apart"
    p_values = (probability(one.get(key)) for key in ("p", "p_corrected"))
    return [with_interval(one["bits_per_note"], 3), *p_values, reading]


def _order(one: Mapping[str, Any]) -> tuple[str, str]:
    """Who is ahead of whom; a difference is that of `b` from `a`."""
    return (one["b"], one["a"]) if one["bits_per_note"]["value"] < 0 else (one["a"], one["b"])


def is_difference(one: Mapping[str, Any]) -> bool:
    """Whether a paired difference remains after correction."""
    p, value = one.get("p_corrected"), one["bits_per_note"]["value"]
    return p is not None and value is not None and p < ALPHA


def learning(report: Report) -> Section:
    """Learning curves against the size of the corpus."""
    title = "Learning curves"
    sizes = sorted({point["n_pieces"] for model in report["models"] for point in model.get("curve") or []})
    if not sizes:
        return Section("learning", title, (paragraph("No sizes of corpus were asked for."),))

    def cells(model: Model) -> list[str]:
        points = {point["n_pieces"]: point for point in model.get("curve") or []}
        return [_bits_of(points.get(n, {})) for n in sizes]

    caption = "Bits per note on held-out pieces, by number of pieces learned from (lower is better)"
    content = (
        paragraph("How prediction grows with the number of pieces that a model learns from: who is ahead with few?"),
        meanings(report["measures"], _bits_kinds(report)),
        pictures.learning(report, "Bits per note by number of pieces learned from; lower is better"),
        by_model(report, caption, [f"{count(n)} pieces" for n in sizes], cells),
        *_ahead(report, sizes),
    )
    return Section("learning", title, content)


def _ahead(report: Report, sizes: Sequence[int]) -> Sequence[Html]:
    """Who predicts better than whom, at each size."""
    found = report.get("differences_by_size") or []
    if not found:
        return ()
    rows = [Row(f"{count(n)} pieces", [_orders([one for one in found if one["n_pieces"] == n])]) for n in sizes]
    caption = f"Differences that remain after correction for all {len(found)} that were looked at"
    return (table(caption, ["Learned from", "Who predicts better than whom"], rows, words=1),)


def _orders(found: Sequence[Mapping[str, Any]]) -> str:
    """Those that are behind, by who is ahead of them."""
    behind: dict[str, list[str]] = {}
    for one in filter(is_difference, found):
        ahead, other = _order(one)
        behind.setdefault(ahead, []).append(other)
    return "; ".join(f"{ahead}: than {', '.join(others)}" for ahead, others in behind.items()) or "none"


def training(report: Report) -> Section:
    """How networks trained."""
    title = "Training of networks"
    runs = [(model["name"], run) for model in report["models"] for run in model.get("history") or []]
    if not runs:
        return Section("training", title, (paragraph("No model here learns in epochs."),))
    text = (
        "Networks learn in epochs, and stop when pieces kept back from training are predicted no better. What is kept "
        "is the state of the epoch with the least validation loss."
    )
    columns = ["Model", "Epochs", "Best epoch", "Training loss there", "Validation loss there", "Why it stopped"]
    rows = [Row(f"{name}, seed {run['seed']}", _run(run)) for name, run in runs]
    whole = table("Losses in nats a symbol (lower is better)", columns, rows, words=1)
    drawn = pictures.training(
        report, "Losses by epoch, each seed a line; where validation turns up, learning by heart begins"
    )
    return Section("training", title, (paragraph(text), drawn, whole))


def _run(run: Mapping[str, Any]) -> list[str]:
    best = run.get("best")
    losses = [_at(run.get(name) or [], best) for name in ("training", "validation")]
    return [
        count(len(run.get("training") or [])),
        count(best),
        *(figure(loss, 3) for loss in losses),
        str(run.get("stopped") or "–"),
    ]


def _at(losses: Sequence[float], epoch: int | None) -> float | None:
    """The loss of an epoch, counted from 1."""
    return losses[epoch - 1] if epoch is not None and 0 < epoch <= len(losses) else None
