"""What was found out: why notes came as they did, what a piece copies, its harmony, its form, what is in a model.

How much a note surprised is written as a number, and underlined by a color whose strength says the same again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from stochastic_music.corpus.report import counted, printable
from stochastic_music.evaluation import CrossValidation, Estimate, Explanation, NoteExplanation, Originality
from stochastic_music.evaluation.held_out import NOTABLE
from stochastic_music.reports.inspection import Inspection
from stochastic_music.reports.pages.markup import Html, element
from stochastic_music.reports.pages.tables import Row, figure, with_interval
from stochastic_music.reports.showing import scores
from stochastic_music.reports.showing.blocks import facts, listed, picture, rows
from stochastic_music.tasks.chords.analysis import Analysis
from stochastic_music.tasks.structure import Form, Structure

#: bits from which on a note has the full color, and how strong that is
_FULL, _STRENGTH = 8.0, 0.55
#: forms of pieces that are shown
_FORMS = 20


def drawn(thing: Any) -> Html | None:
    """The picture of what was found; None for what is not known here."""
    return next((draw(thing) for kind, draw in _KINDS.items() if isinstance(thing, kind)), None)


def _explanation(found: Explanation) -> Html:
    title = f"{counted(len(found.notes), 'note')} explained: {figure(found.bits_per_note)} bits a note"
    known = facts([
        ("In all", f"{figure(found.bits)} bits, {figure(found.closing_bits)} of them after the last note"),
        ("In training", "yes, symbol for symbol: nothing here is a surprise" if found.in_training else None),
        ("Sources", None if found.sources_kept else "not kept in this model: where it learned cannot be said"),
    ])  # fmt: skip
    heard = Html() if found.score is None else scores.player_of_explained(found)
    return picture(title, known, heard, _notes(found), listed(found.remarks))


def _notes(found: Explanation) -> Html:
    """A line for each note: where, what, how likely, why, and where it was learned."""
    several = len(found.by_part()) > 1
    columns = ["Bar.beat", *(["Part"] * several), "Note", "Chance", "Bits", "Expected", "Other", "Why", "Learned in"]
    cells = [Row(_place(note), _cells(note, several)) for note in found.notes]
    caption = (
        "Bits say how much a note surprised, given its rhythm; expected is what the model was ready for; other, the "
        "bits of rest, length and phrase"
    )
    return rows(caption, columns, cells, words=2)


def _place(note: NoteExplanation) -> str:
    return "" if note.bar is None else f"{note.bar}.{note.beat:.4g}"


def _cells(note: NoteExplanation, several: bool) -> list[str]:
    return [
        *([str(note.part + 1)] * several),
        note.name,
        f"{note.probability:.1%}",
        heat(note.bits),
        figure(note.entropy),
        figure(math.fsum(bits for _, bits in note.other_bits)),
        _why(note),
        _learned(note),
    ]


def heat(bits: float) -> Html:
    """A figure in bits, with a color as strong as it is high.

    >>> print(heat(4.0))
    <span style="background: rgba(214, 96, 0, 0.28); padding: 0 .35em; border-radius: .2em">4.00</span>
    """
    strength = _STRENGTH * min(max(bits, 0.0) / _FULL, 1.0)
    style = f"background: rgba(214, 96, 0, {strength:.2f}); padding: 0 .35em; border-radius: .2em"
    return element("span", figure(bits), style=style)


def _why(note: NoteExplanation) -> str:
    """The reason that said most of those that know the notes before, in words."""
    if not note.seen:
        return "never heard in training"
    told = max(note.reasons, key=lambda reason: (bool(reason.context), abs(reason.bits)), default=None)
    if told is None:
        return "–"
    here = " of this piece" if told.memory == "piece" else ""
    context = f" {told.context}" if told.context else ""
    return f"{told.name}{here}: {told.times:,} of {told.total:,}{context}"


def _learned(note: NoteExplanation) -> str:
    """The most telling source, and how many more there are."""
    if not note.sources:
        return "–"
    source = note.sources[0]
    bar = "" if source.bar is None else f", bar {source.bar}"
    more = f" and {note.n_sources - 1:,} more" if note.n_sources > 1 else ""
    return f"{printable(source.piece)}{bar}{more}"


def _originality(found: Originality) -> Html:
    columns = ["Compared by", "Longest copy", "Of it copied", "Usual: longest", "Usual: copied", "From"]
    cells = []
    for how, copied in found.copied.items():
        usual = found.held_out[how] if found.held_out else None
        cells.append(Row(str(how), [
            counted(copied.longest.length, "note"),
            f"{copied.share:.0%}",
            "–" if usual is None else f"{usual.longest.median:g}, at most {usual.longest.high:g}",
            "–" if usual is None else f"{usual.share.median:.0%}, at most {usual.share.high:.0%}",
            "–" if not copied.longest.length else printable(str(copied.longest).partition(" of ")[2]),
        ]))  # fmt: skip
    caption = (
        f"Copied: the share of notes in copies of {NOTABLE} or more. Usual: what held-out pieces of the corpus have in "
        "common with the others, half of them and nine in ten"
    )
    return picture(f"Originality: the longest copy is {found.longest}", rows(caption, columns, cells, words=1))


def _analysis(found: Analysis) -> Html:
    known = facts([("Key", str(found.key.key)), ("Chords", str(len(found.chords)))])
    cells, last = [], None
    for span in found.chords:
        bar, beat = found.place(span)
        key = "" if span.key == last else str(span.key)
        last = span.key
        cells.append(
            Row(f"{bar}.{float(beat):.4g}", [key, span.chord.symbol(span.key), span.numeral, f"{span.confidence:.0%}"])
        )
    table = rows("Chords as they change", ["Bar.beat", "Key", "Chord", "Numeral", "Sure"], cells)
    return picture(f"Harmony of {printable(found.name) or 'a piece'}", known, table, listed(found.remarks))


def _form(form: Form) -> Html:
    return picture(f"Form of {printable(form.piece) or 'a piece'}: {form.letters}", _sections(form))


def _sections(form: Form) -> Html:
    found = [
        Row(part.label, [
            f"{part.first}–{part.last}",
            str(part.n_bars),
            "new" if part.copies is None else f"from bar {part.copies}",
            "–" if part.similarity is None else f"{part.similarity:.0%}",
        ])
        for part in form.sections
    ]  # fmt: skip
    return rows("Sections, in bars as printed", ["Section", "Bars", "Length", "Repeats", "Alike"], found)


def _structure(found: Structure) -> Html:
    if len(found.forms) == 1:
        return _form(found.forms[0])
    cells = [Row(printable(form.piece), [str(len(form.numbers)), form.letters]) for form in found.forms]
    table = rows("Forms of pieces", ["Piece", "Bars", "Form"], cells, words=1, at_most=_FORMS)
    return picture(f"Form of {counted(len(found.forms), 'piece')}", table)


def _cross_validation(found: CrossValidation) -> Html:
    """The figures of each seed, which all pieces have a part in."""
    figures: dict[str, Sequence[Estimate | None]] = {
        "Bits a symbol": found.bits_per_symbol(),
        "Bits a note": found.bits_per_note(),
        "Bits a pitch": found.bits_per_pitch(),
    }
    told = {name: [with_interval(one.to_json()) for one in of_seeds if one] for name, of_seeds in figures.items()}
    cells = [Row(name, of_seeds) for name, of_seeds in told.items() if of_seeds]
    title = f"Cross-validation: {counted(len(found.corpus), 'piece')} in {counted(int(found.fold.max()) + 1, 'fold')}"
    columns = ["Held-out pieces", *(f"Seed {seed}" for seed in found.seeds)]
    return picture(title, rows("Lower is better; intervals by bootstrap over pieces", columns, cells))


def _inspection(found: Inspection) -> Html:
    return picture("", found.to_html())


_KINDS: Mapping[type, Callable[[Any], Html]] = {
    Explanation: _explanation,
    Originality: _originality,
    Analysis: _analysis,
    Form: _form,
    Structure: _structure,
    Inspection: _inspection,
    CrossValidation: _cross_validation,
}
