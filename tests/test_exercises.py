"""Exercises: a hint for any answer, solutions that fold, checks found when they are asked for."""

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from drumlesson.audio import Sound
from drumlesson.course import exercises
from drumlesson.course.exercises import (
    KINDS,
    capitals,
    check,
    exercise,
    exercises_of,
    guessed,
    hint,
    one_letter,
    right,
    solution,
    solves,
    two_of_four,
    wrong,
)
from drumlesson.course.reading import (
    MILLISECONDS,
    Flaw,
    Stops,
    Tried,
    Unclear,
    is_nothing,
    plain,
    read_array,
    read_choice,
    read_letters,
    read_number,
    read_parts,
    read_truth,
)
from drumlesson.dev import notebooks

TOP = Path(__file__).resolve().parent.parent
LESSONS = [f"{number:02}" for number in range(12)]
ALL = {name: e for lesson in LESSONS for name, e in exercises_of(lesson).items()}


@pytest.fixture
def rate(monkeypatch):
    """A made-up exercise, with a solution that uses a variable of the lesson."""
    monkeypatch.setattr(exercises, "_REGISTER", exercises._Register())

    @exercise("xx-rate", "thought", "a number of samples a second")
    def check_rate(answer):
        return None if answer == 22050 else f"not {answer + 0}"

    @solves("xx-rate", alt="nothing")
    def solve_rate(highest):
        # Two samples a period: < 2 is too few.
        print(f"{2 * highest} samples")
        return 2 * highest

    return exercises_of("xx")["xx-rate"]


class TestHint:
    @pytest.mark.parametrize("nothing", [None, ...])
    def test_nothing_is_answered_by_what_is_asked(self, rate, nothing):
        assert hint("xx-rate", nothing) == "not answered yet: a number of samples a second"

    def test_right_and_wrong(self, rate):
        assert hint("xx-rate", 22050) is None
        assert hint("xx-rate", 44100) == "not 44100"

    def test_another_kind_of_answer(self, rate):
        told = "this is not the kind of answer that is asked for: a number of samples a second"
        assert hint("xx-rate", "a lot") == told

    @pytest.mark.parametrize("nothing", ["", " ", [], (), {}, set(), (None, ...), np.array([])])
    def test_what_is_empty_is_no_answer_yet(self, rate, nothing):
        assert hint("xx-rate", nothing).startswith("not answered yet: ")

    def test_a_function_where_none_is_asked_for(self, rate):
        assert "not the kind of answer" in hint("xx-rate", len)

    @pytest.mark.parametrize(
        "function, told",
        [
            (lambda x: 1 / 0, "your function stops with ZeroDivisionError: division by zero"),
            (lambda x: None, "not answered yet: your function returns None"),
            (lambda: 5, "your function takes 0 arguments, and is called with 1; asked for: a fun"),
            (lambda x: "text", "what your function returns is not the kind of answer"),
            (lambda x: 3, "three"),
            (5, "this is not the kind of answer that is asked for: a function"),
        ],
    )
    def test_a_function_that_fails(self, rate, function, told):
        @exercise("xx-double", "code", "a function that doubles")
        def check_double(answer):
            return None if answer(1) + 0 == 2 else "three"

        assert hint("xx-double", function).startswith(told)
        assert hint("xx-double", lambda x: 2 * x) is hint("xx-double", [lambda x: 2 * x]) is None

    def test_check_prints_it(self, rate, capsys):
        check("xx-rate", 22050)
        check("xx-rate", 1)
        check("xx-rate")
        printed = capsys.readouterr().out.splitlines()
        assert printed[:2] == ["✓ right", "✗ not 1"]
        assert printed[2].startswith("✗ not answered yet: ")

    @pytest.mark.parametrize("name", ["02-onsets", "onset", "", "02.onset", "99-x", 2, None])
    def test_an_unknown_name_is_told_all_names(self, name):
        with pytest.raises(ValueError, match="no exercise is called") as error:
            check(name, 1)
        assert all(known in str(error.value) for known in ALL)

    def test_an_unknown_kind(self):
        with pytest.raises(ValueError, match="a kind is one of code, listening, thought"):
            exercise("xx-x", "riddle", "x")

    def test_a_solution_needs_an_exercise(self):
        with pytest.raises(ValueError, match="no exercise is called 'xx-none'"):
            solves("xx-none")(print)


