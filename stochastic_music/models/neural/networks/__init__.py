"""Networks that read a piece from left to right, and one contract for all of them.

A network is a `torch.nn.Module` with

    n_outputs                   how many numbers it answers at each position
    start(batch_size)           the memory before anything: a tuple of tensors, the batch first, of the type and on
                                the device of its parameters
    forward(inputs, memory)     inputs (batch, T, n_inputs) -> outputs (batch, T, n_outputs), and the memory after them

It is made with `n_inputs` first and its own sizes as keywords, `dropout` among them. It is *causal*: output t depends
on the memory and on inputs 0 to t. What it answers does not depend on how inputs were cut, all at once as in training
or one by one as in composing; rows of a batch do not hear of each other. The first axis of all that memory holds is
the batch, whatever else changes, so that `part[rows]` takes some of the rows, once or more.

`predictor.Predictor` puts one between integers and distributions:

    columns of `hearing.Hearing` --embedded--> network --heads--> log probabilities of the symbols that training knows

    forward(heard, memory, allowed)    heard (batch, T, n_columns) int64, allowed (batch, T, n_known) Boolean ->
                                       log probabilities (batch, T, n_known), and the memory after them

where known symbol k has the id `hearing.symbols[k]`; `hearing.place[id]` is its k, or -1. Row t is the distribution of
symbol t given what was heard before it: -inf where it is not `allowed`, else its exponentials add up to 1.
"""
