"""What is compared: the split, the cells and their keys."""

import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest

from stochastic_music.corpus import Corpus
from stochastic_music.reports.comparison.cells import PATIENCE, cells, key, on_its_own
from stochastic_music.reports.comparison.contenders import contenders
from stochastic_music.reports.comparison.music import music_of
from stochastic_music.reports.comparison.working import stopped_by_itself
from stochastic_music.tokens import MelodyEncoding


@pytest.fixture
def music(tunes):
    return music_of(tunes, MelodyEncoding(), transpose="none", test_size=0.25, seed=0)


def test_both_sides_are_over_one_alphabet_and_share_no_piece(music):
    assert len(music.training) == 9
    assert len(music.test) == 3
    assert not set(music.training.names) & set(music.test.names)
    assert music.training.vocabulary == music.test.vocabulary
    everything = np.union1d(music.training.symbols, music.test.symbols)
    assert set(everything) <= {*np.flatnonzero(music.test.vocabulary.mask), music.test.vocabulary.end}


def test_variants_of_a_tune_stay_on_one_side(tune):
    def walk(seed):
        return 60 + np.random.default_rng(seed).integers(0, 12, 24)

    lines = [walk(i // 2) + 2 * (i % 2) for i in range(12)]  # six tunes, each of them twice
    corpus = Corpus.from_scores([tune([(t, 1, int(p)) for t, p in enumerate(line)]) for line in lines])
    for seed in range(5):
        found = music_of(corpus, MelodyEncoding(), transpose="none", test_size=0.3, seed=seed)
        sides = [{(int(name.split("#")[1]) - 1) // 2 for name in side.names} for side in (found.training, found.test)]
        assert not sides[0] & sides[1]
        assert len(found.test) == 4  # two tunes whole: a third would be more than the share


def test_training_pieces_alone_are_multiplied(tunes):
    found = music_of(tunes, MelodyEncoding(), transpose="all", test_size=0.25, seed=0)
    assert (len(found.names), len(found.training), len(found.test)) == (9, 108, 3)
    assert len(found.subset(2)) == 24
    assert [header.transposed for header in found.learned_from(60).headers] == [0] * 9  # as held-out pieces are


def test_smaller_training_sets_lie_in_larger_ones(music):
    subsets = [set(music.subset(n).tolist()) for n in (1, 3, 6, 9)]
    assert [len(subset) for subset in subsets] == [1, 3, 6, 9]
    assert all(small < large for small, large in pairwise(subsets))


def test_new_pieces_stand_under_headers_of_held_out_pieces(music):
    assert music.headers(2) == [*music.held_out(2).headers]
    assert music.headers(7) == [music.test.headers[i % 3] for i in range(7)]


def test_the_budget_is_shared_by_the_fits_of_a_kind(music):
    found = cells(contenders(["markov", "hmm"]), music, budget=60.0, seeds=3, sizes=(4, 100))
    told = [(cell.contender.name, cell.regime, cell.seed, cell.n_pieces, cell.seconds) for cell in found]
    assert told == [
        ("markov", "budget", 0, 9, 60.0),
        ("markov", "curve", 0, 4, 20.0),
        *(("hmm", "budget", seed, 9, 20.0) for seed in range(3)),
        ("hmm", "curve", 0, 4, 20.0),
    ]
    assert found[0].composing == (0, 1, 2)  # fitted once, composing by each seed
    assert [cell.composing for cell in found[2:5]] == [(0,), (1,), (2,)]
    assert on_its_own(found[2]).seconds == 20.0 * PATIENCE


def test_a_key_changes_with_all_that_determines_a_fit(music, tunes):
    [cell] = cells(contenders(["markov"]), music, budget=60.0, seeds=1, sizes=())
    other_music = music_of(tunes, MelodyEncoding(), transpose="common", test_size=0.25, seed=0)
    longer = cells(contenders(["markov"]), music, budget=90.0, seeds=1, sizes=())
    deeper = cells(contenders(["markov"], {"markov": {"order": 1}}), music, budget=60.0, seeds=1, sizes=())
    keys = {key(cell.facts(music)), key(cell.facts(other_music)), key(longer[0].facts(music))}
    assert len(keys | {key(deeper[0].facts(music))}) == 4
    assert key(cell.facts(music)) == key(cell.facts(music))


@pytest.mark.neural
def test_no_fit_pays_for_what_torch_loads_with_its_first_optimizer():
    pytest.importorskip("torch")
    code = """
import sys
from stochastic_music.reports.comparison.working import prepared
prepared("lstm", "neural")
before = set(sys.modules)
import torch
torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))])
assert set(sys.modules) == before, set(sys.modules) - before
"""
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_why_a_fit_ended_is_what_the_model_says_or_else_the_clock():
    class Learner:
        def fit(self, corpus, *, seconds=None): ...

    class Counter:
        def fit(self, corpus): ...

    learner = Learner()
    assert stopped_by_itself(Counter(), 60.0, 10.0)
    assert stopped_by_itself(learner, 5.0, 10.0)
    assert not stopped_by_itself(learner, 10.0, 10.0)
    learner.timed_out_ = True  # while it chose its size, which has a part of the time
    assert not stopped_by_itself(learner, 5.0, 10.0)
