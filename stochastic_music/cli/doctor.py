"""`stochmusic doctor`: whether everything is in place on this machine, and what to do where it is not.

Without the core nothing works: exit code 4. Extras may be absent; one that is installed and does not load is named, and
stops nothing else.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stochastic_music.cli import _options
from stochastic_music.cli._common import print_json, progress, say
from stochastic_music.cli._health import heading, lines


def doctor(
    as_json: _options.AsJson = False,
) -> None:
    """Check the installation: Python, libraries, extras, sound, GPU, cache, and a short self-test."""
    from stochastic_music import __version__
    from stochastic_music.errors import MachineError

    about = {
        "stochastic_music": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "interpreter": sys.executable,
    }
    say(heading(about))
    report: dict[str, Any] = {**about, **_about_libraries()}
    whole = not report["missing"] and not any(module in report["broken"] for module in report["core"])
    report |= _about_machine() if whole else dict.fromkeys(("back_ends", "gpu", "fluidsynth", "cache"))
    report["self_test"] = _self_test() if whole else None
    ailments = _ailments(report)
    report["ok"] = not ailments
    for line in lines(report)[1:]:
        say(line)
    if as_json:
        print_json(report)
    if ailments:
        raise MachineError(f"not all is well. {'; '.join(ailments)}.")


def _about_libraries() -> dict[str, Any]:
    """Versions of what is installed, what each extra is good for, and what of the core is missing or broken."""
    from stochastic_music.cli import _libraries

    with progress("trying each library"):
        found = _libraries.examined()
    versions = {module: library and library.version for module, library in found.items()}
    extras = _libraries.about_extras(found)
    core = {module: versions[module] for module in _libraries.CORE}
    in_extras = {module: versions[module] for extra in _libraries.EXTRAS.values() for module in extra.modules}
    return {
        "core": core,
        "missing": [module for module in core if found[module] is None],
        "broken": {module: library.why for module, library in found.items() if library and library.why},
        "optional": {**{module: versions[module] for module in _libraries.WHERE_THEY_EXIST}, **in_extras},
        "extras": extras,
    }


def _about_machine() -> dict[str, Any]:
    from stochastic_music import _backends

    return {
        "back_ends": {name: _backends.present(name) for name in _backends.BACKENDS},
        "gpu": _backends.gpu()[1],
        "fluidsynth": _fluidsynth(),
        "cache": _cache(),
    }


def _fluidsynth() -> dict[str, str | None]:
    """Where FluidSynth is, and the SoundFont that it would take."""
    import shutil

    from stochastic_music.render.audio import soundfonts

    font = soundfonts.found()
    return {"program": shutil.which("fluidsynth"), "soundfont": None if font is None else str(font)}


def _cache() -> dict[str, Any]:
    import os

    from stochastic_music.corpus import cache_folder

    folder = cache_folder()
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    sizes = [path.stat().st_size for path in _files(folder)]
    writable = nearest.is_dir() and os.access(nearest, os.W_OK)
    return {"folder": str(folder), "writable": writable, "files": len(sizes), "bytes": sum(sizes)}


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.glob("*.corpus") if path.is_file()] if folder.is_dir() else []


def _self_test() -> dict[str, Any]:
    from stochastic_music.cli._self_test import self_test

    steps = self_test()
    return {
        "ok": all(step.ok for step in steps),
        "seconds": round(sum(step.seconds for step in steps), 3),
        "steps": [{**step._asdict(), "ok": step.ok} for step in steps],
    }


def _ailments(report: Mapping[str, Any]) -> list[str]:
    """What is wrong with the core, each with what to do."""
    missing = ", ".join(report["missing"])
    broken = ", ".join(module for module in report["core"] if module in report["broken"])
    steps = report["self_test"]["steps"] if report["self_test"] else []
    failed = ", ".join(step["name"] for step in steps if not step["ok"])
    again = "install it again: pip install --force-reinstall stochastic-music"
    told = {
        f"{missing}: not there. The package is not whole, {again}": missing,
        f"{broken}: there, but will not load. The package is not whole, {again}": broken,
        f"the self-test failed ({failed}); the lines above say why": failed,
    }
    return [text for text, holds in told.items() if holds]
