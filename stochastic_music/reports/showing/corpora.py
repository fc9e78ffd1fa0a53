"""Corpora: how much music there is, of what kind, under which licences, and what became of files that were not read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from itertools import islice
from typing import Any

from stochastic_music.corpus import Corpus, EncodingReport, TokenCorpus
from stochastic_music.corpus.report import IngestReport, counted, printable
from stochastic_music.reports.pages.markup import Html
from stochastic_music.reports.pages.tables import Row, count, figure
from stochastic_music.reports.showing import scores
from stochastic_music.reports.showing.blocks import LINES, facts, folded, listed, picture, ranked, rows
from stochastic_music.tokens import Vocabulary

#: symbols of a corpus that are spelled out
_SYMBOLS = 24


def drawn(thing: Any) -> Html | None:
    """The picture of a corpus, of symbols or their vocabulary, or of what reading and encoding came to."""
    return next((draw(thing) for kind, draw in _KINDS.items() if isinstance(thing, kind)), None)


def _corpus(corpus: Corpus) -> Html:
    title = f"Corpus: {counted(len(corpus), 'piece')}, {counted(corpus.report.n_notes, 'note')}"
    heard = scores.player_of(corpus[0]) if len(corpus) else Html()
    return picture(title, *_account(corpus.report), _pieces(corpus), heard)


def _report(report: IngestReport) -> Html:
    files = counted(len(report.read), "file")
    return picture(f"{files} read: {counted(report.n_pieces, 'piece')}", *_account(report))


def _account(report: IngestReport) -> tuple[Html, ...]:
    """What pieces are like, what was skipped, what else is worth knowing."""
    error, estimated = report.quantisation_error, report.keys_estimated
    keys = ranked(report.keys.items()) + (f"; {count(estimated)} of them estimated" if estimated else "")
    off = f"{figure(error['mean'], 4)} quarter notes on average, {figure(error['max'], 4)} at most"
    known = facts([
        ("Meters", ranked(report.meters.items())),
        ("Keys", keys),
        ("Off the grid", off if error["max"] else None),
        ("Licences", "; ".join(report.licences)),
        ("Files read", count(len(report.read)) if report.read else None),
        ("Files skipped", count(len(report.skipped)) if report.skipped else None),
        ("Equal files", count(len(report.duplicates)) if report.duplicates else None),
        ("Keys in doubt", count(len(report.doubtful_keys)) if report.doubtful_keys else None),
    ])  # fmt: skip
    skipped = listed([one.in_words() for one in islice(report.skipped, LINES)])
    warned = listed([printable(f"{piece}: {text}") for piece, text in report.warnings])
    return known, folded("Why files were skipped", skipped), folded("What had to be repaired", warned)


def _pieces(corpus: Corpus) -> Html:
    """The first pieces, and what is known of them."""
    some = [(corpus[i], corpus.report.pieces[i].facts) for i in range(min(len(corpus), LINES))]
    found = [
        Row(printable(piece.name), [count(known.n_notes), known.key, ", ".join(known.meters), printable(piece.title)])
        for piece, known in some
    ]
    told = "Its pieces" if len(corpus) <= LINES else f"The first {LINES} of {len(corpus):,} pieces"
    return rows(told, ["Piece", "Notes", "Key", "Meter", "Title"], found, words=3)


def _tokens(corpus: TokenCorpus) -> Html:
    vocabulary, lengths = corpus.vocabulary, corpus.lengths
    known = facts([
        ("Events", f"{counted(corpus.n_events, 'event')} of {counted(vocabulary.n_fields, 'symbol')} each"),
        ("Symbols", f"{count(len(corpus.symbols))}, END among them" if vocabulary.closed else len(corpus.symbols)),
        ("Pieces", f"{count(lengths.min())} to {count(lengths.max())} symbols long" if len(corpus) else None),
    ])  # fmt: skip
    title = f"TokenCorpus: {counted(len(corpus), 'piece')} as integers"
    return picture(title, known, alphabet(corpus.seen().vocabulary), _beginning(corpus))


def _beginning(corpus: TokenCorpus) -> Html:
    """The first symbols of the first piece, as numbers and in words."""
    if not len(corpus):
        return Html()
    symbols = corpus[0][:_SYMBOLS].tolist()
    found = [Row(str(symbol), [corpus.vocabulary.describe(symbol)]) for symbol in symbols]
    told = rows(f"How {printable(corpus.names[0])} begins", ["Symbol", "What it stands for"], found, words=1)
    return folded("Its first symbols", told)


def _encoded(report: EncodingReport) -> Html:
    said = f"Encoded as {report.encoding}: {counted(report.n_pieces, 'piece')}, {counted(report.loss.n_notes, 'note')}"
    left_out = listed([one.in_words() for one in islice(report.left_out, LINES)])
    n_left_out = len(report.left_out)
    known = facts([("Grid", report.grid), ("Pieces left out", count(n_left_out) if n_left_out else None)])
    return picture(said, known, listed(report.loss.sentences()), folded("Why pieces were left out", left_out))


def _vocabulary(vocabulary: Vocabulary) -> Html:
    end = ", END among them" if vocabulary.closed else ""
    return picture(f"Vocabulary: {counted(vocabulary.n_symbols, 'symbol')}{end}", alphabet(vocabulary))


def alphabet(vocabulary: Vocabulary) -> Html:
    """The fields of an event: what each holds, how many values it may have, and how many are in use."""
    due = vocabulary.due_mask
    found = [
        Row(field.name, [count(field.size), count(due[place, :-1].sum()), _range(vocabulary, place)])
        for place, field in enumerate(vocabulary.fields)
    ]
    return rows("Fields of an event, in this order", ["Field", "Values", "In use", "From, to"], found, words=1)


def _range(vocabulary: Vocabulary, place: int) -> str:
    """The least and the greatest value in use, in words."""
    used = vocabulary.due_mask[place, :-1].nonzero()[0]
    values = vocabulary.values(used[[0, -1]]) if len(used) else used
    return ", ".join(dict.fromkeys(_value(vocabulary, place, int(value)) for value in values))


def _value(vocabulary: Vocabulary, place: int, value: int) -> str:
    """A value in words; times are quarter notes."""
    field = vocabulary.fields[place]
    if field.advances and not field.labels and vocabulary.resolution:
        return f"{Fraction(value, vocabulary.resolution)} quarter notes"
    return field.describe(value) or "none"


_KINDS: Mapping[type, Callable[[Any], Html]] = {
    Corpus: _corpus,
    TokenCorpus: _tokens,
    IngestReport: _report,
    EncodingReport: _encoded,
    Vocabulary: _vocabulary,
}
