from collections import Counter

import numpy as np
import pytest
from scipy.stats import chi2
from toy_models import CHANGE, CHORDS, MELODY, PICKUP, PLAIN, WORDS, EndlessMemory, ToyModel, marks_of, pieces

from stochastic_music import _backends
from stochastic_music.errors import MachineError, ProductTooLargeError, UnsatisfiableError, UsageError
from stochastic_music.sampling import Sample, Shaping, ancestral, sample, through_tables
from stochastic_music.sampling.backends.exploring import Explored
from stochastic_music.sampling.through_tables import Tables

BACKENDS = ["numpy", pytest.param("numba", marks=pytest.mark.skipif(not _backends.present("numba"), reason="no numba"))]


@pytest.fixture(autouse=True)
def tables_for_few(monkeypatch):
    """Twenty pieces are many."""
    monkeypatch.setattr(through_tables, "MANY", 20)


def toy(vocabulary=MELODY) -> ToyModel:
    return ToyModel(vocabulary, seed=2, marks=marks_of(vocabulary, PLAIN, PICKUP) if vocabulary is not WORDS else ())


def told(samples: list[Sample]) -> list[tuple]:
    return [(tuple(s.symbols.tolist()), round(s.log_prob, 9), s.capped, s.n_given, s.guarantee) for s in samples]


def step_by_step(monkeypatch, *arguments, **options) -> list[Sample]:
    with monkeypatch.context() as patch:
        patch.setattr(through_tables, "MANY", 10**9)
        return sample(*arguments, **options)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"temperature": 0.7, "top_k": 2},
        {"top_p": 0.9, "least_events": 1},
        {"whole": True, "max_events": 4, "least_events": 1},
    ],
    ids=["plain", "top_k", "top_p", "whole"],
)
@pytest.mark.parametrize("vocabulary", [MELODY, CHORDS, WORDS], ids=["melody", "chords", "words"])
def test_tables_draw_what_steps_draw(vocabulary, options, backend, monkeypatch):
    model, headers = toy(vocabulary), [None] if vocabulary is WORDS else [PLAIN, PICKUP, CHANGE]
    under = [headers[i % len(headers)] for i in range(150)]
    options = {"headers": under, "seed": 3, "max_events": 20} | options
    hoped = step_by_step(monkeypatch, model, 150, **options)
    assert told(sample(model, 150, backend=backend, **options)) == told(hoped)
    assert told(sample(model, 90, backend=backend, **options | {"headers": under[:90]})) == told(hoped[:90])


def test_tables_go_on_from_a_start(monkeypatch):
    model = toy()
    [first] = sample(model, 1, header=PICKUP, seed=8, whole=True, least_events=3)
    start = first.symbols[: 2 * MELODY.n_fields]
    options = {"header": PICKUP, "seed": 3, "max_events": 20, "start": start, "top_k": 3}
    assert told(sample(model, 60, backend="numpy", **options)) == told(step_by_step(monkeypatch, model, 60, **options))
    model._probs[:, start[0]] = 0
    with pytest.raises(UnsatisfiableError, match="impossible there"):
        sample(model, 60, backend="numpy", **options)


def test_batches_do_not_matter(monkeypatch):
    whole = told(sample(toy(), 100, header=PLAIN, seed=5, max_events=9))
    monkeypatch.setattr(through_tables, "_BATCH", 19 * 13)
    assert told(sample(toy(), 100, header=PLAIN, seed=5, max_events=9)) == whole


def test_pieces_from_tables_follow_the_model():
    # As in test_ancestral: pieces up to three notes are cells of their own. Errs once in 1,000 seeds. A colder model
    # must be told from it.
    model = toy()
    counts = Counter(tuple(s.symbols.tolist()) for s in sample(model, 20_000, header=PICKUP, seed=4, max_events=8))
    colder = Counter(
        tuple(s.symbols.tolist()) for s in sample(model, 20_000, header=PICKUP, seed=4, max_events=8, temperature=0.8)
    )
    expected = {piece: 20_000 * np.exp(lp) for piece, lp in pieces(model, PICKUP, 3)}
    cells = [piece for piece, n in expected.items() if n >= 5]
    hoped = np.array([expected[c] for c in cells])

    def survives(counts: Counter) -> float:
        seen, rest = np.array([counts[c] for c in cells]), 20_000 - hoped.sum()
        statistic = ((seen - hoped) ** 2 / hoped).sum() + (20_000 - seen.sum() - rest) ** 2 / rest
        return float(chi2.sf(statistic, len(cells)))

    assert survives(counts) > 1e-3
    assert survives(colder) < 1e-6


def test_few_pieces_are_drawn_step_by_step(monkeypatch):
    monkeypatch.setattr(through_tables, "Tables", None)
    assert len(sample(toy(), 19, header=PLAIN, seed=1)) == 19


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_back_end_that_is_named_draws_few_pieces_of_many_timings(backend, monkeypatch):
    model, under = toy(), [[PLAIN, PICKUP, CHANGE][i % 3] for i in range(50)]
    options = {"headers": under, "seed": 3, "max_events": 20, "least_events": 1}
    hoped = step_by_step(monkeypatch, model, 50, **options)
    monkeypatch.setattr(through_tables, "MANY", 1000)
    monkeypatch.setattr(ancestral, "ancestral", lambda *_, **_options: pytest.fail("step by step"))
    assert told(sample(model, 50, backend=backend, **options)) == told(hoped)


@pytest.mark.parametrize("backend", BACKENDS)
def test_timings_too_large_for_a_table_are_left_to_steps(backend, monkeypatch, caplog):
    model, under = toy(), [CHANGE if i % 5 == 0 else PLAIN for i in range(50)]
    options = {"headers": under, "seed": 3, "max_events": 20, "least_events": 1}
    hoped = step_by_step(monkeypatch, model, 50, **options)
    explore = Explored.of

    def refused(model, header, **options):
        if header == CHANGE:
            raise ProductTooLargeError("too many arcs")
        return explore(model, header, **options)

    monkeypatch.setattr(Explored, "of", refused)
    assert told(sample(model, 50, backend=backend, **options)) == told(hoped)
    assert "10 of 50 pieces are drawn step by step" in caplog.text


def test_models_too_large_for_tables(monkeypatch):
    model = toy()
    monkeypatch.setattr(through_tables, "_MOST_ARCS", 10)
    assert told(sample(model, 30, header=PLAIN, seed=1)) == told(
        step_by_step(monkeypatch, model, 30, header=PLAIN, seed=1)
    )
    with pytest.raises(ProductTooLargeError, match=r"raise max_arcs.*or leave the back end to 'auto'"):
        sample(model, 30, header=PLAIN, seed=1, backend="numpy", max_arcs=10)


def test_a_model_without_contexts_has_no_table():
    model = EndlessMemory(toy())
    assert sample(model, 30, header=PLAIN, seed=1, backend="numpy", max_events=5)
    if _backends.present("numba"):
        with pytest.raises(UsageError, match="EndlessMemory has no table"):
            sample(model, 30, header=PLAIN, seed=1, backend="numba")


@pytest.mark.skipif(_backends.gpu()[0], reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_missed_at_once():
    with pytest.raises(MachineError):
        sample(toy(), 1, header=PLAIN, backend="cupy")


def test_what_is_left_out_of_a_table_is_never_drawn():
    model = toy()
    table = Tables(model, [PLAIN] * 3, shaping=Shaping(top_k=1))._explored.table
    assert (np.diff(table.offsets) == 1).all()
    assert (table.probability == 1).all()
