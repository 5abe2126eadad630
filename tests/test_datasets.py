"""Where recorded drums come from: a host that fails, anybody's folder, a table with mistakes."""

import hashlib
import os
import re
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote, unquote

import numpy as np
import pandas as pd
import pytest
from conftest import files_below, noise_hit, write_sound
from hypothesis import given, settings
from hypothesis import strategies as st

from drumlesson import datasets
from drumlesson.audio import AudioInfo
from drumlesson.datasets import (
    TABLE_COLUMNS,
    SourceError,
    cache_dir,
    fetch_open,
    read_csv,
    read_folder,
    read_open,
)
from drumlesson.drums import load_drums
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


class Host:
    """A web server on this computer.

    `answers` says how it answers for single files instead of rightly: one of `ANSWERS`, or the
    number of an error.
    """

    def __init__(self, root):
        self.asked = Counter()
        self.answers = {}
        host = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                key = unquote(self.path.lstrip("/"))
                host.asked[key] += 1
                how = host.answers.get(key, "rightly")
                if isinstance(how, int):
                    self.send_error(how)
                    return
                content = (root / key).read_bytes() if (root / key).is_file() else b""
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(ANSWERS[how](content))
                self.close_connection = True

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        serve = self.server.serve_forever
        threading.Thread(target=serve, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def stop(self):
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
    with pytest.raises(SourceError, match="no open kit is at hand"):
        read_open()


def test_where_the_cache_is(monkeypatch, tmp_path):
    monkeypatch.setenv("DRUMLESSON_CACHE", str(tmp_path))
    assert cache_dir() == tmp_path
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
    assert capsys.readouterr().out == "4 recorded hits of 2 kits; 1 files could not be used\n"


def test_the_open_kits(open_kits):
    waves, table, problems = open_kits
    assert problems == {} and len(waves) == len(table) == len(datasets.manifest())
    assert set(LABELS) < set(table["label"]) and (table["licence"] != "").all()
    assert all(x.dtype == np.float32 and x.ndim == 1 and len(x) for x in waves)


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


@pytest.mark.parametrize(
    "make, said",
    [
        (lambda p: None, "no such folder"),
        (lambda p: p.mkdir(), "holds no sound file"),
        (lambda p: write_sound(p / "cowbell/a.wav"), "none of its 1 sounds can be used"),
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
        ("b.wav,cowbell", "'cowbell' is none of"),
        ("b.wav,", "is none of"),
        ("b.wav", "is none of"),
    ],
)
def test_rows_of_no_use_are_listed(home, row, said):
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
        (b"path,label\nnone.wav,kick\n", "none of its 1 sounds"),
        (b'path,label\n"a.wav,kick\n', "no table in CSV form|none of its"),
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
