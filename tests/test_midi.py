"""Grooves in MIDI files and tables, read and written."""

import math
import os
import warnings
from dataclasses import replace

import mido
import numpy as np
import pytest
from conftest import files_below
from hypothesis import given, settings
from hypothesis import strategies as st

from drumlesson.labels import LABELS
from drumlesson.midi import (
    DRUM_NOTES,
    GENERAL_MIDI,
    Groove,
    read_midi,
    read_notes,
    write_midi,
    write_notes,
)

NAMES = (*LABELS, "other")
DRUMS = 9  # the tenth channel, as mido counts


def save(path, *tracks, ticks=480, kind=None):
    """Writes a MIDI file from lists of (ticks since the message before, message)."""
    midi = mido.MidiFile(type=int(len(tracks) > 1) if kind is None else kind, ticks_per_beat=ticks)
    for messages in tracks:
        track = midi.add_track()
        track += [message.copy(time=time) for time, message in messages]
    midi.save(path)
    return path


def on(note, velocity=100, channel=DRUMS):
    return mido.Message("note_on", note=note, velocity=velocity, channel=channel)


def tempo(bpm):
    return mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(bpm))


@pytest.fixture
def rock():
    labels = ["hihat", "kick", "hihat", "snare", "hihat", "cymbal"]
    return Groove([0, 0, 0.25, 0.5, 0.5, 0.75], labels, [60, 100, 40, 127, 60, 1], name="rock")


