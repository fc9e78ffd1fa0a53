"""The sections on what was composed: twelve features, shape, originality, the judge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stochastic_music.reports.pages.markup import Html
from stochastic_music.reports.pages.sections import (
    Report,
    Section,
    by_model,
    names_in,
    paragraph,
    subheading,
)
from stochastic_music.reports.pages.tables import Row, figure, head, meanings, titled, with_interval

#: How many of the judge's features are named.
_TELLING = 3
#: Measures that have another name where they stand.
_KEYS = {"longest": "longest_copy", "share": "share_copied"}
_UNMEASURED = paragraph("This was not measured.")
_HELD_OUT, _CEILING = "held-out music", "ceiling: training music"


def features(report: Report) -> Section:
    """The twelve features: overlap with held-out music and divergence from it, beside the ceiling."""
    names, measures = names_in(report, "features"), report["measures"]
    title = "Twelve features of the music"
    if not names:
        return Section("features", title, (_UNMEASURED,))
    content = (
        paragraph(
            "Twelve features of each piece (Yang and Lerch, 2020). Distances between pieces of a model and held-out "
            "pieces are compared with the distances among held-out pieces: where both spread alike, overlap is 1 and "
            "divergence 0. The last row is the ceiling, real training pieces beside held-out ones: more likeness than "
            "that cannot be asked for."
        ),
        meanings(measures, ["overlap", "kl"]),
        *(_by_feature(report, names, key, digits) for key, digits in (("overlap", 2), ("kl", 3))),
        subheading("What the features are"),
        meanings(measures, names),
    )
    return Section("features", title, content)


def _by_feature(report: Report, names: Sequence[str], key: str, digits: int) -> Html:
    def cells(holder: Mapping[str, Any]) -> list[str]:
        return [figure((holder.get(name) or {}).get(key), digits) for name in names]

    measures = report["measures"]
    ceiling = Row(_CEILING, cells(report.get("ceiling") or {}))
    columns = [str(measures.get(name, {}).get("title", name)) for name in names]
    return by_model(
        report, titled(measures, key), columns, lambda model: cells(model.get("features") or {}), references=[ceiling]
    )


def shape(report: Report) -> Section:
    """Self-similarity, cadences, scales and repeated notes, beside held-out music."""
    text = (
        "What holds a piece together, as means over pieces with their spread. Close to the held-out music is good; "
        "more is not better."
    )
    return _beside(report, "shape", "Shape", text)


def originality(report: Report) -> Section:
    """How much was copied, beside held-out music."""
    text = (
        "How much of each piece stands note for note in the training music, transposed copies included. Held-out "
        "pieces share turns of phrase with training pieces too: copying much more than they do is quoting, and much "
        "less is strange."
    )
    return _beside(report, "originality", "Originality", text)


def _beside(report: Report, part: str, title: str, text: str) -> Section:
    """A section of one table: models, and the held-out music below."""
    names, measures = names_in(report, part), report["measures"]
    if not names:
        return Section(part, title, (_UNMEASURED,))
    keys = [_KEYS.get(name, name) for name in names]

    def cells(holder: Mapping[str, Any]) -> list[str]:
        return [_spread((holder.get(part) or {}).get(name)) for name in names]

    columns = [head(measures, key) for key in keys]
    held_out = Row(_HELD_OUT, cells(report.get("held_out") or {}))
    whole = by_model(report, f"{title} of composed and of held-out pieces", columns, cells, references=[held_out])
    return Section(part, title, (paragraph(text), meanings(measures, keys), whole))


def _spread(measured: Mapping[str, Any] | float | None) -> str:
    """A mean over its interval, or over its spread."""
    if not isinstance(measured, Mapping):
        return figure(measured)
    value = measured.get("value", measured.get("mean"))
    return with_interval({"value": value, "interval": measured.get("interval"), "std": measured.get("std")})


def judge(report: Report) -> Section:
    """How well a classifier tells composed pieces from real ones."""
    measures = report["measures"]
    keys = ["judge_accuracy", "judge_auc"]
    content = (
        paragraph(
            "A classifier (gradient boosting on features, cross-validated) learns to tell a model's pieces from real "
            "ones. At one half it is guessing: it found no difference. At one it is never wrong, and the features it "
            "leans on say what gave the model away."
        ),
        meanings(measures, keys),
        by_model(
            report,
            "How well composed pieces are told from real ones",
            [*(head(measures, key) for key in keys), "Given away by"],
            lambda model: _judged(model.get("judge") or {}, measures),
            words=1,
        ),
    )
    return Section("judge", "A judge", content)


def _judged(judged: Mapping[str, Any], measures: Mapping[str, Any]) -> list[str]:
    telling = [entry["feature"] for entry in judged.get("telling") or []][:_TELLING]
    words = ", ".join(str(measures.get(name, {}).get("title", name)) for name in telling)
    accuracy = with_interval({"value": judged.get("accuracy"), "interval": judged.get("interval")})
    return [accuracy, figure(judged.get("auc")), words or "–"]
