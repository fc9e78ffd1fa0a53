"""Targets, runs, diagnostics and checkpoints of Metropolis sampling."""

import sys

import numpy as np
import pytest
from enumerated import Script, key_of
from toy_models import MELODY, PLAIN, WORDS, EndlessMemory, ToyModel, marks_of, pieces

from stochastic_music.constraints import AtMost, Bars, Length, PitchRange
from stochastic_music.corpus import TokenCorpus
from stochastic_music.errors import InvalidParameterError, UnknownNameError, UsageError
from stochastic_music.models import Markov
from stochastic_music.protocols import EnergyModel
from stochastic_music.sampling import sample
from stochastic_music.sampling.metropolis import (
    Contour,
    Density,
    Draws,
    Events,
    Layout,
    Pieces,
    Plan,
    Precision,
    Redraw,
    Similarity,
    Style,
    Swap,
    Target,
    Tension,
    begin,
    exchange,
    mixture,
    run,
    step,
    summary,
)
from stochastic_music.sampling.metropolis.catalogue import USUAL, proposals
from stochastic_music.sampling.metropolis.chains import Chains
from stochastic_music.sampling.metropolis.reading import ConstraintReader, ContextReader, WholeReader
from stochastic_music.sampling.metropolis.soft import events_of
from stochastic_music.tokens import Field, Header, Meter, Vocabulary

MARCH_MODEL = ToyModel(MELODY, seed=2, marks=marks_of(MELODY, PLAIN), zeros=False)


def started(model, constraint, n, most, header=None):
    drawn = sample(model, n, header=header, constraint=constraint, seed=5)
    return Layout(model.vocabulary_).laid_out([piece.symbols for piece in drawn], most)


def notes(*rows, header=None):
    """(pitch, onset, duration) of each note of one piece."""
    pitch, onset, duration = (np.array([column]) for column in zip(*rows, strict=True))
    return Events(pitch, onset, duration, np.ones_like(pitch, dtype=bool), header)


# Soft terms, worked out by hand.


def test_contour_is_the_correlation_with_the_curve_less_one_a_note():
    rising = notes((60, 0, 1), (62, 1, 1), (64, 2, 1))
    assert Contour("rise").score(rising)[0] == pytest.approx(0.0)
    assert Contour("fall").score(rising)[0] == pytest.approx(-6.0)
    assert Contour((1.0, 2.0, 9.0)).score(notes((60, 0, 1), (60, 1, 1)))[0] == pytest.approx(-2.0)  # no r: flat


def test_contour_weighs_notes_by_their_length():
    # middles at 1/8, 3/8 and 3/4 of the piece, weights 1/4, 1/4 and 1/2
    long_last = notes((60, 0, 1), (62, 1, 1), (63, 2, 2))
    t, p, w = np.array([1 / 8, 3 / 8, 3 / 4]), np.array([0, 2, 3.0]), np.array([0.25, 0.25, 0.5])
    t, p = t - w @ t, p - w @ p
    r = (w @ (t * p)) / np.sqrt((w @ t**2) * (w @ p**2))
    assert Contour("rise").score(long_last)[0] == pytest.approx(3 * (r - 1))


def test_tension_is_the_distance_of_levels_of_the_basic_space():
    # in G: G is 0, D 1, B 2, A 3, F natural 4
    piece = notes((67, 0, 1), (62, 1, 1), (71, 2, 1), (69, 3, 1), (65, 4, 1))
    assert Tension((0.0,), "G").score(piece)[0] == -10.0
    assert Tension("rise", "G").score(notes((67, 0, 1), (65, 1, 1)))[0] == pytest.approx(-2.0)  # wanted: 1 and 3
    minor = notes((69, 0, 1), (72, 1, 1), (73, 2, 1), header=Header(1, key="Am"))
    assert Tension((0.0,)).score(minor)[0] == -(0 + 2 + 4)


def test_density_counts_notes_in_each_bar():
    header = Header(2, (Meter(0, 2, 4),), pickup=2)  # bars at 0 (pickup), 2, 6, ...
    piece = notes((60, 0, 2), (60, 2, 1), (60, 3, 1), (60, 4, 2), (60, 6, 4), header=header)
    assert Density(2).score(piece)[0] == -(1 + 1 + 1)


