from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pytest
from scipy.stats import chi2
from toy_models import (
    CHANGE,
    CHORDS,
    MELODY,
    PICKUP,
    PLAIN,
    WORDS,
    EndlessMemory,
    Piece,
    ToyModel,
    events,
    marks_of,
    pieces,
    stops_at,
)

from stochastic_music.constraints import AtMost, Bars, Length, PitchRange, SymbolsOf
from stochastic_music.errors import UnsatisfiableError, UsageError
from stochastic_music.protocols import Constraint
from stochastic_music.sampling import ExactSampler, Shaping, sample
from stochastic_music.tokens import Header, Vocabulary

N_DRAWS = 100_000


@dataclass(frozen=True)
class Case:
    name: str
    vocabulary: Vocabulary
    header: Header | None
    constraint: Constraint
    accepts: Callable[[Vocabulary, Piece], bool]
    most: int
    last: int = 99  # no accepted piece sounds beyond
    pitch: int | None = None  # the only one it may use

    def model(self, *, zeros: bool = True) -> ToyModel:
        header = self.header or Header(max(self.vocabulary.resolution, 1))
        return ToyModel(self.vocabulary, seed=len(self.name), marks=marks_of(self.vocabulary, header), zeros=zeros)

    def pieces(self) -> Iterator[tuple[Piece, float]]:
        return pieces(self.model(), self.header, self.most, self._is_hopeless)

    def _is_hopeless(self, piece: Piece) -> bool:
        wrong = self.pitch is not None and not set(piece[1::2]) <= {MELODY.symbol("pitch", self.pitch)}
        return wrong or (self.last < 99 and stops_at(self.vocabulary, piece) > self.last)


def bars(*stops: int) -> Callable[[Vocabulary, Piece], bool]:
    return lambda vocabulary, piece: stops_at(vocabulary, piece) in stops


def notes(least: int, most: int) -> Callable[[Vocabulary, Piece], bool]:
    return lambda vocabulary, piece: least <= len(events(vocabulary, piece)) <= most


def pitches(low: int, high: int) -> Callable[[Vocabulary, Piece], bool]:
    def accepts(vocabulary: Vocabulary, piece: Piece) -> bool:
        played = [event[-1] for event in events(vocabulary, piece)]
        return bool(played) and all(low <= pitch <= high for pitch in played)

    return accepts


def both(*demands: Callable[[Vocabulary, Piece], bool]) -> Callable[[Vocabulary, Piece], bool]:
    return lambda vocabulary, piece: all(demand(vocabulary, piece) for demand in demands)


CASES = [
    Case("length", WORDS, None, Length(3), notes(3, 3), 3),
    Case("length from to", MELODY, PLAIN, Length(1, 3), notes(1, 3), 3),
    Case("at most", MELODY, PICKUP, AtMost(3), notes(0, 3), 3),
    Case("range", MELODY, PLAIN, PitchRange(60, 61) & AtMost(4), both(pitches(60, 61), notes(0, 4)), 4),
    Case("bars", MELODY, PLAIN, Bars(2), bars(4), 4, 4),
    Case("bars, pickup", MELODY, PICKUP, Bars(2), bars(4, 5), 5, 5),
    Case("bars, meter change", MELODY, CHANGE, Bars(2), bars(5), 5, 5),
    Case("bars after a change", MELODY, CHANGE, Bars(3) & PitchRange(61, 61), both(bars(8), pitches(61, 61)), 8, 8, 61),
    Case("bars of chords", CHORDS, PLAIN, Bars(1) & AtMost(3), both(bars(2), notes(0, 3)), 3, 2),
    Case("bars and range", MELODY, PICKUP, Bars(2) & PitchRange(61, 62), both(bars(4, 5), pitches(61, 62)), 5, 5),
    Case("bars and length", MELODY, PICKUP, Bars(2) & Length(3), both(bars(4, 5), notes(3, 3)), 3, 5),
    Case("range and length", MELODY, PLAIN, PitchRange(62, 62) & Length(2, 4), both(pitches(62, 62), notes(2, 4)), 4),
    Case(
        "symbols and length",
        WORDS,
        None,
        SymbolsOf((0, 2)) & Length(1, 4),
        lambda v, p: 1 not in p and notes(1, 4)(v, p),
        4,
    ),
    Case("either length", WORDS, None, Length(1) | Length(3), lambda v, p: len(events(v, p)) in {1, 3}, 3),
    Case("either bars", MELODY, PICKUP, Bars(1) | Bars(2), bars(2, 3, 4, 5), 5, 5),
]
#: all tests of this file together err once in a thousand runs, were the seeds not fixed
LEVEL = 1e-3 / (len(CASES) + 1)


def accepted(case: Case) -> dict[Piece, float]:
    """Every accepted piece with its conditional probability, and under () the log of their sum."""
    hopeless = lambda piece: case.last < 99 and stops_at(case.vocabulary, piece) > case.last  # noqa: E731
    found = {
        p: lp for p, lp in pieces(case.model(), case.header, case.most, hopeless) if case.accepts(case.vocabulary, p)
    }
    total = np.logaddexp.reduce(list(found.values()))
    return {piece: float(np.exp(lp - total)) for piece, lp in found.items()} | {(): float(total)}


