"""What to cite for a model or a piece of music, as BibTeX.

    version     this package
    method      the papers that the kind of model rests on, and what was chosen in it (smoothing, topology, rule)
    sampler     how a take was drawn, where its command says so
    corpus      who collected and encoded the built-in corpora that were learned from

Entries are those of `reports.references`. A corpus is known by its name, which the report beside a model tells, or else
by its licence; where several corpora share a licence, what they have in common is cited. Music of one's own has no
entry: its licences are listed as not cited.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from stochastic_music import __version__
from stochastic_music.corpus.builtin import BUILTIN
from stochastic_music.reports.references import (
    CHOICES,
    CORPORA,
    METHODS,
    OPTIONS,
    REFERENCES,
    SAMPLERS,
    Reference,
)

#: the key of this package's own entry
SOFTWARE = "stochastic_music"


class Citations(NamedTuple):
    """Keys of entries and what each is cited for, in the order in which they are printed; and what has no entry."""

    entries: Mapping[str, str]
    not_cited: tuple[str, ...] = ()

    def and_(self, other: Citations) -> Citations:
        """Both: an entry cited twice stands where it stood first, with both reasons."""
        whys = {key: "; ".join(dict.fromkeys((*_whys(self, key), *_whys(other, key)))) for key in self.entries}
        entries = {**whys, **{key: why for key, why in other.entries.items() if key not in whys}}
        return Citations(entries, tuple(dict.fromkeys((*self.not_cited, *other.not_cited))))

    def to_json(self) -> dict[str, Any]:
        """Plain lists and text."""
        entries = [{"key": key, "cited_for": why} for key, why in self.entries.items()]
        return {"bibtex": bibtex(self), "entries": entries, "not_cited": list(self.not_cited)}


def _whys(citations: Citations, key: str) -> tuple[str, ...]:
    return (citations.entries[key],) if key in citations.entries else ()


def of_model(meta: Mapping[str, Any], report: Mapping[str, Any] | None = None) -> Citations:
    """What a model file rests on: `meta` is the JSON it carries, `report` what the fit reported, if that is known.

    >>> _, *methods = of_model({"model": ["hmm", {"topology": "sticky"}], "card": {"licences": []}}).entries
    >>> print(*methods)
    rabiner1989tutorial fox2011sticky
    """
    licences = meta.get("card", {}).get("licences", [])
    found = _version().and_(Citations(*_methods(meta)))
    return found.and_(of_corpus(licences, (report or {}).get("corpus", ())))


def of_take(stated: Mapping[str, Any], model: Citations | None = None) -> Citations:
    """What a piece rests on: `stated` is its provenance, `model` what its model rests on, if that is at hand."""
    found = _version().and_(Citations(_drawn(command_of(stated))))
    own = of_corpus(stated.get("licences", [])) if model is None else model
    named = "the model it was made with, which is not at hand"
    missing = (named,) if model is None and {"model", "models"} & set(stated) else ()
    return found.and_(own).and_(Citations({}, missing))


def command_of(stated: Mapping[str, Any]) -> list[str]:
    """The words of the command that a piece says it was made with; none where it says none that a shell can read.

    >>> command_of({"command": "stochmusic generate 'my model.smm'"}), command_of({"command": "it's broken"})
    (['stochmusic', 'generate', 'my model.smm'], [])
    """
    try:
        return shlex.split(str(stated.get("command", "")))
    except ValueError:  # a quotation without its end
        return []


def of_corpus(licences: Sequence[str], names: Sequence[str] = ()) -> Citations:
    """Who collected and encoded what was learned from.

    >>> list(of_corpus([], ["essen-kinder"]).entries)
    ['essen_folksong_collection', 'cuthbert2010music21']
    """
    entries = {key: f"corpus {name}" for name in names for key in CORPORA.get(name, ())}
    named = {BUILTIN[name].licence for name in names if name in BUILTIN}
    unknown = []
    for licence in licences:
        sharing = [name for name, corpus in BUILTIN.items() if corpus.licence == licence]
        if licence not in named and sharing:
            shared = [key for key in CORPORA[sharing[0]] if all(key in CORPORA[name] for name in sharing)]
            entries |= {key: f"corpus {' or '.join(sharing)}" for key in shared if key not in entries}
        elif not sharing:
            unknown.append(f"music under this licence: {licence}")
    return Citations(entries, tuple(unknown))


def models_in(data: Sequence[Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """A registered model as it is saved, and those that are its parameters: kind and parameters of each.

    >>> part = {"models": ["markov", {"order": 1}]}
    >>> print(*(kind for kind, _ in models_in(["mixture", {"models": [part, part]}])))
    mixture markov markov
    """
    kind, parameters = data
    yield kind, parameters
    for value in parameters.values():
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, dict) and "models" in part:
                yield from models_in(part["models"])


def bibtex(citations: Citations) -> str:
    """Entries one after another, what each is cited for as a comment above it."""
    return "\n".join(f"% {why}\n{entry(key, _reference(key))}" for key, why in citations.entries.items())


def entry(key: str, reference: Reference) -> str:
    """One entry.

    >>> print(entry("a1", Reference("misc", {"title": "A", "year": "2026"})), end="")
    @misc{a1,
      title = {A},
      year = {2026},
    }
    """
    fields = "".join(f"  {name} = {{{value}}},\n" for name, value in reference.fields.items())
    return f"@{reference.type}{{{key},\n{fields}}}\n"


def _reference(key: str) -> Reference:
    return software() if key == SOFTWARE else REFERENCES[key]


def software() -> Reference:
    """The entry of this package, in the version that runs."""
    fields = {"author": "{The stochastic\\_music authors}", "title": "{stochastic\\_music}"}
    return Reference("misc", {**fields, "note": f"Version {__version__}, MIT licence"})


def _version() -> Citations:
    return Citations({SOFTWARE: f"this package, version {__version__}"})


def _methods(meta: Mapping[str, Any]) -> tuple[dict[str, str], tuple[str, ...]]:
    """What each model of a file rests on, by itself and by what was chosen in it; and kinds of which we do not know."""
    skeleton = meta.get("harmony", {}).get("skeleton")
    models = [("harmonizer", {"skeleton": skeleton})] if skeleton else list(models_in(meta["model"]))
    found: dict[str, str] = {}
    for kind, parameters in models:
        keys = [(key, f"method {kind}") for key in METHODS.get(kind, ())]
        for (of, name, value), more in CHOICES.items():
            if of == kind and parameters.get(name) == value and _matters(kind, name, parameters):
                keys += [(key, f"method {kind}, {name} {value}") for key in more]
        found |= {key: why for key, why in keys if key not in found}
    unknown = dict.fromkeys(kind for kind, _ in models if kind not in METHODS and kind != "harmonizer")
    return found, tuple(f"the method {kind}, which is not of this package" for kind in unknown)


def _matters(kind: str, name: str, parameters: Mapping[str, Any]) -> bool:
    """A criterion chooses numbers of states, where one is not given."""
    return (kind, name) != ("hmm", "criterion") or not isinstance(parameters.get("n_states"), int)


def _drawn(command: Sequence[str]) -> dict[str, str]:
    """What the options of a command rest on."""
    given = dict(zip(command, [*command[1:], ""], strict=False))
    sampler = given.get("--sampler", "")
    found = dict.fromkeys(SAMPLERS.get(sampler, ()), f"sampler {sampler}")
    asked = {option for option in OPTIONS if given.get(option, "off") not in ("off", "1", "1.0")}
    return found | {key: f"option {option}" for option, keys in OPTIONS.items() if option in asked for key in keys}
