from dataclasses import dataclass

import numpy as np
import pytest
from test_exact import CASES, LEVEL, N_DRAWS, accepted, p_value
from toy_models import MELODY, PLAIN, WORDS, ToyModel, marks_of

from stochastic_music.constraints import Bars, BaseAutomaton, Joinable, Length, PitchRange, SymbolsOf
from stochastic_music.errors import ProductTooLargeError, UnsatisfiableError
from stochastic_music.protocols import Automaton, Constraint
from stochastic_music.sampling import ExactSampler, Shaping, sample
from stochastic_music.sampling.compiling import split
from stochastic_music.sampling.exact import product
from stochastic_music.sampling.exact.lifting import Numbering


class Carried(BaseAutomaton):
    """Another automaton that says it is wide, and no more."""

    wide = True

    def __init__(self, inner: Automaton, n_symbols: int) -> None:
        self._inner, self.n_symbols = inner, n_symbols

    def start(self) -> int:
        return self._inner.start()

    def advance(self, states: np.ndarray, symbols: np.ndarray) -> np.ndarray:
        return self._inner.advance(states, symbols)


@dataclass(frozen=True)
class Wide(Joinable):
    """The same demand, carried along with the contexts."""

    inner: Constraint

    def compile(self, vocabulary, header):
        return Carried(self.inner.compile(vocabulary, header), vocabulary.n_symbols)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_automaton_carried_with_the_contexts_demands_what_it_demanded(case):
    sampler = ExactSampler(case.model(), Wide(case.constraint), case.header)
    assert sampler.log_evidence == pytest.approx(accepted(case)[()], abs=1e-10)


def test_draws_follow_the_conditioned_model_where_automata_are_carried():
    case = next(case for case in CASES if case.name == "bars and range")
    constraint = Wide(case.constraint.parts[0]) & case.constraint.parts[1]
    draws, _ = ExactSampler(case.model(), constraint, case.header).draw(np.arange(N_DRAWS), key=1)
    assert p_value(draws, accepted(case), case.vocabulary.end) > LEVEL


def test_several_wide_automata_are_carried_together():
    case = next(case for case in CASES if case.name == "bars and length")
    both = Wide(case.constraint.parts[0]) & Wide(case.constraint.parts[1])
    assert ExactSampler(case.model(), both, case.header).log_evidence == pytest.approx(accepted(case)[()], abs=1e-10)


def test_an_alternative_with_a_wide_part_is_wide():
    either = Wide(Length(1)) | Length(3)
    automaton, wide = split((either, SymbolsOf((0, 1)) & (Length(4) & Wide(Length(4)))), WORDS, None)
    assert len(wide) == 2
    assert automaton.progress(np.array([automaton.start()])) is not None


def test_shaping_knows_nothing_of_what_is_forbidden_later():
    case, shaping = next(case for case in CASES if case.name == "bars"), Shaping(temperature=0.7, top_k=2)
    plain, carried = (
        ExactSampler(case.model(), c, case.header, shaping=shaping) for c in (case.constraint, Wide(case.constraint))
    )
    assert carried.log_evidence == pytest.approx(plain.log_evidence, abs=1e-10)


def test_sets_taken_as_large_as_they_will_be_change_nothing(monkeypatch):
    model = ToyModel(MELODY, seed=2, marks=marks_of(MELODY, PLAIN))
    constraint = Length(9) & Wide(PitchRange(60, 61))
    plain = ExactSampler(model, constraint, PLAIN)
    monkeypatch.setattr(product, "_MANY", 0)
    saturated = ExactSampler(model, constraint, PLAIN)
    assert saturated.log_evidence == pytest.approx(plain.log_evidence, abs=1e-12)
    (first, _), (second, _) = (sampler.draw(np.arange(200), key=3) for sampler in (plain, saturated))
    assert (first == second).all()


def test_arcs_that_are_carried_count_towards_the_limit():
    constraint = Wide(PitchRange(60, 61)) & Length(3)
    with pytest.raises(ProductTooLargeError, match=r"more than 20 arcs.*--max-arcs"):
        ExactSampler(ToyModel(MELODY), constraint, PLAIN, max_arcs=20)
    [drawn] = sample(ToyModel(MELODY, zeros=False), 1, header=PLAIN, constraint=constraint, max_arcs=20, seed=1)
    assert drawn.guarantee == "particle"


def test_a_start_is_heard_by_what_is_carried():
    start = np.array([MELODY.symbol("duration", 1), MELODY.symbol("pitch", 60)])
    plain, carried = (
        ExactSampler(ToyModel(MELODY, zeros=False), c & Length(4), PLAIN, start=start)
        for c in (PitchRange(60, 61), Wide(PitchRange(60, 61)))
    )
    assert carried.log_evidence == pytest.approx(plain.log_evidence, abs=1e-12)


def test_numbers_are_given_in_the_order_of_meeting_and_kept():
    numbering, generator = Numbering(), np.random.default_rng(1)
    told: dict[int, int] = {}
    for _ in range(60):
        values = generator.integers(-(10**12), 10**12, size=50) // 10**10
        for value, number in zip(values.tolist(), numbering.of(values).tolist(), strict=True):
            assert told.setdefault(value, number) == number
    assert sorted(told.values()) == list(range(len(numbering)))
    assert all(numbering.met[number] == value for value, number in told.items())


def test_what_clashes_with_something_wide_is_named_and_nothing_else():
    constraint = Length(2) & Wide(PitchRange(60, 60)) & SymbolsOf(tuple(range(5))) & PitchRange(61, 62)
    message = r"^Wide\(PitchRange\(C4, C4\)\) and PitchRange\(C#4, D4\) cannot be met together under 2/4; .* note 1\."
    with pytest.raises(UnsatisfiableError, match=message):
        ExactSampler(ToyModel(MELODY, zeros=False), constraint, PLAIN)


def test_something_wide_that_has_no_part_in_a_clash_is_not_named():
    with pytest.raises(UnsatisfiableError, match=r"^Bars\(1\) and Length\(9\) cannot be met.* by bar \d"):
        ExactSampler(ToyModel(MELODY), Wide(PitchRange(60, 61)) & Bars(1) & Length(9), PLAIN)