@pytest.fixture
def quietly():
    """A warning is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


# -- the maps


def test_what_is_written_is_read_as_the_same_class():
    assert tuple(DRUM_NOTES) == NAMES
    assert {label: GENERAL_MIDI[note][0] for label, note in DRUM_NOTES.items()} == {
        name: name for name in NAMES
    }


@pytest.mark.parametrize(
    ("label", "notes"),
    [
        ("kick", {35, 36}),
        ("snare", {38, 40}),
        ("hihat", {22, 26, 42, 44, 46}),
        ("cymbal", {49, 51, 52, 53, 55, 57, 59}),
        ("tom", {41, 43, 45, 47, 48, 50, 58}),
    ],
)
def test_the_classes_of_general_midi(label, notes):
    assert {note for note, (drum, _) in GENERAL_MIDI.items() if drum == label} == notes


def test_side_stick_clap_tambourine_and_cowbell_are_known_and_other():
    assert {GENERAL_MIDI[note][0] for note in (37, 39, 54, 56)} == {"other"}


# -- a groove


def test_notes_are_kept_in_the_order_of_time_and_at_one_instant_as_they_came():
    groove = Groove([1, 0.5, 1, 0], ["kick", "tom", "snare", "hihat"], [1, 2, 3, 4])
    assert groove.times.tolist() == [0, 0.5, 1, 1]
    assert groove.labels.tolist() == ["hihat", "tom", "kick", "snare"]
    assert groove.velocities.tolist() == [4, 2, 1, 3]
    assert groove.notes.tolist() == [42, 45, 36, 38]
    assert groove.duration == 1 and len(groove) == 4


@pytest.mark.parametrize("name", ["times", "labels", "velocities", "notes"])
def test_nobody_changes_a_groove_in_place(rock, name):
    with pytest.raises(ValueError, match="read-only"):
        getattr(rock, name)[0] = getattr(rock, name)[1]


def test_a_groove_keeps_no_hold_of_the_arrays_it_was_made_of():
    times = np.array([0.0, 1.0])
    groove = Groove(times, ["kick", "kick"])
    times[0] = 7
    assert groove.times.tolist() == [0, 1]


def test_a_groove_may_be_empty():
    groove = Groove([], [], duration=2)
    assert len(groove) == 0 and groove.duration == 2 and repr(groove) == "Groove(0 notes in 2.0 s)"


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"labels": ["kick"]}, "a label for each time"),
        ({"times": [[0, 1]], "labels": [["kick", "kick"]]}, "a label for each time"),
        ({"labels": ["kick", "gong"]}, "not 'gong'"),
        ({"velocities": [1]}, "2 notes has 1 velocities"),
        ({"notes": [1, 2, 3]}, "2 notes has 3 notes"),
        ({"velocities": [0, 1]}, "from 1 to 127"),
        ({"velocities": [1, 128]}, "from 1 to 127"),
        ({"notes": [1, 128]}, "from 0 to 127"),
        ({"times": [-1, 0]}, "0 or more"),
        ({"times": [0, math.nan]}, "0 or more"),
        ({"times": [0, math.inf]}, "0 or more"),
        ({"duration": 0.5}, "ends before its last note"),
        ({"duration": math.nan}, "ends before its last note"),
        ({"tempo": 0}, "a tempo is a number above 0"),
    ],
)
def test_what_is_no_groove_is_said_in_one_line(facts, why):
    whole = {"times": [0, 1], "labels": ["kick", "snare"]}
    with pytest.raises(ValueError, match=why) as caught:
        Groove(**whole | facts)
    assert "\n" not in str(caught.value)


def test_a_part_of_a_groove_begins_at_zero_and_leaves_the_end_out(rock):
    part = rock.between(0.25, 0.5)
    assert part.times.tolist() == [0] and part.labels.tolist() == ["hihat"]
    assert part.velocities.tolist() == [40] and part.duration == 0.25 and part.name == "rock"
    parts = [rock.between(start, start + 0.2) for start in np.arange(0, 0.8, 0.2)]
    assert sum(map(len, parts)) == len(rock)


# -- reading


def test_a_note_of_velocity_0_is_a_note_off(tmp_path):
    path = save(tmp_path / "a.mid", [(0, on(36, 90)), (240, on(36, 0)), (240, on(36, 80))])
    groove = read_midi(path)
    assert groove.times.tolist() == [0, 0.5] and groove.velocities.tolist() == [90, 80]


def test_the_tempo_may_change_on_the_way(tmp_path):
    messages = [(0, on(36)), (480, tempo(60)), (480, on(38)), (480, tempo(240)), (480, on(42))]
    groove = read_midi(save(tmp_path / "a.mid", messages))
    assert groove.times.tolist() == [0, 0.5 + 1, 0.5 + 2 + 0.25]
    assert groove.duration == groove.times[-1] and groove.tempo == 60


def test_a_tempo_in_one_track_holds_for_all(tmp_path):
    path = save(tmp_path / "a.mid", [(480, tempo(60))], [(960, on(36))], [(1440, on(38))])
    assert read_midi(path).times.tolist() == [1.5, 2.5]


STEPS = st.tuples(
    st.integers(0, 2000),
    st.one_of(
        st.integers(20, 400).map(tempo),
        st.tuples(st.sampled_from(list(GENERAL_MIDI)), st.integers(0, 127)).map(lambda n: on(*n)),
    ),
)


@settings(max_examples=40)
@given(tracks=st.lists(st.lists(STEPS, max_size=12), min_size=1, max_size=3))
def test_seconds_are_those_of_mido(tmp_path_factory, tracks):
    tracks[0].append((0, on(36)))
    path = save(tmp_path_factory.mktemp("midi") / "a.mid", *tracks)
    now, expected = 0.0, []
    for message in mido.MidiFile(path):
        now += message.time
        if message.type == "note_on" and message.velocity:
            expected.append((now, message.velocity))
    groove = read_midi(path)
    assert np.allclose(groove.times, [time for time, _ in expected], rtol=0, atol=1e-9)
    assert sorted(groove.velocities) == sorted(velocity for _, velocity in expected)
    assert math.isclose(groove.duration, now, abs_tol=1e-9)


def test_a_file_without_a_tempo_runs_at_120_and_says_that_it_knows_none(tmp_path):
    groove = read_midi(save(tmp_path / "beat.mid", [(480, on(36))]))
    assert groove.times.tolist() == [0.5] and groove.tempo is None and groove.name == "beat"


def test_notes_at_one_instant_are_all_kept(tmp_path):
    both = [(0, on(36)), (0, on(42, 1)), (0, on(36, 2))]
    groove = read_midi(save(tmp_path / "a.mid", both, [(0, on(38))]))
    assert groove.labels.tolist() == ["kick", "hihat", "kick", "snare"]
    assert groove.notes.tolist() == [36, 42, 36, 38]


def test_the_silence_at_the_end_counts(tmp_path):
    end = mido.MetaMessage("end_of_track")
    assert read_midi(save(tmp_path / "a.mid", [(0, on(36)), (960, end)])).duration == 1


def test_the_tenth_channel_is_read_where_it_has_notes(tmp_path):
    path = save(tmp_path / "song.mid", [(0, on(60, channel=0)), (0, on(36))])
    assert read_midi(path).notes.tolist() == [36]
    assert read_midi(path, channels=[1, 10]).notes.tolist() == [60, 36]
    with pytest.raises(ValueError, match="no notes on channel 2, but on 1, 10"):
        read_midi(path, channels=[2])


def test_other_channels_are_read_where_the_tenth_is_empty(tmp_path):
    path = save(tmp_path / "machine.mid", [(0, on(36, channel=0)), (0, on(38, channel=3))])
    assert read_midi(path).notes.tolist() == [36, 38]


@pytest.fixture
def strange(tmp_path):
    """A file with unknown notes: one twice, one once."""
    notes = (36, 100, 38, 101, 100)
    return save(tmp_path / "strange.mid", [(480, on(note)) for note in notes])


def test_unknown_notes_are_other_and_one_line_says_so(strange):
    with pytest.warns(UserWarning) as told:
        groove = read_midi(strange)
    assert groove.labels.tolist() == ["kick", "other", "snare", "other", "other"]
    assert groove.notes.tolist() == [36, 100, 38, 101, 100]
    (one,) = told
    text = "the map lacks the notes 100 (2 times), 101 (once): they count as other"
    assert str(one.message) == f"{strange}: {text}" and one.filename == __file__


def test_unknown_notes_may_be_left_out(strange, quietly):
    groove = read_midi(strange, unknown="leave out")
    assert groove.notes.tolist() == [36, 38] and groove.times.tolist() == [0.5, 1.5]
    assert groove.duration == 2.5


def test_unknown_notes_may_be_an_error(strange):
    with pytest.raises(ValueError, match=r"strange.mid: the map lacks the notes 100 \(2 times\)"):
        read_midi(strange, unknown="error")


def test_the_map_may_be_changed(strange, quietly):
    mine = GENERAL_MIDI | {100: ("tom", "rim"), 101: "cymbal"}
    assert read_midi(strange, mine).labels.tolist() == ["kick", "tom", "snare", "cymbal", "tom"]


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"unknown": "ignore"}, "unknown is one of other, leave out, error, not 'ignore'"),
        ({"notes": {36: "boom"}}, "note 36 of the map is 'boom'"),
    ],
)
def test_what_cannot_be_asked_for(strange, asked, why):
    with pytest.raises(ValueError, match=why):
        read_midi(strange, **asked)


def test_of_many_unknown_notes_some_are_named(tmp_path):
    notes = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 36]
    path = save(tmp_path / "a.mid", [(0, on(note)) for note in notes])
    with pytest.warns(UserWarning, match=r"7 \(once\) and 2 more: they count"):
        read_midi(path)


def test_claps_are_drums_though_none_of_the_five(tmp_path, quietly):
    assert read_midi(save(tmp_path / "claps.mid", [(0, on(39))])).labels.tolist() == ["other"]


def film(path):
    """A MIDI file that counts frames of film."""
    data = bytearray(save(path, [(0, on(36))]).read_bytes())
    data[12] = 0xE8
    path.write_bytes(data)


def short(path):
    """A MIDI file whose tempo has one byte instead of three."""
    data = save(path, [(0, tempo(120)), (0, on(36))]).read_bytes()
    path.write_bytes(data.replace(b"\xff\x51\x03\x07\xa1\x20", b"\xff\x51\x01\x07\0\xff\x01\0"))


BAD = {
    "nothing": (lambda path: None, "there is no such file"),
    "folder": (lambda path: path.mkdir(), "cannot be read"),
    "empty": (lambda path: path.touch(), "is no MIDI file"),
    "wave": (lambda path: path.write_bytes(b"RIFF\0\0\0\0WAVEfmt "), "is no MIDI file"),
    "head": (lambda path: path.write_bytes(b"MThd"), "damaged MIDI file (it ends too early)"),
    "short": (short, "damaged MIDI file (its bytes make no sense)"),
    "patterns": (lambda path: save(path, [(0, on(36))], kind=2), "save it as type 0 or 1"),
    "film": (film, "counts frames of film"),
    "no track": (lambda path: save(path, kind=1), "holds no notes"),
    "no note": (lambda path: save(path, [(0, tempo(90)), (0, on(36, 0))]), "holds no notes"),
    "no drum": (lambda path: save(path, [(0, on(100)), (0, on(101))]), "there is no drum in it"),
}


@pytest.mark.parametrize(("make", "why"), BAD.values(), ids=BAD)
def test_what_is_no_pattern_of_drums_is_said_in_one_line(tmp_path, make, why, quietly):
    path = tmp_path / "a.mid"
    make(path)
    if why == "cannot be read" and os.name == "nt":
        pytest.skip("Windows says of a folder that it may not be opened")
    with pytest.raises(ValueError) as caught:
        read_midi(path)
    text = str(caught.value)
    assert text.startswith(f"{path}: ") and why in text and "\n" not in text


CHANGES = st.tuples(st.integers(4, 200), st.integers(0, 3), st.binary(max_size=3))


@settings(max_examples=120)
@given(changes=st.lists(CHANGES, min_size=1, max_size=4), split=st.booleans())
def test_a_damaged_file_is_read_or_named(tmp_path_factory, changes, split):
    path = tmp_path_factory.mktemp("midi") / "a.mid"
    write_midi(Groove([0, 0.5], ["kick", "tom"]), path, bars="4/4", split=split)
    data = bytearray(path.read_bytes())
    for start, length, new in changes:
        data[start : start + length] = new
    path.write_bytes(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            groove = read_midi(path)
    except ValueError as e:
        assert str(e).startswith(f"{path}: ") and "\n" not in str(e)
    else:
        assert len(groove) and np.all(np.diff(groove.times) >= 0)


# -- writing

NOTES = st.tuples(
    st.floats(0, 600), st.sampled_from(NAMES), st.integers(1, 127), st.integers(0, 127)
)
GROOVES = st.tuples(st.lists(NOTES, min_size=1, max_size=30), st.floats(0, 5))


def groove_of(drawn):
    notes, rest = drawn
    times, *others = zip(*notes, strict=True)
    return Groove(times, *others, duration=max(times) + rest)


@settings(max_examples=80)
@given(drawn=GROOVES, bpm=st.floats(4, 1000), split=st.booleans())
def test_what_is_written_is_read_again(tmp_path_factory, drawn, bpm, split):
    path = tmp_path_factory.mktemp("midi") / "a.mid"
    groove = groove_of(drawn)
    write_midi(groove, path, tempo=bpm, split=split, bars="3/4")
    again = read_midi(path)
    tick = 60 / bpm / 960
    assert np.abs(again.times - groove.times).max() <= 0.51 * tick
    assert again.duration - groove.duration <= 1.51 * tick
    assert groove.duration - again.duration <= 0.51 * tick
    # A tick may hold what was a hair apart, and tracks have an order of their own.
    kept = sorted(zip(groove.labels, groove.velocities, strict=True))
    assert sorted(zip(again.labels, again.velocities, strict=True)) == kept
    if not split:
        assert again.labels.tolist() == groove.labels.tolist()
        assert again.velocities.tolist() == groove.velocities.tolist()


ROLLS = st.lists(st.tuples(st.floats(0, 0.5), st.sampled_from(["kick", "snare"])), min_size=5)


@settings(max_examples=40)
@given(roll=ROLLS)
def test_every_note_ends_before_the_same_one_is_struck_again(tmp_path_factory, roll):
    path = tmp_path_factory.mktemp("midi") / "a.mid"
    times, labels = zip(*roll, strict=True)
    write_midi(Groove(times, labels), path)
    sounding, now = {}, 0
    for message in mido.MidiFile(path).tracks[0]:
        now += message.time
        if message.type == "note_on":
            assert all(start == now for start in sounding.get(message.note, []))
            sounding.setdefault(message.note, []).append(now)
        elif message.type == "note_off":
            assert all(start < now for start in sounding[message.note])
            sounding[message.note].pop()
    assert not any(sounding.values())


def messages(path, kind):
    midi = mido.MidiFile(path)
    return [message for track in midi.tracks for message in track if message.type == kind]


def test_one_track_on_the_tenth_channel_with_a_note_a_class(tmp_path):
    labels = list(NAMES)
    write_midi(Groove(np.arange(6), labels), tmp_path / "a.mid")
    midi = mido.MidiFile(tmp_path / "a.mid")
    struck = messages(tmp_path / "a.mid", "note_on")
    assert midi.type == 0 and len(midi.tracks) == 1
    assert [message.note for message in struck] == [36, 38, 42, 49, 45, 37]
    assert {message.channel for message in struck} == {DRUMS}
    assert messages(tmp_path / "a.mid", "time_signature") == []


def test_some_notes_of_the_map_may_be_others(tmp_path, rock):
    write_midi(rock, tmp_path / "a.mid", {"kick": 35, "hihat": 46})
    struck = [message.note for message in messages(tmp_path / "a.mid", "note_on")]
    assert struck == [46, 35, 46, 38, 46, 49]


def test_the_notes_of_a_groove_may_be_kept(tmp_path):
    groove = Groove([0, 1, 2], ["hihat", "hihat", "tom"], notes=[46, 44, 50])
    write_midi(groove, tmp_path / "a.mid", notes=None)
    assert read_midi(tmp_path / "a.mid").notes.tolist() == [46, 44, 50]


@pytest.mark.parametrize(
    ("own", "asked", "written"), [(None, None, 120), (90, None, 90), (90, 75, 75)]
)
def test_the_tempo_moves_no_note(tmp_path, own, asked, written):
    groove = Groove([0, 0.3], ["kick", "snare"], tempo=own)
    write_midi(groove, tmp_path / "a.mid", tempo=asked)
    again = read_midi(tmp_path / "a.mid")
    assert again.tempo == written and np.allclose(again.times, [0, 0.3], rtol=0, atol=5e-4)


@pytest.mark.parametrize(("bars", "signature"), [("4/4", (4, 4)), ("12/8", (12, 8))])
def test_bar_lines_are_drawn_where_they_are_asked_for(tmp_path, rock, bars, signature):
    write_midi(rock, tmp_path / "a.mid", bars=bars)
    (message,) = messages(tmp_path / "a.mid", "time_signature")
    assert (message.numerator, message.denominator) == signature


def test_each_drum_may_have_a_track_of_its_own(tmp_path, rock):
    write_midi(rock, tmp_path / "a.mid", split=True)
    midi = mido.MidiFile(tmp_path / "a.mid")
    assert midi.type == 1
    assert [track.name for track in midi.tracks] == ["rock", "kick", "snare", "hihat", "cymbal"]
    for track in midi.tracks[1:]:
        notes = {message.note for message in track if message.type == "note_on"}
        assert notes == {DRUM_NOTES[track.name]}
    assert read_midi(tmp_path / "a.mid").times.tolist() == rock.times.tolist()


def test_a_groove_without_notes_is_written_and_then_holds_none(tmp_path):
    write_midi(Groove([], [], duration=3), tmp_path / "a.mid", split=True)
    assert mido.MidiFile(tmp_path / "a.mid").length == pytest.approx(3)
    with pytest.raises(ValueError, match="holds no notes"):
        read_midi(tmp_path / "a.mid")


def test_a_name_may_be_in_any_script(tmp_path):
    write_midi(Groove([0], ["kick"], name="Größe ドラム"), tmp_path / "a.mid")
    midi = mido.MidiFile(tmp_path / "a.mid", charset="utf-8")
    assert midi.tracks[0].name == "Größe ドラム"


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"tempo": 1}, "4 to 1000 beats a minute, not 1"),
        ({"tempo": 0}, "4 to 1000 beats a minute, not 0"),
        ({"tempo": math.nan}, "not nan"),
        ({"bars": "four"}, "like 4/4 or 6/8, not 'four'"),
        ({"bars": "0/4"}, "not '0/4'"),
        ({"bars": "4/3"}, "not '4/3'"),
        ({"notes": {"kick": 128}}, "kick is to be note 128"),
        ({"notes": {"kick": "C1"}}, "kick is to be note 'C1'"),
        ({"notes": {"gong": 36}}, "not 'gong'"),
    ],
)
def test_what_cannot_be_written_leaves_the_old_file(tmp_path, rock, asked, why):
    path = tmp_path / "a.mid"
    path.write_bytes(b"old")
    with pytest.raises(ValueError, match=why):
        write_midi(rock, path, **asked)
    assert path.read_bytes() == b"old" and files_below(tmp_path) == ["a.mid"]


def test_a_groove_of_days_is_too_long(tmp_path):
    with pytest.raises(ValueError, match="48 hours is too long"):
        write_midi(Groove([0], ["kick"], duration=48 * 3600), tmp_path / "a.mid")
    assert files_below(tmp_path) == []


@pytest.mark.parametrize("write", [write_midi, write_notes])
def test_where_nothing_can_be_written_the_file_is_named(tmp_path, rock, write):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="cannot be written") as caught:
        write(rock, tmp_path / "file" / "a")
    assert str(caught.value).startswith(f"{tmp_path / 'file' / 'a'}: ")
    assert files_below(tmp_path) == ["file"]


# -- tables


@settings(max_examples=40)
@given(drawn=GROOVES)
def test_a_table_is_read_again(tmp_path_factory, drawn):
    path = tmp_path_factory.mktemp("table") / "a.csv"
    groove = groove_of(drawn)
    write_notes(groove, path)
    again = read_notes(path)
    assert np.allclose(again.times, groove.times, rtol=0, atol=6e-7)
    assert again.labels.tolist() == groove.labels.tolist()
    assert again.velocities.tolist() == groove.velocities.tolist()
    assert again.duration == again.times[-1] and again.name == "a"


def test_what_a_table_looks_like(tmp_path, rock):
    write_notes(rock, tmp_path / "a.csv")
    lines = (tmp_path / "a.csv").read_bytes().decode().split("\n")
    assert lines[:3] == ["time,label,velocity", "0.000000,hihat,60", "0.000000,kick,100"]
    assert len(lines) == 1 + len(rock) + 1 and lines[-1] == ""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_a_table_that_a_spreadsheet_saved(tmp_path, encoding):
    text = "Velocity;Time;Label\n;0,5;große Trommel\n80;1,25;Hi-Hat\n;;\n64,6;2;Other\n"
    (tmp_path / "a.csv").write_text(text, encoding=encoding)
    groove = read_notes(tmp_path / "a.csv")
    assert groove.times.tolist() == [0.5, 1.25, 2]
    assert groove.labels.tolist() == ["kick", "hihat", "other"]
    assert groove.velocities.tolist() == [100, 80, 65] and groove.duration == 2


def test_a_table_without_notes_is_an_empty_groove(tmp_path):
    write_notes(Groove([], []), tmp_path / "a.csv")
    assert len(read_notes(tmp_path / "a.csv")) == 0


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (None, "there is no such file"),
        ("", "is no table"),
        ("label,velocity\nkick,1\n", "lacks the column time: it needs time,label and may have"),
        ("time,label\n0,kick\nsoon,kick\n", "note 2: its time 'soon' is no number of seconds"),
        ("time,label\n-1,kick\n", "note 1: its time '-1'"),
        ("time,label\nnan,kick\n", "note 1: its time 'nan'"),
        ("time,label\n1,gong\n", "note 1: its label 'gong' is none of kick, snare"),
        ("time,label\n1,\n", "note 1: its label '' is none"),
        ("time,label,velocity\n1,kick,0\n", "note 1: its velocity '0' is not 1 to 127"),
        ("time,label,velocity\n1,kick,loud\n", "note 1: its velocity 'loud' is not"),
    ],
)
def test_what_is_no_table_of_notes_is_said_in_one_line(tmp_path, text, why):
    path = tmp_path / "a.csv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ValueError) as caught:
        read_notes(path)
    said = str(caught.value)
    assert said.startswith(f"{path}: ") and why in said and "\n" not in said


# -- what a file says of itself


def test_a_tempo_is_read_as_the_file_has_it(tmp_path):
    exact = mido.MetaMessage("set_tempo", tempo=486_003)
    path = save(tmp_path / "a.mid", [(0, tempo(60)), (0, exact), (480, on(36)), (9, tempo(90))])
    groove = read_midi(path)
    assert groove.tempo == 60e6 / 486_003 and groove.times == pytest.approx([0.486003])
    write_midi(groove, tmp_path / "b.mid")
    assert read_midi(tmp_path / "b.mid").tempo == groove.tempo


def test_a_beat_that_takes_no_time_is_damage(tmp_path):
    still = mido.MetaMessage("set_tempo", tempo=0)
    path = save(tmp_path / "a.mid", [(0, on(36)), (480, still), (480, on(36))])
    with pytest.raises(ValueError, match="a.mid: is damaged: by one of its tempos"):
        read_midi(path)


def test_a_groove_named_by_any_bytes_is_written(tmp_path, rock):
    write_midi(replace(rock, name="caf\udce9"), tmp_path / "a.mid")
    assert mido.MidiFile(tmp_path / "a.mid", charset="utf-8").tracks[0].name == "caf?"
