"""Where two kinds of constraints cannot be met together, the message names both, and where music breaks off."""

import re

import pytest

from stochastic_music.errors import UnsatisfiableError
from tests.constraints.kinds import PLAIN
from tests.statistical.conditioning import ALONE, PAIRS, Truth


@pytest.fixture(scope="module")
def known():
    return Truth("markov, order 2", PLAIN)


@pytest.fixture(scope="module")
def messages(known):
    """What is said of each pair that cannot be met though each of its kinds can."""
    possible = {demand.kinds[0].name for demand in ALONE if known.conditioned(demand).any()}
    found = {}
    for pair in PAIRS:
        if {kind.name for kind in pair.kinds} <= possible and not known.conditioned(pair).any():
            with pytest.raises(UnsatisfiableError) as caught:
                known.sampler(pair)
            found[pair.name] = [str(kind.make()) for kind in pair.kinds], str(caught.value)
    return found


def test_both_kinds_of_a_clash_are_named(messages):
    assert len(messages) > 40
    for names, message in messages.values():
        assert all(name in message for name in names)
        assert re.search(r"cannot be met together under 3/8.*\. Relax one of them\.$", message)


@pytest.mark.parametrize(
    ("pair", "place"),
    [
        ("range and start", "; every continuation breaks off by note 1."),
        ("range and note at a place", "; every continuation breaks off by bar 1 beat 2."),
        ("bars and around a gap", "; every continuation breaks off by bar 2 beat 1."),
        ("end and end on the tonic", " under 3/8."),  # music may go on for ever, and never end so
    ],
)
def test_the_first_place_that_cannot_be_passed_is_told(messages, pair, place):
    assert place in messages[pair][1]
