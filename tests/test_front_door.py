"""What `import stochastic_music` offers, and what it costs."""

import subprocess
import sys
from pathlib import Path

import pytest

import stochastic_music as sm

HEAVY = {
    "numpy",
    "scipy",
    "music21",
    "sklearn",
    "matplotlib",
    "torch",
    "symusic",
    "hmmlearn",
    "typer",
    "rich",
    "verovio",
    "IPython",
}


def _loaded_by(code):
    script = f"import sys; {code}; print(*sorted(m.partition('.')[0] for m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_public_names_are_these():
    assert set(sm.__all__) == {
        "At", "Avoids", "Bars", "CRFComposer", "ChordLabeller", "ChordTones", "Contains", "Corpus", "Count",
        "EndsOn", "HMM", "Harmonizer", "Header", "InScale", "Length", "Markov", "Matches", "MaxCopy", "MaxEnt",
        "MelodyEncoding", "Metre", "Mixture", "NGramCounts", "NotesEncoding", "OnlinePPM", "OriginalityIndex", "PPM",
        "Piece", "Pipeline", "PitchRange", "RemiEncoding", "STM", "StartsOn", "TokenCorpus", "Vocabulary",
        "VoicesEncoding", "__version__", "count_ngrams", "load", "save", "show",
    }  # fmt: skip


@pytest.mark.parametrize("name", sm.__all__)
def test_every_public_name_is_there(name):
    assert getattr(sm, name) is not None


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="Markow"):
        sm.Markow  # noqa: B018


def test_importing_the_package_loads_the_standard_library_only():
    assert not _loaded_by("import stochastic_music") & HEAVY


def test_the_command_line_opens_without_heavy_libraries():
    assert not _loaded_by("import stochastic_music.cli.main") & (HEAVY - {"typer", "rich"})


def test_composing_from_python_does_not_load_music21():
    assert not _loaded_by("import stochastic_music as sm; sm.Pipeline, sm.Markov, sm.MelodyEncoding") & {
        "music21",
        "matplotlib",
    }


def test_test_modules_have_names_of_their_own():
    """Modules of one name in two folders cannot be collected in one run."""
    names = [path.name for path in Path(__file__).parent.rglob("test_*.py")]
    assert sorted(set(names)) == sorted(names)