class TestSolution:
    @pytest.fixture
    def main(self, monkeypatch):
        """The learner's notebook."""
        module = type(sys)("__main__")
        monkeypatch.setitem(sys.modules, "__main__", module)
        return module

    def test_effect_and_code_are_folded(self, rate, main):
        main.highest = 11025
        shown = solution("xx-rate")
        assert shown.text == "22050 samples\nanswer: 22050\n✓ right"
        html = shown._repr_html_()
        assert html.count('<details class="dl-solution"><summary>Show ') == 2
        assert "# Two samples a period: &lt; 2 is too few." in html
        assert repr(shown) == f"{shown.text}\n{rate.code}"

    def test_the_code_is_what_a_learner_would_write(self, rate):
        assert rate.code.splitlines()[0].startswith("# Two samples")
        assert rate.code.splitlines()[-1] == "2 * highest"

    def test_a_missing_variable(self, rate, main):
        with pytest.raises(ValueError, match="this solution uses highest: run the cells"):
            solution("xx-rate")

    def test_a_lesson_that_was_changed(self, rate, main):
        main.highest = 5
        with pytest.raises(ValueError, match="not right: not 10: run the lesson again"):
            solution("xx-rate")

    def test_no_solution_yet(self, rate):
        rate.solution = None
        assert rate.needs() == []
        with pytest.raises(ValueError, match="xx-rate has no solution yet"):
            rate.solve({})

    def test_a_signature_of_several_lines(self):
        """The parameters are no part of the code."""
        assert ALL["02-level"].code.startswith("from drumlesson.evaluation import")


class TestTried:
    def test_right(self, rate):
        right("xx-rate", 22050)
        with pytest.raises(AssertionError, match="not 8000"):
            right("xx-rate", 8000)

    def test_wrong(self, rate):
        wrong("xx-rate", 8000, "text")
        wrong("xx-rate", 8000, told="not 8000")
        with pytest.raises(AssertionError, match="22050"):
            wrong("xx-rate", 22050)
        with pytest.raises(AssertionError, match="too low"):
            wrong("xx-rate", 8000, told="too low")


class TestLetters:
    @pytest.mark.parametrize("given", ["BC", "b, c", "B and C", ["b", "C"], {"C", "B"}, ("B", "C")])
    def test_capitals(self, given):
        assert capitals(given) == "BC"

    @pytest.mark.parametrize("given", [2, None, [1, 2]])
    def test_no_letters(self, given):
        with pytest.raises(Unclear):
            capitals(given)

    @pytest.mark.parametrize("given", ["b", "(B)", ["b"], {"B"}, "b: for a reason", "it's B"])
    def test_one_letter(self, given):
        assert one_letter(given, {"A": "low", "B": None, "C": "high"}) is None

    def test_one_letter_that_is_wrong(self):
        assert one_letter("c", {"A": "low", "B": None, "C": "high"}) == "high"
        with pytest.raises(Unclear, match="one letter is asked for, and these are 2"):
            one_letter("BC", {"A": "low", "B": None, "C": "high"})

    @pytest.mark.parametrize(
        "given, told",
        [
            ("CB", None),
            ("", "unclear"),
            ("BX", "unclear"),
            ("DA", "opposite"),
            ("A", "single"),
            ("c", "C and which other?"),
            ("BCD", "many"),
            ("CD", "C yes, D no"),
        ],
    )
    def test_two_of_four(self, given, told):
        kinds = ("unclear", "opposite", "single", "many")
        hints = {kind: kind for kind in kinds}
        assert two_of_four(given, "BC", mixed="{right} yes, {wrong} no", **hints) == told


