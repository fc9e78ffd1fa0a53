"""What `stochmusic doctor` found, in lines for people: a name, `ok` or what is the matter, and what to do.

stochastic_music 0.1.0 on Python 3.13.1, Linux x86_64
  numpy             ok      2.4.6
  sound             absent  FLAC and OGG: pip install "stochastic-music[sound]"
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from stochastic_music.cli._libraries import WHERE_THEY_EXIST


def heading(report: Mapping[str, Any]) -> str:
    """Which version on which Python, and where."""
    return f"stochastic_music {report['stochastic_music']} on Python {report['python']}, {report['system']}"


def lines(report: Mapping[str, Any]) -> list[str]:
    """All of a report, the heading first."""
    return [heading(report), *_libraries(report), *_machine(report), *_self_test(report), _sum(report)]


def _libraries(report: Mapping[str, Any]) -> Iterator[str]:
    yield "core"
    for module, version in report["core"].items():
        yield _line(module, *_core_state(report, module, version))
    yield "extras"
    for name, extra in report["extras"].items():
        yield _line(name, *_extra_state(extra))
    for module in WHERE_THEY_EXIST:
        yield _line(module, *_platform_state(report, module))


def _machine(report: Mapping[str, Any]) -> Iterator[str]:
    if report["cache"] is None:
        return
    yield "machine"
    yield _line("back ends", "ok", _back_ends_in_words(report))
    yield _line("FluidSynth", *_fluidsynth_in_words(report["fluidsynth"]))
    yield _line("cache", *_cache_in_words(report["cache"]))


def _self_test(report: Mapping[str, Any]) -> Iterator[str]:
    if report["self_test"]:
        yield "self-test"
        for step in report["self_test"]["steps"]:
            state = "absent" if step["left_out"] else "ok" if step["ok"] else "FAILED"
            yield _line(step["name"], state, step["said"] or f"{step['seconds']:.2f} s")


def _line(name: str, state: str, text: str) -> str:
    return f"  {name:<17} {state:<7} {text}".rstrip()


def _core_state(report: Mapping[str, Any], module: str, version: str | None) -> tuple[str, str]:
    if module in report["missing"]:
        return "MISSING", ""
    why = report["broken"].get(module)
    return ("BROKEN", f"{version}: {why}") if why else ("ok", version or "")


def _extra_state(extra: Mapping[str, Any]) -> tuple[str, str]:
    versions = ", ".join(f"{module} {version or ''}".strip() for module, version in extra["modules"].items())
    if extra["state"] == "ok":
        return "ok", f"{extra['brings']} ({versions})"
    if extra["state"] == "absent":
        return "absent", f"{extra['brings']}: {extra['do']}"
    why = "; ".join(f"{module}: {said}" for module, said in extra["broken"].items())
    return "BROKEN", f"{extra['brings']}. {why}. Try: {extra['do']}"


def _platform_state(report: Mapping[str, Any], module: str) -> tuple[str, str]:
    version, why = report["optional"][module], report["broken"].get(module)
    if why:
        return "BROKEN", f"{WHERE_THEY_EXIST[module]}. {why}. Try: pip install --force-reinstall {module}"
    return ("ok", f"{WHERE_THEY_EXIST[module]} ({version})") if version else ("absent", WHERE_THEY_EXIST[module])


def _back_ends_in_words(report: Mapping[str, Any]) -> str:
    numba = "numba" if report["back_ends"]["numba"] else "no numba (extra fast)"
    return f"numpy; {numba}; {report['gpu']}"


def _fluidsynth_in_words(found: Mapping[str, str | None]) -> tuple[str, str]:
    if found["program"] is None:
        return "absent", "only SoundFonts need it (--soundfont); sound without them works"
    return "ok", f"{found['program']}, {found['soundfont'] or 'no SoundFont found: name one with --soundfont'}"


def _cache_in_words(cache: Mapping[str, Any]) -> tuple[str, str]:
    text = f"{cache['folder']} ({cache['files']} files, {cache['bytes'] / 1e6:.1f} MB)"
    if cache["writable"]:
        return "ok", text
    return "REFUSED", f"{text} cannot be written: what it lacks is parsed each time. Set STOCHASTIC_MUSIC_CACHE"


def _sum(report: Mapping[str, Any]) -> str:
    if not report["ok"]:
        return "Not all is well."
    ill = [name for name, extra in report["extras"].items() if extra["state"] == "broken"]
    ill += [module for module in WHERE_THEY_EXIST if module in report["broken"]]
    return f"The core is well; what is broken: {', '.join(ill)}." if ill else "All is well."
