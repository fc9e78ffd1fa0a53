"""The formats of --also: one table for every verb that writes music, and how its files are written.

A *format* makes the bytes of a file out of `Music`: a score with its title, how it was made and, where a model has
heard it, how much each note surprised. `page` is no format of a piece: it is one file for all pieces of a call
(`_pages.py`).

What was asked for is checked before anything is composed: names, the libraries that formats take, and whether the
folder can be written to. The files of one piece are written all or none, each under its name only when it is whole.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from stochastic_music import _optional
from stochastic_music._files import refuse_unwritable, write_all
from stochastic_music.cli._common import say
from stochastic_music.errors import UnknownNameError, UsageError

if TYPE_CHECKING:
    from stochastic_music.protocols import FloatArray
    from stochastic_music.render.notation import Look

#: the one file for all pieces of a call
PAGE = "page"


@dataclass(frozen=True, eq=False)
class Music:
    """What is written of a piece.

    `bits` holds an array a track, (n_notes,), in order of time and pitch, None where no model told them; nan for a note
    that it did not hear. `midi` are the bytes of a MIDI file that says more than the score does.
    """

    score: Any
    title: str
    made_by: str
    bits: Sequence[FloatArray] | None = None
    midi: bytes | None = None
    soundfont: str | None = None


class Format(NamedTuple):
    """How files of a format end, what makes their bytes, and the modules that this takes beside the package's own."""

    ending: str
    make: Callable[[Music], bytes]
    needs: tuple[str, ...] = ()


class Wanted(NamedTuple):
    """What was asked for, checked: formats, a page, the SoundFont to sound through, and where all of it goes."""

    formats: tuple[str, ...]
    page: bool
    soundfont: str | None
    folder: Path
    force: bool
    open_: bool


def wanted(
    also: str,
    folder: Path,
    *,
    soundfont: str | None = None,
    force: bool = False,
    open_: bool = False,
    default: str = "",
) -> Wanted:
    """What the options ask for; `default` are the formats where none is named.

    Raises UnknownNameError for a format there is not, UsageError for a list that names none, or a SoundFont without a
    sound, UnreadableFileError for what is none, MissingExtraError where a format takes what is not installed,
    MachineError where nothing can be written into `folder`.
    """
    names = named(also or default)
    formats = tuple(name for name in names if name != PAGE)
    if soundfont is not None:
        _check_soundfont(soundfont, formats)
    refuse_unwritable(folder)
    return Wanted(formats, PAGE in names, soundfont, folder, force, open_)


def _check_soundfont(soundfont: str, formats: Sequence[str]) -> None:
    """Raise what would be raised once there is music; say where `auto` finds nothing."""
    from stochastic_music.render.audio import soundfonts

    if not set(formats) & set(_SOUNDS):
        raise UsageError(f"--soundfont got '{soundfont}', but no sound is written: add --also wav, flac or ogg")
    if soundfont != "auto":
        soundfonts.check(Path(soundfont))
        soundfonts.fluidsynth()
    elif soundfonts.found() is None:
        say("There is no SoundFont and FluidSynth here: the package's own instruments sound.")


def named(also: str) -> list[str]:
    """The formats of a list such as `png,wav`, in order; errors as for `wanted`, the folder's apart."""
    names = list(dict.fromkeys(text.strip().lower() for text in also.split(",") if text.strip()))
    if also and not names:
        raise UsageError(f"--also got '{also}'; expected formats with commas between: {', '.join((*FORMATS, PAGE))}")
    for name in names:
        if name not in FORMATS and name != PAGE:
            raise UnknownNameError("format of --also", name, (*FORMATS, PAGE))
    for name in names:
        for module in FORMATS[name].needs if name in FORMATS else ():
            _optional.require(module)
    return names


def write(music: Music, stem: Path, wanted: Wanted) -> list[Path]:
    """The MIDI file of a take and its further formats, named after `stem`: all of them, or none.

    Nothing is overwritten unless it is equal, or --force is given: raises UsageError.
    """
    music = replace(music, soundfont=wanted.soundfont)
    return write_all(drafts(music, stem, dict.fromkeys(["mid", *wanted.formats])), force=wanted.force)


def drafts(music: Music, stem: Path, formats: Iterable[str]) -> dict[Path, bytes]:
    """The files that `music` makes, by name."""
    return {stem.with_name(stem.name + FORMATS[name].ending): FORMATS[name].make(music) for name in formats}


def _midi(music: Music) -> bytes:
    from stochastic_music.io.midi import midi_bytes

    return music.midi if music.midi is not None else midi_bytes(music.score, provenance=music.made_by)


def _musicxml(music: Music) -> bytes:
    """Engraved, with the surprise of each note beneath it."""
    from stochastic_music.io.engrave import to_musicxml
    from stochastic_music.render.notation.look import Look, sung

    look = _look(music) or Look()
    return to_musicxml(sung(music.score, look), title=_caption(music), provenance=music.made_by)


def _svg(music: Music) -> bytes:
    from stochastic_music.render.notation import to_svg

    return to_svg(music.score, title=_caption(music), provenance=music.made_by, look=_look(music)).encode()


def _sheet(music: Music) -> bytes:
    from stochastic_music.render.notation import to_png

    return to_png(music.score, title=_caption(music), provenance=music.made_by, look=_look(music))


def _pdf(music: Music) -> bytes:
    from stochastic_music.render.notation import to_pdf

    return to_pdf(music.score, title=_caption(music), provenance=music.made_by, look=_look(music))


def _look(music: Music) -> Look | None:
    """Notes colored by surprise, where that is known, with bits as lyrics."""
    from stochastic_music.render.notation.surprise import surprise_look

    return None if music.bits is None else surprise_look(music.bits)


def _caption(music: Music) -> str:
    """What stands above notation."""
    return music.title.replace("_", " ") if music.bits is None else f"{music.title}: surprise in bits"


def _in_order(score: Any) -> Any:
    """A copy whose notes stand in order of time and pitch."""
    score = score.copy()
    for track in score.tracks:
        track.notes.sort(key=lambda note: (note.time, note.pitch))
    return score


def _piano_roll(music: Music) -> bytes:
    """The piano roll, colored by surprise where that is known."""
    from stochastic_music.render.plots import piano_roll, surprise_roll, to_png

    if music.bits is None:
        figure = piano_roll(music.score, title=music.title)
    else:
        figure = surprise_roll(_in_order(music.score), music.bits, title=music.title)
    return to_png(figure, title=music.title, provenance=music.made_by)


def _sound(music: Music, *, suffix: str) -> bytes:
    from stochastic_music.render.audio import write_sound

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"sound{suffix}"
        write_sound(music.score, path, provenance=music.made_by, soundfont=music.soundfont)
        return path.read_bytes()


_SOUNDS = {
    "wav": Format(".wav", partial(_sound, suffix=".wav")),
    "flac": Format(".flac", partial(_sound, suffix=".flac"), ("soundfile",)),
    "ogg": Format(".ogg", partial(_sound, suffix=".ogg"), ("soundfile",)),
}
#: by the names that --also knows
FORMATS = {
    "mid": Format(".mid", _midi),
    "musicxml": Format(".musicxml", _musicxml),
    "svg": Format(".svg", _svg, ("verovio",)),
    "pdf": Format(".pdf", _pdf, ("verovio", "reportlab", "fontTools")),
    "sheet": Format("-sheet.png", _sheet, ("verovio", "resvg_py", "fontTools")),
    "png": Format(".png", _piano_roll),
    **_SOUNDS,
}
