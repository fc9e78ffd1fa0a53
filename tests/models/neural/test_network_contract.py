"""What every network must keep to: causal, whatever the cuts, rows apart, in both precisions."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.neural

from stochastic_music.models.neural.networks.recurrent import Recurrent
from stochastic_music.models.neural.networks.transformer import Transformer
from stochastic_music.models.neural.networks.wavenet import WaveNet

N_INPUTS, LENGTH = 3, 23
NETWORKS = {
    "lstm": lambda **options: Recurrent(N_INPUTS, width=6, n_layers=2, **options),
    "gru": lambda **options: Recurrent(N_INPUTS, kind="gru", width=6, n_layers=2, **options),
    "wavenet": lambda **options: WaveNet(N_INPUTS, width=4, skip_width=5, n_layers=3, n_stacks=2, **options),
    "transformer": lambda **options: Transformer(N_INPUTS, width=8, n_heads=2, n_layers=2, span=5, **options),
}
every_network = pytest.mark.parametrize("name", NETWORKS)


def made(name, **options):
    torch.manual_seed(7)
    return NETWORKS[name](**options).double().eval()


def music(batch_size=2, length=LENGTH):
    return torch.randn(batch_size, length, N_INPUTS, generator=torch.Generator().manual_seed(3), dtype=torch.float64)


def in_pieces(network, inputs, sizes):
    memory, outputs = network.start(len(inputs)), []
    for piece in inputs.split(sizes, dim=1):
        heard, memory = network(piece, memory)
        outputs.append(heard)
    return torch.cat(outputs, dim=1), memory


def some_loss(outputs):
    weights = torch.linspace(-1, 2, outputs.shape[-1], dtype=outputs.dtype)  # a plain sum, after a norm, is a constant
    return (outputs * weights).sum()


def sizes_between(cuts, length=LENGTH):
    return [b - a for a, b in pairwise([0, *sorted(cuts), length])]


@every_network
@given(cuts=st.sets(st.integers(1, LENGTH - 1)))
@settings(max_examples=25, deadline=None)
def test_cuts_change_nothing(name, cuts):
    network, inputs = made(name), music()
    with torch.no_grad():
        whole, end = network(inputs, network.start(2))
        cut, cut_end = in_pieces(network, inputs, sizes_between(cuts))
    torch.testing.assert_close(cut, whole, rtol=0, atol=1e-10)
    for there, here in zip(cut_end, end, strict=True):
        torch.testing.assert_close(there, here, rtol=0, atol=1e-10)


@every_network
def test_a_lost_memory_is_noticed(name):
    network, inputs = made(name), music()
    with torch.no_grad():
        whole, _ = network(inputs, network.start(2))
        second, _ = network(inputs[:, 10:], network.start(2))
    assert (second - whole[:, 10:]).abs().amax() > 1e-3


@every_network
def test_outputs_depend_on_the_past_and_the_present_alone(name):
    network, inputs, at = made(name), music(), 9
    changed = inputs.clone()
    changed[:, at] += 1.0
    with torch.no_grad():
        before, _ = network(inputs, network.start(2))
        after, _ = network(changed, network.start(2))
    moved = (after - before).abs().amax(dim=(0, 2))
    assert moved[:at].max() == 0.0
    assert moved[at : at + 4].min() > 1e-6  # the control: what comes later does hear of it


@every_network
def test_rows_neither_hear_each_other_nor_forget_who_they_are(name):
    network, inputs = made(name), music(4)
    with torch.no_grad():
        whole, _ = network(inputs, network.start(4))
        _, memory = network(inputs[:, :11], network.start(4))
        chosen = torch.tensor([3, 1, 1])
        rest, _ = network(inputs[chosen, 11:], tuple(part[chosen] for part in memory))
        alone, _ = network(inputs[2:3], network.start(1))
    torch.testing.assert_close(rest, whole[chosen, 11:], rtol=0, atol=1e-10)
    torch.testing.assert_close(alone, whole[2:3], rtol=0, atol=1e-10)


@every_network
def test_single_precision_is_close_and_stays_single(name):
    network, inputs = made(name), music()
    with torch.no_grad():
        double, _ = network(inputs, network.start(2))
        single, memory = network.float()(inputs.float(), network.start(2))
    assert {single.dtype, *(part.dtype for part in memory)} == {torch.float32}
    torch.testing.assert_close(single.double(), double, rtol=0, atol=1e-4)


@every_network
def test_every_parameter_learns(name):
    network = made(name).train()
    outputs, _ = network(music(), network.start(2))
    some_loss(outputs).backward()
    for parameter in network.parameters():
        assert parameter.grad is not None
        assert parameter.grad.isfinite().all()
        assert parameter.grad.abs().max() > 1e-6


@every_network
def test_gradients_pass_through_the_memory(name):
    network, inputs = made(name), music().requires_grad_()
    outputs, _ = in_pieces(network, inputs, [10, 3, 10])
    some_loss(outputs[:, 11]).backward()
    reached = inputs.grad.abs().amax(dim=(0, 2))
    assert reached[9] > 1e-6
    assert reached[12:].max() == 0.0


@every_network
def test_dropout_is_for_learning_alone(name):
    network, inputs = made(name, dropout=0.5), music()
    with torch.no_grad():
        calm, again = (network(inputs, network.start(2))[0] for _ in range(2))
        network.train()
        shaken, shaken_again = (network(inputs, network.start(2))[0] for _ in range(2))
    assert torch.equal(calm, again)
    assert not torch.equal(shaken, shaken_again)


@pytest.mark.parametrize("name", ["wavenet", "transformer"])  # the others remember without a bound
def test_the_receptive_field_is_as_wide_as_it_says(name):
    network = made(name)
    width = network.receptive_field
    inputs = music(1, width + 6).requires_grad_()
    outputs, _ = network(inputs, network.start(1))
    some_loss(outputs[0, -1]).backward()
    heard = inputs.grad[0].abs().amax(dim=-1)
    assert heard[-width:].min() > 1e-9
    assert heard[:-width].max() == 0.0


@every_network
def test_the_memory_holds_a_row_each_and_stops_growing(name):
    network = made(name)
    with torch.no_grad():
        memory = network.start(2)
        sizes = []
        for _ in range(20):
            _, memory = network(music(2, 1), memory)
            assert {len(part) for part in memory} == {2}
            sizes.append(sum(part.numel() for part in memory))
    assert sizes[-1] == sizes[-2] == max(sizes)
