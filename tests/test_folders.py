"""Which files of a library are sounds: bins, links, closed folders, and very many of them."""

import os
import random
import tracemalloc
from pathlib import Path

import pytest
from conftest import write_sound

from drumlesson.datasets import read_folder
from drumlesson.folders import SourceError, _LeftOut, sound_files, walk_sounds


def touch(folder, *names):
    """Makes empty files, folders included; gives their paths."""
    paths = [folder / name for name in names]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return paths


def links_or_skip(link, target):
    try:
        link.symlink_to(target, target_is_directory=target.is_dir())
    except OSError:
        pytest.skip("this system makes no links")


SYSTEMS = [".Trash", ".git", "@eaDir", "$RECYCLE.BIN", "System Volume Information", "__MACOSX"]
SYSTEMS += ["#recycle", "lost+found", "$Recycle.Bin"]


def test_bins_and_hidden_folders_are_passed_by(tmp_path):
    write_sound(tmp_path / "kick" / "1.wav")
    touch(tmp_path, "kick/._1.wav", *(f"{name}/kick/2.wav" for name in SYSTEMS))
    left_out = _LeftOut()
    sounds = sound_files(tmp_path, left_out)
    assert [path.name for path in sounds] == ["1.wav"]
    assert left_out.line() == "left out: 9 folders that hide or are the system's own"
    assert left_out and left_out.lost() == {}
    assert read_folder(tmp_path)[2] == {}


def test_what_is_left_out_is_counted(tmp_path, monkeypatch):
    touch(tmp_path, "kick/1.wav", "kick/a.m4a", "kick/b.M4A", "c.wma", "notes.txt", "closed/2.wav")
    scandir = os.scandir

    def guarded(path="."):
        if os.path.basename(path) == "closed":
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)
    left_out = _LeftOut(most=3)
    assert [path.name for path in walk_sounds([tmp_path], left_out)] == ["1.wav"]
    said = "left out: 2 .m4a, 1 .wma (convert to WAV), 1 folder that may not be opened"
    assert left_out.line() == said
    assert len(left_out.lost()) == 3
    assert left_out.lost()[str(tmp_path / "closed")] == "may not be opened (Permission denied)"
    with pytest.raises(SourceError, match=r"closed: may not be opened \(Permission denied\)$"):
        sound_files(tmp_path / "closed")


def random_library(folder, rng):
    """Folders in folders with awkward names, and what lies in them."""
    words = ["a", "B", "a b", "a-b", "a.wav", "ä", "Z", "10", "9", "_"]
    for _ in range(40):
        parts = rng.choices(words, k=rng.randint(0, 3))
        touch(folder, "/".join([*parts, f"{rng.choice(words)}{rng.randint(0, 99)}.wav"]))


@pytest.mark.parametrize("seed", range(5))
def test_the_walk_goes_by_name(tmp_path, seed):
    random_library(tmp_path, random.Random(seed))
    walked = list(walk_sounds([tmp_path]))
    assert walked == sorted(path for path in tmp_path.rglob("*.wav") if path.is_file())
    assert walked == sound_files(tmp_path)


def test_links_come_last_and_folders_once(tmp_path):
    root, away = tmp_path / "drums", tmp_path / "away"
    touch(tmp_path, "drums/kick/1.wav", "drums/z/3.wav", "away/2.wav", "away/soft/4.wav")
    links_or_skip(root / "a second name", root / "kick")
    links_or_skip(root / "b", away)
    links_or_skip(root / "z" / "round and round", root)
    links_or_skip(root / "itself", root / "itself")
    links_or_skip(root / "nowhere.wav", tmp_path / "nowhere")
    links_or_skip(root / "5.wav", away / "2.wav")
    names = [path.relative_to(tmp_path).as_posix() for path in walk_sounds([root])]
    own = ["drums/5.wav", "drums/kick/1.wav", "drums/z/3.wav"]
    assert names == [*own, "drums/b/2.wav", "drums/b/soft/4.wav"]
    names = [path.relative_to(tmp_path).as_posix() for path in walk_sounds([root, away])]
    assert names == [*own, "away/2.wav", "away/soft/4.wav"]


def test_each_sound_comes_once_however_often_it_is_named(tmp_path, monkeypatch):
    touch(tmp_path, "a/1.wav", "a/b/2.wav", "a/b/3.wav", "a/notes.txt", "a/empty/x.txt")
    monkeypatch.chdir(tmp_path)
    orders = [["a/b/3.wav", "a", "a/b", "./a"], ["a/b", "a", "a/1.wav"], ["a", "a/b/../1.wav"]]
    for paths in orders:
        left_out = _LeftOut()
        walked = [path.as_posix() for path in walk_sounds(paths, left_out)]
        assert sorted(walked) == ["a/1.wav", "a/b/2.wav", "a/b/3.wav"]
        assert left_out.problems == {}
    walked = list(walk_sounds(["a/notes.txt", "a", "a/notes.txt", "nowhere.wav"]))
    assert walked[0] == Path("a/notes.txt") and walked[-1] == Path("nowhere.wav")
    assert len(walked) == 5  # what is given is handed out, for the reader to say what is wrong


def test_folders_of_no_use_are_told_each_by_a_line(tmp_path):
    touch(tmp_path, "a/1.wav", "b/notes.txt", "c/x.m4a")
    left_out = _LeftOut()
    assert len(list(walk_sounds([tmp_path / name for name in "abc"], left_out))) == 1
    assert list(left_out.problems) == [str(tmp_path / "b"), str(tmp_path / "c")]
    assert all("holds no sound file" in why for why in left_out.problems.values())
    with pytest.raises(SourceError, match=r"c: holds no sound file .*; left out: 1 .m4a"):
        sound_files(tmp_path / "c")


def test_memory_does_not_grow_with_the_number_of_files(tmp_path):
    touch(tmp_path, *(f"{i}/{j}.wav" for i in range(50) for j in range(100)))
    tracemalloc.start()
    assert sum(1 for _ in walk_sounds([tmp_path], _LeftOut())) == 5000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40 * 5000  # bytes; a list of paths needs several times as many


def test_very_deep_folders(tmp_path):
    deep = tmp_path.joinpath(*["d"] * 200)
    touch(deep, "1.wav")
    assert len(list(walk_sounds([tmp_path]))) == 1
