"""Neural networks as models of the house: what statistical models are compared with (extra `neural`).

`docs/explanation/comparison.md` has the plan. Only this room imports torch, and what it holds without it,
`hearing` and `transposing`, is plain NumPy.
"""
