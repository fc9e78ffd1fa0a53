"""Inside hidden Markov models: shares, durations, emissions and trellises are those of the model, enumerated."""

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stochastic_music.corpus import Corpus
from stochastic_music.errors import UsageError
from stochastic_music.models import Markov
from stochastic_music.models.hmm import HMM
from stochastic_music.pipeline import Pipeline
from stochastic_music.render.hidden import WEAK, ring_order
from stochastic_music.reports.inspection import Request, inspect
from stochastic_music.reports.inspection.hidden import emission_tables, following, lasts, long_run
from stochastic_music.tokens import MelodyEncoding, VoicesEncoding

TUNES = "4/4 c4 d e c c d e c e f g2 e4 f g2 g8 a g f e4 c g8 a g f e4 c"


@pytest.fixture(scope="module")
def tunes():
    return Corpus.from_text(TUNES)


@pytest.fixture(scope="module")
def pipeline(tunes):
    return Pipeline(MelodyEncoding(), HMM(n_states=2, n_iterations=10, n_restarts=1, seed=3)).fit(tunes)


def test_long_run_is_what_transitions_leave_as_it_is():
    start, steps = np.array([0.5, 0.5, 0.0]), np.array([[0.2, 0.5, 0.3], [0.4, 0.4, 0.2], [0.1, 0.1, 0.8]])
    shares = long_run(start, steps)
    np.testing.assert_allclose(shares @ steps, shares, atol=1e-12)
    assert shares.sum() == pytest.approx(1)


def test_states_that_take_turns_share_the_long_run():
    assert long_run(np.array([1.0, 0.0]), np.array([[0.0, 1.0], [1.0, 0.0]])).tolist() == [0.5, 0.5]


def test_of_parts_that_never_meet_each_keeps_what_begins_there():
    np.testing.assert_allclose(long_run(np.array([0.3, 0.7]), np.eye(2)), [0.3, 0.7])


@given(st.floats(0.0, 0.99))
def test_a_state_lasts_as_long_as_a_geometric_variable(stays):
    # sum over n of n * stays ** (n - 1) * (1 - stays)
    n = np.arange(1, 4000)
    expected = float((n * stays ** (n - 1.0) * (1 - stays)).sum())
    assert lasts(np.array([[stays, 1 - stays], [0.5, 0.5]]))[0] == pytest.approx(expected, rel=1e-6)


@given(st.permutations(range(7)))
def test_the_ring_finds_a_cycle_whatever_its_numbers(order):
    steps = np.zeros((7, 7))
    steps[list(order), [*order[1:], order[0]]] = 1.0
    ring = ring_order(steps)
    apart = np.abs(np.subtract.outer(np.argsort(ring), np.argsort(ring)))
    assert sorted(ring.tolist()) == list(range(7))
    assert (np.minimum(apart, 7 - apart) * steps).sum() == 7


def enumerated(model, emissions, start):
    """The posterior of each event's state, and the likeliest path, over all paths."""
    n, k = emissions.shape
    beliefs, best = np.zeros((n, k)), (0.0, ())
    for path in product(range(k), repeat=n):
        p = start[path[0]] * np.prod([emissions[t, z] for t, z in enumerate(path)])
        p *= np.prod([model.transmat_[a, b] for a, b in pairwise(path)])
        best = max(best, (p, path))
        for t, z in enumerate(path):
            beliefs[t, z] += p
    return beliefs / beliefs.sum(axis=1, keepdims=True), list(best[1])


def test_the_trellis_of_a_context_is_enumerated(pipeline):
    model, pitches = pipeline.model, [64, 65, 67]
    rest, *_, pitch = emission_tables(model)
    emissions = pitch[:, pitches].T * rest[:, :-1].sum(axis=1)  # any rest, any duration, any phrase mark; no END
    beliefs, path = enumerated(model, emissions, model.occupancy_)
    found = inspect(pipeline, Request(context="E4 F4 G4")).data["trellis"]
    np.testing.assert_allclose(found["posterior"], beliefs, atol=1e-12)
    assert found["path"].tolist() == path
    assert found["heard"] == ["E4", "F4", "G4"]


def test_a_beginning_and_lengths_are_heard(pipeline):
    model = pipeline.model
    rest, duration, _, pitch = emission_tables(model)
    quarter = 12 - model.vocabulary_.fields[1].first
    emissions = pitch[:, [64, 65]].T * (1 - rest[:, -1])
    emissions[0] *= duration[:, quarter]
    beliefs, path = enumerated(model, emissions, model.startprob_)
    found = inspect(pipeline, Request(context="start 1/4:E4 F4")).data["trellis"]
    np.testing.assert_allclose(found["posterior"], beliefs, atol=1e-12)
    assert (found["path"].tolist(), found["heard"]) == (path, ["E4", "F4"])


def test_what_follows_a_context_adds_up(pipeline):
    pitches, ends = following(pipeline.model, np.array([0.25, 0.75]), pipeline.vocabulary_.place("pitch"))
    assert pitches.sum() + ends == pytest.approx(1)
    rows = inspect(pipeline, Request(context="E4")).to_json()["tables"]["next"]["rows"]
    assert [row["probability"] for row in rows] == sorted((row["probability"] for row in rows), reverse=True)


