"""The sections on what was composed: twelve features, shape, originality, the judge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stochastic_music.reports.pages import pictures
from stochastic_music.reports.pages.densities import density_table
from stochastic_music.reports.pages.markup import Html, element, joined
from stochastic_music.reports.pages.sections import (
    ALPHA,
    Model,
    Report,
    Section,
    by_model,
    failure,
    name_of,
    names_in,
    paragraph,
    subheading,
)
from stochastic_music.reports.pages.tables import Row, figure, head, meanings, probability, table, titled, with_interval

#: How many of the traits that the judge leans on are named.
_TELLING = 3
#: Measures that have another name where they stand.
_KEYS = {"longest": "longest_copy", "share": "share_copied"}
_UNMEASURED = paragraph("This was not measured.")
#: Figures of a feature, and their decimals.
_LIKENESS = {"overlap": 2, "kl": 3, "generated_overlap": 2}
_HELD_OUT, _CEILING = "held-out music", "Ceiling"


def features(report: Report) -> Section:
    """The twelve features: overlap with held-out music and divergence from it, beside the ceiling."""
    names, measures = names_in(report, "features"), report["measures"]
    title = "Twelve features of the music"
    if not names:
        return Section("features", title, (_UNMEASURED,))
    shown = {key: digits for key, digits in _LIKENESS.items() if any(key in of for of in _figures(report))}
    content = (
        paragraph(
            "Twelve features of each piece (Yang and Lerch, 2020). Distances between composed and held-out pieces are "
            "compared with distances among held-out pieces: where both spread alike, overlap is 1 and divergence 0. "
            "The last column is the ceiling, real training pieces beside held-out ones: more likeness than that "
            "cannot be asked for."
        ),
        meanings(measures, shown),
        *(_by_feature(report, names, key, digits) for key, digits in shown.items()),
        _densities(report, names),
        subheading("What the features are"),
        meanings(measures, names),
    )
    return Section("features", title, content)


def _figures(report: Report) -> list[Mapping[str, Any]]:
    """What is known of features, of models and of the ceiling."""
    holders = [*((model.get("features") or {}) for model in report["models"]), report.get("ceiling") or {}]
    return [of for holder in holders for of in holder.values()]


def _by_feature(report: Report, names: Sequence[str], key: str, digits: int) -> Html:
    """Features by models; a column without figures says why."""
    measures, models = report["measures"], report["models"]
    holders = [*(model.get("features") or {} for model in models), report.get("ceiling") or {}]
    rows = [Row(measures.get(name, {}).get("title", name), _across(holders, name, key, digits)) for name in names]
    return table(titled(measures, key), ["Feature", *map(_column, models), _CEILING], rows)


def _densities(report: Report, names: Sequence[str]) -> Html:
    titles = {name: str(report["measures"].get(name, {}).get("title", name)) for name in names}
    columns = [(_column(model), model.get("features") or {}) for model in report["models"]]
    return density_table(titles, [*columns, (_CEILING, report.get("ceiling") or {})])


def _across(holders: Sequence[Mapping[str, Any]], name: str, key: str, digits: int) -> list[Html]:
    found = [holder.get(name) or {} for holder in holders]
    return [with_interval({"value": one.get(key), "interval": one.get(f"{key}_interval")}, digits) for one in found]


def _column(model: Model) -> Html:
    """The head of a model's column; why it failed would make the head the tallest row, and stands elsewhere."""
    shown = () if failure(model) is None else (element("span", "did not finish", class_="failed"),)
    return joined((name_of(model), *shown))


def shape(report: Report) -> Section:
    """Self-similarity, cadences, scales and repeated notes, beside held-out music."""
    text = (
        "What holds a piece together, as means over pieces with their spread. Close to the held-out music is good; "
        "more is not better."
    )
    anchor, title, content = _beside(report, "shape", "Shape", text)
    return Section(anchor, title, (*content, *_similarity(report), *_diversity(report)))


def _similarity(report: Report) -> Sequence[Html]:
    """How similar bars are that lie so far apart, as a picture, where the report knows."""
    drawn = pictures.similarity(report, "Similarity of bars that lie 1, 2, 3 ... bars apart")
    text = (
        "How many of their notes bars have in common, by how far they lie apart; held-out music is the grey behind. "
        "Phrases that come back after two, four or eight bars are peaks there; a model that forgets has none."
    )
    return (subheading("Do bars come back?"), paragraph(text), drawn) if drawn else ()


def _diversity(report: Report) -> Sequence[Html]:
    """How much the pieces of a set differ from each other, where the report knows."""
    if not names_in(report, "diversity"):
        return ()
    text = "One piece composed again and again shows here. Random notes differ most: close to held-out music is good."
    return subheading("Do pieces differ?"), *_beside(report, "diversity", "Diversity", text).content


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
    measures, title = report["measures"], "A judge"
    if not any(model.get("judge") for model in report["models"]):
        return Section("judge", title, (_UNMEASURED,))
    keys = ("judge_accuracy", "judge_auc")
    content = (
        paragraph(
            "A classifier learns to tell a model's pieces from real ones, and is asked about pieces that it did not "
            "learn from. At one half it is guessing: it found no difference. At one it is never wrong, and what it "
            "leans on says what gave the model away. p is of guessing as well as that, corrected (Holm) for the "
            f"models: below {ALPHA:g}, the model was told apart. The ceiling is real training music, judged beside "
            "held-out music."
        ),
        meanings(measures, keys),
        by_model(
            report,
            "How well composed pieces are told from real ones",
            [*(head(measures, key) for key in keys), "p, corrected", "Given away by"],
            lambda model: _judged(model.get("judge") or {}),
            references=[Row(_CEILING, _judged({**(report.get("ceiling_judge") or {}), "telling": None}))],
            words=1,
        ),
    )
    return Section("judge", title, content)


def _judged(judged: Mapping[str, Any]) -> list[str]:
    telling = [element("li", entry["words"]) for entry in (judged.get("telling") or [])[:_TELLING]]
    accuracy = with_interval({"value": judged.get("accuracy"), "interval": judged.get("interval")})
    p = probability(judged.get("p_corrected"))
    return [accuracy, figure(judged.get("auc")), p, element("ul", *telling) if telling else "–"]


def metrics(report: Report) -> Section | None:
    """What metrics of plug-ins say, where there are any."""
    names = names_in(report, "metrics")
    if not names:
        return None
    told = [model.get("metrics") or {} for model in report["models"]]
    measures = {name: of for one in told for name, of in one.items() if of.get("title")}

    def cells(model: Model) -> list[str]:
        return [_brought((model.get("metrics") or {}).get(name) or {}) for name in names]

    ceiling = Row(_CEILING, cells({"metrics": report.get("ceiling_metrics")}))
    columns = [head(measures, name) for name in names]
    whole = by_model(report, "Metrics of plug-ins", columns, cells, references=[ceiling])
    return Section("metrics", "Metrics of plug-ins", (meanings(measures, names), whole))


def _brought(of: Mapping[str, Any]) -> str:
    return str(of["reason"]) if of.get("reason") else figure(of.get("value"), 3)
