"""Every kind of constraint against a plain reading of it, over all short pieces."""

from functools import cache

import pytest

from stochastic_music.testing.check_constraint import check_constraint
from tests.constraints.kinds import HEADERS, KINDS, MELODY, NOTES, accepted, every_piece

VOCABULARIES = {"melody": MELODY, "notes": NOTES}


@cache
def pieces(vocabulary, header):
    return list(every_piece(VOCABULARIES[vocabulary], HEADERS[header]))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("vocabulary", VOCABULARIES)
def test_a_kind_accepts_what_its_plain_reading_does(kind, vocabulary, header):
    heard = pieces(vocabulary, header)
    expected = [kind.holds(piece) for piece in heard]
    assert accepted(kind.make(), VOCABULARIES[vocabulary], HEADERS[header], heard) == expected
    assert 0 < sum(expected) < len(expected)  # neither everything nor nothing


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("vocabulary", VOCABULARIES)
def test_a_kind_and_its_negation_keep_the_contract(kind, vocabulary, header):
    for constraint in (kind.make(), ~kind.make()):
        check_constraint(constraint, VOCABULARIES[vocabulary], HEADERS[header], n_walks=6, n_steps=16)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_kind_is_a_value(kind):
    one, other = kind.make(), kind.make()
    assert one == other
    assert hash(one) == hash(other)
    assert str(one) == repr(other) or type(one).__name__ in str(one)
    assert str(one).startswith(type(one).__name__)
