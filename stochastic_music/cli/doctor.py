"""`stochmusic doctor`: whether everything is in place on this machine."""

from __future__ import annotations

import platform
import time
from typing import Any

from stochastic_music.cli import _options
from stochastic_music.cli._common import print_json, say

_CORE = ("numpy", "scipy", "symusic", "mido", "music21", "matplotlib", "safetensors", "typer", "rich")
_OPTIONAL = {
    "hmmlearn": "hidden Markov models through hmmlearn (--set engine=hmmlearn)",
    "sklearn_crfsuite": "training conditional random fields (fit -m crf, --task chords)",
    "pomegranate": "hidden Markov models through pomegranate",
    "miditok": "--encoding remi",
    "torch": "neural networks to compare with (fit -m lstm, gru, wavenet, transformer)",
}


def doctor(
    as_json: _options.AsJson = False,
) -> None:
    """Check the installation: Python, libraries, extras, cache, and a short self-test."""
    from stochastic_music import __version__, _backends
    from stochastic_music.errors import MachineError

    missing = [name for name in _CORE if _version(name) is None]
    report: dict[str, Any] = {
        "stochastic_music": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "core": {name: _version(name) for name in _CORE},
        "optional": {name: _version(name) for name in _OPTIONAL},
        "back_ends": _back_ends(),
        "gpu": _backends.gpu()[1],
        "cache": _cache(),
        "self_test": None if missing else _self_test(),
    }
    report["ok"] = not missing and report["self_test"]["ok"]
    _tell(report)
    if as_json:
        print_json(report)
    if not report["ok"]:
        raise MachineError(f"not all is well: {', '.join(missing) or 'the self-test failed'}. Reinstall the package.")


def _back_ends() -> dict[str, bool]:
    """Which are there, the quickest first: the one that is taken by default."""
    from stochastic_music import _backends

    return {name: _backends.present(name) for name in _backends.BACKENDS}


def _version(module: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(module.replace("_", "-"))
    except PackageNotFoundError:
        return None


def _cache() -> dict[str, Any]:
    import os

    from stochastic_music.corpus import cache_folder

    folder = cache_folder()
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    return {"folder": str(folder), "writable": os.access(nearest, os.W_OK)}


def _self_test() -> dict[str, Any]:
    """Learn from four bars and compose two, twice with one seed."""
    import stochastic_music as sm

    started = time.perf_counter()
    corpus = sm.Corpus.from_scores([_four_bars()])
    pipeline = sm.Pipeline(sm.MelodyEncoding(), sm.Markov(order=1)).fit(corpus)
    first, second = (pipeline.compose(1, constraint=sm.Bars(2), seed=1)[0] for _ in range(2))
    same = first.piece.symbols.tolist() == second.piece.symbols.tolist()
    return {"ok": same and bool(first.score.tracks), "seconds": round(time.perf_counter() - started, 3)}


def _four_bars() -> Any:
    from symusic.core import NoteTick as Note
    from symusic.core import ScoreTick, TimeSignatureTick, TrackTick

    score = ScoreTick(480)
    score.time_signatures.append(TimeSignatureTick(0, 4, 4))
    track = TrackTick()
    for i, pitch in enumerate([60, 62, 64, 60, 60, 62, 64, 60, 64, 65, 67, 67, 64, 65, 67, 67]):
        track.notes.append(Note(480 * i, 480, pitch, 80))
    score.tracks.append(track)
    return score


def _tell(report: dict[str, Any]) -> None:
    say(f"stochastic_music {report['stochastic_music']} on Python {report['python']}, {report['system']}")
    for name, version in report["core"].items():
        say(f"  {name:<18} {version or 'MISSING'}")
    for name, version in report["optional"].items():
        say(f"  {name:<18} {version or 'not installed'}  ({_OPTIONAL[name]})")
    say(f"  back ends          {_back_ends_in_words(report)}")
    cache = report["cache"]
    say(f"  cache              {cache['folder']} ({'writable' if cache['writable'] else 'NOT writable'})")
    if report["self_test"]:
        outcome = "passed" if report["self_test"]["ok"] else "FAILED"
        say(f"  self-test          {outcome} in {report['self_test']['seconds']:.1f} s")
    say("All is well." if report["ok"] else "Not all is well.")


def _back_ends_in_words(report: dict[str, Any]) -> str:
    numba = "numba" if report["back_ends"]["numba"] else "no numba (extra fast)"
    return f"numpy; {numba}; {report['gpu']}"
