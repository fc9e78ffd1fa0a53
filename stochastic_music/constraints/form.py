"""Plans of form: which sections a piece has, how long each is, and which come back.

A plan is a series of sections, each a letter with a number of bars: `A:8 A:8 B:8 A':8`. A letter that has come before
comes back,

    A      note for note
    A^5    transposed, here a fourth up; A^-2 a tone down (semitones)
    A~     inverted: upside down about its first note, within the scale where the key is known (`music.inversion`)
    A'     varied: some of its notes differ

and these join: `A~^5` is first inverted, then transposed, `A^5'` varies what was transposed. The first section of a
letter is plain.

A section has its rhythm, its phrase marks and its pitches back, and the silence before its first note. How far a varied
section is from the first of its letter, that one transposed and inverted if the plan says so, is the share of notes
that differ: one less the share of notes, of the section that has more of them, that have an onset and a pitch in
common. It lies from `least` to `most`.

The lines between sections are bar lines: no note sounds across them, and each section has a note. Bars are full bars. A
pickup belongs to the section that it leads to: under a header with a pickup each section begins with its own, so much
before the bar line, and the piece ends so much before its last one. Sections of one letter must be equally long, so a
piece in several meters can only repeat what is equally long in them.

That a section comes back is not a regular property: no automaton of bounded size knows. What is regular about a form
are its lines (`Sections`); samplers see to the rest (`sampling.particles.forms`, `sampling.exact.forms`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from stochastic_music.constraints.constraint import All, AnyOf, Joinable, conjuncts
from stochastic_music.constraints.pitches import EndsOn
from stochastic_music.constraints.section_lines import ClosingAutomaton, SectionAutomaton, check_sectional
from stochastic_music.errors import InvalidParameterError, UnsatisfiableError, UsageError
from stochastic_music.protocols import Automaton, Constraint
from stochastic_music.tokens import Header, Vocabulary

#: what a varied section keeps away from the first of its letter, and how far it may go: shares of notes that differ
LEAST, MOST = 0.1, 0.5
_SECTION = re.compile(r"([A-Z])((?:\^[+-]?\d{1,2}|~|')*):(\d{1,3})")
_MARK = re.compile(r"\^([+-]?\d+)|~|'")
_SIGNS = "expected sections such as A:8, A^5:8, A~:8 or A':8, each a capital letter and its bars, separated by spaces"


@dataclass(frozen=True)
class Section:
    """One section: its letter, its bars, and what is done to the first section of the letter.

    `shift` counts semitones.
    """

    letter: str
    bars: int
    shift: int = 0
    inverted: bool = False
    varied: bool = False

    @property
    def plain(self) -> bool:
        """Whether nothing is done to it."""
        return not (self.shift or self.inverted or self.varied)

    def __str__(self) -> str:
        shift = f"^{self.shift}" if self.shift else ""
        return f"{self.letter}{'~' if self.inverted else ''}{shift}{chr(39) if self.varied else ''}:{self.bars}"


@dataclass(frozen=True)
class Form(Joinable):
    """A plan of sections; see the module's article.

    `least` and `most` bound what varied sections differ by, as shares from 0 to 1. With `rest` the music may stop
    within the last bar, which a rest then fills. Joins with other demands by `&` only: `|` and `~` raise UsageError.
    Raises InvalidParameterError for plans that make no sense, naming what is wrong with them.

    >>> print(*Form("A:4 A^5~:4 B:2 A':4").sections)
    A:4 A~^5:4 B:2 A':4
    >>> Form("A:4 B:2").n_bars
    6
    """

    plan: str
    least: float = LEAST
    most: float = MOST
    rest: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.least <= self.most <= 1:
            raise InvalidParameterError(
                f"varied sections were to differ by {self.least} to {self.most}; expected shares of their notes, from "
                "0 to 1, the least first"
            )
        _check_letters(self.sections, self.plan)

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        """The sections, in order."""
        words = self.plan.split()
        if not words:
            raise InvalidParameterError(f"the form is empty; {_SIGNS}")
        return tuple(_section(word, self.plan) for word in words)

    @cached_property
    def first(self) -> tuple[int, ...]:
        """For each section, the place of the first section of its letter, from 0."""
        letters = [section.letter for section in self.sections]
        return tuple(letters.index(letter) for letter in letters)

    @property
    def n_bars(self) -> int:
        """Full bars of all sections."""
        return sum(section.bars for section in self.sections)

    @property
    def regular(self) -> Sections:
        """What of it an automaton can see to."""
        return Sections(self)

    @property
    def reads_key(self) -> bool:
        """Whether the header's key matters: it does to inversion."""
        return any(section.inverted for section in self.sections)

    def lines(self, header: Header) -> tuple[int, ...]:
        """When sections begin, and the piece ends: times in units, one more than sections.

        Raises UnsatisfiableError where sections of one letter would not be equally long.
        """
        bars = [sum(section.bars for section in self.sections[:i]) for i in range(len(self.sections) + 1)]
        lines = tuple(header.bar_start(bar + 1) - header.pickup for bar in bars)
        for i, first in enumerate(self.first):
            if lines[i + 1] - lines[i] != lines[first + 1] - lines[first]:
                raise UnsatisfiableError(
                    f"{self}: section {i + 1} would not be as long as section {first + 1}, for the meter changes "
                    f"({', '.join(map(str, header.meters))}). Ask for one meter"
                )
        return lines

    def compile(self, vocabulary: Vocabulary, header: Header | None) -> Automaton:  # noqa: ARG002
        """Nothing: raises UsageError, for a form is no automaton. Samplers take it apart."""
        raise self._alone()

    def __or__(self, other: Constraint) -> AnyOf:
        raise self._alone()

    def __invert__(self) -> Constraint:
        raise self._alone()

    def _alone(self) -> UsageError:
        return UsageError(
            f"{self} joins with other demands by & only, neither by | nor negated, and is kept to by exact and "
            "particle sampling: leave the sampler to choose itself"
        )

    def __str__(self) -> str:
        return f'Form("{self.plan}")'


