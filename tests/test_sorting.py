"""Sounds into folders and back: nothing replaced, nothing lost, whatever happens in between."""

import errno
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path
from urllib.parse import unquote

import pytest
from conftest import files_below
from hypothesis import given
from hypothesis import strategies as st

from drumlesson import sorting
from drumlesson.sorting import _COMPANIONS, _folder_name, _plain, plan_sort, sort_files, undo

POSIX = pytest.mark.skipif(os.name != "posix", reason="links and signals of POSIX")
HOW = pytest.mark.parametrize("how", ["copy", "link", "move"])
UNDO = "drumlesson-sort.jsonl"


def write(path, text=None, when=1_500_000_000):
    """A small file, modified long ago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(path.as_posix() if text is None else text)
    os.utime(path, (when, when + 0.123456))
    return path


def state(folder):
    """All that is below a folder: what each file holds, when it was modified, what links say."""
    found = {}
    for path in sorted(Path(folder).rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            found[name] = os.readlink(path)
        elif path.is_file():
            found[name] = (path.read_bytes(), path.stat().st_mtime_ns)
        else:
            found[name] = "folder"
    return found


LIBRARY = {
    "studio/kick.wav": "kick",
    "studio/snare.wav": "snare",
    "studio/loop.wav": "unsure",
    "garage/kick.wav": "kick",
    "garage/KICK.wav": "kick",
    "garage/readme.wav": "not a drum",
}
SORTED = [
    "kick/KICK (3).wav",
    "kick/kick (2).wav",
    "kick/kick.asd",
    "kick/kick.wav",
    "kick/kick.wav.asd",
    "not a drum/readme.wav",
    "snare/snare.wav",
    "unsure/loop.wav",
]


@pytest.fixture
def library(tmp_path):
    """A folder with a few files, and the pairs to sort them by."""
    folder = tmp_path / "library"
    for name in LIBRARY:
        write(folder / name)
    write(folder / "studio/kick.wav.asd")
    write(folder / "studio/kick.asd")
    return folder


def pairs_of(folder, labels=None):
    labels = LIBRARY if labels is None else labels
    return [(folder / name, label) for name, label in labels.items()]


def sounds_in(folder):
    return [name for name in files_below(folder) if not name.endswith(".jsonl")]


# -- names of folders


@given(st.text(max_size=300))
def test_a_label_can_be_read_back_from_its_folder(label):
    name = _folder_name(label)
    assert name and len(name.encode()) <= 200
    assert not set(name) & set('<>:"/\\|?*\0\n') and name not in (".", "..")
    assert name[0] != "." and name[-1] not in ". "
    if len(label) < 60:
        assert unquote(name, errors="surrogatepass") == _plain(label)


@pytest.mark.parametrize(
    "label, name",
    [
        ("hi-hat", "hi-hat"),
        ("a/b", "a%2Fb"),
        ("..", "%2E%2E"),
        ("CON", "%43ON"),
        ("con.kick", "%63on.kick"),
        ("console", "console"),
        ("lpt1", "%6Cpt1"),
        ("", "unsure"),
        ("  kick ", "kick"),
        ("caf\N{LATIN SMALL LETTER E}\N{COMBINING ACUTE ACCENT}", "café"),
        ("x.", "x%2E"),
        ("C:\\x", "C%3A%5Cx"),
    ],
)
def test_folder_names(label, name):
    assert _folder_name(label) == name


# -- the plan


def test_the_plan_touches_nothing(library, tmp_path):
    before = state(tmp_path)
    targets = [step.target for step in plan_sort(pairs_of(library), tmp_path / "sorted")]
    assert sorted(targets) == SORTED and state(tmp_path) == before


@HOW
def test_a_sort_does_what_its_plan_says(library, tmp_path, how):
    planned = [step.target for step in plan_sort(pairs_of(library), tmp_path / "sorted", how)]
    report = sort_files(pairs_of(library), tmp_path / "sorted", how)
    assert sounds_in(tmp_path / "sorted") == sorted(planned) == SORTED
    assert report.counts == {"kick": 3, "snare": 1, "unsure": 1, "not a drum": 1}
    assert (report.companions, report.there, report.problems) == (2, 0, {})
    with_it = ["studio/kick.asd", "studio/kick.wav.asd"]
    left = files_below(library)
    assert left == ([] if how == "move" else sorted([*LIBRARY, *with_it]))


def test_the_plan_is_a_stream(tmp_path):
    """The first step is known before the second sound is."""
    write(tmp_path / "a.wav")

    def pairs():
        yield tmp_path / "a.wav", "kick"
        raise AssertionError("read too far")

    assert [s.target for s in islice(plan_sort(pairs(), tmp_path / "sorted"), 1)] == ["kick/a.wav"]


def test_many_of_one_name_are_numbered_in_turn(tmp_path):
    pairs = [(write(tmp_path / f"{i}/kick.wav"), "kick") for i in range(12)]
    sort_files(pairs[:5], tmp_path / "sorted")
    sort_files(pairs[5:], tmp_path / "sorted")
    names = {"kick.wav", *(f"kick ({i}).wav" for i in range(2, 13))}
    assert {p.name for p in (tmp_path / "sorted/kick").iterdir()} == names


def test_a_name_too_long_for_a_number_is_cut(tmp_path):
    pairs = [(write(tmp_path / f"{i}" / f"{'ü' * 125}.wav", "x"), "kick") for i in range(2)]
    assert not sort_files(pairs, tmp_path / "sorted").problems
    assert len(files_below(tmp_path / "sorted/kick")) == 2


def test_faults_are_named_and_the_rest_is_sorted(library, tmp_path):
    pairs = [*pairs_of(library), (library / "none.wav", "kick"), (library / "studio", "kick")]
    pairs.append((library / "studio/kick.wav", "snare"))
    report = sort_files(pairs, tmp_path / "sorted")
    assert sounds_in(tmp_path / "sorted") == SORTED
    assert report.problems == {
        str(library / "none.wav"): "there is no such file",
        str(library / "studio"): "there is no such file",
        str(library / "studio/kick.wav"): "is listed more than once: its first label counts",
    }


@pytest.mark.parametrize("how, into", [("burn", "sorted"), ("copy", "a file")])
def test_mistakes(library, tmp_path, how, into):
    write(tmp_path / "a file")
    with pytest.raises(ValueError, match="choose from copy, link, move|is a file: name a folder"):
        sort_files(pairs_of(library), tmp_path / into, how)


def test_a_file_in_the_way_of_a_folder_stops_its_sounds_alone(tmp_path):
    for name in ("a.wav", "b.wav"):
        (tmp_path / name).write_text(name)
    into = tmp_path / "into"
    into.mkdir()
    (into / "kick").write_text("mine")
    pairs = [(tmp_path / "a.wav", "kick"), (tmp_path / "b.wav", "tom")]
    planned = list(plan_sort(pairs, into))
    assert ["a file of that name is in" in step.fault for step in planned] == [True, False]
    report = sort_files(pairs, into, "move")
    assert [*report.problems] == [str(tmp_path / "a.wav")]
    assert (into / "tom" / "b.wav").read_text() == "b.wav" and (tmp_path / "a.wav").is_file()
    assert (into / "kick").read_text() == "mine"


# -- what goes with a sound


@pytest.mark.parametrize("ending", _COMPANIONS)
@HOW
def test_companions_go_with_their_sound(tmp_path, how, ending):
    for kit in "ab":
        write(tmp_path / kit / "kick.wav")
        write(tmp_path / kit / f"kick.wav{ending}")
        write(tmp_path / kit / f"kick{ending}")
    before = state(tmp_path)
    pairs = [(tmp_path / kit / "kick.wav", "kick") for kit in "ab"]
    report = sort_files(pairs, tmp_path / "sorted", how)
    names = [f"kick/kick (2){ending}", f"kick/kick (2).wav{ending}", "kick/kick (2).wav"]
    names += [f"kick/kick{ending}", f"kick/kick.wav{ending}", "kick/kick.wav"]
    assert sounds_in(tmp_path / "sorted") == sorted(names) and report.companions == 4
    assert "/b/" in (tmp_path / f"sorted/kick/kick (2){ending}").read_text()
    undo(tmp_path / "sorted")
    assert state(tmp_path) == before


@HOW
def test_a_companion_of_two_sounds_goes_with_the_first(tmp_path, how):
    for name in ("kick.aif", "kick.wav", "kick.asd"):
        write(tmp_path / "kit" / name)
    pairs = [(tmp_path / "kit/kick.aif", "kick"), (tmp_path / "kit/kick.wav", "kick")]
    assert not sort_files(pairs, tmp_path / "sorted", how).problems
    assert sounds_in(tmp_path / "sorted") == ["kick/kick.aif", "kick/kick.asd", "kick/kick.wav"]


# -- nothing is replaced, nothing is brought twice


@HOW
def test_what_is_there_stays(library, tmp_path, how):
    for name in ("kick/kick.wav", "kick/Kick (2).WAV", "snare/snare.wav", "unsure/x"):
        write(tmp_path / "sorted" / name, "yours")
    before = state(tmp_path)
    sort_files(pairs_of(library), tmp_path / "sorted", how)
    after = state(tmp_path / "sorted")
    for name, held in state(tmp_path / "sorted").items():
        assert after[name] == before.get(f"sorted/{name}", held)
    assert "snare/snare (2).wav" in after and len(sounds_in(tmp_path / "sorted")) == 12
    undo(tmp_path / "sorted")
    assert state(tmp_path) == before


@HOW
def test_a_name_taken_at_the_last_moment_stays_too(library, tmp_path, how):
    """Between the plan and the deed somebody else was quicker."""
    steps = plan_sort(pairs_of(library, {"studio/snare.wav": "snare"}), tmp_path / "sorted", how)
    planned = list(steps)
    write(tmp_path / "sorted/snare/snare.wav", "yours")
    before = state(tmp_path)
    ((_, fault),) = sorting._done(iter(planned), str(tmp_path / "sorted"), how)
    assert "File exists" in fault
    assert (tmp_path / "sorted/snare/snare.wav").read_text() == "yours"
    report = undo(tmp_path / "sorted")
    assert list(report.problems) == [str(tmp_path / "sorted/snare/snare.wav")]
    (tmp_path / "sorted" / UNDO).unlink()
    assert state(tmp_path) == before


@HOW
def test_a_second_sort_brings_what_is_new(library, tmp_path, how):
    sort_files(pairs_of(library), tmp_path / "sorted", how)
    write(library / "studio/tom.wav")
    before = state(tmp_path)
    labels = LIBRARY if how != "move" else {}
    report = sort_files(pairs_of(library, labels | {"studio/tom.wav": "tom"}), tmp_path / "sorted")
    assert report.counts == {"tom": 1} and report.there == (0 if how == "move" else 8)
    undo(tmp_path / "sorted/drumlesson-sort-2.jsonl")
    assert state(tmp_path) == before


def test_a_changed_sound_is_brought_again(library, tmp_path):
    sort_files(pairs_of(library), tmp_path / "sorted")
    write(library / "studio/snare.wav", "recorded anew", when=1_600_000_000)
    report = sort_files(pairs_of(library), tmp_path / "sorted")
    assert report.counts == {"snare": 1} and report.there == 7
    assert (tmp_path / "sorted/snare/snare (2).wav").read_text() == "recorded anew"


def test_nothing_to_do_makes_no_undo_file(library, tmp_path):
    sort_files([], tmp_path / "sorted")
    assert not (tmp_path / "sorted").exists()
    sort_files(pairs_of(library), tmp_path / "sorted")
    sort_files(pairs_of(library), tmp_path / "sorted")
    assert len(list((tmp_path / "sorted").glob("*.jsonl"))) == 1


def test_a_move_after_a_copy_takes_the_originals(library, tmp_path):
    """And each undo file alone brings back what was before its sort."""
    start = state(tmp_path)
    sort_files(pairs_of(library), tmp_path / "sorted")
    copied = state(tmp_path)
    sort_files(pairs_of(library), tmp_path / "sorted", "move")
    assert files_below(library) == [] and sounds_in(tmp_path / "sorted") == SORTED
    undo(tmp_path / "sorted/drumlesson-sort-2.jsonl")
    assert state(tmp_path) == copied
    undo(tmp_path / "sorted")
    assert state(tmp_path) == start


@POSIX
def test_a_move_after_symbolic_links_does_not_leave_these_alone(library, tmp_path, monkeypatch):
    monkeypatch.setattr(sorting, "_can_link", no_links)
    start = state(tmp_path)
    sort_files(pairs_of(library), tmp_path / "sorted", "link")
    sort_files(pairs_of(library), tmp_path / "sorted", "move")
    held = {p.read_text() for p in (tmp_path / "sorted").rglob("*.wav") if not p.is_symlink()}
    assert held == {(library / name).as_posix() for name in LIBRARY}
    undo(tmp_path / "sorted")
    assert state(tmp_path) == start


# -- folders in folders


def test_what_is_sorted_is_not_sorted_again(library, tmp_path):
    """Not even while the folder is walked, and under no other name of it."""
    into = library / "sorted"

    def pairs():
        for name, label in LIBRARY.items():
            yield library / name, label
        for path in sorted(into.rglob("*.wav")):
            yield path, "tom"
            yield library / "studio" / ".." / path.relative_to(library), "tom"

    sort_files(pairs(), into)
    assert sounds_in(into) == SORTED
    sort_files(pairs(), into)
    assert sounds_in(into) == SORTED


@POSIX
def test_the_folder_is_known_behind_a_link(library, tmp_path):
    sort_files(pairs_of(library), library / "sorted")
    (tmp_path / "door").symlink_to(library)
    pairs = [(tmp_path / "door/sorted" / name, "tom") for name in SORTED]
    assert list(plan_sort(pairs, library / "sorted")) == []


def test_the_sorted_folder_may_be_moved(library, tmp_path):
    before = state(tmp_path)
    sort_files(pairs_of(library), tmp_path / "sorted", "move")
    (tmp_path / "sorted").rename(tmp_path / "elsewhere")
    undo(tmp_path / "elsewhere")
    assert state(tmp_path) == before


# -- links, modes, other disks


@POSIX
@HOW
def test_a_sound_that_is_a_link(library, tmp_path, how):
    (library / "studio/link.wav").symlink_to("snare.wav")
    before = state(tmp_path)
    pairs = pairs_of(library, {"studio/link.wav": "tom"})
    report = sort_files(pairs, tmp_path / "sorted", how)
    if how == "move":
        assert "is a link, and stays" in report.problems[str(library / "studio/link.wav")]
    else:
        text = (library / "studio/snare.wav").as_posix()
        assert (tmp_path / "sorted/tom/link.wav").read_text() == text
        undo(tmp_path / "sorted")
    assert state(tmp_path) == before


def no_links(source, target):
    """What a disk without hard links says."""
    if os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, "File exists", target)
    return False


@POSIX
@HOW
def test_a_disk_without_hard_links(library, tmp_path, monkeypatch, how):
    def refused(*_, **__):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    before = state(tmp_path)
    assert not sort_files(pairs_of(library), tmp_path / "sorted", how).problems
    assert sounds_in(tmp_path / "sorted") == SORTED
    assert (tmp_path / "sorted/snare/snare.wav").is_symlink() == (how == "link")
    assert not undo(tmp_path / "sorted").problems
    assert state(tmp_path) == before


@pytest.fixture
def other_disk(tmp_path):
    """A folder on another disk than `tmp_path`."""
    shared = Path("/dev/shm")
    if not shared.is_dir() or shared.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no other disk")
    with tempfile.TemporaryDirectory(dir=shared) as folder:
        yield Path(folder)


@HOW
def test_another_disk(library, tmp_path, other_disk, how):
    before = state(tmp_path)
    assert not sort_files(pairs_of(library), other_disk / "sorted", how).problems
    assert sounds_in(other_disk / "sorted") == SORTED
    if how != "link":
        there = os.stat(other_disk / "sorted/snare/snare.wav")
        assert there.st_mtime_ns == before["library/studio/snare.wav"][1]
    assert not undo(other_disk / "sorted").problems
    assert state(tmp_path) == before and state(other_disk) == {}


class Refusing:
    """Lets a function of a module fail as a system would."""

    def __init__(self, monkeypatch, name, error, when):
        self.function = getattr(os, name)
        self.error, self.when = error, when
        monkeypatch.setattr(os, name, self)

    def __call__(self, path, *args, **kwargs):
        if self.when(os.fspath(path)):
            raise OSError(self.error, os.strerror(self.error), path)
        return self.function(path, *args, **kwargs)


@POSIX
def test_a_folder_that_cannot_be_written_to_keeps_its_sounds(library, tmp_path, monkeypatch):
    """Where the first name cannot go, the second does."""
    before = state(library)
    Refusing(monkeypatch, "unlink", errno.EACCES, lambda path: path.startswith(str(library)))
    report = sort_files(pairs_of(library), tmp_path / "sorted", "move")
    assert len(report.problems) == 8
    assert all(why.endswith("(Permission denied)") for why in report.problems.values())
    assert state(library) == before and sounds_in(tmp_path / "sorted") == []


@HOW
def test_a_full_disk_ends_the_sort_and_loses_nothing(library, tmp_path, monkeypatch, how):
    before, room = state(tmp_path), iter([True] * 3)
    link = os.link

    def until_full(*args, **kwargs):
        if not next(room, False):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return link(*args, **kwargs)

    monkeypatch.setattr(os, "link", until_full)
    with pytest.raises(OSError, match="No space left on device: sort again .*drumlesson undo"):
        sort_files(pairs_of(library), tmp_path / "sorted", how)
    assert len(sounds_in(tmp_path / "sorted")) == 3
    monkeypatch.setattr(os, "link", link)
    sort_files(pairs_of(library), tmp_path / "sorted", how)
    undo(tmp_path / "sorted")
    assert state(tmp_path) == before


def test_a_name_taken_at_the_last_moment_on_a_disk_without_links(library, tmp_path, monkeypatch):
    planned = list(plan_sort(pairs_of(library), tmp_path / "sorted", "move"))
    write(tmp_path / "sorted/snare/snare.wav", "yours")
    monkeypatch.setattr(sorting, "_can_link", lambda *_: False)
    faults = [fault for _, fault in sorting._done(iter(planned), str(tmp_path / "sorted"), "move")]
    assert sum(map(bool, faults)) == 1
    assert (tmp_path / "sorted/snare/snare.wav").read_text() == "yours"
    assert (library / "studio/snare.wav").exists()


def test_a_move_compares_bytes_before_it_removes_an_original(library, tmp_path):
    """The same size and time say little: these two were cut by a tool that keeps times."""
    sort_files(pairs_of(library), tmp_path / "sorted")
    text = (tmp_path / "sorted/snare/snare.wav").read_text()
    write(tmp_path / "sorted/snare/snare.wav", text[::-1])
    report = sort_files(pairs_of(library), tmp_path / "sorted", "move")
    ((path, why),) = report.problems.items()
    assert path == str(library / "studio/snare.wav") and why.startswith("differs from ")
    assert (library / "studio/snare.wav").read_text() == text


def test_a_changed_companion_does_not_bring_its_sound_again(library, tmp_path):
    sort_files(pairs_of(library), tmp_path / "sorted")
    write(library / "studio/kick.wav.asd", "a new loop", when=1_600_000_000)
    assert sort_files(pairs_of(library), tmp_path / "sorted").there == 8
    assert sounds_in(tmp_path / "sorted") == SORTED


def test_names_that_are_no_text(tmp_path):
    if sys.platform != "linux":
        pytest.skip("only Linux has such names")
    path = os.path.join(os.fsencode(tmp_path), b"kick\xff\n.wav")
    Path(os.fsdecode(path)).write_text("x")
    before = state(tmp_path)
    for how in ("copy", "link", "move"):
        report = sort_files([(os.fsdecode(path), "kick")], tmp_path / "sorted", how)
        assert report.counts == {"kick": 1}
        undo(tmp_path / "sorted")
        assert state(tmp_path) == before


# -- undo


@HOW
def test_undo_takes_all_back(library, tmp_path, how):
    before = state(tmp_path)
    sort_files(pairs_of(library), tmp_path / "deep/in/sorted", how)
    report = undo(tmp_path / "deep/in/sorted")
    assert report.counts == {"kick": 3, "snare": 1, "unsure": 1, "not a drum": 1}
    assert state(tmp_path) == before


def test_undo_moves_back_into_a_folder_that_was_removed(library, tmp_path):
    before = state(tmp_path)
    sort_files(pairs_of(library), tmp_path / "sorted", "move")
    for folder in ("studio", "garage", "."):
        (library / folder).rmdir()
    undo(tmp_path / "sorted")
    assert state(tmp_path) == before


@pytest.mark.parametrize("how", ["copy", "link"])
def test_what_has_changed_since_is_left_and_named(library, tmp_path, how):
    sort_files(pairs_of(library), tmp_path / "sorted", how)
    edited = tmp_path / "sorted/snare/snare.wav"
    edited.unlink()
    edited.write_text("cut by hand")
    report = undo(tmp_path / "sorted")
    ((path, why),) = report.problems.items()
    assert path == str(edited) and "changed since" in why
    assert sounds_in(tmp_path / "sorted") == ["snare/snare.wav"]
    assert edited.read_text() == "cut by hand" and (tmp_path / "sorted" / UNDO).exists()


def test_what_was_moved_comes_back_with_its_changes(library, tmp_path):
    sort_files(pairs_of(library), tmp_path / "sorted", "move")
    edited = write(tmp_path / "sorted/snare/snare.wav", "cut by hand", when=1_700_000_000)
    changed = edited.stat().st_mtime_ns
    assert not undo(tmp_path / "sorted").problems
    assert (library / "studio/snare.wav").read_text() == "cut by hand"
    assert (library / "studio/snare.wav").stat().st_mtime_ns == changed


def test_a_disk_with_coarse_times_gives_the_exact_ones_back(library, tmp_path):
    before = state(tmp_path)
    sort_files(pairs_of(library), tmp_path / "sorted", "move")
    for path in (tmp_path / "sorted").rglob("*.wav"):
        os.utime(path, (1_500_000_000, 1_500_000_000))
    undo(tmp_path / "sorted")
    assert state(tmp_path) == before


@pytest.mark.parametrize("how", ["copy", "link"])
def test_the_last_copy_is_never_removed(library, tmp_path, how):
    """Whoever deleted the originals after the sort would lose all."""
    sort_files(pairs_of(library), tmp_path / "sorted", how)
    (library / "studio/snare.wav").unlink()
    write(library / "studio/loop.wav", "recorded anew").touch()
    report = undo(tmp_path / "sorted")
    left = ["snare/snare.wav"] + ["unsure/loop.wav"] * (how == "copy")
    assert sounds_in(tmp_path / "sorted") == left
    assert report.problems[str(tmp_path / "sorted/snare/snare.wav")] == (
        "was left: its original is gone"
    )


def test_an_original_that_became_a_link_to_its_copy(library, tmp_path):
    sort_files(pairs_of(library), tmp_path / "sorted")
    (library / "studio/snare.wav").unlink()
    (library / "studio/snare.wav").symlink_to(tmp_path / "sorted/snare/snare.wav")
    assert len(undo(tmp_path / "sorted").problems) == 1
    assert (library / "studio/snare.wav").read_text().endswith("snare.wav")


def test_a_place_that_was_taken_meanwhile(library, tmp_path):
    sort_files(pairs_of(library), tmp_path / "sorted", "move")
    write(library / "studio/snare.wav", "another")
    (tmp_path / "sorted/unsure/loop.wav").unlink()
    report = undo(tmp_path / "sorted")
    told = {Path(path).name: why for path, why in report.problems.items()}
    assert told["snare.wav"] == "was left: it, or its original, has changed since"
    assert told["loop.wav"].startswith("is gone, from ")
    assert told["loop.wav"].endswith("loop.wav too: bring it back, or do without")
    assert len(told) == 2
    assert (library / "studio/snare.wav").read_text() == "another"
    assert sounds_in(tmp_path / "sorted") == ["snare/snare.wav"]


def test_a_folder_with_something_of_yours_stays(library, tmp_path):
    sort_files(pairs_of(library), tmp_path / "sorted")
    write(tmp_path / "sorted/kick/notes.txt")
    assert not undo(tmp_path / "sorted").problems
    assert files_below(tmp_path / "sorted") == ["kick/notes.txt"]


def test_undo_where_there_is_nothing_to_undo(tmp_path):
    with pytest.raises(ValueError, match="holds no undo file"):
        undo(tmp_path)
    with pytest.raises(ValueError, match="there is no such folder or undo file"):
        undo(tmp_path / "nowhere")
    for text in ("path,label\n", "{}\n", "[]\n", '{"how": 3}\n'):
        with pytest.raises(ValueError, match="is no undo file"):
            undo(write(tmp_path / UNDO, text))


@pytest.mark.parametrize(
    "line",
    [
        "nonsense",
        "3",
        "{}",
        '{"from": "relative.wav", "to": "x", "size": 1, "modified": 1}',
        '{"from": "/a.wav", "to": "../x", "size": 1, "modified": 1}',
        '{"from": "/a.wav", "to": "/x", "size": 1, "modified": 1}',
        '{"from": 1, "to": "x", "size": 1, "modified": 1}',
        '{"from": "/a.wav", "to": "x", "size": "big", "modified": 1}',
        '{"folder": "../library"}',
    ],
)
def test_a_damaged_line_is_named_and_the_rest_taken_back(library, tmp_path, line):
    before = state(library)
    sort_files(pairs_of(library), tmp_path / "sorted", "move")
    path = tmp_path / "sorted" / UNDO
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:3], line, *lines[3:], '{"torn off']))
    problems = undo(tmp_path / "sorted").problems
    assert "folder" in line or list(problems) == [f"{path}, line 4"]
    assert state(library) == before


@pytest.mark.parametrize("content", [b"", b"RIFF, and no line ends", b"{}"])
def test_what_is_no_undo_file_stays(tmp_path, content):
    path = tmp_path / "mine.wav"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="mine.wav: is no undo file"):
        undo(path)
    assert path.read_bytes() == content
    path = tmp_path / UNDO
    path.write_bytes(b"mine, and by chance of this name")
    with pytest.raises(ValueError, match="is no undo file"):
        undo(path)
    assert path.exists()


@pytest.mark.parametrize("content", [b"", b'{"drum', b'{"drumlesson sort": "a1", "how"'])
def test_an_undo_file_that_was_torn_at_its_first_line_is_taken_away(tmp_path, content):
    (tmp_path / "sorted").mkdir()
    (tmp_path / "sorted" / UNDO).write_bytes(content)
    assert not undo(tmp_path / "sorted").counts and files_below(tmp_path) == []


@POSIX
def test_nobody_undoes_a_sort_that_runs(library, tmp_path):
    def pairs():
        yield from pairs_of(library)
        yield from ((library / f"none {i}", "kick") for i in range(sorting._BLOCK))
        with pytest.raises(ValueError, match="is in use by another sort or undo"):
            undo(tmp_path / "sorted")

    sort_files(pairs(), tmp_path / "sorted")
    assert sounds_in(tmp_path / "sorted") == SORTED


def test_the_line_comes_before_the_deed(library, tmp_path, monkeypatch):
    """Whatever is done to a file, the undo file on the disk tells of it already."""
    path, told = tmp_path / "sorted" / UNDO, []
    link = os.link

    def linked(source, target, **kwargs):
        lines = path.read_text().splitlines()[1:]
        told.append(
            os.path.relpath(target, path.parent) in [json.loads(x).get("to") for x in lines]
        )
        return link(source, target, **kwargs)

    monkeypatch.setattr(os, "link", linked)
    sort_files(pairs_of(library), tmp_path / "sorted", "move")
    assert told == [True] * 8


# -- killed at any moment


class Killed(BaseException):
    """Stands for the end of a process, after which nobody tidies up."""


class Mortal:
    """Lets a process die before or after the so manieth deed; each `finally` dies with it."""

    DEEDS = ("os.link", "os.unlink", "os.rename", "os.symlink", "os.makedirs", "shutil.copyfile")

    def __init__(self, moment):
        self.left, self.patch = moment, pytest.MonkeyPatch()
        self.survived = False

    def step(self):
        self.left -= 1
        if self.left < 0:
            raise Killed

    def mortal(self, function):
        def deed(*args, **kwargs):
            self.step()
            done = function(*args, **kwargs)
            self.step()
            return done

        return deed

    def __enter__(self):
        for name in self.DEEDS:
            module, name = name.split(".")
            module = getattr(sorting, module)
            self.patch.setattr(module, name, self.mortal(getattr(module, name)))
        return self

    def __exit__(self, kind, *_):
        self.patch.undo()
        self.survived = kind is None
        return kind is Killed


@pytest.mark.parametrize("disk", ["the same disk", "another disk", "no hard links"])
@HOW
def test_killed_before_and_after_each_deed(library, tmp_path, monkeypatch, request, how, disk):
    """Sorted again, it comes to the same as undisturbed; undone twice, all is where it was."""
    place = tmp_path / "place"
    if disk == "another disk":
        place = request.getfixturevalue("other_disk")
    if disk == "no hard links":
        monkeypatch.setattr(sorting, "_can_link", no_links)
    into, before = place / "sorted", state(library)
    sort_files(pairs_of(library), into, how)
    wanted = sounds_in(into)
    undo(into)
    for moment in range(1000):
        with Mortal(moment) as sort:
            sort_files(pairs_of(library), into, how)
        sort_files(pairs_of(library), into, how)
        assert sounds_in(into) == wanted
        with Mortal(moment) as back:
            undo(into)
        if list(into.glob("*.jsonl")):
            assert not undo(into).problems
        assert state(library) == before and state(place) in ({}, {"sorted": "folder"})
        if sort.survived and back.survived:
            break
    assert moment > 20 and sort.survived and back.survived


CODE = """
import sys
from pathlib import Path
from drumlesson.sorting import sort_files, undo
do, library, into, how = sys.argv[1:]
assert "tensorflow" not in sys.modules and "pandas" not in sys.modules
print("ready", flush=True)
if do == "sort":
    sounds = sorted(Path(library).rglob("*.wav"))
    sort_files(((path, path.parent.name) for path in sounds), into, how)
