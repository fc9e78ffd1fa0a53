"""Constraints in words: what each of them asks for, those joined by `&` as a list.

A constraint that is not ours is told by the first sentence of its class's docstring, beside its text.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from stochastic_music import constraints as demand
from stochastic_music.constraints import conjuncts
from stochastic_music.constraints.form import Section
from stochastic_music.corpus.report import counted
from stochastic_music.reports.pages.markup import Html, element
from stochastic_music.reports.showing.blocks import LINES, listed, picture
from stochastic_music.tokens import pitch_name


def drawn(thing: Any) -> Html:
    """The picture of a constraint."""
    parts = conjuncts(thing)
    more = [part for part in parts if isinstance(part, demand.Form)]
    title = "A constraint: what is demanded of a piece" if len(parts) == 1 else f"{len(parts)} demands, all to be met"
    said = [in_words(part) for part in parts] or ["nothing: anything goes"]
    plans = [listed([_section(section) for section in form.sections], at_most=2 * LINES) for form in more]
    return picture(title, listed(said, at_most=2 * LINES), *plans, element("code", _text(thing)))


def in_words(constraint: Any) -> str:
    """What a constraint asks for.

    >>> in_words(demand.PitchRange("C4", "A5") | ~demand.InScale("G:major"))
    'one of these at least: every pitch lies from C4 to A5; or not: every note belongs to G major'
    """
    tell = _WORDS.get(type(constraint))
    return tell(constraint) if tell else f"{_purpose(type(constraint))} ({_text(constraint)})"


def _text(constraint: Any) -> str:
    text = str(constraint)
    return text if len(text) <= 2000 else f"{text[:1996]} ..."


def _purpose(kind: type) -> str:
    """The first sentence of a class's docstring, or its name."""
    said = " ".join((inspect.getdoc(kind) or "").partition("\n\n")[0].split())
    return said.partition(". ")[0].rstrip(".") or kind.__name__


def _either(wanted: demand.AnyOf) -> str:
    return f"one of these at least: {'; or '.join(map(in_words, wanted.parts))}"


def _both(wanted: demand.All) -> str:
    return "; and ".join(map(in_words, wanted.parts)) or "nothing: anything goes"


def _named(names: Iterable[str]) -> str:
    """Notes and steps by name: "C4 or the tonic".

    >>> _named(["C4", "tonic", "^b3"])
    'C4, the tonic or step b3 of the key'
    """
    said = [_note(name) for name in names]
    return said[0] if len(said) == 1 else f"{', '.join(said[:-1])} or {said[-1]}"


def _note(name: str) -> str:
    if name.startswith("^"):
        return f"step {name[1:]} of the key"
    return f"the {name}" if name[0].islower() else name


def _at(wanted: demand.At) -> str:
    bar = f"bar {wanted.bar}" if wanted.bar else "the pickup"
    whole, rest = divmod(wanted.beat, 1)
    beat = f"{whole}{f'+{rest}' if rest else ''}"
    return f"in {bar}, on beat {beat}, begins {_note(wanted.note)}"


def _length(wanted: demand.Length) -> str:
    if wanted.most is None or wanted.most == wanted.least:
        return f"exactly {counted(wanted.least, 'note')}"
    return f"{wanted.least} to {wanted.most} notes"


def _bars(wanted: demand.Bars) -> str:
    where = "stops within the last one" if wanted.rest else "stops on the bar line that closes them"
    return f"exactly {counted(wanted.n, 'full bar')}; the music {where}"


def _metre(wanted: demand.Metre) -> str:
    asked = {"the music stops on a bar line": wanted.full, "a note begins on every downbeat": wanted.downbeats}
    return ", and ".join(text for text, holds in asked.items() if holds)


def _scale(wanted: demand.InScale) -> str:
    return f"every note belongs to {wanted.scale.replace(':', ' ')}"


def _chords(wanted: demand.ChordTones) -> str:
    chart = str(wanted)[len("ChordTones(") : -1]
    return f"what begins on a beat belongs to the chord there: {chart}"


def _motif(wanted: demand.Contains | demand.Avoids) -> str:
    how = "at any pitch" if wanted.how.pitch == "interval" else "at this pitch"
    rhythm = ", in its rhythm" if wanted.how.rhythm else ""
    comes = "comes somewhere" if isinstance(wanted, demand.Contains) else "comes nowhere"
    return f"the motif {wanted.motif} {comes}, {how}{rhythm}"


def _copies(wanted: demand.MaxCopy) -> str:
    return f"no run of more than {counted(wanted.most, 'note')} that the corpus has, compared by {wanted.how}"


def _count(wanted: demand.Count) -> str:
    thing, least, most = wanted.thing, wanted.least, wanted.most
    if most is None:
        return f"at least {least} {thing}"
    limits = str(least) if least == most else f"{least} to {most}" if least else f"at most {most}"
    return f"{limits} {thing}"


def _form(wanted: demand.Form) -> str:
    letters = " ".join(str(section).partition(":")[0] for section in wanted.sections)
    return f"the form {letters}, {counted(wanted.n_bars, 'bar')} in all"


def _section(section: Section) -> str:
    done = {
        f"moved by {section.shift:+d} semitones": section.shift,
        "turned upside down": section.inverted,
        "varied": section.varied,
    }
    how = ", ".join(text for text, holds in done.items() if holds)
    return f"{section.letter}: {counted(section.bars, 'bar')}{f', {how}' if how else ''}"


def _similar(wanted: demand.Similar) -> str:
    return f"{wanted.least:.0%} to {wanted.most:.0%} of a given piece's notes come back"


def _kept(wanted: demand.Kept) -> str:
    return f"{counted(len(wanted.onsets), 'given event')} stay as they are"


#: a class -> what it asks for, in words
_WORDS: Mapping[type, Callable[[Any], str]] = {
    demand.All: _both,
    demand.AnyOf: _either,
    demand.Around: lambda c: f"a given piece stays as it is, except from {c.start} to {c.stop} units of time",
    demand.At: _at,
    demand.AtMost: lambda c: f"no more than {counted(c.n_events, 'note')}",
    demand.Avoids: _motif,
    demand.Bars: _bars,
    demand.ChordTones: _chords,
    demand.Contains: _motif,
    demand.Contour: lambda c: f"from note to note it goes {c.shape} (+ up, - down, 0 the same)",
    demand.Count: _count,
    demand.EndsOn: lambda c: f"the last note is {_named(c.names)}",
    demand.Form: _form,
    demand.InScale: _scale,
    demand.Kept: _kept,
    demand.Length: _length,
    demand.Matches: lambda c: f"the {c.field or 'notes'} follow the pattern {c.pattern}",
    demand.MaxCopy: _copies,
    demand.Metre: _metre,
    demand.Not: lambda c: f"not: {in_words(c.part)}",
    demand.PitchRange: lambda c: f"every pitch lies from {pitch_name(c.low)} to {pitch_name(c.high)}",
    demand.Rhythm: lambda _: "the rhythm of a given piece",
    demand.Similar: _similar,
    demand.StartsOn: lambda c: f"the first note is {_named(c.names)}",
    demand.SymbolsOf: lambda c: f"only {counted(len(c.symbols), 'symbol')} of the vocabulary",
}