@dataclass(frozen=True)
class Sections(Joinable):
    """The lines of a form: so many bars, a note in each section, none across a line.

    Where the piece `ends` with something and its last section is another one again, that one must end so too.
    """

    form: Form
    ends: EndsOn | None = None

    def compile(self, vocabulary: Vocabulary, header: Header | None) -> SectionAutomaton | ClosingAutomaton:
        """The clock, which notes the lines. Raises UsageError for music that cannot be cut into sections."""
        check_sectional(vocabulary, str(self.form))
        under = header or Header(vocabulary.resolution)
        lines = self.form.lines(under)
        bar = under.bar_start(self.form.n_bars) - under.pickup
        stops = range(max(bar, 0) + 1, lines[-1] + 1) if self.form.rest else lines[-1:]
        clock = SectionAutomaton(vocabulary, under, lines, tuple(stops), self._closing())
        first, last = self.form.first[-1], len(self.form.sections) - 1
        if self.ends is None or first == last or not self.form.sections[-1].plain:
            return clock
        return ClosingAutomaton(clock, self.ends.compile(vocabulary, header), first)

    def _closing(self) -> tuple[bool, ...]:
        """Which sections have the rhythm of the last one."""
        sections, first = self.form.sections, self.form.first
        return tuple(
            own == first[-1] and not (section.varied or sections[-1].varied)
            for section, own in zip(sections, first, strict=True)
        )

    def __str__(self) -> str:
        return str(self.form)


def form_of(constraint: Constraint | None) -> tuple[Form | None, Constraint | None]:
    """The form among the demands that are joined with `&`, and all demands with its regular part instead.

    Raises UsageError for two forms.
    """
    parts = () if constraint is None else conjuncts(constraint)
    forms = [part for part in parts if isinstance(part, Form)]
    if not forms:
        return None, constraint
    if len(forms) > 1:
        raise UsageError(f"{forms[0]} and {forms[1]} were both asked for; expected one form")
    ends = next((part for part in parts if isinstance(part, EndsOn)), None)
    regular = Sections(forms[0], ends)
    return forms[0], All(tuple(regular if part is forms[0] else part for part in parts))


def _section(word: str, plan: str) -> Section:
    match = _SECTION.fullmatch(word)
    if match is None:
        raise InvalidParameterError(f"the form '{plan}' has '{word}' in it; {_SIGNS}")
    letter, signs, bars = match[1], match[2], int(match[3])
    marks = list(_MARK.finditer(signs))
    if len({mark[0][0] for mark in marks}) < len(marks):
        raise InvalidParameterError(f"the form '{plan}' has '{word}' in it, which says a thing twice; expected once")
    if not bars:
        raise InvalidParameterError(f"the form '{plan}' has '{word}' in it, a section of no bars; expected 1 or more")
    shift = sum(int(mark[1]) for mark in marks if mark[1])
    return Section(letter, bars, shift, "~" in signs, "'" in signs)


def _check_letters(sections: Sequence[Section], plan: str) -> None:
    """Raise InvalidParameterError where a letter is not there yet, or has another length."""
    first: dict[str, Section] = {}
    for place, section in enumerate(sections, start=1):
        known = first.setdefault(section.letter, section)
        if known is section and not section.plain:
            raise InvalidParameterError(
                f"the form '{plan}' has '{section}' as section {place}, and no {section.letter} before it; expected a "
                f"plain {section.letter}:{section.bars} first, to be changed later"
            )
        if known.bars != section.bars:
            raise InvalidParameterError(
                f"the form '{plan}' has {section.letter} with {known.bars} bars and, as section {place}, with "
                f"{section.bars}; expected one length for each letter. Give the other one a letter of its own"
            )
