"""Forms of pieces: see the article of this room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from stochastic_music._showing import ShowsItself
from stochastic_music.corpus import Corpus
from stochastic_music.errors import InvalidParameterError
from stochastic_music.models.hmm import HMM
from stochastic_music.protocols import IntArray, Progress
from stochastic_music.tasks.structure.bar_features import BarTable, as_corpus, bar_table
from stochastic_music.tasks.structure.copying import Stretch, best_runs, gains, likeness, sections

if TYPE_CHECKING:
    from symusic.core import ScoreTick

#: numbers of textures to choose from
STATES = "1,2,3,4,6,8"
#: pieces from which on held-out pieces choose their number, and not BIC
MANY = 10
#: pieces of so many bars have sections of 8 bars at least unless more is asked, shorter ones of 4
LONG, LEAST, LEAST_SHORT = 24, 8, 4


@dataclass(frozen=True)
class Section:
    """Bars `first` to `last` as printed, both included.

    `label` is its letter, with a prime where it is a variant; `copies` the first bar of what it repeats, None where it
    is new, and `similarity` the share of quarter notes that are the same; `state` its most frequent texture.
    """

    label: str
    first: int
    last: int
    n_bars: int
    copies: int | None
    similarity: float | None
    state: int

    def to_json(self) -> dict[str, Any]:
        """Plain numbers and text."""
        similarity = None if self.similarity is None else round(self.similarity, 4)
        return {**vars(self), "similarity": similarity}


@dataclass(frozen=True)
class Form(ShowsItself):
    """A piece: printed bar `numbers`, a letter and a texture for each bar, and its sections."""

    shown_by = "findings"

    piece: str
    numbers: tuple[int, ...]
    labels: tuple[str, ...]
    states: tuple[int, ...]
    sections: tuple[Section, ...]

    @property
    def letters(self) -> str:
        """The labels of the sections, in order."""
        return " ".join(section.label for section in self.sections)

    def to_json(self) -> dict[str, Any]:
        """Plain numbers and text."""
        rows = zip(self.numbers, self.labels, self.states, strict=True)
        return {
            "piece": self.piece,
            "form": self.letters,
            "sections": [section.to_json() for section in self.sections],
            "bars": [{"bar": bar, "label": label, "state": state} for bar, label, state in rows],
        }


@dataclass(frozen=True)
class Structure(ShowsItself):
    """The forms of some pieces, and the model of textures they share."""

    shown_by = "findings"

    forms: tuple[Form, ...]
    model: HMM

    def to_json(self) -> dict[str, Any]:
        """Plain numbers and text."""
        return {
            "pieces": [form.to_json() for form in self.forms],
            "states": [state.to_json() for state in self.model.state_report()],
            "choices": [row._asdict() for row in self.model.choices_],
        }


def find_structure(
    corpus: Corpus,
    *,
    n_states: int | str | Sequence[int] = STATES,
    least_bars: int | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Structure:
    """The sections of every piece; see the room's article.

    `least_bars` is the shortest section there may be: by default LEAST bars, LEAST_SHORT in pieces below LONG bars.
    Raises InvalidParameterError for one below 1, EncodingError for an impossible meter.
    """
    if least_bars is not None and least_bars < 1:
        raise InvalidParameterError(f"least_bars is {least_bars}; expected the bars of the shortest section, 1 or more")
    names, tables = corpus.names, [bar_table(piece.score) for piece in corpus]
    tokens = as_corpus(tables, names)
    criterion = "held_out" if len(tables) >= MANY else "bic"
    options: dict[str, Any] = {"topology": "sticky", "stickiness": 20.0, "n_restarts": 3, "seed": seed}
    model = HMM(n_states, criterion=criterion, **options).fit(tokens, progress=progress)
    edges = np.cumsum([len(table.numbers) for table in tables])
    parts = np.split(model.corpus_decode(tokens), edges[:-1])
    forms = [_form(*row, least_bars) for row in zip(names, tables, parts, strict=True)]
    return Structure(tuple(forms), model)


def form_of(score: ScoreTick, **options: Any) -> Form:
    """The form of one score; options as for `find_structure`."""
    return find_structure(Corpus.from_scores([score]), **options).forms[0]


def _form(name: str, table: BarTable, states: IntArray, least_bars: int | None) -> Form:
    """The form of a piece; a pickup belongs to the section that it leads into."""
    numbers = table.numbers.tolist()
    pickup = int(numbers[:1] == [0] and len(numbers) > 1)
    cells, full = table.cells[pickup:], len(numbers) - pickup
    least = least_bars or (LEAST if full >= LONG else LEAST_SHORT)
    found = sections(best_runs(gains(cells), least), likeness(cells), states[pickup:], least)
    labels = [found[0].label] * pickup + [part.label for part in found for _ in range(part.first, part.last)]
    parts = [_section(part, numbers[pickup:], states[pickup:]) for part in found]
    parts[0] = replace(parts[0], first=numbers[0], n_bars=parts[0].n_bars + pickup)
    return Form(name, tuple(numbers), tuple(labels), tuple(states.tolist()), tuple(parts))


def _section(stretch: Stretch, numbers: Sequence[int], states: IntArray) -> Section:
    inside = states[stretch.first : stretch.last].tolist()
    return Section(
        stretch.label,
        numbers[stretch.first],
        numbers[stretch.last - 1],
        stretch.last - stretch.first,
        None if stretch.source is None else numbers[stretch.source],
        stretch.similarity,
        max(sorted(set(inside)), key=inside.count),
    )
