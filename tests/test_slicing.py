"""Cutting a recording into its hits: where, how, and all or none."""

import os

import numpy as np
import pytest
import soundfile
from conftest import files_below, interrupted_amid, write_sound
from hypothesis import given
from hypothesis import strategies as st

from drumlesson import slicing
from drumlesson.audio import AudioError
from drumlesson.drums import load_drums
from drumlesson.groove import DRUMS
from drumlesson.midi import Groove
from drumlesson.slicing import _hits, slice_hits

SR = 44_100
FADE = round(0.005 * SR)
PLAYED = Groove([0.1, 0.5, 0.51, 1.0], ["kick", "snare", "hihat", "other"], duration=2.5)
PLACES = ["kick/loop_001.wav", "other/loop_003.wav", "several/loop_002_snare+hihat.wav"]


@pytest.fixture
def loop(tmp_path):
    """Two and a half seconds of two channels, in which each sample has a value of its own."""
    x = np.linspace(-1, 1, round(2.5 * SR))
    both = np.stack([x, -x / 2], axis=1)
    return write_sound(tmp_path / "loop.wav", both, SR, subtype="DOUBLE")


def samples_of(path):
    """The samples of a file, (samples, channels)."""
    return soundfile.read(path, always_2d=True)[0]


# -- what sounds together


def test_notes_close_to_each_other_are_one_hit():
    drums = [(round(hit.time, 2), sorted(hit.drums)) for hit in _hits(PLAYED)]
    assert drums == [(0.1, ["kick"]), (0.5, ["hihat", "snare"]), (1.0, ["other"])]


@pytest.mark.parametrize("apart, hits", [(0.0, 1), (0.029, 1), (0.031, 2)])
def test_how_close_that_is(apart, hits):
    assert len(_hits(Groove([1.0, 1.0 + apart], ["kick", "tom"]))) == hits


def test_a_roll_over_all_drums_is_not_one_hit():
    """The first of them counts, or a fast fill would be one hit of several drums."""
    times = np.arange(6) * 0.02
    found = _hits(Groove(times, DRUMS))
    assert [len(hit.drums) for hit in found] == [2, 2, 2]


notes = st.lists(st.tuples(st.floats(0, 2.4), st.sampled_from(DRUMS)), min_size=1, max_size=30)


@given(notes)
def test_no_note_is_lost(notes):
    groove = Groove([time for time, _ in notes], [drum for _, drum in notes])
    hits = _hits(groove)
    starts = np.array([hit.time for hit in hits])
    assert np.all(np.diff(starts) >= 0.03) and {*starts} <= {*groove.times}
    for time, drum in zip(groove.times, groove.labels, strict=True):
        mine = hits[np.searchsorted(starts, time, side="right") - 1]
        assert drum in mine.drums and 0 <= time - mine.time < 0.03


# -- where it is cut


def test_pieces_lie_in_folders_named_after_the_drums(loop, tmp_path):
    written = slice_hits(loop, tmp_path / "hits", PLAYED)
    assert files_below(tmp_path / "hits") == PLACES
    assert [path.name[:8] for path in written] == ["loop_001", "loop_002", "loop_003"]
    assert all(path.is_file() for path in written)


def test_a_piece_reaches_from_its_hit_to_the_next(loop, tmp_path):
    """But no further than a second; between the fades each sample is as it was."""
    whole = samples_of(loop)
    starts = [round((time - 0.015) * SR) for time in (0.1, 0.5, 1.0)]
    ends = [*starts[1:], starts[2] + SR]
    for path, start, end in zip(slice_hits(loop, tmp_path, PLAYED), starts, ends, strict=True):
        x = samples_of(path)
        assert len(x) == end - start
        np.testing.assert_array_equal(x[FADE:-FADE], whole[start + FADE : end - FADE])
        assert np.all(x[[0, -1]] == 0) and np.all(np.abs(x) <= np.abs(whole[start:end]))


def test_a_piece_from_the_very_start_is_there_at_once(loop, tmp_path):
    (path,) = slice_hits(loop, tmp_path, Groove([0.0], ["kick"]))
    x = samples_of(path)
    np.testing.assert_array_equal(x[:-FADE], samples_of(loop)[: SR - FADE])


