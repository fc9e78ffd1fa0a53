"""What walkers keep of their steps says what the steps say, also when it has been thrown away."""

import numpy as np
import pytest
from toy_models import MELODY, PLAIN, ToyModel, marks_of

from stochastic_music.constraints import Bars
from stochastic_music.sampling import sample
from stochastic_music.sampling.metropolis import Layout, walker
from stochastic_music.sampling.metropolis.reading import ConstraintReader, ContextReader


@pytest.mark.parametrize("room", [300_000, 3])
def test_what_is_kept_of_steps_is_what_they_give(room, monkeypatch):
    monkeypatch.setattr(walker, "MEMO", room)
    model = ToyModel(MELODY, seed=2, marks=marks_of(MELODY, PLAIN))
    drawn = sample(model, 8, header=PLAIN, constraint=Bars(2), seed=5)
    pieces = Layout(MELODY).laid_out([piece.symbols for piece in drawn], 12)
    for reader in (ContextReader(model, PLAIN), ConstraintReader(Bars(2), MELODY, PLAIN)):
        for _ in range(2):  # the second time from what was kept
            states = np.tile(reader.first, (8, 1))
            found = reader.read(pieces)
            for i in range(int(pieces.lengths.min())):
                kept = reader.stepped(states, pieces.symbols[:, i])
                states, log_probs = reader.step(states, pieces.symbols[:, i])
                for told in (kept, (found.states[:, i + 1], found.log_probs[:, i])):
                    np.testing.assert_array_equal(told[0], states)
                    np.testing.assert_array_equal(told[1], log_probs)
