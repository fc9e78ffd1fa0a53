"""What a conditional random field sees of an event: small named functions, grouped in templates.

A *feature* is a function of a window: an event in the middle, and its neighbours by offset. It gives an integer, a
text, a tuple of them where several things are true at once, or None where it has nothing to say. Every column of the
observations is a feature of its own name; others come with this module or with plug-ins, by a line of their packaging:

    [project.entry-points."stochastic_music.features"]
    contour = "my_package.features:contour"

A *template* says which features are seen where, and which are seen together:

    bass                  the column (or function) `bass` of the event
    bass@-1               of the event before
    pitch_classes         a tuple: one attribute for each of its elements
    {pitch_classes}       the tuple as one thing
    bass*metre            both together; of tuples each with each
    {pitch_classes}@1*bass

Beyond the ends of a piece every feature has the value `outside`. What a template finds is an *attribute*, a text such
as `bass@-1=7` or `bass*metre=0|3`; the model has a weight for each attribute and label.

    >>> piece = [{"bass": 0, "pitch_classes": (0, 4)}, {"bass": 7, "pitch_classes": (2, 7)}]
    >>> attributes(piece, ["pitch_classes*bass", "bass_step", "{pitch_classes}@1"])[1]
    ['pitch_classes*bass=2|7', 'pitch_classes*bass=7|7', 'bass_step=7', '{pitch_classes}@1=outside']
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple, TypeAlias

from stochastic_music import _plugins
from stochastic_music.errors import InvalidParameterError, UnknownNameError
from stochastic_music.protocols import Observation

#: what a feature has to say of an event
Value: TypeAlias = int | str | tuple[int | str, ...] | None
OUTSIDE = "outside"


@dataclass(frozen=True, slots=True)
class Window:
    """A piece seen from one of its events.

    >>> Window([{"bass": 0}, {"bass": 7}], 1).at(-1)
    {'bass': 0}
    """

    events: Sequence[Observation]
    place: int

    def at(self, offset: int = 0) -> Observation | None:
        """The event `offset` further on, or None beyond the ends of the piece."""
        place = self.place + offset
        return self.events[place] if 0 <= place < len(self.events) else None


Feature: TypeAlias = Callable[[Window], Value]

#: what comes with this module: name -> "module:function"
BUILT_IN = {
    name: f"stochastic_music.models.crf.features:{name}"
    for name in ("always", "above_bass", "added", "bass_step", "kept", "left", "position")
}


def always(window: Window) -> Value:  # noqa: ARG001, the same for every event
    """The same for every event: how frequent a label is by itself."""
    return "yes"


def position(window: Window) -> Value:
    """`first`, `last`, `only` or `inner`."""
    first, last = window.at(-1) is None, window.at(1) is None
    return ("inner", "last", "first", "only")[2 * first + last]


def bass_step(window: Window) -> Value:
    """Semitones from the bass before to this one, 0 to 11 (columns `bass`)."""
    before, now = _column(window, "bass", -1), _column(window, "bass")
    return (now - before) % 12 if isinstance(before, int) and isinstance(now, int) else None


def above_bass(window: Window) -> Value:
    """Semitones of the pitch classes above the bass, 0 to 11, ascending."""
    bass = _column(window, "bass")
    return tuple(sorted((p - bass) % 12 for p in _pitches(window))) if isinstance(bass, int) else None


def kept(window: Window) -> Value:
    """Pitch classes that sounded in the event before, too."""
    return tuple(sorted(_pitches(window) & _pitches(window, -1)))


def added(window: Window) -> Value:
    """Pitch classes that did not sound in the event before."""
    return tuple(sorted(_pitches(window) - _pitches(window, -1)))


def left(window: Window) -> Value:
    """Pitch classes that do not sound in the next event."""
    return tuple(sorted(_pitches(window) - _pitches(window, 1)))


class Term(NamedTuple):
    """One factor of a template: a feature, the offset at which it is seen, and whether its tuples are one thing."""

    name: str
    offset: int
    whole: bool


_TERM = re.compile(r"(?:(?P<name>[A-Za-z_]\w*)|\{(?P<whole>[A-Za-z_]\w*)\})(?:@(?P<offset>[+-]?\d+))?")


def parse_template(text: str) -> tuple[Term, ...]:
    """The terms of a template; raises InvalidParameterError for a text that is none.

    >>> parse_template("{kept}@-1*bass")
    (Term(name='kept', offset=-1, whole=True), Term(name='bass', offset=0, whole=False))
    """
    found = [_TERM.fullmatch(part.strip()) for part in str(text).split("*")]
    if not all(found):
        raise InvalidParameterError(
            f"the template '{text}' cannot be read; expected names of columns or features, joined by *, each with an "
            "offset if it is another event's: bass, bass@-1, {pitch_classes}*metre"
        )
    return tuple(
        Term(match["name"] or match["whole"], int(match["offset"] or 0), match["whole"] is not None)
        for match in found
        if match
    )


def default_templates(columns: Iterable[str]) -> tuple[str, ...]:
    """Each column of an event and of both neighbours.

    >>> default_templates({"bass"})
    ('always', 'bass', 'bass@-1', 'bass@1')
    """
    return ("always", *(f"{name}{at}" for name in sorted(columns) for at in ("", "@-1", "@1")))


def columns_of(pieces: Iterable[Sequence[Observation]]) -> set[str]:
    """The names of all columns that occur."""
    return {name for piece in pieces for event in piece for name in event}


def resolve(templates: Sequence[str], columns: Iterable[str]) -> dict[str, Feature]:
    """The function of every name in `templates`; raises UnknownNameError for one nobody knows.

    A column goes before a function of the same name, as whoever made the corpus meant it.
    """
    registered = _plugins.entries("features", BUILT_IN)
    known = set(columns)
    found: dict[str, Feature] = {}
    for name in dict.fromkeys(term.name for template in templates for term in parse_template(template)):
        if name in known:
            found[name] = _reading(name)
        elif name in registered:
            found[name] = registered[name].load()
        else:
            raise UnknownNameError("column or feature", name, known | set(registered))
    return found


def attributes(
    piece: Sequence[Observation], templates: Sequence[str], features: Mapping[str, Feature] | None = None
) -> list[list[str]]:
    """The attributes that templates find at each event of a piece.

    `features` are those of `resolve`; without them they are looked up for this piece.
    """
    functions = features if features is not None else resolve(templates, columns_of([piece]))
    seen = {name: [function(Window(piece, t)) for t in range(len(piece))] for name, function in functions.items()}
    parsed = [(template, parse_template(template)) for template in templates]
    return [
        [
            f"{template}={'|'.join(combination)}"
            for template, terms in parsed
            for combination in product(*(_values(seen[term.name], t + term.offset, term.whole) for term in terms))
        ]
        for t in range(len(piece))
    ]


def _values(seen: Sequence[Value], place: int, whole: bool) -> tuple[str, ...]:
    if not 0 <= place < len(seen):
        return (OUTSIDE,)
    value = seen[place]
    if value is None:
        return ()
    if not isinstance(value, tuple):
        return (str(value),)
    return (",".join(map(str, value)),) if whole else tuple(map(str, value))


def _reading(name: str) -> Feature:
    return lambda window: _column(window, name)


def _column(window: Window, name: str, offset: int = 0) -> Value:
    event = window.at(offset)
    value: Value = event.get(name) if event is not None else None
    return tuple(value) if isinstance(value, list | set | frozenset) else value


def _pitches(window: Window, offset: int = 0) -> set[int]:
    found = _column(window, "pitch_classes", offset)
    return {int(pitch) for pitch in found} if isinstance(found, tuple) else set()
