"""The Groove MIDI Dataset: its facts, how it comes to be at hand, and folds by drummer."""

import csv
import hashlib
import os
import re
import threading
import warnings
from collections import Counter
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drumlesson import datasets, grooves
from drumlesson.datasets import mirror
from drumlesson.folders import SourceError
from drumlesson.grooves import TD11, GrooveFold, Grooves, groove_facts, groove_folds, load_grooves
from drumlesson.midi import GENERAL_MIDI, Groove, write_midi

# -- the facts


def test_the_facts_are_of_1150_files_of_ten_drummers():
    facts = groove_facts()
    assert len(facts) == facts["key"].nunique() == 1150
    assert facts["drummer"].nunique() == 10
    assert set(facts["beat_type"]) == {"beat", "fill"}
    assert set(facts["split"]) == {"train", "validation", "test"}
    assert facts["sha256"].map(re.compile("[0-9a-f]{64}").fullmatch).all()
    assert facts["bytes"].astype(int).min() > 0 and facts["duration"].min() > 0
    assert [facts["drummer"].iloc[0], facts["drummer"].iloc[-1]] == ["drummer1", "drummer10"]


def test_no_file_is_of_two_drummers():
    """The same notes under two names would be learned from and tested on."""
    facts = groove_facts()
    assert facts.groupby("sha256")["drummer"].nunique().max() == 1
    assert (facts["file"].str.split("/").str[0] == facts["drummer"]).all()


@pytest.fixture(scope="module")
def recorded():
    """The data set as it was published; skips where it is not at hand."""
    if not Path(mirror()).is_dir():
        pytest.skip("no mirror folder")
    try:
        return load_grooves()
    except SourceError as e:
        pytest.skip(f"no grooves: {e}")


def test_the_facts_are_those_that_were_published(recorded):
    folder = Path(mirror(), grooves._REPO, grooves._COMMIT, "groove")
    with (folder / "info.csv").open(encoding="utf-8") as file:
        published = {row["midi_filename"]: row for row in csv.DictReader(file)}
    facts = groove_facts()
    assert set(facts["file"]) == set(published)
    for row in facts.itertuples():
        said = published[row.file]
        assert row.time_signature == said["time_signature"].replace("-", "/")
        assert (row.tempo, row.duration) == (float(said["bpm"]), float(said["duration"]))
        for name in ("drummer", "style", "beat_type", "split"):
            assert getattr(row, name) == said[name]


def test_all_files_are_as_they_were_published(recorded):
    assert len(recorded) == 1150 and recorded.problems == {}


