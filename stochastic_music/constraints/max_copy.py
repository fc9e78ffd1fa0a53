"""No long copies: the maximum order of Papadopoulos, Roy and Pachet [1], over whole notes.

A run of notes that the corpus has too is a copy (`corpus.matching` tells what that means, `evaluation.originality`
measures it); one of more than `most` notes may not come. The machine hears note after note and remembers how much of
the corpus the last ones repeat, as a node of `ForbiddenRuns`, and the note before, since steps are told from it.

[1] A. Papadopoulos, P. Roy, F. Pachet. Avoiding plagiarism in Markov sequence generation. AAAI 2014.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from stochastic_music.constraints.automata.events import ByEvent, Values
from stochastic_music.constraints.automata.forbidden_runs import ROOT, ForbiddenRuns
from stochastic_music.constraints.constraint import Joinable
from stochastic_music.corpus.lines import Line, lines
from stochastic_music.corpus.matching import USUAL, Alphabet, Matching, Pairs
from stochastic_music.corpus.token_corpus import TokenCorpus
from stochastic_music.errors import InvalidParameterError, UsageError, VocabularyError
from stochastic_music.protocols import DEAD, BoolArray, IntArray
from stochastic_music.tokens import Header, Vocabulary


@dataclass(frozen=True)
class MaxCopy(Joinable):
    """No run of more than `most` notes that `corpus` has, compared as `how` says: by intervals, with rhythm.

    `corpus` holds the pieces as the model reads them, or lines in the units of its vocabulary. The first `since` notes
    of a piece and the last `after` are not asked about (those that were given): runs are counted between them.

    Raises InvalidParameterError where `most` is below 1, UsageError where events are not single notes, VocabularyError
    where the corpus counts time in other units.

    >>> from stochastic_music.tokens import Field
    >>> pitches = Vocabulary((Field("pitch", 128),))
    >>> tune = TokenCorpus.from_sequences([[60, 62, 64, 65]], pitches)
    >>> automaton = MaxCopy(tune, 2).compile(pitches, None)
    >>> state = np.array([automaton.start()])
    >>> for pitch in (67, 69):
    ...     state = automaton.advance(state, np.array([pitch]))
    >>> np.flatnonzero(~automaton.allowed(state)[0])  # no third note as in the tune
    array([70, 71])
    """

    corpus: TokenCorpus | Sequence[Line]
    most: int
    how: Matching = USUAL
    since: int = 0
    after: int = 0

    def __post_init__(self) -> None:
        if self.most < 1 or min(self.since, self.after) < 0:
            raise InvalidParameterError(
                f"MaxCopy({self.most}, since={self.since}, after={self.after}): expected at least 1 note, and no fewer "
                "than 0 given"
            )
        if not isinstance(self.corpus, TokenCorpus):
            object.__setattr__(self, "corpus", tuple(self.corpus))

    def __str__(self) -> str:
        return f"MaxCopy({self.most})" if self.how == USUAL else f"MaxCopy({self.most}, {self.how})"

    __repr__ = __str__

    def compile(self, vocabulary: Vocabulary, header: Header | None) -> ByEvent:  # noqa: ARG002
        """An automaton of many states, which does not keep time."""
        if vocabulary.index("pitch") is None:
            names = ", ".join(field.name for field in vocabulary.fields)
            raise UsageError(
                f"{self} needs events that are notes, and this encoding has {names}: leave it out (--max-copy off)"
            )
        self._check_units(vocabulary)
        return ByEvent(vocabulary, _CopyMachine(vocabulary, self._steps, self.how, self.since, self.after))

    def _check_units(self, vocabulary: Vocabulary) -> None:
        if not isinstance(self.corpus, TokenCorpus) or not self.how.rhythm:
            return
        theirs, ours = self.corpus.vocabulary.resolution, vocabulary.resolution
        if theirs != ours:
            raise VocabularyError(
                f"the corpus of {self} has {theirs} units a quarter note, and here there are {ours}: give pieces as "
                "the model reads them, for example pipeline.corpus_"
            )

    @cached_property
    def _steps(self) -> _Steps:
        given = lines(self.corpus) if isinstance(self.corpus, TokenCorpus) else self.corpus
        return _Steps(given, self.how, self.most)


class _Steps:
    """The steps of the corpus, numbered, the runs of `length` of them, and the notes from which those begin."""

    def __init__(self, given: Sequence[Line], how: Matching, length: int) -> None:
        tables = [how.steps(line) for line in given if len(line) > 1]
        together = np.concatenate([how.steps(Line.joined([]))[:, :0], *tables], axis=1)
        self.numbers = Alphabet(together)
        ids = self.numbers.ids(together)
        self.runs = ForbiddenRuns(np.split(ids, np.cumsum([table.shape[1] for table in tables])[:-1]), length)
        notes = how.notes(Line.joined([line.until(-1) for line in given if len(line) > 1]))
        begins = self.runs.first_symbols()[ids] if len(ids) else np.zeros(0, dtype=bool)
        self.first_notes = Alphabet(notes[:, begins])


class _CopyMachine:
    """An event machine: its state packs a node of the runs and the note before (0: none that matters).

    A piece begins at one of `since` nodes more, which count the notes that are not asked about. A copy too long leads
    to the last of `after` nodes more, which count how many notes may still come: it must end among the last ones.
    """

    wide = True

    def __init__(self, vocabulary: Vocabulary, steps: _Steps, how: Matching, since: int, after: int) -> None:
        self._steps, self._how, self._since = steps, how, since
        self._after, self._last = after, steps.runs.n_nodes + since
        rhythm = how.rhythm and vocabulary.clock.ticks
        self._now = [field.name for field in vocabulary.fields if rhythm and field.advances == "now"]
        self._later = [field.name for field in vocabulary.fields if rhythm and field.advances == "later"]
        self._duration = "duration" if rhythm and vocabulary.index("duration") is not None else None
        kept = dict.fromkeys(["pitch", *([self._duration] if self._duration else []), *self._later])
        self._kept = [vocabulary.fields[vocabulary.place(name)] for name in kept]
        self.wanted = tuple(dict.fromkeys([*kept, *self._now]))
        self._n_notes = 1 + int(np.prod([field.size for field in self._kept]))
        self._matters = self._beginning_notes()

    def start(self) -> int:
        """Nothing remembered, or so many notes left that do not count."""
        return (self._steps.runs.n_nodes + self._since - 1 if self._since else ROOT) * self._n_notes

    def step(self, states: IntArray, values: Values) -> IntArray:
        """One more note each; DEAD where it makes a copy too long, or comes too late after one."""
        node, before = np.divmod(states, self._n_notes)
        given, late = node >= self._steps.runs.n_nodes, node >= self._last
        symbols = np.where(before > 0, self._symbols(before, values), -1)
        following = self._steps.runs.advance(np.where(given, ROOT, node), symbols)
        note = self._packed(values)
        note = np.where((following != ROOT) | self._matters[note], note, 0)
        counted = np.where(node > self._steps.runs.n_nodes, node - 1, ROOT) * self._n_notes
        too_long = (self._last + self._after - 1) * self._n_notes if self._after else DEAD
        asked = np.where(following == DEAD, too_long, following * self._n_notes + note)
        return np.where(late & (node == self._last), DEAD, np.where(given, counted, asked))

    def accepts(self, states: IntArray) -> BoolArray:
        """A piece may end anywhere."""
        return np.ones(len(states), dtype=bool)

    def _symbols(self, before: IntArray, values: Values) -> IntArray:
        """The numbers of the steps from the notes before to those that come, -1 for one that the corpus lacks."""
        earlier = self._unpacked(before)
        moved = [*(earlier[name] for name in self._later), *(values[name] for name in self._now)]
        gap: IntArray = np.sum(moved, axis=0, dtype=np.int64) if moved else np.ones_like(before)
        pairs = Pairs(earlier["pitch"], values["pitch"], gap, self._lasting(earlier), self._lasting(values))
        return self._steps.numbers.ids(self._how.steps_of(pairs))

    def _lasting(self, values: Values) -> IntArray:
        return values[self._duration] if self._duration else np.ones_like(values["pitch"])

    def _packed(self, values: Values) -> IntArray:
        code = np.zeros_like(values["pitch"])
        for field in self._kept:
            code = code * field.size + values[field.name] - field.first
        return code + 1

    def _unpacked(self, notes: IntArray) -> dict[str, IntArray]:
        """The values of notes that `_packed` gave; 0 gives the lowest ones."""
        code, values = np.maximum(notes - 1, 0), {}
        for field in reversed(self._kept):
            code, offset = np.divmod(code, field.size)
            values[field.name] = offset + field.first
        return values

    def _beginning_notes(self) -> BoolArray:
        """Whether a copy can begin with each note, as packed; others need not be remembered."""
        values = self._unpacked(np.arange(self._n_notes))
        pitch, duration = values["pitch"], self._lasting(values)
        notes = self._how.notes_of(pitch, duration)
        matters: BoolArray = self._steps.first_notes.ids(notes) >= 0
        matters[0] = False
        return matters