class TestChecks:
    """What holds of the checks of every lesson."""

    def test_imported_when_first_asked_for(self):
        code = (
            "import sys; from drumlesson.course.exercises import hint\n"
            "def loaded(): return [m[-2:] for m in sys.modules if '.checks.lesson' in m]\n"
            "assert loaded() == [], loaded()\n"
            "hint('02-onset', None)\n"
            "assert loaded() == ['02'], loaded()\n"
            "assert 'tensorflow' not in sys.modules and 'matplotlib' not in sys.modules\n"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    @pytest.mark.parametrize("lesson", LESSONS)
    def test_three_of_all_kinds_or_one_more(self, lesson):
        kinds = [e.kind for e in exercises_of(lesson).values()]
        assert set(kinds) == set(KINDS)
        assert 3 <= len(kinds) <= 4  # the fourth is on the learner's own sounds

    def test_a_lesson_without_checks(self):
        assert exercises_of("12") == {}

    @pytest.mark.parametrize("lesson", LESSONS)
    def test_nothing_is_offered_to_importers(self, lesson):
        module = import_module(f"drumlesson.course.checks.lesson_{lesson}")
        assert module.__all__ == []

    @pytest.mark.parametrize("name", ALL)
    def test_its_solution_can_be_read(self, name):
        code = ALL[name].code
        ast.parse(code)
        assert max(map(len, code.splitlines())) <= 88
        assert "return" not in [line.split(" ")[0] for line in code.splitlines()]

    @pytest.mark.parametrize("name", ALL)
    def test_what_is_plotted_is_described(self, name):
        found = ALL[name]
        assert bool(found.alt) == ("plt.show()" in found.code)

    @pytest.mark.parametrize("name", ALL)
    def test_a_solution_that_stands_alone_is_right(self, name):
        wrong(name)
        right(name)

    @pytest.mark.parametrize("name", ALL)
    def test_an_odd_answer_gets_a_hint(self, name):
        """Never an error of Python, and never one in the words of the hint."""
        itself = []
        itself.append(itself)
        odd = [-1, 0, True, 1 + 1j, float("nan"), 10**400, object(), int, print, type]
        odd += [[], {}, set(), [[]], [None, 1], itself, [[1], [2, 3]], {"a": None}, {1: {2: 3}}]
        odd += ["?", "(", "[1, 2", "{}", "'", "a" * 10_000, "\0", "½", b"AB", "no idea", "all"]
        odd += [np.zeros((2, 0)), np.array("?"), pd.DataFrame(), pd.Series([1.5]), range(10**9)]
        odd += [Sound(np.zeros(5)), iter("?"), np.zeros(10**6), np.datetime64("2020"), pytest]
        for answer in odd:
            told = hint(name, answer)
            assert isinstance(told, str) and told, answer
            if not callable(answer):
                assert "Error" not in told and "Traceback" not in told, (answer, told)
            assert len(told) < 400 and "\n" not in told, (answer, told)


def tables_of(lesson, monkeypatch):
    """{exercise: ([right answers], [(wrong answer, told)])}, as the page of checks tries them."""
    tables = {}

    def note_right(name, *answers):
        right(name, *answers)
        tables.setdefault(name, ([], []))[0].extend(answers)

    def note_wrong(name, *answers, told=""):
        wrong(name, *answers, told=told)
        tables.setdefault(name, ([], []))[1].extend((answer, told) for answer in answers)

    monkeypatch.setattr(exercises, "right", note_right)
    monkeypatch.setattr(exercises, "wrong", note_wrong)
    page = notebooks.read(TOP / f"nbs/reference/checks/lesson_{lesson}.ipynb")
    space = dict(vars(import_module(f"drumlesson.course.checks.lesson_{lesson}")))
    for cell in page.cells:
        if cell.cell_type == "code" and not cell.source.startswith("#|"):
            exec(cell.source, space)
    return tables


def lacks(exercise, table):
    """What the table of an exercise lacks, a line each."""
    good, bad = table
    told = [words for _, words in bad if words]
    if len(good) + len(bad) < 10:
        yield f"{len(good) + len(bad)} answers, not ten"
    if len(told) < 5 or len(set(told)) < 3:
        yield f"{len(told)} answers whose hint is known, and {len(set(told))} such hints, not 5, 3"
    if len(good) < 2:
        yield "fewer than two right answers, besides the solution"
    forms = {type(answer) for answer in good}
    if exercise.kind != "code" and len(forms) < 4:
        yield f"right answers in {len(forms)} forms (text, list, set, dict, array, number), not 4"


class TestTables:
    """Each exercise brings a table of answers, right and wrong, in many forms."""

    @pytest.mark.parametrize("lesson", LESSONS)
    def test_ten_answers_for_each_exercise(self, lesson, monkeypatch):
        tables = tables_of(lesson, monkeypatch)
        found = {}
        for name, asked in exercises_of(lesson).items():
            found[name] = list(lacks(asked, tables.get(name, ([], []))))
        assert found == {name: [] for name in found}

    def test_an_exercise_without_a_table_is_seen(self):
        assert len(list(lacks(ALL["00-spoiled"], ([], [])))) == 4
        few = (["BC", ["B", "C"]], [("A", "dull")] * 8)
        assert [line[0] for line in lacks(ALL["00-spoiled"], few)] == ["8", "r"]


class TestReading:
    """What people write, read as they mean it."""

    @pytest.mark.parametrize(
        "given",
        [
            "DB",
            "d, b",
            "D then B",
            "First D, and then B.",
            "D/B",
            "(D, B)",
            "['D', 'B']",
            ["D", "B"],
            ("clip D", "clip B"),
            np.array(["D", "B"]),
            pd.Series(["D", "B"]),
            iter("DB"),
            {1: "D", 2: "B"},
            {"damped": "B", "slowed": "D"},
            {"D": "slowed", "B": "damped"},
            {"D": 1, "B": 2},
            "B was damped and D was slowed",
            "2: B, 1: D",
            "D, B because A rings and C is as it was",
            "D and B, not A",
            [Sound(np.zeros(3), name="D"), Sound(np.zeros(3), name="B: 0.45")],
        ],
    )
    def test_letters_in_order(self, given):
        assert read_letters(given, ordered=True, roles=("slow", "damp")) == "DB"

    @pytest.mark.parametrize(
        "given, read",
        [
            ("a", "A"),
            ("a clip that is dull: b", "B"),
            ("a and d", "AD"),
            ("A, D", "AD"),
            ("bad", "BAD"),
            ("it must be A", "A"),
            ("I hear it in B", "B"),
            ({"A": True, "B": False}, "A"),
            ([True, False, False, True], "AD"),
        ],
    )
    def test_letters_and_words(self, given, read):
        assert read_letters(given) == read

    @pytest.mark.parametrize("given", ["", "none", "X", "B and X", 3, [1, 2], b"AB", None, "BE"])
    def test_no_letters(self, given):
        with pytest.raises(Unclear, match="letters"):
            read_letters(given)

    @pytest.mark.parametrize(
        "given, ms",
        [
            (569, 569),
            ("569", 569),
            ("0.569 s", 569),
            ("569ms", 569),
            ("1,022.5 ms", 1022.5),
            ("0,769 ms", 0.769),
            ("-0,125", -0.125),
            ("1'022", 1022),
            ("568,9 ms", 568.9),
            ("−3 ms", -3),
            ("1e3", 1000),
            ("2 seconds", 2000),
            ("46 frames: 569 ms", 569),
            ("45 * 11.6 + 47 = 569", 569),
            ({"s": 0.569}, 569),
            (np.array([[569]]), 569),
            (np.int8(5), 5),
        ],
    )
    def test_numbers(self, given, ms):
        assert read_number(given, MILLISECONDS) == pytest.approx(ms)

    @pytest.mark.parametrize(
        "given, why",
        [
            ("long", "there is no number"),
            ("46 frames", "another unit"),
            ("1 or 2", "has 2"),
            ([1, 2], "these are 2"),
            (True, "True is no number"),
            (1j, "is no number"),
            (float("inf"), "no finite number"),
            (None, "is no number"),
        ],
    )
    def test_no_number(self, given, why):
        with pytest.raises(Unclear, match=why):
            read_number(given, MILLISECONDS)

    @pytest.mark.parametrize("given", [[1, 2], [[1, 2]], [[1], [2]], "1 2", {"a": 1, "b": 2}])
    def test_tables(self, given):
        assert read_array(given, (2,)).tolist() == [1, 2]

    @pytest.mark.parametrize("given", [[1], [1, 2, 3], "x", [[1], [2, 3]], [1, np.nan], 5, print])
    def test_no_table(self, given):
        with pytest.raises(Unclear):
            read_array(given, (2,))

    @pytest.mark.parametrize(
        "given", ["64, 2048, no", (64, 2048, False), "64 2048 no", [[64, 2048, 0]]]
    )
    def test_parts(self, given):
        clicks, tones, both = read_parts(given, 3, ("click", "tone", "both"))
        assert (read_number(clicks), read_number(tones), read_truth(both)) == (64, 2048, False)

    def test_other_parts(self):
        assert read_parts({"tone": 1, "click": 2}, 2, ("click", "tone")) == [2, 1]
        with pytest.raises(Unclear, match="perhaps"):
            read_truth("perhaps")
        for given in ({1, 2}, (1, 2, 3), 5):
            with pytest.raises(Unclear):
                read_parts(given, 2)

    def test_choices(self):
        facts = {"channels": "channel|mono|stereo", "length": "length"}
        for given in ("mono/stereo", ["Channels"], {"channels": True, "length": False}):
            assert read_choice(given, facts) == ["channels"]
        assert read_choice("length and channels", facts) == ["channels", "length"]
        with pytest.raises(Unclear, match="is none of channels, length"):
            read_choice("kit", facts)

    def test_plain(self):
        assert plain((np.float32(1), {"a": np.array([1, 2])})) == (1, {"a": [1, 2]})
        assert plain('"BC"') == "BC" and plain("[1, 2") == "[1, 2"
        assert is_nothing(plain(np.array([]))) and not is_nothing(plain(np.array([0])))
        with pytest.raises(Unclear, match="these are 1,000,000 numbers"):
            plain(np.zeros(10**6))

    def test_tried(self):
        assert Tried(lambda x: [x]).number(3) == 3
        with pytest.raises(Stops, match="stops with AttributeError"):
            Tried(lambda x: x.y)(3)
        for function, why in ((lambda x: [1, 2], "several"), (lambda x: "a", "a number is asked")):
            with pytest.raises(Flaw, match=why):
                Tried(function).number(3)


class TestGuess:
    @pytest.mark.parametrize(
        "guess",
        [36, 36.0, "36", "+36", "36 points", "about 36 %", [36], (36,), {36}, np.float32(36)],
    )
    def test_ten_forms_of_one_guess(self, guess):
        expected = "your guess of +36 lies inside the interval from +30.0 to +40.0 points"
        assert guessed(guess, 30, 40) == expected

    @pytest.mark.parametrize("guess", [None, "None", "none", "", "no idea", [], ..., "?"])
    def test_no_idea_is_an_answer(self, guess):
        assert guessed(guess, 30, 40).startswith("you had no idea, which is an answer")

    @pytest.mark.parametrize(
        "guess, why",
        [
            ((30, 40), "these are 2"),
            ("30 to 40", "has 2"),
            (True, "True is no number"),
            (3650, "more points than there are"),
            (-101, "more points than there are"),
            ("a lot", "there is no number"),
            ("36 ms", "another unit"),
            (float("nan"), "no finite number"),
            (print, "is no number"),
            ({"a": 1, "b": 2}, "these are 2"),
        ],
    )
    def test_what_is_unclear_is_told_with_the_interval(self, guess, why):
        told = guessed(guess, 30, 40)
        assert told.startswith("your guess is not clear: ") and why in told
        assert told.endswith("what was measured is the interval from +30.0 to +40.0 points")

    def test_a_guess_outside(self):
        assert "your guess of -2 lies outside" in guessed("−2", 30, 40)
