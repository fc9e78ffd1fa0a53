"""Each proposal leaves its target as it is: transition matrices of toy spaces, every path enumerated."""

import numpy as np
import pytest
from enumerated import imbalance, paths, transition_matrix
from toy_models import CHORDS, MELODY, PLAIN, WORDS, EndlessMemory, ToyModel, marks_of, pieces

from stochastic_music.constraints import AtMost, Bars, Length
from stochastic_music.errors import InvalidParameterError, UsageError
from stochastic_music.sampling.metropolis.block import Block
from stochastic_music.sampling.metropolis.chains import picked
from stochastic_music.sampling.metropolis.layout import Layout
from stochastic_music.sampling.metropolis.proposals import Mixture, Swap, Transpose
from stochastic_music.sampling.metropolis.redraw import Copy, Redraw
from stochastic_music.sampling.metropolis.rhythm import Shift, Split
from stochastic_music.sampling.metropolis.step import begin
from stochastic_music.sampling.metropolis.target import Target
from stochastic_music.tokens import Field, Header, Meter, Vocabulary

#: notes that have more than pitch
LOUD = Vocabulary((Field("loudness", 2), Field("pitch", 2, first=60)))
WALTZ = Header(1, (Meter(0, 3, 4),))


class Space:
    """All pieces that a toy model and a constraint allow, as chains under a target that is not the model itself."""

    def __init__(self, vocabulary, header, constraint, most, *, endless=False):
        marks = marks_of(vocabulary, header) if header else ()
        model = ToyModel(vocabulary, seed=3, marks=marks, zeros=False)
        self.model = EndlessMemory(model) if endless else model
        self.layout = Layout(vocabulary)
        self.target = Target.of(self.model, header, temperature=1.7, constraint=constraint)
        every = [np.array(piece) for piece, _ in pieces(model, header, most)]
        chains = begin(self.target, self.layout.laid_out(every, most))
        possible = np.flatnonzero(chains.log_density > -np.inf)
        self.chains = begin(self.target, self.layout.laid_out([every[i] for i in possible], most))
        self.reader = self.target.reader("model")


@pytest.fixture(scope="module")
def words():
    return Space(WORDS, None, Length(1, 3), 3)


@pytest.fixture(scope="module")
def waltz():
    return Space(MELODY, WALTZ, Bars(1), 3)


@pytest.fixture(scope="module")
def march():
    return Space(MELODY, PLAIN, Bars(1), 2)


@pytest.fixture(scope="module")
def endless():
    return Space(WORDS, None, AtMost(2), 2, endless=True)


PROPOSALS = {
    "swap": lambda s: Swap(s.layout, reach=2),
    "transpose": lambda s: Transpose(s.layout, longest=2, reach=1),
    "split": lambda s: Split(s.layout, reach=1),
    "split by the model": lambda s: Split(s.layout, s.reader),
    "redraw": lambda s: Redraw(s.reader, s.layout.tones),
    "redraw of whole notes": lambda s: Redraw(s.reader, tuple(range(s.layout.vocabulary.n_fields)), longest=2),
    "copy": lambda s: Copy(s.reader, s.layout.tones, n_events=1),
    "block": lambda s: Block(s.reader, s.layout.tones, n_events=2),
    "block of whole notes": lambda s: Block(s.reader, tuple(range(s.layout.vocabulary.n_fields)), n_events=2),
}
#: those whose way back is not as likely as the way there
CORRECTED = ["split", "split by the model", "redraw", "redraw of whole notes", "copy", "block", "block of whole notes"]


@pytest.mark.parametrize("name", PROPOSALS)
@pytest.mark.parametrize("space", ["words", "march"])
def test_every_proposal_is_in_detailed_balance(name, space, request):
    space = request.getfixturevalue(space)
    matrix = transition_matrix(PROPOSALS[name](space), space.chains, space.target)
    assert (matrix >= -1e-12).all()
    assert imbalance(matrix, space.chains.log_density) < 1e-12
    assert matrix.diagonal().min() < 0.9, "it moves"


def test_models_of_endless_memory_redraw_and_copy_in_balance(endless):
    for proposal in (Redraw(endless.reader, (0,), longest=2), Copy(endless.reader, (0,), n_events=1)):
        matrix = transition_matrix(proposal, endless.chains, endless.target)
        assert imbalance(matrix, endless.chains.log_density) < 1e-12


