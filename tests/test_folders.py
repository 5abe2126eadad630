"""Which files of a library are sounds: bins, links, very many files, and archives by bad people."""

import gzip
import io
import os
import pickle
import random
import signal
import stat
import struct
import subprocess
import sys
import tarfile
import tempfile
import time
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from conftest import files_below, write_sound

from drumlesson import folders
from drumlesson.datasets import read_folder
from drumlesson.drums import load_drums
from drumlesson.folders import (
    SourceError,
    _count,
    _LeftOut,
    sound_files,
    sounds_of,
    walk_sounds,
)


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
    said = "left out: 2 .m4a, 1 .wma (convert to WAV), 1 folder that may not be opened (such as "
    assert left_out.line() == f"{said}{tmp_path / 'closed'})"
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


def test_names_are_told_as_they_are_from_here(tmp_path, monkeypatch):
    touch(tmp_path, "a/1.wav", "a/x.m4a")
    monkeypatch.chdir(tmp_path)
    left_out = _LeftOut()
    assert list(walk_sounds(["."], left_out)) == [Path("a/1.wav")]
    assert list(left_out.lost()) == [os.path.join("a", "x.m4a")]


def test_folders_of_no_use_are_told_each_by_a_line(tmp_path):
    touch(tmp_path, "a/1.wav", "b/notes.txt", "c/x.m4a")
    left_out = _LeftOut()
    assert len(list(walk_sounds([tmp_path / name for name in "abc"], left_out))) == 1
    assert list(left_out.problems) == [str(tmp_path / "b"), str(tmp_path / "c")]
    assert all("holds no sound file" in why for why in left_out.problems.values())
    with pytest.raises(SourceError, match=r"c: holds no sound file .*; left out: 1 .m4a"):
        sound_files(tmp_path / "c")


def peak_of_a_walk(folder):
    """The most bytes that are taken at once while 5,000 sounds are searched for."""
    tracemalloc.start()
    assert sum(1 for _ in walk_sounds([folder], _LeftOut())) == 5000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_memory_does_not_grow_with_the_number_of_files(tmp_path):
    """Of three walks the least: what another thread takes just then counts, too."""
    touch(tmp_path, *(f"{i}/{j}.wav" for i in range(50) for j in range(100)))
    peak = min(peak_of_a_walk(tmp_path) for _ in range(3))
    assert peak < 40 * 5000  # bytes; a list of paths needs several times as many


def test_very_deep_folders(tmp_path):
    deep = tmp_path.joinpath(*["d"] * 200)
    touch(deep, "1.wav")
    assert len(list(walk_sounds([tmp_path]))) == 1


