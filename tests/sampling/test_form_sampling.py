"""Forms: every piece has the form asked for, and pieces follow the model, against enumeration."""

from collections import Counter

import numpy as np
import pytest
from scipy.stats import chisquare
from toy_models import MELODY, EndlessMemory, ToyModel, events, marks_of, pieces

from stochastic_music.constraints import EndsOn, Form, Length, PitchRange
from stochastic_music.errors import ProductTooLargeError, UnsatisfiableError, UsageError
from stochastic_music.sampling import sample
from stochastic_music.sampling.exact.forms import CopySampler
from stochastic_music.tokens import Field, Header, Meter, Vocabulary

RESTED = Vocabulary(
    (Field("rest", 2, advances="now"), Field("duration", 2, first=1, advances="later"), Field("pitch", 2, first=60)),
    resolution=1,
)
TWO = Header(1, (Meter(0, 2, 4),))
PICKUP = Header(1, (Meter(0, 2, 4),), pickup=1)


def notes(vocabulary, piece):
    """Onset, duration and pitch of each note, worked out without the clock."""
    names, time, found = [field.name for field in vocabulary.fields], 0, []
    for event in events(vocabulary, piece):
        values = dict(zip(names, event, strict=True))
        time += values.get("rest", 0)
        found.append((time, values["duration"], values["pitch"]))
        time += values["duration"]
    return found


def cut(form, played, bar=2):
    """Notes by section, each since its section began; None where they do not keep to the lines."""
    sections, begins = [], 0
    for section in form.sections:
        ends = begins + bar * section.bars
        sections.append([(o - begins, d, p) for o, d, p in played if begins <= o < ends])
        if not sections[-1] or any(o + d > ends - begins for o, d, _ in sections[-1]):
            return None
        begins = ends
    stop = max(o + d for o, d, _ in played)
    early = begins - bar if form.rest else begins - 1
    return sections if early < stop <= begins else None


def moved(section, played):
    """What a section makes of the first one, chromatically."""
    first = played[0][2]
    return [(o, d, (2 * first - p if section.inverted else p) + section.shift) for o, d, p in played]


def differ(first, other):
    met = {(o, p) for o, _, p in first} & {(o, p) for o, _, p in other}
    return 1 - len(met) / max(len(first), len(other))


def has_form(form, vocabulary, piece):
    sections = cut(form, notes(vocabulary, piece))
    if sections is None:
        return False
    for section, own, first in zip(form.sections, sections, form.first, strict=True):
        expected = moved(section, sections[first])
        if section.varied and not form.least - 1e-9 <= differ(expected, own) <= form.most + 1e-9:
            return False
        if not section.varied and sections[first] is not own and own != expected:
            return False
    return True


