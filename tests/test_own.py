"""Sounds of one's own: folders and archives read, skipped files told, labels corrected."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from drumlesson.attack import find_hit
from drumlesson.course import own
from drumlesson.drums import duplicates
from drumlesson.folders import SourceError
from drumlesson.labels import LABELS
from drumlesson.synth import synth_kit


def write(path, label="kick"):
    """One synthesised hit as a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, synth_kit(19).hit(label), 22050)


@pytest.fixture(scope="module")
def practice():
    return own.my_drums()


def test_the_practice_folder_is_a_folder_like_any_other(practice, tmp_path, capsys):
    mine = own.my_drums(own.practice_folder(tmp_path / "made"))
    first, claps, notes = capsys.readouterr().out.splitlines()
    assert first.startswith("27 sounds of yours, in 3 kits: snare 7, tom 7, kick 6, ")
    assert claps.startswith(
        "  2 skipped, such as claps/1.wav: lies in no folder named after a class"
    )
    assert notes.startswith("  1 skipped, such as BD/notes.wav: cannot be read as sound")
    assert own.names_of(mine) == own.names_of(practice) == sorted(own.names_of(practice))
    assert mine.labels.tolist() == practice.labels.tolist()
    assert set(mine.kits) == {"attic", "cellar", "garage"}


def test_two_files_of_the_practice_folder_lie_in_the_wrong_one(practice):
    counts = practice.table.groupby(["kit", "label"]).size()
    assert counts["cellar"].eq(2).all()
    assert counts["attic"].to_dict() == {"cymbal": 2, "hihat": 1, "kick": 1, "snare": 3, "tom": 3}
    heard = own.relabel(practice, {name: what for name, (what, _) in own._MISFILED.items()})
    assert heard.table[heard.table["kit"] == "attic"].groupby("label").size().eq(2).all()


def test_the_practice_folder_shows_what_the_lessons_look_for(practice, tmp_path):
    kits_of = practice.table.groupby("label")["kit"].nunique().to_dict()
    assert kits_of == {"cymbal": 1, "hihat": 3, "kick": 3, "snare": 3, "tom": 3}
    [copies] = [
        pair for pair in duplicates(practice).to_dict("records") if pair["likeness"] > 0.999
    ]
    assert copies["kit"] != copies["kit of the other"]
    starts = np.array([find_hit(x)[0] for x in practice.waves]) / 22050
    late = set(practice.labels[starts > 0.015])
    assert late == {"kick", "snare", "hihat", "tom"}


def test_the_practice_drums_know_nothing_of_the_folder_they_were_made_in(practice):
    assert not any(Path(file).is_absolute() for file in practice.table["file"])
    assert {Path(file).as_posix() for file in practice.problems} == {
        "cellar/BD/notes.wav",
        "garage/claps/1.wav",
        "garage/claps/2.wav",
    }


def test_players_of_the_practice_folder_may_stay_on_a_page(practice):
    said = practice.labels.copy()
    said[0] = "kick" if said[0] != "kick" else "tom"
    player = own.listen_to_differences(practice, said)
    assert player.count('data-source="synth"') == 1
    assert f"the model says {said[0]}" in player and own.names_of(practice)[0] in player


def test_players_of_a_folder_do_not(tmp_path):
    write(tmp_path / "kick" / "1.wav")
    player = own.listen_to_differences(own.my_drums(tmp_path), ["tom"])
    assert player.count("<audio") == 1 and 'data-source="synth"' not in player


def test_no_more_players_than_asked_for(practice):
    said = ["none"] * len(practice)
    assert own.listen_to_differences(practice, said).count("<audio") == 6
    assert own.listen_to_differences(practice, said, most=2).count("<audio") == 2


def test_a_flat_pack_is_read_by_its_names(tmp_path, capsys):
    for label in LABELS:
        write(tmp_path / f"{label.title()}_01.wav", label)
    write(tmp_path / "xyzzy.wav")
    mine = own.my_drums(tmp_path)
    assert sorted(mine.labels) == sorted(LABELS)
    out = capsys.readouterr().out
    assert "5 sounds of yours, in 1 kit: " in out and "1 skipped, such as" in out


def test_folders_win_where_they_tell_more(tmp_path):
    for n in range(3):
        write(tmp_path / "snare" / f"tom {n}.wav")
    write(tmp_path / "kick 1.wav")
    assert own.my_drums(tmp_path).labels.tolist() == ["snare"] * 3


def test_names_win_where_folders_tell_less(tmp_path):
    for n in range(3):
        write(tmp_path / f"tom {n}.wav")
    write(tmp_path / "snare" / "kick 1.wav")
    assert sorted(own.my_drums(tmp_path).labels) == ["kick", "tom", "tom", "tom"]


@pytest.mark.parametrize("place", ["there is none", "nameless"])
def test_a_place_without_a_label_says_so_in_one_line(place, tmp_path):
    write(tmp_path / "nameless" / "xyzzy.wav")
    with pytest.raises(SourceError) as e:
        own.my_drums(tmp_path / place)
    assert place in str(e.value) and "\n" not in str(e.value)


