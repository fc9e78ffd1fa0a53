"""The scale on which surprise is shown: from pale, for what was expected, to dark red.

It begins at 0 bits and ends at the greatest surprise that is finite, 1 bit at least. Colors lie between nine, evenly
spaced, which also print in order of darkness: ColorBrewer's YlOrRd, by C. A. Brewer and M. Harrower (2003).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stochastic_music.protocols import FloatArray

#: From nothing to the end of the scale.
COLORS = ("#ffffcc", "#ffeda0", "#fed976", "#feb24c", "#fd8d3c", "#fc4e2a", "#e31a1c", "#bd0026", "#800026")


def highest(bits: Sequence[FloatArray]) -> float:
    """The end of the scale for these arrays of bits, of any shapes.

    >>> highest([np.array([2.5, np.inf, np.nan])]), highest([])
    (2.5, 1.0)
    """
    found = np.concatenate([np.zeros(0), *map(np.ravel, bits)])
    return max(1.0, float(found[np.isfinite(found)].max(initial=0.0)))
