"""Recurrent networks: open gates to begin with, and weights silenced for a whole batch at a time."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.neural

from stochastic_music.models.neural.networks.recurrent import Recurrent


def test_an_lstm_forgets_nothing_to_begin_with():
    bias = Recurrent(3, width=5).layers.bias_ih_l0
    assert bias.tolist() == [0.0] * 5 + [1.0] * 5 + [0.0] * 10


@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_silenced_weights_are_silent_at_every_position_and_the_others_make_up_for_it(kind):
    torch.manual_seed(0)
    network, inputs = Recurrent(3, kind=kind, width=40, recurrent_dropout=0.5), torch.randn(2, 9, 3)
    outputs, _ = network(inputs, network.start(2))
    outputs.square().sum().backward()
    weights = network.layers.weight_hh_l0
    kept = weights.grad != 0
    assert kept.double().mean().item() == pytest.approx(
        0.5, abs=0.03
    )  # 4,800 weights or more: 0.5 +- 4 errors of 0.007
    with torch.no_grad():
        weights *= 2.0 * kept
        expected, _ = network.eval()(inputs, network.start(2))
    torch.testing.assert_close(outputs, expected)


def test_between_layers_numbers_are_silenced():
    network = Recurrent(3, width=5, n_layers=2, dropout=0.5)
    inputs = torch.randn(1, 4, 3)
    with torch.no_grad():
        assert not torch.equal(network(inputs, network.start(1))[0], network(inputs, network.start(1))[0])
