"""What can be told of any fitted pipeline: its parameters, its corpus, its alphabet and its size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from stochastic_music import registry
from stochastic_music.errors import UsageError
from stochastic_music.reports.inspection.inspection import Cell, Column, Table
from stochastic_music.tokens import Vocabulary

if TYPE_CHECKING:
    from stochastic_music.pipeline import Pipeline


def kind_of(pipeline: Pipeline) -> str:
    """The registered name of the model, or that of its class."""
    return kind_named(pipeline.model)


def kind_named(model: Any) -> str:
    """The registered name of a model, or that of its class where nobody registered it."""
    try:
        return registry.name_of("models", model)
    except UsageError:
        return type(model).__name__


def title_of(pipeline: Pipeline) -> str:
    """The model with those of its parameters that are not the usual ones."""
    return named(pipeline.model)


def named(model: Any) -> str:
    """A model with those of its parameters that are not the usual ones.

    >>> from stochastic_music.models import Markov
    >>> named(Markov()), named(Markov(2))
    ('markov', 'markov(order=2)')
    """
    name, usual = kind_named(model), registry.parameters_of(type(model))
    given = {key: getattr(model, key, usual[key]) for key in usual}
    set_ = {key: value for key, value in given.items() if _differs(value, usual[key])}
    return f"{name}({', '.join(f'{key}={_value(value)}' for key, value in set_.items())})" if set_ else name


def facts_of(pipeline: Pipeline) -> dict[str, Cell]:
    """Encoding, transposition, corpus and size, for the facts of every inspection of a pipeline."""
    card = pipeline.card_
    learned = pipeline.model.to_arrays().values() if hasattr(pipeline.model, "to_arrays") else ()
    return {
        "encoding": getattr(pipeline.encoding, "name", type(pipeline.encoding).__name__),
        "transpose": pipeline.transpose,
        "pieces": card.get("n_pieces"),
        "notes": card.get("n_notes"),
        "learned_numbers": int(sum(np.size(array) for array in learned)) or None,
        "sources_kept": "yes" if pipeline.has_sources else "no",
    }


def transposition(pipeline: Pipeline) -> list[str]:
    """What to know of the names of notes, where pieces were transposed."""
    said = {
        "common": "Training pieces were brought to C major or A minor first: notes are named there.",
        "all": "Training pieces were heard in all twelve keys: counts are twelve times what was written.",
    }
    return [said[pipeline.transpose]] if pipeline.transpose in said else []


def alphabet(pipeline: Pipeline) -> Table:
    """The symbols of each field that the corpus uses, of those declared."""
    vocabulary = pipeline.vocabulary_.restrict(pipeline.alphabet_.tolist())
    columns = (Column("field"), Column("used"), Column("declared"), Column("lowest"), Column("highest"))
    return Table(
        "alphabet", "Alphabet, field by field", columns, [_field(vocabulary, f) for f in range(vocabulary.n_fields)]
    )


def _field(vocabulary: Vocabulary, f: int) -> tuple[Cell, ...]:
    field = vocabulary.fields[f]
    used = np.flatnonzero(vocabulary.due_mask[f, :-1])
    values = vocabulary.values(used).tolist()
    lowest, highest = (field.describe(pick(values)) or "none" if values else "" for pick in (min, max))
    return field.name, len(used), field.size, lowest, highest


def _differs(value: Any, usual: Any) -> bool:
    return bool(repr(value) != repr(usual))


def _value(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