def truth(model, form, header=TWO):
    """Every piece of the form with its probability, by enumeration."""
    vocabulary, most = model.vocabulary_, 2 * form.n_bars

    def too_long(piece):
        whole = piece[: len(piece) // vocabulary.n_fields * vocabulary.n_fields]
        return bool(whole) and max(o + d for o, d, _ in notes(vocabulary, whole)) > most

    found = {p: lp for p, lp in pieces(model, header, most, too_long) if has_form(form, vocabulary, p)}
    total = np.logaddexp.reduce(list(found.values()))
    return {p: float(np.exp(lp - total)) for p, lp in found.items()}, float(total)


def toy(vocabulary, header=TWO, **options):
    return ToyModel(vocabulary, seed=5, marks=marks_of(vocabulary, header), zeros=False, **options)


def far_from(drawn, expected):
    """Total variation between the draws and the truth."""
    share = Counter(tuple(one.symbols.tolist()) for one in drawn)
    return 0.5 * sum(abs(share[p] / len(drawn) - expected.get(p, 0)) for p in share | expected)


def by_chance(expected, n):
    """The greatest total variation of 20 samples of size n from the truth itself."""
    probabilities, random = np.array(list(expected.values())), np.random.default_rng(0)
    drawn = random.multinomial(n, probabilities, size=20) / n
    return 0.5 * np.abs(drawn - probabilities).sum(axis=1).max()


def p_value(drawn, expected):
    """Of Pearson's test; pieces are taken together, the rarest first, until each cell is expected five times."""
    share = Counter(tuple(one.symbols.tolist()) for one in drawn)
    assert set(share) <= set(expected)
    cells = [[0.0, 0.0]]
    for piece in sorted(expected, key=expected.get):
        if cells[-1][1] >= 5:
            cells.append([0.0, 0.0])
        cells[-1] = [cells[-1][0] + share[piece], cells[-1][1] + expected[piece] * len(drawn)]
    seen, hoped = np.array(cells).T
    return chisquare(seen, hoped).pvalue if len(cells) > 1 else 1.0  # nearly certain: the evidence tells all


PLANS = [
    (MELODY, Form("A:1 A:1")),
    (MELODY, Form("A:1 B:1 A:1")),
    (MELODY, Form("A:1 A^1:1")),
    (MELODY, Form("A:1 A~:1")),
    (MELODY, Form("A:1 A~^1:1")),
    (MELODY, Form("A:1 A':1", 0.3, 0.8)),
    (MELODY, Form("A:1 A^1':1", 0.0, 0.5)),
    (RESTED, Form("A:1 A:1")),
    (RESTED, Form("A:1 A:1", rest=True)),
    (RESTED, Form("A:1 A':1", 0.3, 0.8)),
]


@pytest.mark.parametrize(("vocabulary", "form"), PLANS)
def test_particles_keep_to_the_form_and_near_the_model(vocabulary, form):
    # led by the toy itself; 0.06 beyond what 20 samples of the truth lie off by chance is what the crowds may add
    model = toy(vocabulary)
    expected, _ = truth(model, form)
    options = {"n_particles": 64 if form.sections[1].varied else 24, "sweeps": 2, "guide": model}
    drawn = sample(EndlessMemory(model), 250, header=TWO, constraint=form, seed=1, **options)
    assert {tuple(one.symbols.tolist()) for one in drawn} <= set(expected)
    assert far_from(drawn, expected) < by_chance(expected, 250) + 0.06
    assert {one.guarantee for one in drawn} == {"particle"}


EXACT = [
    *((vocabulary, form) for vocabulary, form in PLANS if not form.sections[1].varied),
    (MELODY, Form("A:1 A:1 A:1")),
    (RESTED, Form("A:1 B:1 A:1", rest=True)),
    (RESTED, Form("A:1 B:1", rest=True)),
]


@pytest.mark.parametrize(("vocabulary", "form"), EXACT)
def test_copies_are_drawn_exactly(vocabulary, form):
    # 500 pieces each: a true null is rejected once in 1,000 runs of all these tests together
    model = toy(vocabulary)
    expected, evidence = truth(model, form)
    sampler = CopySampler(model, form, TWO)
    drawn = sample(model, 500, header=TWO, constraint=form, seed=3)
    assert sampler.log_evidence == pytest.approx(evidence, abs=1e-9)
    assert {one.guarantee for one in drawn} == {"exact"}
    for one in drawn[:50]:
        share = np.exp(one.log_prob - evidence)
        assert share == pytest.approx(expected[tuple(one.symbols.tolist())], abs=1e-9)
    assert p_value(drawn, expected) > 1e-3 / len(EXACT)


def test_reshaped_copies_follow_the_reshaped_model():
    model, form = toy(MELODY), Form("A:1 A:1")
    shaped = toy(MELODY)
    powers = np.where(shaped._probs > 0, shaped._probs ** (1 / 0.6), 0)
    shaped._probs = powers / powers.sum(axis=1, keepdims=True)
    expected, _ = truth(shaped, form)
    drawn = sample(model, 1_000, header=TWO, constraint=form, seed=3, temperature=0.6)
    assert p_value(drawn, expected) > 1e-3
    assert p_value(sample(model, 1_000, header=TWO, constraint=form, seed=3), expected) < 1e-6


def test_copies_join_with_other_demands_and_with_a_pickup():
    model, form = toy(RESTED, PICKUP), Form("A:2 A:2", rest=True)
    drawn = sample(model, 200, header=PICKUP, constraint=form & Length(6) & PitchRange(60, 60), seed=1)
    assert {one.guarantee for one in drawn} == {"exact"}
    for one in drawn:
        assert has_form(form, RESTED, tuple(one.symbols.tolist()))
        assert len(one.symbols) == 6 * 3 + 1


@pytest.mark.parametrize("vocabulary", [MELODY, RESTED])
def test_what_a_piece_ends_with_is_asked_of_the_section_that_comes_back_last(vocabulary):
    # exact as ever; and one particle without a guide never plays an A that cannot close
    model, form = toy(vocabulary), Form("A:1 B:1 A:1")
    low = {p for p in truth(model, form)[0] if notes(vocabulary, p)[-1][2] == 60}
    assert CopySampler(model, form & EndsOn(60), TWO).log_evidence == pytest.approx(
        np.logaddexp.reduce([model_log_prob(model, p) for p in low]), abs=1e-9
    )
    options = {"header": TWO, "constraint": form & EndsOn(60), "seed": 1, "n_particles": 1, "sweeps": 0}
    for one in sample(EndlessMemory(model), 50, **options):
        assert tuple(one.symbols.tolist()) in low


def model_log_prob(model, piece):
    state, total = model.initial_state(1, TWO), 0.0
    for symbol in piece:
        total += model.next_log_probs(state)[0, symbol]
        state = model.advance(state, np.array([symbol]))
    return total


def test_what_is_too_large_is_left_to_particles():
    model, form = toy(MELODY), Form("A:1 B:1 A:1")
    with pytest.raises(ProductTooLargeError, match="too large to sum over"):
        sample(model, 1, header=TWO, constraint=form, seed=1, method="exact", max_arcs=3_000)
    for options in ({"max_arcs": 3_000}, {"start": [0, 2]}):
        [one] = sample(model, 1, header=TWO, constraint=form, seed=1, **options)
        assert one.guarantee == "particle"
    with pytest.raises(ProductTooLargeError, match="no function of the first"):
        sample(model, 1, header=TWO, constraint=Form("A:1 A':1"), seed=1, method="exact")


def test_one_particle_a_piece_is_the_negative_control():
    # the same masks without weights: the form holds, the distribution does not
    model, form = toy(MELODY), Form("A:1 A^1:1")
    expected, _ = truth(model, form)
    drawn = sample(EndlessMemory(model), 500, header=TWO, constraint=form, seed=1, n_particles=1, sweeps=0)
    assert {tuple(one.symbols.tolist()) for one in drawn} <= set(expected)
    assert far_from(drawn, expected) > by_chance(expected, 500) + 0.1


@pytest.mark.parametrize("plan", ["A:2 A:2", "A:2 B:1 A':2 A^1:2", "A:2 A~:2 B:2 A:2"])
@pytest.mark.parametrize("header", [TWO, PICKUP])
def test_longer_plans_are_kept_with_a_pickup_and_without(plan, header):
    form = Form(plan, 0.2, 0.7, rest=True)
    model = toy(RESTED, header)
    for one in sample(EndlessMemory(model), 60, header=header, constraint=form, seed=2, n_particles=24, guide=model):
        assert has_form(form, RESTED, tuple(one.symbols.tolist()))


def test_a_form_joins_with_other_demands():
    model = toy(MELODY)
    form, demands = Form("A:1 A^1:1 B:2"), PitchRange(60, 61) & Length(6)
    for one in sample(EndlessMemory(model), 60, header=TWO, constraint=form & demands, seed=3, guide=model):
        assert has_form(form, MELODY, tuple(one.symbols.tolist()))
        assert {p for _, _, p in notes(MELODY, tuple(one.symbols.tolist()))} <= {60, 61}
        assert len(one.symbols) == 13


def test_a_piece_under_a_form_does_not_depend_on_the_others():
    model, form = EndlessMemory(toy(RESTED)), Form("A:1 B:1 A':1", 0.2, 0.8, rest=True)
    options = {"header": TWO, "constraint": form, "seed": 4, "n_particles": 16}
    many, few = sample(model, 6, **options), sample(model, 2, **options)
    assert [one.symbols.tolist() for one in few] == [one.symbols.tolist() for one in many[:2]]


def test_inversion_follows_the_key_of_the_header():
    # C5 D5 upside down is C5 B4 in C, C5 Bb4 without a key
    vocabulary = Vocabulary((Field("duration", 1, first=1, advances="later"), Field("pitch", 6, first=70)), 1)
    for key, expected in (("C", {-1}), (None, {-2})):
        header = Header(1, (Meter(0, 2, 4),), key=key)
        model = ToyModel(vocabulary, seed=1, marks=marks_of(vocabulary, header), zeros=False)
        begun = [vocabulary.symbol("duration", 1), vocabulary.symbol("pitch", 72), vocabulary.symbol("duration", 1)]
        begun.append(vocabulary.symbol("pitch", 74))
        drawn = sample(EndlessMemory(model), 5, header=header, constraint=Form("A:1 A~:1"), seed=1, start=begun)
        assert {p - 72 for one in drawn for _, _, p in notes(vocabulary, tuple(one.symbols.tolist()))[3:]} == expected


def test_what_a_form_cannot_do_is_told():
    model = toy(MELODY)
    with pytest.raises(UsageError, match="cannot be kept to with method='greedy'"):
        sample(model, 1, constraint=Form("A:1 A:1"), header=TWO, method="greedy")
    with pytest.raises(UnsatisfiableError, match="the start does not agree with"):
        # two half notes of different pitch where A is one bar
        sample(EndlessMemory(model), 1, constraint=Form("A:1 A:1"), header=TWO, start=[1, 2, 1, 3], seed=1)
    with pytest.raises(UnsatisfiableError, match="Length\\(9\\)"):
        sample(EndlessMemory(model), 1, constraint=Form("A:1 A:1") & Length(9), header=TWO, guide=model, seed=1)
