"""Where recorded drums come from: a host that fails, anybody's folder, a table with mistakes."""

import gzip
import hashlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
import tracemalloc
from collections import Counter
from contextlib import contextmanager
from email.utils import formatdate
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote, unquote

import numpy as np
import pandas as pd
import pytest
import requests
from conftest import files_below, noise_hit, write_sound
from hypothesis import given, settings
from hypothesis import strategies as st

from drumlesson import datasets, grooves
from drumlesson.audio import AudioInfo, load_hits
from drumlesson.cli import main
from drumlesson.datasets import (
    TABLE_COLUMNS,
    cache_dir,
    fetch_open,
    licences,
    read_csv,
    read_folder,
    read_open,
)
from drumlesson.drums import load_drums
from drumlesson.folders import SourceError
from drumlesson.labels import LABELS

KEYS = [
    ("some/pack", "c0ffee", "kicks/Kick 1 @STUDIO.wav", "kick"),
    ("some/pack", "c0ffee", "kicks/Kick 2.wav", "kick"),
    ("some/pack", "c0ffee", "snares/Snare #1 (100%).flac", "snare"),
    ("other/pack", "decade", "hh/ché.wav", "hihat"),
    ("other/pack", "decade", "tom+ride/ride&bell.wav", "cymbal"),
]


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


# -- a host with five files


@pytest.fixture
def pack(tmp_path, monkeypatch):
    """A folder laid out like the public host, and a manifest that describes it."""
    root = tmp_path / "pack"
    table = pd.DataFrame(KEYS, columns=["repo", "commit", "path", "label"])
    table["key"] = table.repo + "/" + table.commit + "/" + table.path
    table["url"] = "https://example.org/" + table.key.map(quote)
    for i, key in enumerate(table.key):
        write_sound(root / key, noise_hit(random_state=i))
    table["sha256"] = [sha256(root / key) for key in table.key]
    table["bytes"] = [str((root / key).stat().st_size) for key in table.key]
    table["articulation"] = table.label
    table["kit"] = table.repo
    table["kind"] = "acoustic"
    table["licence"] = "CC0-1.0"
    monkeypatch.setattr(datasets, "manifest", lambda: table)
    return root


