"""`stochmusic info`: what a file is, and how to make it again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stochastic_music.cli import _options
from stochastic_music.cli._common import plural, print_json, say
from stochastic_music.cli._stores import only_store, show
from stochastic_music.errors import UsageError

if TYPE_CHECKING:
    from stochastic_music.model_file import ModelFile

#: what analyses are written as
_TEXTS = {".rntxt", ".txt", ".json"}
_SOUNDS, _ENGRAVED = {".wav", ".flac", ".ogg"}, {".svg", ".pdf"}
_LABELS = {"stochastic_music": "written by version"}
_WORDS = {True: "yes", False: "no", None: "-"}


def info(
    file: Annotated[Path, typer.Argument(help="A model (*.smm), a store, or a piece that stochmusic wrote.")],
    verify: Annotated[bool, typer.Option("--verify", help="Check every checksum of a model file or a store.")] = False,
    cite: Annotated[bool, typer.Option("--cite", help="What to cite for it, as BibTeX.")] = False,
    card: Annotated[bool, typer.Option("--card", help="A model's card, as Markdown.")] = False,
    as_json: _options.AsJson = False,
) -> None:
    """Tell what a model was fitted on, what a store holds, or how a piece was made."""
    if not file.exists():
        raise UsageError(f"there is no file {file}: check the spelling.")
    if (store := only_store([str(file)])) is not None:
        _refuse(file, "store", cite=cite, card=card)
        show(store, as_json, verify=verify)
        return
    if file.is_dir():
        raise UsageError(f"{file} is a folder: name a file, or see 'stochmusic corpus info FOLDER'.")
    payload = _of_model(file, verify) if file.suffix == ".smm" else _of_piece(file)
    texts = _texts(file, payload, cite=cite, card=card)
    if as_json:
        print_json({**payload, **texts})
        return
    if texts:
        print("\n".join(text if isinstance(text, str) else text["bibtex"] for text in texts.values()), end="")
        return
    states = payload.pop("states", [])
    for key, value in payload.items():
        print(f"{_LABELS.get(key, key.replace('_', ' ')):<18} {_shown(value)}")
    if states:
        print("\nWhat its hidden states play:\n" + "\n".join(f"  {state['said']}" for state in states))


def _texts(path: Path, payload: dict[str, Any], *, cite: bool, card: bool) -> dict[str, Any]:
    """What --card and --cite ask for, by key; what has no citation is said."""
    from stochastic_music.cli import _cards
    from stochastic_music.model_file import ModelFile

    if not cite and not card:
        return {}
    file = ModelFile(path) if path.suffix == ".smm" else None
    if file is not None and file.task == "counts":
        _refuse(path, "table of counts", cite=cite, card=card)
    if file is None:
        _refuse(path, "piece", cite=False, card=card)
    found: dict[str, Any] = {"card": _cards.model_card(file, payload)} if card and file else {}
    if cite:
        citations = _cards.cited_model(file, payload) if file else _cards.cited_take(path, payload)
        for lost in citations.not_cited:
            say(f"No citation is known for {lost}.")
        found["cite"] = citations.to_json()
    return found


def _refuse(path: Path, what: str, *, cite: bool, card: bool) -> None:
    """Raise UsageError where a card or citations are asked for and there are none."""
    if cite or card:
        raise UsageError(f"{path} is a {what}, which has no {'card' if card else 'citations'}: name a model (*.smm)")


def _of_counts(file: ModelFile, verify: bool) -> dict[str, Any]:
    meta = file.meta
    return {
        "file": str(file.path),
        "task": file.task,
        "symbols": meta["n_values"],
        "ngrams": [len(file[f"{order}.keys"]) for order in range(1, meta["order"] + 1)],
        "format": meta["format"],
        "sha256": file.checksum,
        "bytes": file.path.stat().st_size,
        "verified": verify,
    }


def _of_model(path: Path, verify: bool) -> dict[str, Any]:
    from stochastic_music.model_file import ModelFile

    file = ModelFile(path)
    meta = file.meta
    if verify:
        say(f"All {plural(file.verify(), 'array')} of {path} are as they were written.")
    if file.task == "counts":
        return _of_counts(file, verify)
    if meta.get("stale", False):
        say("Its weights are stale: counts have changed since they were learned. Fit it again, from sources.")
    model, parameters = meta["model"]
    encoding, options = meta.get("encoding", (None, {}))
    return {
        "file": str(path),
        "task": file.task,
        "model": model,
        "parameters": parameters,
        **_size(file),
        "encoding": encoding,
        "encoding_options": options,
        "transpose": meta.get("transpose"),
        "pieces": meta["card"].get("n_pieces"),
        "notes": meta["card"].get("n_notes"),
        "licences": meta["card"].get("licences", []),
        "sources_kept": "corpus.offsets" in file,
        "stale_weights": meta.get("stale", False),
        "written_by": f"stochastic_music {meta['version']}",
        "format": meta["format"],
        "sha256": file.checksum,
        "bytes": path.stat().st_size,
        "verified": verify,
        **({"states": states} if (states := _states(file)) else {}),
    }


def _size(file: ModelFile) -> dict[str, int]:
    """How many numbers a network learned."""
    sizes = [file[name].size for name in file if name.startswith("model.weights.")]
    return {"learned_parameters": sum(sizes)} if sizes else {}


def _states(file: ModelFile) -> list[dict[str, Any]]:
    """What each hidden state of a model plays, for models that have such and whose package is here."""
    from stochastic_music import registry
    from stochastic_music.pipeline import Pipeline

    kind = file.meta["model"][0]
    known = file.task == "compose" and kind in registry.names("models")
    if not known or not hasattr(registry.get("models", kind), "state_report"):
        return []
    report = Pipeline.from_file(file).model.state_report()
    return [{**state.to_json(), "said": str(state)} for state in report]


def _of_piece(path: Path) -> dict[str, Any]:
    from stochastic_music import io

    known = path.suffix.lower() in {*io.SUFFIXES, *_SOUNDS, *_ENGRAVED, ".png", ".html", *_TEXTS}
    made_by = _stated(_provenance(path)) if known else {}
    if not known or (path.suffix.lower() in _TEXTS and not made_by):
        raise UsageError(f"{path} is neither a model (*.smm) nor a piece of music, sound, picture, page or analysis.")
    pieces = io.read(path) if path.suffix.lower() in io.SUFFIXES else []
    notes = [sum(len(track.notes) for track in piece.score.tracks) for piece in pieces]
    payload: dict[str, Any] = {"file": str(path), **made_by}
    if pieces:
        payload |= {"pieces": len(pieces), "notes": sum(notes)}
    if not made_by:
        say(f"{path} does not say how it was made: stochmusic did not write it.")
    return payload


def _provenance(path: Path) -> str:
    """What a file of any kind that generate writes says of its making."""
    from stochastic_music import io

    if path.suffix.lower() in _SOUNDS:
        from stochastic_music.render.audio import provenance
    elif path.suffix.lower() in _ENGRAVED:
        from stochastic_music.render.notation.provenance import provenance
    elif path.suffix.lower() == ".html":
        from stochastic_music.cli._pages import provenance
    elif path.suffix.lower() == ".png":
        from stochastic_music.render.plots import provenance
    elif path.suffix.lower() in _TEXTS:
        from stochastic_music.tasks.chords.analysis import provenance
    else:
        return io.read_provenance(path)
    return provenance(path.read_bytes())


def _stated(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _shown(value: Any) -> str:
    if isinstance(value, dict) and len(value) == 1 and isinstance(named := next(iter(value.values())), list):
        return f"{named[0]}({_shown(named[1])})"
    if isinstance(value, dict):
        return ", ".join(f"{name}={_shown(item)}" for name, item in value.items()) or "-"
    if isinstance(value, list):
        return "; ".join(_shown(item) for item in value) or "-"
    return _WORDS[value] if value is None or isinstance(value, bool) else str(value)
