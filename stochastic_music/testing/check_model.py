"""`check_model`: does a model keep the contract of `stochastic_music.protocols`?

    def test_contract():
        check_model(MyModel())

Each check is a function of its own, on corpora small enough to enumerate: one field, two fields, a clock
with marks, and pieces without END. What breaks is named in the AssertionError. Sampling is tested by
chi-square at a fixed seed; a correct model fails it with probability 1e-4 for each corpus, once and for
all seeds, and a distribution known to be wrong must be refused by the same test.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from stochastic_music.corpus import TokenCorpus
from stochastic_music.errors import NotFittedError
from stochastic_music.models.base import corpus_log_probs, stepwise_log_probs
from stochastic_music.protocols import (
    AdaptiveModel,
    FiniteContextModel,
    FloatArray,
    HiddenContextModel,
    IntArray,
    MergingModel,
    ReasoningModel,
    RememberingModel,
)
from stochastic_music.sampling import sample
from stochastic_music.testing.toys import TOYS

#: events to which pieces are enumerated, and pieces drawn for the chi-square test
DEPTH, DRAWS = 2, 3000
#: the test refuses below this
LEVEL = 1e-4
_SLACK = 1e-8
#: less than any weight that matters
_TINY = np.finfo(np.float64).tiny


def check_model(model: Any, *, corpora: Mapping[str, Callable[[], TokenCorpus]] = TOYS) -> None:
    """Raise AssertionError, naming what broke, unless `model` keeps the contract.

    `model` is an instance with the parameters to be tested; it is copied, not changed. `corpora` are the
    toy corpora to fit, by name: leave out those that a model is not made for.
    """
    check_constructor(model)
    check_unfitted(model)
    for name, make in corpora.items():
        try:
            _check_on(model, make())
        except AssertionError as error:
            raise AssertionError(f"{type(model).__name__} on the toy corpus '{name}': {error}") from error


def _check_on(model: Any, corpus: TokenCorpus) -> None:
    check_fit(model, corpus)
    fitted = fresh(model).fit(corpus)
    check_rows(fitted, corpus)
    check_state(fitted, corpus)
    check_steps(fitted, corpus)
    check_enumeration(fitted, corpus)
    if isinstance(fitted, FiniteContextModel):
        check_contexts(fitted, corpus)  # before sampling, which draws from their arcs
    if isinstance(fitted, HiddenContextModel):
        check_hidden_contexts(fitted, corpus)
    check_sampling(fitted, corpus)
    check_round_trip(fitted, corpus)
    check_merging(fitted, corpus)
    if isinstance(fitted, ReasoningModel):
        check_reasons(fitted, corpus)
    if isinstance(fitted, AdaptiveModel):
        check_adapting(fitted, corpus)
    if isinstance(fitted, RememberingModel):
        check_parts(fitted, corpus)


def params_of(model: Any) -> dict[str, Any]:
    """The constructor's arguments: from `get_params` where there is one, else the attributes of their names."""
    if hasattr(model, "get_params"):
        return dict(model.get_params())
    return {name: getattr(model, name) for name in inspect.signature(type(model)).parameters if hasattr(model, name)}


def fresh(model: Any) -> Any:
    """An unfitted model with the same parameters."""
    return type(model)(**params_of(model))


def check_constructor(model: Any) -> None:
    """The constructor stores its arguments under their own names, and nothing else."""
    names = set(inspect.signature(type(model)).parameters)
    markers = {name: object() for name in names}
    try:
        stored = vars(type(model)(**markers))
    except Exception as error:
        raise AssertionError(f"the constructor does more than store its arguments: {error!r}") from error
    missing, extra = sorted(names - set(stored)), sorted(set(stored) - names)
    _require(not missing, f"the constructor does not store {missing} under their own names")
    _require(not extra, f"the constructor stores more than its arguments: {extra}")
    for name, marker in markers.items():
        _require(stored[name] is marker, f"the constructor changes '{name}': store it as it came, check it in fit")


