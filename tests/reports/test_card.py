"""Model cards: every section says what the file and its report say, and nothing that they do not."""

import pytest

from stochastic_music.registry import names
from stochastic_music.reports.card import LIMITS, card, matches

FACTS = {
    "file": "my_bach.smm", "task": "compose", "model": "hmm", "encoding": "melody", "transpose": "common",
    "written_by": "stochastic_music 0.1.0", "format": 2, "sha256": "ab12", "bytes": 12345,
}  # fmt: skip
META = {
    "model": ["hmm", {"n_states": 8, "topology": "full"}],
    "card": {"n_pieces": 2, "n_notes": 1200, "licences": ["free <b>"]},
    "names": ["a.abc#1", "a.abc#2", "b.mid"],
}
REPORT = {
    "sha256": "ab12",
    "command": "stochmusic fit songs -m hmm -o my_bach.smm",
    "corpus": ["songs"],
    "meters": {"4/4": 2},
    "bits_per_note": {"value": 2.5, "interval": [2.25, 2.75], "level": 0.95},
    "refitted": True,
}


def section(text, heading):
    return text.split(f"## {heading}\n\n")[1].split("\n\n## ")[0].strip().splitlines()


def test_a_card_says_what_file_and_report_say():
    text = card(META, FACTS, REPORT)
    assert text.startswith("# my\\_bach.smm\n\n## What it is\n\n- A model that composes.\n- Kind: `hmm` (n\\_states=8")
    assert section(text, "What it learned from") == [
        "- 2 pieces",
        "- 1,200 notes",
        "- Corpus: songs",
        "- Files: a.abc (2), b.mid (1)",
        "- Meters: 4/4 (2)",
        "- Licence: free &lt;b&gt;",
    ]
    assert section(text, "How well it does") == [
        "- 2.500 (95 % interval 2.250 to 2.750) bits per note",
        "- Measured on music that was held out of the fit, then fitted again on everything.",
    ]
    assert section(text, "How to make it again") == ["```", REPORT["command"], "```"]
    assert section(text, "Checksum") == ["- SHA-256 `ab12`", "- 12,345 bytes, format 2"]
    assert f"- {LIMITS['hmm']}" in section(text, "What it cannot do")


def test_without_a_report_no_figure_is_told():
    text = card(META, FACTS)
    assert section(text, "How well it does")[0].startswith("No report of its fit is at hand")
    command = "stochmusic fit CORPUS -m hmm --set n_states=8 --set topology=full --transpose common -o my_bach.smm"
    assert command in section(text, "How to make it again")


def test_what_was_never_measured_is_said():
    told = card(META, FACTS, {**REPORT, "bits_per_note": None})
    assert section(told, "How well it does") == ["Nothing was held out to measure it on."]
    endless = {"value": None, "interval": [2.0, None], "level": 0.95}
    assert "infinitely many (95 % interval 2.000 to infinitely many)" in card(META, FACTS, {"bits_per_note": endless})


def test_shares_of_labellers_are_told():
    shares = {"chord": 0.918, "key": None, "n_pieces": 19}
    text = card({**META, "model": ["chord_labeller", {}]}, {**FACTS, "task": "chords"}, {"held_out": shares})
    assert section(text, "How well it does")[0] == "- 91.8 % of events: chord right"


def test_mixtures_tell_their_parts_and_the_limits_of_each():
    parts = [{"models": ["markov", {"order": 2}]}, {"models": ["ppm", {}]}]
    text = card({**META, "model": ["mixture", {"models": parts, "rule": "linear"}]}, FACTS)
    assert section(text, "What it is")[1:4] == [
        "- Kind: `mixture` (rule=linear)",
        "  - of `markov` (order=2)",
        "  - of `ppm`",
    ]
    assert [f"- {LIMITS[kind]}" for kind in ("mixture", "markov", "ppm")] == section(text, "What it cannot do")[:3]


def test_warnings_stand_among_the_limits():
    text = card({**META, "stale": True, "card": {"licences": ["NON-COMMERCIAL use only"]}}, FACTS)
    limits = section(text, "What it cannot do")
    assert any("NON-COMMERCIAL" in line for line in limits)
    assert any("stale" in line for line in limits)


@pytest.mark.parametrize(
    "kind", [name for name, entry in names("models").items() if entry.package == "stochastic_music"]
)
def test_every_kind_has_its_limits(kind):
    assert kind in LIMITS


def test_a_report_is_taken_only_of_the_same_model():
    assert matches(REPORT, FACTS)
    assert not matches({**REPORT, "sha256": "other"}, FACTS)
    assert not matches({}, FACTS)