# -- archives and kits


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """The folder of temporary files."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture(scope="module")
def wav(tmp_path_factory):
    """The bytes of a hit."""
    return write_sound(tmp_path_factory.mktemp("wav") / "a.wav").read_bytes()


def write_zip(path, members, packing=zipfile.ZIP_DEFLATED):
    """Writes a zip archive: {name, or ZipInfo: bytes}, or pairs of these."""
    with zipfile.ZipFile(path, "w", packing) as archive:
        for name, data in dict(members).items():
            archive.writestr(name, data)
    return path


def write_tar(path, members, mode="w:gz"):
    """Writes a tar archive: pairs of a name, or a TarInfo, and bytes."""
    with tarfile.open(path, mode) as archive:
        for name, data in dict(members).items():
            info = tarfile.TarInfo(name) if isinstance(name, str) else name
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def drumkit(*instruments, head='<?xml version="1.0" encoding="UTF-8"?>'):
    """A `drumkit.xml`: pairs of an instrument and its samples."""
    text = [head, '<drumkit_info xmlns="http://www.hydrogen-music.org/drumkit">']
    text.append("<name>a kit</name><componentList><drumkitComponent><name>Main</name>")
    text.append("</drumkitComponent></componentList><instrumentList>")
    for name, *samples in instruments:
        layers = "".join(f"<layer><filename>{s}</filename></layer>" for s in samples)
        parts = f"<instrumentComponent>{layers}</instrumentComponent>"
        text.append(f"<instrument><id>0</id><name>{name}</name>{parts}</instrument>")
    return "\n".join([*text, "</instrumentList></drumkit_info>"]).encode()


def shown_of(path, left_out=None):
    """The names of the sounds in an archive, as people are shown them below it."""
    return [shown.removeprefix(f"{path}/") for shown, _ in sounds_of([path], left_out)]


def faults_of(path):
    """The names in an archive, and {name: what is wrong}."""
    left_out = _LeftOut()
    names = shown_of(path, left_out)
    return names, {n.removeprefix(f"{path}/"): why for n, why in left_out.problems.items()}


def test_a_zip_is_read_like_a_folder(tmp_path, temporary, wav):
    members = {"garage/BD/1.wav": wav, "garage\\Snare\\2.wav": wav, "./loft//kick/3.WAV": wav}
    members |= {"__MACOSX/BD/._1.wav": b"", "BD/._4.wav": b"", ".git/kick/5.wav": wav}
    members |= {"readme.txt": b"", "loft/hat/from the phone.m4a": b""}
    pack = write_zip(tmp_path / "pack.zip", members)
    drums = load_drums(pack)
    expected = ["garage/BD/1.wav", "garage/Snare/2.wav", "loft/kick/3.WAV"]
    assert list(drums.table["file"]) == [f"{pack}/{name}" for name in expected]
    assert list(drums.labels) == ["kick", "snare", "kick"]
    assert list(drums.kits) == ["garage", "garage", "loft"]
    assert list(drums.problems) == [f"{pack}/loft/hat/from the phone.m4a"]
    assert _count([pack]) == 3
    assert files_below(temporary) == []


def test_archives_within_a_folder(tmp_path, temporary, wav):
    library = tmp_path / "library"
    write_sound(library / "z" / "kick" / "1.wav")
    write_zip(library / "Kicks.zip", {"1.wav": wav, "2.wav": wav})
    write_tar(library / "kit.h2drumkit", {"drumkit.xml": drumkit(["Snare", "a.wav"]), "a.wav": wav})
    names = [shown.removeprefix(f"{library}/") for shown, _ in sounds_of([library])]
    expected = ["Kicks.zip/1.wav", "Kicks.zip/2.wav", "kit.h2drumkit/Snare/a.wav", "z/kick/1.wav"]
    assert names == expected and _count([library]) == 4
    drums = load_drums(library)
    assert list(drums.labels) == ["kick", "kick", "snare", "kick"]
    assert list(drums.kits) == ["library", "library", "kit", "z"]
    assert [path.name for path in sound_files(library)] == ["1.wav"]


def test_names_that_do_not_say_how_they_are_written(tmp_path, wav):
    unmarked = zipfile.ZipInfo("Größe.wav")
    pack = write_zip(tmp_path / "a.zip", {unmarked: wav, "b.wav": wav})
    data = bytearray(pack.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.index(signature) + offset
        flags = struct.unpack_from("<H", data, at)[0]
        struct.pack_into("<H", data, at, flags & ~0x800)
    pack.write_bytes(data)
    assert zipfile.ZipFile(pack).namelist()[0] != "Größe.wav"
    assert shown_of(pack) == ["Größe.wav", "b.wav"]


@pytest.mark.parametrize("mode", ["w:gz", "w"])
@pytest.mark.parametrize("folder", ["", "GMkit/"], ids=["flat", "one folder deep"])
def test_a_kit_of_hydrogen(tmp_path, mode, folder, wav):
    text = drumkit(["Kick", "k1.wav", "k2.wav"], ["Hat/Open", "h.wav"], ["Hand Clap", "c.wav"])
    members = {f"{folder}{name}.wav": wav for name in ("k1", "k2", "h", "c", "other")}
    members[f"{folder}drumkit.xml"] = text
    kit = write_tar(tmp_path / "kit.h2drumkit", members, mode)
    names = ["Hand Clap/c.wav", "Hat Open/h.wav", "Kick/k1.wav", "Kick/k2.wav", "other.wav"]
    assert shown_of(kit) == [f"{folder}{name}" for name in names]
    drums = load_drums(kit)
    assert list(drums.labels) == ["hihat", "kick", "kick"] and _count([kit]) == 5
    assert set(drums.kits) == {folder.strip("/") or "kit"}
    assert [Path(name).name for name in drums.problems] == ["c.wav", "other.wav"]


SFZ = """/* a kit
<region> sample=not.wav */
<control> default_path=My Samples\\
// Bass Drum
<region> sample=k 1.wav key=60
<region> sample=sub\\K 2.WAV key=36 // a velocity layer
<group> group_label=Snare Drum key=99
<region> sample=s.wav lovel=1 <region> sample=s2.wav
<group>
<region> sample=h.wav key=f#2
<region> sample=*sine key=1
<region> key=49 sample=c.wav
"""


def test_a_kit_in_sfz_form(tmp_path):
    for name in ("k 1", "sub/k 2", "s", "s2", "h", "c"):
        write_sound(tmp_path / "My Samples" / f"{name}.wav")
    kit = tmp_path / "kit.sfz"
    kit.write_text(SFZ)
    drums = load_drums(kit)
    assert drums.problems == {} and set(drums.kits) == {"kit"}
    labels = {
        Path(f).name: label for f, label in zip(drums.table["file"], drums.labels, strict=True)
    }
    assert labels == {
        "k 1.wav": "kick",
        "k 2.wav": "kick",
        "s.wav": "snare",
        "s2.wav": "snare",
        "h.wav": "hihat",
        "c.wav": "cymbal",
    }
    assert all(os.path.isfile(file) for file in drums.table["file"])
    assert _count([kit]) == 6


def test_what_an_sfz_may_not_name(tmp_path):
    secret = write_sound(tmp_path / "secret.wav")
    write_sound(tmp_path / "kit" / "a.wav")
    (tmp_path / "kit" / "notes.txt").write_text("nothing")
    links_or_skip(tmp_path / "kit" / "link.wav", secret)
    samples = ["../secret.wav", str(secret), "C:\\secret.wav", "link.wav", "b/../../secret.wav"]
    samples += ["notes.txt", "gone.wav", "x\0.wav"]
    kit = tmp_path / "kit" / "kit.sfz"
    kit.write_text("".join(f"<region> sample={name} key=36\n" for name in ["./a.wav", *samples]))
    left_out = _LeftOut()
    names = [Path(shown).name for shown, _ in sounds_of([kit], left_out)]
    assert names == ["a.wav"] and len(left_out.problems) == len(samples)
    whys = list(left_out.problems.values())
    assert sum("leads out of its folder" in why for why in whys) == 6
    kit.write_text('#include "/etc/passwd"\n')
    with pytest.raises(SourceError, match="includes another file"):
        load_drums(kit)


# -- archives by bad people


def tar_info(name, kind=tarfile.REGTYPE, link=""):
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = link
    return info


def zip_link(name):
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


OUTSIDE = [
    "/tmp/out.wav",
    "../out.wav",
    "a/../../out.wav",
    "..\\out.wav",
    "C:\\out.wav",
    "C:out.wav",
]
OUTSIDE += ["\\\\server\\share\\out.wav", "a/..", "//out.wav"][:1]
LINKS = [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE]


@pytest.mark.parametrize("write", [write_zip, write_tar], ids=["zip", "tar"])
@pytest.mark.parametrize("name", OUTSIDE)
def test_names_that_lead_out(tmp_path, temporary, write, name, wav):
    pack = write(tmp_path / "a.h2drumkit", {name: wav, "good.wav": wav})
    before = files_below(tmp_path)
    names, faults = faults_of(pack)
    assert names == ["good.wav"] and _count([pack]) == 1
    assert list(faults.values()) == ["has a path that leads out of its folder"]
    assert files_below(tmp_path) == before


def test_a_name_with_a_nul(tmp_path, wav):
    pack = write_zip(tmp_path / "a.zip", {"badXtxt.wav": wav, "good.wav": wav})
    pack.write_bytes(pack.read_bytes().replace(b"badX", b"bad\0"))
    assert faults_of(pack)[0] == ["good.wav"]


@pytest.mark.parametrize("kind", LINKS)
def test_links_and_devices_in_a_tar(tmp_path, temporary, kind, wav):
    link = tar_info("link.wav", kind, "../../../etc/passwd")
    pack = write_tar(tmp_path / "a.h2drumkit", {link: b"", "good.wav": wav})
    names, faults = faults_of(pack)
    assert names == ["good.wav"] and "link or a device" in faults["link.wav"]


def test_a_link_to_a_folder_and_a_file_behind_it(tmp_path, temporary, wav):
    (tmp_path / "out").mkdir()
    link = tar_info("kicks", tarfile.SYMTYPE, str(tmp_path / "out"))
    pack = write_tar(tmp_path / "a.h2drumkit", {link: b"", "kicks/1.wav": wav})
    assert shown_of(pack) == ["kicks/1.wav"] and files_below(tmp_path / "out") == []


def test_a_link_and_a_device_in_a_zip(tmp_path, wav):
    pack = write_zip(tmp_path / "a.zip", {zip_link("link.wav"): b"/etc/passwd", "good.wav": wav})
    names, faults = faults_of(pack)
    assert names == ["good.wav"] and "link or a device" in faults["link.wav"]


def test_names_of_devices_and_of_one_file_twice(tmp_path, temporary, wav):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive, pytest.warns(UserWarning):
        for name in ("CON.wav", "aux.wav ", "a.wav", "A.wav", "a.wav", "./a.wav", "nested.zip"):
            archive.writestr(name, wav)
    names, faults = faults_of(tmp_path / "a.zip")
    assert names == ["A.wav", "CON.wav", "a.wav"]
    assert "more than once: the first counts" in faults["a.wav"]
    assert "archive within an archive" in faults["nested.zip"]


def flagged(pack, offsets, value, size="<H"):
    """Overwrites a field of the first file of a zip archive, in both its headers."""
    data = bytearray(pack.read_bytes())
    for signature, offset in zip((b"PK\x03\x04", b"PK\x01\x02"), offsets, strict=True):
        struct.pack_into(size, data, data.index(signature) + offset, value)
    pack.write_bytes(data)


@pytest.mark.parametrize(
    "offsets, value, size, said",
    [
        ((6, 8), 0x1, "<H", "is encrypted"),
        ((8, 10), 14, "<H", "packed in a way"),
        ((8, 10), 99, "<H", "packed in a way"),
        ((14, 16), 1, "<I", "is damaged"),
        ((22, 24), 10, "<I", "is damaged"),
    ],
    ids=["encrypted", "LZMA", "unknown packing", "checksum", "a lie about the size"],
)
def test_members_of_no_use(tmp_path, temporary, offsets, value, size, said, wav):
    pack = write_zip(tmp_path / "a.zip", {"bad.wav": wav, "good.wav": wav})
    flagged(pack, offsets, value, size)
    names, faults = faults_of(pack)
    assert names == ["good.wav"] and said in faults["bad.wav"]
    assert files_below(temporary) == []


@pytest.mark.parametrize("write", [write_zip, write_tar], ids=["zip", "tar"])
def test_archives_cut_short(tmp_path, temporary, write, wav):
    noise = random.Random(0).randbytes(30000)
    pack = write(tmp_path / "a.zip", {"a.wav": wav, "b.wav": noise, "c.wav": noise})
    whole = pack.read_bytes()
    for size in (0, 1, 2, 3, 100, len(whole) // 2, len(whole) - 1500):
        pack.write_bytes(whole[:size])
        names, faults = faults_of(pack)
        assert set(names) <= {"a.wav", "b.wav"}
        assert all("\n" not in why for why in faults.values()) and len(faults) >= 1


def test_an_archive_of_no_sounds_and_none(tmp_path):
    pack = write_zip(tmp_path / "a.zip", {"readme.txt": b""})
    with pytest.raises(SourceError, match="a.zip: holds no sound file"):
        load_drums(pack)
    (tmp_path / "b.zip").write_text("nothing")
    with pytest.raises(SourceError, match="b.zip: is damaged, or no archive"):
        load_drums(tmp_path / "b.zip")
    assert list(sounds_of([tmp_path / "c.zip"])) == [(str(tmp_path / "c.zip"), tmp_path / "c.zip")]


@pytest.mark.parametrize("write", [write_zip, write_tar], ids=["zip", "tar"])
def test_a_bomb_is_stopped(tmp_path, temporary, monkeypatch, write, wav):
    monkeypatch.setattr(folders, "_SMALL_BYTES", 10**6)
    pack = write(tmp_path / "a.zip", {"a.wav": wav, "bomb.wav": bytes(20 * 10**6)})
    sizes = []
    unpack = folders._unpack

    def watched(member, target, room):
        try:
            return unpack(member, target, room)
        finally:
            sizes.append(os.path.getsize(target))

    monkeypatch.setattr(folders, "_unpack", watched)
    names, faults = faults_of(pack)
    assert names == ["a.wav"] and "more than is reasonable" in next(iter(faults.values()))
    assert max(sizes) < 8 * 10**6 and files_below(temporary) == []
    monkeypatch.setattr(folders, "_MOST_MEMBERS", 1)
    assert "more than 100,000 files" in next(iter(faults_of(pack)[1].values()))


def test_a_tar_whose_names_are_a_bomb(tmp_path):
    info = tarfile.TarInfo("a.wav")
    info.pax_headers = {"comment": "x" * 50 * 10**6}
    with tarfile.open(tmp_path / "a.h2drumkit", "w:gz", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(info)
    tracemalloc.start()
    names, faults = faults_of(tmp_path / "a.h2drumkit")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert names == [] and len(faults) == 1 and peak < 20 * 10**6


LAUGHS = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>'
READS = '<!DOCTYPE x [<!ENTITY b SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize("head", [LAUGHS, READS], ids=["grows", "reads a file"])
def test_entities_are_refused(tmp_path, head, wav):
    text = drumkit(["&b;", "a.wav"], head=head)
    pack = write_tar(tmp_path / "a.h2drumkit", {"drumkit.xml": text, "a.wav": wav})
    names, faults = faults_of(pack)
    assert names == ["a.wav"] and "document type" in faults["drumkit.xml"]


def test_a_description_of_no_use(tmp_path, wav):
    texts = [b"", b"<a>", b"\xff\xfe", b'<?xml version="1.0" encoding="nonsense"?><a/>', b"<a/>"]
    texts += [drumkit(["..", "a.wav"]), drumkit(["", "a.wav"]), drumkit(["Kick", "../a.wav"])]
    for text in texts:
        pack = write_tar(tmp_path / "a.h2drumkit", {"drumkit.xml": text, "a.wav": wav})
        assert shown_of(pack) == ["a.wav"]


def test_a_full_disk_is_one_line(tmp_path, temporary, monkeypatch, wav):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(folders, "_unpack", full)
    names, faults = faults_of(write_zip(tmp_path / "a.zip", {"a.wav": wav, "b.wav": wav}))
    assert names == [] and len(faults) == 1
    assert "cannot be unpacked (No space left on device)" in next(iter(faults.values()))
    assert os.listdir(temporary) == []


def test_very_many_faults_are_counted(tmp_path, wav):
    pack = write_zip(tmp_path / "a.zip", {f"../{i}.wav": b"" for i in range(50)} | {"a.wav": wav})
    left_out = _LeftOut(most=10)
    assert shown_of(pack, left_out) == ["a.wav"] and len(left_out.problems) == 10
    assert left_out.line() == "left out: 40 more sounds or archives that cannot be used"


# -- what is unpacked is there as long as it is held


def test_an_unpacked_file_is_there_as_long_as_its_path(tmp_path, temporary, wav):
    pack = write_zip(tmp_path / "a.zip", {f"{i}.wav": wav for i in range(3)})
    sounds = sounds_of([pack, pack.parent / "b.wav"])
    first, second = next(sounds)[1], next(sounds)[1]
    assert len(list(sounds)) == 2
    del first
    assert second.read_bytes() == wav and len(files_below(temporary)) == 3
    assert pickle.loads(pickle.dumps(second)) == second
    del second
    assert os.listdir(temporary) == []


WAITS = """
import sys, time
from drumlesson.folders import sounds_of
sounds = sounds_of([sys.argv[1]])
print(next(sounds)[1], flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_what_is_left_after_an_interrupt_and_after_a_kill(tmp_path, temporary, wav):
    pack = write_zip(tmp_path / "a.zip", {f"{i}.wav": wav for i in range(3)})
    left = []
    for how in (signal.SIGINT, signal.SIGKILL):
        command = [sys.executable, "-c", WAITS, str(pack)]
        environment = os.environ | {"TMPDIR": str(temporary)}
        with subprocess.Popen(command, stdout=-1, stderr=-3, env=environment, text=True) as process:
            assert os.path.isfile(process.stdout.readline().strip())
            process.send_signal(how)
        left.append(os.listdir(temporary))
    assert left[0] == [] and len(left[1]) == 1
    assert len(shown_of(pack)) == 3 and os.listdir(temporary) == left[1]  # it may be in use
    hours_ago = time.time() - 2 * 3600
    os.utime(temporary / left[1][0], (hours_ago, hours_ago))
    assert len(shown_of(pack)) == 3 and os.listdir(temporary) == []


# -- archives with bytes changed at random


def mutant(data, rng):
    """The same bytes with some changed, lost, doubled or cut off."""
    data = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 5])):
        at, length = rng.randrange(len(data)), rng.choice([1, 1, 2, 4, 20])
        change = rng.choice(["bytes", "bytes", "zero", "lose", "double", "cut"])
        if change == "bytes":
            data[at : at + length] = rng.randbytes(length)
        elif change == "zero":
            data[at : at + length] = bytes(length)
        elif change == "lose":
            del data[at : at + length]
        elif change == "double":
            data[at:at] = data[at : at + length]
        elif len(data) > at > 10:
            del data[at:]
    return bytes(data) or b"\0"


