"""How networks learn: epochs over whole pieces, until validation pieces are predicted no better.

In every epoch each training piece is moved by a fresh number of semitones and read from its beginning, in batches of
pieces of like length (`batches`); after each chunk the weights take a step of AdamW [1], its gradient shortened where
it is too long [2]. The rate rises at first and falls along half a cosine (`Lesson.rate`) until all epochs have gone, or
all time where that is limited. After each epoch the validation pieces are read as they are: the weights that predicted
them best are what training leaves behind, and once they have not got better for a number of epochs it stops [3]. Losses
are mean negative log probabilities of a symbol, in nats.

Everything random in epoch n is a function of the seed and n, and the caller's generators stay as they were. So equal
seeds give equal weights on one machine, and training that was broken off and goes on from its checkpoint comes to the
same end. A limit of time makes it depend on the clock.

A loss that is no number, or infinite, takes training back to its best weights and halves the rate; the third time it
gives up.

[1] I. Loshchilov and F. Hutter. Decoupled weight decay regularization. ICLR 2019.
[2] R. Pascanu, T. Mikolov and Y. Bengio. On the difficulty of training recurrent neural networks. ICML 2013.
[3] L. Prechelt. Early stopping, but when? Neural Networks: Tricks of the Trade, 1998.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from stochastic_music.corpus import TokenCorpus
from stochastic_music.errors import DivergedError, EmptyCorpusError, InvalidParameterError, VocabularyError
from stochastic_music.models.deadline import Deadline
from stochastic_music.models.neural import checkpoints
from stochastic_music.models.neural.batches import Chunk, Material
from stochastic_music.models.neural.history import History
from stochastic_music.models.neural.lesson import Lesson
from stochastic_music.protocols import BoolArray, Progress

#: how often the rate is halved before training gives up
SETBACKS = 2


def train(
    predictor: Any,
    hearing: Any,
    training: TokenCorpus,
    validation: TokenCorpus,
    lesson: Lesson,
    *,
    device: Any = "cpu",
    seconds: float | None = None,
    checkpoint: Path | None = None,
    progress: Progress | None = None,
) -> History:
    """Teach `predictor`, which is changed, and left on `device` with its best weights; see the module's article.

    `seconds`, `checkpoint` and `progress` are those of `protocols.TrainedModel`. A limit of time reckons with one more
    look at the validation pieces, as long as the last one took. Raises EmptyCorpusError where there is nothing to learn
    or to validate, VocabularyError where the hearing does not know all symbols, InvalidParameterError where the time is
    up before one step is done, DivergedError where losses are no numbers at any rate tried, UsageError where the
    checkpoint is of another fit, or damaged.
    """
    for corpus, what in ((training, "training"), (validation, "validation")):
        if not len(corpus.symbols):
            raise EmptyCorpusError(f"there is nothing to learn from: the {what} pieces hold no symbols")
        if (hearing.place[corpus.symbols] < 0).any():
            raise VocabularyError(
                f"the {what} pieces hold symbols that the hearing does not know: make it of all pieces"
            )
    keeper = checkpoints.Keeper(checkpoint, checkpoints.identity(predictor, training, validation, lesson))
    saved = keeper.found()
    deadline = Deadline(seconds, spent=checkpoints.seconds_of(saved))
    course = Course(predictor.to(device), hearing, training, validation, lesson)
    if saved:
        checkpoints.restore(course, saved)
    while not (stopped := course.stopped(deadline)):
        course.epoch(deadline)
        keeper.keep(course, deadline.spent)
        if progress is not None:
            progress(len(course.validated), lesson.max_epochs, str(course))
    predictor.load_state_dict(course.best_weights)
    predictor.eval()
    keeper.discard()
    return History(tuple(course.trained), tuple(course.validated), course.best + 1, stopped)


class Course:
    """Training under way: what changes from epoch to epoch, and what is needed to go on.

    `trained` and `validated` are the losses of the epochs so far, `best_weights` those after the best of them;
    `n_steps` counts steps and `setbacks` how often losses were no numbers.
    """

    def __init__(
        self, predictor: Any, hearing: Any, training: TokenCorpus, validation: TokenCorpus, lesson: Lesson
    ) -> None:
        self.predictor, self.lesson = predictor, lesson
        self.trained: list[float] = []
        self.validated: list[float] = []
        self.n_steps = self.setbacks = 0
        self.best_weights = weights_of(predictor)
        self.optimiser = _optimiser(predictor, lesson)
        self._training, self._validation = Material.of(hearing, training), Material.of(hearing, validation)
        self._mask = validation.vocabulary.mask
        self._looking = 0.0

    def __str__(self) -> str:
        if not self.validated:
            return "training"
        losses = f"training {self.trained[-1]:.3f}, validation {self.validated[-1]:.3f}"
        return f"epoch {len(self.validated)}: {losses} (best {self.validated[self.best]:.3f}) nats a symbol"

    @property
    def best(self) -> int:
        """The epoch, from 0, after which validation pieces were predicted best; -1 before the first has ended."""
        return int(np.argmin(self.validated)) if self.validated else -1

    def stopped(self, deadline: Deadline) -> str:
        """Why training is over; "" where it goes on."""
        done, lesson = len(self.validated), self.lesson
        if done - 1 - self.best >= lesson.patience:
            hurried = ", at a rate that fell with the time" if deadline.share > done / lesson.max_epochs else ""
            return f"validation was no better for {lesson.patience} epochs{hurried}"
        if done >= lesson.max_epochs:
            return f"all {lesson.max_epochs} epochs are done"
        return "the time was up" if done and deadline.passed(self._looking) else ""

    def epoch(self, deadline: Deadline) -> None:
        """Read all training pieces, or as many as time allows, then all validation pieces.

        Where a loss is no number, go back to the best weights instead; raises DivergedError where that was in vain.
        """
        seed = (self.lesson.seed, len(self.validated), self.setbacks)
        with seeded(*seed):
            trained = self._taught(np.random.default_rng(seed), deadline)
        validated = self._validate(deadline) if trained < math.inf else trained
        if not validated < math.inf:
            self._set_back(validated)
            return
        self.trained.append(trained)
        self.validated.append(validated)
        if self.best == len(self.validated) - 1:
            self.best_weights = weights_of(self.predictor)

    def _validate(self, deadline: Deadline) -> float:
        begun = deadline.spent
        loss = mean_loss(self.predictor, self._validation, self.lesson, self._mask)
        self._looking = deadline.spent - begun
        return loss

    def _taught(self, rng: np.random.Generator, deadline: Deadline) -> float:
        """One epoch of steps; the mean loss of a symbol, or the first that is infinite or no number."""
        material = self._training.moved(self.lesson.reach, rng)
        batches = material.batches(self.lesson.batch_size, rng)
        self.predictor.train()
        total, n_symbols = 0.0, 0
        for i, batch in enumerate(batches):
            memory = None
            for chunk in material.chunks(batch, self.lesson.chunk):
                self._set_rate(deadline, i / len(batches))
                loss, memory = loss_of(self.predictor, chunk, memory)
                if not (found := self._step(loss)) < math.inf:
                    return found
                total, n_symbols = total + found * int(chunk.held.sum()), n_symbols + int(chunk.held.sum())
                if self._over(deadline):
                    return total / n_symbols
        return total / n_symbols

    def _step(self, loss: Any) -> float:
        """One step down the gradient of a loss; what it was, or nan where its gradient is none."""
        self.optimiser.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.predictor.parameters(), self.lesson.clip)
        if not torch.isfinite(norm):
            return math.nan
        self.optimiser.step()
        self.n_steps += 1
        return float(loss.detach())

    def _set_rate(self, deadline: Deadline, share: float) -> None:
        done = max((len(self.validated) + share) / self.lesson.max_epochs, deadline.share)
        for group in self.optimiser.param_groups:
            group["lr"] = self.lesson.rate(self.n_steps, done) * 0.5**self.setbacks

    def _over(self, deadline: Deadline) -> bool:
        """Whether time is up. Raises InvalidParameterError where that was so before the first step was done."""
        over = deadline.passed(self._looking)
        if over and self.n_steps == 1:
            raise InvalidParameterError(
                f"the time was up before training had begun: one step was done after {deadline.spent:.2g} seconds, the "
                f"limit is {deadline.seconds:.2g}. Give ten times as much or more"
            )
        return over

    def _set_back(self, loss: float) -> None:
        rate = self.lesson.learning_rate * 0.5**self.setbacks
        if self.setbacks == SETBACKS:
            raise DivergedError(
                f"training broke down in epoch {len(self.validated) + 1}: the loss was {loss} at a learning rate of "
                f"{rate:g}, {SETBACKS} times halved. Set learning_rate below that, or clip below {self.lesson.clip:g}"
            )
        self.setbacks += 1
        self.predictor.load_state_dict(self.best_weights)
        self.optimiser = _optimiser(self.predictor, self.lesson)


def loss_of(predictor: Any, chunk: Chunk, memory: Any = None) -> tuple[Any, Any]:
    """The mean loss of the symbols of a chunk, and the memory after it, from which no gradient goes back.

    `memory` is that after the chunk before, None at the beginning of a batch.
    """
    device = next(predictor.parameters()).device
    heard, allowed, target, held = (torch.from_numpy(part).to(device) for part in chunk)
    if memory is None:
        memory = predictor.start(len(heard))
    log_probs, memory = predictor(heard, tuple(part[: len(heard)] for part in memory), allowed)
    said = log_probs.gather(-1, target[..., None])[..., 0][held]
    return -said.mean(), tuple(part.detach() for part in memory)


def mean_loss(predictor: Any, material: Material, lesson: Lesson, mask: BoolArray) -> float:
    """The mean loss of a symbol, where only symbols that `mask` (n_symbols,) lets can come."""
    predictor.eval()
    total = 0.0
    with torch.no_grad():
        for batch in material.batches(lesson.batch_size):
            memory = None
            for chunk in material.chunks(batch, lesson.chunk, mask):
                loss, memory = loss_of(predictor, chunk, memory)
                total += float(loss) * int(chunk.held.sum())
    return total / len(material.corpus.symbols)


def weights_of(predictor: Any) -> dict[str, Any]:
    """A copy of all that a predictor has learned, by name."""
    return {name: tensor.detach().clone() for name, tensor in predictor.state_dict().items()}


@contextlib.contextmanager
def seeded(*key: int) -> Iterator[None]:
    """Torch's generators as `key` alone says; afterwards they are as they were before."""
    seed = int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0])
    with torch.random.fork_rng(range(torch.cuda.device_count())):
        torch.manual_seed(seed)
        yield


def preloaded() -> None:
    """Make an optimiser and forget it: torch loads a part of itself, seconds long, with its first one."""
    torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))])


def _optimiser(predictor: Any, lesson: Lesson) -> Any:
    """AdamW, for which biases, scales and embeddings do not decay."""
    embeddings = {f"{name}.weight" for name, part in predictor.named_modules() if isinstance(part, torch.nn.Embedding)}
    decaying: list[Any] = []
    others: list[Any] = []
    for name, weights in predictor.named_parameters():
        (others if weights.ndim < 2 or name in embeddings else decaying).append(weights)
    groups = [
        {"params": decaying, "weight_decay": lesson.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=lesson.learning_rate)
