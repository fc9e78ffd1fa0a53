"""Dropout [1] that keeps up with small networks.

On a processor `torch.nn.Dropout` draws each yes or no by a slow road, and takes much of the time of learning; to
compare uniform numbers with a share comes to the same.

[1] N. Srivastava, G. Hinton, A. Krizhevsky, I. Sutskever and R. Salakhutdinov. Dropout: a simple way to prevent neural
    networks from overfitting. Journal of Machine Learning Research 15, 2014.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["Dropout"]


class Dropout(nn.Module):
    """While it learns, silences a `share` of the numbers and makes the others 1 / (1 - share) times as loud.

    >>> torch.equal(Dropout(0.5).eval()(torch.ones(3)), torch.ones(3))
    True
    >>> Dropout(0.75)(torch.ones(99)).unique().tolist()
    [0.0, 4.0]
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def extra_repr(self) -> str:
        """What tells it from others."""
        return f"{self.share}"

    def forward(self, inputs: Tensor) -> Tensor:
        """As many numbers, (...) to (...)."""
        if not self.training or self.share == 0:
            return inputs
        return inputs * torch.rand_like(inputs).ge_(self.share).div_(1 - self.share)
