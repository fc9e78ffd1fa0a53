"""Neural networks as models of the house: what statistical models are compared with (extra `neural`).

`docs/explanation/comparison.md` has the plan. Only this room imports torch, and only when a network learns, predicts or
is opened: what can be done without it, `heard`, `hearing`, `transposing`, `batches` and `validation`, is plain NumPy.
"""

from stochastic_music.models.neural.kinds import GRU, LSTM, Transformer, WaveNet

__all__ = ["GRU", "LSTM", "Transformer", "WaveNet"]
