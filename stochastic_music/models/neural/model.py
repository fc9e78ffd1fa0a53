"""A network as a model of the house: it is fitted, scores, composes, adapts and is written to files like any other.

What all kinds share is here; `kinds` says which network each is and with which defaults. Training holds back some of
the tunes (`validation`) to know when to stop. Where there are too few it does not, and stops after a number of epochs.

A network knows the symbols that training held, and those it held when pieces were moved by up to `reach` semitones.
Other symbols of the alphabet share a *novelty* (`novelty`).

Networks learn in single precision and predict in double, on the processor: what a model says does not depend on where
it learned, on the batch, or on whether it is asked step by step or about whole pieces.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from stochastic_music._optional import require
from stochastic_music.corpus import TokenCorpus
from stochastic_music.corpus.report import counted
from stochastic_music.errors import (
    EmptyCorpusError,
    InvalidParameterError,
    MachineError,
    ModelFileError,
    UnknownNameError,
    VocabularyError,
)
from stochastic_music.models.base import BaseModel, headers_of
from stochastic_music.models.neural.heard import Heard
from stochastic_music.models.neural.hearing import Hearing
from stochastic_music.models.neural.history import History
from stochastic_music.models.neural.lesson import Lesson
from stochastic_music.models.neural.novelty import novelty_of
from stochastic_music.models.neural.validation import held_out
from stochastic_music.protocols import BoolArray, FloatArray, IntArray, Progress
from stochastic_music.tokens import Header, Vocabulary

DEVICES = ("auto", "cpu", "cuda")
#: epochs that are done where no pieces are held back
EPOCHS_ALONE = 30
#: symbols, filled up to the longest piece, that are predicted side by side
_AT_ONCE = 1 << 13


class NeuralState(NamedTuple):
    """What a batch has heard, the network's memory of it, and log probabilities of what comes: (batch, n_symbols)."""

    heard: Heard
    memory: tuple[Any, ...]
    log_probs: FloatArray

    def rows(self, chosen: IntArray) -> NeuralState:
        """Some of the rows, once or more."""
        memory = tuple(part[chosen] for part in self.memory)
        return NeuralState(self.heard.rows(chosen), memory, self.log_probs[chosen])