else:
    undo(into)
"""


def killed(do, library, into, how, after):
    """Runs a sort or an undo, killed after so many seconds; whether it had ended by itself."""
    process = subprocess.Popen(
        [sys.executable, "-c", CODE, do, library, into, how], stdout=subprocess.PIPE
    )
    assert process.stdout.readline() == b"ready\n"
    time.sleep(after)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    return process.returncode == 0


@POSIX
@HOW
@pytest.mark.parametrize("across", [False, True], ids=["one disk", "two disks"])
def test_killed_at_any_moment(tmp_path, request, how, across):
    """Every byte where it was: a sort, killed; an undo, killed; an undo."""
    disk = request.getfixturevalue("other_disk") if across else tmp_path
    library, into = tmp_path / "library", disk / "sorted"
    rng = random.Random(how)
    for i in range(300):
        path = library / f"kit {i % 7}" / f"class {i % 5}" / f"{i % 40}.wav"
        write(path, f"{i} " * rng.randrange(3000))
        if i % 3 == 0:
            write(path.with_name(f"{path.name}.asd"))
    before = state(library)
    for _ in range(2):
        killed("sort", library, into, how, rng.uniform(0, 0.06))
        killed("undo", library, into, how, rng.uniform(0, 0.04))
        if rng.random() < 0.5:
            killed("sort", library, into, how, rng.uniform(0, 0.06))
        if list(into.glob("*.jsonl")):
            assert not undo(into).problems
        assert state(library) == before
        assert state(into) == {}  # an empty folder may stay
    killed("sort", library, into, how, 0.04)
    sort_files([(path, path.parent.name) for path in sorted(library.rglob("*.wav"))], into, how)
    assert len(list(into.rglob("*.wav"))) == len([n for n in before if n.endswith(".wav")])
    undo(into)
    assert state(library) == before and state(into) == {}