def test_similarity_is_nought_for_the_piece_itself():
    given = Similarity(frozenset({(0, 60), (1, 62)}))
    assert given.score(notes((60, 0, 1), (62, 1, 1)))[0] == 0.0
    assert given.score(notes((60, 0, 1), (64, 1, 1), (62, 2, 1)))[0] == 1 - (3 + 2) / 2


def test_events_know_pitch_and_time():
    symbols = [MELODY.symbol("duration", 2), MELODY.symbol("pitch", 61), MELODY.symbol("duration", 1), 4, MELODY.end]
    events = events_of(Layout(MELODY), Layout(MELODY).laid_out([np.array(symbols)], 3))
    assert events.pitch[0, :2].tolist() == [61, 62]
    assert events.onset[0, :2].tolist() == [0, 2]
    assert events.duration[0, :2].tolist() == [2, 1]
    assert events.there[0].tolist() == [True, True, False]


def test_a_target_is_the_sum_of_its_terms():
    other = ToyModel(WORDS, seed=8, zeros=False)
    model = ToyModel(WORDS, seed=3, zeros=False)
    soft = [(Contour("rise"), 0.5), (Style(other, against=model), 2.0)]
    target = Target.of(model, temperature=2.0, soft=soft, constraint=AtMost(2))
    every = [(np.array(piece), log_prob) for piece, log_prob in pieces(model, None, 3)]
    laid = Layout(WORDS).laid_out([piece for piece, _ in every], 3)
    found, _, _ = target(laid)
    theirs = dict(pieces(other, None, 3))
    bend = Contour("rise").score(events_of(Layout(WORDS), laid))
    for i, (piece, log_prob) in enumerate(every):
        expected = log_prob / 2 + 0.5 * bend[i] + 2 * (theirs[tuple(piece.tolist())] - log_prob)
        assert found[i] == (pytest.approx(expected) if len(piece) <= 3 else -np.inf)


# Reading again what has changed.


@pytest.mark.parametrize("n_chains", [3, 80])  # few chains keep what they found
def test_after_any_change_readings_are_what_a_fresh_reading_gives(n_chains):
    constraint = Length(1, 8)
    target = Target.of(MARCH_MODEL, PLAIN, constraint=constraint, guides=[EndlessMemory(MARCH_MODEL)])
    moves = proposals(target)
    chains = begin(target, started(MARCH_MODEL, constraint, n_chains, 8, PLAIN))
    for at in range(60):
        chains, _ = step(Draws(3, at, n_chains), chains, target, moves, 0.3)
    fresh = begin(target, chains.pieces)
    np.testing.assert_allclose(chains.log_density, fresh.log_density, atol=1e-9)
    for reader, reading in chains.readings.items():
        np.testing.assert_allclose(reading.log_probs, fresh.readings[reader].log_probs, atol=1e-9)
        if reading.states is not None:
            inside = np.arange(reading.states.shape[1]) < chains.lengths[:, None]
            np.testing.assert_array_equal(reading.states[inside], fresh.readings[reader].states[inside])


def test_both_ways_of_reading_a_model_agree():
    every = [np.array(piece) for piece, _ in pieces(MARCH_MODEL, PLAIN, 2)]
    laid = Layout(MELODY).laid_out(every, 3)
    one, other = ContextReader(MARCH_MODEL, PLAIN).read(laid), WholeReader(EndlessMemory(MARCH_MODEL), PLAIN).read(laid)
    np.testing.assert_allclose(one.total, other.total)
    np.testing.assert_allclose(one.total, [log_prob for _, log_prob in pieces(MARCH_MODEL, PLAIN, 2)])


def test_constraints_are_read_where_pieces_have_no_end():
    open_ended = Vocabulary((Field("pitch", 3, first=60),), closed=False)
    reader = ConstraintReader(Length(2) & PitchRange(60, 61), open_ended)
    laid = Layout(open_ended).laid_out([np.array(p) for p in ([0, 1], [0], [0, 2], [1, 1, 1])], 3)
    assert reader.read(laid).total.tolist() == [0.0, -np.inf, -np.inf, -np.inf]


# Steps.


def learned(*sequences):
    return Markov(1, "add_k").fit(TokenCorpus.from_sequences(sequences, WORDS))


