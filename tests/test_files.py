"""Writing whole or not at all."""

import os
import threading

import pytest
from conftest import files_below

from drumlesson.files import atomic


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