def p_value(draws: np.ndarray, expected: dict[Piece, float], end: int) -> float:
    """Pearson's chi-square; pieces expected fewer than five times are pooled. A piece that cannot be gives 0."""
    counts: dict[Piece, int] = {}
    rows, times = np.unique(draws, axis=0, return_counts=True)
    for row, n in zip(rows.tolist(), times.tolist(), strict=True):
        piece = tuple(row[: row.index(end) + 1])
        counts[piece] = counts.get(piece, 0) + n
    if set(counts) - set(expected):
        return 0.0
    n = len(draws)
    common = [piece for piece, p in expected.items() if piece and n * p >= 5]
    seen = np.array([counts.get(piece, 0) for piece in common])
    hoped = n * np.array([expected[piece] for piece in common])
    statistic, cells = ((seen - hoped) ** 2 / hoped).sum(), len(common)
    if n - hoped.sum() >= 5:
        statistic, cells = statistic + (n - seen.sum() - (n - hoped.sum())) ** 2 / (n - hoped.sum()), cells + 1
    return float(chi2.sf(statistic, cells - 1))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_draws_follow_the_conditioned_model(case):
    sampler = ExactSampler(case.model(), case.constraint, case.header)
    draws, scores = sampler.draw(np.arange(N_DRAWS), key=1)
    expected = accepted(case)
    assert p_value(draws, expected, case.vocabulary.end) > LEVEL
    assert sampler.log_evidence == pytest.approx(expected[()], abs=1e-12)
    log_prob = dict(case.pieces())
    for row, score in zip(draws[:50].tolist(), scores[:50], strict=True):
        assert score.sum() == pytest.approx(log_prob[tuple(row[: row.index(case.vocabulary.end) + 1])], abs=1e-9)


def test_masking_step_by_step_is_not_conditioning():
    case = next(case for case in CASES if case.name == "bars and range")
    drawn = sample(case.model(), 20_000, header=case.header, seed=1, constraint=case.constraint, method="greedy")
    rows = np.full((len(drawn), max(len(s.symbols) for s in drawn)), case.vocabulary.end)
    for row, one in zip(rows, drawn, strict=True):
        row[: len(one.symbols)] = one.symbols
        assert case.accepts(case.vocabulary, tuple(one.symbols.tolist()))
    assert {s.guarantee for s in drawn} == {"greedy"}
    assert p_value(rows, accepted(case), case.vocabulary.end) < LEVEL


def test_masking_that_meets_a_dead_end_says_where():
    case = next(case for case in CASES if case.name == "bars")
    with pytest.raises(UnsatisfiableError, match=r"Bars\(2\) leaves nothing to play in bar 2.*dead end"):
        sample(case.model(), 1_000, header=case.header, seed=3, constraint=case.constraint, method="greedy")


def test_endless_runs_are_solved_exactly():
    # No length is asked for, so h = A h + r; here A and r are written out and solved densely.
    model = ToyModel(WORDS, seed=3)
    arcs = model.arcs(np.arange(model.n_contexts))
    inner, outer = np.zeros((model.n_contexts,) * 2), np.zeros(model.n_contexts)
    for row, symbol, log_prob, after in zip(*arcs, strict=True):
        if symbol == WORDS.end:
            outer[row] += np.exp(log_prob)
        elif symbol != 1:
            inner[row, after] += np.exp(log_prob)
    truth = np.linalg.solve(np.eye(model.n_contexts) - inner, outer)[model.start()]
    sampler = ExactSampler(model, SymbolsOf((0, 2)))
    assert sampler.log_evidence == pytest.approx(np.log(truth), abs=1e-11)
    draws, _ = sampler.draw(np.arange(N_DRAWS), key=1, max_events=200)
    short = {p: float(np.exp(lp)) / truth for p, lp in pieces(model, None, 6) if 1 not in p}
    assert p_value(draws, _with_rest(draws, short, WORDS.end), WORDS.end) > LEVEL


def _with_rest(draws: np.ndarray, expected: dict[Piece, float], end: int) -> dict[Piece, float]:
    """Longer pieces, which enumeration leaves out, count as possible but too rare for a cell of their own."""
    rows = {tuple(row[: row.index(end) + 1]) for row in np.unique(draws, axis=0).tolist()}
    return {row: 0.0 for row in rows if 1 not in row} | expected


def test_bars_of_chords_end_without_a_cap():
    # Chords may grow for ever without time passing: a cyclic system at every moment.
    header = PLAIN
    model = ToyModel(CHORDS, seed=5, marks=marks_of(CHORDS, header))
    capped = ExactSampler(model, Bars(2) & AtMost(60), header)
    free = ExactSampler(model, Bars(2), header)
    assert not free.bounded
    assert free.log_evidence == pytest.approx(capped.log_evidence, abs=1e-9)
    draws, _ = free.draw(np.arange(2_000), key=2)
    assert {stops_at(CHORDS, tuple(row[: row.index(CHORDS.end) + 1])) for row in draws.tolist()} == {4}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("method", ["exact", "particle", "greedy"])
