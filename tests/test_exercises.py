"""Exercises: a hint for any answer, solutions that fold, checks found when they are asked for."""

import ast
import subprocess
import sys
from importlib import import_module

import pytest

from drumlesson.course import exercises
from drumlesson.course.exercises import (
    KINDS,
    capitals,
    check,
    exercise,
    exercises_of,
    hint,
    right,
    solution,
    solves,
    two_of_four,
    wrong,
)

LESSONS = [f"{number:02}" for number in range(10)]
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

    def test_a_function_that_fails(self, rate):
        told = hint("xx-rate", len)
        assert told.startswith("tried, your function ends in TypeError: ")

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
        with pytest.raises(AssertionError, match="22050"):
            wrong("xx-rate", 22050)


class TestLetters:
    @pytest.mark.parametrize("given", ["BC", "b, c", "B and C", ["b", "C"], {"C", "B"}, ("B", "C")])
    def test_capitals(self, given):
        assert capitals(given) == "BC"

    @pytest.mark.parametrize("given", [2, None, [1, 2]])
    def test_no_letters(self, given):
        with pytest.raises(TypeError):
            capitals(given)

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
    def test_all_kinds(self, lesson):
        kinds = [e.kind for e in exercises_of(lesson).values()]
        assert set(kinds) == set(KINDS)

    def test_a_lesson_without_checks(self):
        assert exercises_of("11") == {}

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
    @pytest.mark.parametrize("odd", [-1, [], {}, "?", b"AB", float("nan"), 1 + 1j], ids=repr)
    def test_an_odd_answer_gets_a_hint(self, name, odd):
        assert isinstance(hint(name, odd), str)
