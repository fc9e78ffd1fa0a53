"""The form of a piece: its sections, lettered in order of appearance, and what kind of music each bar is.

Two hidden Markov models read the bars. A sticky `HMM` over their features (harmony, register, density, contour:
`bar_features`) learns from all pieces together how bars sound: its states are textures that last, and their number is
chosen by held-out likelihood, or by BIC where there are few pieces. Alone they letter a tune badly, because its
sections sound alike; so a second one says of each bar whether it is new or a copy of an earlier one, and sections are
made of that (`copying`). Textures divide what is never repeated.

    >>> from stochastic_music.corpus import Corpus
    >>> a, b = "c4 d e f g a b g", "c'8 b a g a b c' d' e'2 d'2"
    >>> corpus = Corpus.from_text(f"4/4 {a} {a} {b} {a}")
    >>> [form] = find_structure(corpus, n_states=1, least_bars=2).forms
    >>> form.letters, [(section.first, section.last) for section in form.sections]
    ('A A B A', [(1, 2), (3, 4), (5, 6), (7, 8)])
"""

from stochastic_music.tasks.structure.finding import Form, Section, Structure, find_structure, form_of

__all__ = ["Form", "Section", "Structure", "find_structure", "form_of"]
