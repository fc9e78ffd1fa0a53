"""The maximum-entropy model: density and conditionals against plain sums, gradients, known parameters, files."""

from itertools import product

import numpy as np
import pytest

from stochastic_music.corpus import TokenCorpus
from stochastic_music.errors import EmptyCorpusError, InvalidParameterError, NotFittedError, UsageError
from stochastic_music.models.maxent import MaxEnt
from stochastic_music.models.maxent.chains import Chains, fields_of, side_by_side
from stochastic_music.models.maxent.events import Columns, Events, events_of
from stochastic_music.models.maxent.likelihood import Objective
from stochastic_music.models.maxent.potentials import Potentials
from stochastic_music.protocols import AutoregressiveModel, EnergyModel, WalkingModel
from stochastic_music.testing.toys import TOYS, ticking, two_fields
from stochastic_music.tokens import Field, Vocabulary


def random_model(corpus, *, reach=2, seed=0, strength=0.7):
    """A model of random potentials over the symbols of a corpus."""
    model = MaxEnt(reach=reach, n_steps=1, n_refinements=0).fit(corpus)
    rng = np.random.default_rng(seed)
    model.potentials_ = Potentials(*(strength * rng.normal(size=part.shape) for part in model.potentials_))
    return model


def plain_sum(model, pieces):
    """The log density of pieces of one field, written out: one pair after another."""
    bias, _, _, across = model.potentials_
    q = len(bias)
    out = []
    for piece in pieces:
        total = sum(bias[x] for x in piece)
        whole = [q] * model.reach + list(piece) + [q] * model.reach
        for i, a in enumerate(whole):
            for d in range(1, model.reach + 1):
                b = whole[i + d] if i + d < len(whole) else q
                if a != q or b != q:
                    total += across[d - 1, a, b]
        out.append(total)
    return np.array(out)


def everything(n_events, corpus):
    """All pieces of so many events over the symbols of a corpus, without END: (n, n_events * n_fields)."""
    columns = Columns.of(corpus)
    fields = [columns.symbols[a:b] for a, b in zip(columns.bounds, columns.bounds[1:], strict=False)]
    return np.array(list(product(*fields * n_events)))


def densities(model, pieces, header=None):
    return model.log_density(pieces, np.full(len(pieces), pieces.shape[1]), header)


def test_density_is_the_sum_of_fields_and_pairs_written_out():
    corpus = TOYS["plain"]()
    model = random_model(corpus)
    pieces = everything(4, corpus)
    assert np.allclose(densities(model, pieces), plain_sum(model, pieces))


def test_end_and_what_stands_after_a_piece_say_nothing():
    model = random_model(TOYS["plain"]())
    with_end = model.log_density(np.array([[0, 1, 2, 3, 3], [2, 1, 3, 3, 3]]), np.array([4, 3]))
    assert np.allclose(with_end, [*densities(model, np.array([[0, 1, 2]])), *densities(model, np.array([[2, 1]]))])


def test_symbols_that_the_corpus_never_has_are_impossible():
    corpus = two_fields()  # its last color never comes
    assert densities(random_model(corpus), np.array([[0, 4]])) == [-np.inf]


@pytest.mark.parametrize("name", list(TOYS))
def test_conditionals_are_those_of_the_density(name):
    corpus = TOYS[name]()
    model = random_model(corpus)
    # every place but those that move time, which would move the bar lines of what follows
    still = [f for f, field in enumerate(corpus.vocabulary.fields) if not field.advances]
    piece, header = everything(3, corpus)[7], corpus.headers[-1]
    rows = model.conditional_log_probs(piece, header)
    for place in range(len(piece)):
        f = place % corpus.vocabulary.n_fields
        own = model.columns_.symbols[slice(*model.columns_.bounds[f : f + 2])]
        assert np.isclose(np.exp(rows[place]).sum(), 1)
        assert np.isneginf(np.delete(rows[place], own)).all()
        if f in still:
            others = np.tile(piece, (len(own), 1))
            others[:, place] = own
            log_density = densities(model, others, header)
            expected = log_density - np.logaddexp.reduce(log_density)
            assert np.allclose(rows[place, own], expected)


