"""Families of instruments: each program has one, and pages and files agree on its name."""

from __future__ import annotations

import pytest

from stochastic_music.render.audio.instruments import FAMILIES, family


def test_every_program_has_a_family_and_every_family_a_program():
    assert {family(program) for program in range(128)} | {"drums"} == set(FAMILIES)


@pytest.mark.parametrize(
    ("program", "name"),
    [
        *((0, "piano"), (6, "plucked"), (9, "bell"), (19, "organ"), (21, "reed"), (24, "plucked"), (32, "bass")),
        *((40, "strings"), (46, "plucked"), (48, "strings"), (52, "choir"), (56, "brass"), (71, "reed"), (73, "pipe")),
        *((89, "choir"), (110, "strings"), (127, "bell"), (128, "piano")),
    ],
)
def test_programs_sound_as_their_instruments(program, name):
    assert family(program) == name
    assert family(program, is_drum=True) == "drums"
