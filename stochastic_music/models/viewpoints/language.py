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
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from stochastic_music.errors import InvalidParameterError
from stochastic_music.models.viewpoints.viewpoint import Viewpoint, find
from stochastic_music.tokens import Vocabulary

_NAME = r"[A-Za-z_][\w-]*"
_TERM = re.compile(
    rf"(?P<chain>{_NAME}(?:\*{_NAME})*)(?::(?P<orders>\d+(?:-\d+)?))?(?:\|(?P<given>{_NAME}(?:@\d+)?(?:\*{_NAME}(?:@\d+)?)*))?"
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
        if part.strip():
            terms.update(dict.fromkeys(_parse_one(part.strip(), order, vocabulary)))
    return list(terms)


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
        if lag == 0 and not known_at(resolve(name, vocabulary), target.field, vocabulary):
            raise InvalidParameterError(f"'{text}' reads '{name}' before it is known: give it a lag, as in {name}@1")
    low, high = _orders(match["orders"], 0 if given else order)
    for n in range(low, high + 1):
        past = [(name, lag) for lag in range(1, n + 1) for name in chain]
        now = [(name, 0) for name in chain[1:] if known_at(resolve(name, vocabulary), target.field, vocabulary)]
        yield Term(chain[0], (*past, *now, *given), max(n - 1, 0), text)


def _pair(item: str) -> tuple[str, int]:
    name, _, lag = item.partition("@")
    return name, int(lag or 0)


def _orders(text: str | None, order: int) -> tuple[int, int]:
    if text is None:
        return 0, order
    low, dash, high = text.partition("-")
    return (int(low), int(high)) if dash else (0, int(low))


def resolve(name: str, vocabulary: Vocabulary) -> Viewpoint:
    """The viewpoint of that name; the fields of a vocabulary are viewpoints too, by their own names."""
    if vocabulary.index(name) is not None:
        return Viewpoint(name, None, field=name)
    return find(name)


def check_available(viewpoint: Viewpoint, vocabulary: Vocabulary) -> None:
    """Raise InvalidParameterError where events lack a field that the viewpoint reads."""
    missing = missing_fields(viewpoint, vocabulary)
    if missing:
        raise InvalidParameterError(
            f"the viewpoint '{viewpoint.name}' reads {' and '.join(missing)}, which these events do not have "
            f"(they have {', '.join(field.name for field in vocabulary.fields)})"
        )


def missing_fields(viewpoint: Viewpoint, vocabulary: Vocabulary) -> list[str]:
    """The fields that a viewpoint reads and a vocabulary lacks."""
    needed = (*viewpoint.needs, *((viewpoint.field,) if viewpoint.field else ()))
    return [name for name in needed if vocabulary.index(name) is None]


def known_from(viewpoint: Viewpoint, vocabulary: Vocabulary) -> int:
    """The number of symbols of an event that must be heard before its value is known."""
    index = vocabulary.index(viewpoint.field or viewpoint.after)
    return 0 if index is None else index + 1


def known_at(viewpoint: Viewpoint, field: str, vocabulary: Vocabulary) -> bool:
    """Whether the present value is known when `field` is due."""
    due = vocabulary.index(field)
    return due is not None and known_from(viewpoint, vocabulary) <= due
