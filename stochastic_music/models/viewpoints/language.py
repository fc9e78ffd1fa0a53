"""How viewpoints are written: `cpint*ioi,cpfref:3|dur*posinbar`.

    cpint                 sequences of one viewpoint, of every order from 0 to the model's
    cpint*ioi             a link: sequences of both together; the first one says what is predicted
    cpfref:3, cpfref:1-3  orders 0 to 3, or 1 to 3
    cpfref:3|dur*metre    the same, joined with what `dur` and `metre` show at present
    cpfref|cpfref@2*dur@1 exactly this context: the value two events ago, and one event ago
    a,b                   several of these

Sequences of order n see the n latest events, and where a link holds what is already known of the present, that
too. At the beginning of a piece START stands for the event before the first, once: higher orders are silent there.
An explicit context sees START as often as it reaches beyond the beginning.

Where events have voices, `cpint|upper` stands for `cpint1|upper1`, `cpint2|upper2`, ..., one for each voice that has
all it names; see `viewpoints.voices`. A lag below 0 is an event to come, of a voice that is given.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from stochastic_music.errors import InvalidParameterError
from stochastic_music.models.viewpoints.viewpoint import Viewpoint, find
from stochastic_music.models.viewpoints.voices import Sounding, family_of, is_family, known_families, of_voice
from stochastic_music.tokens import Vocabulary

_NAME = r"[A-Za-z_][\w-]*"
_ITEM = rf"{_NAME}(?:@-?\d+)?"
_TERM = re.compile(
    rf"(?P<chain>{_NAME}(?:\*{_NAME})*)(?::(?P<orders>\d+(?:-\d+)?))?(?:\|(?P<given>{_ITEM}(?:\*{_ITEM})*))?"
)


@dataclass(frozen=True)
class Term:
    """One context and what is counted in it.

    `target` is the viewpoint counted, `context` pairs (viewpoint, lag), lag 0 being the present. The term is
    silent before `least` events are complete. `part` is how it was written, with its other orders.
    """

    target: str
    context: tuple[tuple[str, int], ...]
    least: int = 0
    part: str = field(default="", compare=False)

    def __str__(self) -> str:
        given = "*".join(f"{name}@{lag}" for name, lag in self.context)
        return f"{self.target}|{given}" if given else self.target


def parse(text: str, order: int, vocabulary: Vocabulary) -> list[Term]:
    """The terms that `text` stands for, each once; raises InvalidParameterError or UnknownNameError.

    >>> [str(term) for term in parse("cpint:1,cpint|cpint@2", 6, Vocabulary.plain(4, name="pitch"))]
    ['cpint', 'cpint|cpint@1', 'cpint|cpint@2']
    """
    terms: dict[Term, None] = {}
    for part in text.split(","):
        for one in by_voice(part.strip(), vocabulary):
            terms.update(dict.fromkeys(_parse_one(one, order, vocabulary)))
    return list(terms)


def by_voice(part: str, vocabulary: Vocabulary) -> list[str]:
    """What a part stands for, voice by voice: without families itself, and nothing where it is empty.

    What predicts no voice hears the others as voice 0 would.
    """
    target = re.match(_NAME, part)
    if target is None or not any(is_family(name, vocabulary) for name in re.findall(_NAME, part)):
        return [part] if part else []
    voices = range(1, len(vocabulary.voices) + 1) if is_family(target[0], vocabulary) else range(1)
    return [one for one in (_numbered(part, k, vocabulary) for k in voices) if _has_all(one, vocabulary)]


def _numbered(part: str, k: int, vocabulary: Vocabulary) -> str:
    """The part as it is for voice k."""
    return re.sub(_NAME, lambda match: match[0] + str(k) * is_family(match[0], vocabulary), part)


def _has_all(part: str, vocabulary: Vocabulary) -> bool:
    """Whether the voice has all that a part names: there is none above the first."""
    names = [name for name in re.findall(_NAME, part) if is_family(family_of(name), vocabulary)]
    return all(of_voice(name, vocabulary) for name in names)


def _parse_one(text: str, order: int, vocabulary: Vocabulary) -> Iterator[Term]:
    match = _TERM.fullmatch(text)
    if match is None:
        raise InvalidParameterError(
            f"'{text}' is no viewpoint: expected names such as cpint, links cpint*ioi, orders cpint:1-3, "
            "or a context cpint|dur*cpint@2"
        )
    chain = match["chain"].split("*")
    given = [_pair(item) for item in match["given"].split("*")] if match["given"] else []
    for name in (*chain, *(name for name, _ in given)):
        check_available(resolve(name, vocabulary), vocabulary)
    target = resolve(chain[0], vocabulary)
    if not target.field:
        raise InvalidParameterError(f"'{text}' begins with '{chain[0]}', which predicts nothing: begin with another")
    for name, lag in given:
        if lag < 0 and not isinstance(resolve(name, vocabulary), Sounding):
            raise InvalidParameterError(f"'{text}' looks ahead with '{name}', which is no voice")
        if lag == 0 and not known_at(resolve(name, vocabulary), target.field, vocabulary):
            raise InvalidParameterError(f"'{text}' reads '{name}' before it is known: give it a lag, as in {name}@1")
    low, high = _orders(match["orders"], 0 if given else order)
    for n in range(low, high + 1):
        past = [(name, lag) for lag in range(1, n + 1) for name in chain]
        now = [(name, 0) for name in chain[1:] if known_at(resolve(name, vocabulary), target.field, vocabulary)]
        yield Term(chain[0], (*past, *now, *given), max(n - 1, 0), text)


def check_ahead(terms: Iterable[Term], vocabulary: Vocabulary, given: Sequence[str]) -> None:
    """Raise InvalidParameterError for terms that look ahead at voices that are not `given`."""
    for term in terms:
        for name, lag in term.context:
            viewpoint = resolve(name, vocabulary)
            ahead = viewpoint.voices if lag < 0 and isinstance(viewpoint, Sounding) else ()
            unknown = [voice for voice in ahead if voice not in given]
            if unknown:
                raise InvalidParameterError(
                    f"'{term}' looks ahead at {unknown[0]}, which is not known: add {unknown[0]} to 'given'"
                )


def _pair(item: str) -> tuple[str, int]:
    name, _, lag = item.partition("@")
    return name, int(lag or 0)


def _orders(text: str | None, order: int) -> tuple[int, int]:
    if text is None:
        return 0, order
    low, dash, high = text.partition("-")
    return (int(low), int(high)) if dash else (0, int(low))


def resolve(name: str, vocabulary: Vocabulary) -> Viewpoint | Sounding:
    """The viewpoint of that name; the fields of a vocabulary are viewpoints too, by their own names."""
    if vocabulary.index(name) is not None:
        return Viewpoint(name, None, field=name)
    return of_voice(name, vocabulary) or find(name, known_families(vocabulary))


def check_available(viewpoint: Viewpoint | Sounding, vocabulary: Vocabulary) -> None:
    """Raise InvalidParameterError where events lack a field that the viewpoint reads."""
    missing = missing_fields(viewpoint, vocabulary)
    if missing:
        raise InvalidParameterError(
            f"the viewpoint '{viewpoint.name}' reads {' and '.join(missing)}, which these events do not have "
            f"(they have {', '.join(field.name for field in vocabulary.fields)})"
        )


def missing_fields(viewpoint: Viewpoint | Sounding, vocabulary: Vocabulary) -> list[str]:
    """The fields that a viewpoint reads and a vocabulary lacks."""
    needed = (*viewpoint.needs, *((viewpoint.field,) if viewpoint.field else ()))
    return [
        name for name in needed if vocabulary.index(name) is None and not (name == "time" and vocabulary.clock.ticks)
    ]


def known_from(viewpoint: Viewpoint | Sounding, vocabulary: Vocabulary) -> int:
    """The number of symbols of an event that must be heard before its value is known."""
    index = vocabulary.index(viewpoint.field or viewpoint.after)
    return 0 if index is None else index + 1


def known_at(viewpoint: Viewpoint | Sounding, field: str, vocabulary: Vocabulary) -> bool:
    """Whether the present value is known when `field` is due."""
    due = vocabulary.index(field)
    return due is not None and known_from(viewpoint, vocabulary) <= due
