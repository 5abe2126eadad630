"""Whatever is in a file: a sound that can be used, or an AudioError that names the file."""

import csv
import math
import os
import random
import struct
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from conftest import noise_hit, write_sound
from hypothesis import given
from hypothesis import strategies as st

from drumlesson import audio
from drumlesson.audio import (
    _LEAD_SECONDS,
    KEEP_SECONDS,
    MAX_SECONDS,
    SR,
    AudioError,
    AudioInfo,
    check_sound,
    decode,
    load_audio,
    load_hits,
    loudest,
)

FORMATS = {  # file name -> how soundfile writes it
    "a.wav": {"subtype": "PCM_16"},
    "b.wav": {"subtype": "FLOAT"},
    "c.flac": {"subtype": "PCM_24"},
    "d.ogg": {},
    "e.aiff": {},
    "f.mp3": {},
    "g.caf": {},
    "h.au": {},
    "i.w64": {},
}


def usable(path, **kw):
    """True for a sound that can be used, False for an AudioError that names the file."""
    try:
        x, facts = decode(path, **kw)
    except AudioError as e:
        assert str(path) in str(e)
        return False
    assert isinstance(x, np.ndarray) and x.dtype == np.float32 and x.ndim == 1
    assert len(x) > 0 and np.isfinite(x).all() and np.abs(x).max() > 0
    assert facts.sr > 0 and facts.channels > 0 and facts.seconds > 0 and np.isfinite(facts.peak)
    return True


@pytest.fixture(scope="session")
def room(tmp_path_factory):
    return tmp_path_factory.mktemp("sounds")


class Files(dict):
    """{name: bytes}, of which hypothesis need not print every byte."""

    def __repr__(self):
        return f"files of {list(self)}"


@pytest.fixture(scope="session")
def whole_files(room):
    """The bytes of one good file in each format."""
    return Files(
        {
            name: write_sound(room / name, noise_hit(0.1), **how).read_bytes()
            for name, how in FORMATS.items()
        }
    )


# -- what is fine


@given(
    sr=st.sampled_from([8000, 11025, 16000, 22050, 32000, 44100, 48000, 88200, 96000, 192000])
    | st.integers(8000, 192000),
    channels=st.integers(1, 8),
    subtype=st.sampled_from(["PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"]),
    n=st.integers(400, 20000),
)
def test_any_rate_channels_and_width_give_the_mean_at_one_rate(room, sr, channels, subtype, n):
    x = 0.3 * np.random.default_rng(n).standard_normal((n, channels))
    x[:, 1:] *= 0.1  # or the channels would nearly cancel
    path = write_sound(room / "any.wav", np.clip(x, -1, 1), sr, subtype=subtype)
    assert usable(path)
    y, facts = decode(path)
    assert abs(len(y) - n * SR / sr) <= 1
    assert (facts.sr, facts.channels) == (sr, channels) and facts.seconds == pytest.approx(n / sr)
    if sr == SR:
        assert y == pytest.approx(np.clip(x, -1, 1).mean(axis=1), abs=1e-4)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_read(room, whole_files, name):
    assert usable(room / name)


@pytest.mark.parametrize("gain", [4.0, 1e4, 1e30])
def test_above_full_scale_is_kept(tmp_path, gain):
    x = gain * noise_hit(sr=44100)
    y, facts = decode(write_sound(tmp_path / "loud.wav", x, 44100, subtype="FLOAT"))
    assert facts.peak == pytest.approx(np.abs(x).max()) and np.abs(y).max() > 0.1 * facts.peak


def the_plain_way(path):
    """The whole file at once, the mean of its channels, resampled in one go."""
    x, sr = soundfile.read(path, dtype="float32", always_2d=True)
    return soxr.resample(x.mean(axis=1), sr, SR)


