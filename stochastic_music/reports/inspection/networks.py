"""Neural networks: how training went, where the learned numbers stand, and which notes are embedded alike.

Losses are nats a symbol: of training pieces while it learned (with numbers silenced at random), of the pieces held back
after each epoch. Where torch is missing a model file still tells its learning curve and its layers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stochastic_music.errors import UsageError
from stochastic_music.model_file import ModelFile
from stochastic_music.models.neural.hearing import Hearing
from stochastic_music.models.neural.history import History
from stochastic_music.protocols import FloatArray
from stochastic_music.render.comparisons import Series, training_curves
from stochastic_music.reports.inspection import following
from stochastic_music.reports.inspection.anything import answer
from stochastic_music.reports.inspection.general import alphabet, facts_of, kind_of, title_of, transposition
from stochastic_music.reports.inspection.inspection import Cell, Column, Inspection, Request, Table
from stochastic_music.tokens import Vocabulary, pitch_name

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from stochastic_music.pipeline import Pipeline

_WEIGHTS, _HISTORY = "weights.", "history."
#: notes that are named as embedded near another
_NEAR = 3


def inspect(network: Pipeline | ModelFile, request: Request) -> Inspection:
    """The inspection of a network, or of its model file where torch is missing. Raises UsageError for other files."""
    if isinstance(network, ModelFile):
        return _of_file(network, request)
    if request.context is not None:
        return following.after(network, request, answer)
    model, history = network.model, network.model.history_
    title, tables = title_of(network), _tables(history, model.to_arrays(), network.vocabulary_, request)
    return Inspection(
        kind_of(network),
        title,
        {**facts_of(network), "learned_parameters": model.n_parameters_, **_of_training(history)},
        [*tables, alphabet(network)],
        [_ended(history), *transposition(network)],
        draw=partial(_picture, title, history),
        data=history._asdict(),
    )


def has_history(file: ModelFile) -> bool:
    """Whether a model file tells of a training."""
    return f"model.{_HISTORY}training" in file


def _of_file(file: ModelFile, request: Request) -> Inspection:
    """What can be told without torch."""
    if not has_history(file) or request.context is not None:
        raise UsageError(
            f"this needs torch, which is not installed here: without it {file.path} tells no more than its training"
        )
    arrays = {name.removeprefix("model."): file[name] for name in file if name.startswith("model.")}
    history, (kind, _), card = History.from_arrays(arrays), file.meta["model"], file.meta["card"]
    facts: dict[str, Cell] = {"encoding": file.meta["encoding"][0], "transpose": file.meta["transpose"]}
    facts |= {"pieces": card.get("n_pieces"), "notes": card.get("n_notes")}
    facts |= {"learned_parameters": sum(array.size for array in _weights(arrays).values()), **_of_training(history)}
    tables = _tables(history, arrays, Vocabulary.from_json(file.meta["vocabulary"]), request)
    lines = [_ended(history), "torch is not installed here: what the network expects cannot be asked."]
    draw = partial(_picture, kind, history)
    return Inspection(kind, kind, facts, tables, lines, draw=draw, data=history._asdict())


def _tables(
    history: History, arrays: Mapping[str, NDArray[Any]], vocabulary: Vocabulary, request: Request
) -> list[Table]:
    """All that can be told without torch."""
    hearing = Hearing(vocabulary, arrays["symbols"])
    heard = [column.name for column in hearing.columns if column.is_input]
    n = request.at_most
    return [_epochs(history, n), _layers(arrays, heard, n), *_embedded(hearing, arrays, heard, n)]


def _ended(history: History) -> str:
    n = len(history.training)
    return f"Training ended after {n} epoch{'s' * (n != 1)}: {history.stopped}."


def _of_training(history: History) -> dict[str, Cell]:
    best = history.best - 1
    return {
        "epochs": len(history.training),
        "best_epoch": history.best,
        "training_nats": round(history.training[best], 4),
        "validation_nats": round(history.validation[best], 4),
    }


def _epochs(history: History, at_most: int) -> Table:
    """Losses epoch by epoch, of a long training some that are evenly spread, the best among them."""
    n = len(history.training)
    shown = np.unique(np.linspace(1, n, min(n, at_most)).round().astype(np.int64)).tolist()
    epochs = sorted({*shown, history.best})
    rows = [
        (epoch, history.training[epoch - 1], history.validation[epoch - 1], "kept" if epoch == history.best else "")
        for epoch in epochs
    ]
    columns = (
        *(Column("epoch"), Column("training", unit="nats", digits=3), Column("validation", unit="nats", digits=3)),
        Column("kept", ""),
    )
    note = "nats a symbol; validation: pieces held back to know when to stop"
    return Table("epochs", "How training went", columns, rows, note)


def _weights(arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {name.removeprefix(_WEIGHTS): array for name, array in arrays.items() if name.startswith(_WEIGHTS)}


def _layers(arrays: Mapping[str, NDArray[Any]], heard: Sequence[str], at_most: int) -> Table:
    """How many numbers each part of the network learned: weights and biases of one layer together."""
    parts: dict[str, int] = {}
    for name, array in _weights(arrays).items():
        layer, _, number = (name.rpartition(".")[0] or name).partition(".")
        known = layer == "embeddings" and number.isdigit() and int(number) < len(heard)
        shown = f"embedding of '{heard[int(number)]}'" if known else f"{layer} {number}".strip()
        parts[shown] = parts.get(shown, 0) + array.size
    total = max(sum(parts.values()), 1)
    largest = sorted(parts.items(), key=lambda part: -part[1])
    rows = [(layer, n, n / total) for layer, n in largest[:at_most]]
    left = sum(n for _, n in largest[at_most:])
    note = f"{len(largest) - at_most} smaller ones, together {left:,}" if left else ""
    columns = (Column("layer"), Column("parameters"), Column("share", unit="probability"))
    return Table("layers", "Where the learned numbers stand", columns, rows, note)


def _embedded(hearing: Hearing, arrays: Mapping[str, NDArray[Any]], heard: Sequence[str], at_most: int) -> list[Table]:
    """The notes embedded most like each other, where a network hears pitches one by one."""
    if "latest pitch" not in heard:
        return []
    place = heard.index("latest pitch")
    table = np.asarray(arrays[f"{_WEIGHTS}embeddings.{place}.weight"], dtype=np.float64)
    names = [pitch_name(pitch) for pitch in range(hearing.lowest, hearing.highest + 1)]
    likeness = _cosines(table[1 : len(names) + 1])  # 0 codes that there is none
    middle = np.argsort(np.abs(np.arange(len(likeness)) - len(likeness) // 2), kind="stable")[:at_most]
    rows = [(names[i], ", ".join(_nearest(names, likeness, i))) for i in np.sort(middle).tolist()]
    note = "by the cosine of their embeddings, 1 where they point the same way"
    return [Table("embeddings", "Notes that it hears alike", (Column("note"), Column("nearest")), rows, note)]


def _cosines(vectors: FloatArray) -> FloatArray:
    length = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    cosines: FloatArray = (vectors / length) @ (vectors / length).T
    return cosines


def _nearest(names: list[str], likeness: FloatArray, i: int) -> list[str]:
    order = [j for j in np.argsort(-likeness[i], kind="stable").tolist() if j != i][:_NEAR]
    return [f"{names[j]} {likeness[i, j]:.2f}" for j in order]


def _picture(title: str, history: History) -> Figure:
    """The learning curve, the epoch that was kept marked."""
    epochs = np.arange(1.0, len(history.training) + 1)
    curves = (
        Series("training", epochs, np.array(history.training)),
        Series("validation", epochs, np.array(history.validation)),
    )
    figure = training_curves({f"kept: epoch {history.best}": [curves]}, label="nats a symbol", title=title)
    figure.set_size_inches(8.0, 4.0)
    figure.axes[0].axvline(history.best, color="#9aa1ab", linewidth=1, linestyle=":")
    return figure
