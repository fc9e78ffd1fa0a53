"""Composing with the maximum-entropy model: constraints hold, meter is kept, given notes stay, seeds repeat."""

from itertools import product

import numpy as np
import pytest

from stochastic_music.constraints import Bars, EndsOn, Length, PitchRange
from stochastic_music.corpus import TokenCorpus
from stochastic_music.errors import UsageError
from stochastic_music.models.maxent import MaxEnt
from stochastic_music.models.maxent.chains import Chains, fields_of, side_by_side
from stochastic_music.models.maxent.events import Columns, events_of
from stochastic_music.models.maxent.potentials import Potentials
from stochastic_music.models.maxent.refinement import moments
from stochastic_music.models.maxent.rhythm import Figures, Rhythm
from stochastic_music.protocols import DEAD
from stochastic_music.testing.check_model import chi_square
from stochastic_music.testing.toys import two_fields
from stochastic_music.tokens import Field, Header, MelodyEncoding, Meter, Vocabulary


@pytest.fixture(scope="module")
def melodies():
    """Scales up and down in 2/4, in quarters and eighths (units of 12)."""
    encoding = MelodyEncoding()
    vocabulary, header = encoding.vocabulary, Header(12, (Meter(0, 2, 4),))
    rng, rows = np.random.default_rng(0), []
    for _ in range(12):
        lengths = np.concatenate(
            [rng.permutation([[12, 12], [6, 6, 12], [12, 6, 6]][i]) for i in rng.integers(0, 3, 6)]
        )
        pitches = 60 + np.abs(np.cumsum(rng.choice([-2, -1, 1, 2], len(lengths)))) % 13
        ends = np.arange(len(lengths)) == len(lengths) - 1
        columns = ("rest", np.zeros_like(lengths)), ("duration", lengths), ("phrase", ends), ("pitch", pitches)
        rows.append(np.stack([[vocabulary.symbol(n, int(v)) for v in col] for n, col in columns], axis=1).ravel())
    return TokenCorpus.from_sequences(rows, vocabulary, headers=[header] * 12, names=[f"m{i}" for i in range(12)])


@pytest.fixture(scope="module")
def model(melodies):
    return MaxEnt(reach=2, n_steps=30, n_refinements=10, n_sweeps=8).fit(melodies)


def meets(constraint, sample, vocabulary):
    automaton = constraint.compile(vocabulary, sample.header)
    state = np.array([automaton.start()])
    for symbol in sample.symbols:
        state = automaton.advance(state, np.array([symbol]))
    return state[0] != DEAD


@pytest.mark.parametrize(
    "make",
    [
        lambda: Bars(4),
        lambda: Length(9),
        lambda: Bars(3) & PitchRange(60, 66),
        lambda: Bars(3) & EndsOn("C"),
        lambda: Length(6) | Length(8),
    ],
    ids=["bars", "length", "bars and range", "bars and end", "one of two lengths"],
)
def test_constraints_hold_in_every_piece(model, melodies, make):
    constraint = make()
    drawn = model.sample(6, constraint=constraint, header=melodies.headers[0], seed=3)
    assert all(meets(constraint, sample, melodies.vocabulary) for sample in drawn)
    assert {sample.guarantee for sample in drawn} == {"metropolis"}
    assert all(np.isnan(sample.log_prob) for sample in drawn)
    begun = model.opening_.sample(6, constraint=constraint, header=melodies.headers[0], seed=3)
    assert any(a.symbols.tolist() != b.symbols.tolist() for a, b in zip(drawn, begun, strict=True))


def test_equal_seeds_give_equal_notes_whatever_is_drawn_beside(model, melodies):
    options = {"header": melodies.headers[0], "constraint": Bars(4)}
    five, again, two = (model.sample(n, seed=7, **options) for n in (5, 5, 2))
    assert [s.symbols.tolist() for s in five] == [s.symbols.tolist() for s in again]
    assert [s.symbols.tolist() for s in five[:2]] == [s.symbols.tolist() for s in two]
    other = model.sample(2, seed=8, **options)
    assert [s.symbols.tolist() for s in two] != [s.symbols.tolist() for s in other]


def test_what_was_given_stays(model, melodies):
    start = melodies[0][:12]
    for sample in model.sample(4, start=start, header=melodies.headers[0], seed=1):
        assert sample.symbols[:12].tolist() == start.tolist()
        assert sample.n_given == 12


def test_temperature_makes_music_wilder(melodies, model):
    def entropy(temperature):
        drawn = model.sample(40, temperature=temperature, constraint=Length(12), header=melodies.headers[0], seed=2)
        values = np.concatenate([melodies.vocabulary.values(s.symbols[:-1])[3::4] for s in drawn])
        share = np.bincount(values) / len(values)
        return -(share[share > 0] * np.log(share[share > 0])).sum()

    assert entropy(0.3) + 0.2 < entropy(3.0)


