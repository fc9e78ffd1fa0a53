"""Sound through FluidSynth and a SoundFont, where one is asked for.

FluidSynth runs as a program of its own, under limits of time and (on Linux) memory: a damaged SoundFont costs no more
than itself. Files that are no SoundFont are refused before FluidSynth sees them [1]. Fonts are found by the
environment variable SOUNDFONT, then in the folders where systems keep them, one named `default` before others.

[1] SoundFont technical specification 2.04. Creative Technology Ltd, 2006.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from stochastic_music.errors import MachineError, MissingExtraError, UnreadableFileError
from stochastic_music.render.audio.partials import Sound

if TYPE_CHECKING:
    from symusic.core import ScoreTick

_FOLDERS = (
    *("~/.local/share/soundfonts", "~/.local/share/sounds/sf2", "/usr/share/soundfonts", "/usr/share/sounds/sf2"),
    *("/usr/share/sounds/sf3", "/usr/local/share/soundfonts", "/usr/local/share/sounds/sf2"),
    *("/opt/homebrew/share/soundfonts", "~/Library/Audio/Sounds/Banks", "C:/soundfonts"),
)
_SUFFIXES = {".sf2", ".sf3"}
_REMEDY = "Give a .sf2 file, for example FluidR3_GM.sf2 (Debian and Ubuntu: apt install fluid-soundfont-gm)"
_INSTALL = (
    "install it with: apt install fluidsynth (Debian, Ubuntu), dnf install fluidsynth (Fedora), "
    "brew install fluid-synth (macOS), choco install fluidsynth (Windows)"
)
#: seconds, and bytes beside the SoundFont
_PATIENCE, _MEMORY = 30.0, 2 << 30


def found() -> Path | None:
    """The SoundFont of this machine, None where there is none, or no FluidSynth to play it."""
    if shutil.which("fluidsynth") is None:
        return None
    if named := os.environ.get("SOUNDFONT"):
        return Path(named)
    return next((font for folder in _FOLDERS for font in _fonts(Path(folder).expanduser())), None)


def _fonts(folder: Path) -> list[Path]:
    """The fonts of a folder, the default first."""
    try:
        fonts = [path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES and path.is_file()]
    except OSError:
        return []
    return sorted(fonts, key=lambda path: (not path.name.lower().startswith("default"), path.name))


def check(font: Path) -> None:
    """Raise UnreadableFileError unless `font` looks like a whole SoundFont."""
    try:
        size = font.stat().st_size
        with font.open("rb") as file:
            head = file.read(12)
    except OSError as error:
        raise UnreadableFileError(f"the SoundFont {font} cannot be read: {error.strerror}", _REMEDY) from error
    if len(head) < 12 or head[:4] != b"RIFF" or head[8:] != b"sfbk":
        raise UnreadableFileError(f"{font} is no SoundFont: it does not begin as one", _REMEDY)
    wanted = 8 + struct.unpack("<I", head[4:8])[0]
    if size < wanted:
        raise UnreadableFileError(f"the SoundFont {font} is cut short: {size:,} of {wanted:,} bytes", _REMEDY)


def fluidsynth() -> str:
    """The program that plays SoundFonts; raises MissingExtraError where it is not installed."""
    if (program := shutil.which("fluidsynth")) is None:
        raise MissingExtraError(f"a SoundFont needs FluidSynth, which is not installed here: {_INSTALL}.")
    return program


def rendered(score: ScoreTick, font: Path, seconds: float, sample_rate: int) -> Sound:
    """(n_samples, 2) as FluidSynth plays a score of `seconds`, not yet leveled.

    Raises UnreadableFileError for what is no SoundFont, MissingExtraError where FluidSynth is not installed, and
    MachineError where it fails or takes too long.
    """
    check(font)
    program = fluidsynth()
    with tempfile.TemporaryDirectory() as folder:
        midi, raw = Path(folder) / "score.mid", Path(folder) / "sound.raw"
        score.dump_midi(midi)
        form = ["-T", "raw", "-O", "float", "-E", "little", "-r", str(sample_rate)]
        told = _run([program, "-n", "-i", "-q", *form, "-F", str(raw), str(font.absolute()), str(midi)], font, seconds)
        sound = np.fromfile(raw, dtype="<f4") if raw.is_file() else np.zeros(0, dtype="<f4")
    sound = sound[: len(sound) // 2 * 2].reshape(-1, 2)
    if not np.isfinite(sound).all() or not sound.any():
        raise MachineError(f"FluidSynth made no sound with {font}{told}: try another SoundFont, or none.")
    return sound


def _run(command: list[str], font: Path, seconds: float) -> str:
    """Run a program under limits; its last words, for an error."""
    patience = _PATIENCE + seconds
    with subprocess.Popen(  # noqa: S603 - found on the PATH, on files of ours and a checked font
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        _limit_memory(process.pid, _MEMORY + 2 * font.stat().st_size)
        try:
            words = process.communicate(timeout=patience)[1].decode("utf-8", "replace").strip()
        except subprocess.TimeoutExpired as error:
            process.kill()
            raise MachineError(f"FluidSynth did not finish within {patience:.0f} seconds with {font}.") from error
    last = f" ({words.splitlines()[-1]})" if words else ""
    if process.returncode:
        raise MachineError(f"FluidSynth failed with {font}{last}: try another SoundFont, or none.")
    return last


def _limit_memory(pid: int, limit: int) -> None:
    """Cap the address space of another process where the system can."""
    if sys.platform == "linux":
        import resource

        with contextlib.suppress(OSError, ValueError):
            resource.prlimit(pid, resource.RLIMIT_AS, (limit, limit))
