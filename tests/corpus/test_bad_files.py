"""Bad input: what is said of it, that every file is accounted for, and that the good ones are read."""

import os
import shutil
import struct
import sys

import pytest

from stochastic_music.corpus import Corpus, open_corpora
from stochastic_music.errors import EmptyCorpusError, InvalidParameterError


def chunk(body):
    return b"MTrk" + struct.pack(">I", len(body)) + body


def midi(body, *, ticks=480, tracks=1):
    return b"MThd" + struct.pack(">IHHH", 6, 0, tracks, ticks) + chunk(body + b"\x00\xff\x2f\x00")


NOTE = b"\x00\x90\x3c\x40\x83\x60\x80\x3c\x00"
BROKEN = {
    "zero bytes": b"",
    "not MIDI": b"This is a text about music.",
    "header alone": b"MThd" + struct.pack(">IHHH", 6, 0, 1, 480),
    "cut in the header": b"MThd\x00\x00",
    "0 ticks": midi(NOTE, ticks=0),
    "film frames": midi(NOTE, ticks=0xE728),
    "no notes": midi(b""),
}
STRANGE = {
    "denominator of 2^33": midi(b"\x00\xff\x58\x04\x04\x21\x18\x08" + NOTE),
    "a note that never ends": midi(NOTE + b"\x00\x90\x40\x40"),
    "a note without a length": midi(NOTE + b"\x00\x90\x40\x40\x00\x80\x40\x00"),
    "overlapping equal pitches": midi(b"\x00\x90\x3c\x40\x60\x90\x3c\x40\x60\x80\x3c\x00\x60\x80\x3c\x00"),
    "10 million ticks of silence": midi(NOTE + b"\x84\xe2\xad\x00\x90\x40\x40\x83\x60\x80\x40\x00"),
}


def account(report):
    return sorted([read.file for read in report.read] + [skipped.file for skipped in report.skipped])


def open_folder(folder, **options):
    return Corpus.from_folder(folder, workers=1, **options)


@pytest.mark.parametrize("name", BROKEN)
def test_one_broken_file_among_good_ones(music_folder, name):
    (music_folder / "bad.mid").write_bytes(BROKEN[name])
    corpus = open_folder(music_folder)
    assert len(corpus) == 12
    [skipped] = corpus.report.skipped
    assert skipped.file == "bad.mid"
    assert len(skipped.reason) > 10
    assert len(account(corpus.report)) == 13


@pytest.mark.parametrize("name", STRANGE)
def test_a_strange_file_is_read_with_a_warning(music_folder, name):
    (music_folder / "odd.mid").write_bytes(STRANGE[name])
    corpus = open_folder(music_folder)
    assert len(corpus) == 13
    assert not corpus.report.skipped
    assert {piece for piece, _ in corpus.report.warnings} == {"odd.mid"}
    odd = next(piece for piece in corpus if piece.source == "odd.mid")
    assert odd.score.note_num() >= 1
    assert odd.score.end() < 480 * 4 * 70