def check_unfitted(model: Any) -> None:
    """Use before `fit` raises NotFittedError."""
    try:
        fresh(model).initial_state(1)
    except NotFittedError:
        return
    raise AssertionError("initial_state before fit raises no NotFittedError")


def check_fit(model: Any, corpus: TokenCorpus) -> None:
    """`fit` returns self, leaves parameters and corpus alone, and gives the same again."""
    one, before = fresh(model), (corpus.symbols.copy(), corpus.offsets.copy())
    params = params_of(one)
    _require(one.fit(corpus) is one, "fit does not return self")
    _require(params_of(one) == params, "fit changes the parameters: what is learned goes to attributes that end in _")
    _require(getattr(one, "vocabulary_", None) is not None, "fit does not keep the vocabulary as vocabulary_")
    unchanged = np.array_equal(before[0], corpus.symbols) and np.array_equal(before[1], corpus.offsets)
    _require(unchanged, "fit changes the corpus it was given")
    first = corpus_log_probs(one, corpus)
    _require_same(first, corpus_log_probs(fresh(model).fit(corpus), corpus), "two fits on one corpus differ")
    _require_same(first, corpus_log_probs(one.fit(corpus), corpus), "fit again on the same model differs")


def check_rows(model: Any, corpus: TokenCorpus) -> None:
    """Along every piece, and past its end: rows add up to 1, and are -inf outside the field now due."""
    vocabulary, padded = corpus.vocabulary, corpus.padded()
    state = model.initial_state(len(corpus), corpus.headers)
    clock = vocabulary.clock.start(corpus.headers)
    end = np.full((len(padded), 2 if vocabulary.closed else 0), vocabulary.end)
    lengths = np.append(padded, end, axis=1)
    for t, symbols in enumerate(lengths.T):
        rows = model.next_log_probs(state)
        _require(rows.shape == (len(corpus), vocabulary.n_symbols), f"rows have shape {rows.shape} at step {t}")
        _require(not np.isnan(rows).any(), f"a row holds nan at step {t}")
        total = np.exp(rows).sum(axis=1)
        _require(np.allclose(total, 1, atol=_SLACK), f"rows at step {t} add up to {total.tolist()}; expected 1")
        wrong = np.isfinite(rows) & ~vocabulary.due_mask[clock.due]
        _require(not wrong.any(), f"step {t} allows symbol {int(np.argmax(wrong.any(axis=0)))}, which is not due there")
        state, clock = model.advance(state, symbols), vocabulary.clock.advance(clock, symbols)


def check_state(model: Any, corpus: TokenCorpus) -> None:
    """`advance` leaves the state it was given alone, and rows do not depend on the batch."""
    first = corpus.padded()[:, 0]
    state = model.initial_state(len(corpus), corpus.headers)
    before = model.next_log_probs(state)
    after = model.next_log_probs(model.advance(state, first))
    _require_same(before, model.next_log_probs(state), "advance changes the state it was given")
    for i, header in enumerate(corpus.headers):
        alone = model.next_log_probs(model.advance(model.initial_state(1, header), first[i : i + 1]))
        _require_same(alone[0], after[i], "a row alone differs from the same row in a batch")


def check_steps(model: Any, corpus: TokenCorpus) -> None:
    """What the model says of whole pieces is what its steps say."""
    steps = stepwise_log_probs(model, corpus)
    _require_same(steps, corpus_log_probs(model, corpus), "corpus_log_probs differs from the steps")
    if hasattr(model, "log_prob"):
        parts = np.split(steps, corpus.offsets[1:-1])
        for sequence, header, part in zip(corpus, corpus.headers, parts, strict=True):
            _require_same(part.sum(), model.log_prob(sequence, header), "log_prob is not the sum of its steps")


def check_enumeration(model: Any, corpus: TokenCorpus) -> None:
    """All pieces of at most DEPTH events, and all beginnings of longer ones, have probability 1 together."""
    _, log_probs = enumerate_pieces(model, corpus)
    total = float(np.exp(log_probs).sum())
    _require(abs(total - 1) < _SLACK, f"all pieces together have probability {total}; expected 1")