@dataclass(kw_only=True, repr=False, eq=False)
class NeuralModel(BaseModel[NeuralState]):
    """What networks have in common as models; see the module's article, and `kinds` for the parameters.

    After `fit`: `hearing_`, `predictor_` (in double precision; `trained_` is the same, but for what was adapted),
    `novelty_` by field, `history_` of training, in nats a symbol, and `n_parameters_`.
    """

    embedding: int = 16
    input_dropout: float = 0.2
    output_dropout: float = 0.5
    learning_rate: float = 3e-3
    weight_decay: float = 0.01
    batch_size: int = 16
    max_epochs: int = 80
    patience: int = 15
    clip: float = 1.0
    reach: int = 0
    validation: float = 0.1
    dynamic_rate: float = 0.02
    dynamic_decay: float = 0.002
    device: str = "auto"
    seed: int = 0

    @abstractmethod
    def _network(self, n_inputs: int) -> Any:
        """The network, for so many inputs."""

    def fit(
        self,
        corpus: TokenCorpus,
        *,
        seconds: float | None = None,
        checkpoint: Path | None = None,
        progress: Progress | None = None,
    ) -> Self:
        """Train on `corpus`; returns self. See `protocols.TrainedModel`.

        Raises EmptyCorpusError, InvalidParameterError; MissingExtraError without torch, MachineError where a device is
        not there; and as `training.train`.
        """
        lesson = self._lesson()
        require("torch")
        from stochastic_music.models.neural.training import train

        if not len(corpus.symbols):
            raise EmptyCorpusError("there is nothing to learn from: the corpus has no symbols")
        device = device_for(self.device)
        hearing = Hearing.of(corpus, self.reach)
        kept, held_back = held_out(corpus, self.validation, self.seed)
        if held_back is None:
            lesson = self._lesson(max_epochs=min(self.max_epochs, EPOCHS_ALONE), patience=self.max_epochs)
        predictor = self._predictor(hearing)
        history = train(
            predictor,
            hearing,
            kept,
            held_back or kept,
            lesson,
            device=device,
            seconds=seconds,
            checkpoint=checkpoint,
            progress=progress,
        )
        return self._settle(corpus.vocabulary, hearing, predictor, history, novelty_of(corpus))

    def _sizes(self, kind: type[NeuralModel]) -> dict[str, Any]:
        """The parameters that `kind` has beside those of all."""
        common = {field.name for field in fields(NeuralModel)}
        return {field.name: getattr(self, field.name) for field in fields(kind) if field.name not in common}

    def _lesson(self, **changes: Any) -> Lesson:
        """What training is told. Raises InvalidParameterError for parameters outside their range."""
        self._check_params()
        own = {field.name for field in fields(self)}
        return Lesson(**{f.name: getattr(self, f.name) for f in fields(Lesson) if f.name in own} | changes)

    def _check_params(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.type == "int" and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
                raise InvalidParameterError(f"{field.name} is {value!r}; expected a whole number, 0 or more")
            if field.name.endswith(("dropout", "validation")) and not 0 <= value < 1:
                raise InvalidParameterError(f"{field.name} is {value!r}; expected a share from 0 up to 1")
        for name in ("dynamic_rate", "dynamic_decay"):
            if not 0 <= getattr(self, name) < np.inf:
                raise InvalidParameterError(f"{name} is {getattr(self, name)!r}; expected 0 or more")
        for name in ("embedding", *self._sizes(type(self))):
            if not name.endswith("dropout") and getattr(self, name) < 1:
                raise InvalidParameterError(f"{name} is {getattr(self, name)!r}; expected at least 1")
        if self.device not in DEVICES:
            raise UnknownNameError("device", str(self.device), DEVICES)

    def _predictor(self, hearing: Hearing) -> Any:
        """A predictor that has learned nothing yet, as the seed has it."""
        from stochastic_music.models.neural.networks.predictor import Predictor
        from stochastic_music.models.neural.training import seeded

        with seeded(self.seed):
            return Predictor(
                hearing,
                self._network,
                embedding=self.embedding,
                input_dropout=self.input_dropout,
                output_dropout=self.output_dropout,
            )

    def _settle(
        self, vocabulary: Vocabulary, hearing: Hearing, predictor: Any, history: History, novelty: FloatArray
    ) -> Self:
        self.vocabulary_, self.hearing_, self.history_, self.novelty_ = vocabulary, hearing, history, novelty
        self.predictor_ = self.trained_ = predictor.to("cpu").double().eval()
        return self._over(vocabulary)

    def _over(self, vocabulary: Vocabulary) -> Self:
        """The model over an alphabet."""
        self.vocabulary_ = vocabulary
        self._possible = vocabulary.mask[self.hearing_.symbols]
        self._unknown = np.flatnonzero(vocabulary.mask & (self.hearing_.place < 0))
        return self

    @property
    def n_parameters_(self) -> int:
        """How many numbers were learned."""
        self._check_fitted()
        return sum(weights.numel() for weights in self.predictor_.parameters())

    def initial_state(self, batch_size: int = 1, header: Header | Sequence[Header | None] | None = None) -> NeuralState:
        """Nothing heard. Raises VocabularyError where there is neither one header nor one a row."""
        self._check_fitted()
        heard = self.hearing_.start(headers_of(header, batch_size))
        return self._looked_ahead(heard, self.predictor_.start(batch_size))

    def advance(self, state: NeuralState, symbols: IntArray) -> NeuralState:
        """The state after one more symbol a row: symbols (batch,)."""
        return self._looked_ahead(self.hearing_.advance(state.heard, symbols), state.memory)

    def next_log_probs(self, state: NeuralState) -> FloatArray:
        """(batch, n_symbols): exp of a row sums to 1; -inf outside the field now due."""
        return state.log_probs.copy()

    def _looked_ahead(self, heard: Heard, memory: tuple[Any, ...]) -> NeuralState:
        columns = self.hearing_.columns_of(heard)[:, None]
        known, memory = self._asked(columns, memory)
        shares, each, new = self._novelties(columns)
        rows = np.full((len(columns), self.vocabulary_.n_symbols), -np.inf)
        rows[:, self.hearing_.symbols] = (known + shares[..., None])[:, 0]
        rows[:, self._unknown] = np.where(new, each[..., None], -np.inf)[:, 0]
        ended = heard.clock.due == self.vocabulary_.n_fields
        rows[ended], rows[ended, self.vocabulary_.end] = -np.inf, 0.0
        return NeuralState(heard, memory, rows)

    def _asked(self, columns: IntArray, memory: tuple[Any, ...]) -> tuple[FloatArray, tuple[Any, ...]]:
        """The log probabilities of known symbols, (batch, T, n_known), all -inf where none is possible; the memory."""
        torch = require("torch")
        allowed = self.hearing_.allowed(columns) & self._possible
        with torch.inference_mode():
            said, memory = self.predictor_(torch.from_numpy(columns), memory, torch.from_numpy(allowed))
        log_probs: FloatArray = said.numpy()
        return np.where(allowed.any(axis=-1, keepdims=True), log_probs, -np.inf), memory

    def _novelties(self, columns: IntArray) -> tuple[FloatArray, FloatArray, BoolArray]:
        """In logarithms the share of all known symbols and of each unknown one, (batch, T) each; which may come."""
        new = self.hearing_.allowed(columns, self._unknown)
        n_new, due = new.sum(axis=-1), columns[..., 0]
        known = (self.hearing_.allowed(columns) & self._possible).any(axis=-1)
        novelty = np.where(known, np.append(self.novelty_, 0.0)[due], 1.0)
        novelty = np.where(n_new > 0, novelty, 0.0)
        with np.errstate(divide="ignore"):
            return np.log1p(-novelty), np.log(novelty) - np.log(np.maximum(n_new, 1)), new

    def corpus_log_probs(self, corpus: TokenCorpus) -> FloatArray:
        """The log probability of every symbol, in nats: (n,). Whole pieces are predicted at once.

        Raises VocabularyError where `corpus` does not fit the model's vocabulary.
        """
        corpus = self._same_symbols(corpus)
        out = np.empty(len(corpus.symbols))
        for pieces in corpus.portions(_AT_ONCE):
            part = corpus.select(pieces)
            said = self._heard_through(self.hearing_.of_corpus(part), part.padded())
            for row, piece in zip(said, pieces.tolist(), strict=True):
                first, last = corpus.offsets[piece : piece + 2]
                out[first:last] = row[: last - first]
        return out

    def _heard_through(self, columns: IntArray, symbols: IntArray) -> FloatArray:
        """The log probability of each of `symbols` (batch, T), a stretch at a time."""
        said, memory = np.empty(symbols.shape), self.predictor_.start(len(symbols))
        places = self.hearing_.place[symbols]
        length = max(1, _AT_ONCE // max(len(symbols), 1))
        for first in range(0, symbols.shape[1], length):
            now = np.s_[:, first : first + length]
            known, memory = self._asked(columns[now], memory)
            shares, each, _ = self._novelties(columns[now])
            own = np.take_along_axis(known, np.maximum(places[now], 0)[..., None], axis=-1)[..., 0] + shares
            said[now] = np.where(places[now] >= 0, own, each)
        return said

    def adapt(self, symbols: Sequence[int] | IntArray, header: Header | None = None) -> Self:
        """The model that has also learned from the piece `symbols`, by dynamic evaluation; self stays as it is.

        Raises VocabularyError for symbols outside the alphabet; otherwise as `dynamic.adapted`.
        """
        piece = self._piece(symbols, header)
        from stochastic_music.models.neural.dynamic import adapted

        other = copy(self)
        other.predictor_ = adapted(
            self.predictor_,
            self.hearing_,
            piece,
            trained=self.trained_,
            rate=self.dynamic_rate,
            decay=self.dynamic_decay,
        )
        return other

    def restricted(self, vocabulary: Vocabulary) -> Self:
        """The same model over another alphabet of the same declaration. Raises VocabularyError for another one."""
        self._check_fitted()
        if reason := self.vocabulary_.difference(vocabulary):
            raise VocabularyError(f"the model cannot take this vocabulary: {reason}")
        return copy(self)._over(vocabulary)

    def remarks(self, corpus: TokenCorpus) -> list[str]:
        """How training went, in sentences."""
        self._check_fitted()
        history, n_pieces = self.history_, len(set(corpus.names))
        n_epochs = len(history.training)
        found = [
            f"A network of {counted(self.n_parameters_, 'parameter')}, trained for {counted(n_epochs, 'epoch')}: "
            f"{history.stopped}."
        ]
        if held_out(corpus, self.validation, self.seed)[1] is None:
            few = f"The tunes of {counted(n_pieces, 'piece')} are too few to hold any back"
            why = few if self.validation else "Nothing was held back"
            return [*found, f"{why} to know when to stop: the number of epochs alone says so."]
        best = history.best - 1
        return [
            *found,
            f"Kept as it was after epoch {history.best}: {history.training[best]:.3f} nats a symbol in training, "
            f"{history.validation[best]:.3f} on the pieces held back to know when to stop.",
        ]

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """What was learned, as plain arrays: weights by name, and how training went."""
        self._check_fitted()
        weights = {f"weights.{name}": part.float().numpy() for name, part in self.predictor_.state_dict().items()}
        return {
            **weights,
            "symbols": self.hearing_.symbols,
            "novelty": self.novelty_,
            **self.history_.to_arrays(),
        }

    def from_arrays(self, arrays: Mapping[str, NDArray[Any]], vocabulary: Vocabulary) -> Self:
        """Take back what `to_arrays` gave, in a model with the same parameters; returns self.

        Raises ModelFileError where the arrays are those of another network, MissingExtraError without torch.
        """
        self._check_params()
        torch = require("torch")
        hearing = Hearing(vocabulary, arrays["symbols"])
        predictor = self._predictor(hearing)
        prefix = "weights."
        weights = {
            name.removeprefix(prefix): torch.from_numpy(np.array(array))
            for name, array in arrays.items()
            if name.startswith(prefix)
        }
        try:
            predictor.load_state_dict(weights)
        except RuntimeError as error:
            raise ModelFileError(
                "these weights are of another network than this version of the package builds for these symbols and "
                "parameters: the file is of another version, or was changed; fit the model again"
            ) from error
        novelty = np.array(arrays["novelty"])
        return self._settle(vocabulary, hearing, predictor, History.from_arrays(arrays), novelty)


def device_for(name: str) -> str:
    """Where to train: "cpu" or "cuda". Raises MachineError for a GPU that is not there."""
    there = require("torch").cuda.is_available()
    if name == "cuda" and not there:
        raise MachineError("device is 'cuda', and torch finds no GPU here: take device=cpu, or auto")
    return "cuda" if there and name != "cpu" else "cpu"
