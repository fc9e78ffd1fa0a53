"""`score --cv`: models fitted anew for each fold, and predicting the pieces they did not see."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stochastic_music._files import write_new
from stochastic_music.cli._choices import choose_encoding, choose_transposition, parse_parameters
from stochastic_music.cli._common import assignments, load_model, plural, say
from stochastic_music.errors import UnknownNameError, UsageError

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from stochastic_music.corpus import Corpus, TokenCorpus
    from stochastic_music.evaluation import CrossValidation
    from stochastic_music.protocols import IntArray

FIGURES = ("bits_per_symbol", "bits_per_note", "bits_per_pitch")
#: how models with a long- and a short-term memory can be used; those with + learn the fold that they predict
USES = ("stm", "ltm", "ltm+", "both")
_LEARNING = ("ltm+", "both")
#: those of models without a short-term memory, which may go on learning: networks
_LONG = ("ltm", "ltm+")


@dataclass(frozen=True)
class Dealing:
    """The folds of every seed: `fold` is (n_seeds, n_pieces)."""

    fold: IntArray
    seeds: tuple[int, ...]
    grouping: str


@dataclass(frozen=True)
class Contender:
    """What is cross-validated: a kind of model with its parameters, on pieces encoded in one way.

    `use` is one of USES, `known` what is known of each note (`evaluation.known`); None for neither.
    """

    label: str
    kind: str
    parameters: dict[str, Any]
    encoding: Any
    transpose: str
    use: str | None = None
    known: str | None = None

    def make(self) -> Any:
        """A new model, not fitted."""
        from stochastic_music import registry

        if self.use is None or self.kind not in _MEMORIES:
            return registry.create("models", self.kind, self.parameters)
        return _MEMORIES[self.kind](self.use, self.parameters)

    @property
    def adapt(self) -> bool:
        """Whether the model learns from the fold that it predicts."""
        return self.use in _LEARNING

    @property
    def counted(self) -> tuple[str, ...]:
        """The figures that leave out what is known."""
        return FIGURES if self.known in {None, "none"} else ("bits_per_pitch",)

    def encode(self, music: Corpus) -> TokenCorpus:
        """The corpus as symbols, over the alphabet that it uses."""
        from stochastic_music.corpus import encode_corpus
        from stochastic_music.evaluation import encode_known

        if self.known is None:
            tokens, report = encode_corpus(music.transpose(choose_transposition(self.transpose)), self.encoding)
            tokens = tokens.seen()
        else:
            tokens, report = encode_known(music, self.known, self.encoding)
            _tell_unmarked(tokens, self.known)
        for piece in report.left_out[:5]:
            say(f"  not encoded: {piece.in_words()}")
        return tokens


def _tell_unmarked(tokens: TokenCorpus, known: str) -> None:
    """Say what the music does not tell, though it is to be known."""
    vocabulary = tokens.vocabulary
    keyless = sum(header is None or header.key is None for header in tokens.headers)
    if keyless and "key" in known:
        say(f"No key is printed in {keyless:,} of {plural(len(tokens), 'piece')}: there no key is known.")
    if vocabulary.index("phrase") is not None and vocabulary.symbol("phrase", 1) not in tokens.symbols:
        say("No ends of phrases are marked in this music: that none ends is all that is known of phrases.")


def _refuse_comparing(models: Sequence[str]) -> None:
    """Raise UsageError for kinds of models that have no probability of what comes next."""
    from stochastic_music import registry

    for name in models:
        if name in registry.names("models") and not hasattr(registry.get("models", name), "next_log_probs"):
            raise UsageError(f"{name} compares pieces and predicts nothing, so that it has no figure to cross-validate")


def contenders(
    music: Corpus,
    models: Sequence[str],
    texts: Sequence[str],
    uses: Sequence[str],
    knowns: Sequence[str],
    encoding: str,
    part: str | None,
    grid: str,
    transpose: str | None,
) -> list[Contender]:
    """One for each model named, each use of it, and each set of what is known."""
    _refuse_comparing(models)
    given = _shared(models, texts)
    chosen, why = choose_encoding(music, encoding, part, grid)
    if any(not name.endswith(".smm") for name in models):
        say(why)
    if transpose == "all":
        raise UsageError("--transpose all does not go with --cv: take common or none")
    if knowns and transpose not in {None, "none"}:
        raise UsageError(f"--known predicts pitches as printed, without --transpose {transpose}: leave that out")
    named = [
        _as_fitted(name) if name.endswith(".smm") else Contender(name, name, given[name], chosen, transpose or "common")
        for name in models
    ]
    used = [_used(each, use) for each in named for use in uses] if uses else named
    return [_knowing(each, known, several=len(knowns) > 1) for each in used for known in knowns] if knowns else used


def _as_fitted(name: str) -> Contender:
    """The kind and the settings of a fitted model, which is fitted anew."""
    from stochastic_music import registry

    pipeline, _ = load_model(Path(name))
    if pipeline.transpose == "all":
        raise UsageError(f"{name} was fitted with --transpose all, which does not go with --cv: name its kind")
    kind = registry.name_of("models", pipeline.model)
    return Contender(name, kind, registry.parameters_set(pipeline.model), pipeline.encoding, pipeline.transpose)


def _used(contender: Contender, use: str) -> Contender:
    if use not in USES:
        raise UnknownNameError("--use", use, USES)
    if contender.kind not in _MEMORIES and not (use in _LONG and _adapts(contender.kind)):
        with_memories = " or ".join(f"-m {kind}" for kind in _MEMORIES)
        raise UsageError(
            f"--use goes with {with_memories}, and ltm and ltm+ with networks; --use {use} not with {contender.kind}: "
            "leave it out"
        )
    return replace(contender, label=f"{contender.label} {use}", use=use)


def _adapts(kind: str) -> bool:
    from stochastic_music import registry

    return hasattr(registry.get("models", kind), "adapt")


def _knowing(contender: Contender, known: str, *, several: bool) -> Contender:
    from stochastic_music.evaluation import KNOWN

    if known not in KNOWN:
        raise UsageError(
            f"--known got '{known}'; expected one of: {'; '.join(KNOWN)}. Without --known each pitch is given the "
            "earlier fields of its own event"
        )
    if contender.encoding.name != "melody":
        raise UsageError(
            f"--known goes with melodies; this corpus is encoded as {contender.encoding.name}: try --encoding melody"
        )
    label = f"{contender.label}, known {known}" if several else contender.label
    return replace(contender, label=label, known=known, transpose="none")


def _ppm(use: str, parameters: dict[str, Any]) -> Any:
    """PPM as short-term memory, as long-term memory frozen or growing, or as growing one with short-term memory."""
    from stochastic_music.models import PPM, STM, Mixture, OnlinePPM

    makers: dict[str, Callable[[], Any]] = {
        "stm": lambda: STM(**parameters),
        "ltm": lambda: PPM(**{"order_bound": None, **parameters}),
        "ltm+": lambda: OnlinePPM(**parameters),
        "both": lambda: Mixture([OnlinePPM(**parameters), STM()], "geometric", bias=7),
    }
    return makers[use]()


def _multiple_viewpoint(use: str, parameters: dict[str, Any]) -> Any:
    """Multiple viewpoints with short-term terms alone, long-term terms alone, or all. Weights are always learned."""
    from stochastic_music.models.multiple_viewpoint import MultipleViewpoint

    without = {"stm": {"viewpoints": "none"}, "ltm": {"short_term": "none"}, "ltm+": {"short_term": "none"}}
    return MultipleViewpoint(**{**parameters, **without.get(use, {})})


def _idyom(use: str, parameters: dict[str, Any]) -> Any:
    """IDyOM with short-term memory, long-term memory, or both."""
    from stochastic_music.models.idyom import Idyom

    memory = {"stm": "short", "both": "both"}.get(use, "long")
    return Idyom(**{**parameters, "memory": memory})


_MEMORIES: dict[str, Callable[[str, dict[str, Any]], Any]] = {
    "ppm": _ppm,
    "multiple_viewpoint": _multiple_viewpoint,
    "idyom": _idyom,
}


def _shared(models: Sequence[str], texts: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The parameters of each kind: --set goes to the kinds that take it, and one of them must."""
    from stochastic_music import registry

    kinds = [name for name in models if not name.endswith(".smm")]
    takes = {kind: registry.parameters_of(registry.get("models", kind)) for kind in kinds}
    for name in assignments(texts):
        if not any(name in known for known in takes.values()):
            raise UnknownNameError("parameter to --set", name, {n for known in takes.values() for n in known})
    return {
        kind: parse_parameters(kind, [text for text in texts if text.partition("=")[0].strip() in takes[kind]])
        for kind in kinds
    }


