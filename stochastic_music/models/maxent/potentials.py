"""What a maximum-entropy model has learned: fields and couplings, and the log density that they give.

    log p(x) + constant  =  sum over events t and fields f of
          bias[x_tf]  +  place[mark_t, x_tf]
        + sum over fields g > f of  within[x_tf, x_tg]
        + sum over distances d = 1 .. K and fields g of  across[d][x_t-d,g, x_tf]

Events before the first and after the last are silence, which is coupled as any other event is: so a piece begins and
ends as those of the corpus do. All tables are over columns (see `events`), in nats.
"""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np

from stochastic_music.models.maxent.events import Columns, Events, strung
from stochastic_music.protocols import BoolArray, FloatArray, IntArray


class Potentials(NamedTuple):
    """`bias` (Q,), `place` (M, Q), `within` (Q, Q), `across` (K, Q + 1, Q + 1) as [distance - 1, earlier, later].

    Of `within` only the blocks of two different fields, the earlier one first, are used; column Q of `across` is
    silence.
    """

    bias: FloatArray
    place: FloatArray
    within: FloatArray
    across: FloatArray

    @classmethod
    def zeros(cls, columns: Columns, reach: int) -> Self:
        """Potentials that know nothing, of couplings up to `reach` events apart."""
        q = columns.n_columns
        return cls(np.zeros(q), np.zeros((len(columns.marks), q)), np.zeros((q, q)), np.zeros((reach, q + 1, q + 1)))

    @property
    def reach(self) -> int:
        """K: how many events apart couplings reach."""
        return len(self.across)

    def flat(self) -> FloatArray:
        """All of them one after another."""
        return np.concatenate([part.ravel() for part in self])

    def filled(self, flat: FloatArray) -> Self:
        """Potentials of this shape out of numbers one after another."""
        parts = np.split(flat, np.cumsum([part.size for part in self])[:-1])
        return type(self)(*(part.reshape(like.shape) for part, like in zip(parts, self, strict=True)))


def pair_blocks(columns: Columns) -> BoolArray:
    """Which entries of `within` are used: (Q, Q)."""
    field = np.repeat(np.arange(columns.n_fields), np.diff(columns.bounds))
    blocks: BoolArray = field[:, None] < field
    return blocks


def within_events(potentials: Potentials, columns: Columns, blocked: BoolArray) -> FloatArray:
    """What two columns of one event add, in either order; -inf where they are blocked: (Q, Q), symmetric."""
    used = np.where(pair_blocks(columns), potentials.within, 0.0)
    return np.where(blocked, -np.inf, used + used.T)


def log_density(potentials: Potentials, events: Events, columns: Columns, blocked: BoolArray) -> FloatArray:
    """The unnormalised log density of each piece, in nats; -inf where an event is `blocked`: (n_pieces,)."""
    total = np.zeros(len(events.values))
    for f in range(columns.n_fields):
        total += _field_density(potentials, events, columns, f)
        for g in range(f):
            earlier, later = (columns.columns_of(i)[events.values[:, i]] for i in (g, f))
            known = (earlier >= 0) & (later >= 0)
            total[known] += np.where(blocked, -np.inf, potentials.within)[earlier[known], later[known]]
    density: FloatArray = np.bincount(events.piece, total, minlength=len(events.lengths)).astype(np.float64)
    return density


def _field_density(potentials: Potentials, events: Events, columns: Columns, field: int) -> FloatArray:
    """What field `field` of each event adds by itself, with the clock and with events before, or silence after it."""
    reach, q = potentials.reach, columns.n_columns
    column = columns.columns_of(field)[events.values[:, field]]
    padded = np.pad(potentials.bias, (0, 1)), np.pad(potentials.place, ((0, 1), (0, 1)))
    total = padded[0][column] + padded[1][events.marks, column]
    rows, at = strung(events, columns, reach)
    tables = np.pad(potentials.across, ((0, 0), (0, 1), (0, 1)))  # a blank, -1, finds zeros
    tables[:, q, q] = 0.0
    for d, table in enumerate(tables, 1):
        for g in range(columns.n_fields):
            total += table[columns.columns_of(g)[rows[at - d, g]], column]
        total += np.where(rows[at + d, 0] == columns.boundary(0), table[column, q], 0.0)
    return total


def conditional_table(
    potentials: Potentials, columns: Columns, blocked: BoolArray, *, field: int, other: int, distance: int
) -> FloatArray:
    """What each value of field `other`, `distance` events after (or before, below 0), adds to each of `field`.

    (size + 2, size) as [value of other, value of field]; distance 0 is the same event.
    """
    q = columns.n_columns
    if distance == 0:
        table = np.pad(within_events(potentials, columns, blocked), ((0, 2), (0, 0)))
    elif distance > 0:
        table = np.pad(potentials.across[distance - 1, :q].T, ((0, 1), (0, 0)))
    else:
        table = np.pad(potentials.across[-distance - 1, :, :q], ((0, 1), (0, 0)))
    rows: IntArray = columns.columns_of(other)
    return table[rows][:, columns.bounds[field] : columns.bounds[field + 1]]
