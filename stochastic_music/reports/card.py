"""Model cards: what a model is, what it learned from, how well it does, what it cannot do, how to make it again.

A card is Markdown, made of what a model file says of itself and of the report that `fit` wrote beside it, where that is
of the same model. Figures are those that were measured on music held out of the fit; where the model was then fitted
again on everything, the card says so.
"""

from __future__ import annotations

import math
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from stochastic_music.corpus.report import counted
from stochastic_music.model_file import TASKS
from stochastic_music.reports.citing import models_in

#: what a kind of model cannot do
LIMITS: Mapping[str, str] = {
    "markov": "It knows as many events back as its order says and nothing before: no form, no theme that returns.",
    "ppm": "It continues what it has heard: long runs may be copies (--max-copy limits them); form is not planned.",
    "ppm_online": "It learns as it reads, so that a note is likelier the second time; form is not planned.",
    "stm": "It knows nothing but the piece so far: by itself it has no style.",
    "hmm": "Notes know each other through hidden states alone: from note to note it is only as good as these.",
    "multiple_viewpoint": "It weighs what viewpoints say note by note: what spans phrases is beyond it.",
    "idyom": "It predicts pitches as listeners may; it is slow to compose with, and form is not planned.",
    "mixture": "It is as good as what it mixes; what one of its parts holds to be impossible may stay so.",
    "maxent": "It compares pieces of one length and predicts nothing from left to right, so it cannot explain; its "
    " music is drawn by Markov chains, which come near the model and are not exact.",
    "lstm": "What it learned cannot be counted or named, its music may copy, and other machines may give other bytes.",
    "gru": "What it learned cannot be counted or named, its music may copy, and other machines may give other bytes.",
    "wavenet": "It hears as far back as its layers reach; what it learned cannot be counted or named.",
    "transformer": "It hears as far back as its layers reach; what it learned cannot be counted or named.",
    "crf": "It composes over a rhythm or chords that are given, in labels that training held, and invents no form.",
    "chord_labeller": "It knows qualities of chords that its training labelled often; rarer ones are simplified.",
    "harmonizer": "It sets melodies in four voices, a chord a beat; other textures are beyond it.",
}
#: files, meters or keys that are named
_NAMED = 8
_OTHER = "It comes from a plug-in: what it cannot do, its documentation tells."


def card(meta: Mapping[str, Any], facts: Mapping[str, Any], report: Mapping[str, Any] | None = None) -> str:
    """A model card in Markdown.

    `meta` is the JSON that the model file carries, `facts` what `info` tells of it (file, sha256, bytes, format, ...),
    `report` what the fit reported of this model, None where that is not at hand.
    """
    sections = {
        "What it is": _what(meta, facts),
        "What it learned from": _corpus(meta, report),
        "How well it does": _figures(report),
        "What it cannot do": _limits(meta),
        "How to make it again": _again(meta, facts, report),
        "Checksum": [f"- SHA-256 `{facts['sha256']}`", f"- {facts['bytes']:,} bytes, format {facts['format']}"],
    }
    parts = [f"# {_text(str(facts['file']))}"]
    parts += [f"## {heading}\n\n" + "\n".join(lines) for heading, lines in sections.items()]
    return "\n\n".join(parts) + "\n"


def matches(report: Mapping[str, Any], facts: Mapping[str, Any]) -> bool:
    """Whether a report is of this very model."""
    return bool(report.get("sha256") == facts["sha256"])


# Sections


def _what(meta: Mapping[str, Any], facts: Mapping[str, Any]) -> list[str]:
    task = TASKS.get(str(facts["task"]))
    lines = [f"- A model that {task.does}." if task else f"- A model of the task {facts['task']}."]
    parts = list(_parts(meta))
    lines += [f"- Kind: {_kind(*parts[0])}"] if parts else []
    lines += [f"  - of {_kind(kind, parameters)}" for kind, parameters in parts[1:]]
    if facts.get("encoding"):
        lines.append(f"- Music is read as `{facts['encoding']}`, transposed: {facts.get('transpose') or 'none'}.")
    lines.append(f"- Written by {facts['written_by']}.")
    return lines


def _corpus(meta: Mapping[str, Any], report: Mapping[str, Any] | None) -> list[str]:
    known, said = meta.get("card", {}), report or {}
    lines = [f"- {counted(n, noun)}" for n, noun in _sizes(known)]
    lines += [f"- Corpus: {', '.join(map(_text, said['corpus']))}"] if said.get("corpus") else []
    lines += [f"- Files: {_tally(_files(meta))}"] if meta.get("names") else []
    for name, what in (("meters", "Meters"), ("keys", "Keys")):
        lines += [f"- {what}: {_tally(said[name])}"] if said.get(name) else []
    lines += [f"- Licence: {_text(licence)}" for licence in known.get("licences", [])] or ["- Licence: not known"]
    return lines