def test_gradient_is_that_of_finite_differences():
    corpus = ticking()
    columns = Columns.of(corpus)
    objective = Objective(events_of(corpus, columns), columns, 2, 0.5, columns.blocked(corpus.vocabulary))
    at = np.random.default_rng(0).normal(size=objective.shape.flat().size) / 3
    # what no piece uses: blocks of one field, and pairs of silence with silence
    used = objective.shape.filled(np.arange(float(at.size)))
    idle = {int(i) for i in used.within[np.arange(4)[:, None] // 2 >= np.arange(4) // 2]}
    _, gradient = objective(at)
    for i in set(range(at.size)) - idle:
        step = np.zeros_like(at)
        step[i] = 1e-5
        assert np.isclose((objective(at + step)[0] - objective(at - step)[0]) / 2e-5, gradient[i], atol=1e-7), i


def test_pseudo_likelihood_finds_the_parameters_that_made_the_pieces():
    corpus = TokenCorpus.from_sequences([[0, 1, 2]], Vocabulary.plain(3))
    made_by = random_model(corpus, reach=1, seed=3)
    pieces = everything(4, corpus)
    probability = np.exp(densities(made_by, pieces) - np.logaddexp.reduce(densities(made_by, pieces)))
    drawn = np.random.default_rng(0).choice(len(pieces), 20_000, p=probability)
    found = MaxEnt(reach=1, l2=0.01, n_steps=500, n_refinements=0).fit(
        TokenCorpus.from_sequences(pieces[drawn], corpus.vocabulary)
    )
    log_density = densities(found, pieces)
    learned = np.exp(log_density - np.logaddexp.reduce(log_density))
    assert 0.5 * np.abs(learned - probability).sum() < 0.03  # 81 cells of 20,000 draws: about 0.02 by chance
    even = np.full(81, 1 / 81)
    assert 0.5 * np.abs(even - probability).sum() > 0.2  # what knows nothing is far away


def sweeps_of(kernel, *, n_chains=6000, n_sweeps=12, seed=1):
    """How often chains of three events hold each piece, and the model's probabilities of them."""
    corpus = two_fields()
    model = random_model(corpus, reach=1, seed=5)
    pieces = everything(3, corpus)
    log_density = densities(model, pieces)
    start = np.tile(events_of(corpus, model.columns_).values[:3], (n_chains, 1))
    events = Events(start, np.zeros(3 * n_chains, dtype=np.int64), 3 * np.arange(n_chains + 1))
    cells, live = side_by_side(events, model.columns_, 1)
    chains = Chains(cells, live, fields_of(model.potentials_, model.columns_, model._blocked), 1, seed=seed)
    chains.sweep(n_sweeps, kernel=kernel)
    values = chains.cells[1:4, :2].reshape(6, -1)
    code = np.ravel_multi_index(tuple(values), (2, 2) * 3)
    return np.bincount(code, minlength=64), np.exp(log_density - np.logaddexp.reduce(log_density))


@pytest.mark.parametrize("kernel", ["gibbs", "metropolis"])
def test_chains_come_to_the_density(kernel):
    from stochastic_music.testing.check_model import chi_square

    counts, probability = sweeps_of(kernel, n_sweeps=12 if kernel == "gibbs" else 30)
    assert chi_square(counts, probability) > 1e-4  # a right sampler fails with this probability, once for all seeds
    assert chi_square(counts, probability**0.8 / (probability**0.8).sum()) < 1e-4


def update_matrix(model, field, events, corpus):
    """The exact transition matrix of one color's Gibbs update over all pieces of two events, by enumeration."""
    pieces = everything(2, corpus)
    log_density = densities(model, pieces)
    place = {tuple(piece): i for i, piece in enumerate(pieces)}
    matrix = np.eye(len(pieces))
    for event in events:
        at = event * corpus.vocabulary.n_fields + field
        own = model.columns_.symbols[slice(*model.columns_.bounds[field : field + 2])]
        step = np.zeros_like(matrix)
        for piece, i in place.items():
            targets = [place[(*piece[:at], symbol, *piece[at + 1 :])] for symbol in own]
            step[i, targets] = np.exp(model.conditional_log_probs(np.array(piece))[at, own])
        matrix = matrix @ step
    return matrix, np.exp(log_density - np.logaddexp.reduce(log_density))


@pytest.mark.parametrize("field", [0, 1])
def test_each_update_is_in_detailed_balance_and_a_sweep_is_stationary(field):
    corpus = two_fields()
    model = random_model(corpus, reach=1, seed=2)
    whole = np.eye(16)
    for event in (0, 1):
        matrix, probability = update_matrix(model, field, [event], corpus)
        flow = probability[:, None] * matrix
        assert np.allclose(flow, flow.T)
        whole = whole @ matrix
    assert np.allclose(probability @ whole, probability)


def test_chains_do_not_depend_on_the_batch_or_on_workers():
    corpus = TOYS["plain"]()
    model = random_model(corpus, reach=1)
    fields = fields_of(model.potentials_, model.columns_, model._blocked)

    def swept(n, **options):
        events = Events(np.zeros((40 * n, 1), dtype=np.int64), np.zeros(40 * n, dtype=np.int64), 40 * np.arange(n + 1))
        cells, live = side_by_side(events, model.columns_, 1)
        chains = Chains(cells, live, fields, 1, seed=9, **options)
        chains.sweep(3)
        return chains.cells

    assert (swept(8) == swept(8, n_workers=3)).all()
    assert (swept(8)[:, :, :3] == swept(3)).all()
    assert (swept(8)[:, :, [2, 7]] == swept(2, numbers=np.array([2, 7]))).all()
    assert (swept(8) != swept(8)[:, :, ::-1]).any()


def test_lower_voices_stay_below_higher_ones():
    fields = (Field("voice1", 3, first=-1), Field("voice2", 3, first=-1, below="voice1"))
    corpus = TokenCorpus.from_sequences([[2, 4, 1, 3, 2, 3], [0, 3, 2, 4]], Vocabulary(fields))
    model = random_model(corpus)
    assert np.isneginf(densities(model, np.array([[1, 4]]))).all()  # 0 above 0
    for sample in model.sample(20, seed=1):
        values = corpus.vocabulary.values(sample.symbols[:-1]).reshape(-1, 2)
        assert ((values[:, 1] < values[:, 0]) | (values[:, 1] == -1)).all()


@pytest.mark.parametrize("name", list(TOYS))
def test_files_give_the_same_model_back(name):
    corpus = TOYS[name]()
    model = MaxEnt(reach=2, n_steps=20, n_refinements=3, n_sweeps=3).fit(corpus)
    arrays = {name: array.copy() for name, array in model.to_arrays().items()}
    again = MaxEnt(reach=2, n_steps=20, n_refinements=3, n_sweeps=3).from_arrays(arrays, corpus.vocabulary)
    assert (again.pseudo_log_probs(corpus) == model.pseudo_log_probs(corpus)).all()
    one, other = (each.sample(3, seed=4, header=corpus.headers[0]) for each in (model, again))
    assert [a.symbols.tolist() for a in one] == [b.symbols.tolist() for b in other]
    assert {key: array.tolist() for key, array in again.to_arrays().items()} == {
        k: a.tolist() for k, a in arrays.items()
    }


def test_pseudo_probabilities_are_the_conditionals_and_leave_room_for_the_unseen():
    corpus = two_fields()
    model = random_model(corpus)
    said = model.pseudo_log_probs(corpus)
    assert (said[corpus.symbols == corpus.vocabulary.end] == 0).all()
    first = model.conditional_log_probs(corpus[0])[np.arange(7), corpus[0]]
    shapes = np.arange(0, 6, 2)
    assert np.allclose(said[shapes], first[shapes])  # every shape was seen: nothing is kept for others
    # one color of three was never seen; it has what one event more would have counted for: 1 / (6 + 1)
    unseen = TokenCorpus.from_sequences([[0, 4]], corpus.vocabulary)
    assert np.isclose(model.pseudo_log_probs(unseen)[1], -np.log(7))
    assert np.allclose(said[1:6:2], first[1:6:2] + np.log(6 / 7))


def test_a_model_of_energy_that_walks_and_does_not_predict():
    model = random_model(TOYS["plain"]())
    assert isinstance(model, EnergyModel)
    assert isinstance(model, WalkingModel)
    assert not isinstance(model, AutoregressiveModel)
    with pytest.raises(UsageError, match="no probability of the next symbol"):
        model.initial_state()
    with pytest.raises(UsageError, match="by Markov chains alone"):
        model.sample(1, method="ancestral")
    with pytest.raises(UsageError, match="use temperature instead"):
        model.sample(1, top_p=0.5)


def test_moments_of_chains_come_to_those_of_the_corpus():
    rng = np.random.default_rng(0)
    corpus = TokenCorpus.from_sequences([rng.choice(2, 12, p=[0.8, 0.2]) for _ in range(20)], Vocabulary.plain(2))
    share = (corpus.symbols == 1).sum() / corpus.n_events
    model = MaxEnt(reach=1, l2=0.1, n_steps=1, n_refinements=60, n_sweeps=20).fit(corpus)  # a search cut off at once
    drawn = np.concatenate([s.symbols for s in model.sample(300, seed=1)])
    assert abs((drawn == 1).sum() / (drawn != 2).sum() - share) < 0.03
    assert abs(0.5 - share) > 0.2


@pytest.mark.parametrize(
    "wrong", [{"reach": 0}, {"reach": 1.5}, {"l2": -1}, {"n_steps": 0}, {"n_refinements": -1}, {"n_sweeps": 0}]
)
def test_parameters_outside_their_range_are_named(wrong):
    with pytest.raises(InvalidParameterError, match=next(iter(wrong))):
        MaxEnt(**wrong).fit(TOYS["plain"]())


def test_nothing_to_learn_from_and_nothing_learned():
    empty = TokenCorpus.from_sequences([[]], Vocabulary.plain(2))
    with pytest.raises(EmptyCorpusError):
        MaxEnt().fit(empty)
    with pytest.raises(NotFittedError):
        MaxEnt().sample(1)