def setting(n=4, **of):
    model = learned([0, 1, 0, 2], [1, 2, 2, 0])
    target = Target.of(model, constraint=Length(1, 5), **of)
    return target, started(model, Length(1, 5), n, 5)


def test_a_step_is_a_function_of_its_arguments():
    target, start = setting()
    chains, moves = begin(target, start), proposals(target)
    before = [np.array(part) for part in chains[:4]]
    one, info = step(Draws(1, 7, 4), chains, target, moves)
    other, same = step(Draws(1, 7, 4), chains, target, moves)
    np.testing.assert_array_equal(one.symbols, other.symbols)
    np.testing.assert_array_equal(info.accepted, same.accepted)
    for was, part in zip(before, chains[:4], strict=True):
        np.testing.assert_array_equal(was, part)


def test_a_chain_does_not_depend_on_the_others():
    target, start = setting(n=6)
    few = Pieces(start.symbols[:2], start.lengths[:2])
    many, alone = (run(target, s, proposals(target), Plan(steps=200), seed=9) for s in (start, few))
    np.testing.assert_array_equal(many.symbols[:, :2], alone.symbols)


def test_an_exchange_of_replicas_is_in_detailed_balance():
    # two rungs, states 0 and 1 with log densities 0 and 1: (x, y) at betas (1, 0.5) has log density x + y / 2
    beta, energy = np.array([1.0, 0.5]), np.array([[0.0, 1.0], [1.0, 0.0]])
    rates = []
    for row in energy:
        chains = Chains(np.array([[0], [1]]), np.ones(2, dtype=int), row, np.zeros((2, 1)), {})
        swapped = [exchange(Draws(4, 2 * i, 2), chains, beta, 2)[1].any() for i in range(4000)]
        rates.append(np.mean(swapped))
    assert rates[0] == pytest.approx(1.0)  # the better piece comes to the colder rung
    assert rates[1] == pytest.approx(np.exp(-0.5), abs=4 * np.sqrt(0.24 / 4000))  # four standard errors
    odd = exchange(Draws(4, 1, 2), chains, beta, 2)[1]
    assert not odd.any()


def test_energies_alone_are_enough():
    class Ones:
        vocabulary_ = WORDS

        def log_density(self, symbols, lengths, headers=None):
            del headers  # no meter is heard
            inside = np.arange(symbols.shape[1]) < lengths[:, None]
            return 0.5 * ((symbols == 1) & inside).sum(axis=1)

    assert isinstance(Ones(), EnergyModel)
    target = Target.of(Ones(), constraint=Length(2))
    start = Layout(WORDS).laid_out([np.array([0, 0])] * 500, 2)
    found = run(target, start, proposals(target, {"transpose": 1}), Plan(steps=400, thin=10), seed=1)
    share = (found.pieces().symbols[:, :2] == 1).mean()
    expected = np.exp(0.5) / (2 + np.exp(0.5))
    assert share == pytest.approx(expected, abs=0.02)
    with pytest.raises(UsageError, match="only compares: give a guide"):
        proposals(target, {"redraw": 1})


# Runs.


def frequencies(found, names):
    late = found.pieces()
    place = {name: i for i, name in enumerate(names)}
    counts = np.bincount([place[key_of(late, i)] for i in range(len(late.lengths))], minlength=len(names))
    return counts / counts.sum()


class Uncorrected:
    """A redraw that claims its way back to be as likely as its way there."""

    name = "uncorrected"

    def __init__(self, proposal):
        self.proposal = proposal

    def propose(self, rng, chains):
        found, log_hastings = self.proposal.propose(rng, chains)
        return found, np.where(np.isneginf(log_hastings), log_hastings, 0.0)


