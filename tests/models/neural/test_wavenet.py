"""WaveNet's parts by hand, and against convolutions written out."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.neural

from torch.nn.functional import conv1d

from stochastic_music.models.neural.networks.wavenet import GatedLayer, WaveNet, gated_unit


def test_the_gated_unit_of_one_channel_by_hand():
    # z_t = tanh(2 x_(t-1) - x_t) * sigmoid(x_t + 1), then x_t + 3 z_t goes on and z_t / 2 skips
    layer = GatedLayer(1, 1, dilation=1).double()
    with torch.no_grad():
        layer.taps.weight[:] = torch.tensor([[2.0, -1.0], [0.0, 1.0]])
        layer.taps.bias[:] = torch.tensor([0.0, 1.0])
        layer.ways.weight[:] = torch.tensor([[3.0], [0.5]])
        layer.ways.bias[:] = 0.0
        x = torch.tensor([0.25, -0.5], dtype=torch.float64).reshape(1, 2, 1)
        passed, skipped, tail = layer(x, x.new_zeros(1, 1, 1))
    first = math.tanh(2 * 0 - 0.25) / (1 + math.exp(-1.25))
    second = math.tanh(2 * 0.25 + 0.5) / (1 + math.exp(-0.5))
    assert passed.ravel().tolist() == pytest.approx([0.25 + 3 * first, -0.5 + 3 * second], abs=1e-14)
    assert skipped.ravel().tolist() == pytest.approx([first / 2, second / 2], abs=1e-14)
    assert tail.ravel().tolist() == [-0.5]


@pytest.mark.parametrize("dilation", [1, 2, 8])
def test_a_layer_is_a_dilated_convolution(dilation):
    torch.manual_seed(0)
    layer = GatedLayer(3, 4, dilation).double()
    x = torch.randn(2, 11, 3, dtype=torch.float64)
    kernel = torch.stack(layer.taps.weight.split(3, dim=1), dim=-1)  # (6 out, 3 in, 2 taps)
    padded = torch.nn.functional.pad(x.transpose(1, 2), (dilation, 0))
    z = gated_unit(conv1d(padded, kernel, layer.taps.bias, dilation=dilation).transpose(1, 2))
    passed, skipped, _ = layer(x, x.new_zeros(2, dilation, 3))
    torch.testing.assert_close(passed, x + layer.ways(z)[..., :3], rtol=0, atol=1e-12)
    torch.testing.assert_close(skipped, layer.ways(z)[..., 3:], rtol=0, atol=1e-12)


@pytest.mark.parametrize(("n_layers", "n_stacks", "field"), [(1, 1, 2), (4, 1, 16), (4, 2, 31), (3, 3, 22)])
def test_fields_double_with_each_layer_and_add_with_each_stack(n_layers, n_stacks, field):
    assert WaveNet(1, width=1, skip_width=1, n_layers=n_layers, n_stacks=n_stacks).receptive_field == field