def test_reasons_are_counted(tmp_path, capsys):
    write(tmp_path / "kick" / "1.wav")
    for name in ("claps", "bells"):
        for n in range(2):
            write(tmp_path / name / f"{n}.wav")
    (tmp_path / "kick" / "broken.wav").write_text("x")
    own.my_drums(tmp_path)
    first, second = capsys.readouterr().out.splitlines()[1:]
    assert first.startswith("  4 skipped, such as ") and "no folder named after a class" in first
    assert second.startswith("  1 skipped, such as kick/broken.wav: ")


def test_names_are_short_and_tell_apart(tmp_path):
    write(tmp_path / "kick" / "1.wav")
    assert own.names_of(own.my_drums(tmp_path)) == ["1.wav"]
    write(tmp_path / "tom" / "1.wav")
    assert own.names_of(own.my_drums(tmp_path)) == ["kick/1.wav", "tom/1.wav"]
    shutil.make_archive(str(tmp_path / "pack"), "zip", tmp_path, "kick")
    assert own.names_of(own.my_drums(tmp_path / "pack.zip")) == ["1.wav"]
    assert own.names_of(own.my_drums(tmp_path / "pack.zip")[:0]) == []


@pytest.mark.parametrize(
    "heard, told",
    [
        ({"tom/3.wav": "kick"}, "the nearest name is attic/tom/3.wav"),
        ({"attic/tom/3.wav": "dog"}, "'dog' is none of kick, snare, hihat, cymbal, tom"),
        ({"attic/tom/3.wav": None}, "is none of kick"),
        ({3: "kick"}, "is none of these sounds"),
    ],
)
def test_what_is_not_understood_is_told_and_left(heard, told, practice, capsys):
    same = own.relabel(practice, heard)
    assert told in capsys.readouterr().out
    assert (same.labels == practice.labels).all()


@pytest.mark.parametrize("word", ["kick", "Kick", "BD", "bass drum"])
def test_a_correction_changes_a_copy(word, practice, capsys):
    before = practice.labels.tolist()
    heard = own.relabel(practice, {"attic\\tom\\3.wav": word})
    place = own.names_of(practice).index("attic/tom/3.wav")
    assert capsys.readouterr().out == "" and practice.labels.tolist() == before
    assert heard.labels[place] == "kick" and (heard.labels != practice.labels).sum() == 1


# -- the first ten minutes, as the front page has them

README = (Path(__file__).resolve().parent.parent / "README.md").read_text(encoding="utf-8")
SECTION = re.search(r"^## Ten minutes .+?(?=^## )", README, re.DOTALL | re.MULTILINE)[0]
TEN_MINUTES = "\n".join(re.findall(r"^```python\n(.*?)^```", SECTION, re.DOTALL | re.MULTILINE))
NO_TENSORFLOW = "import sys\nassert not {'tensorflow', 'keras'} & set(sys.modules)\n"


def ten_minutes(folder, *changes):
    """What the cells of the front page print, with some of it changed."""
    code = TEN_MINUTES
    for old, new in changes:
        assert old in code
        code = code.replace(old, new)
    command = [sys.executable, "-c", code + NO_TENSORFLOW]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_ten_minutes_of_practice(tmp_path):
    lines = ten_minutes(tmp_path)
    before, after = lines[-2:]
    assert lines[0].startswith("27 synthesised sounds to practise on, in 3 kits: ")
    score, score_now = re.findall(r"(\d+) of 27", after)
    assert f"the same on {score} of these 27" in before
    assert abs(int(score_now) - int(score)) <= 2


def test_ten_minutes_with_a_zip(tmp_path):
    own.practice_folder(tmp_path / "mine")
    shutil.make_archive(str(tmp_path / "mine"), "zip", tmp_path / "mine")
    first, *_ = ten_minutes(tmp_path, ("my_folder = None", "my_folder = 'mine.zip'"))
    assert first.startswith("27 sounds of yours, in 3 kits: ")


MISFILED = {name: label for name, (label, _) in own._MISFILED.items()}


def test_ten_minutes_with_a_folder_and_corrections_of_the_practice_folder(tmp_path):
    for label in LABELS:
        write(tmp_path / "mine" / label / "a.wav", label)
    mine = ("my_folder = None", "my_folder = 'mine'")
    lines = ten_minutes(tmp_path, mine, ("my_ears = {}", f"my_ears = {MISFILED}"))
    told = [line for line in lines if "none of these sounds" in line]
    assert len(told) == 2 and all(name in line for name, line in zip(MISFILED, told, strict=True))


def test_the_front_page_folds_the_answer_and_it_is_that_of_the_practice_folder(tmp_path):
    answer = re.search(r"<details>.*?</details>", SECTION, re.DOTALL)[0]
    before = SECTION.replace(answer, "")
    for name, label in MISFILED.items():
        assert f"`{name}` is a {label}" in answer and name not in before
    lines = ten_minutes(tmp_path, ("my_ears = {}", f"my_ears = {MISFILED}"))
    old, new = re.findall(r"(\d+) of 27", lines[-1])
    assert int(new) > int(old) and f"rises from {old} to {new} of 27" in answer
