"""Figures of a comparison, from results whose answers are known."""

from types import SimpleNamespace

import numpy as np
import pytest

from stochastic_music.evaluation.likelihood import Totals, difference
from stochastic_music.reports.comparison import figures, means
from stochastic_music.reports.comparison.cells import Cell
from stochastic_music.reports.comparison.contenders import contenders
from stochastic_music.reports.comparison.running import Result, following

MARKOV, HMM = contenders(["markov", "hmm"])
NOTES = [10, 20, 10, 40]


def result(contender, bits, *, seed=0, regime="budget", by_itself=True, n_pieces=8, pseudo=False, worked=1.0):
    cell = Cell(contender, seed, regime, n_pieces, 20.0)
    fit = {"seconds": 1.0, "processor_seconds": worked, "by_itself": by_itself, "pseudo": pseudo, "history": None}
    return Result(cell, fit, {"bits": bits, "notes": NOTES, "seconds": 0.1})


TWO_SEEDS = [result(HMM, [20, 40, 20, 80], seed=0), result(HMM, [40, 40, 40, 120], seed=1)]


def test_seeds_are_averaged_piece_by_piece_first():
    found = figures.prediction(TWO_SEEDS)
    assert found["bits_per_note"]["value"] == (30 + 40 + 30 + 100) / 80
    assert found["per_seed"] == [2.0, 3.0]
    assert found["per_piece"] == [3.0, 2.0, 3.0, 2.5]
    assert found["stopped"] == ["by itself"] * 2


def test_a_difference_is_paired_and_corrected_over_its_table():
    markov = [result(MARKOV, [40, 80, 40, 160])]
    [row] = figures.differences({None: {"markov": markov, "hmm": TWO_SEEDS}})
    assert (row["a"], row["b"]) == ("markov", "hmm")
    assert row["bits_per_note"]["value"] == 2.5 - 4.0
    assert row["p"] == 0.125  # nothing swapped, and all four pieces, of sixteen ways
    assert row["p_corrected"] == row["p"]
    counts = np.array(NOTES, dtype=float)
    alone = difference(Totals(np.array([40.0, 80, 40, 160]), counts), Totals(np.array([30.0, 40, 30, 100]), counts))
    assert row["bits_per_note"]["interval"] == list(alone.interval)
    twice = figures.differences({8: {"markov": markov, "hmm": TWO_SEEDS}, 4: {"markov": markov, "hmm": TWO_SEEDS}})
    assert [row["n_pieces"] for row in twice] == [8, 4]
    assert [row["p_corrected"] for row in twice] == [0.25, 0.25]


def test_a_model_that_only_compares_pieces_stands_apart():
    pseudo = [result(HMM, [10, 10, 10, 10], pseudo=True)]
    found = figures.prediction(pseudo)
    assert found["bits_per_note"] is None
    assert found["pseudo_bits_per_note"]["value"] == 0.5
    assert figures.differences({None: {"markov": [result(MARKOV, NOTES)], "hmm": pseudo}}) == []


def test_an_impossible_piece_makes_figures_infinite_and_comparisons_none():
    never = [result(MARKOV, [None, 40, 20, 80])]
    found = figures.prediction(never)
    assert found["bits_per_note"]["value"] is None
    assert found["per_piece"] == [None, 2.0, 2.0, 2.0]
    [row] = figures.differences({None: {"markov": never, "hmm": TWO_SEEDS}})
    assert row["p"] is None
    assert row["p_corrected"] is None


def test_the_second_table_takes_what_stopped_by_itself_as_it_is():
    stopped = result(HMM, [20, 40, 20, 80], seed=0)
    asked = result(HMM, [40, 40, 40, 120], seed=1, by_itself=False)
    longer = result(HMM, [20, 20, 20, 60], seed=1, regime="own stop")
    found = figures.own_stop([asked, longer, stopped], "hmm")
    assert found == [stopped, longer]
    assert figures.prediction([asked])["stopped"] == ["after 20 s"]


def test_a_fit_on_a_busy_machine_says_so():
    assert result(HMM, NOTES, by_itself=False, worked=0.9).hurried == ""
    assert result(HMM, NOTES, by_itself=True, worked=0.2).hurried == ""  # it was not asked to stop
    hurried = result(HMM, NOTES, by_itself=False, worked=0.2)
    assert "of 1 s this fit had a processor for 0 s" in hurried.hurried
    assert "the machine was busy" in str(hurried)


def test_curves_end_with_all_pieces():
    small = result(HMM, [40, 80, 40, 160], regime="curve", n_pieces=4)
    rows = figures.curve([*TWO_SEEDS, small], "hmm", [4, 8])
    assert [(row["n_pieces"], row["bits_per_note"]["value"]) for row in rows] == [(4, 4.0), (8, 2.5)]


def test_judgements_of_seeds_together():
    def judgement(accuracy, p, weight):
        telling = [{"feature": "leaps", "weight": weight, "words": f"leaps {weight}"}]
        interval = [accuracy - 0.1, accuracy + 0.1]
        return {"accuracy": accuracy, "interval": interval, "auc": accuracy, "p": p, "level": 0.95, "n": 9,
                "telling": telling}  # fmt: skip

    found = means.judge([judgement(0.6, 0.02, 0.1), None, judgement(0.8, 0.04, 0.3)])
    assert found["accuracy"] == pytest.approx(0.7)
    assert found["interval"] == pytest.approx([0.6, 0.8])
    assert found["p"] == pytest.approx(0.06)
    assert found["telling"] == [{"feature": "leaps", "weight": 0.2, "words": "leaps 0.3"}]
    assert means.judge([None]) is None
    assert means.judge([judgement(0.6, 0.02, 0.1)])["p"] == 0.02


def test_what_is_spread_evenly():
    found = means.spread([1, 2, 3])
    assert (found["value"], found["median"]) == (2.0, 2.0)
    assert found["interval"][0] < 2.0 < found["interval"][1]


def test_what_time_ended_is_fitted_again_and_what_broke_down_is_not():
    job, cell = SimpleNamespace(own_stop=True), Cell(MARKOV, 0, "budget", 8, 20.0)
    assert following(Result(cell, failed={"fit": "its process died (process 1 ended with signal 9)"}), job) == []
    for ended in (
        Result(cell, failed={"fit": "not fitted after 20 s"}, overran=True),
        result(HMM, [1.0], by_itself=False),
    ):
        assert [(again.regime, again.seconds) for again in following(ended, job)] == [("own stop", 120.0)]