def test_the_last_piece_ends_with_the_recording(loop, tmp_path):
    (path,) = slice_hits(loop, tmp_path, Groove([2.2], ["tom"]))
    assert len(samples_of(path)) == round(2.5 * SR) - round(2.185 * SR)


def test_how_long_a_piece_may_be(loop, tmp_path):
    (path,) = slice_hits(loop, tmp_path, Groove([0.5], ["tom"]), longest=0.25)
    assert len(samples_of(path)) == SR // 4


@given(notes)
def test_pieces_never_overlap(tmp_path_factory, notes):
    folder = tmp_path_factory.mktemp("pieces")
    x = np.linspace(0.1, 1, 2500)  # at 1,000 Hz, so that they are few
    path = write_sound(folder / "x.wav", x, 1000, subtype="DOUBLE")
    groove = Groove([time for time, _ in notes], [drum for _, drum in notes])
    reached = 0.0
    for piece in slice_hits(path, folder, groove):
        middle = samples_of(piece)[5:-5, 0]
        assert np.all(np.diff(middle) > 0) and (len(middle) == 0 or middle[0] > reached)
        reached = middle[-1] if len(middle) else reached
        assert 15 <= len(middle) + 10 <= 1000


@pytest.mark.parametrize(
    "ending, subtype, kept",
    [
        ("wav", "PCM_16", "PCM_16"),
        ("flac", "PCM_24", "PCM_24"),
        ("wav", "FLOAT", "FLOAT"),
        ("wav", "PCM_U8", "PCM_24"),
        ("ogg", "VORBIS", "PCM_24"),
        ("mp3", "MPEG_LAYER_III", "PCM_24"),
    ],
)
def test_rate_channels_and_bits_are_the_recordings_own(tmp_path, ending, subtype, kept):
    rng = np.random.default_rng(0)
    x = rng.uniform(-0.5, 0.5, (2 * SR, 2))
    path = write_sound(tmp_path / f"x.{ending}", x, SR, subtype=subtype)
    (piece,) = slice_hits(path, tmp_path / "hits", Groove([0.5], ["kick"]))
    facts = soundfile.info(piece)
    assert (facts.format, facts.subtype) == ("WAV", kept)
    assert (facts.samplerate, facts.channels, facts.frames) == (SR, 2, SR)
    if kept == subtype:
        start = round(0.485 * SR) + FADE
        there = samples_of(path)[start : start + SR - 2 * FADE]
        np.testing.assert_array_equal(samples_of(piece)[FADE:-FADE], there)


# -- what becomes of the pieces


def test_the_pieces_of_one_drum_can_be_learned_from(loop, tmp_path):
    """Those of several, and of what is no class, are left out and named."""
    into = tmp_path / "hits"
    slice_hits(loop, into, PLAYED)
    drums = load_drums(into)
    assert drums.labels.tolist() == ["kick"] and len(drums.problems) == 2
    assert all("lies in no folder named after a class" in why for why in drums.problems.values())


def test_recordings_in_folders_of_their_own_are_kits(loop, tmp_path):
    for kit in ("first", "second"):
        slice_hits(loop, tmp_path / "hits" / kit, PLAYED)
    assert load_drums(tmp_path / "hits").kits.tolist() == ["first", "second"]


def test_what_the_transcriber_hears_is_cut(beat, tmp_path, monkeypatch):
    monkeypatch.setattr(slicing, "transcribe", lambda path: beat.groove)
    path = write_sound(tmp_path / "beat.wav", beat.x)
    written = slice_hits(path, tmp_path)
    assert len(written) == len(_hits(beat.groove))
    assert {path.parent.name for path in written} == {*beat.groove.labels}


# -- all or none


def test_pieces_that_are_there_are_never_replaced(loop, tmp_path):
    into = tmp_path / "hits"
    slice_hits(loop, into, PLAYED)
    (into / "kick/loop_001.wav").rename(into / "several/loop_001.wav")  # somebody knows better
    (into / "kick").rmdir()
    before = files_below(into)
    with pytest.raises(ValueError, match=r"other/loop_003\.wav: is there already"):
        slice_hits(loop, into, PLAYED)
    assert files_below(into) == before