def test_a_class_is_served_from_a_mirror_of_the_kits(recorded, tmp_path, monkeypatch):
    few = datasets.manifest()[:2]
    monkeypatch.setattr(datasets, "manifest", lambda: few)
    copy = tmp_path / "mirror"
    assert datasets._write_mirror(copy, None, grooves._for_a_mirror()) == {}
    folder = copy / grooves._REPO / grooves._COMMIT / "groove"
    assert "Creative Commons Attribution 4.0" in (folder / "LICENSE").read_text()
    text = (copy / "LICENCES.md").read_text()
    assert "CC BY 4.0, for 1,150 drum patterns" in text and grooves._CREDIT in text
    monkeypatch.setenv("DRUMLESSON_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("DRUMLESSON_MIRROR", str(copy))
    served = load_grooves()
    assert len(served) == 1150 and served.problems == {} and len(served[0]) == len(recorded[0])


def test_what_was_published_is_read_without_a_word(recorded):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        some = list(recorded[::50])
    assert len(some) == 23
    for groove, row in zip(some, recorded.facts[::50].itertuples(), strict=True):
        assert groove.duration == pytest.approx(row.duration, abs=1e-3)
        assert (groove.tempo, groove.style, groove.drummer) == (row.tempo, row.style, row.drummer)
        assert set(groove.notes) <= set(TD11)


def test_the_kit_has_other_cymbals_and_the_same_classes():
    assert {note: drum[0] for note, drum in TD11.items()} == {
        note: drum[0] for note, drum in GENERAL_MIDI.items()
    }
    assert TD11[52] == TD11[55] == ("cymbal", "crash")


# -- a small data set in a folder

ROWS = [  # file, drummer, style, beat_type, split, seconds at which it ends
    ("drummer1/session1/1.mid", "drummer1", "rock", "beat", "train", 4.0),
    ("drummer1/session1/2.mid", "drummer1", "rock/halftime", "fill", "test", 2.0),
    ("drummer2/session1/1.mid", "drummer2", "jazz/funk", "beat", "train", 3.0),
    ("drummer3/session1/1.mid", "drummer3", "funk", "beat", "validation", 1.0),
    ("drummer10/session1/1.mid", "drummer10", "funk", "fill", "test", 1.0),
]


@pytest.fixture
def small(tmp_path, cache, monkeypatch):
    """The facts of five grooves, whose files lie in a mirror folder."""
    columns = ["file", "drummer", "style", "beat_type", "split", "duration"]
    facts = pd.DataFrame(ROWS, columns=columns)
    facts["tempo"] = 100
    facts["key"] = "who/what/c0ffee/groove/" + facts["file"]
    folder = tmp_path / "mirror"
    contents = []
    for i, row in enumerate(facts.itertuples()):
        # The file goes on for a minute after the last note.
        groove = Groove([0, row.duration - 0.1], ["kick", "snare"], [i + 1, 100], duration=60)
        write_midi(groove, folder / row.key, tempo=100)
        contents.append((folder / row.key).read_bytes())
    facts["sha256"] = [hashlib.sha256(content).hexdigest() for content in contents]
    facts["bytes"] = [str(len(content)) for content in contents]
    monkeypatch.setattr(grooves, "groove_facts", lambda: facts)
    monkeypatch.setenv("DRUMLESSON_MIRROR", str(folder))
    return facts


def files_of(found):
    return found.facts["file"].tolist()


def test_grooves_come_in_the_order_of_the_facts_with_what_is_known_of_them(small):
    found = load_grooves()
    assert files_of(found) == small["file"].tolist() and len(found) == 5
    assert [groove.velocities[0] for groove in found] == [1, 2, 3, 4, 5]
    groove = found[2]
    assert groove.labels.tolist() == ["kick", "snare"] and groove.duration == 3
    assert (groove.name, groove.style, groove.drummer) == (
        "drummer2/session1/1",
        "jazz/funk",
        "drummer2",
    )
    assert groove.tempo == 100 and found.problems == {}


def test_a_slice_a_mask_and_a_list_give_fewer(small):
    found = load_grooves()
    assert found[-1].velocities[0] == 5 and found[np.int64(1)].velocities[0] == 2
    for which in (slice(1, 3), [1, 2], (small["duration"] >= 2) & (small.index > 0)):
        fewer = found[which]
        assert isinstance(fewer, Grooves)
        assert [groove.velocities[0] for groove in fewer] == [2, 3]
    with pytest.raises(IndexError):
        found[5]


@pytest.mark.parametrize(
    ("which", "numbers"),
    [
        ({"drummers": "drummer1"}, [0, 1]),
        ({"drummers": ["drummer10", "drummer2"]}, [2, 4]),
        ({"styles": "rock"}, [0, 1]),
        ({"styles": "rock/halftime"}, [1]),
        ({"styles": ("funk", "jazz")}, [2, 3, 4]),
        ({"beat_type": "fill"}, [1, 4]),
        ({"split": "train"}, [0, 2]),
        ({"styles": "funk", "beat_type": "beat"}, [3]),
    ],
)
def test_a_part_of_the_data_set(small, which, numbers):
    assert files_of(load_grooves(**which)) == small["file"].iloc[numbers].tolist()


@pytest.mark.parametrize(
    ("which", "why"),
    [
        ({"drummers": "Ringo"}, "no drummer is called 'Ringo': there are drummer1, drummer2"),
        ({"drummers": ["drummer1", "me"]}, "no drummer is called 'me'"),
        ({"styles": "polka"}, "no style is called 'polka': there are rock, jazz, funk, rock/half"),
        ({"beat_type": "solo"}, "no beat_type is called 'solo': there are beat, fill"),
        ({"split": "exam"}, "no split is called 'exam'"),
        ({"drummers": "drummer2", "beat_type": "fill"}, "no groove is all of this"),
    ],
)
def test_a_part_that_is_not_there(small, which, why):
    with pytest.raises(ValueError, match=re.escape(why)):
        load_grooves(**which)


def test_nothing_is_opened_before_it_is_asked_for(small, monkeypatch):
    opened = []
    read = grooves.read_midi
    monkeypatch.setattr(grooves, "read_midi", lambda path, *rest: opened.append(path) or read(path))
    found = load_grooves()[1:]
    assert opened == [] and repr(found) == "Grooves(4 grooves of 4 drummers, 0.0 hours, CC BY 4.0)"
    found[0]
    assert len(opened) == 1


def test_it_says_whose_work_it_is(small):
    for word in ("Groove MIDI Dataset", "Gillick", "CC BY 4.0", "https://magenta"):
        assert word in load_grooves().credit


def test_a_file_that_is_not_what_was_published_is_left_out_and_named(small, tmp_path):
    path = tmp_path / "mirror" / small["key"][1]
    path.write_bytes(path.read_bytes()[::-1])
    found = load_grooves()
    assert files_of(found) == small["file"].drop(1).tolist()
    ((key, why),) = found.problems.items()
    assert key == small["key"][1] and "checksum" in why
    assert repr(found).endswith("CC BY 4.0; 1 left out, see .problems)")


@pytest.mark.parametrize("place", ["off", "empty"])
def test_where_nothing_is_at_hand_one_line_says_what_to_do(small, tmp_path, monkeypatch, place):
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("DRUMLESSON_MIRROR", place if place == "off" else str(tmp_path / place))
    with pytest.raises(SourceError, match="no groove is at hand") as caught:
        load_grooves()
    assert "set DRUMLESSON_MIRROR" in str(caught.value) and "\n" not in str(caught.value)


# -- from the network


class Handler(SimpleHTTPRequestHandler):
    def send_head(self):
        self.server.asked[self.path] += 1
        return super().send_head()

    def log_message(self, *_):
        pass


@contextmanager
def served(folder, monkeypatch):
    """A web server on this computer, which counts how often it is asked for a file."""
    handler = partial(Handler, directory=os.fspath(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.asked = Counter()
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("DRUMLESSON_MIRROR", f"http://127.0.0.1:{server.server_port}")
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def host(small, tmp_path, monkeypatch):
    with served(tmp_path / "mirror", monkeypatch) as server:
        yield server


def test_what_was_published_is_fetched(recorded, tmp_path, monkeypatch):
    """By the checksums and sizes that the package carries."""
    folder = mirror()
    monkeypatch.setenv("DRUMLESSON_CACHE", str(tmp_path))
    with served(folder, monkeypatch) as server:
        found = load_grooves("drummer4")
    assert found.problems == {} and len(found) == len(server.asked) == 9
    assert found[0].drummer == "drummer4"


def test_files_are_fetched_once_and_then_read_without_a_network(host, small, monkeypatch):
    assert [groove.drummer for groove in load_grooves("drummer1")] == ["drummer1"] * 2
    assert sum(host.asked.values()) == 2
    assert len(load_grooves()) == 5
    assert host.asked == {f"/{key}": 1 for key in small["key"]}
    monkeypatch.setenv("DRUMLESSON_MIRROR", "off")
    assert [groove.velocities[0] for groove in load_grooves()] == [1, 2, 3, 4, 5]


def test_what_is_interrupted_goes_on_from_there(host, small, tmp_path, cache):
    path = tmp_path / "mirror" / small["key"][3]
    content = path.read_bytes()
    path.write_bytes(content[:-1])
    assert list(load_grooves().problems) == [small["key"][3]]
    path.write_bytes(content)
    assert load_grooves().problems == {}
    assert sorted(host.asked.values()) == [1, 1, 1, 1, 2]


def test_what_a_killed_process_left_is_swept(host, small, cache):
    folder = (cache / "files" / small["key"][0]).parent
    folder.mkdir(parents=True)
    stale = folder / ".drumlesson-0123456789abcdef.mid"
    stale.touch()
    os.utime(stale, (0, 0))
    load_grooves()
    assert not stale.exists() and len(list(folder.iterdir())) == 2


# -- folds


@pytest.mark.parametrize("n_folds", range(3, 11))
def test_no_drummer_is_on_two_sides_and_each_is_tested_once(n_folds):
    everybody = sorted(groove_facts()["drummer"].unique())
    folds = groove_folds(n_folds)
    assert len(folds) == n_folds
    for fold in folds:
        assert isinstance(fold, GrooveFold) and all(fold)
        assert sorted(fold.train + fold.validation + fold.test) == everybody
    tested = [drummer for fold in folds for drummer in fold.test]
    validated = [drummer for fold in folds for drummer in fold.validation]
    assert sorted(tested) == sorted(validated) == everybody


def test_no_file_is_on_two_sides(small):
    for fold in groove_folds(3):
        sides = [files_of(load_grooves(drummers=drummers)) for drummers in fold]
        assert sorted(sum(sides, [])) == sorted(small["file"])


SECONDS = st.lists(st.floats(1, 1e5), min_size=5, max_size=12)


@settings(max_examples=60)
@given(seconds=SECONDS, n_folds=st.integers(3, 5))
def test_folds_are_balanced_by_seconds(seconds, n_folds):
    """Nobody's move from the largest group to the smallest would make them more alike."""
    drummers = [f"drummer{i}" for i in range(1, len(seconds) + 1)]
    facts = pd.DataFrame({"drummer": drummers, "duration": seconds})
    of = dict(zip(drummers, seconds, strict=True))
    groups = []
    for fold in groove_folds(n_folds, facts):
        groups.append([of[drummer] for drummer in fold.test])
    largest, smallest = max(groups, key=sum), min(groups, key=sum)
    assert sum(largest) - sum(smallest) <= min(largest) * (1 + 1e-9)


def test_balance_is_that_of_the_facts_that_are_given():
    facts = groove_facts()
    beats, fills = (facts[facts["beat_type"] == kind] for kind in ("beat", "fill"))
    fills_of = fills["drummer"].unique()
    assert len(fills_of) >= 3 and groove_folds(3, fills) != groove_folds(3, beats)
    assert {name for fold in groove_folds(3, fills) for name in fold.test} == set(fills_of)


def test_folds_are_the_same_each_time_and_do_not_hang_on_the_order_of_rows():
    facts = groove_facts()
    assert groove_folds() == groove_folds(5, facts.sample(frac=1, random_state=0))
    numbers = [int(name.removeprefix("drummer")) for name in groove_folds()[0].train]
    assert numbers == sorted(numbers)


@pytest.mark.parametrize("n_folds", [1, 2, 11])
def test_so_many_folds_are_not_to_be_had(n_folds):
    with pytest.raises(ValueError, match=f"n_folds is 3 to 10, .*, not {n_folds}"):
        groove_folds(n_folds)