def test_long_runs_come_to_the_exact_distribution_and_uncorrected_ones_do_not():
    # 39 states, 200,000 draws: the expected distance of independent draws is 0.5 sqrt(2 * 39 / (pi * 2e5)) = 0.006
    model = ToyModel(WORDS, seed=3, zeros=False)
    target = Target.of(model, temperature=1.7, constraint=Length(1, 3))
    every = [np.array(piece) for piece, _ in pieces(model, None, 3) if len(piece) > 1]
    density, _, _ = target(Layout(WORDS).laid_out(every, 3))
    exact = np.exp(density - density.max()) / np.exp(density - density.max()).sum()
    names = [tuple(piece.tolist()) for piece in every]
    start = Layout(WORDS).laid_out([next(piece for piece in every if len(piece) == 4)] * 4000, 3)
    plan = Plan(steps=200, thin=2)
    true = frequencies(run(target, start, proposals(target), plan, seed=2), names)
    assert 0.5 * np.abs(true - exact).sum() < 0.01
    wrong = mixture([(Uncorrected(Redraw(target.reader("model"), (0,))), 1), (Swap(Layout(WORDS)), 1)])
    same_length = [i for i, piece in enumerate(every) if len(piece) == 4]
    drawn = frequencies(run(target, start, wrong, plan, seed=2), names)[same_length]
    expected = exact[same_length] / exact[same_length].sum()
    assert 0.5 * np.abs(drawn - expected).sum() > 0.05


def test_tempering_and_cooling_leave_the_coldest_rung_as_it_is():
    target, start = setting(n=400)
    plain = run(target, start, proposals(target), Plan(steps=120, thin=4), seed=3)
    hot = run(target, start, proposals(target), Plan(steps=120, thin=4, ladder=(1.0, 0.5), cooling=4.0), seed=3)
    assert hot.symbols.shape == plain.symbols.shape
    # 400 independent chains: means agree within five standard errors
    one, other = (found.log_density[-1] for found in (plain, hot))
    assert abs(one.mean() - other.mean()) < 5 * np.sqrt((one.var() + other.var()) / 400)


def test_a_run_stops_when_it_is_precise_enough_and_says_so():
    target, start = setting(n=8)
    plan = Plan(steps=2000, thin=2, precision=Precision(r_hat=1.05, ess=100))
    found = run(target, start, proposals(target), plan, seed=1)
    assert found.n_steps < 2000
    assert found.stopped.startswith("precise enough after")
    spent = run(target, start, proposals(target), Plan(steps=20, precision=Precision(mcse=1e-9)), seed=1)
    assert spent.stopped == "the budget of 20 steps is spent"


def test_a_run_that_was_broken_off_goes_on_to_the_same_bytes(tmp_path):
    target, start = setting()
    plan = Plan(steps=200, thin=5, ladder=(1.0, 0.6))
    whole = run(target, start, proposals(target), plan, seed=4, save_to=tmp_path / "whole.ckpt")

    class EnoughError(Exception):
        pass

    def stop(done, _total, _label):
        if done == 117:
            raise EnoughError

    path = tmp_path / "broken.ckpt"
    with pytest.raises(EnoughError):
        run(target, start, proposals(target), plan, seed=4, save_to=path, progress=stop)
    resumed = run(target, start, proposals(target), plan, seed=4, save_to=path)
    np.testing.assert_array_equal(whole.symbols, resumed.symbols)
    np.testing.assert_array_equal(whole.log_density, resumed.log_density)
    assert path.read_bytes() == (tmp_path / "whole.ckpt").read_bytes()


def test_a_run_can_be_asked_for_more_steps(tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules[run.__module__], "KEPT", 50)  # a longer run would keep fewer
    target, start = setting()
    path = tmp_path / "run.ckpt"
    run(target, start, proposals(target), Plan(steps=100), seed=4, save_to=path)
    longer = run(target, start, proposals(target), Plan(steps=150), seed=4, save_to=path)
    at_once = run(target, start, proposals(target), Plan(steps=150, thin=2), seed=4)
    np.testing.assert_array_equal(longer.symbols, at_once.symbols)
    assert longer.stopped == "the budget of 150 steps is spent"


def test_a_run_that_was_precise_enough_goes_on_to_another_precision(tmp_path):
    target, start = setting()
    path = tmp_path / "run.ckpt"
    rough = Plan(steps=400, thin=2, precision=Precision(mcse=100.0))
    assert run(target, start, proposals(target), rough, seed=4, save_to=path).n_steps == 100
    whole = run(target, start, proposals(target), Plan(steps=400, thin=2), seed=4, save_to=path)
    assert whole.stopped == "the budget of 400 steps is spent"
    np.testing.assert_array_equal(
        whole.symbols, run(target, start, proposals(target), Plan(steps=400, thin=2), seed=4).symbols
    )


