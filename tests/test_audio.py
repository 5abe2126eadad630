"""Whatever is in a file: a sound that can be used, or an AudioError that names the file."""

import os
import struct

import numpy as np
import pytest
from conftest import noise_hit, write_sound
from hypothesis import given
from hypothesis import strategies as st

from drumlesson.audio import (
    KEEP_SECONDS,
    MAX_SECONDS,
    SR,
    AudioError,
    AudioInfo,
    check_sound,
    decode,
    load_audio,
    load_hits,
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


def test_eight_channels_that_only_cancel_are_named(tmp_path):
    x = np.stack([noise_hit()] * 8, axis=1) * np.tile([1, -1], 4)
    with pytest.raises(AudioError, match="channels cancel"):
        load_audio(write_sound(tmp_path / "cancel.wav", x, subtype="FLOAT"))


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


@pytest.fixture
def hour(tmp_path):
    """An hour of sound in a sparse file: half a second of noise, and nothing after it."""
    sr, n = 8000, 3600 * 8000
    path = tmp_path / "hour.wav"
    with path.open("wb") as f:
        f.write(
            struct.pack(
                "<4sI4s4sIHHIIHH4sI",
                b"RIFF",
                36 + 2 * n,
                b"WAVE",
                b"fmt ",
                16,
                1,
                1,
                sr,
                2 * sr,
                2,
                16,
                b"data",
                2 * n,
            )
        )
        f.write((noise_hit(0.5, sr) * 32767).astype("<i2").tobytes())
        f.truncate(44 + 2 * n)
    return path


def test_an_hour_is_refused_before_it_is_read(hour):
    with pytest.raises(AudioError, match=r"3600 s long.*cut it into hits"):
        load_audio(hour)


def test_the_start_of_an_hour_can_be_had(hour):
    x, facts = decode(hour, seconds=0.5)
    assert len(x) == pytest.approx(SR / 2, abs=10) and facts.seconds == pytest.approx(0.5, abs=0.01)


def test_the_longest_file_that_is_read_whole(tmp_path):
    x = np.zeros(int(MAX_SECONDS * 8000), np.float32)
    x[:800] = noise_hit(0.1, 8000)
    assert len(load_audio(write_sound(tmp_path / "minute.wav", x, 8000))) == MAX_SECONDS * SR
    with pytest.raises(AudioError, match="60 s long"):
        load_audio(write_sound(tmp_path / "more.wav", np.append(x, x[:800]), 8000))


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


def test_what_is_kept_of_a_hit_holds_sound(tmp_path):
    """A hit that begins after the seconds that are kept is no hit."""
    late = write_sound(
        tmp_path / "late.wav",
        np.concatenate([np.zeros(int((KEEP_SECONDS + 1) * SR), np.float32), noise_hit()]),
    )
    ringing = write_sound(
        tmp_path / "ringing.wav", np.concatenate([noise_hit(), np.full(10 * SR, 0.001, np.float32)])
    )
    hits, failed = load_hits([late, ringing])
    assert len(hits[ringing][0]) == KEEP_SECONDS * SR
    assert list(failed) == [late] and "silent" in failed[late]


def test_nothing_to_decode_is_no_error():
    assert load_hits([]) == ({}, {})