def test_every_sample_meets_the_constraint(case, method):
    model = case.model(zeros=method == "exact")  # masks cannot see a probability of 0 ahead
    options = {"method": method, "n_particles": 8}
    for one in sample(model, 500, header=case.header, seed=3, constraint=case.constraint, **options):
        assert not one.capped
        assert case.accepts(case.vocabulary, tuple(one.symbols.tolist()))


def test_shaping_conditions_the_reshaped_model_and_scores_the_model_itself():
    case = next(case for case in CASES if case.name == "bars")
    model, shaping = case.model(), Shaping(temperature=0.7, top_k=3, top_p=0.95)
    reshaped = case.model()
    with np.errstate(divide="ignore"):
        reshaped._probs = np.exp(shaping(np.log(model._probs)))
    direct, by_hand = (
        ExactSampler(m, case.constraint, case.header, shaping=s) for m, s in ((model, shaping), (reshaped, Shaping()))
    )
    assert direct.log_evidence == pytest.approx(by_hand.log_evidence, abs=1e-12)
    (symbols, scores), (again, _) = (s.draw(np.arange(500), key=5) for s in (direct, by_hand))
    assert (symbols == again).all()
    truth = dict(pieces(model, case.header, 4, lambda p: stops_at(MELODY, p) > 4))
    for row, score in zip(symbols.tolist(), scores, strict=True):
        assert score.sum() == pytest.approx(truth[tuple(row[: row.index(MELODY.end) + 1])], abs=1e-9)


def test_tiny_probabilities_do_not_underflow():
    # 400 notes of which each is as improbable as e^-10: the product is far below the smallest float.
    model = ToyModel(WORDS, seed=1)
    model._probs = np.tile(np.array([np.exp(-10.0), 0, 0, 0]), (model.n_contexts, 1))
    model._probs[:, 3] = 1 - model._probs[:, 0]
    assert ExactSampler(model, Length(400)).log_evidence == pytest.approx(-4000 + np.log1p(-np.exp(-10.0)), rel=1e-12)


def test_messages_that_lie_far_apart_are_summed_in_the_log_domain():
    # Two words that never mix: after 0 only 0 (certain), after 1 only 1 (e^-8 each time); both may come first.
    model = ToyModel(WORDS, seed=1)
    probs = np.zeros_like(model._probs)
    newer = np.arange(model.n_contexts) // model._m % model._s
    probs[newer == model._s - 1, :2] = 0.5
    probs[newer == 0, 0] = 1.0
    probs[newer == 1, 1], probs[newer == 1, 3] = np.exp(-8.0), 1 - np.exp(-8.0)
    probs[newer == 2, 3] = 1.0
    model._probs = probs
    evidence = ExactSampler(model, Length(200)).log_evidence
    assert evidence == pytest.approx(np.log(0.5) - 8 * 199 + np.log1p(-np.exp(-8.0)), rel=1e-12)


def test_a_chain_does_not_depend_on_its_batch():
    case = CASES[5]
    sampler = ExactSampler(case.model(), case.constraint, case.header)
    alone, _ = sampler.draw(np.array([17]), key=9)
    batch, _ = sampler.draw(np.arange(64), key=9)
    width = alone.shape[1]
    assert (batch[17, :width] == alone[0]).all()


@pytest.mark.parametrize(
    ("constraint", "message"),
    [
        (
            Bars(1) & Length(9),
            r"Bars\(1\) and Length\(9\) cannot be met together under 2/4; every continuation breaks off by bar",
        ),
        (PitchRange(60, 61) & Bars(1) & Length(9), r"^Bars\(1\) and Length\(9\) cannot"),
        (PitchRange(80, 81), r"nothing this model can play meets PitchRange\(Ab5, A5\)"),
        (Length(2) & Length(3), r"Length\(2\) and Length\(3\) cannot be met together.*by note 3"),
    ],
)
def test_what_clashes_is_named(constraint, message):
    with pytest.raises(UnsatisfiableError, match=message) as caught:
        ExactSampler(ToyModel(MELODY), constraint, PLAIN)
    assert caught.value.exit_code == 3


def test_a_product_that_grows_too_large_is_refused():
    with pytest.raises(UsageError, match=r"more than 10 arcs.*lower order"):
        sample(ToyModel(MELODY), 1, header=PLAIN, constraint=Bars(2), method="exact", max_arcs=10)


def test_a_product_too_large_is_sampled_by_particles_and_says_so():
    [drawn] = sample(ToyModel(MELODY), 1, header=PLAIN, constraint=Bars(2), max_arcs=10, seed=1)
    assert drawn.guarantee == "particle"
    assert not drawn.capped


def test_particles_are_taken_only_where_contexts_are_not_finite():
    model = ToyModel(MELODY)
    assert sample(model, 1, seed=0, constraint=Length(2))[0].guarantee == "exact"
    hidden = EndlessMemory(model)
    assert sample(hidden, 1, seed=0, constraint=Length(2))[0].guarantee == "particle"
    with pytest.raises(UsageError, match="no finite set of contexts"):
        sample(hidden, 1, constraint=Length(2), method="exact")