def enumerate_pieces(model: Any, corpus: TokenCorpus, n_events: int = DEPTH) -> tuple[IntArray, FloatArray]:
    """Every piece of at most `n_events` events, and every beginning of a longer one, with its log probability.

    Rows are (n, n_events * n_fields), filled up with END; log probabilities (n,), those of beginnings
    without what comes after. The last header of `corpus` stands over all of them.
    """
    vocabulary, header = corpus.vocabulary, corpus.headers[-1]
    pieces, log_probs = np.zeros((1, 0), dtype=np.int64), np.zeros(1)
    for _ in range(n_events * vocabulary.n_fields):
        rows = model.next_log_probs(_after(model, pieces, header))
        row, symbol = np.nonzero(np.isfinite(rows))
        pieces = np.column_stack([pieces[row], symbol])
        log_probs = log_probs[row] + rows[row, symbol]
    return pieces, log_probs


def _after(model: Any, pieces: IntArray, header: Any) -> Any:
    state = model.initial_state(len(pieces), header)
    for symbols in pieces.T:
        state = model.advance(state, symbols)
    return state


def check_sampling(model: Any, corpus: TokenCorpus) -> None:
    """Samples follow the probabilities, equal seeds give equal pieces, and a wrong distribution is refused."""
    pieces, log_probs = enumerate_pieces(model, corpus)
    drawn, again = (_draw(model, corpus, pieces.shape[1]) for _ in range(2))
    _require(np.array_equal(drawn, again), "the same seed gives other pieces")
    counts = _count(drawn, pieces)
    p = chi_square(counts, np.exp(log_probs))
    _require(p > LEVEL, f"samples do not follow the probabilities: chi-square p = {p:.1g}")
    flat = np.exp(log_probs / 3)
    if np.ptp(log_probs) > 0.5:
        p = chi_square(counts, flat / flat.sum())
        _require(p < LEVEL, f"the test of samples does not refuse a flattened distribution: p = {p:.1g}")


def _draw(model: Any, corpus: TokenCorpus, width: int) -> IntArray:
    """Pieces cut or filled up with END: (DRAWS, width)."""
    out = np.full((DRAWS, width), corpus.vocabulary.end, dtype=np.int64)
    samples = sample(model, DRAWS, header=corpus.headers[-1], max_events=DEPTH, seed=2026)
    for row, drawn in zip(out, samples, strict=True):
        row[: len(drawn.symbols)] = drawn.symbols[:width]
    return out


def _count(drawn: IntArray, pieces: IntArray) -> IntArray:
    places = {tuple(piece): i for i, piece in enumerate(pieces.tolist())}
    unknown = [row for row in drawn.tolist() if tuple(row) not in places]
    _require(not unknown, f"the sampler drew {unknown[:1]}, which has probability 0")
    return np.bincount([places[tuple(row)] for row in drawn.tolist()], minlength=len(pieces))


def chi_square(counts: IntArray, probabilities: FloatArray) -> float:
    """The p-value of `counts` under `probabilities`, cells that expect fewer than 5 taken together.

    >>> round(chi_square(np.array([20, 30, 50]), np.array([0.25, 0.25, 0.5])), 3)
    0.368
    """
    expected = probabilities * counts.sum()
    small = expected < 5
    observed = np.append(counts[~small], counts[small].sum())
    expected = np.append(expected[~small], expected[small].sum())
    used = expected > 0
    if used.sum() < 2:
        return 1.0
    return float(stats.chisquare(observed[used], expected[used] * observed.sum() / expected[used].sum()).pvalue)