@pytest.mark.parametrize("name", FORMATS)
def test_reading_in_blocks_changes_no_bit(tmp_path, name):
    """A sound of several blocks, in every format."""
    x = np.concatenate([noise_hit(random_state=i, sr=44100) for i in range(22)])
    stereo = np.stack([x, 0.6 * x[::-1]], axis=1)
    assert stereo.size > 2 * audio._BLOCK
    path = write_sound(tmp_path / name, stereo, 44100, **FORMATS[name])
    assert np.array_equal(load_audio(path), the_plain_way(path))


@pytest.mark.parametrize("channels", [1, 2, 3, 8])
@pytest.mark.parametrize("sr", [8000, SR, 44100, 96000, 192000])
def test_no_rate_and_no_channel_changes_a_bit(tmp_path, sr, channels):
    x = np.stack([noise_hit(sr=sr, random_state=i) for i in range(channels)], axis=1)
    path = write_sound(tmp_path / "plain.wav", x, sr, subtype="FLOAT")
    assert np.array_equal(load_audio(path), the_plain_way(path))


# -- channels that cancel each other


@pytest.mark.parametrize("channels", [2, 8])
def test_a_channel_upside_down_is_heard(tmp_path, channels):
    hit = noise_hit()
    x = np.stack([hit] * channels, axis=1) * np.tile([1, -1], channels // 2)
    y, facts = decode(write_sound(tmp_path / "upside.wav", x, subtype="FLOAT"))
    assert np.array_equal(y, hit)
    assert (facts.channels, facts.seconds) == (channels, len(hit) / SR)


def test_the_louder_channel_is_heard_and_not_the_hiss(tmp_path):
    hit = noise_hit(sr=44100)
    hiss = 0.003 * np.random.default_rng(1).standard_normal(len(hit))
    x = np.stack([hit, hiss - 0.9 * hit], axis=1)
    y = load_audio(write_sound(tmp_path / "hiss.wav", x, 44100, subtype="FLOAT"), sr=44100)
    assert np.corrcoef(y, hit)[0, 1] > 0.999
    assert np.abs(y).max() == pytest.approx(np.abs(hit).max())


@pytest.mark.parametrize("right", [0, 1, 0.5, -0.5], ids=["one side", "both", "aside", "against"])
def test_otherwise_it_is_the_mean(tmp_path, right):
    hit = noise_hit()
    x = np.stack([hit, right * hit], axis=1)
    y = load_audio(write_sound(tmp_path / "mean.wav", x, subtype="FLOAT"))
    assert np.allclose(y, (1 + right) / 2 * hit, atol=1e-6)


@pytest.mark.parametrize(
    "name",
    [b"caf\xe9.wav", b"two words @1.wav", "钹.flac".encode()],
    ids=["not utf-8", "space and @", "chinese"],
)
def test_any_file_name(tmp_path, name):
    path = tmp_path / os.fsdecode(name)
    try:
        write_sound(tmp_path / f"plain{path.suffix}").rename(path)
    except OSError:
        pytest.skip("this file system has no such names")
    assert usable(path)


# -- what is not


@pytest.mark.parametrize("sr", [8000, SR, 44100, 192000])
@pytest.mark.parametrize(
    "x, said",
    [
        ([], "empty"),
        ([0.5], "1 sample long"),
        ([0.5, -0.5], "2 samples long"),
        (np.full(7, 0.5), "less than a millisecond"),
        (np.zeros(5000), "silent"),
        (np.full(5000, 1e-7), "silent"),
        (np.where(np.arange(5000) == 77, np.nan, 0.1), "NaN or infinite"),
        (np.where(np.arange(5000) == 77, -np.inf, 0.1), "NaN or infinite"),
        (np.full(5000, 1e300) * np.tile([1, -1], 2500), "NaN or infinite"),
        (
            np.full(5000, 3.4e38) * np.tile([1, 1, -1, -1], 1250),
            None,
        ),  # resampling may carry it over the edge of float32
    ],
    ids=["none", "one", "two", "seven", "zeros", "tiny", "nan", "inf", "double", "edge of float32"],
)
@pytest.mark.filterwarnings("error")
def test_samples_that_make_no_sound(tmp_path, x, said, sr):
    path = write_sound(tmp_path / "odd.wav", x, sr, subtype="DOUBLE")
    if said is None:
        usable(path)
    else:
        with pytest.raises(AudioError, match=said) as e:
            load_audio(path)
        assert str(path) in str(e.value)


def test_eight_channels_at_the_edge_of_float32(tmp_path, recwarn):
    usable(write_sound(tmp_path / "edge.wav", np.full((5000, 8), 3.4e38), subtype="FLOAT"))
    assert not recwarn.list


@pytest.mark.filterwarnings("error")
def test_infinite_samples_of_both_signs(tmp_path):
    x = np.stack([noise_hit(), noise_hit()], axis=1)
    x[7] = np.inf, -np.inf
    assert not usable(write_sound(tmp_path / "inf.wav", x, subtype="FLOAT"))


@pytest.mark.parametrize("sr, n", [(2**31 - 1, 3000), (1_000_003, 3000), (1, 50), (7, 300)])
def test_absurd_rates(tmp_path, sr, n):
    usable(write_sound(tmp_path / "rate.wav", noise_hit(n / SR), sr))


def test_what_is_no_file(tmp_path):
    cases = {
        tmp_path: "is a folder",
        tmp_path / "none.wav": "no such file",
        tmp_path / ("x" * 300 + ".wav"): "no such file",
        "a\0b.wav": "no such file",
    }
    for path, said in cases.items():
        with pytest.raises(AudioError, match=said):
            load_audio(path)


@pytest.mark.parametrize("suffix", [".wav", ".raw", ".mp3", ".flac", ".txt", ""])
@pytest.mark.parametrize(
    "content",
    [b"", b"RIFF", b"I am no sound, whatever my name says.", b"\xff\xfb\x90\x00" * 20, bytes(5000)],
    ids=["empty", "riff", "text", "frame heads", "zeros"],
)
def test_what_is_no_sound(tmp_path, content, suffix):
    path = tmp_path / f"fake{suffix}"
    path.write_bytes(content)
    assert not usable(path)


@given(
    content=st.binary(max_size=400),
    name=st.sampled_from([*FORMATS, "x.raw", "x.au", "x.w64"]),
    head=st.sampled_from(
        [
            b"",
            b"RIFF\x24\x00\x00\x00WAVEfmt ",
            b"fLaC\x00\x00\x00\x22",
            b"FORM",
            b"OggS",
            b"ID3",
            b".snd",
        ]
    ),
)
def test_random_bytes(room, content, name, head):
    path = room / f"random-{name}"
    path.write_bytes(head + content)
    usable(path)


@given(name=st.sampled_from(list(FORMATS)), share=st.floats(0, 0.98))
def test_a_truncated_file_is_never_taken_for_a_whole_one(room, whole_files, name, share):
    path, content = room / f"cut-{name}", whole_files[name]
    path.write_bytes(content[: int(share * len(content))])
    if name.endswith((".ogg", ".mp3")):
        usable(path)  # streams have no length that could be compared
    else:
        assert not usable(path)


@given(name=st.sampled_from(list(FORMATS)), data=st.data())
def test_flipped_bits(room, whole_files, name, data):
    content = bytearray(whole_files[name])
    where = st.integers(0, 119) | st.integers(0, len(content) - 1)  # heads are the tender part
    for position, bit in data.draw(
        st.lists(st.tuples(where, st.integers(0, 7)), min_size=1, max_size=6)
    ):
        content[position % len(content)] ^= 1 << bit
    path = room / f"flipped-{name}"
    path.write_bytes(content)
    usable(path)


@given(
    field=st.sampled_from([4, 16, 20, 22, 24, 28, 32, 34, 40]),
    value=st.sampled_from([0, 1, 2, 255, 65535, 2**31 - 1, 2**31, 2**32 - 1]),
    size=st.sampled_from(["<H", "<I"]),
)
def test_a_wav_head_that_lies(room, whole_files, field, value, size):
    content = bytearray(whole_files["a.wav"])
    struct.pack_into(size, content, field, value & (0xFFFF if size == "<H" else 0xFFFFFFFF))
    path = room / "lies.wav"
    path.write_bytes(content)
    usable(path)


@pytest.mark.parametrize("size", [2**32 - 1, 2**31 - 1, 0x7FFFF000])
def test_a_wav_from_a_pipe_is_whole(tmp_path, size):
    """Who writes into a pipe does not know the length, and promises the most there can be."""
    path = write_sound(tmp_path / "piped.wav")
    content = bytearray(path.read_bytes())
    n = len(load_audio(path))
    struct.pack_into("<I", content, 4, size)
    struct.pack_into("<I", content, 40, size)
    path.write_bytes(content)
    assert len(load_audio(path)) == n


def test_a_flac_that_promises_more_than_memory_holds(tmp_path):
    """A length of 36 bits, a rate of 20: what is promised is not set aside before it is there."""
    path = write_sound(tmp_path / "vast.flac", np.stack([noise_hit()] * 8, axis=1))
    content = bytearray(path.read_bytes())
    packed = int.from_bytes(content[18:26], "big")
    rate, length = 655350, 655350 * 59
    channels, bits = 7, 15
    content[18:26] = (rate << 44 | channels << 41 | bits << 36 | length).to_bytes(8, "big")
    assert packed != int.from_bytes(content[18:26], "big")
    path.write_bytes(content)
    assert not usable(path)


def wav(payload, sr=SR, channels=1, tag=1, size=None):
    """A WAV file around some bytes; `size` is what its header says of them, if not the truth."""
    size = len(payload) if size is None else size
    facts = struct.pack("<HHIIHH", tag, channels, sr, 2 * sr & 0xFFFFFFFF, 2 * channels, 16)
    head = b"WAVEfmt " + struct.pack("<I", len(facts)) + facts + b"data" + struct.pack("<I", size)
    return b"RIFF" + struct.pack("<I", (len(head) + size) & 0xFFFFFFFF) + head + payload


def as_pcm(x):
    """Samples as 16-bit integers."""
    return (x * 32767).astype("<i2").tobytes()


def sparse(path, seconds, sr, channels=1):
    """A long file that takes no room: half a second of noise, and nothing after it."""
    size = 2 * channels * sr * seconds
    noise = np.repeat(noise_hit(0.5, sr), channels)
    path.write_bytes(wav(as_pcm(noise), sr, channels, size=size))
    os.truncate(path, 44 + size)
    return path


@pytest.fixture
def hour(tmp_path):
    """An hour of sound in a sparse file."""
    return sparse(tmp_path / "hour.wav", 3600, 8000)


def test_an_hour_is_refused_before_it_is_read(hour):
    with pytest.raises(AudioError, match=r"3600 s long.*cut it into hits") as e:
        load_audio(hour)
    assert "seconds=" not in str(e.value)  # which the shell does not have


def test_the_start_of_an_hour_can_be_had(hour):
    x, facts = decode(hour, seconds=0.5)
    assert len(x) == pytest.approx(SR / 2, abs=10) and facts.seconds == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("rate", [SR, 44100, 48000, 8000])
@pytest.mark.parametrize("seconds", [0.5, 0.1, 1 / 3, 0.05])
def test_the_start_of_a_file_is_as_long_as_was_asked_for(tmp_path, rate, seconds):
    path = write_sound(tmp_path / "beat.wav", noise_hit(0.7, rate), rate)
    assert len(load_audio(path, seconds=seconds)) == round(seconds * SR)
    assert len(load_audio(path, 16000, seconds=seconds)) == round(seconds * 16000)
    assert len(load_audio(path, seconds=9)) == len(load_audio(path))


@pytest.mark.parametrize("sr", [None, "44100", 0, -22050, math.nan, True, 2**31])
def test_a_rate_that_cannot_be_is_not_the_files_fault(tmp_path, sr):
    path = write_sound(tmp_path / "hit.wav")
    with pytest.raises(AudioError, match="^sr is samples a second, from 1,000 to 1,000,000, not"):
        load_audio(path, sr)


@pytest.mark.parametrize("seconds", [-1, 0, "1", math.nan, math.inf, 1e-5, [1]])
def test_a_start_that_cannot_be_is_not_the_files_fault(tmp_path, seconds):
    path = write_sound(tmp_path / "hit.wav")
    with pytest.raises(AudioError, match="^seconds is how much of the start of a file is read"):
        load_audio(path, seconds=seconds)


NO_SAMPLES = [None, 0.5, {}, object(), "kick", ["a"], ["0.5"], [[1, 2], [3]], [True, False]]
NO_SAMPLES += [np.arange(9, dtype=np.uint8), np.ones(9, complex)]  # 8 bits around 128; no sound


@pytest.mark.parametrize("x", NO_SAMPLES, ids=lambda x: type(x).__name__)
def test_what_is_no_array_of_samples(x):
    with pytest.raises(AudioError, match="my take: is .*, and a sound is an array of samples"):
        check_sound(x, "my take")


@pytest.mark.parametrize("kind", [np.int16, np.int32, np.float64, ">f4", object])
def test_samples_of_any_signed_kind(kind):
    x = np.array([0, -1, 1, 2] * 100, kind)
    assert check_sound(x).dtype == np.float32 and (check_sound(x) == x).all()


def test_the_longest_file_that_is_read_whole(tmp_path):
    x = np.zeros(int(MAX_SECONDS * 8000), np.float32)
    x[:800] = noise_hit(0.1, 8000)
    assert len(load_audio(write_sound(tmp_path / "minute.wav", x, 8000))) == MAX_SECONDS * SR
    with pytest.raises(AudioError, match="60 s long"):
        load_audio(write_sound(tmp_path / "more.wav", np.append(x, x[:800]), 8000))


# -- what a small file may cost


@pytest.mark.parametrize(
    "seconds, sr, channels, said",
    [
        (1, 2**31 - 1, 1, "no recording by its header"),
        (1, 48000, 255, "no recording by its header"),
        (55, 96000, 16, "mix it down to stereo"),
    ],
)
def test_more_than_a_recording_has_is_refused(tmp_path, seconds, sr, channels, said):
    path = tmp_path / "vast.wav"
    path.write_bytes(wav(bytes(10**5), sr, channels, size=2 * channels * min(sr, 10**6) * seconds))
    os.truncate(path, 44 + 2 * channels * min(sr, 10**6) * seconds)
    with pytest.raises(AudioError, match=said) as e:
        load_audio(path)
    assert "\n" not in str(e.value)


@pytest.mark.parametrize("sr, channels", [(768_000, 1), (48_000, 64)])
def test_memory_holds_a_block_and_the_result(tmp_path, sr, channels):
    path = sparse(tmp_path / "wide.wav", 10, sr, channels)
    tracemalloc.start()
    try:
        assert usable(path)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 12e6


def test_only_what_is_asked_for_is_read(hour, monkeypatch):
    read = []

    def count(self, frames, **kw):
        read.append(frames)
        return soundfile.SoundFile.read(self, frames, **kw)

    monkeypatch.setattr(audio._Stream, "read", count)
    decode(hour, seconds=0.5)
    assert sum(read) == 4000


# -- a sound whose header is of no use


def with_length(flac, length):
    """The bytes of a FLAC whose header says so many frames."""
    content = bytearray(flac)
    packed = int.from_bytes(content[18:26], "big")
    content[18:26] = (packed >> 36 << 36 | length).to_bytes(8, "big")
    return content


@pytest.mark.parametrize("length", [0, 2**36 - 1], ids=["unknown", "absurd"])
def test_a_flac_that_does_not_know_its_length_is_counted(room, whole_files, length):
    path = room / "counted.flac"
    path.write_bytes(with_length(whole_files["c.flac"], length))
    assert np.array_equal(load_audio(path), load_audio(room / "c.flac"))
    assert len(load_audio(path, seconds=0.05)) == round(0.05 * SR)


def test_a_flac_that_does_not_know_its_length_may_be_too_long(tmp_path):
    x = np.append(noise_hit(0.5, 8000), np.zeros(70 * 8000))
    path = write_sound(tmp_path / "long.flac", x, 8000)
    path.write_bytes(with_length(path.read_bytes(), 0))
    with pytest.raises(AudioError, match="more than .* s long"):
        load_audio(path)
    assert usable(path, seconds=1)


def test_the_estimate_of_an_mp3_is_no_promise(tmp_path):
    """Without its first frame, which counts the others, the length is guessed from the start."""
    quiet, loud = np.zeros(44100), np.random.default_rng(0).uniform(-0.9, 0.9, 44100)
    x = np.append(quiet, loud)
    kw = dict(bitrate_mode="VARIABLE", compression_level=0.5)
    path = write_sound(tmp_path / "guess.mp3", x, 44100, **kw)
    content = path.read_bytes()
    path.write_bytes(content[content.index(b"\xff\xfb", 4) :])
    with soundfile.SoundFile(path) as f:
        assert f.frames > 1.2 * len(x)
    _, facts = decode(path)
    assert facts.seconds == pytest.approx(2, abs=0.1)


def test_the_mp3_files_of_the_kits_are_whole():
    mirror = Path(os.environ.get("DRUMLESSON_MIRROR", "off"))
    if not (mirror / "manifest.csv").is_file():
        pytest.skip("no recorded kits in a mirror folder")
    with open(mirror / "manifest.csv", encoding="utf-8", newline="") as f:
        rows = [row for row in csv.DictReader(f) if row["kit"] == "Philharmonia_perc"]
    assert len(rows) == 13
    for row in rows:
        assert usable(mirror / row["repo"] / row["commit"] / row["path"])


@pytest.mark.parametrize("tag", [0x674F, 0x6750, 0x6751, 0x676F, 0x6770, 0x6771, 1])
def test_an_ogg_stream_inside_a_wav_is_found(room, whole_files, tag):
    path = room / "fruity.wav"
    path.write_bytes(wav(whole_files["d.ogg"], tag=tag))
    assert np.array_equal(load_audio(path), load_audio(room / "d.ogg"))


def at(content, name, value):
    """The bytes of a file with another size of a chunk."""
    begin = content.index(name) + len(name)
    return content[:begin] + value + content[begin + len(value) :]


NEVER_FILLED_IN = {
    "a.wav": [(b"data", bytes(4))],
    "b.wav": [(b"data", bytes(4)), (b"RIFF", bytes(4))],
    "e.aiff": [(b"SSND", (8).to_bytes(4, "big")), (b"FORM", bytes(4))],
    "g.caf": [(b"data", b"\xff" * 8)],
    "h.au": [(b".snd\0\0\0\x18", b"\xff" * 4)],
}


@pytest.mark.parametrize("name", NEVER_FILLED_IN)
def test_a_sound_whose_size_was_never_filled_in_reaches_to_the_end(room, whole_files, name):
    content = whole_files[name]
    for chunk, value in NEVER_FILLED_IN[name]:
        content = at(content, chunk, value)
    path = room / f"crashed-{name}"
    path.write_bytes(content)
    n = len(load_audio(room / name))
    assert np.array_equal(load_audio(path)[:n], load_audio(room / name))


def test_what_follows_an_empty_sound_is_not_heard(tmp_path):
    path = tmp_path / "tagged.wav"
    path.write_bytes(wav(b"") + b"LIST" + struct.pack("<I", 4000) + bytes(range(250)) * 16)
    assert not usable(path)


def test_who_cannot_be_helped_is_told_why(tmp_path, monkeypatch):
    monkeypatch.setattr(audio, "_RESCUED", 5000)
    path = tmp_path / "vast.wav"
    path.write_bytes(wav(as_pcm(noise_hit()), size=0))
    with pytest.raises(AudioError, match="empty according to its header, though"):
        load_audio(path)


@given(
    x=st.one_of(
        st.lists(st.floats(width=32), max_size=50),
        st.lists(st.lists(st.floats(-1, 1, width=32), min_size=2, max_size=2), max_size=50),
    ),
    times=st.integers(1, 20),
)
def test_samples_are_checked_like_files(x, times):
    try:
        y = check_sound(np.array(x * times, np.float32), "my take")
    except AudioError as e:
        assert str(e).startswith("my take: ")
    else:
        assert y.dtype == np.float32 and y.ndim == 1 and len(y) and np.isfinite(y).all() and y.any()


# -- many files


def test_what_fails_is_listed_and_the_rest_is_done(tmp_path, hour):
    good = [write_sound(tmp_path / f"good{i}.wav", noise_hit(random_state=i)) for i in range(5)]
    fake = {
        tmp_path / name: tmp_path / name
        for name in ("text.wav", "text.raw", "empty.wav", "none.wav", "x" * 300 + ".wav")
    }
    (tmp_path / "text.wav").write_text("no sound")
    (tmp_path / "text.raw").write_text("no sound")
    (tmp_path / "empty.wav").touch()
    silent = write_sound(tmp_path / "silent.wav", np.zeros(5000))
    hits, failed = load_hits([*good[:2], *fake, hour, silent, *good[2:]])
    assert list(hits) == good and all(isinstance(facts, AudioInfo) for _, facts in hits.values())
    assert set(failed) == {*fake, hour, silent} and all(
        str(path) in why for path, why in failed.items()
    )


def test_a_lack_of_memory_is_the_fault_of_one_file(tmp_path, monkeypatch):
    paths = [write_sound(tmp_path / f"{i}.wav", noise_hit(random_state=i)) for i in range(3)]
    mix = audio._mix

    def lacking(path, *args):
        if path == paths[1]:
            raise MemoryError
        return mix(path, *args)

    monkeypatch.setattr(audio, "_mix", lacking)
    hits, failed = load_hits(paths)
    assert list(hits) == [paths[0], paths[2]]
    assert "memory" in failed[paths[1]] and str(paths[1]) in failed[paths[1]]


def test_what_is_kept_of_a_hit_lies_around_its_loudest_moment(tmp_path):
    lead = np.zeros(int((KEEP_SECONDS + 1) * SR), np.float32)
    late = write_sound(tmp_path / "late.wav", np.concatenate([lead, noise_hit()]))
    ringing = write_sound(
        tmp_path / "ringing.wav", np.concatenate([noise_hit(), np.full(10 * SR, 0.001, np.float32)])
    )
    hits, failed = load_hits([late, ringing])
    assert not failed
    late, ringing = hits[late][0], hits[ringing][0]
    assert len(late) == pytest.approx(_LEAD_SECONDS * SR + len(noise_hit()), abs=SR / 100)
    assert len(ringing) == pytest.approx(KEEP_SECONDS * SR, abs=SR / 100)
    assert loudest(late) == pytest.approx(_LEAD_SECONDS * SR, abs=SR / 100)
    assert late.base is None, "a view keeps the whole file"


def test_nothing_to_decode_is_no_error():
    assert load_hits([]) == ({}, {})


# -- what the decoder has to say


@pytest.fixture
def noisy(tmp_path):
    """Damaged MP3 files, on which the decoder comments."""
    content = write_sound(tmp_path / "whole.mp3", noise_hit(1, 44100), 44100).read_bytes()
    rng = random.Random(0)
    for i in range(8):
        damaged = bytearray(content)
        for _ in range(30):
            damaged[rng.randrange(500, len(damaged))] ^= 1 << rng.randrange(8)
        (tmp_path / f"{i}.mp3").write_bytes(damaged)
    return sorted(tmp_path.glob("?.mp3"))


def test_the_streams_of_a_host_are_left_alone(noisy, capfd):
    before = sys.stderr
    load_hits(noisy, progress=lambda items, total: [*items, print("seen", file=sys.stderr)][:-1])
    assert sys.stderr is before
    told = capfd.readouterr().err
    assert "seen" in told and "mpg123" in told


OWNED = """
import sys
from pathlib import Path
from tqdm import tqdm
from drumlesson.audio import load_hits
from drumlesson.backend import own_process

def bar(items, total):
    return tqdm(items, total=total, disable=not sys.stderr.isatty())

own_process()
hits, failed = load_hits(sorted(Path(sys.argv[1]).glob("?.mp3")), progress=bar)
print(len(hits) + len(failed))
print("the end", file=sys.stderr)
"""


def test_a_process_of_our_own_does_not_hear_the_decoder(noisy):
    command = [sys.executable, "-c", OWNED, str(noisy[0].parent)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("8\n", "the end\n")


def test_the_bar_is_still_seen_on_a_terminal(noisy):
    pty, termios = pytest.importorskip("pty"), pytest.importorskip("termios")
    terminal, end = pty.openpty()
    termios.tcsetwinsize(end, (24, 80))  # in one without columns there is no bar
    command = [sys.executable, "-c", OWNED, str(noisy[0].parent)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=end) as process:
        os.close(end)
        assert process.communicate()[0] == b"8\n"
    told = os.read(terminal, 10000).decode()
    os.close(terminal)
    assert "8/8" in told and "the end" in told and "mpg123" not in told


# -- mutants: whatever is done to a file, it is a sound or an AudioError


EXTREMES = [0, 1, 7, 255, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1]


def place(content, rng):
    """Somewhere in a file; heads are the tender part."""
    size = min(160, len(content)) if rng.random() < 0.6 else len(content)
    return rng.randrange(size)


def flip(content, other, rng):
    for _ in range(rng.randint(1, 12)):
        content[place(content, rng)] ^= 1 << rng.randrange(8)


def cut(content, other, rng):
    del content[rng.randrange(len(content)) :]


def drop(content, other, rng):
    begin = place(content, rng)
    del content[begin : begin + rng.randrange(1, 500)]


def resize(content, other, rng):
    width, order = rng.choice([2, 4, 8]), rng.choice(["little", "big"])
    begin = place(content, rng)
    value = rng.choice(EXTREMES) % 256**width
    content[begin : begin + width] = value.to_bytes(width, order)


def splice(content, other, rng):
    content[rng.randrange(len(content)) :] = other[rng.randrange(len(other)) :]


def other_head(content, other, rng):
    size = rng.randrange(8, 120)
    content[:size] = other[:size]


def repeat(content, other, rng):
    begin = rng.randrange(len(content))
    block = content[begin : begin + rng.randrange(1, 2000)]
    content[begin:begin] = block * rng.choice([1, 2, 20])


def blank(content, other, rng):
    begin = place(content, rng)
    size = len(content[begin : begin + rng.randrange(1, 500)])
    content[begin : begin + size] = bytes([rng.choice([0, 255])]) * size


MUTATORS = [flip, cut, drop, resize, resize, splice, other_head, repeat, blank]


def test_three_hundred_mutants(room, whole_files):
    seeds = list(whole_files.values())
    seeds += [wav(whole_files["d.ogg"], tag=0x674F), wav(as_pcm(noise_hit()), size=0)]
    seeds.append(with_length(whole_files["c.flac"], 0))
    path = room / "mutant"
    rng = random.Random(1)
    for _ in range(300):
        content = bytearray(rng.choice(seeds))
        for mutate in rng.sample(MUTATORS, rng.choice([1, 1, 2, 3])):
            if content:
                mutate(content, rng.choice(seeds), rng)
        path.write_bytes(content)
        usable(path)


def test_a_path_may_begin_with_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    soundfile.write(tmp_path / "beat.wav", np.full(2205, 0.5), 22050)
    assert len(load_audio("~/beat.wav")) == 2205