def test_what_counts_of_a_run_that_cools_down_was_drawn_when_it_had():
    target, start = setting()
    plan = Plan(steps=400, thin=2, cooling=4.0, precision=Precision(mcse=100.0))
    assert run(target, start, proposals(target), plan, seed=4).n_steps == 200


def test_checkpoints_of_other_runs_are_refused_by_name(tmp_path):
    target, start = setting()
    path, plan = tmp_path / "run.ckpt", Plan(steps=20)
    run(target, start, proposals(target), plan, seed=4, save_to=path)
    others = {
        "model": (Target.of(learned([0, 1, 1]), constraint=Length(1, 5)), plan, 4),
        "target": (setting(soft=[(Contour("rise"), 1.0)])[0], plan, 4),
        "plan": (target, Plan(steps=20, ladder=(1.0, 0.5)), 4),
        "seed": (target, plan, 5),
    }
    for name, (other, how, seed) in others.items():
        with pytest.raises(UsageError, match=f"another {name}"):
            run(other, start, proposals(other), how, seed=seed, save_to=path)
    wider = started(target.reader("model").model, Length(1, 5), 4, 6)
    with pytest.raises(UsageError, match="another start"):
        run(target, wider, proposals(target), plan, seed=4, save_to=path)
    with pytest.raises(UsageError, match="has gone 20 steps, and 10 were asked for"):
        run(target, start, proposals(target), Plan(steps=10), seed=4, save_to=path)
    near, far = (mixture([(Swap(Layout(WORDS), reach=reach), 1)]) for reach in (1, 2))
    run(target, start, near, plan, seed=4, save_to=tmp_path / "near.ckpt")
    with pytest.raises(UsageError, match="another proposals"):
        run(target, start, far, plan, seed=4, save_to=tmp_path / "near.ckpt")
    path.write_bytes(b"what is this")
    with pytest.raises(UsageError, match="no checkpoint, or damaged"):
        run(target, start, proposals(target), plan, seed=4, save_to=path)


def test_a_chain_that_never_moves_is_said():
    model = ToyModel(WORDS, seed=3, zeros=False)
    target = Target.of(model, constraint=Length(1))
    start = Layout(WORDS).laid_out([np.array([0])] * 2, 1)
    found = run(target, start, proposals(target, {"swap": 1}), Plan(steps=50), seed=1).diagnostics
    assert found.frozen == (True, True)
    assert found.acceptance == 0
    assert "Chains 1, 2 never moved: no change was accepted in 50 steps" in found.remarks()[0]
    assert np.isnan(found.rows[0].r_hat)
    assert found.to_json()["quantities"][0]["r_hat"] is None


def test_changes_that_change_nothing_are_not_moves():
    # after any two of its symbols the model knows the third: what is redrawn is what there was
    model = Markov(1, "none").fit(TokenCorpus.from_sequences([[0, 1, 2, 0, 1, 2]], WORDS))
    target = Target.of(model, constraint=Length(6))
    found = run(target, started(model, Length(6), 2, 6), proposals(target), Plan(steps=200), seed=1).diagnostics
    assert found.acceptance == 0
    assert found.frozen == (True, True)
    assert "Chains 1, 2 never moved" in found.remarks()[0]


def test_replicas_that_were_exchanged_have_moved():
    target, start = setting()

    class Hot:
        name = "hot"  # only what stands on the second rung may change

        def propose(self, rng, chains):
            found, log_hastings = Redraw(target.reader("model"), (0,)).propose(rng, chains)
            return found, np.where(np.arange(rng.n) % 2 == 1, log_hastings, -np.inf)

    found = run(target, start, Hot(), Plan(steps=200, ladder=(1.0, 0.9)), seed=1)
    assert not found.accepted.any()
    assert found.diagnostics.frozen == (False,) * 4


