"""The page of a comparison: what was done in plain words, then every figure with its meaning, then the music itself.

`index_page` turns the report that `reports.comparison` writes into one HTML file. No figure names a winner: each
section answers a question of its own, and the summary says only what remains after intervals and corrections.
"""

from __future__ import annotations

from collections.abc import Sequence

from stochastic_music.reports.pages import player, shell
from stochastic_music.reports.pages.likeness import features, judge, metrics, originality, shape
from stochastic_music.reports.pages.markup import Html, element
from stochastic_music.reports.pages.practice import cost, listening, repeating
from stochastic_music.reports.pages.prediction import is_difference, learning, prediction, training
from stochastic_music.reports.pages.sections import Model, Report, Section, paragraph
from stochastic_music.reports.pages.tables import count, several

_SECTIONS = (prediction, learning, training, features, shape, originality, judge, metrics, cost, listening, repeating)


def index_page(report: Report) -> str:
    """The page, as HTML. Equal reports give equal bytes."""
    title = f"Models compared on {report['title']}"
    sections = [_summary(report), *(one for section in _SECTIONS if (one := section(report)))]
    header = element("header", element("h1", title), _contents(sections))
    main = element("main", *map(_drawn, sections), id="main")
    footer = element(
        "footer", "Written by stochastic_music. This page is complete: it opens from disk and asks for nothing."
    )
    styles, scripts = (player.STYLE, "index.css"), player.SCRIPTS
    return shell.page(title, header, main, footer, styles=styles, scripts=scripts)


def _contents(sections: Sequence[Section]) -> Html:
    entries = [element("li", element("a", section.title, href=f"#{section.anchor}")) for section in sections]
    return element("nav", element("ol", *entries), aria_label="Contents")


def _drawn(section: Section) -> Html:
    heading = element("h2", section.title, id=f"{section.anchor}-title")
    return element("section", heading, *section.content, id=section.anchor, aria_labelledby=f"{section.anchor}-title")


def _summary(report: Report) -> Section:
    """What was done, how to read it, and what can be said."""
    rules = [element("li", rule) for rule in _RULES]
    content = (
        paragraph(_done(report)),
        element("ul", *rules),
        paragraph(_found(report)),
        *_cautions(report),
        *_failures(report),
    )
    return Section("summary", "What was done, and how to read it", content)


_RULES = (
    "A value stands over its interval: where intervals overlap widely, the order of two values means little. The "
    "table of differences says which are more than chance.",
    "↓ means that lower is better, ↑ that higher is better, ≈ that what is close to held-out music is better. What a "
    "measure means stands under the heading of its section.",
    "There is no single winner. A model may predict well and compose dully, or copy; it may be a little better and "
    "cost a hundred times as much. Read the sections that matter to you, and listen.",
)


def _done(report: Report) -> str:
    corpus, settings, models = report["corpus"], report["settings"], report["models"]
    families = [sum(model.get("family") == family for model in models) for family in ("statistical", "neural")]
    return (
        f"{len(models)} models ({families[0]} statistical, {families[1]} neural) learned from the same "
        f"{count(corpus['n_train'])} pieces of {corpus['name']}, in the same encoding, and were measured on "
        f"{count(corpus['n_test'])} pieces that none of them had seen ({count(corpus.get('n_notes_test'))} notes). "
        f"{_budget(settings)}Then each composed {count(settings.get('n_composed'))} pieces by each of "
        f"{several(settings['seeds'], 'seed')}, which were measured beside the held-out ones."
    )


def _budget(settings: Report) -> str:
    seconds = settings.get("budget_seconds")
    own = "; a second table lets each go on until it stops by itself" if settings.get("own_stop", True) else ""
    return f"Each had {seconds:g} seconds for all its fits{own}. " if seconds else ""


def _found(report: Report) -> str:
    """What the table of differences says, in one sentence."""
    found = report.get("differences") or []
    certain = sum(map(is_difference, found))
    if not found:
        return "Fewer than two models could be compared in prediction."
    pairs = f"In prediction, models were compared two by two, {several(len(found), 'pair')} in all"
    if not certain:
        return f"{pairs}: none differs by more than chance may make."
    rest = "; the others cannot be told apart on these pieces" if certain < len(found) else ""
    return f"{pairs}: {several(certain, 'difference')} can hardly be chance, after correction for their number{rest}."


def _cautions(report: Report) -> Sequence[Html]:
    return [paragraph(text) for text in report.get("cautions") or []]


def _failures(report: Report) -> Sequence[Html]:
    found = [problem for model in report["models"] for problem in _problems(model)]
    if not found:
        return ()
    return paragraph("What went otherwise than planned:"), element("ul", *(element("li", problem) for problem in found))


def _problems(model: Model) -> Sequence[str]:
    return model.get("problems") or ([f"{model['name']}: {model['failed']}"] if model.get("failed") else [])
