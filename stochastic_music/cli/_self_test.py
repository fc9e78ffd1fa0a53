"""A walk along the main road in about a second: learn, compose, engrave, sound, make a page, read it all back.

Steps come one after another, each with what those before it made; a step that fails says why, and those after it that
need it say so. A step that needs an extra which is absent is left out, and is no failure.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple


class Step(NamedTuple):
    """How a step went: `said` is empty where all is well, `left_out` says that it was not tried."""

    name: str
    seconds: float
    said: str = ""
    left_out: bool = False

    @property
    def ok(self) -> bool:
        """Whether it did not fail."""
        return self.left_out or not self.said


def self_test() -> list[Step]:
    """All steps, in order. Nothing is left behind."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        made: dict[str, Any] = {"folder": Path(folder)}
        return [_done(name, step, made) for name, step in _STEPS.items()]


def _done(name: str, step: Callable[[dict[str, Any]], str], made: dict[str, Any]) -> Step:
    started = time.perf_counter()
    said, left_out = "", False
    try:
        said = step(made)
        left_out = bool(said)
    except KeyError as error:
        said = f"there is no {error.args[0]} to work on"
    except Exception as error:  # whatever is broken is what is to be found out
        said = f"{type(error).__name__}: {error}"
    return Step(name, round(time.perf_counter() - started, 3), said, left_out)


def _learn(made: dict[str, Any]) -> str:
    import stochastic_music as sm

    corpus = sm.Corpus.from_text("4/4 c4 d e c c d e c e f g2 e4 f g2")
    made["pipeline"] = sm.Pipeline(sm.MelodyEncoding(), sm.Markov(order=1)).fit(corpus)
    return ""


def _compose(made: dict[str, Any]) -> str:
    import stochastic_music as sm

    first, second = (made["pipeline"].compose(1, constraint=sm.Bars(2), seed=1)[0] for _ in range(2))
    if first.piece.symbols.tolist() != second.piece.symbols.tolist():
        raise ValueError("equal seeds gave different notes")
    made["score"] = first.score
    return ""


def _engrave(made: dict[str, Any]) -> str:
    from stochastic_music._optional import available

    if not (available("verovio") and available("resvg_py")):
        return "the extra notation is absent"
    from stochastic_music.render.notation import to_png

    _expect(to_png(made["score"]).startswith(b"\x89PNG"), "the engraved picture is no PNG")
    return ""


def _play(made: dict[str, Any]) -> str:
    from stochastic_music.render.audio import synthesize, to_wav

    sound = synthesize(made["score"])
    _expect(bool(sound.any()), "there is nothing to hear")
    _expect(to_wav(sound).startswith(b"RIFF"), "the sound is no WAV")
    return ""


def _page(made: dict[str, Any]) -> str:
    from stochastic_music.reports.pages.listening import Heard, listening_page

    _expect("</html>" in listening_page("Self-test", [Heard("Take", made["score"])]), "the page breaks off")
    return ""


def _read_back(made: dict[str, Any]) -> str:
    import stochastic_music as sm

    tune, model = made["folder"] / "take.mid", made["folder"] / "model.smm"
    sm.save(made["score"], tune)
    made["pipeline"].save(model)
    kept = [[(note.time, note.pitch) for note in score.tracks[0].notes] for score in (made["score"], sm.load(tune))]
    _expect(kept[0] == kept[1], "the notes that were read are not those that were written")
    again = sm.Pipeline.load(model).compose(1, constraint=sm.Bars(2), seed=1)[0].score
    _expect(again == made["score"], "the model that was read composes otherwise")
    return ""


def _expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise ValueError(otherwise)


#: by what they do
_STEPS = {
    "learn": _learn,
    "compose": _compose,
    "engrave": _engrave,
    "play": _play,
    "page": _page,
    "read back": _read_back,
}
