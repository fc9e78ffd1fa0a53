"""What to cite: entries are BibTeX, are stated in the tree, and are those of the model, its choices, its corpus."""

import re
from pathlib import Path

import pytest

from stochastic_music import __version__
from stochastic_music.corpus.builtin import BUILTIN
from stochastic_music.registry import names
from stochastic_music.reports.citing import SOFTWARE, Citations, bibtex, of_corpus, of_model, of_take, software
from stochastic_music.reports.references import CHOICES, CORPORA, METHODS, OPTIONS, REFERENCES, SAMPLERS

ROOT = Path(__file__).parents[2]
NEEDED = {
    "article": {"author", "title", "journal", "year"},
    "inproceedings": {"author", "title", "booktitle", "year"},
    "phdthesis": {"author", "title", "school", "year"},
    "misc": {"title"},
}


def parse(text):
    """A small strict reader of BibTeX: entries by key as (type, fields); raises ValueError for anything else."""
    found, rest = {}, re.sub(r"^%.*$", "", text, flags=re.MULTILINE).strip()
    while rest:
        head = re.match(r"@([a-z]+)\{([A-Za-z0-9_]+),\n", rest)
        if head is None:
            raise ValueError(f"no entry begins here: {rest[:40]!r}")
        fields, rest = {}, rest[head.end() :]
        while not rest.startswith("}"):
            name = re.match(r" {2}([a-z]+) = \{", rest)
            if name is None or name[1] in fields:
                raise ValueError(f"no field, or one twice: {rest[:40]!r}")
            end, depth = name.end(), 1
            while depth:
                depth += {"{": 1, "}": -1}.get(rest[end], 0)
                end += 1
            fields[name[1]], rest = rest[name.end() : end - 1], rest[end:]
            if not rest.startswith(",\n"):
                raise ValueError(f"no comma: {rest[:40]!r}")
            rest = rest[2:]
        if head[2] in found:
            raise ValueError(f"{head[2]} stands twice")
        found[head[2]] = (head[1], fields)
        rest = rest[1:].strip()
    return found


def meta(kind, licences=(), **parameters):
    return {"model": [kind, parameters], "card": {"licences": list(licences)}}


def test_every_entry_is_sound_bibtex():
    everything = Citations({SOFTWARE: "all", **dict.fromkeys(REFERENCES, "all")})
    found = parse(bibtex(everything))
    assert set(found) == {SOFTWARE, *REFERENCES}
    for key, (type_, fields) in found.items():
        assert NEEDED[type_] <= set(fields), key
        for value in fields.values():
            assert value.isascii()
            assert not re.search(r"(?<!\\)[&%$#_~^]", value), (key, value)
        if "year" in fields:
            assert fields["year"] in key


@pytest.mark.parametrize(
    "broken", ["@misc{a,\n  title = {b}\n}", "@misc{a,\n  title = {b,\n}", "words", "@misc{a b,\n}"]
)
def test_the_reader_is_strict(broken):
    with pytest.raises((ValueError, IndexError)):
        parse(broken)


@pytest.fixture(scope="module")
def tree():
    """What modules and documents say, without line ends."""
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "stochastic_music").rglob("*.py")]
    own = (ROOT / "stochastic_music/reports/references.py").read_text(encoding="utf-8")
    return " ".join(" ".join(texts).replace(own, "").split()).casefold()


@pytest.mark.parametrize("key", [key for key, reference in REFERENCES.items() if "year" in reference.fields])
def test_papers_are_stated_by_modules_that_rest_on_them(key, tree):
    fields = REFERENCES[key].fields
    title = re.sub("[{}]", "", fields["title"]).casefold()
    places = [match.start() for match in re.finditer(re.escape(title), tree)]
    assert places, f"no module states {fields['title']}"
    surname = fields["author"].split(",")[0].casefold()
    around = [tree[max(at - 250, 0) : at + len(title) + 200] for at in places]
    stated = [text for text in around if surname in text and fields["year"] in text]
    assert stated
    for name in ("volume", "number"):
        assert any(fields.get(name, "").casefold() in text for text in stated), name