def deal(music: Corpus, k: int, n_seeds: int, group: str | None, file: Path | None) -> Dealing:
    """The folds: read from `file` where it exists, else dealt, and written to it where one is named."""
    import numpy as np

    if group not in {None, "variants"}:
        raise UnknownNameError("--group", str(group), ["variants"])
    if n_seeds < 1:
        raise UsageError(f"--seeds is {n_seeds}; expected 1 or more")
    if file is not None and file.exists():
        return _read_folds(music, file)
    seeds = tuple(range(n_seeds))
    together = group == "variants"
    fold = np.stack([music.fold_numbers(k, seed=seed, keep_variants_together=together) for seed in seeds])
    dealing = Dealing(fold, seeds, group or "none")
    if file is not None:
        write_new(file, _folds_text(music, dealing).encode())
        say(f"Wrote the folds to {file}.")
    return dealing


def _folds_text(music: Corpus, dealing: Dealing) -> str:
    pieces = dict(zip(music.names, dealing.fold.T.tolist(), strict=True))
    content = {"schema": 1, "seeds": list(dealing.seeds), "grouping": dealing.grouping, "pieces": pieces}
    return json.dumps(content, indent=1) + "\n"


def _read_folds(music: Corpus, file: Path) -> Dealing:
    import numpy as np

    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        seeds, pieces = tuple(content["seeds"]), content["pieces"]
        missing = [name for name in music.names if name not in pieces]
        nowhere = [-1] * len(seeds)
        fold = np.array([pieces.get(name, nowhere) for name in music.names], dtype=np.int64).T
        if len(fold) != len(seeds):
            raise ValueError(f"{len(fold)} folds a piece for {len(seeds)} seeds")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{file} holds no folds ({error}): name a new file, and --folds writes it") from error
    if missing:
        raise UsageError(f"{file} does not say in which fold {missing[0]} is: it was made for another corpus")
    say(f"Folds as in {file}.")
    return Dealing(fold, seeds, str(content.get("grouping", "none")))


