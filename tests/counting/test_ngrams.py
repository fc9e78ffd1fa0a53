"""N-grams against `collections.Counter` over windows written out; the same bytes however they were counted."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stochastic_music import _backends
from stochastic_music.corpus import TokenCorpus
from stochastic_music.counting import BEFORE, NGramCounts, chunks, count_ngrams
from stochastic_music.counting.levels import Space
from stochastic_music.counting.packing import Packing, numbered
from stochastic_music.errors import InvalidParameterError, ModelFileError, UsageError, VocabularyError
from stochastic_music.tokens import Vocabulary
from tests.stand_in import installed

#: few values, many, and so many that windows longer than 7, 4, 3 and 2 symbols are numbered
SIZES = (2, 400, 65_000, 100_000, 2**31)


def corpus_of(pieces, n_values):
    """Made without `from_sequences`, which looks each symbol up in an alphabet as large as the vocabulary."""
    symbols = np.array([symbol for piece in pieces for symbol in piece], dtype=np.int64)
    offsets = np.cumsum([0, *map(len, pieces)])
    names = tuple(map(str, range(len(pieces))))
    return TokenCorpus(Vocabulary.plain(n_values, closed=False), symbols, offsets, (None,) * len(pieces), names)


def written_out(pieces, order):
    """Every window of `order` symbols that ends in a piece, by hand."""
    padded = [[BEFORE] * (order - 1) + list(piece) for piece in pieces]
    return Counter(tuple(row[i : i + order]) for row in padded for i in range(len(row) - order + 1))


def as_counter(counts, order):
    table = counts.table(order)
    rows = map(tuple, counts.ngrams(order).tolist())
    return dict(zip(rows, table.counts.tolist(), strict=True))


def bytes_of(counts):
    return [(table.keys.tobytes(), table.counts.tobytes()) for table in counts.tables]


@st.composite
def pieces_below(draw):
    """Pieces, some empty or short, over few of many symbols."""
    n_values = draw(st.sampled_from(SIZES))
    symbols = draw(st.lists(st.integers(0, n_values - 1), min_size=1, max_size=4))
    return draw(st.lists(st.lists(st.sampled_from(symbols), max_size=12), max_size=6)), n_values


@settings(deadline=None)
@given(pieces_below(), st.integers(1, 8))
def test_all_orders_are_those_of_windows_written_out(given_, order):
    pieces, n_values = given_
    counts = count_ngrams(corpus_of(pieces, n_values), order)
    for k in range(1, order + 1):
        assert as_counter(counts, k) == written_out(pieces, k)
        keys = counts.table(k).keys
        assert np.all(keys[1:] > keys[:-1])


@pytest.mark.parametrize("n_values", [3, 100_000])
def test_every_corpus_of_two_short_pieces_is_counted_right(n_values):
    shortest = [list(row) for length in range(4) for row in product([0, n_values - 1], repeat=length)]
    for pieces in product(shortest, repeat=2):
        counts = count_ngrams(corpus_of(pieces, n_values), 4)
        assert all(as_counter(counts, k) == written_out(pieces, k) for k in range(1, 5))


@settings(deadline=None)
@given(pieces_below(), st.integers(1, 8), st.integers(1, 7), st.integers(1, 5))
def test_neither_chunks_nor_blocks_nor_parts_show(given_, order, size, block):
    pieces, n_values = given_
    whole = count_ngrams(corpus_of(pieces, n_values), order)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Space, "chunk", lambda *_: size)
        patch.setattr(chunks, "_BLOCK", block)
        patch.setattr(chunks, "_LOOKED_UP", block)
        patch.setattr(Space, "window", 3)
        assert bytes_of(count_ngrams(corpus_of(pieces, n_values), order)) == bytes_of(whole)
        if pieces:
            parts = [corpus_of(pieces[:2], n_values), corpus_of([], n_values), corpus_of(pieces[2:], n_values)]
            assert bytes_of(count_ngrams(parts, order)) == bytes_of(whole)


def some_pieces(n_values, n_symbols=300_000, seed=0):
    random = np.random.default_rng(seed)
    lengths = random.integers(0, 60, n_symbols // 30)
    return [random.integers(0, n_values, length) ** 2 // n_values for length in lengths]


@pytest.mark.parametrize(("n_values", "order"), [(400, 5), (100_000, 4)])
def test_spilling_equals_not_spilling_and_leaves_no_file(tmp_path, n_values, order):
    corpus = corpus_of(some_pieces(n_values), n_values)
    spilled = count_ngrams(corpus, order, memory=1 << 23, folder=tmp_path)
    assert isinstance(spilled.tables[-1].keys, np.memmap)
    assert list(tmp_path.iterdir()) == []
    assert bytes_of(spilled) == bytes_of(count_ngrams(corpus, order))


@pytest.mark.parametrize("n_values", [400, 100_000])
@pytest.mark.parametrize("pool", [ProcessPoolExecutor, ThreadPoolExecutor])
def test_executors_do_not_show(monkeypatch, n_values, pool):
    corpus = corpus_of(some_pieces(n_values, 3000), n_values)
    whole = count_ngrams(corpus, 5)
    monkeypatch.setattr(Space, "chunk", lambda *_: 500)
    device = installed(monkeypatch)
    with pool(2) as executor:
        assert bytes_of(count_ngrams(corpus, 5, executor=executor)) == bytes_of(whole)
    assert device.to_device == 0, "tasks are not drawn to a GPU that nobody asked for"


@pytest.mark.parametrize("n_values", [400, 100_000])
def test_the_arithmetic_of_a_gpu_gives_the_same(monkeypatch, n_values):
    corpus = corpus_of(some_pieces(n_values, 3000), n_values)
    whole = count_ngrams(corpus, 5, backend="numpy")
    installed(monkeypatch)
    assert bytes_of(count_ngrams(corpus, 5, backend="cupy")) == bytes_of(whole)


def test_a_gpu_with_little_memory_takes_smaller_blocks_and_then_leaves_it_to_the_cpu(monkeypatch, caplog):
    corpus = corpus_of(some_pieces(400, 3000), 400)
    whole = count_ngrams(corpus, 5, backend="numpy")
    monkeypatch.setattr(chunks, "_BLOCK", 16)
    for largest, said in ((4000, "smaller batches"), (8, "the work goes on on the CPU")):
        installed(monkeypatch, largest=largest)
        assert bytes_of(count_ngrams(corpus, 5, backend="cupy")) == bytes_of(whole)
        assert said in caplog.text


@pytest.mark.gpu
@pytest.mark.skipif(not _backends.gpu()[0], reason="no GPU")
def test_a_gpu_gives_the_same():
    corpus = corpus_of(some_pieces(400), 400)
    assert bytes_of(count_ngrams(corpus, 5, backend="cupy")) == bytes_of(count_ngrams(corpus, 5, backend="numpy"))


@settings(deadline=None)
@given(st.lists(pieces_below(), min_size=3, max_size=3), st.sampled_from(SIZES), st.integers(1, 8))
def test_adding_up_equals_counting_together_in_any_order_and_grouping(drawn, n_values, order):
    rows = [[[symbol % n_values for symbol in piece] for piece in pieces] for pieces, _ in drawn]
    a, b, c = (count_ngrams(corpus_of(pieces, n_values), order) for pieces in rows)
    whole = bytes_of(count_ngrams(corpus_of([*rows[0], *rows[1], *rows[2]], n_values), order))
    assert bytes_of((a + b) + c) == bytes_of(a + (b + c)) == bytes_of(c + a + b) == whole


def test_counts_of_two_vocabularies_do_not_add_up():
    with pytest.raises(VocabularyError, match="expected equal orders and numbers of symbols"):
        count_ngrams(corpus_of([[0]], 3), 2) + count_ngrams(corpus_of([[0]], 4), 2)


@settings(deadline=None)
@given(pieces_below(), st.integers(1, 8))
def test_look_ups_find_what_is_there_and_nothing_else(given_, order):
    pieces, n_values = given_
    counts = count_ngrams(corpus_of(pieces, n_values), order)
    for k in range(1, order + 1):
        known = written_out(pieces, k)
        asked = [*known, *((*row[1:], row[0]) for row in known), (n_values - 1,) * k]
        assert counts.count(np.array(asked)).tolist() == [known[row] for row in asked]


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(0, 4), max_size=12), max_size=6), st.integers(2, 8))
def test_continuations_and_predecessors_are_those_of_windows_written_out(pieces, order):
    counts = count_ngrams(corpus_of(pieces, 5), order)
    longest = written_out(pieces, order)
    for context in {row[:-1] for row in longest} | {(4,) * (order - 1)}:
        symbols, times = counts.continuations(context)
        assert dict(zip(symbols.tolist(), times.tolist(), strict=True)) == {
            row[-1]: count for row, count in longest.items() if row[:-1] == context
        }
    ways = Counter(row[1:] for row in longest)
    rows = map(tuple, counts.ngrams(order - 1).tolist())
    assert dict(zip(rows, counts.predecessors(order - 1).tolist(), strict=True)) == ways


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(0, 2), max_size=12), max_size=6), st.integers(1, 4), st.integers(0, 9))
def test_the_most_common_are_those_of_a_counter(pieces, order, n):
    counts = count_ngrams(corpus_of(pieces, 3), order)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("stochastic_music.counting.table._WINDOW", 2)
        found = counts.most_common(order, n)
    whole = {row: count for row, count in written_out(pieces, order).items() if BEFORE not in row}
    assert found == sorted(whole.items(), key=lambda item: (-item[1], item[0][::-1]))[:n]


@pytest.mark.parametrize("n_values", [3, 100_000])
def test_a_file_gives_back_what_was_saved_and_equal_counts_are_equal_files(tmp_path, n_values):
    counts = count_ngrams(corpus_of(some_pieces(n_values, 3000), n_values), 4)
    counts.save(tmp_path / "a.smm")
    opened = NGramCounts.open(tmp_path / "a.smm")
    opened.verify()
    assert bytes_of(opened) == bytes_of(counts)
    assert opened.most_common(4) == counts.most_common(4)
    opened.save(tmp_path / "b.smm")
    assert (tmp_path / "a.smm").read_bytes() == (tmp_path / "b.smm").read_bytes()


def test_a_file_with_a_changed_byte_is_found_out_and_another_file_is_not_replaced(tmp_path):
    path = tmp_path / "counts.smm"
    count_ngrams(np.array([0, 1, 0, 1, 1]), 2).save(path)
    with pytest.raises(UsageError, match="exists and differs"):
        count_ngrams(np.array([0, 1, 0, 1, 0]), 2).save(path)
    data = path.read_bytes()
    path.write_bytes(data[:-3] + b"\x05" + data[-2:])
    with pytest.raises(ModelFileError, match="has been changed"):
        NGramCounts.open(path).verify()


def test_a_model_is_no_file_of_counts(tmp_path):
    from stochastic_music.model_file import write

    write(tmp_path / "m.smm", {"task": "compose"}, {"a": np.zeros(1)})
    with pytest.raises(ModelFileError, match="holds a model; expected counts of n-grams"):
        NGramCounts.open(tmp_path / "m.smm")


def test_a_symbol_beyond_the_vocabulary_is_named_with_its_place(monkeypatch):
    monkeypatch.setattr(Space, "chunk", lambda *_: 3)
    with pytest.raises(VocabularyError, match=r"symbol 9 at 7: expected 0 to 7, which 4 bits can tell apart"):
        count_ngrams(np.array([0, 1, 2, 3, 4, 5, 6, 9]), 3, n_values=8)
    with pytest.raises(VocabularyError, match="symbol -1 at 4"):
        count_ngrams([corpus_of([[0, 1]], 8), corpus_of([[2, 3], [-1]], 8)], 3)


@pytest.mark.parametrize(
    ("said", "options"),
    [
        ("order 9: expected 1 to 8", {"order": 9}),
        ("order 0: expected 1 to 8", {"order": 0}),
        (r"1000 bytes of memory: give 8388608 \(8 MB\)", {"order": 2, "memory": 1000}),
    ],
    ids=["too long", "too short", "too little memory"],
)
def test_what_cannot_be_counted_is_said(said, options):
    with pytest.raises(InvalidParameterError, match=said):
        count_ngrams(np.array([0, 1]), **options)


def test_parts_over_vocabularies_of_two_sizes_are_refused():
    with pytest.raises(VocabularyError, match="vocabularies of 4 and 5 symbols"):
        count_ngrams([corpus_of([[0]], 3), corpus_of([[0]], 4)], 2)


def test_orders_that_were_not_counted_are_refused():
    counts = count_ngrams(np.array([0, 1]), 2)
    for work in (lambda: counts.count([0, 1, 0]), lambda: counts.predecessors(2), lambda: counts.most_common(3)):
        with pytest.raises(InvalidParameterError, match="order 3: these are counts of orders 1 to 2"):
            work()


def test_negative_control_windows_across_pieces_would_show():
    apart, joined = (count_ngrams(corpus_of(pieces, 3), 2) for pieces in ([[0, 1], [2]], [[0, 1, 2]]))
    assert apart.count([1, 2]) == 0
    assert joined.count([1, 2]) == 1


def test_more_windows_than_can_be_numbered_are_refused():
    packing = Packing(65_000, 8)  # of four symbols whole, then two more of 16 bits each: 32 are left for numbers
    digits, begins = packing.digits(np.array([1, 2, 3])), np.array([0])
    many = np.broadcast_to(np.uint64(0), (1 << 32) + 1)
    with pytest.raises(InvalidParameterError, match=r"4,294,967,297 .* 4 symbols; expected 4,294,967,296 .* order 4"):
        numbered(packing, digits, begins, 6, [many] * 4)
