"""Relative attention against a loop over positions, and its span."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.neural

from stochastic_music.models.neural.networks.transformer import RelativeAttention

WIDTH, HEADS, SIZE = 6, 2, 3


def by_loops(attention, inputs):
    """The definition, position by position and head by head, of one row: (T, WIDTH)."""
    queries, keys, values = attention.all_three(inputs).chunk(3, dim=-1)
    found = torch.zeros_like(inputs)
    for head in range(HEADS):
        own = slice(head * SIZE, (head + 1) * SIZE)
        for i in range(len(inputs)):
            seen = range(max(0, i - attention.span + 1), i + 1)
            farthest_first = attention.distances[head]
            logits = [
                queries[i, own] @ (keys[j, own] + farthest_first[attention.span - 1 - (i - j)]) / math.sqrt(SIZE)
                for j in seen
            ]
            shares = torch.stack(logits).softmax(dim=0)
            found[i, own] = sum(share * values[j, own] for share, j in zip(shares, seen, strict=True))
    return attention.out(found)


@pytest.mark.parametrize(("span", "length"), [(1, 4), (3, 2), (4, 4), (4, 9), (5, 16), (20, 7), (30, 70)])
def test_attention_is_what_its_definition_says(span, length):
    torch.manual_seed(span)
    attention = RelativeAttention(WIDTH, HEADS, span).double()
    inputs = torch.randn(2, length, WIDTH, dtype=torch.float64)
    with torch.no_grad():
        none = inputs.new_zeros(2, 0, WIDTH)
        found, keys, values = attention(inputs, none, none)
        expected = torch.stack([by_loops(attention, row) for row in inputs])
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
    assert keys.shape == values.shape == (2, min(length, span - 1), WIDTH)


def test_distance_matters():
    # equal inputs everywhere give equal keys and values: only what each distance says can tell them apart
    torch.manual_seed(1)
    attention = RelativeAttention(WIDTH, HEADS, span=4).double()
    inputs = torch.randn(1, 1, WIDTH, dtype=torch.float64)
    with torch.no_grad():
        keys = attention._heads(attention.all_three(inputs.expand(1, 4, WIDTH)).chunk(3, dim=-1)[1])
        shares = attention._by_distance(keys, 4)[0, :, -1]
        assert shares.std(dim=-1).min() > 1e-3
        attention.distances.zero_()
        assert attention._by_distance(keys, 4).abs().max() == 0.0