def test_recordings_whose_names_begin_alike_are_two(loop, tmp_path):
    other = tmp_path / "loop_001.wav"
    other.write_bytes(loop.read_bytes())
    slice_hits(other, tmp_path / "hits", PLAYED)
    slice_hits(loop, tmp_path / "hits", PLAYED)
    assert len(files_below(tmp_path / "hits")) == 6


@pytest.mark.parametrize("name", ["loop[1]*.wav", "-loop.wav", "löp.WAV", "x" * 240 + ".wav"])
def test_names_of_all_kinds(loop, tmp_path, name):
    try:
        path = loop.rename(tmp_path / name)
    except OSError:
        pytest.skip("no such names here")
    (first, *_) = slice_hits(path, tmp_path / "hits", PLAYED)
    assert first.parent == tmp_path / "hits/kick" and first.stem.startswith(path.stem[:190])
    with pytest.raises(ValueError, match="is there already"):
        slice_hits(path, tmp_path / "hits", PLAYED)


def test_a_file_is_no_folder(loop, tmp_path):
    before = files_below(tmp_path)
    with pytest.raises(ValueError, match="is a file, and no folder"):
        slice_hits(loop, loop, PLAYED)
    assert files_below(tmp_path) == before


def test_a_place_where_one_may_not_write_is_told_first(loop, tmp_path, monkeypatch):
    monkeypatch.setattr(slicing.os, "access", lambda place, mode: place != tmp_path)
    with pytest.raises(ValueError, match="new/hits: nobody lets you write into .*: choose another"):
        slicing._check_free(tmp_path / "new" / "hits", "loop")
    assert files_below(tmp_path) == ["loop.wav"]
    slicing._check_free(tmp_path.parent / "hits", "loop")


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("is_there", [False, True])
def test_when_one_cannot_be_written_none_is(loop, tmp_path, monkeypatch, error, is_there):
    into = tmp_path / "new/hits"
    if is_there:
        write_sound(into / "kick/mine.wav")
    before = sorted(tmp_path.rglob("*"))
    replace = os.replace

    def failing(source, target):
        if "loop_003" in str(target):
            raise error
        replace(source, target)

    monkeypatch.setattr(os, "replace", failing)
    with pytest.raises(type(error)) as raised:
        slice_hits(loop, into, PLAYED)
    if isinstance(error, OSError):
        assert "loop_003.wav: cannot be written (No space left on device)" in str(raised.value)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_recording_that_ends_before_its_groove(loop, tmp_path):
    with pytest.raises(AudioError, match=r"loop\.wav: ends before 2\.60 s"):
        slice_hits(loop, tmp_path / "hits", Groove([0.1, 2.6], ["kick", "kick"]))
    assert files_below(tmp_path) == ["loop.wav"] and not (tmp_path / "hits").exists()


def test_a_groove_of_nothing(loop, tmp_path):
    with pytest.raises(AudioError, match="no drum is heard in it"):
        slice_hits(loop, tmp_path / "hits", Groove([], []))
    assert not (tmp_path / "hits").exists()


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda p: None, "there is no such file"),
        (lambda p: p.mkdir(), "it is a folder"),
        (lambda p: p.write_text("no sound"), "cannot be read as sound"),
        (lambda p: p.write_bytes(write_sound(p).read_bytes()[:5000]), "truncated"),
        (lambda p: write_sound(p, np.zeros(SR)), "is silent"),
    ],
    ids=["missing", "folder", "text", "truncated", "silent"],
)
def test_what_is_no_recording(tmp_path, make, message):
    path = tmp_path / "x.wav"
    make(path)
    with pytest.raises(AudioError, match=message) as error:
        slice_hits(path, tmp_path / "hits", PLAYED)
    assert str(error.value).startswith(f"{path}: ") and not (tmp_path / "hits").exists()


@pytest.mark.parametrize("path, into", [("", "hits"), ("beat.wav", "")])
def test_an_empty_path(path, into, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="a path is empty"):
        slice_hits(path, into)
    assert files_below(tmp_path) == []


def test_an_interrupt_amid_a_piece_is_not_lost(loop, tmp_path, monkeypatch):
    ended = interrupted_amid(monkeypatch, "soundfile.write")
    with pytest.raises(KeyboardInterrupt):
        slice_hits(loop, tmp_path / "hits", PLAYED)
    assert ended == ["soundfile.write"] and files_below(tmp_path / "hits") == []
