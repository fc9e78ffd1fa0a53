"""What every composing verb says of copies: in the row of a take, after it on the terminal, and of what is usual."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from stochastic_music.cli._common import plural, say
from stochastic_music.errors import UsageError

if TYPE_CHECKING:
    from stochastic_music.corpus.lines import Line
    from stochastic_music.evaluation import OriginalityIndex
    from stochastic_music.pipeline import Pipeline, Take
    from stochastic_music.protocols import Constraint

#: of more files than these a sentence names the first
_NAMED = 20


def demanded(pipeline: Pipeline, text: str, since: int, after: int) -> Constraint | None:
    """What --max-copy demands of what comes between the first `since` notes and the last `after`; None where off."""
    from stochastic_music.constraints import MaxCopy

    if text.strip().lower() == "off":
        return None
    if not text.strip().isdecimal() or int(text) < 1:
        raise UsageError(f"--max-copy got '{text}'; expected a number of notes from 1, or off")
    if pipeline.corpus_ is None:
        raise UsageError(
            "--max-copy needs the sources, and this model was saved without them: fit it again, or leave it out"
        )
    return MaxCopy(pipeline.corpus_, int(text), since=since, after=after)


def row(index: OriginalityIndex | None, new: Sequence[Line]) -> dict[str, Any]:
    """`longest_copy` and `copies` of the new notes of a take, both None where the corpus is not known."""
    return {"longest_copy": None, "copies": None} if index is None else index.report(new).to_json()


def held_out(index: OriginalityIndex | None) -> dict[str, Any] | None:
    """What held-out pieces of the corpus copy, by each way of comparing; None where it is not known."""
    if index is None or index.held_out is None:
        return None
    return {how.key: usual.to_json() for how, usual in index.held_out.items()}


def of(row: Mapping[str, Any]) -> str:
    """The longest copy of a take, as the end of a sentence."""
    return f"; longest copy {copy}" if (copy := longest(row)) else ""


def longest(row: Mapping[str, Any]) -> str:
    """The longest copy of a take: how long it is, whose, and how much of the take lies in copies; '' for none."""
    from stochastic_music.corpus.matching import USUAL

    copy = row["longest_copy"]
    if not copy or not copy["length"]:
        return ""
    bar = "" if copy["bar"] is None else f", bar {copy['bar']}"
    share = row["copies"][USUAL.key]["share"]
    in_copies = f" ({share:.0%} of its notes in copies)" if share else ""
    return f"{plural(copy['length'], 'note')} of {copy['piece']}{bar}{in_copies}"


def tell(pipeline: Pipeline) -> None:
    """One line: what is usual, or why nothing is known of copies."""
    if pipeline.corpus_ is not None and pipeline.originality() is None:
        say(f"Whether the takes copy the corpus is not known: {pipeline.encoding.name} symbols are not read as notes.")
    else:
        tell_usual(pipeline.originality())


def tell_usual(index: OriginalityIndex | None) -> None:
    """What held-out pieces have in common with the corpus, where these are not too few; None: it is not known."""
    from stochastic_music.corpus.matching import USUAL
    from stochastic_music.evaluation.held_out import NOTABLE

    if index is None:
        say("This model was saved without its sources: whether the takes copy them is not known.")
        return
    if index.held_out is None:
        return
    longest, share, _ = index.held_out[USUAL]
    say(
        f"Held-out pieces of this corpus share {plural(int(longest.median), 'note')} in a row with the others, nine in "
        f"ten at most {longest.high}; {share.median:.0%} of their notes lie in copies of {NOTABLE} or more, in nine of "
        f"ten at most {share.high:.0%}."
    )


def tell_redrawn(pipeline: Pipeline, takes: Sequence[Take], rows: Sequence[dict[str, Any]]) -> None:
    """Which takes were drawn again because they copied too much, and which do all the same."""
    index = pipeline.originality()
    redrawn = sum(take.redrawn > 0 for take in takes)
    if index is None or index.limit is None or not redrawn:
        return
    say(
        f"{plural(redrawn, 'take')} {'was' if redrawn == 1 else 'were'} drawn again: "
        f"{'it' if redrawn == 1 else 'they'} had copied more than "
        f"{plural(index.limit, 'note')} in a row."
    )
    beyond = [row["file"] for row in rows if row["longest_copy"]["length"] > index.limit]
    if beyond:
        say(
            f"Of {_named(beyond)} no more original one came, so the least copying one was kept: --max-copy N "
            "conditions on a limit, --max-copy off asks for none."
        )


def _named(files: Sequence[str]) -> str:
    """The first files by name, and how many more there are."""
    more = f" and {len(files) - _NAMED:,} more" if len(files) > _NAMED else ""
    return ", ".join(files[:_NAMED]) + more