@pytest.mark.parametrize("make", [lambda s: Shift(s.layout), PROPOSALS["block of whole notes"]])
def test_rhythm_moves_in_detailed_balance(make, waltz):
    matrix = transition_matrix(make(waltz), waltz.chains, waltz.target)
    assert imbalance(matrix, waltz.chains.log_density) < 1e-12
    assert matrix.diagonal().min() < 0.9


@pytest.mark.parametrize(("vocabulary", "header"), [(LOUD, None), (CHORDS, PLAIN)])
def test_whatever_else_notes_have_they_split_and_join_in_balance(vocabulary, header):
    space = Space(vocabulary, header, Length(1, 2), 2)
    for proposal in (PROPOSALS["split"](space), PROPOSALS["split by the model"](space)):
        matrix = transition_matrix(proposal, space.chains, space.target)
        assert imbalance(matrix, space.chains.log_density) < 1e-12
        assert matrix.diagonal().min() < 0.9


def test_notes_split_and_join_in_balance_in_a_bar_of_three(waltz):
    for name in ("split", "split by the model"):
        matrix = transition_matrix(PROPOSALS[name](waltz), waltz.chains, waltz.target)
        assert imbalance(matrix, waltz.chains.log_density) < 1e-12
        assert matrix.diagonal().min() < 0.9


def test_phrases_of_two_notes_are_copied_in_balance():
    space = Space(Vocabulary.plain(2), None, Length(4), 4)
    matrix = transition_matrix(Copy(space.reader, (0,), n_events=2), space.chains, space.target)
    assert imbalance(matrix, space.chains.log_density) < 1e-12
    assert matrix.diagonal().max() < 0.995, "it moves"


def everything(space):
    proposals = [make(space) for make in PROPOSALS.values()]
    return Mixture(tuple(proposals), tuple(float(i + 1) for i in range(len(proposals))))


@pytest.mark.parametrize("space", ["words", "march"])
def test_a_mixture_of_all_reaches_its_target_from_anywhere(space, request):
    space = request.getfixturevalue(space)
    mixture = everything(space)
    matrix = transition_matrix(mixture, space.chains, space.target)
    density = np.exp(space.chains.log_density - space.chains.log_density.max())
    density /= density.sum()
    np.testing.assert_allclose(density @ matrix, density, atol=1e-12)
    far = np.linalg.matrix_power(matrix, 4096)
    np.testing.assert_allclose(far, np.tile(density, (len(density), 1)), atol=1e-9)


class Uncorrected:
    """A proposal that claims its way back to be as likely as its way there."""

    def __init__(self, proposal):
        self.proposal, self.name = proposal, proposal.name

    def propose(self, rng, chains):
        found, log_hastings = self.proposal.propose(rng, chains)
        return found, np.where(np.isneginf(log_hastings), log_hastings, 0.0)


@pytest.mark.parametrize("name", CORRECTED)
def test_without_the_hastings_correction_balance_is_lost(name, words):
    matrix = transition_matrix(Uncorrected(PROPOSALS[name](words)), words.chains, words.target)
    assert imbalance(matrix, words.chains.log_density) > 1e-4


def test_a_block_is_always_accepted_under_the_model_itself(march):
    target = Target.of(march.model, PLAIN, constraint=Bars(1))
    chains = begin(target, march.chains.pieces)
    block = Block(target.reader("model"), (0, 1), n_events=2)
    for i in range(len(chains.lengths)):
        one = picked(chains, np.array([i]))
        for _, _, log_hastings, found in paths(block, one):
            if log_hastings > -np.inf:
                gain = target(found)[0][0] - one.log_density[0] + log_hastings
                assert abs(gain) < 1e-9


def test_mixtures_refuse_weights_that_make_no_sense(words):
    with pytest.raises(InvalidParameterError, match=r"the weight of swap is -1.*above 0"):
        Mixture((Swap(words.layout),), (-1.0,))
    with pytest.raises(InvalidParameterError, match="2 weights arrived for 1 proposals"):
        Mixture((Swap(words.layout),), (1.0, 2.0))


def test_shifting_rhythm_needs_lengths(words):
    with pytest.raises(UsageError, match="leave 'shift' out"):
        Shift(words.layout)