def test_what_cannot_be_told_is_said_to_be_so():
    target, start = setting()
    short = run(target, start, proposals(target), Plan(steps=5), seed=1).diagnostics
    assert short.remarks() == [
        "How well the chains agree cannot be told: too few states were kept. Take more steps, or other proposals"
    ]
    even = Markov(0, "none").fit(TokenCorpus.from_sequences([[0, 1, 2]], WORDS))
    level = Target.of(even, constraint=Length(2))
    found = run(level, started(even, Length(2), 4, 2), proposals(level), Plan(steps=100), seed=1).diagnostics
    assert "the log density never changed" in found.remarks()[0]


def test_terms_of_one_name_are_told_apart():
    model = ToyModel(WORDS, seed=3, zeros=False)
    soft = [(Contour("rise"), 1.0), (Contour("fall"), 1.0), (Style(model, against=model), 1.0)]
    target, start = setting(soft=soft)
    rows = run(target, start, proposals(target), Plan(steps=20), seed=1).diagnostics.rows
    assert [row.name for row in rows] == [
        "log density", "model", "contour", "contour 2", "style", "style, against", "notes", "mean pitch"
    ]  # fmt: skip


def test_guides_hold_their_own_gaps_to_be_impossible():
    guide = Markov(1, "none").fit(TokenCorpus.from_sequences([[0, 1, 0, 1]], WORDS))
    target = Target.of(EndlessMemory(ToyModel(WORDS, seed=3, zeros=False)), guides=[guide])
    density, _, _ = target(Layout(WORDS).laid_out([np.array([0, 1]), np.array([1, 1])], 2))
    assert np.isfinite(density).tolist() == [True, False]


def test_diagnostics_tell_chains_that_disagree_from_those_that_agree():
    random = np.random.default_rng(1)
    same, apart = random.normal(size=(4, 500)), random.normal(size=(4, 500)) + np.arange(4)[:, None]
    assert summary("same", same).r_hat < 1.01 < 1.2 < summary("apart", apart).r_hat
    walk = np.cumsum(random.normal(size=(4, 500)), axis=1)
    assert summary("walk", walk).ess < 50 < 1500 < summary("same", same).ess
    assert summary("same", same).mcse == pytest.approx(1 / np.sqrt(2000), rel=0.2)


# Requests that make no sense.


def test_bad_requests_are_refused_kindly():
    target, start = setting()
    with pytest.raises(InvalidParameterError, match="there are no chains"):
        run(target, Pieces(start.symbols[:0], start.lengths[:0]), proposals(target))
    with pytest.raises(UsageError, match="chain 1 begins at a piece that cannot be, says the constraint"):
        run(target, Layout(WORDS).laid_out([np.array([], dtype=int)], 5), proposals(target))
    with pytest.raises(UnknownNameError, match="unknown proposal 'redrew': did you mean 'redraw'"):
        proposals(target, {"redrew": 1.0})
    with pytest.raises(InvalidParameterError, match="weight of swap is 0"):
        proposals(target, {"swap": 0.0})
    with pytest.raises(UnknownNameError, match="unknown curve 'arc': did you mean 'arch'"):
        Contour("arc")
    with pytest.raises(InvalidParameterError, match="density is -1"):
        Density(-1)
    with pytest.raises(InvalidParameterError, match="temperature is 0"):
        Target.of(MARCH_MODEL, temperature=0)
    for weight in (np.nan, np.inf):
        with pytest.raises(InvalidParameterError, match=f"the weight of contour is {weight}; expected a finite"):
            Target.of(MARCH_MODEL, soft=[(Contour("rise"), weight)])
    for plan in ({"steps": 0}, {"thin": 0}, {"ladder": (0.5,)}, {"cooling": 0.0}):
        with pytest.raises(InvalidParameterError):
            Plan(**plan)


def test_the_usual_proposals_are_those_that_suit_the_vocabulary():
    target, _ = setting()
    assert set(proposals(target).name.split(",")) == {f"{n}:{USUAL[n]:g}" for n in USUAL if n != "shift"}
    march = Target.of(MARCH_MODEL, PLAIN, constraint=Bars(2))
    assert len(proposals(march).proposals) == len(USUAL)


def test_scripts_follow_every_choice():
    script, seen = [], []
    while script is not None:
        rng = Script(script)
        seen.append((int(rng.below(np.array([2]), 0)[0]), int(rng.below(np.array([3]), 1)[0])))
        script = rng.following()
    assert seen == [(i, j) for i in range(2) for j in range(3)]