def test_the_trellis_of_a_piece_is_enumerated(pipeline):
    piece = Corpus.from_text("4/4 e4 f g2")[0].score
    tokens, _ = pipeline.encode(Corpus.from_scores([piece]))
    emissions = np.exp(pipeline.model.log_emissions(tokens))
    beliefs, path = enumerated(pipeline.model, emissions, pipeline.model.startprob_)
    found = inspect(pipeline, Request(score=piece)).data["trellis"]
    np.testing.assert_allclose(found["posterior"], beliefs, atol=1e-10)
    assert found["path"].tolist() == path
    assert found["heard"] == ["E4", "F4", "G4", "END"]


def test_workstations_that_call_middle_c_c3_are_understood(pipeline):
    ours, theirs = (inspect(pipeline, Request("E4 F4")), inspect(pipeline, Request("E3 F3", middle_c="C3")))
    np.testing.assert_array_equal(ours.data["trellis"]["posterior"], theirs.data["trellis"]["posterior"])


def test_tables_are_the_models_arrays(pipeline):
    model, found = pipeline.model, inspect(pipeline)
    assert found.data["transmat"] is model.transmat_
    told = found.to_json()
    for k, row in enumerate(told["tables"]["states"]["rows"]):
        assert (row["state"], row["share"], row["begins"]) == (k, model.occupancy_[k], model.startprob_[k])
        assert row["lasts"] == pytest.approx(1 / (1 - model.transmat_[k, k]))
    likeliest = told["tables"]["transitions"]["rows"][0]
    assert likeliest["probability"] == model.transmat_.max()
    pitch = np.array(told["data"]["emissions"]["pitch"])
    np.testing.assert_allclose(pitch.sum(axis=1), 1)


def test_emissions_are_averaged_over_the_places_of_the_bar(pipeline):
    model = pipeline.model
    durations = emission_tables(model)[1]
    by_hand = [
        sum(model.places_[k, b] * model.emissions_[1][k, b] for b in range(len(model.marks_) + 1)) for k in (0, 1)
    ]
    np.testing.assert_allclose(durations, by_hand)


@pytest.mark.parametrize("topology", ["full", "left_to_right", "sticky"])
@pytest.mark.parametrize("n_states", [1, 4])
def test_every_topology_is_drawn(tunes, topology, n_states):
    model = HMM(n_states, topology=topology, n_iterations=3, n_restarts=1)
    found = inspect(Pipeline(MelodyEncoding(), model).fit(tunes), Request(context="E4 F4"))
    figure = found.draw()
    shown = figure.findobj(lambda artist: type(artist).__name__ == "FancyArrowPatch")
    away = ~np.eye(n_states, dtype=bool)
    assert len(shown) == int(((model.transmat_ >= WEAK) & away).sum())


def test_the_line_of_the_trellis_is_the_likeliest_path(pipeline):
    found = inspect(pipeline, Request(context="E4 F4 G4 C4"))
    lines = [line for axes in found.draw().get_axes() for line in axes.lines if len(line.get_xdata()) == 4]
    np.testing.assert_array_equal(lines[0].get_ydata() - 0.5, found.data["trellis"]["path"])


def test_models_without_a_clock_and_of_voices_are_told_of(tunes):
    deaf = Pipeline(MelodyEncoding(), HMM(3, clock=False, n_iterations=3, n_restarts=1)).fit(tunes)
    assert inspect(deaf).facts["places_of_the_bar"] is None
    voices = Pipeline(VoicesEncoding(n_voices=1), HMM(2, n_iterations=3, n_restarts=1)).fit(tunes)
    assert set(inspect(voices).data["emissions"]) == {field.name for field in voices.vocabulary_.fields}
    with pytest.raises(UsageError, match="several voices"):
        inspect(voices, Request(context="E4"))


def test_what_cannot_be_asked_is_said(pipeline, tunes):
    for nothing in (" ", "start"):
        with pytest.raises(UsageError, match="names no note"):
            inspect(pipeline, Request(context=nothing))
    with pytest.raises(UsageError, match="H4"):
        inspect(pipeline, Request(context="H4"))
    with pytest.raises(UsageError, match="expected one of them"):
        inspect(pipeline, Request(context="E4", score=tunes[0].score))


def test_states_that_explain_nothing_are_named(tunes):
    model = HMM(12, n_iterations=30, n_restarts=1, transition_prior=0.0, start_prior=0.0)
    pipeline = Pipeline(MelodyEncoding(), model).fit(tunes)
    said = any("No event is explained by" in line for line in inspect(pipeline).lines)
    assert said == bool(model.dead_)


def test_a_piece_is_looked_at_only_by_models_that_can(tunes):
    with pytest.raises(UsageError, match="leave --piece out"):
        inspect(Pipeline(MelodyEncoding(), Markov(order=1)).fit(tunes), Request(score=tunes[0].score))