def check_round_trip(model: Any, corpus: TokenCorpus) -> None:
    """What `to_arrays` gives holds plain numbers, and `from_arrays` makes the same model of it."""
    if not hasattr(model, "to_arrays"):
        return
    arrays: dict[str, NDArray[Any]] = model.to_arrays()
    for name, array in arrays.items():
        _require(isinstance(array, np.ndarray), f"to_arrays()['{name}'] is a {type(array).__name__}; expected an array")
        _require(array.dtype.kind in "biuf", f"to_arrays()['{name}'] has dtype {array.dtype}; expected plain numbers")
    loaded = fresh(model)
    loaded = loaded.from_arrays({name: array.copy() for name, array in arrays.items()}, corpus.vocabulary)
    same = np.array_equal(corpus_log_probs(model, corpus), corpus_log_probs(loaded, corpus))
    _require(same, "the model differs after to_arrays and from_arrays")
    for name, array in loaded.to_arrays().items():
        _require(np.array_equal(array, arrays[name]), f"'{name}' differs after to_arrays and from_arrays")


def check_merging(model: Any, corpus: TokenCorpus) -> None:
    """`merge` gives the model fitted on the pieces of both, `forget` the one fitted without those lost."""
    if not isinstance(model, MergingModel):
        return
    corpus = corpus.select([-1 % len(corpus), *range(len(corpus) - 1)])  # so that no order by length will do
    first, others = corpus.select([0]), corpus.select(range(1, len(corpus)))
    one, other, both = (fresh(model).fit(part) for part in (first, others, corpus))
    _require_equal(one.merge(other, pieces=corpus), both, corpus, "merged models differ from one fitted on all pieces")
    left = both.forget(others, kept=first)
    _require_equal(left, one, corpus, "a model made to forget differs from one that never saw the pieces")
    _require_equal(one, fresh(model).fit(first), corpus, "merging changes the model")
    _require_equal(both, fresh(model).fit(corpus), corpus, "forgetting changes the model")


def _require_equal(model: Any, other: Any, corpus: TokenCorpus, what: str) -> None:
    """Counts must be equal, learned weights to 1e-6."""
    mine, theirs = _everything(model, corpus), _everything(other, corpus)
    _require(set(mine) == set(theirs), f"{what}: in the names of their arrays")
    for name, array in theirs.items():
        exact = array.dtype.kind != "f"
        same = mine[name].shape == array.shape and np.allclose(mine[name], array, rtol=0, atol=0 if exact else 1e-6)
        _require(same, f"{what}: in '{name}'")


def _everything(model: Any, corpus: TokenCorpus) -> dict[str, NDArray[Any]]:
    arrays = model.to_arrays() if hasattr(model, "to_arrays") else {}
    return {"log probabilities": corpus_log_probs(model, corpus), **arrays}


def check_reasons(model: Any, corpus: TokenCorpus, at_most: int = 2) -> None:
    """Each symbol has its reasons, and sources are places where the training symbols hold it."""
    places = np.arange(len(corpus.symbols))
    said = model.reasons(corpus, places, corpus, at_most=at_most)
    _require(len(said) == len(places), f"{len(said)} reasons for {len(places)} symbols; expected one each")
    for symbol, why in zip(corpus.symbols, said, strict=True):
        wrong = [reason for reason in why.reasons if math.isnan(reason.nats) or not 0 <= reason.times <= reason.total]
        _require(not wrong, f"this is no reason: {wrong[:1]}")
        _require(
            len(why.sources) == min(at_most, why.n_sources),
            f"{len(why.sources)} of {why.n_sources} sources are given; expected {at_most} at most",
        )
        same = bool((corpus.symbols[why.sources] == symbol).all())
        _require(same, f"symbol {symbol} was not learned at {why.sources.tolist()}: other symbols stand there")
    alone = model.reasons(corpus, places)
    _require(all(len(why.sources) == 0 for why in alone), "sources are named without training symbols")


def check_adapting(model: Any, corpus: TokenCorpus) -> None:
    """`adapt` gives a model that keeps the contract too, and leaves the one it was asked of alone."""
    before = corpus_log_probs(model, corpus)
    adapted = model.adapt(corpus[0], corpus.headers[0])
    check_rows(adapted, corpus)
    check_steps(adapted, corpus)
    _require_same(before, corpus_log_probs(model, corpus), "adapt changes the model it was asked of")


