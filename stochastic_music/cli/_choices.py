"""What verbs that fit models have in common: encoding, transposition, parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from stochastic_music.cli._common import assignments
from stochastic_music.errors import UsageError

if TYPE_CHECKING:
    from stochastic_music.corpus import Corpus


def choose_transposition(how: str) -> Any:
    """What --transpose asks for."""
    from stochastic_music.errors import UnknownNameError

    known = ("common", "none", "all")
    if how not in known:
        raise UnknownNameError("way to --transpose", how, known)
    return how


def transposition_for(how: str, model: str, encoding: str) -> Any:
    """What --transpose asks for, of a kind of model and an encoding.

    Where it leaves the choice, all goes to one key, but not voices whose viewpoints hear degrees in any key: they
    would lose their ranges.
    """
    if how != "auto":
        return choose_transposition(how)
    return "none" if (model, encoding) == ("multiple_viewpoint", "voices") else "common"


def parse_parameters(model: str, texts: Sequence[str]) -> dict[str, Any]:
    """The parameters of a kind of model that --set gives; an unknown one names the nearest."""
    from stochastic_music import registry
    from stochastic_music.errors import UnknownNameError

    cls = registry.get("models", model)
    defaults = registry.parameters_of(cls)
    given = assignments(texts)
    for name in given:
        if name not in defaults:
            raise UnknownNameError(f"parameter of {model}", name, defaults)
    return {name: registry.parse_parameter(cls, name, text) for name, text in given.items()}


def choose_encoding(music: Corpus, name: str, part: str | None, grid: str) -> tuple[Any, str]:
    """The encoding that --encoding, --part and --grid ask for, and why it is this one."""
    from stochastic_music import registry, tokens

    options = {"grid": grid, "part": int(part) if part is not None and part.isdigit() else part}
    if name == "auto" and part is None:
        choice = tokens.choose_encoding([piece.score for piece in music], grid=grid)
        lost = f" That leaves out {choice.loses}." if choice.loses else ""
        return choice.encoding, f"Encoding: {choice.encoding.name}, because {choice.why}.{lost}"
    name = "melody" if name == "auto" else name
    known = registry.parameters_of(registry.get("encodings", name))
    if part is not None and "part" not in known:
        raise UsageError(f"--part does not go with --encoding {name}, which takes several parts: leave one of them out")
    chosen = registry.create("encodings", name, {k: v for k, v in options.items() if k in known})
    if isinstance(chosen, tokens.VoicesEncoding):
        chosen = replace(chosen, n_voices=None).for_scores([piece.score for piece in music])
        return chosen, f"Encoding: {name}, as asked; {chosen.n_voices} of them, as most pieces have."
    return chosen, f"Encoding: {name}, as asked."


def default_model(encoding: Any) -> str:
    """The kind of model that `fit` takes where none is named: viewpoints where there are pitches to look at."""
    viewed = {"melody", "voices"}
    return "multiple_viewpoint" if encoding.name in viewed else "markov"