def test_what_is_cited_is_there_and_what_is_there_is_cited():
    tables = (METHODS, CHOICES, SAMPLERS, OPTIONS, CORPORA)
    cited = {key for table in tables for keys in table.values() for key in keys}
    assert cited == set(REFERENCES)
    assert set(CORPORA) == set(BUILTIN)
    assert {name for name, entry in names("models").items() if entry.package == "stochastic_music"} <= set(METHODS)


def test_the_version_is_that_of_the_citation_file():
    stated = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    fields = software().fields
    assert f"version: {__version__}" in stated
    assert __version__ in fields["note"]
    assert f"name: {fields['author'].strip('{}').replace(chr(92), '')}" in stated
    assert "license: MIT" in stated


@pytest.mark.parametrize(
    ("model", "keys"),
    [
        (meta("markov", smoothing="none"), []),
        (meta("markov", smoothing="witten_bell"), ["witten1991zero"]),
        (meta("ppm", escape="c"), ["cleary1997unbounded", "pearce2004improved"]),
        (meta("hmm", n_states=8, criterion="bic"), ["rabiner1989tutorial"]),
        (meta("hmm", n_states="auto", criterion="bic"), ["rabiner1989tutorial", "schwarz1978estimating"]),
        ({"harmony": {"skeleton": "hmm"}, "card": {}}, ["rabiner1989tutorial"]),
    ],
)
def test_methods_are_those_of_the_kind_and_of_what_was_chosen(model, keys):
    assert list(of_model(model).entries) == [SOFTWARE, *keys]


def test_mixtures_cite_their_parts_once():
    part = {"models": ["ppm", {}]}
    found = of_model({"model": ["mixture", {"models": [part, part], "rule": "geometric"}], "card": {}})
    assert list(found.entries) == [SOFTWARE, "pearce2004methods", "cleary1997unbounded", "pearce2004improved"]


def test_plug_ins_are_not_cited_for_them():
    assert of_model(meta("strange")).not_cited == ("the method strange, which is not of this package",)


def test_a_corpus_is_known_by_name_or_else_by_what_its_licence_says():
    tunes = BUILTIN["oneills"].licence
    assert tunes == BUILTIN["ryans-mammoth"].licence
    assert list(of_corpus([tunes]).entries) == ["cuthbert2010music21"]
    assert list(of_corpus([tunes], ["oneills"]).entries) == ["oneill_music", "cuthbert2010music21"]
    assert of_corpus(["mine"]) == Citations({}, ("music under this licence: mine",))


def test_takes_cite_what_their_command_asked_for():
    command = "stochmusic generate x.smm --sampler metropolis --max-copy 12 --top-p 0.9"
    found = of_take({"command": command, "model": "sha256:1", "licences": []})
    keys = ["metropolis1953equation", "hastings1970monte", "papadopoulos2014avoiding", "holtzman2020curious"]
    assert list(found.entries) == [SOFTWARE, *keys]
    assert found.not_cited == ("the model it was made with, which is not at hand",)
    plain = of_take(
        {"command": "stochmusic generate x.smm --max-copy off --top-p 1"}, of_model(meta("hmm", n_states=2))
    )
    assert list(plain.entries) == [SOFTWARE, "rabiner1989tutorial"]
    assert plain.not_cited == ()


def test_a_command_that_no_shell_can_read_asks_for_nothing():
    assert list(of_take({"command": "stochmusic generate 'x.smm --sampler metropolis"}).entries) == [SOFTWARE]


def test_what_is_cited_twice_stands_once_with_both_reasons():
    both = Citations({"a": "x"}).and_(Citations({"a": "y", "b": "z"}))
    assert dict(both.entries) == {"a": "x; y", "b": "z"}