ANSWERS = {  # what a host may send instead of a file
    "rightly": lambda content: content,
    "half": lambda content: content[: len(content) // 2],
    "other": lambda content: content[::-1],
    "nothing": lambda content: b"",
}


def hung_up(request, client_address):
    """What a server says of a client that hangs up early: nothing."""


class Host:
    """A web server on this computer.

    `answers` says how it answers for single files instead of rightly: one of `ANSWERS`, the
    number of an error, or a function that is given the handler and the right content; `always`
    says it for all files.
    """

    def __init__(self, root):
        self.asked = Counter()
        self.answers = {}
        self.always = "rightly"
        self.stopped = threading.Event()  # ends the answers that have no end
        host = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                key = unquote(self.path.lstrip("/"))
                host.asked[key] += 1
                how = host.answers.get(key, host.always)
                if isinstance(how, int):
                    self.send_error(how)
                    return
                content = (root / key).read_bytes() if (root / key).is_file() else b""
                self.close_connection = True
                if callable(how):
                    how(self, content)
                    return
                self.head({"Content-Length": len(content)})
                self.wfile.write(ANSWERS[how](content))

            def head(self, headers, status=200):
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, str(value))
                self.end_headers()

            def page(self, status=200):
                text = b"<html><form>Your room number, please: <input></form></html>"
                self.head({"Content-Type": "text/html", "Content-Length": len(text)}, status)
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.host = self
        self.server.handle_error = hung_up
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        serve = self.server.serve_forever
        threading.Thread(target=serve, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def stop(self):
        self.stopped.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def host(pack, cache, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    host = Host(pack)
    monkeypatch.setenv("DRUMLESSON_MIRROR", host.url)
    yield host
    host.stop()


def key_of(i):
    return "/".join(KEYS[i][:3])


def test_files_are_fetched_once(host, pack, cache):
    assert fetch_open() == {}
    assert files_below(cache / "files") == files_below(pack)
    for key in files_below(pack):
        assert sha256(cache / "files" / key) == sha256(pack / key)
    assert fetch_open() == {}
    assert set(host.asked.values()) == {1}


def test_a_mirror_may_end_in_a_slash(host, monkeypatch):
    monkeypatch.setenv("DRUMLESSON_MIRROR", host.url + "/")
    assert fetch_open() == {}


def test_names_with_spaces_and_signs_arrive(host):
    waves, table, problems = read_open()
    assert problems == {}
    assert list(table["file"]) == [key_of(i) for i in range(5)]
    for i, x in enumerate(waves):
        assert x == pytest.approx(noise_hit(random_state=i), abs=1e-4)


@pytest.mark.parametrize(
    "answer, said",
    [
        ("other", "checksum does not match"),
        ("half", "download failed"),
        ("nothing", "download failed"),
        (404, "answered 404"),
        (500, "answered 500"),
    ],
)
def test_a_file_that_fails_is_named_and_left_out(host, cache, answer, said):
    host.answers[key_of(0)] = answer
    waves, table, problems = read_open()
    assert list(problems) == [key_of(0)] and said in problems[key_of(0)]
    assert len(waves) == 4 and key_of(0) not in set(table["file"])
    assert files_below(cache / "files") == sorted(key_of(i) for i in range(1, 5))


def test_what_failed_is_fetched_the_next_time_and_nothing_else(host):
    host.answers[key_of(1)] = "half"
    assert list(fetch_open()) == [key_of(1)]
    host.answers.clear()
    waves, _, problems = read_open()
    assert len(waves) == 5 and problems == {}
    assert host.asked == {key_of(i): 1 + (i == 1) for i in range(5)}


def test_decoded_sounds_are_kept_only_when_all_are_there(host, cache):
    host.answers[key_of(2)] = 404
    read_open()
    assert not [f for f in files_below(cache) if f.endswith(".npz")]
    host.answers.clear()
    assert len(read_open()[0]) == 5
    assert len([f for f in files_below(cache) if f.endswith(".npz")]) == 1


@pytest.mark.parametrize(
    "spoil",
    [lambda content: content[:-1], lambda content: content[::-1], lambda content: b""],
    ids=["short", "other bytes", "empty"],
)
def test_a_file_that_was_damaged_in_the_cache_is_fetched_again(host, cache, spoil):
    fetch_open()
    file = cache / "files" / key_of(0)
    file.write_bytes(spoil(file.read_bytes()))
    assert fetch_open(verify=True) == {}
    assert host.asked[key_of(0)] == 2
    waves, table, problems = read_open()
    assert len(waves) == 5 and problems == {} and sha256(file) == datasets.manifest().sha256[0]


def test_a_damaged_file_in_the_cache_is_never_used(host, cache):
    fetch_open()
    file = cache / "files" / key_of(0)
    file.write_bytes(file.read_bytes()[:200] + file.read_bytes()[200:][::-1])
    host.answers[key_of(0)] = 404
    _, table, problems = read_open()
    assert list(problems) == [key_of(0)] and key_of(0) not in set(table["file"])


def test_the_second_time_needs_no_host(host):
    first = read_open()
    host.stop()
    second = read_open()
    assert all(np.array_equal(a, b) for a, b in zip(first[0], second[0], strict=True))
    pd.testing.assert_frame_equal(first[1], second[1])


@pytest.mark.parametrize(
    "damage",
    [
        lambda b: b[: len(b) // 2],
        lambda b: b[::-1],
        lambda b: b"",
        lambda b: b"PK\x05\x06" + bytes(18),
        lambda b: b.replace(b"row.npy", b"new.npy"),
    ],
    ids=["short", "backwards", "empty", "no members", "member missing"],
)
def test_a_damaged_decoded_cache_is_built_again(host, cache, damage):
    read_open()
    (file,) = cache.glob("*.npz")
    file.write_bytes(damage(file.read_bytes()))
    host.asked.clear()
    waves, _, problems = read_open()
    assert len(waves) == 5 and problems == {} and not host.asked
    assert len(datasets._load_saved(file)) == 5


@pytest.fixture(scope="session")
def saved(tmp_path_factory):
    """A decoded cache, as bytes, and where to put damaged copies of it."""
    file = tmp_path_factory.mktemp("saved") / "saved.npz"
    datasets._save_hits(file, {i: (np.full(5, i, np.float32), AudioInfo()) for i in range(3)})
    return file, file.read_bytes()


@given(data=st.data())
def test_a_damaged_decoded_cache_is_never_read_wrongly(saved, data):
    file, content = saved[0], bytearray(saved[1])
    for at in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=8)):
        content[at] ^= data.draw(st.integers(1, 255))
    file.write_bytes(content)
    hits = datasets._load_saved(file)
    assert hits is None or all(set(x) == {i} for i, (x, _) in hits.items())


def test_a_host_that_cannot_be_reached_is_given_up(pack, cache, monkeypatch):
    many = pd.concat([datasets.manifest()] * 20, ignore_index=True)
    many["key"] = [f"{i}/{key}" for i, key in enumerate(many.key)]
    monkeypatch.setattr(datasets, "manifest", lambda: many)
    monkeypatch.setenv("DRUMLESSON_MIRROR", "http://127.0.0.1:1")
    problems = fetch_open()
    assert len(problems) == 100 and problems.keys() == set(many.key)
    assert sum("not tried" in why for why in problems.values()) >= 80
    assert files_below(cache) == []
    with pytest.raises(SourceError, match=r"drumlesson kits.*DRUMLESSON_MIRROR"):
        read_open()


# -- a host that nobody should trust


def endless(handler, content):
    handler.head({})
    while handler.wfile.write(bytes(65536)):
        pass


def silent(handler, content):
    handler.server.host.stopped.wait(30)


def silent_later(handler, content):
    handler.head({"Content-Length": len(content)})
    handler.wfile.write(content[:100])
    silent(handler, content)


def drip(handler, content):
    handler.head({"Content-Length": len(content)})
    while not handler.server.host.stopped.wait(0.05):
        handler.wfile.write(b"x")


def drip_of_a_head(handler, content):
    while not handler.server.host.stopped.wait(0.05):
        handler.wfile.write(b"H")


BOMB = gzip.compress(bytes(20_000_000))


def bomb(handler, content):
    handler.head({"Content-Encoding": "gzip"})
    handler.wfile.write(BOMB)


def packed(handler, content):
    handler.head({"Content-Encoding": "gzip"})
    handler.wfile.write(gzip.compress(content))


def unmeasured(handler, content):
    handler.head({})
    handler.wfile.write(content)


def too_long(handler, content):
    handler.head({"Content-Length": 10**12})
    silent(handler, content)


def portal(handler, content):
    handler.page()


def portal_elsewhere(handler, content):
    login = f"http://localhost:{handler.server.server_port}/login"
    handler.head({"Location": login, "Content-Length": 0}, 302)


def circle(handler, content):
    handler.head({"Location": handler.path, "Content-Length": 0}, 302)


def reset(handler, content):
    handler.head({"Content-Length": len(content)})
    handler.connection.close()


@pytest.fixture
def hasty(monkeypatch):
    """Pauses that a test can wait for."""
    monkeypatch.setattr(datasets, "_PAUSES", (0.02, 0.02, 0.02))
    monkeypatch.setenv("no_proxy", "127.0.0.1,localhost")


def shorten_the_deadline(answer, monkeypatch):
    """Where an answer never ends, a file may take half a second."""
    if answer in (silent, silent_later, drip, drip_of_a_head):
        monkeypatch.setattr(datasets, "_DEADLINE", 0.5)
        monkeypatch.setattr(datasets, "_SLOWEST", 10**6)


@pytest.mark.parametrize(
    "answer, said",
    [
        (endless, "its size does not match"),
        (bomb, "its size does not match"),
        (too_long, "its size does not match"),
        (silent, "taken too long"),
        (silent_later, "taken too long"),
        (drip, "taken too long"),
        (drip_of_a_head, "taken too long"),
        (portal, "a web page (a login page?) instead of the file"),
        (511, "a web page (a login page?) instead of the file"),
        (portal_elsewhere, "a web page (a login page?) instead of the file"),
        (circle, "round in circles"),
        (reset, "download failed"),
        (429, "answered 429: it is busy"),
        (503, "answered 503: it is busy"),
    ],
)
def test_every_answer_has_an_end_and_a_name(host, hasty, cache, monkeypatch, answer, said):
    shorten_the_deadline(answer, monkeypatch)
    host.answers |= {key_of(0): answer, "login": portal}
    start = time.monotonic()
    problems = fetch_open()
    assert time.monotonic() - start < 5
    assert list(problems) == [key_of(0)] and said in problems[key_of(0)]
    assert "checksum" not in problems[key_of(0)]
    assert files_below(cache) == sorted(f"files/{key_of(i)}" for i in range(1, 5))


@pytest.mark.parametrize("answer", [packed, unmeasured])
def test_a_file_may_come_packed_or_without_its_length(host, answer):
    host.always = answer
    assert fetch_open() == {}


def test_a_wrong_certificate_may_be_a_login_page(host, monkeypatch):
    def refuse(*_, **__):
        raise requests.exceptions.SSLError("certificate verify failed")

    monkeypatch.setattr(requests.Session, "get", refuse)
    assert all("certificate" in why for why in fetch_open().values())


@pytest.fixture
def many(host, pack, monkeypatch):
    """The same host with a hundred files."""
    for i in range(100):
        (pack / str(i)).symlink_to(pack)
    table = pd.concat([datasets.manifest()] * 20, ignore_index=True)
    table["key"] = [f"{i}/{key}" for i, key in enumerate(table.key)]
    monkeypatch.setattr(datasets, "manifest", lambda: table)
    return host


@pytest.mark.parametrize("answer", [429, 503, portal, silent, circle])
def test_a_host_that_fails_is_given_up_in_one_line(many, hasty, monkeypatch, answer):
    shorten_the_deadline(answer, monkeypatch)
    many.always = answer
    problems = fetch_open()
    assert len(problems) == 100 and list(datasets._summed_up(problems)) == ["100 files"]
    assert sum(why.startswith("not tried further: ") for why in problems.values()) >= 80


def test_a_full_disk_is_one_line_and_ends_the_downloads(many, cache, monkeypatch):
    @contextmanager
    def full(path):
        raise OSError(28, "No space left on device")
        yield

    monkeypatch.setattr(datasets, "atomic", full)
    (why,) = datasets._summed_up(fetch_open()).values()
    assert why == f"cannot be kept in the cache {cache} (No space left on device)"
    assert sum(many.asked.values()) <= 16


def test_a_busy_host_is_asked_a_few_times_by_all_together(many, hasty):
    many.always = 429
    fetch_open()
    assert sum(many.asked.values()) <= 5 * 8


@pytest.mark.parametrize("when", ["seconds", "a date"])
def test_a_pause_that_is_asked_for_is_kept_by_all(host, hasty, when):
    asked = []

    def busy_at_first(handler, content):
        asked.append(time.monotonic())
        if len(asked) > 1:
            handler.head({"Content-Length": len(content)})
            handler.wfile.write(content)
            return
        then = "1" if when == "seconds" else formatdate(time.time() + 2, usegmt=True)
        handler.head({"Retry-After": then, "Content-Length": 0}, 429)

    host.always = busy_at_first
    assert fetch_open() == {}
    later = [moment - asked[0] for moment in asked[1:]]
    assert sum(moment < 0.9 for moment in later) <= 4  # those that were under way


def test_a_host_that_asks_for_an_hour_is_not_waited_for(many):
    def busy(handler, content):
        handler.head({"Retry-After": "3600", "Content-Length": 0}, 503)

    many.always = busy
    start = time.monotonic()
    assert len(fetch_open()) == 100
    assert time.monotonic() - start < 5 and sum(many.asked.values()) <= 10


@pytest.mark.parametrize("value", ["", "soon", "-5", "Fri, 31 Feb 2026 00:00:00"])
def test_a_pause_that_says_nothing_is_our_own(host, hasty, value):
    def busy_at_first(handler, content):
        if host.asked[key_of(0)] > 1:
            handler.head({"Content-Length": len(content)})
            handler.wfile.write(content)
        else:
            handler.head({"Retry-After": value, "Content-Length": 0}, 503)

    host.answers[key_of(0)] = busy_at_first
    assert fetch_open() == {} and host.asked[key_of(0)] == 2


@pytest.mark.skipif(os.name != "posix", reason="a signal for one thread")
@pytest.mark.parametrize("answer", [silent, drip, drip_of_a_head, endless, 503])
def test_one_interrupt_ends_it_and_leaves_nothing(many, cache, answer):
    presses = [signal.SIGINT]

    def interrupt(handler, content):
        if presses:
            signal.pthread_kill(threading.main_thread().ident, presses.pop())
        if answer == 503:
            handler.send_error(503)
        else:
            answer(handler, content)

    many.always = interrupt
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        fetch_open()
    assert time.monotonic() - start < 3
    assert files_below(cache) == []
    time.sleep(0.2)
    assert sum(many.asked.values()) <= 16  # those under way, and none of the rest


FETCH = """
import sys
import pandas as pd
from drumlesson import datasets, grooves
table = pd.read_csv(sys.argv[1], dtype=str)
datasets.manifest = lambda: table
datasets.read_open()
"""


def test_a_kill_leaves_nothing_half_written(host, pack, cache, tmp_path):
    datasets.manifest().to_csv(tmp_path / "manifest.csv", index=False)
    for n in (1, 3):
        reached = threading.Event()

        def slow(handler, content, n=n, reached=reached):
            if len(host.asked) > n:
                reached.set()
                silent(handler, content)
            unmeasured(handler, content)

        host.always = slow
        process = subprocess.Popen([sys.executable, "-c", FETCH, str(tmp_path / "manifest.csv")])
        assert reached.wait(60)
        process.kill()
        process.wait()
        for key in files_below(cache / "files"):
            # A kill between writing and renaming leaves a file under a name of its own.
            if not Path(key).name.startswith(".drumlesson-"):
                assert sha256(cache / "files" / key) == sha256(pack / key)
    host.always = "rightly"
    assert len(read_open()[0]) == 5


def test_what_killed_processes_left_goes_at_the_next_start(host, cache):
    fetch_open()
    names = [
        f".drumlesson-{'0' * 16}.npz",
        f"files/some/pack/c0ffee/kicks/.drumlesson-{'1' * 16}.wav",
    ]
    for name in names:
        (cache / name).touch()
        os.utime(cache / name, (0, 0))
    lately = cache / f".drumlesson-{'2' * 16}.npz"
    lately.touch()
    fetch_open()
    assert not [name for name in names if (cache / name).exists()] and lately.exists()


# -- what `kits` says of it


@pytest.mark.parametrize(
    "answer, said",
    [
        (portal, "the network answered with a web page (a login page?) instead of the file"),
        (503, "the host answered 503: it is busy, try again later"),
        (404, "the host answered 404"),
    ],
)
def test_kits_names_what_a_network_does_and_does_not_send_round_in_circles(
    host, hasty, capsys, answer, said
):
    host.always = answer
    assert main(["kits"]) == 2
    out, err = capsys.readouterr()
    assert err.startswith(f"drumlesson: no open kits: {said}; ") and out == ""
    assert len(err.splitlines()) == 1 and "drumlesson kits" not in err


def test_kits_names_a_host_that_was_given_up_on_the_way_in_one_line(
    host, hasty, monkeypatch, capsys
):
    monkeypatch.setattr(datasets, "_AT_ONCE", 1)
    host.answers |= {key_of(i): 429 for i in range(1, 5)}
    assert main(["kits", "--quiet"]) == 1
    out, err = capsys.readouterr()
    assert out == "at hand: 1 hit of 1 open kit\n"
    assert err == "drumlesson: 4 files: the host answered 429: it is busy, try again later\n"


@pytest.mark.parametrize("below", ["", "below"])
def test_kits_without_a_cache_says_so_once_and_serves_what_there_is(
    pack, cache, monkeypatch, capsys, below
):
    cache.write_text("a file stands where the folder should be")
    monkeypatch.setenv("DRUMLESSON_CACHE", str(cache / below))
    monkeypatch.setenv("DRUMLESSON_MIRROR", str(pack))
    assert main(["kits", "--quiet"]) == 0
    out, err = capsys.readouterr()
    assert out == "at hand: 5 hits of 2 open kits\n"
    assert err.startswith(f"drumlesson: nothing can be kept in the cache {cache / below} (")
    assert "set DRUMLESSON_CACHE to" in err and len(err.splitlines()) == 1


@pytest.mark.skipif(os.name != "posix", reason="a signal for another process")
def test_one_press_ends_kits_within_two_seconds(host, cache):
    reached = threading.Event()

    def quiet(handler, content):
        reached.set()
        silent(handler, content)

    host.always = quiet
    command = [sys.executable, "-m", "drumlesson.cli", "kits"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert reached.wait(60)
        start = time.monotonic()
        process.send_signal(signal.SIGINT)
        err = process.stderr.read()
        assert process.wait() == 130 and time.monotonic() - start < 2
    assert err == "drumlesson: interrupted; nothing was left half written\n"
    assert files_below(cache) == []


# -- a mirror and a cache that are none


@pytest.mark.parametrize(
    "value",
    [
        "off",
        "/no/such/folder",
        "ftp://127.0.0.1/",
        "what?",
        "~nosuchuser/drums",
        "http://",
        "http://[::1",
        "https://no host.invalid/",
        "http://127.0.0.1:99999",
    ],
)
def test_a_mirror_that_is_none(pack, cache, monkeypatch, value):
    monkeypatch.setenv("DRUMLESSON_MIRROR", value)
    with pytest.raises(SourceError, match="no open kit is at hand") as e:
        read_open()
    assert "checksum" not in str(e.value)
    assert "DRUMLESSON_MIRROR" in str(e.value)
    if value != "off" and not value.startswith("http"):
        assert value in str(e.value)


def test_kits_in_the_cache_serve_when_the_mirror_is_off(host, cache, monkeypatch):
    fetch_open()
    monkeypatch.setenv("DRUMLESSON_MIRROR", "off")
    assert len(read_open()[0]) == 5


def test_a_folder_as_mirror(pack, cache, monkeypatch):
    monkeypatch.setenv("DRUMLESSON_MIRROR", str(pack))
    before = files_below(pack)
    waves, table, problems = read_open()
    assert len(waves) == 5 and problems == {} and list(table.columns) == list(TABLE_COLUMNS)
    assert set(table["licence"]) == {"CC0-1.0"} and set(table["source"]) == {"recorded"}
    assert files_below(pack) == before and not (cache / "files").exists()


@pytest.mark.parametrize(
    "content, said",
    [
        (None, "not in the mirror"),
        (b"", "checksum"),
        (b"no sound", "checksum"),
        ("same length", "checksum"),
    ],
)
def test_a_folder_as_mirror_with_one_bad_file(pack, cache, monkeypatch, content, said):
    monkeypatch.setenv("DRUMLESSON_MIRROR", str(pack))
    file = pack / key_of(3)
    if content is None:
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[::-1] if content == "same length" else content)
    waves, table, problems = read_open()
    assert list(problems) == [key_of(3)] and said in problems[key_of(3)]
    assert len(waves) == 4


def test_what_matches_its_checksum_and_is_no_sound(pack, cache, monkeypatch):
    monkeypatch.setenv("DRUMLESSON_MIRROR", str(pack))
    file, table = pack / key_of(0), datasets.manifest()
    file.write_bytes(b"no sound")
    table.loc[0, ["sha256", "bytes"]] = [sha256(file), "8"]
    waves, _, problems = read_open()
    assert len(waves) == 4 and "cannot be read as sound" in problems[key_of(0)]


def test_kits_are_read_where_nothing_can_be_cached(pack, cache, monkeypatch):
    """A cache that cannot be written to costs time, not drums."""
    cache.write_text("a file stands where the folder should be")
    monkeypatch.setenv("DRUMLESSON_MIRROR", str(pack))
    assert len(read_open()[0]) == 5


def test_a_host_but_no_cache_to_put_files_in(host, cache):
    cache.write_text("a file stands where the folder should be")
    with pytest.raises(SourceError, match=r"it is a file\): set DRUMLESSON_CACHE"):
        read_open()
    assert not host.asked


def test_where_the_cache_is(monkeypatch, tmp_path):
    monkeypatch.setenv("DRUMLESSON_CACHE", str(tmp_path))
    assert cache_dir() == tmp_path and datasets._cache_fault() == ""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("DRUMLESSON_CACHE", "~/x")
    monkeypatch.setenv("DRUMLESSON_MIRROR", "~/kits")
    assert cache_dir() == tmp_path / "x" and datasets.mirror() == str(tmp_path / "kits")
    monkeypatch.delenv("DRUMLESSON_CACHE")
    assert "drumlesson" in str(cache_dir())


def test_lessons_fall_back_on_synthesised_drums(pack, cache, capsys):
    drums = load_drums(n_kits=2, hits=1)
    assert set(drums.table["source"]) == {"synth"}
    assert capsys.readouterr().out == "10 synthesised hits of 2 kits\n"


def test_lessons_take_recorded_drums_where_they_are(pack, cache, monkeypatch, capsys):
    monkeypatch.setenv("DRUMLESSON_MIRROR", str(pack))
    (pack / key_of(3)).unlink()
    assert set(load_drums().table["source"]) == {"recorded"}
    assert capsys.readouterr().out == "4 recorded hits of 2 kits; 1 file could not be used\n"


def test_the_open_kits(open_kits):
    waves, table, problems = open_kits
    left_out = (datasets.audit_decisions()["decision"] == "left out").sum()
    assert problems == {} and len(waves) == len(table) == len(datasets.manifest()) - left_out
    assert set(LABELS) < set(table["label"]) and (table["licence"] != "").all()
    assert all(x.dtype == np.float32 and x.ndim == 1 and len(x) for x in waves)


def test_every_file_of_the_open_kits_decodes(open_kits):
    """Decoded now, not read from the cache: eleven have no suffix, thirteen are short MP3s."""
    rows = {datasets._local_path(row): row for row in datasets.manifest().itertuples()}
    hits, failed = load_hits(rows)
    assert failed == {} and len(hits) == len(rows) == 1423
    assert all(len(x) and np.isfinite(x).all() for x, _ in hits.values())
    kinds = Counter((rows[path].kit, path.suffix) for path in hits)
    assert [key for key in kinds if not key[1]] == [("TamTam_drum1", "")]
    assert kinds["TamTam_drum1", ""] == 11 and kinds["Philharmonia_perc", ".mp3"] == 13


# -- the audit of labels


def test_the_audit_names_files_of_the_manifest_and_changes_few():
    decisions = datasets.audit_decisions()
    facts = datasets.manifest().set_index("sha256").loc[decisions["sha256"]].reset_index()
    for column in ("kit", "path", "label"):
        assert (facts[column] == decisions[column]).all()
    assert set(decisions["decision"]) <= {"kept", "relabelled", "left out"}
    assert ((decisions["new_label"] != "") == (decisions["decision"] == "relabelled")).all()
    assert (decisions["reason"].str.len() > 20).all() and decisions["sha256"].is_unique
    # Five models, each against the label; or a sister of one of these.
    for row in decisions.itertuples():
        heard = row.heard.split()
        assert row.label not in heard and len(heard) in (0, 5)
    assert (decisions["decision"] != "kept").sum() / len(datasets.manifest()) < 0.01


def test_a_decision_is_applied_by_checksum(monkeypatch):
    facts = datasets.manifest().head(3)
    first, second, third = facts["sha256"]
    decided = pd.DataFrame(
        {
            "sha256": [first, second, "of no file here"],
            "decision": ["relabelled", "left out", "left out"],
            "new_label": ["tom", "", ""],
        }
    )
    monkeypatch.setattr(datasets, "audit_decisions", lambda: decided)
    audited = datasets._audited(facts)
    assert audited["sha256"].tolist() == [first, third]
    assert audited["label"].tolist() == ["tom", facts["label"].iloc[2]]


def test_the_open_kits_as_published_hold_what_the_audit_left_out(open_kits):
    waves, table, problems = datasets.read_open(audited=False)
    assert len(waves) == len(table) == len(datasets.manifest())
    added = set(table["file"]) - set(open_kits[1]["file"])
    assert {Path(file).name for file in added} == {"hatbeep.wav", "kickbeep.wav", "snarebeep.wav"}


# -- licences

DOUBT = "informal|unverified|not stated|not repeated|no licence file|terms differ"
KNOWN = "CC0|CC-BY|MIT|BSD|ISC|Apache|GPL|Unlicense"
INFORMAL = '"Public Domain" (sampled.json; upstream unverified)'


def test_every_licence_text_was_judged_and_no_other():
    decided = datasets._decisions()
    assert decided.index.is_unique and set(decided.index) == set(datasets.manifest()["licence"])
    assert set(decided["standing"]) == {"open", "informal"}
    assert decided["reason"].str.len().min() > 10
    assert decided.loc[decided["standing"] == "open", "terms"].str.startswith("https://").all()


@pytest.mark.parametrize("text", sorted(datasets._decisions().index))
def test_a_text_is_open_where_it_names_a_licence_and_no_doubt(text):
    names_a_licence = re.search(KNOWN, text) is not None
    is_open = names_a_licence and not re.search(DOUBT, text)
    assert datasets._decisions()["standing"][text] == ("open" if is_open else "informal")


def test_licences_are_counted_open_ones_first():
    rows = [("a", "MIT (README)"), ("a", "MIT (README)"), ("b", "MIT (README)")]
    rows += [("c", "Unlicense"), ("d", INFORMAL), ("d", INFORMAL), ("e", "ask my brother")]
    found = licences(pd.DataFrame(rows, columns=["kit", "licence"]))
    assert list(found.index) == ["MIT (README)", "Unlicense", INFORMAL, "ask my brother"]
    assert list(found["kits"]) == [2, 1, 1, 1] and list(found["files"]) == [3, 1, 2, 1]
    assert list(found["standing"]) == ["open", "open", "informal", "informal"]
    assert "nobody has judged" in found["reason"]["ask my brother"]


@pytest.fixture
def mixed(pack):
    """The same pack, of which one file of the second kit is under an informal licence."""
    datasets.manifest().loc[4, "licence"] = INFORMAL
    return pack


def test_only_kits_whose_files_are_all_open(mixed, host):
    waves, table, problems = read_open("open")
    assert problems == {} and set(table["kit"]) == {"some/pack"} and len(waves) == 3
    assert set(host.asked) == {key_of(i) for i in range(3)}
    assert fetch_open("open") == {}
    assert len(read_open("all")[0]) == len(read_open()[0]) == 5


def test_open_kits_come_from_what_is_decoded(mixed, host, cache):
    read_open()
    host.stop()
    waves, table, _ = read_open("open")
    assert [x.tobytes() for x in waves] == [x.tobytes() for x in read_open()[0][:3]]
    assert list(table["file"]) == [key_of(i) for i in range(3)]
    assert len(list(cache.glob("*.npz"))) == 1


def test_open_kits_are_decoded_once(mixed, host, cache):
    read_open("open")
    host.stop()
    assert len(list(cache.glob("*.npz"))) == 1
    (cache / "files").rename(cache / "moved")
    assert len(read_open("open")[0]) == 3
    with pytest.raises(SourceError, match="no open kit is at hand"):
        read_open()


def test_a_variable_leaves_informal_kits_out_of_all_that_reads_them(mixed, host, monkeypatch):
    monkeypatch.setenv("DRUMLESSON_LICENCE", "open")
    assert set(load_drums().kits) == {"some/pack"} and len(read_open("all")[0]) == 5
    monkeypatch.setenv("DRUMLESSON_LICENCE", "weak")
    with pytest.raises(ValueError, match="DRUMLESSON_LICENCE is all or open, not 'weak'"):
        load_drums()


def test_a_licence_that_is_none(pack):
    with pytest.raises(ValueError, match="^licence is all or open, not 'MIT'"):
        read_open("MIT")


def test_no_kit_is_open(pack, host):
    datasets.manifest()["licence"] = INFORMAL
    with pytest.raises(SourceError, match="none is under an open licence"):
        read_open("open")


# -- a mirror of your own

PACKAGE = Path(datasets.__file__).parent


@pytest.fixture
def copy(tmp_path):
    return tmp_path / "my mirror"


def listed(copy):
    """The keys of a mirror's index."""
    table = pd.read_csv(copy / "manifest.csv", dtype=str)
    return list(table.repo + "/" + table.commit + "/" + table.path)


class Silent(SimpleHTTPRequestHandler):
    """What `python -m http.server` answers with, but for its log."""

    def log_message(self, *_):
        pass


@contextmanager
def served(folder):
    """The address under which `python -m http.server` serves a folder."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=str(folder)))
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_mirror_holds_the_kits_their_index_and_their_licences(host, pack, copy):
    assert datasets._write_mirror(copy) == {}
    assert files_below(copy) == sorted([*files_below(pack), "LICENCES.md", "manifest.csv"])
    assert all(sha256(copy / key) == sha256(pack / key) for key in files_below(pack))
    index = pd.read_csv(copy / "manifest.csv", dtype=str)
    facts = datasets.manifest().drop(columns=["key", "url"])
    pd.testing.assert_frame_equal(index, facts)


def few_of_each_kit():
    """The facts of one file a kit, and of all whose names or lack of a suffix are peculiar."""
    table = datasets.manifest()
    peculiar = table["path"].str.contains(r"[^\w ./-]", flags=re.ASCII)
    without_suffix = ~table["path"].str.contains(r"\.\w+$")
    first = ~table["kit"].duplicated()
    return table[first | without_suffix | (peculiar & ~table["path"].duplicated())]


def test_files_of_every_open_kit_go_through_a_mirror(open_kits, copy, tmp_path, monkeypatch):
    with (PACKAGE / "data" / "manifest.csv").open(encoding="utf-8") as file:
        heading = file.readline().strip()
    few = few_of_each_kit().reset_index(drop=True)
    assert few["kit"].nunique() == 101 and few["path"].str.contains("@").any()
    monkeypatch.setattr(datasets, "manifest", lambda: few)
    assert datasets._write_mirror(copy) == {} and listed(copy) == list(few["key"])
    assert (copy / "manifest.csv").read_text(encoding="utf-8").startswith(heading + "\n")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("DRUMLESSON_CACHE", str(tmp_path / "cache"))
    with served(copy) as address:
        monkeypatch.setenv("DRUMLESSON_MIRROR", address)
        waves, table, problems = read_open()
    assert problems == {} and list(table["file"]) == list(datasets._audited(few)["key"])
    drums = load_drums(copy)  # a table of anybody's, which no audit has touched
    assert len(drums) == few["label"].isin(LABELS).sum()
    assert all("nor a common synonym" in why for why in drums.problems.values())


def test_a_mirror_says_whose_the_sounds_are(mixed, host, copy):
    datasets._write_mirror(copy)
    text = (copy / "LICENCES.md").read_text(encoding="utf-8")
    assert "5 sounds of 2 drum kits" in text
    assert "## Open: CC0-1.0\n" in text and f"## Informal: {INFORMAL}\n" in text
    reason = datasets._decisions()["reason"][INFORMAL]
    assert f"Why informal: {reason}." in text
    assert "<https://creativecommons.org/publicdomain/zero/1.0/>" in text
    page = "https://github.com/some/pack/tree/c0ffee"
    assert f"- **some/pack** (3 files), published by some: <{page}>" in text
    page = "https://github.com/other/pack/tree/decade/tom%2Bride"
    assert f"- **other/pack** (1 file), published by other: <{page}>" in text


def test_a_mirror_serves_as_a_folder(host, copy, monkeypatch):
    first = read_open()
    datasets._write_mirror(copy)
    host.stop()
    monkeypatch.setenv("DRUMLESSON_MIRROR", str(copy))
    monkeypatch.setenv("DRUMLESSON_CACHE", str(copy.parent / "other cache"))
    waves, table, problems = read_open()
    assert problems == {} and all(map(np.array_equal, waves, first[0]))
    pd.testing.assert_frame_equal(table, first[1])


def test_a_mirror_serves_over_http(host, copy, monkeypatch):
    first = read_open()
    datasets._write_mirror(copy)
    monkeypatch.setenv("DRUMLESSON_CACHE", str(copy.parent / "other cache"))
    with served(copy) as address:
        monkeypatch.setenv("DRUMLESSON_MIRROR", address)
        waves, _, problems = read_open()
    assert problems == {} and all(map(np.array_equal, waves, first[0]))
    assert files_below(copy.parent / "other cache" / "files") == sorted(listed(copy))


def test_a_mirror_is_a_folder_of_drums(host, copy):
    datasets._write_mirror(copy)
    drums = load_drums(copy)
    assert drums.problems == {} and len(drums) == 5
    assert list(drums.kits) == ["some/pack"] * 3 + ["other/pack"] * 2
    assert set(drums.table["licence"]) == {"CC0-1.0"}


def test_a_mirror_of_open_kits(mixed, host, copy, monkeypatch):
    assert datasets._write_mirror(copy, "open") == {}
    assert listed(copy) == [key_of(i) for i in range(3)]
    assert len(files_below(copy)) == 5 and len(load_drums(copy)) == 3
    assert INFORMAL not in (copy / "LICENCES.md").read_text(encoding="utf-8")
    assert datasets._write_mirror(copy) == {} and len(listed(copy)) == 5
    with pytest.raises(ValueError, match="holds 2 files whose licences are not asked for"):
        datasets._write_mirror(copy, "open")
    assert len(listed(copy)) == 5


def test_what_a_host_lacks_is_not_in_the_index_and_comes_later(host, copy):
    host.answers[key_of(2)] = 404
    assert list(datasets._write_mirror(copy)) == [key_of(2)]
    assert listed(copy) == [key_of(i) for i in (0, 1, 3, 4)] and not (copy / key_of(2)).exists()
    host.answers.clear()
    before = {key: (copy / key).stat().st_mtime_ns for key in listed(copy)}
    assert datasets._write_mirror(copy) == {} and len(listed(copy)) == 5
    assert before == {key: (copy / key).stat().st_mtime_ns for key in before}


def test_a_mirror_stays_whole_when_its_hosts_are_gone(host, copy, cache, monkeypatch):
    datasets._write_mirror(copy)
    host.stop()
    monkeypatch.setenv("DRUMLESSON_CACHE", str(cache / "new"))
    assert datasets._write_mirror(copy) == {} and len(listed(copy)) == 5


@pytest.mark.parametrize("n", range(6))
def test_a_mirror_that_was_cut_short_goes_on(host, pack, copy, n):
    fetch_open()

    def interrupted(items, total):
        items = list(items)
        if hasattr(items[0], "path"):  # files to copy
            yield from items[:n]
            raise KeyboardInterrupt
        yield from items

    with pytest.raises(KeyboardInterrupt):
        datasets._write_mirror(copy, progress=interrupted)
    names = files_below(copy)
    assert "LICENCES.md" in names and "manifest.csv" not in names and len(names) == 1 + n
    assert all(sha256(copy / key) == sha256(pack / key) for key in names if "/" in key)
    copied = []
    assert datasets._write_mirror(copy, progress=counting(copied)) == {}
    assert len(copied) == 5 - n and listed(copy) == [key_of(i) for i in range(5)]


def counting(copied):
    """A progress bar that notes which files are copied."""

    def progress(items, total):
        for item in items:
            copied.extend([item.key] if hasattr(item, "key") else [])
            yield item

    return progress


def test_a_damaged_file_of_a_mirror_is_written_anew(host, pack, copy):
    datasets._write_mirror(copy)
    (copy / key_of(1)).write_bytes(b"half")
    assert datasets._write_mirror(copy) == {}
    assert sha256(copy / key_of(1)) == sha256(pack / key_of(1))


def test_a_mirror_where_no_kit_is_at_hand(pack, cache, copy):
    with pytest.raises(SourceError, match="no open kit is at hand"):
        datasets._write_mirror(copy)
    assert files_below(copy) == []


@pytest.mark.parametrize(
    "name, content",
    [("notes.txt", "mine"), ("manifest.csv", "path,label\n"), ("LICENCES.md", "# Others\n")],
)
def test_a_folder_that_holds_something_else_is_left_alone(host, copy, name, content):
    copy.mkdir()
    (copy / name).write_text(content)
    with pytest.raises(ValueError, match="holds other things than a mirror of drumlesson"):
        datasets._write_mirror(copy)
    assert files_below(copy) == [name] and (copy / name).read_text() == content
    assert not host.asked


def test_a_file_in_place_of_a_mirror(host, copy):
    copy.write_text("mine")
    with pytest.raises(ValueError, match="my mirror: is no folder"):
        datasets._write_mirror(copy)
    with pytest.raises(OSError, match="the mirror cannot be written"):
        datasets._write_mirror(copy / "below")
    assert copy.read_text() == "mine" and not host.asked


def test_a_mirror_is_not_written_into_itself(pack, cache, monkeypatch):
    monkeypatch.setenv("DRUMLESSON_MIRROR", str(pack))
    before = files_below(pack)
    with pytest.raises(ValueError, match="is DRUMLESSON_MIRROR itself"):
        datasets._write_mirror(f"{pack}/../pack")
    assert files_below(pack) == before


def test_a_mirror_without_a_name(host):
    with pytest.raises(ValueError, match="this name is empty"):
        datasets._write_mirror("")


def test_a_disk_with_too_little_room_is_told_before_anything_is_fetched(host, copy, monkeypatch):
    usage = datasets.shutil.disk_usage(copy.parent)._replace(free=1000)
    monkeypatch.setattr(datasets.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(OSError, match=r"No space left on device: \d+ MB are needed and 0 MB"):
        datasets._write_mirror(copy)
    assert files_below(copy) == [] and not host.asked


def test_a_disk_that_fills_up_leaves_whole_files_and_one_line(host, copy, monkeypatch, capsys):
    real = datasets.atomic

    def full(path):
        if str(path) == str(copy / key_of(3)):
            raise OSError(28, "No space left on device")
        return real(path)

    monkeypatch.setattr(datasets, "atomic", full)
    monkeypatch.setattr(grooves, "_for_a_mirror", lambda: datasets._NOTHING)
    assert main(["kits", "--export", str(copy)]) == 2
    out, err = capsys.readouterr()
    assert out == "" and len(err.splitlines()) == 1
    assert f"{copy}: the mirror cannot be written (No space left on device)" in err
    assert files_below(copy) == sorted(["LICENCES.md", *(key_of(i) for i in range(3))])
    monkeypatch.setattr(datasets, "atomic", real)
    assert main(["kits", "--export", str(copy)]) == 0 and len(listed(copy)) == 5


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write")
def test_a_folder_that_cannot_be_written_to(host, copy):
    copy.mkdir(mode=0o500)
    with pytest.raises(OSError, match=r"cannot be written \(Permission denied\)"):
        datasets._write_mirror(copy)
    assert not host.asked


# -- a folder of your own


def test_both_layouts_and_a_mixture(tmp_path):
    sounds = ("kicks/a.wav", "garage/BD/b.wav", "garage/loud/Snare Drum/c.flac")
    sounds += ("loft/floor tom/dead/d.ogg", "loft/HH_closed/.hidden.wav", "loft/HH_closed/e.WAV")
    for path in sounds:
        write_sound(tmp_path / path)
    (tmp_path / "loft/notes.txt").write_text("no sound")
    _, table, problems = read_folder(tmp_path)
    assert problems == {}
    names = table["file"].map(os.path.basename)
    rows = zip(names, table["label"], table["kit"], table["articulation"], strict=True)
    assert set(rows) == {
        ("a.wav", "kick", tmp_path.name, ""),
        ("b.wav", "kick", "garage", ""),
        ("c.flac", "snare", "garage/loud", ""),
        ("d.ogg", "tom", "loft", "dead"),
        ("e.WAV", "hihat", "loft", ""),
    }


def test_what_is_not_understood_is_listed(tmp_path):
    good = write_sound(tmp_path / "kick" / "a.wav")
    names = ("cowbell/b.wav", "loose.wav", "garage/unsorted/c.wav")
    strange = [write_sound(tmp_path / name) for name in names]
    broken = tmp_path / "snare" / "d.wav"
    broken.parent.mkdir()
    broken.write_text("no sound")
    _, table, problems = read_folder(tmp_path)
    assert list(table["file"]) == [str(good)]
    assert set(problems) == {str(p) for p in (*strange, broken)}
    assert all("kick, snare, hihat, cymbal, tom" in problems[str(p)] for p in strange)


def test_a_name_below_a_class_is_known_or_listed(tmp_path):
    good = ("Snares/Soft/1.wav", "Kicks/Vintage/TR-808/1.wav", "Toms/v1/RR2/1.wav")
    bad = ("Snares/Claps/1.wav", "Ride/FX/1.wav", "Kicks/Loops/Loud/1.wav")
    bad += ("Snares/Odd Word/1.wav", "Cymbals/closed/1.wav")
    lost = ("Tom's Samples/Claps/1.wav", "CR-78/1.wav")
    for path in (*good, *bad, *lost):
        write_sound(tmp_path / path)
    _, table, problems = read_folder(tmp_path)
    assert set(table["file"]) == {str(tmp_path / path) for path in good}
    assert list(table["articulation"]) == ["Vintage/TR-808", "Soft", "v1/RR2"]
    for path in bad:
        assert "which is no known kind of" in problems[str(tmp_path / path)]
    for path in lost:
        assert "no folder named after a class" in problems[str(tmp_path / path)]
    assert "'Claps', which is no known kind of snare" in problems[str(tmp_path / bad[0])]


def test_a_class_within_a_class_is_no_kit(tmp_path):
    paths = ("a/hihat/closed-hihat/1.wav", "a/cymbals/crash/2.wav", "a/Cymbals/Hi-Hats/3.wav")
    paths += ("a/kick/4.wav", "Tom/Kick/5.wav", "Tom Petty Kit/Kick/6.wav", "a/Kick/OH/7.wav")
    for path in paths:
        write_sound(tmp_path / path)
    _, table, problems = read_folder(tmp_path)
    kits = dict(zip(table["file"].map(os.path.basename), table["kit"], strict=True))
    assert problems == {}
    assert {kits[f"{i}.wav"] for i in (1, 2, 3, 4, 7)} == {"a"}
    assert (kits["5.wav"], kits["6.wav"]) == ("Tom", "Tom Petty Kit")


def test_overheads_are_no_open_hats(tmp_path):
    for path in ("machine/oh/1.wav", "machine/ch/1.wav", "room/oh/1.wav", "room/snare/1.wav"):
        write_sound(tmp_path / path)
    _, table, problems = read_folder(tmp_path)
    assert sorted(table["label"]) == ["hihat", "hihat", "snare"]
    assert list(problems) == [str(tmp_path / "room/oh/1.wav")]
    assert "open hat or overhead" in problems[str(tmp_path / "room/oh/1.wav")]


def links_or_skip(link, target):
    try:
        link.symlink_to(target, target_is_directory=True)
    except OSError:
        pytest.skip("this system makes no links")


def test_links_are_followed_and_each_folder_entered_once(tmp_path):
    root, away = tmp_path / "drums", tmp_path / "away"
    write_sound(root / "kick" / "1.wav")
    write_sound(away / "2.wav")
    write_sound(away / "soft" / "3.wav")
    links_or_skip(root / "a second name", root / "kick")
    links_or_skip(root / "kick" / "round and round", root)
    links_or_skip(root / "snares", away)
    links_or_skip(away / "up", tmp_path)
    _, table, problems = read_folder(root)
    assert problems == {}
    names = ("kick/1.wav", "snares/2.wav", "snares/soft/3.wav")
    assert list(table["file"]) == [str(root / name) for name in names]
    assert list(table["label"]) == ["kick", "snare", "snare"]


def test_a_folder_that_may_not_be_opened_is_a_line(tmp_path, monkeypatch):
    write_sound(tmp_path / "kick" / "1.wav")
    write_sound(tmp_path / "snare" / "2.wav")
    scandir = os.scandir

    def guarded(path="."):
        if os.path.basename(path) in ("snare", "closed"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)
    _, table, problems = read_folder(tmp_path)
    assert list(table["label"]) == ["kick"]
    assert problems == {str(tmp_path / "snare"): "may not be opened (Permission denied)"}
    (tmp_path / "closed").mkdir()
    with pytest.raises(SourceError, match="closed: may not be opened"):
        read_folder(tmp_path / "closed")


def test_sounds_of_other_kinds_are_named(tmp_path):
    for name in ("1.wav", "2.wave", "3.bwf", "4.WAV"):
        write_sound(tmp_path / "kick" / name, format="WAV")
    for name in ("a.m4a", "b.M4A", "c.wma", "notes.txt"):
        (tmp_path / "kick" / name).write_bytes(b"something")
    _, table, problems = read_folder(tmp_path)
    assert len(table) == 4 and len(problems) == 3
    assert "convert it to WAV" in problems[str(tmp_path / "kick" / "b.M4A")]
    (tmp_path / "phone").mkdir()
    (tmp_path / "phone" / "a.m4a").write_bytes(b"something")
    with pytest.raises(SourceError, match=r"no sound file .*; left out: 1 .m4a \(convert"):
        read_folder(tmp_path / "phone")


@pytest.mark.parametrize(
    "data, said",
    [
        (None, "None names no drums"),
        (["a", "b"], "of type list names no drums"),
        (np.zeros(3), "of type ndarray names no drums"),
        ("", "an empty name"),
        ("http://example.org/drums.csv", "is an address: download it"),
        ("https://example.org/", "is an address: download it"),
    ],
    ids=str,
)
def test_what_names_no_drums(data, said):
    with pytest.raises(SourceError, match=said) as e:
        load_drums(data)
    assert "\n" not in str(e.value)


def test_a_heap_of_named_files_is_told_how_it_can_be_read(tmp_path):
    for name in ("Kick 01.wav", "Snare 02.wav", "xyzzy.wav"):
        write_sound(tmp_path / name)
    with pytest.raises(SourceError, match="none of 3 sounds .*2 of them by.*labels 'names'$"):
        read_folder(tmp_path)
    assert read_folder(tmp_path, labels="names")[1]["label"].tolist() == ["kick", "snare"]


@pytest.mark.parametrize(
    "make, said",
    [
        (lambda p: None, "no such folder"),
        (lambda p: p.mkdir(), "holds no sound file"),
        (lambda p: write_sound(p / "cowbell/a.wav"), "none of 1 sound can be used"),
        (lambda p: write_sound(p / "kick/a.wav", np.zeros(5000)), "silent"),
        (lambda p: write_sound(p), "is a file"),
    ],
    ids=["missing", "empty", "unknown", "silent", "a file"],
)
def test_folders_of_no_use(tmp_path, make, said):
    make(tmp_path / "x.wav")
    with pytest.raises(SourceError, match=said) as e:
        read_folder(tmp_path / "x.wav")
    assert str(tmp_path / "x.wav") in str(e.value)


@pytest.mark.parametrize(
    "data", ["nowhere", "nowhere.csv", "nowhere/deeper", "~nosuchuser/drums", ""]
)
def test_data_that_is_nowhere(tmp_path, monkeypatch, data):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceError, match="no such|holds no sound file"):
        load_drums(data)


def test_a_folder_of_any_labels(tmp_path):
    for path in ("A/Rim/1.wav", "A/clap/2.wav", "B/rim/3.wav", "B/BD/4.wav", "loose.wav"):
        write_sound(tmp_path / path)
    drums = load_drums(tmp_path, labels="folders")
    assert list(zip(drums.labels, drums.kits, strict=True)) == [
        ("rim", "A"),
        ("clap", "A"),
        ("bd", "B"),
        ("rim", "B"),
    ]
    assert list(drums.problems) == [str(tmp_path / "loose.wav")]


def test_a_folder_of_telling_names(tmp_path):
    for path in ("A/BD_01.wav", "A/kicks/hh_open.wav", "B/Snare 3.flac", "B/whatever.wav"):
        write_sound(tmp_path / path)
    (tmp_path / "manifest.csv").write_text("path,label\nB/whatever.wav,tom\n")
    drums = load_drums(tmp_path, labels="names")
    assert list(drums.labels) == ["kick", "hihat", "snare"] and list(drums.kits) == ["A", "A", "B"]
    assert list(drums.problems) == [str(tmp_path / "B/whatever.wav")]


# -- a table


def write_table(path, *lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def home(tmp_path):
    """A folder with three sounds, beside it one that is none of its business."""
    for i, name in enumerate(("a.wav", "b.wav", "sub/c.wav")):
        write_sound(tmp_path / "shelf" / name, noise_hit(random_state=i))
    write_sound(tmp_path / "secret.wav", noise_hit(random_state=9))
    return tmp_path / "shelf"


def test_a_table_with_kits(home):
    lines = ("path,label,kit", "a.wav,BD,garage", "b.wav,snare,", "sub/c.wav,ride,loft")
    _, table, problems = read_csv(write_table(home / "drums.csv", *lines))
    assert problems == {}
    assert list(table["label"]) == ["kick", "snare", "cymbal"]
    assert list(table["kit"]) == ["garage", "drums", "loft"]


@pytest.mark.parametrize(
    "where", ["drums.csv", "./drums.csv", "../shelf/drums.csv", "sub/../drums.csv"]
)
@pytest.mark.parametrize("escape", ["../secret.wav", "sub/../../secret.wav"])
def test_a_table_named_from_where_you_stand(home, monkeypatch, where, escape):
    write_table(home / "drums.csv", "path,label", "a.wav,kick", "b.wav,snare", f"{escape},tom")
    monkeypatch.chdir(home)
    waves, _, problems = read_csv(where)
    assert len(waves) == 2 and len(problems) == 1
    assert "points outside" in next(iter(problems.values()))


def test_a_table_one_floor_up(home, monkeypatch):
    """`..` before the table's own name does not open what lies above it."""
    write_table(home / "drums.csv", "path,label", "a.wav,kick", "../secret.wav,tom")
    monkeypatch.chdir(home / "sub")
    waves, _, problems = read_csv("../drums.csv")
    assert len(waves) == 1 and "points outside" in next(iter(problems.values()))


@pytest.mark.parametrize(
    "row, said",
    [
        ("../secret.wav,tom", "points outside"),
        ("{up}/secret.wav,tom", "points outside"),
        ("{up}/shelf/../secret.wav,tom", "points outside"),
        (",tom", "points outside|no such file"),
        ("sub,tom", "is a folder"),
        ("none.wav,tom", "no such file"),
        ("b.wav/none.wav,tom", "no such file"),
        ("pack.ZIP/none.wav,tom", "lies in the archive pack.ZIP: unpack it"),
        (f"{'x' * 300}.zip/none.wav,tom", "no such file"),
        ("b.wav,cowbell", "'cowbell' is none of"),
        ("b.wav,", "is none of"),
        ("b.wav", "is none of"),
    ],
)
def test_rows_of_no_use_are_listed(home, row, said):
    (home / "pack.ZIP").touch()
    table = write_table(home / "drums.csv", "path,label", "a.wav,kick", row.format(up=home.parent))
    waves, _, problems = read_csv(table)
    assert len(waves) == 1 and len(problems) == 1
    assert re.search(said, *problems.values())


def test_a_row_may_end_early(home):
    """Cells that a row leaves out are empty, whatever their column."""
    lines = ("path,label,kit,repo,sha256", "a.wav,kick", "b.wav,snare,garage")
    waves, table, problems = read_csv(write_table(home / "drums.csv", *lines))
    assert len(waves) == 2 and problems == {}
    assert list(table["kit"]) == ["drums", "garage"]


def test_one_file_with_two_labels_is_listed(home):
    lines = ("path,label", "a.wav,kick", "b.wav,snare", "b.wav,tom")
    waves, table, problems = read_csv(write_table(home / "drums.csv", *lines))
    assert "kick" in list(table["label"]) and len(waves) + len(problems) == 3


def test_checksums_in_a_table(home):
    right = sha256(home / "a.wav")
    lines = ("path,label,sha256", f"a.wav,kick,{right}", f"b.wav,snare,{right}", "sub/c.wav,tom,")
    waves, _, problems = read_csv(write_table(home / "drums.csv", *lines))
    assert len(waves) == 2
    assert list(problems) == [str(home / "b.wav")]
    assert "checksum" in problems[str(home / "b.wav")]


def test_a_manifest_in_a_folder_is_found(home):
    write_table(home / "manifest.csv", "path,label", "a.wav,kick", "b.wav,snare")
    assert list(load_drums(home).labels) == ["kick", "snare"]


def test_excel_writes_a_mark_before_the_first_column(home):
    path = home / "drums.csv"
    path.write_bytes("\ufeffpath,label\r\na.wav,kick\r\n".encode("utf-8"))
    assert len(read_csv(path)[0]) == 1


@pytest.mark.parametrize(
    "content, said",
    [
        (b"", "no table in CSV form"),
        (b"\n\n", "no table in CSV form"),
        (b"path,label\n", "no rows"),
        (b"path\na.wav\n", "lacks the column label"),
        (b"file,class\na.wav,kick\n", "lacks the columns path and label"),
        (b"path;class\na.wav;kick\n", "lacks the column label"),
        (b"path,label\nnone.wav,kick\n", "none of 1 sound can"),
        (b'path,label\n"a.wav,kick\n', "no table in CSV form|none of 1 sound can"),
        (bytes(range(256)), "no table in CSV form|lacks the column"),
        (b"\xff\xfe" + "path,label\n".encode("utf-16-le"), "no rows"),
        (b"\xff\xfe" + "path,label".encode("utf-16-le")[:-1], "no table in CSV form"),
        (b"RIFF" + bytes(500), "no table in CSV form|lacks the column"),
        (b"path,label\n" + b"a.wav,kick,1,2,3\na.wav\n" * 3, None),
    ],
)
def test_tables_of_no_use(home, content, said):
    path = home / "drums.csv"
    path.write_bytes(content)
    if said is None:
        with pytest.raises(SourceError):
            read_csv(path)
        return
    with pytest.raises(SourceError, match=said) as e:
        read_csv(path)
    assert str(path) in str(e.value)


@given(
    content=st.binary(max_size=200)
    | st.text(max_size=200).map(lambda s: s.encode(errors="replace")),
    head=st.sampled_from([b"", b"path,label\n", b"path,label,kit,repo,commit,sha256\n"]),
)
@settings(max_examples=100)
def test_any_bytes_as_a_table(tmp_path_factory, content, head):
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(head + content)
    with pytest.raises(SourceError) as e:
        read_csv(path)
    assert str(path) in str(e.value)


# -- a table as spreadsheets and other systems write it


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_tables_as_spreadsheets_save_them(home, separator, encoding):
    write_sound(home / "gro\u00df caf\u00e9.wav")
    rows = [("Path", " LABEL ", "Kit"), ("a.wav", "Bombo", "one"), ("b.wav", "snare", "Caf\u00e9")]
    rows += [("gro\u00df caf\u00e9.wav", "Gro\u00dfe Trommel", "one"), ("", "", "")]
    text = "\r\n".join(separator.join(row) for row in rows)
    (home / "drums.csv").write_bytes(text.encode(encoding))
    waves, table, problems = read_csv(home / "drums.csv")
    assert problems == {} and len(waves) == 3
    assert list(table["label"]) == ["kick", "snare", "kick"]
    assert list(table["kit"]) == ["one", "Caf\u00e9", "one"]


def test_a_comma_at_the_end_of_each_row_shifts_nothing(home):
    for heading in ("path,label,kit", "path,label,kit,"):
        table = write_table(home / "drums.csv", heading, "a.wav,kick,one,", "b.wav,tom,two,,")
        _, table, problems = read_csv(table)
        assert problems == {} and list(table["kit"]) == ["one", "two"]


def test_a_row_with_a_cell_too_many_is_listed(home):
    rows = ("a.wav,kick", "b.wav,loud, snare,kick")
    _, table, problems = read_csv(write_table(home / "drums.csv", "path,label", *rows))
    assert len(table) == 1 and "more cells" in problems[str(home / "b.wav")]


@pytest.mark.parametrize(
    "named, file",
    [
        ("sub\\c.wav", "sub/c.wav"),
        (".\\a.wav", "a.wav"),
        ("./A.WAV", "a.wav"),
        ("SUB/C.wav", "sub/c.wav"),
        ("cafe\u0301.wav", "caf\u00e9.wav"),
        ("caf\u00e9 2.wav", "cafe\u0301 2.wav"),
        ("'=x.wav", "=x.wav"),
        ("'-x.wav", "-x.wav"),
        ("'=kept.wav", "'=kept.wav"),
        ("'a.wav", None),
        ("twice.wav", None),
        ("..\\secret.wav", None),
        ("SUB/none.wav", None),
    ],
)
def test_files_that_a_table_spells_otherwise(home, named, file):
    there = ["caf\u00e9.wav", "cafe\u0301 2.wav", "=x.wav", "-x.wav", "'=kept.wav", "=kept.wav"]
    for name in (*there, "Twice.wav", "TWICE.wav"):
        write_sound(home / name)
    if len(os.listdir(home)) < 11:
        pytest.skip("this file system takes some names for the same")
    _, table, problems = read_csv(
        write_table(home / "drums.csv", "path,label", f"{named},kick", "b.wav,tom")
    )
    used = [os.path.relpath(used, home) for used in table["file"]]
    assert used == ([file, "b.wav"] if file else ["b.wav"])
    assert len(problems) == (file is None)


PREDICTED = "path,label,probability,guess"


def test_a_table_that_predict_wrote_is_corrected_and_read(home, monkeypatch):
    monkeypatch.chdir(home.parent)
    rows = [
        "shelf/a.wav,Kick,0.9,kick",
        "shelf/b.wav,unsure,0.4,tom",
        "shelf/sub/c.wav,snare,0.5,tom",
    ]
    rows.append(f"{home.parent / 'secret.wav'},cymbal,0.8,cymbal")
    (home.parent / "private").write_text("no sound")
    rows.append(f"{home.parent / 'private'},tom,0.8,tom")
    table = write_table(home.parent / "out" / "labels.csv", PREDICTED, *rows)
    _, table, problems = read_csv(table)
    names = [os.path.basename(file) for file in table["file"]]
    assert names == ["a.wav", "c.wav", "secret.wav"]
    assert list(table["label"]) == ["kick", "snare", "cymbal"]
    assert "still unsure" in problems[os.path.join("shelf", "b.wav")]
    assert "points outside" in problems[str(home.parent / "private")]


CORRECTED = "path,label,probability,label2,probability2,guess,why,size,modified,digest"


@pytest.mark.parametrize("labels, left", [("classes", 2), ("folders", 3)])
def test_a_corrected_table_of_a_whole_library(home, monkeypatch, labels, left):
    """The label counts, whatever the guess; own classes stand with `folders`."""
    monkeypatch.chdir(home.parent)
    rows = ["shelf/a.wav,SNARE,0.9,tom,0.1,kick,,99,1.5,ab", "shelf/b.wav,Rim,0.4,tom,0.3,tom,,,,"]
    rows += [f"{home / 'sub' / 'c.wav'},tom,0.4,kick,0.3,unsure,ends while it is loud,1,2,c"]
    rows += ["secret.wav,Unsure,0.4,tom,0.3,tom,,,,", "shelf/d.wav,,0.4,tom,0.3,tom,,,,"]
    drums = load_drums(write_table(home.parent / "labels.csv", CORRECTED, *rows), labels=labels)
    assert list(drums.labels) == ["snare", "rim", "tom"] if left == 3 else ["snare", "tom"]
    assert len(drums) == left and len(drums.problems) == 5 - left
    whys = {os.path.basename(file): why for file, why in drums.problems.items()}
    assert "still unsure" in whys["secret.wav"]
    assert "is empty" in whys["d.wav"] or "is none of" in whys["d.wav"]
    assert labels == "folders" or "'folders' takes it as it stands" in whys["b.wav"]


def test_a_label_that_a_spreadsheet_would_run(home):
    lines = ("path,label", "a.wav,'=SUM(A1)", "b.wav,'-rim", "sub/c.wav,'rim'")
    _, table, problems = read_csv(write_table(home / "drums.csv", *lines), labels="folders")
    assert problems == {} and list(table["label"]) == ["=sum(a1)", "-rim", "'rim'"]


def test_only_a_table_that_predict_wrote_may_point_elsewhere(home, monkeypatch):
    monkeypatch.chdir(home.parent)
    rows = [
        "secret.wav,kick",
        f"{home.parent / 'secret.wav'},kick",
        "../secret.wav,tom",
        "a.wav,tom",
    ]
    _, table, problems = read_csv(write_table(home / "labels.csv", "path,label", *rows))
    assert [os.path.basename(file) for file in table["file"]] == ["a.wav"]
    assert len(problems) == 3


def test_the_word_for_unsure_is_one():
    from drumlesson.answers import OUTSIDE, UNSURE

    assert list(datasets._OPEN.values()) == [UNSURE, OUTSIDE]


def test_a_long_table_takes_little_memory(home):
    """About 200 bytes a row that is of no use: its name, and a reason that many rows share."""
    rows = [f"some folder/deeper/hit number {i}.wav,snare,kit {i % 50}" for i in range(4000)]
    table = write_table(home / "long.csv", "path,label,kit", "a.wav,kick,one", *rows)
    read_csv(table)
    peaks = []
    for _ in range(3):  # a thread of another test may take memory in between
        tracemalloc.start()
        _, _, problems = read_csv(table)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert len(problems) == 4000 and len({id(why) for why in problems.values()}) == 1
    assert min(peaks) < 4000 * 500 + 2_000_000


def test_a_table_that_is_a_folder(tmp_path):
    (tmp_path / "drums.csv").mkdir()
    with pytest.raises(SourceError, match="drums.csv: cannot be read"):
        read_csv(tmp_path / "drums.csv")


def test_many_files_of_one_fault_are_one_line():
    """A class that was given a part of the kits would read hundreds of them."""
    missing = {f"kit/{number}.wav": "not in the mirror" for number in range(400)}
    other = {f"pit/{number}.wav": "is silent" for number in range(400)}
    few = {f"odd/{number}.wav": "cannot be read as sound" for number in range(5)}
    summed = {"kit/0.wav and 399 others": "not in the mirror"}
    summed["pit/0.wav and 399 others"] = "is silent"
    assert datasets._summed_up(missing | few | other) == few | summed
    assert datasets._summed_up(few) == few
