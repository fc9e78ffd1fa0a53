"""Dropout silences as many numbers as it says, and their gradients."""

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.neural

from stochastic_music.models.neural.networks.dropout import Dropout


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_what_is_silent_has_no_gradient_and_the_rest_is_as_loud_as_all(dtype):
    torch.manual_seed(0)
    inputs = torch.ones(100, 100, dtype=dtype, requires_grad=True)
    outputs = Dropout(0.3)(inputs)
    outputs.sum().backward()
    assert (outputs == 0).double().mean().item() == pytest.approx(
        0.3, abs=0.02
    )  # 10,000 draws: over 4 errors of 0.0046
    assert outputs.unique().tolist() == pytest.approx([0.0, 1 / 0.7])
    assert outputs.dtype == dtype
    torch.testing.assert_close(inputs.grad, outputs.detach())
