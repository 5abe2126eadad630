"""Writing whole or not at all."""

import os
import stat
import subprocess
import sys
import threading
import time

import pytest
from conftest import files_below

from drumlesson.files import (
    _as_line,
    _from_cell,
    _save_or_rescue,
    _to_cell,
    _try_writing,
    atomic,
)

POSIX = pytest.mark.skipif(os.name != "posix", reason="links, modes and pipes of POSIX")
FULL = OSError(28, "No space left on device")


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError], ids=["interrupted", "disk full"])
def test_the_old_file_stays_until_the_new_one_is_whole(tmp_path, error):
    path = tmp_path / "new" / "model.txt"
    with atomic(path) as temporary:
        temporary.write_text("first")
        assert not path.exists() and temporary.parent == path.parent
        assert temporary.suffix == ".txt"
    with pytest.raises(error):
        with atomic(path) as temporary:
            temporary.write_text("half of the sec")
            raise error
    assert path.read_text() == "first" and files_below(tmp_path) == ["new/model.txt"]


def test_a_file_that_cannot_be_put_in_place_leaves_nothing(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError):
        with atomic(tmp_path / "a") as temporary:
            temporary.write_text("whole")
    assert files_below(tmp_path) == []


@pytest.mark.skipif(os.name != "posix", reason="only POSIX has a umask")
def test_the_umask_decides_who_may_read_it_and_is_not_touched(tmp_path, monkeypatch):
    before = os.umask(0o027)
    try:
        with monkeypatch.context() as m:
            m.setattr(os, "umask", None)
            with atomic(tmp_path / "a") as temporary:
                temporary.touch()
        (tmp_path / "plain").touch()
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_two_who_write_at_once_do_not_meet(tmp_path):
    path = tmp_path / "a"
    together = threading.Barrier(4)

    def write(text):
        with atomic(path) as temporary:
            together.wait()
            temporary.write_text(text)

    threads = [threading.Thread(target=write, args=(str(i) * 1000,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    text = path.read_text()
    assert len(text) == 1000 and len(set(text)) == 1 and files_below(tmp_path) == ["a"]


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


@POSIX
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664])
def test_who_could_read_the_old_file_can_read_the_new_one(tmp_path, mode):
    path = tmp_path / "a.csv"
    path.touch()
    path.chmod(mode)
    with atomic(path) as temporary:
        assert mode_of(temporary) == 0o600
        temporary.write_text("new")
    assert (path.read_text(), mode_of(path)) == ("new", mode)


def try_a_byte(path):
    _try_writing(path, 1)


def put_a_byte(path):
    with atomic(path) as temporary:
        temporary.write_bytes(b"x")


@pytest.mark.parametrize("write", [try_a_byte, put_a_byte])
def test_a_write_protected_file_is_left_alone_even_by_root(tmp_path, write):
    path = tmp_path / "a.csv"
    path.write_text("old")
    path.chmod(0o444)
    with pytest.raises(PermissionError, match="write-protected"):
        write(path)
    assert path.read_text() == "old" and files_below(tmp_path) == ["a.csv"]


@POSIX
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can")
def test_root_leaves_a_file_to_its_owner(tmp_path):
    path = tmp_path / "a.csv"
    path.touch()
    os.chown(path, 4321, 1234)
    with atomic(path) as temporary:
        temporary.write_text("new")
    assert (path.stat().st_uid, path.stat().st_gid) == (4321, 1234)


@POSIX
@pytest.mark.parametrize("there", [True, False])
def test_a_link_stays_and_what_it_points_to_is_written(tmp_path, there):
    (tmp_path / "far").mkdir()
    target, link = tmp_path / "far" / "a.csv", tmp_path / "link.csv"
    if there:
        target.write_text("old")
    link.symlink_to(target)
    with atomic(link) as temporary:
        temporary.write_text("new")
    assert link.is_symlink() and target.read_text() == "new"
    assert files_below(tmp_path) == ["far/a.csv", "link.csv"]


@POSIX
def test_a_pipe_is_written_into(tmp_path):
    pipe, read = tmp_path / "pipe.csv", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    with atomic(pipe) as temporary:
        temporary.write_text("whole")
    reader.join()
    assert read == ["whole"] and stat.S_ISFIFO(pipe.stat().st_mode)
    _try_writing(pipe, 10)  # would wait for a reader


@POSIX
def test_a_device_is_written_into():
    with atomic(os.devnull) as temporary:
        temporary.write_text("nobody reads this")
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


def test_what_killed_processes_left_is_removed_once_it_is_old(tmp_path):
    old, young = ".drumlesson-0123456789abcdef.csv", ".drumlesson-fedcba9876543210"
    others = [".drumlesson-notes", ".0123456789abcdef.csv"]
    for name in (old, young, *others):
        (tmp_path / name).touch()
        if name != young:
            os.utime(tmp_path / name, times=(0, time.time() - 3700))
    with atomic(tmp_path / "a.csv") as temporary:
        temporary.touch()
    assert files_below(tmp_path) == sorted([young, *others, "a.csv"])


WRITES = """
import sys
from drumlesson.files import atomic
print("ready", flush=True)
for number in range(100_000):
    with atomic(sys.argv[1]) as temporary, temporary.open("wb") as file:
        for _ in range(100):
            file.write(bytes([number % 256]) * 1000)
"""


@pytest.mark.parametrize("moment", [0.003, 0.011, 0.02, 0.05])
def test_a_killed_process_leaves_nothing_half_written(tmp_path, moment):
    path = tmp_path / "a.bin"
    command = [sys.executable, "-c", WRITES, path]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline().strip() == b"ready"
        time.sleep(moment)
        process.kill()
    content = path.read_bytes() if path.exists() else b""
    assert len(set(content)) <= 1 and len(content) in (0, 100_000)
    assert all(name == "a.bin" or name[:12] == ".drumlesson-" for name in files_below(tmp_path))


def test_home_may_be_written_short(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    with atomic("~/a.txt") as temporary:
        temporary.touch()
    assert files_below(tmp_path) == ["a.txt"]


def test_a_folder_that_another_takes_away_is_made_again(tmp_path, monkeypatch):
    """As where two commands with outputs in one new folder try it at the same time."""
    target, opened = tmp_path / "new" / "a.txt", os.open

    def taken_away(path, *rest, **more):
        if str(path).startswith(str(target.parent)) and not taken:
            taken.append(path)
            target.parent.rmdir()
        return opened(path, *rest, **more)

    taken = []
    monkeypatch.setattr(os, "open", taken_away)
    with atomic(target) as temporary:
        temporary.write_text("whole")
    assert taken and target.read_text() == "whole"


# -- a full disk


def test_room_is_tried_and_nothing_is_left(tmp_path, monkeypatch):
    _try_writing(tmp_path / "new" / "er" / "a.keras", 1000)
    assert not list(tmp_path.iterdir())

    def full(_):
        raise FULL

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        _try_writing(tmp_path / "new" / "a.keras", 1000)
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_saved_here_is_saved_elsewhere(tmp_path):
    for name in ("here", "full", "free"):
        (tmp_path / name).mkdir()

    def save(path):
        if "free" not in str(path):
            raise FULL
        path.write_text("a model")

    elsewhere = [tmp_path / "full", tmp_path / "free"]
    with pytest.raises(OSError, match=r"here.a.keras: cannot be written .*saved as .*a\.keras"):
        _save_or_rescue(save, tmp_path / "here" / "a.keras", elsewhere)
    (rescued,) = files_below(tmp_path)
    assert rescued.startswith("free/drumlesson-") and rescued.endswith("/a.keras")
    with pytest.raises(OSError, match="No space left"):
        _save_or_rescue(save, tmp_path / "here" / "a.keras", elsewhere[:1])
    assert [path.name for path in (tmp_path / "full").iterdir()] == []


# -- names


@pytest.mark.parametrize(
    "name, shown",
    [
        ("snaré 🥁\u3000一.wav", "snaré 🥁\u3000一.wav"),
        ("a\nb\r\t\0.wav", r"a\nb\r\t\x00.wav"),
        ("\x1b[31mred\x9b0m\x7f", r"\x1b[31mred\x9b0m\x7f"),
        ("a\u2028b\u202egpj.wav", r"a\u2028b\u202egpj.wav"),
        (os.fsdecode(b"caf\xe9"), r"caf\udce9"),
    ],
    ids=ascii,
)
def test_names_on_one_line(name, shown):
    assert _as_line(name) == shown and len(shown.splitlines()) == 1


MARKED = ["=1+1", "+1", "-1", "@a", "\t=", "\r", "'=1", "''@a", " a", "' a"]


@pytest.mark.parametrize("name", MARKED, ids=ascii)
def test_a_cell_is_no_formula_and_is_read_back(name):
    assert _to_cell(name) == "'" + name and _from_cell(_to_cell(name)) == name


@pytest.mark.parametrize("name", ["kick.wav", "'kick'.wav", "a=b", "", "'", "my drums/-1.wav"])
def test_other_cells_stay_as_they_are(name):
    assert _to_cell(name) == name == _from_cell(name)


def test_what_is_in_the_way_of_a_file(tmp_path):
    (tmp_path / "folder.txt").mkdir()
    (tmp_path / "file").write_text("stays")
    for path, told in {
        tmp_path / "folder.txt": "it is a folder",
        tmp_path / "file" / "a.txt": "a file stands where its folder should be",
        tmp_path / "file" / "b" / "a.txt": "a file stands where its folder should be",
    }.items():
        with pytest.raises(OSError, match=told), atomic(path) as temporary:
            temporary.write_text("never")
        with pytest.raises(OSError, match=told):
            _try_writing(path, 10)
    assert files_below(tmp_path) == ["file"]
    assert (tmp_path / "file").read_text() == "stays"
