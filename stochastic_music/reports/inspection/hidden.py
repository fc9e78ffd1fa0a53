"""Inside a hidden Markov model: its states, what each sounds like and how long it lasts, and the states behind a piece.

    share        of all events of the corpus that a state explains
    long run     of all events of an endless piece, begun as pieces begin: the limit of the mean of start * transmat^n
    lasts        1 / (1 - transmat[k, k]) events in a row, on average, while the piece goes on [1]
    ends         how likely a piece ends where the state stands
    plays        what it emits, averaged over the places of the bar at which its events begin

The trellis of a piece is exact: what is believed of each event's state given the whole piece (forward-backward), and
the likeliest path of all (Viterbi) [1]. A context tells notes only, from anywhere in a piece (see `line`): all else of
its events is summed over, and its first state is as likely as the state is among the events of the corpus. What comes
next is then a mixture over states:

    p(next note | context)  =  sum over j, k of  p(z_t = j | context) transmat[j, k] emission[k, note]

[1] L. R. Rabiner. A tutorial on hidden Markov models and selected applications in speech recognition. Proceedings of
    the IEEE 77(2), 1989.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from stochastic_music.corpus import Corpus
from stochastic_music.errors import UsageError
from stochastic_music.models.hmm.states import StateReport, describe
from stochastic_music.protocols import FloatArray, IntArray
from stochastic_music.render.heat import HeatMap
from stochastic_music.render.hidden import Graph, Trellis, hidden_picture
from stochastic_music.reports.inspection.general import facts_of, kind_of, title_of, transposition
from stochastic_music.reports.inspection.inspection import Cell, Column, Inspection, Request, Table
from stochastic_music.reports.inspection.line import ANY, START, Line, Wanted
from stochastic_music.reports.inspection.telling import percent
from stochastic_music.sampling.chains import Chain, best_path, marginals

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from stochastic_music.models.hmm import HMM
    from stochastic_music.pipeline import Pipeline

#: a symbol is drawn where some state emits it with this probability; and how many of a field are
_SHOWN, _MOST = 0.02, 36
#: symbols of a field that are named in the table of states
_NAMED = 3
#: how often the mean of transitions is squared: 2 ** 60 steps are the long run
_SQUARED = 60


class Heard(NamedTuple):
    """The states behind some events: their trellis, and what comes next by pitch (empty where the piece has ended)."""

    trellis: Trellis
    following: FloatArray
    ends: float
    what: str


def inspect(pipeline: Pipeline, request: Request) -> Inspection:
    """The inspection of a hidden Markov model; of a piece or a context, its trellis too.

    Raises UsageError for both at once, and for a context that makes no sense; EncodingError or
    EmptyCorpusError for a piece that cannot be read as the model reads music.
    """
    model: HMM = pipeline.model
    reports = model.state_report()
    in_the_end = long_run(model.startprob_, model.transmat_)
    heard = _heard(pipeline, request)
    tables = [_states(model, reports, in_the_end), _transitions(model.transmat_, request.at_most)]
    if heard is not None:
        tables += [_trellis(heard, request.at_most), *_next(heard, Line.of(pipeline), request.at_most)]
    title = title_of(pipeline)
    return Inspection(
        kind_of(pipeline),
        title,
        facts_of(pipeline) | _facts(model),
        tables,
        [*_lines(model, heard), *transposition(pipeline)],
        lambda: draw(model, in_the_end, heard.trellis if heard else None, title=title),
        _data(model, in_the_end, heard),
    )


# Values


def long_run(start: FloatArray, transitions: FloatArray) -> FloatArray:
    """The share of each state among the events of an endless piece: (K,), which transitions leave as it is.

    A walk that waits every other step has the same shares, and comes to rest even where states take turns.

    >>> long_run(np.array([1.0, 0.0]), np.array([[0.9, 0.1], [0.3, 0.7]])).round(6).tolist()
    [0.75, 0.25]
    """
    waiting = (np.eye(len(start)) + transitions) / 2
    for _ in range(_SQUARED):
        waiting = waiting @ waiting
        waiting /= waiting.sum(axis=1, keepdims=True)
    shares: FloatArray = start @ waiting
    return shares


def lasts(transitions: FloatArray) -> FloatArray:
    """Events in a row that each state lasts on average, infinite where it is never left: (K,).

    >>> lasts(np.array([[0.75, 0.25], [0.0, 1.0]])).tolist()
    [4.0, inf]
    """
    leaves = 1 - np.diagonal(transitions)
    with np.errstate(divide="ignore"):
        events: FloatArray = 1 / leaves
    return events


def emission_tables(model: HMM) -> list[FloatArray]:
    """What each state emits, averaged over the places of the bar at which its events begin: (K, size) a field.

    END is the last column of the first field, where pieces end.
    """
    return [np.einsum("kb,kbs->ks", model.places_, t) if t.ndim > 2 else t for t in model.emissions_]


def heard_through(model: HMM, wanted: Wanted, line: Line) -> Chain:
    """The states behind notes of which no more is known than what is `wanted`; in nats.

    They stand anywhere in a piece, or at its beginning where START comes before them.
    """
    starts = wanted.symbols[-1] == START
    notes = list(zip(*wanted, strict=True))[: -1 if starts else None][::-1]
    first = model.startprob_ if starts else model.occupancy_
    with np.errstate(divide="ignore"):
        unary = np.log(np.array([_likelihood(model, line, *note) for note in notes]))
        unary[:1] += np.log(first)
    return Chain(unary, model.log_transmat)


def _likelihood(model: HMM, line: Line, symbol: int, length: int) -> FloatArray:
    """The probability of a note, of this length if one is told, given each state: (K,)."""
    tables, edges = emission_tables(model), model.vocabulary_.starts
    found = tables[line.field][:, symbol - edges[line.field]]
    if length != ANY and line.length_field is not None:
        found = found * tables[line.length_field][:, length - edges[line.length_field]]
    known = {line.field} if length == ANY else {line.field, line.length_field}
    return found if 0 in known else found * (1 - _ending(model, tables))


def following(model: HMM, belief: FloatArray, field: int) -> tuple[FloatArray, float]:
    """What comes after an event whose state is believed, (K,), in a field: (size,), and how likely END comes."""
    tables = emission_tables(model)
    states = belief @ model.transmat_
    ending = _ending(model, tables)
    sounding = tables[field][:, : model.vocabulary_.fields[field].size] * ((1 - ending)[:, None] if field else 1.0)
    found: FloatArray = states @ sounding
    return found, float(states @ ending)


def _ending(model: HMM, tables: Sequence[FloatArray]) -> FloatArray:
    return tables[0][:, -1] if model.vocabulary_.closed else np.zeros(model.n_states_)


def _heard(pipeline: Pipeline, request: Request) -> Heard | None:
    if request.context is not None and request.score is not None:
        raise UsageError("a context and a piece were given: expected one of them")
    if request.context is not None:
        return _of_context(pipeline, request)
    return None if request.score is None else _of_piece(pipeline, request.score)


def _of_context(pipeline: Pipeline, request: Request) -> Heard:
    line, model = Line.of(pipeline), pipeline.model
    if line.has_pitches and line.vocabulary.voices:
        raise UsageError("--context does not go with hidden states of several voices: give it a --piece")
    wanted = line.read(str(request.context), pipeline.alphabet_, middle_c=request.middle_c)
    if set(wanted.symbols) == {START}:
        raise UsageError('--context names no note; expected notes after "start", such as "start G4"')
    chain = heard_through(model, wanted, line)
    belief = marginals(chain)
    names = [line.name(symbol) for symbol in wanted.symbols[::-1]]
    notes, ends = following(model, belief[-1], line.field)
    anywhere = "" if wanted.symbols[-1] == START else ", anywhere in a piece"
    trellis = Trellis(belief, best_path(chain), names[len(names) - len(belief) :])
    return Heard(trellis, notes, ends, f"After {' '.join(names)}{anywhere}")


def _of_piece(pipeline: Pipeline, score: Any) -> Heard:
    tokens = pipeline.encode(Corpus.from_scores([score]))[0]
    [symbols, *_], [header, *_] = list(tokens), tokens.headers
    posterior = pipeline.model.predict_proba(symbols, header)
    path = pipeline.model.decode(symbols, header)
    named = _events_in_words(symbols, Line.of(pipeline))
    return Heard(Trellis(posterior, path, named), np.zeros(0), 0.0, "The piece")


def _events_in_words(symbols: IntArray, line: Line) -> list[str]:
    """What sounds at each event; END where the piece ends."""
    n = line.vocabulary.n_fields
    events = [symbols[i : i + n] for i in range(0, len(symbols), n)]
    return [line.name(int(event[line.field])) if len(event) == n else "END" for event in events]


# In words


def _facts(model: HMM) -> dict[str, Cell]:
    return {
        "states": model.n_states_,
        "topology": model.topology,
        "engine": model.engine,
        "places_of_the_bar": len(model.marks_) or None,
        "steps_of_em": model.n_steps_,
        "came_to_rest": "yes" if model.converged_ else "no",
    }


def _states(model: HMM, reports: Sequence[StateReport], in_the_end: FloatArray) -> Table:
    columns = (
        Column("state"),
        Column("share", unit="probability"),
        Column("long_run", unit="probability"),
        Column("begins", unit="probability"),
        Column("ends", unit="probability"),
        Column("lasts", "lasts, events"),
        Column("leads_to"),
        Column("plays"),
    )
    stay = lasts(model.transmat_).tolist()
    rows = [
        (
            *(r.state, r.share, float(in_the_end[k]), r.begins, r.ends, stay[k]),
            ", ".join(f"{to} ({percent(p)})" for to, p in r.leads_to) or None,
            _plays(r),
        )
        for k, r in enumerate(reports)
    ]
    return Table("states", "States, and what they play", columns, rows)


def _plays(report: StateReport) -> str:
    """What a state plays, field by field, pitch first and places of the bar last: of each field the likeliest."""
    order = {"pitch": -1, "place": 1}
    plays = sorted(report.plays, key=lambda played: order.get(played.field, 0))
    fields = dict.fromkeys(played.field for played in plays)
    said = [", ".join([f"{p.what} {percent(p.probability)}" for p in plays if p.field == f][:_NAMED]) for f in fields]
    return "; ".join(said) or "what all states play"


def _transitions(transitions: FloatArray, at_most: int) -> Table:
    flat = np.argsort(-transitions, axis=None, kind="stable")[:at_most]
    rows = [(*divmod(i, len(transitions)), float(transitions.flat[i])) for i in flat.tolist()]
    left = int((transitions > 0).sum()) - len(rows)
    columns = (Column("from_state"), Column("to_state"), Column("probability", unit="probability"))
    return Table("transitions", "Likeliest transitions", columns, rows, f"{left:,} more" if left > 0 else "")


def _trellis(heard: Heard, at_most: int) -> Table:
    posterior, path, named = heard.trellis
    columns = (
        *(Column("event"), Column("heard"), Column("state", "state of the likeliest path")),
        *(Column("belief", "believed", "probability"), Column("likeliest", "likeliest by itself")),
    )
    rows = [
        (t + 1, named[t], int(k), float(posterior[t, k]), int(posterior[t].argmax()))
        for t, k in enumerate(path[:at_most].tolist())
    ]
    left = len(path) - len(rows)
    return Table("trellis", "States behind each event", columns, rows, f"{left:,} more events" if left else "")


def _next(heard: Heard, line: Line, at_most: int) -> list[Table]:
    if not len(heard.following):
        return []
    first = int(line.vocabulary.starts[line.field])
    order = np.argsort(-heard.following, kind="stable")[:at_most]
    notes = [(line.name(first + i), float(heard.following[i])) for i in order.tolist()]
    rows = sorted([*notes, ("END", heard.ends)], key=lambda row: -row[1])[:at_most]
    return [Table("next", heard.what, (Column(line.noun), Column("probability", unit="probability")), rows)]


def _lines(model: HMM, heard: Heard | None) -> list[str]:
    begins = [k for k in np.argsort(-model.startprob_, kind="stable").tolist() if model.startprob_[k] >= 0.1]
    said = [f"Pieces begin in state {', '.join(f'{k} ({percent(model.startprob_[k])})' for k in begins[:4])}."]
    if model.dead_:
        said.append(f"No event is explained by state {', '.join(map(str, model.dead_))}.")
    if heard is not None:
        last = int(heard.trellis.posterior[-1].argmax())
        believed = percent(float(heard.trellis.posterior[-1, last]))
        said.append(f"{heard.what}: the last event is most likely of state {last} ({believed}).")
    return said


def _data(model: HMM, in_the_end: FloatArray, heard: Heard | None) -> dict[str, Any]:
    fields = zip(model.vocabulary_.fields, emission_tables(model), strict=True)
    told = {} if heard is None else {"posterior": heard.trellis.posterior, "path": heard.trellis.path}
    return {
        "startprob": model.startprob_,
        "transmat": model.transmat_,
        "long_run": in_the_end,
        "lasts": lasts(model.transmat_),
        "emissions": {field.name: table for field, table in fields},
        **({"trellis": {**told, "heard": list(heard.trellis.heard)}} if heard else {}),
    }


# Pictures


def draw(model: HMM, in_the_end: FloatArray, trellis: Trellis | None, *, title: str = "") -> Figure:
    """The graph of states, emissions, and the trellis if there is one, as a matplotlib figure."""
    graph = Graph(model.transmat_, model.startprob_, in_the_end, [_name(r) for r in model.state_report()])
    return hidden_picture(graph, _emission_maps(model), trellis, title=title)


def _name(report: StateReport) -> str:
    """A state in two or three words: what it plays first of all."""
    fields = list(dict.fromkeys(p.field for p in report.plays if p.field != "place"))
    field = "pitch" if "pitch" in fields else fields[0] if fields else ""
    return " ".join(p.what for p in report.plays if p.field == field)[:24]


def _emission_maps(model: HMM) -> list[HeatMap]:
    """A table for each field, pitch on top: the symbols that some state emits, high notes above low ones."""
    vocabulary, states = model.vocabulary_, [str(k) for k in range(model.n_states_)]
    found = []
    for field, table in zip(vocabulary.fields, emission_tables(model), strict=True):
        shown = _shown(table, model.occupancy_)[:: -1 if field.name == "pitch" else 1]
        rows = ["END" if i == field.size else describe(field, field.first + i, vocabulary.resolution) for i in shown]
        found.append(HeatMap(table[:, shown].T, rows, states, field.name))
    found.sort(key=lambda one: one.title != "pitch")
    return [*found[:-1], found[-1]._replace(across="state")]


def _shown(table: FloatArray, occupancy: FloatArray) -> list[int]:
    """The columns worth a row of the picture, ascending."""
    told = np.flatnonzero(table.max(axis=0) >= _SHOWN)
    frequent = told[np.argsort(-(occupancy @ table[:, told]), kind="stable")[:_MOST]]
    return sorted(frequent.tolist())
