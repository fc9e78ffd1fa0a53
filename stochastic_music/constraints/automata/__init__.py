"""What constraints compile to: automata that read symbols, and machines that read events.

automaton.py        masks, counts, and automata side by side
grammar.py          the order of fields in an event; complements
timeline.py         the clock; `timing.py` tells when the events of a piece begin and end
events.py           automata of machines that hear whole events
pattern.py          regular expressions
forbidden_runs.py   runs of symbols that may not come
"""
