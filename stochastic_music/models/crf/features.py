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
from functools import cache, lru_cache
from itertools import product
from typing import Any, NamedTuple, TypeAlias

from stochastic_music import _plugins
from stochastic_music.errors import InvalidParameterError, UnknownNameError
from stochastic_music.music.chords import COMMON_QUALITIES, Chord, best_chord
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
    for name in (
        "above_bass", "added", "always", "bass_step", "change", "coming", "fitting_chord", "fitting_with_last",
        "fitting_with_next", "full_chords", "gone", "held", "kept", "left", "n_both", "n_kept", "passing", "position",
        "thickness", "with_last", "with_next",
    )
}  # fmt: skip
#: the features above whose values are pitch classes, beside the columns `pitch_classes` and `bass`
PITCHED = frozenset(
    {"added", "bass", "coming", "gone", "held", "kept", "left", "passing", "pitch_classes", "with_last", "with_next"}
)


def always(window: Window) -> Value:  # noqa: ARG001, the same for every event
    """The same for every event: how frequent a label is by itself."""
    return "yes"


def position(window: Window) -> Value:
    """`first`, `last`, `only` or `inner`."""
    first, last = window.at(-1) is None, window.at(1) is None
    return ("inner", "last", "first", "only")[2 * first + last]


def bass_step(window: Window) -> Value:
    """Semitones from the bass before to this one, 0 to 11 (column `bass`)."""
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


def held(window: Window) -> Value:
    """Pitch classes that sounded before and will sound next."""
    return tuple(sorted(_pitches(window) & _pitches(window, -1) & _pitches(window, 1)))


def passing(window: Window) -> Value:
    """Pitch classes that did not sound before and will not sound next."""
    return tuple(sorted(_pitches(window) - _pitches(window, -1) - _pitches(window, 1)))


def gone(window: Window) -> Value:
    """Pitch classes of the event before that do not sound any more."""
    return tuple(sorted(_pitches(window, -1) - _pitches(window)))


def coming(window: Window) -> Value:
    """Pitch classes of the next event that do not sound yet."""
    return tuple(sorted(_pitches(window, 1) - _pitches(window)))


def with_last(window: Window) -> Value:
    """Pitch classes of the event and of the one before."""
    return tuple(sorted(_pitches(window) | _pitches(window, -1)))


def with_next(window: Window) -> Value:
    """Pitch classes of the event and of the next."""
    return tuple(sorted(_pitches(window) | _pitches(window, 1)))


def thickness(window: Window) -> Value:
    """How many pitch classes sound."""
    return len(_pitches(window))


def n_kept(window: Window) -> Value:
    """How many pitch classes sounded in the event before, too."""
    return len(_pitches(window) & _pitches(window, -1))


def n_both(window: Window) -> Value:
    """How many pitch classes the event and the one before have between them."""
    return len(_pitches(window) | _pitches(window, -1))


def change(window: Window) -> Value:
    """How the pitch classes differ from those of the event before: `same`, `fewer`, `more` or `other`."""
    before, now = _pitches(window, -1), _pitches(window)
    if before == now:
        return "same"
    return "fewer" if now < before else "more" if now > before else "other"


def full_chords(window: Window) -> Value:
    """The common chords all of whose notes sound, as root and quality: `0 maj`."""
    sounding = _pitches(window)
    return tuple(f"{chord.root} {chord.quality}" for chord in _common_chords() if set(chord.pitch_classes) <= sounding)


def fitting_chord(window: Window) -> Value:
    """The chord that fits the event best (`music.chords.best_chord`), as root and quality."""
    return _fitting(_pitches(window), _column(window, "bass"))


def fitting_with_last(window: Window) -> Value:
    """The chord that fits the event together with the one before best."""
    return _fitting(_pitches(window) | _pitches(window, -1), _column(window, "bass"))


def fitting_with_next(window: Window) -> Value:
    """The chord that fits the event together with the next best."""
    return _fitting(_pitches(window) | _pitches(window, 1), _column(window, "bass"))


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


class Attribute(NamedTuple):
    """What a template found at an event: a value for each of its terms; a tuple where a term is whole."""

    template: str
    values: tuple[int | str | tuple[int | str, ...], ...]

    def __str__(self) -> str:
        return f"{self.template}={'|'.join(_text(value) for value in self.values)}"


def found(
    piece: Sequence[Observation], templates: Sequence[str], features: Mapping[str, Feature]
) -> list[list[Attribute]]:
    """The attributes that templates find at each event of a piece; `features` are those of `resolve`."""
    seen = {name: [function(Window(piece, t)) for t in range(len(piece))] for name, function in features.items()}
    parsed = [(template, parse_template(template)) for template in templates]
    return [
        [
            Attribute(template, values)
            for template, terms in parsed
            for values in product(*(_values(seen[term.name], t + term.offset, term.whole) for term in terms))
        ]
        for t in range(len(piece))
    ]


def attributes(
    piece: Sequence[Observation], templates: Sequence[str], features: Mapping[str, Feature] | None = None
) -> list[list[str]]:
    """The same as texts; without `features` they are looked up for this piece."""
    functions = features if features is not None else resolve(templates, columns_of([piece]))
    return [[str(attribute) for attribute in event] for event in found(piece, templates, functions)]


def _values(seen: Sequence[Value], place: int, whole: bool) -> tuple[int | str | tuple[int | str, ...], ...]:
    if not 0 <= place < len(seen):
        return (OUTSIDE,)
    value = seen[place]
    if value is None:
        return ()
    return value if isinstance(value, tuple) and not whole else (value,)


def _text(value: int | str | tuple[int | str, ...]) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _fitting(sounding: set[int], bass: Value) -> Value:
    chord = _best(frozenset(sounding), bass if isinstance(bass, int) else None)
    return None if chord is None else f"{chord.root} {chord.quality}"


@lru_cache(maxsize=4096)
def _best(sounding: frozenset[int], bass: int | None) -> Chord | None:
    return best_chord(sounding, bass)


@cache
def _common_chords() -> tuple[Chord, ...]:
    return tuple(Chord(root, quality) for quality in COMMON_QUALITIES for root in range(12))


def _reading(name: str) -> Feature:
    return lambda window: _column(window, name)


def _column(window: Window, name: str, offset: int = 0) -> Value:
    event = window.at(offset)
    value: Any = event.get(name) if event is not None else None
    if hasattr(value, "tolist"):  # numbers and arrays of NumPy's
        value = value.tolist()
    if isinstance(value, set | frozenset):
        value = sorted(value, key=str)
    found: Value = tuple(value) if isinstance(value, list) else value
    return found


def _pitches(window: Window, offset: int = 0) -> set[int]:
    found = _column(window, "pitch_classes", offset)
    return {int(pitch) for pitch in found} if isinstance(found, tuple) else set()