def samples_of_all(folder, wav):
    """An archive or kit of each kind, small."""
    text = drumkit(["Kick", "a.wav"], ["Snare", "b.wav"])
    members = {"kit/drumkit.xml": text, "kit/a.wav": wav[:600], "kit/b.wav": wav[:600]}
    yield write_zip(folder / "1.zip", members)
    yield write_zip(folder / "2.zip", members, zipfile.ZIP_STORED)
    yield write_tar(folder / "3.h2drumkit", members, "w")
    yield write_tar(folder / "4.h2drumkit", members, "w:gz")
    (folder / "5.sfz").write_text(SFZ)
    yield folder / "5.sfz"


def attack(folder, wav, n, seed):
    """Reads mutants of all kinds of archives; {what was told: how often}."""
    rng = random.Random(seed)
    originals = [(path, path.read_bytes()) for path in samples_of_all(folder, wav)]
    told = {}
    for i in range(n):
        path, data = originals[i % len(originals)]
        if path.name == "4.h2drumkit":  # else the checksum of gzip would stop all
            data = gzip.compress(mutant(gzip.decompress(data), rng), 1)
        path.write_bytes(mutant(data, rng) if i % 2 or path.name[0] != "4" else data)
        names, faults = faults_of(path)
        assert _count([path]) >= len(names)
        assert all(why and "\n" not in why for why in faults.values())
        for why in faults.values():
            told[why[:30]] = told.get(why[:30], 0) + 1
    return told


def test_mutants_of_archives_are_read_or_refused(tmp_path, temporary, wav):
    folder = tmp_path / "packs"
    folder.mkdir()
    told = attack(folder, wav, 400, seed=0)
    assert len(told) > 5
    assert os.listdir(temporary) == [] and len(files_below(folder)) == 5