def _files(meta: Mapping[str, Any]) -> Mapping[str, int]:
    """How many pieces came from each file, the one with most first."""
    return dict(Counter(str(name).partition("#")[0] for name in meta["names"]).most_common())


def _sizes(known: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
    for key, noun in (("n_pieces", "piece"), ("n_notes", "note"), ("n_events", "labelled event")):
        if isinstance(known.get(key), int):
            yield known[key], noun


def _figures(report: Mapping[str, Any] | None) -> list[str]:
    """What was measured on held-out music."""
    if report is None:
        return ["No report of its fit is at hand: measure it with `stochmusic score CORPUS -m MODEL`."]
    lines = [
        f"- {_figure(report[key])} {unit}"
        for key, unit in _UNITS.items()
        if isinstance(report.get(key), Mapping) and "value" in report[key]
    ]
    lines += [f"- {line}" for line in _shares(report.get("held_out"))]
    if not lines:
        return ["Nothing was held out to measure it on."]
    after = ", then fitted again on everything" if report.get("refitted") else ""
    return [*lines, f"- Measured on music that was held out of the fit{after}."]


_UNITS = {
    "bits_per_note": "bits per note",
    "pseudo_bits_per_note": "bits a note, each symbol given all others of its piece (no bits per note)",
    "bits_per_pitch": "bits per pitch, given rhythm and chords",
}


def _figure(figure: Mapping[str, Any]) -> str:
    """A value and its interval; None stands for infinity."""
    low, high = (_number(bound) for bound in figure.get("interval", (None, None)))
    level = 100 * float(figure.get("level", 0.95))
    return f"{_number(figure['value'])} ({level:g} % interval {low} to {high})"


def _number(value: float | None) -> str:
    return "infinitely many" if value is None or not math.isfinite(value) else f"{value:.3f}"


def _shares(held_out: Any) -> Iterator[str]:
    """Shares that a labeller told rightly, where there are any."""
    if isinstance(held_out, Mapping):
        for name in ("chord", "chord_by_time", "root", "key"):
            if isinstance(value := held_out.get(name), float):
                yield f"{100 * value:.1f} % of events: {name.replace('_', ' ')} right"


def _limits(meta: Mapping[str, Any]) -> list[str]:
    kinds = dict.fromkeys(kind for kind, _ in _parts(meta))
    lines = [f"- {LIMITS.get(kind, _OTHER)}" for kind in kinds]
    lines.append("- It knows the style of its corpus and no other; it judges nothing by ear.")
    licences = meta.get("card", {}).get("licences", [])
    if any("non-commercial" in licence.lower() for licence in licences):
        lines.append("- It learned from music for NON-COMMERCIAL use only.")
    if meta.get("stale"):
        lines.append("- Its weights are stale: counts have changed since they were learned.")
    return lines


def _again(meta: Mapping[str, Any], facts: Mapping[str, Any], report: Mapping[str, Any] | None) -> list[str]:
    """The command that made it, or else one with its parameters."""
    if report is not None and report.get("command"):
        return ["```", str(report["command"]), "```"]
    kind, parameters = next(iter(_parts(meta)), (str(facts["model"]), {}))
    if kind in {"mixture", "chord_labeller", "harmonizer"}:
        return ["Its command is not known: it was made of other models, or by a task of its own."]
    settings = [word for name, value in parameters.items() if _plain(value) for word in ("--set", f"{name}={value}")]
    return ["Its corpus is not named in the file. With it:", "", "```", _command(kind, settings, facts), "```"]


def _command(kind: str, settings: Sequence[str], facts: Mapping[str, Any]) -> str:
    options = ["--transpose", str(facts["transpose"])] if facts.get("transpose") else []
    return "stochmusic fit CORPUS " + shlex.join(["-m", kind, *settings, *options, "-o", str(facts["file"])])


# Small parts


def _parts(meta: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The model, and what it is made of."""
    if "harmony" in meta:
        yield "harmonizer", {"skeleton": meta["harmony"]["skeleton"]}
    elif "model" in meta:
        yield from models_in(meta["model"])


def _kind(kind: str, parameters: Mapping[str, Any]) -> str:
    told = ", ".join(f"{name}={value}" for name, value in parameters.items() if _plain(value))
    return f"`{kind}`" + (f" ({_text(told)})" if told else "")


def _plain(value: Any) -> bool:
    return isinstance(value, str | int | float) and value != ""


def _tally(counts: Mapping[str, int]) -> str:
    told = list(counts.items())[:_NAMED]
    more = f" and {len(counts) - len(told)} more" if len(counts) > len(told) else ""
    return ", ".join(f"{_text(name)} ({n:,})" for name, n in told) + more


def _text(text: str) -> str:
    r"""A text in which Markdown has nothing to find.

    >>> print(_text("a_b <c>"))
    a\_b &lt;c&gt;
    """
    for sign in "\\`*_[]#|":
        text = text.replace(sign, f"\\{sign}")
    return " ".join(text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").split())