def test_a_truncated_file_is_read_as_far_as_it_goes_or_skipped(music_folder):
    whole = (music_folder / "tune00.mid").read_bytes()
    (music_folder / "cut.mid").write_bytes(whole[: len(whole) // 2])
    report = open_folder(music_folder).report
    said = [s.file for s in report.skipped] + [piece for piece, _ in report.warnings]
    assert said == ["cut.mid"]


def test_only_broken_files(tmp_path):
    for i, data in enumerate(BROKEN.values()):
        (tmp_path / f"{i}.mid").write_bytes(data)
    with pytest.raises(EmptyCorpusError, match=f"none of {len(BROKEN)} files in .* could be read") as caught:
        open_folder(tmp_path)
    assert "0.mid: the file is empty" in str(caught.value)


def test_an_empty_folder(tmp_path):
    with pytest.raises(EmptyCorpusError, match=r"there is nothing in .*. Readable are .*\.mid"):
        open_folder(tmp_path)


def test_a_folder_without_music(tmp_path):
    (tmp_path / "notes.txt").write_text("buy milk")
    with pytest.raises(EmptyCorpusError, match="only 1 file that is no music"):
        open_folder(tmp_path)


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(EmptyCorpusError, match="no file or folder"):
        open_folder(tmp_path / "nowhere")
    with pytest.raises(EmptyCorpusError, match="built-in corpora are: bach-chorales"):
        open_corpora([tmp_path / "nowhere"])


def test_a_directory_named_like_a_file(music_folder):
    inner = music_folder / "x.mid"
    inner.mkdir()
    shutil.move(music_folder / "tune00.mid", inner / "tune00.mid")
    corpus = open_folder(music_folder)
    assert len(corpus) == 12
    assert corpus[-1].source == "x.mid/tune00.mid"
    assert [(s.file, s.reason) for s in corpus.report.skipped] == [("x.mid", "this is a folder named like a file")]


def link(path, target):
    try:
        path.symlink_to(target, target_is_directory=target.is_dir())
    except OSError:
        pytest.skip("this system lets nobody make links")


def test_link_loops_and_links_that_lead_nowhere(music_folder):
    link(music_folder / "loop", music_folder)
    link(music_folder / "lost.mid", music_folder / "gone.mid")
    corpus = open_folder(music_folder)
    assert len(corpus) == 12
    assert [(s.file, s.reason) for s in corpus.report.skipped] == [("lost.mid", "this link leads nowhere")]


def test_a_link_to_a_file_is_a_copy_of_it(music_folder):
    link(music_folder / "again.mid", music_folder / "tune03.mid")
    corpus = open_folder(music_folder)
    assert corpus.report.duplicates == (("again.mid", "tune03.mid"),)
    assert len(corpus) == 12


def test_equal_files_are_counted_once_and_listed(music_folder):
    for name in ("b/copy.mid", "b/other.mid"):
        (music_folder / "b").mkdir(exist_ok=True)
        shutil.copy(music_folder / "tune11.mid", music_folder / name)
    corpus = open_folder(music_folder)
    assert len(corpus) == 12
    assert corpus.report.duplicates == (("b/copy.mid", "b/other.mid", "tune11.mid"),)
    assert len(corpus.report.read) == 14
    assert sum(read.n_pieces for read in corpus.report.read) == 12


def test_no_permission_to_read(music_folder):
    (music_folder / "tune05.mid").chmod(0)
    (music_folder / "closed").mkdir(mode=0)
    try:
        if os.access(music_folder / "tune05.mid", os.R_OK):
            pytest.skip("this user may read everything")
        corpus = open_folder(music_folder)
    finally:
        (music_folder / "closed").chmod(0o700)
    assert len(corpus) == 11
    assert {s.file for s in corpus.report.skipped} == {"tune05.mid", "closed"}
    assert all("permission" in s.in_words() for s in corpus.report.skipped)


def test_a_pipe_is_not_waited_for(music_folder):
    if not hasattr(os, "mkfifo"):
        pytest.skip("this system has no named pipes")
    os.mkfifo(music_folder / "pipe.mid")
    corpus = open_folder(music_folder)
    assert [(s.file, s.reason) for s in corpus.report.skipped] == [
        ("pipe.mid", "this is a device or a pipe, not a file")
    ]


@pytest.mark.parametrize("name", ["Präludium – «été».mid", "前奏曲.mid", "line\nbreak.mid", b"latin-\xe9.mid"])
def test_odd_names(music_folder, name):
    source = os.fsencode(music_folder / "tune00.mid")
    target = os.path.join(os.fsencode(music_folder), os.fsencode(name))  # noqa: PTH118
    try:
        shutil.move(source, target)
    except (OSError, UnicodeError):
        pytest.skip("this system does not allow such a name")
    corpus = open_folder(music_folder)
    assert len(corpus) == 12
    assert not corpus.report.skipped
    [odd] = {piece.source for piece in corpus} - {f"tune{i:02d}.mid" for i in range(12)}
    odd.encode()


def test_music_in_other_formats_is_listed_and_other_files_are_counted(music_folder):
    for name in ("score.mscz", "song.mp3", "readme.txt", ".DS_Store", "._tune00.mid"):
        (music_folder / name).write_bytes(b"something")
    shutil.copy(music_folder / "tune00.mid", music_folder / "download")
    report = open_folder(music_folder).report
    listed = {skipped.file: skipped.remedy for skipped in report.skipped}
    assert set(listed) == {"score.mscz", "song.mp3", "download"}
    assert listed["download"] == "Rename it to end in .mid"
    assert report.other == {".txt": 1, "": 1, ".mid": 1}


def test_a_file_named_outright_is_never_passed_over(music_folder, tmp_path):
    (tmp_path / "words.txt").write_text("la la la")
    paths = [music_folder / "tune03.mid", tmp_path / "words.txt", tmp_path / "no.mid", music_folder / "tune01.mid"]
    corpus = Corpus.from_files(paths, workers=1)
    assert [piece.source for piece in corpus] == [p.as_posix() for p in (paths[0], paths[3])]
    assert [s.reason for s in corpus.report.skipped] == [
        "there is no such file",
        "this is no kind of music file that can be read here",
    ]


def test_order_is_that_of_folded_names(music_folder):
    names = ["B.mid", "a.mid", "C/1.mid", "é.mid", "e\u0301b.mid", "Z.mid"]
    for name in names:
        (music_folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(music_folder / "tune00.mid", music_folder / name)
    for i in range(12):
        (music_folder / f"tune{i:02d}.mid").unlink()
    read = [read.file for read in open_folder(music_folder).report.read]
    if sys.platform == "linux":
        assert read == ["a.mid", "B.mid", "C/1.mid", "Z.mid", "é.mid", "e\u0301b.mid"]


def test_fifty_megabytes_of_events_are_read_or_skipped_in_time(music_folder):
    event = b"\x01\x90\x3c\x40\x01\x80\x3c\x00"
    (music_folder / "huge.mid").write_bytes(midi(event * (50 * 2**20 // len(event))))
    report = open_folder(music_folder, memory_limit=10**9).report
    assert len(account(report)) == 13
    assert report.n_pieces >= 12


@pytest.mark.parametrize(
    ("option", "value"), [("workers", 0), ("time_limit", 0.0), ("time_limit", float("nan")), ("memory_limit", 1000)]
)
def test_limits_that_make_no_sense(music_folder, option, value):
    with pytest.raises(InvalidParameterError, match=option):
        Corpus.from_folder(music_folder, **{option: value})


def test_progress_is_told_for_every_file(music_folder):
    (music_folder / "bad.mid").write_bytes(b"")
    said = []
    open_folder(music_folder, progress=lambda done, total, name: said.append((done, total, name)))
    assert [done for done, _, _ in said] == list(range(1, 14))
    assert {total for _, total, _ in said} == {13}
    assert {name for _, _, name in said} == {"bad.mid", *(f"tune{i:02d}.mid" for i in range(12))}
