"""What `info --cite` and `info --card` ask of files: a model and its report, a take and the models it was made with."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stochastic_music.errors import ModelFileError
from stochastic_music.model_file import ModelFile
from stochastic_music.reports import card, citing

if TYPE_CHECKING:
    from stochastic_music.reports.citing import Citations


def model_card(file: ModelFile, facts: Mapping[str, Any]) -> str:
    """The card of a model file, of which `info` tells `facts`, with the figures of the report beside it."""
    return card.card(file.meta, facts, report_of(file.path, facts))


def cited_model(file: ModelFile, facts: Mapping[str, Any]) -> Citations:
    """What a model file rests on."""
    return citing.of_model(file.meta, report_of(file.path, facts))


def cited_take(path: Path, stated: Mapping[str, Any]) -> Citations:
    """What a piece rests on; the models it was made with are looked for here, beside it, and where its command was."""
    found = [citing.of_model(file.meta) for file in _models_of(path, stated)]
    model = None
    for citations in found:
        model = citations if model is None else model.and_(citations)
    return citing.of_take(stated, model)


def report_of(path: Path, facts: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The report beside a model, where it is of that model."""
    try:
        found = json.loads(path.with_suffix(".report.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and card.matches(found, facts) else None


def _models_of(path: Path, stated: Mapping[str, Any]) -> Iterable[ModelFile]:
    """The model files, of those that can be found, whose checksums a piece states."""
    wanted = json.dumps(stated)
    words = [word.partition("=")[0] for word in citing.command_of(stated)]
    named = [Path(word) for word in words if word.endswith(".smm")]
    places = [Path(), path.parent, path.parent.parent]
    near = [place / name for place in places for name in named]
    near += [file for place in places for file in sorted(place.glob("*.smm"))]
    seen: set[str] = set()
    for candidate in near:
        file = _opened(candidate)
        if file is not None and file.checksum in wanted and file.checksum not in seen:
            seen.add(file.checksum)
            yield file


def _opened(path: Path) -> ModelFile | None:
    """A model file, or None where there is none that can be read."""
    try:
        return ModelFile(path) if path.is_file() else None
    except ModelFileError:
        return None