def validate(
    contender: Contender,
    music: Corpus,
    dealing: Dealing,
    *,
    seed: int,
    in_full: bool,
    executor: Executor | None = None,
) -> tuple[dict[str, Any], CrossValidation]:
    """The row of one model, and its predictions, `in_full` with entropies and parts."""
    import numpy as np

    from stochastic_music.evaluation import cross_validate, likelihood

    tokens = contender.encode(music)
    column = {name: i for i, name in enumerate(music.names)}
    dealt = dealing.fold[:, [column[name] for name in tokens.names]]
    n_folds = sum(len(np.unique(row)) for row in dealt)
    say(f"{contender.label}: {plural(len(tokens), 'piece')}, fitted {plural(n_folds, 'time')} ...")
    run = cross_validate(
        contender.make,
        tokens,
        seeds=dealing.seeds,
        dealt=dealt,
        adapt=contender.adapt,
        entropy=in_full,
        parts=in_full,
        executor=executor,
    )
    mean = run.log_probs.mean(axis=0)
    counted = contender.counted
    figures = {
        name: getattr(likelihood, name)(tokens, mean, seed=seed) if name in counted else None for name in FIGURES
    }
    row = {
        "model": contender.label,
        "kind": contender.kind,
        "parameters": {name: _jsonable(value) for name, value in contender.parameters.items()},
        "n_pieces": len(tokens),
        "n_notes": int(likelihood.begins_note(tokens.vocabulary, tokens.symbols).sum()),
        **{name: figure and figure.to_json() for name, figure in figures.items()},
        "folds": {name: _finite(run.per_fold(name)) for name, figure in figures.items() if figure is not None},
        "by_seed": {name: _finite([[e.value for e in getattr(run, name)() if e]])[0] for name in counted},
        "protocol": _protocol(contender, tokens, dealing, dealt),
    }
    return row, run


def _protocol(contender: Contender, tokens: TokenCorpus, dealing: Dealing, dealt: IntArray) -> dict[str, Any]:
    """How the figures were measured."""
    import numpy as np

    from stochastic_music import __version__

    return {
        "k": len(np.unique(dealt[0])),
        "seeds": list(dealing.seeds),
        "grouping": dealing.grouping,
        "encoding": contender.encoding.name,
        "grid": str(getattr(contender.encoding, "grid", "")),
        "transposition": contender.transpose,
        "alphabet_size": len(tokens.vocabulary.alphabet or ()),
        "end": tokens.vocabulary.closed,
        "first_event": "predicted",
        "known": contender.known or "the earlier fields of the event",
        "use": contender.use,
        "learns_from_the_test_fold": contender.adapt,
        "versions": {"stochastic_music": __version__, "numpy": np.__version__},
    }


def _jsonable(value: Any) -> Any:
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)


def _finite(rows: Sequence[Sequence[float]]) -> list[list[float | None]]:
    """Infinity, for which JSON has no name, is null."""
    import math

    return [[value if math.isfinite(value) else None for value in row] for row in rows]
