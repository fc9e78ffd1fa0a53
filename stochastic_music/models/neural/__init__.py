"""Neural networks as models of the house: what statistical models are compared with (extra `neural`).

`docs/explanation/comparison.md` has the plan. Torch is imported only when a network learns, predicts or is
opened: `networks`, `training`, `checkpoints` and `dynamic` need it; all else is plain NumPy.
"""

from stochastic_music.models.neural.kinds import GRU, LSTM, Transformer, WaveNet

__all__ = ["GRU", "LSTM", "Transformer", "WaveNet"]
