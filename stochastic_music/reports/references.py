"""What to cite for what: papers, collections and software, as one table, and which model or sampler rests on which.

Every entry is one that the articles of this package's modules or the files of the corpora themselves state, in their
words: what they do not say (pages, publishers, first names) is left out rather than guessed. Keys are stable: the
first author, the year, the first telling word of the title. Values are ASCII, braces keep capitals.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Reference(NamedTuple):
    """An entry: its BibTeX type, and its fields in the order in which they are printed."""

    type: str
    fields: Mapping[str, str]


def _article(author: str, title: str, journal: str, year: int, **more: str) -> Reference:
    return Reference("article", {"author": author, "title": title, "journal": journal, "year": str(year), **more})


def _paper(author: str, title: str, booktitle: str, year: int, **more: str) -> Reference:
    fields = {"author": author, "title": title, "booktitle": booktitle, "year": str(year), **more}
    return Reference("inproceedings", fields)


def _other(type_: str, author: str, title: str, **more: str) -> Reference:
    return Reference(type_, {**({"author": author} if author else {}), "title": title, **more})


_JNMR = "Journal of New Music Research"
_TIT = "IEEE Transactions on Information Theory"
_ISMIR = "International Society for Music Information Retrieval Conference (ISMIR)"

REFERENCES: Mapping[str, Reference] = {
    # counting and blending
    "witten1991zero": _article(
        "Witten, I. H. and Bell, T. C.", "The zero-frequency problem", _TIT, 1991, volume="37", number="4"
    ),
    "ney1994structuring": _article(
        "Ney, H. and Essen, U. and Kneser, R.", "On structuring probabilistic dependences",
        "Computer Speech and Language", 1994, volume="8",
    ),
    "kneser1995improved": _paper(
        "Kneser, R. and Ney, H.", "Improved backing-off for m-gram language modeling", "ICASSP", 1995
    ),
    "heafield2013scalable": _paper(
        "Heafield, K. and others", "Scalable modified {Kneser-Ney} language model estimation", "ACL", 2013
    ),
    "cleary1997unbounded": _article(
        "Cleary, J. G. and Teahan, W. J.", "Unbounded length contexts for {PPM}", "The Computer Journal", 1997,
        volume="40", number="2/3",
    ),
    "pearce2004improved": _article(
        "Pearce, M. T. and Wiggins, G. A.", "Improved methods for statistical modelling of monophonic music", _JNMR,
        2004, volume="33", number="4",
    ),
    # viewpoints and mixtures
    "conklin1995multiple": _article(
        "Conklin, D. and Witten, I. H.", "Multiple viewpoint systems for music prediction", _JNMR, 1995,
        volume="24", number="1",
    ),
    "pearce2004methods": _paper(
        "Pearce, M. T. and Conklin, D. and Wiggins, G. A.", "Methods for combining statistical models of music",
        "CMMR", 2004,
    ),
    "pearce2005construction": _other(
        "phdthesis", "Pearce, M. T.",
        "The construction and evaluation of statistical models of melodic structure in music perception and "
        "composition",
        school="City University London", year="2005",
    ),
    "hinton2002training": _article(
        "Hinton, G. E.", "Training products of experts by minimizing contrastive divergence", "Neural Computation",
        2002, volume="14", number="8",
    ),
    # hidden states
    "rabiner1989tutorial": _article(
        "Rabiner, L. R.",
        "A tutorial on hidden {Markov} models and selected applications in speech recognition",
        "Proceedings of the IEEE", 1989, volume="77", number="2",
    ),
    "fox2011sticky": _article(
        "Fox, E. B. and Sudderth, E. B. and Jordan, M. I. and Willsky, A. S.", "A sticky {HDP-HMM}",
        "Annals of Applied Statistics", 2011, volume="5", number="2A",
    ),
    "bakis1976continuous": _article(
        "Bakis, R.", "Continuous speech recognition via centisecond acoustic states",
        "Journal of the Acoustical Society of America", 1976, volume="59", number="S1",
    ),
    "akaike1974new": _article(
        "Akaike, H.", "A new look at the statistical model identification", "IEEE Transactions on Automatic Control",
        1974, volume="19", number="6",
    ),
    "schwarz1978estimating": _article(
        "Schwarz, G.", "Estimating the dimension of a model", "Annals of Statistics", 1978, volume="6", number="2"
    ),
    # fields
    "lafferty2001conditional": _paper(
        "Lafferty, J. and McCallum, A. and Pereira, F.",
        "Conditional random fields: probabilistic models for segmenting and labeling sequence data", "ICML", 2001,
    ),
    "okazaki2007crfsuite": _other(
        "misc", "Okazaki, N.", "{CRFsuite}: a fast implementation of conditional random fields", year="2007"
    ),
    "masada2017chord": _paper(
        "Masada, K. and Bunescu, R.",
        "Chord recognition in symbolic music using semi-{Markov} conditional random fields", _ISMIR, 2017,
    ),
    "mccallum2000maximum": _paper(
        "McCallum, A. and Freitag, D. and Pereira, F.",
        "Maximum entropy {Markov} models for information extraction and segmentation", "ICML", 2000,
    ),
    "sakellariou2017maximum": _article(
        "Sakellariou, J. and Tria, F. and Loreto, V. and Pachet, F.",
        "Maximum entropy models capture melodic styles", "Scientific Reports", 2017, volume="7", number="9172",
    ),
    "besag1975statistical": _article(
        "Besag, J.", "Statistical analysis of non-lattice data", "The Statistician", 1975, volume="24"
    ),
    # networks
    "hochreiter1997long": _article(
        "Hochreiter, S. and Schmidhuber, J.", "Long short-term memory", "Neural Computation", 1997,
        volume="9", number="8",
    ),
    "cho2014learning": _paper(
        "Cho, K. and others",
        "Learning phrase representations using {RNN} encoder-decoder for statistical machine translation",
        "EMNLP", 2014,
    ),
    "oord2016wavenet": _other(
        "misc",
        "van den Oord, A. and Dieleman, S. and Zen, H. and Simonyan, K. and Vinyals, O. and Graves, A. and "
        "Kalchbrenner, N. and Senior, A. and Kavukcuoglu, K.",
        "{WaveNet}: a generative model for raw audio", year="2016", eprint="1609.03499", archiveprefix="arXiv",
    ),
    "shaw2018self": _paper(
        "Shaw, P. and Uszkoreit, J. and Vaswani, A.", "Self-attention with relative position representations",
        "NAACL", 2018,
    ),
    "huang2019music": _paper(
        "Huang, C.-Z. A. and others", "Music transformer: generating music with long-term structure", "ICLR", 2019
    ),
    # drawing
    "pachet2011finite": _paper(
        "Pachet, F. and Roy, P. and Barbieri, G.", "Finite-length {Markov} processes with constraints", "IJCAI", 2011
    ),
    "papadopoulos2015exact": _paper(
        "Papadopoulos, A. and Pachet, F. and Roy, P. and Sakellariou, J.",
        "Exact sampling for regular and {Markov} constraints with belief propagation", "CP", 2015,
    ),
    "papadopoulos2014avoiding": _paper(
        "Papadopoulos, A. and Roy, P. and Pachet, F.", "Avoiding plagiarism in {Markov} sequence generation",
        "AAAI", 2014,
    ),
    "metropolis1953equation": _article(
        "Metropolis, N. and Rosenbluth, A. and Rosenbluth, M. and Teller, A. and Teller, E.",
        "Equation of state calculations by fast computing machines", "Journal of Chemical Physics", 1953,
        volume="21", number="6",
    ),
    "hastings1970monte": _article(
        "Hastings, W. K.", "{Monte Carlo} sampling methods using {Markov} chains and their applications",
        "Biometrika", 1970, volume="57", number="1",
    ),
    "gordon1993novel": _article(
        "Gordon, N. J. and Salmond, D. J. and Smith, A. F. M.",
        "Novel approach to nonlinear/non-{Gaussian} {Bayesian} state estimation", "IEE Proceedings F", 1993,
        volume="140", number="2",
    ),
    "andrieu2010particle": _article(
        "Andrieu, C. and Doucet, A. and Holenstein, R.", "Particle {Markov} chain {Monte Carlo} methods",
        "Journal of the Royal Statistical Society B", 2010, volume="72", number="3",
    ),
    "holtzman2020curious": _paper(
        "Holtzman, A. and Buys, J. and Du, L. and Forbes, M. and Choi, Y.",
        "The curious case of neural text degeneration", "ICLR", 2020,
    ),
    # corpora
    "cuthbert2010music21": _paper(
        "Cuthbert, M. S. and Ariza, C.",
        "music21: a toolkit for computer-aided musicology and symbolic music data", _ISMIR, 2010, pages="637--642",
    ),
    "essen_folksong_collection": _other(
        "misc", "Schaffrath, H. and Dahlig-Turek, E.", "The {Essen} Folksong Collection",
        note="ABC encodings by S. Schlien, distributed with music21 by permission; non-commercial use only",
    ),
    "tymoczko_riemenschneider": _other(
        "misc", "Tymoczko, D. and Jones, A.", "{Roman}-numeral analyses of {Riemenschneider} chorales 1 to 20",
        note="Proofread by H. Robb and D. Tymoczko; distributed with music21",
    ),
    "tymoczko2019romantext": _paper(
        "Tymoczko, D. and Gotham, M. and Cuthbert, M. S. and Ariza, C.",
        "The {RomanText} format: a flexible and standard method for representing {Roman} numeral analyses", _ISMIR,
        2019,
    ),
    "bach_chorales": _other(
        "misc", "Bach, J. S.", "Four-part chorales",
        note="The music is in the public domain; encodings distributed with music21",
    ),
    "palestrina_masses": _other(
        "misc", "Palestrina, G. P. da", "Mass movements",
        note="Encodings copyright 2000 John Miller, distributed with music21",
    ),
    "oneill_music": _other(
        "misc", "", "{O'Neill's Music of Ireland}",
        note="Transcribers are named in the files; encodings distributed with music21",
    ),
    "ryan_mammoth": _other(
        "misc", "", "{Ryan's Mammoth Collection}",
        note="Transcribers are named in the files; encodings distributed with music21",
    ),
}  # fmt: skip

_PPM = ("cleary1997unbounded", "pearce2004improved")
#: kind of model -> what it rests on, whatever its parameters
METHODS: Mapping[str, tuple[str, ...]] = {
    "markov": (),
    "ppm": _PPM,
    "ppm_online": _PPM,
    "stm": _PPM,
    "hmm": ("rabiner1989tutorial",),
    "multiple_viewpoint": ("conklin1995multiple", "hinton2002training"),
    "idyom": ("conklin1995multiple", "pearce2004methods", "pearce2005construction"),
    "mixture": (),
    "maxent": ("sakellariou2017maximum", "besag1975statistical"),
    "lstm": ("hochreiter1997long",),
    "gru": ("cho2014learning",),
    "wavenet": ("oord2016wavenet",),
    "transformer": ("shaw2018self", "huang2019music"),
    "crf": ("lafferty2001conditional", "okazaki2007crfsuite"),
    "chord_labeller": ("lafferty2001conditional", "masada2017chord"),
}
#: (kind of model, parameter, its value) -> what that choice rests on besides
CHOICES: Mapping[tuple[str, str, str], tuple[str, ...]] = {
    ("markov", "smoothing", "witten_bell"): ("witten1991zero",),
    ("markov", "smoothing", "absolute"): ("ney1994structuring",),
    ("markov", "smoothing", "kneser_ney"): ("kneser1995improved", "heafield2013scalable"),
    ("hmm", "topology", "sticky"): ("fox2011sticky",),
    ("hmm", "topology", "left_to_right"): ("bakis1976continuous",),
    ("hmm", "criterion", "aic"): ("akaike1974new",),
    ("hmm", "criterion", "bic"): ("schwarz1978estimating",),
    ("mixture", "rule", "geometric"): ("pearce2004methods",),
    ("mixture", "rule", "learned"): ("hinton2002training",),
    ("harmonizer", "skeleton", "crf"): ("lafferty2001conditional", "okazaki2007crfsuite"),
    ("harmonizer", "skeleton", "mixture"): ("mccallum2000maximum",),
    ("harmonizer", "skeleton", "hmm"): ("rabiner1989tutorial",),
}
#: sampler -> what it rests on; and options of `generate` that rest on more
SAMPLERS: Mapping[str, tuple[str, ...]] = {
    "exact": ("pachet2011finite", "papadopoulos2015exact"),
    "metropolis": ("metropolis1953equation", "hastings1970monte"),
    "particle": ("gordon1993novel", "andrieu2010particle"),
}
OPTIONS: Mapping[str, tuple[str, ...]] = {
    "--max-copy": ("papadopoulos2014avoiding",),
    "--top-p": ("holtzman2020curious",),
}
_MUSIC21 = "cuthbert2010music21"
#: built-in corpus -> who collected and encoded it
CORPORA: Mapping[str, tuple[str, ...]] = {
    "bach-chorales": ("bach_chorales", _MUSIC21),
    "bach-sopranos": ("bach_chorales", _MUSIC21),
    "bach-analyses": ("bach_chorales", "tymoczko_riemenschneider", "tymoczko2019romantext", _MUSIC21),
    "essen-kinder": ("essen_folksong_collection", _MUSIC21),
    "essen": ("essen_folksong_collection", _MUSIC21),
    "oneills": ("oneill_music", _MUSIC21),
    "palestrina": ("palestrina_masses", _MUSIC21),
    "ryans-mammoth": ("ryan_mammoth", _MUSIC21),
}