def check_parts(model: Any, corpus: TokenCorpus) -> None:
    """`parts` are long- and short-term memory, or none, and models each."""
    parts = model.parts()
    _require(set(parts) in ({"long_term", "short_term"}, set()), f"parts are {sorted(parts)}; expected both or none")
    for part in parts.values():
        check_rows(part, corpus)
        check_steps(part, corpus)


def check_contexts(model: Any, corpus: TokenCorpus) -> None:
    """Walking the contexts of a FiniteContextModel gives the rows of its states."""
    padded, clock = corpus.padded(), corpus.vocabulary.clock.start(corpus.headers)
    contexts = np.full(len(corpus), model.start(), dtype=np.int64)
    state = model.initial_state(len(corpus), corpus.headers)
    for t, symbols in enumerate(padded.T):
        contexts = model.hear(contexts, corpus.vocabulary.clock.marks(clock))
        row, symbol, log_prob, target = model.arcs(contexts)
        _require((np.diff(row) >= 0).all(), "the rows of arcs do not ascend")
        in_range = ((target >= 0) & (target < model.n_contexts)).all()
        _require(in_range, f"arcs lead outside 0 to {model.n_contexts - 1} at step {t}")
        rows = np.full((len(corpus), corpus.n_symbols), -np.inf)
        rows[row, symbol] = log_prob
        _require_same(rows, model.next_log_probs(state), f"arcs differ from the rows of the state at step {t}")
        if not corpus.vocabulary.closed and (symbols == corpus.vocabulary.end).any():
            return
        table = np.full((len(corpus), corpus.n_symbols), -1)
        table[row, symbol] = target
        contexts = table[np.arange(len(corpus)), symbols]
        state, clock = model.advance(state, symbols), corpus.vocabulary.clock.advance(clock, symbols)


def check_hidden_contexts(model: Any, corpus: TokenCorpus) -> None:
    """What is believed of the contexts of a HiddenContextModel gives the rows of its states."""
    contexts, clock = model.finite_contexts(), corpus.vocabulary.clock.start(corpus.headers)
    arcs = contexts.arcs(np.arange(contexts.n_contexts))
    belief = np.zeros((len(corpus), contexts.n_contexts))
    belief[:, contexts.start()] = 1.0
    state = model.initial_state(len(corpus), corpus.headers)
    for t, symbols in enumerate(corpus.padded().T):
        if not corpus.vocabulary.closed and (symbols == corpus.vocabulary.end).any():
            return
        after, rows = np.zeros_like(belief), np.zeros((len(corpus), corpus.n_symbols))
        for i, mark in enumerate(corpus.vocabulary.clock.marks(clock).tolist()):
            heard = contexts.hear(np.arange(contexts.n_contexts), np.full(contexts.n_contexts, mark))
            belief[i] = np.bincount(heard, weights=belief[i], minlength=contexts.n_contexts)
            weight = belief[i, arcs.row] * np.exp(arcs.log_prob)
            np.add.at(rows[i], arcs.symbol, weight)
            taken = (arcs.symbol == symbols[i]) & (arcs.symbol != corpus.vocabulary.end)
            np.add.at(after[i], arcs.next_context[taken], weight[taken])
        alive = belief.any(axis=1)
        rows, expected = rows[alive], np.exp(model.next_log_probs(state)[alive])
        _require_same(rows, expected, f"hidden contexts differ from the rows of the state at step {t}")
        belief = after / np.maximum(after.sum(axis=1, keepdims=True), _TINY)
        state, clock = model.advance(state, symbols), corpus.vocabulary.clock.advance(clock, symbols)


def _require(holds: Any, message: str) -> None:
    if not holds:
        raise AssertionError(message)


def _require_same(one: Any, other: Any, what: str) -> None:
    same = np.allclose(one, other, rtol=1e-9, atol=_SLACK)
    _require(same, f"{what}: {np.asarray(one).ravel()[:4].tolist()} against {np.asarray(other).ravel()[:4].tolist()}")
