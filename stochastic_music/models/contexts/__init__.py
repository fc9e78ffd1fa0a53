"""The contexts of a corpus: which pasts were seen, what followed them, and where each step leads.

**Stream.** A piece is read as one stream of *elements*: START, then its symbols, and before the first
symbol of each event the clock's *mark*, where the clock has one to show:

    START  MARK rest duration phrase pitch  MARK rest duration phrase pitch  ...  MARK END

Marks are read and never predicted. A mark that training never showed is left out of the stream.

**Contexts.** A context is what stands before a place in the stream, at most `order` complete events
long, plus the present mark and the symbols of the present event: `order` counts events. START takes
the place of the events that are missing at the beginning, once, so a piece's first symbols have
contexts of their own. Back-off drops the element last taken up.

**Leading element.** A context takes up elements from the latest to the oldest, with one exception: within
an event it begins with the last element before that event, the *leading* one (the pitch before, in a
melody), then goes on with the present event. So a pitch is never predicted without the pitch before it,
however rare the present rhythm. When the event is complete its own last element leads, and the former
leader falls back into its place. What stands before a place still determines all its contexts.

**Steps.** A step knows the context before it, not the whole past: it finds the longest context that begins with a part
of it. Without a leading element, or where nothing stands between an element and its leader, that is the longest one
seen. Elsewhere a leader that never met a symbol can hide a longer context that others led to; a look back at the
whole past (`trace`) would find it. Models go by steps alone, so that what they score is what they sample.

With `order` 0 nothing leads. The shortest contexts, the *roots*, hold no element and know only which field is due: ids
0 .. n_fields - 1, and n_fields for a piece that has ended. So a context tells which field is due.

**Tables.** Contexts are numbered by length, then by (parent, oldest element), where the *parent* is the
context without its oldest element. An *entry* is a pair (context, element that followed it) with its
count and its *target*, the longest context that both make; entries are sorted by that pair. Any lookup
is a binary search in one sorted array of packed integers, for a whole batch at once.

    n_contexts, n_entries   at most the length of the stream times the longest context
    time                    one sort a length of context, over the places that have one so long
"""

from stochastic_music.models.contexts.filing import from_arrays, to_arrays
from stochastic_music.models.contexts.growing import grow
from stochastic_music.models.contexts.merging import combined
from stochastic_music.models.contexts.packing import added_up, narrow, search, taken
from stochastic_music.models.contexts.parts import check_memory, grow_parts
from stochastic_music.models.contexts.stream import Heard, Stream, enough, listen, read
from stochastic_music.models.contexts.table import Contexts, Entries
from stochastic_music.models.contexts.windows import end_is_last, fit_into_words, grow_from, windows

__all__ = [
    "Contexts",
    "Entries",
    "Heard",
    "Stream",
    "added_up",
    "check_memory",
    "combined",
    "end_is_last",
    "enough",
    "fit_into_words",
    "from_arrays",
    "grow",
    "grow_from",
    "grow_parts",
    "listen",
    "narrow",
    "read",
    "search",
    "taken",
    "to_arrays",
    "windows",
]