def test_a_form_is_refused(model):
    from stochastic_music.constraints import Form

    with pytest.raises(UsageError, match="breaks what a form ties"):
        model.sample(1, constraint=Form("A:2 A:2"), seed=0)


def tiny():
    """Durations of 1 and 2 units and two pitches, in bars of 2/4 of one unit a quarter: pieces of three notes."""
    vocabulary = Vocabulary(
        (Field("duration", 2, first=1, advances="later"), Field("pitch", 2, first=60)), resolution=1, closed=False
    )
    header = Header(1, (Meter(0, 2, 4),))
    pieces = [[0, 2, 1, 3, 0, 3], [1, 2, 0, 3, 0, 2], [0, 2, 0, 2, 1, 3], [1, 3, 1, 3, 1, 2]]
    return TokenCorpus.from_sequences(pieces, vocabulary, headers=[header] * 4)


def test_figures_change_places_as_the_density_says_and_keep_the_time():
    """Pieces of three notes that take four units: rhythm and pitch walk to the density among these alone."""
    corpus = tiny()
    model = MaxEnt(reach=1, n_steps=1, n_refinements=0).fit(corpus)
    rng = np.random.default_rng(1)
    model.potentials_ = Potentials(*(0.7 * rng.normal(size=part.shape) for part in model.potentials_))
    rhythms = [(0, 0, 1), (0, 1, 0), (1, 0, 0)]
    pieces = np.array(
        [[x for pair in zip(d, p, strict=True) for x in pair] for d in rhythms for p in product((2, 3), repeat=3)]
    )
    log_density = model.log_density(pieces, np.full(24, 6), corpus.headers[0])
    probability = np.exp(log_density - np.logaddexp.reduce(log_density))
    n = 4000
    events = events_of(
        TokenCorpus.from_sequences(np.tile(corpus[0], (n, 1)), corpus.vocabulary, headers=[corpus.headers[0]] * n),
        model.columns_,
    )
    cells, live = side_by_side(events, model.columns_, 1)
    fields = fields_of(model.potentials_, model.columns_, model._blocked)
    chains = Chains(cells, live, fields[1:], 1, seed=3)
    rhythm = Rhythm(model.figures_, fields, model.columns_, 1)
    for step in range(40):
        chains.sweep()
        rhythm.step(chains, events.lengths, step)
    code = {tuple(piece): i for i, piece in enumerate(pieces.tolist())}
    drawn = model.columns_.symbols[chains.cells[1:4, :2].transpose(2, 0, 1) + model.columns_.bounds[:-1]].reshape(n, 6)
    counts = np.bincount([code[tuple(row)] for row in drawn.tolist()], minlength=24)
    assert chi_square(counts, probability) > 1e-4  # a right sampler fails with this probability, once for all seeds
    assert chi_square(counts, probability**0.8 / (probability**0.8).sum()) < 1e-4
    heard = events_of(
        TokenCorpus.from_sequences(drawn, corpus.vocabulary, headers=[corpus.headers[0]] * n), model.columns_
    )
    assert (heard.marks == chains.cells[1:4, 2].T.ravel()).all()  # the clock was moved along


def test_figures_know_how_often_the_corpus_has_them():
    corpus = tiny()
    columns = Columns.of(corpus)
    figures = Figures.of(events_of(corpus, columns), columns, corpus.vocabulary, 2)
    # on the first beat, two notes of three units: short-long in the first piece, long-short in the second
    values, marks = np.array([[[0], [1]], [[1], [0]]]), np.array([[0, 1], [0, 0]])
    groups, numbers = figures.find(values, marks)
    assert groups[0] == groups[1]
    assert figures.times(numbers).tolist() == [1, 1]
    drawn = figures.draw(np.full(1000, groups[0]), np.random.default_rng(0).random(1000))
    assert set(drawn.tolist()) == set(numbers.tolist())
    assert figures.find(np.array([[[1], [1]]]), np.array([[1, 1]]))[1].tolist() == [-1]


def test_moments_are_counted_as_written_out():
    corpus = two_fields()
    columns = Columns.of(corpus)
    events = events_of(corpus, columns)
    cells, _ = side_by_side(events, columns, 2)
    found = moments(cells, columns, 2)
    expected = Potentials.zeros(columns, 2)
    q = columns.n_columns
    for a, b in zip(events.offsets, events.offsets[1:], strict=False):
        rows = (
            [{q}] * 2
            + [{int(v) + int(s) for v, s in zip(row, columns.bounds[:-1], strict=True)} for row in events.values[a:b]]
            + [{q}] * 2
        )
        for i, here in enumerate(rows):
            for x in here - {q}:
                expected.bias[x] += 1
                for y in here - {x}:
                    expected.within[min(x, y), max(x, y)] += 0.5
            for d in (1, 2):
                if i + d < len(rows):
                    for x, y in product(here, rows[i + d]):
                        expected.across[d - 1, x, y] += (x, y) != (q, q)
    for mine, theirs in zip(found, expected, strict=True):
        assert np.array_equal(mine, theirs)
