"""Answers on the page: what the checkers say, written down, and read by a script as Python does."""

import ast
import json
import math
import re
import shutil
import subprocess
from pathlib import Path
from random import Random

import pages
import pytest

from drumlesson.course.exercises import Choice, Exercise, Letters, Number, exercises_of
from drumlesson.dev import answering, notebooks

TOP = Path(__file__).resolve().parent.parent
LESSONS = [path for path in notebooks.notebooks(TOP) if notebooks.is_lesson(path)]
CHECKS = sorted((TOP / "nbs" / "reference" / "checks").glob("lesson_*.ipynb"))
# Forms that anybody may write on the page; in other words, the notebook may read more.
PLAIN_NUMBER = re.compile(r"(?:about )?[-−]?[\d.,]*\d ?(?:ms|milliseconds|s|seconds|%)?")


@pytest.fixture(scope="module")
def facts():
    """What the page knows."""
    return json.loads(pages.answers())


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """Asks a part of the page a question, in Node."""
    node = shutil.which("node")
    if not node:
        pytest.skip("node is missing (https://nodejs.org)")
    folder = tmp_path_factory.mktemp("modules")
    shutil.copytree(TOP / "nbs" / "site", folder, dirs_exist_ok=True)
    (folder / "package.json").write_text('{"type": "module"}')
    command = [node, TOP / "tests" / "site" / "tools.js", folder]

    def ask(name, **question):
        given = json.dumps(question)
        done = subprocess.run([*command, name], input=given, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return ask


@pytest.fixture(scope="module")
def judged(facts, asked):
    """Says what the page says of answers to an exercise."""

    def judge(name, answers):
        exercise = facts["exercises"][name]
        return asked("judge", exercise=exercise, units=facts["units"], answers=answers)

    return judge


def known(name):
    """The exercise itself."""
    return exercises_of(name[:2])[name]


def is_table(node):
    """Whether a call puts answers to a checker."""
    named = isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("right", "wrong")
    return named and re.match(r"'\d\d-", ast.unparse(node.args[0]) if node.args else "")


def tables():
    """The answers on the pages of checks that are texts or numbers: {name: answers}."""
    found = {}
    for path in CHECKS:
        code = "\n".join(c.source for c in notebooks.read(path).cells if c.cell_type == "code")
        for call in filter(is_table, ast.walk(ast.parse(code))):
            name, *answers = call.args
            plain = [a.value for a in answers if isinstance(a, ast.Constant)]
            kept = [a for a in plain if type(a) in (str, int, float)]
            found.setdefault(name.value, []).extend(kept)
    return found


TABLES = tables()
ON_PAGE = [name for name in sorted(TABLES) if known(name).on_page]
IN_WORDS = [name for name in ON_PAGE if not isinstance(known(name).on_page, Choice)]


def plain_form(exercise):
    """The pattern of what must be read on the page."""
    if isinstance(exercise.on_page, Number):
        return PLAIN_NUMBER
    letter = f"[{exercise.on_page.among}]"
    return re.compile(rf"{letter}(?:(?:[\s,;/&+]*| and | then ){letter})*", re.IGNORECASE)


# -- the same judgement


@pytest.mark.parametrize("name", IN_WORDS)
def test_the_page_judges_the_tables_as_python_does(judged, name):
    exercise = known(name)
    answers = [str(answer) for answer in TABLES[name]]
    for answer, verdict in zip(answers, judged(name, answers), strict=True):
        hint = exercise.hint(answer)
        if verdict["read"]:
            assert (verdict["told"] or None) == hint, answer
        else:
            assert exercise.asks in verdict["told"] and not verdict["right"]
            assert hint or not plain_form(exercise).fullmatch(answer), answer


@pytest.mark.parametrize("name", IN_WORDS)
def test_a_right_answer_of_the_tables_is_right_on_the_page(judged, name):
    answers = [str(answer) for answer in TABLES[name]]
    plain = [a for a in answers if plain_form(known(name)).fullmatch(a)]
    right = [a for a in plain if known(name).hint(a) is None]
    assert right and all(verdict["right"] for verdict in judged(name, right))


@pytest.mark.parametrize(
    "name, answers",
    [
        ("02-lost", ["bd", " B, D ", "d and b", "(B) (D)", '"BD"', "B + D", "BBD"]),
        ("03-tape", ["DB", "d, b", "D then B"]),
        ("05-memory", ["1022", "1022 ms", "1,022 ms", "1 022", "1.022 s", "1022.0 milliseconds"]),
        ("06-field", ["569", "568,9 ms", "about 569 ms", "= 569", "0.569s"]),
        ("08-verdicts", ["srnusc", "S, R, N, U, S, C", "S/R/N/U/S/C"]),
        ("09-pairs", ["2704", "2,704", "2704 weights", "2704.0"]),
        ("10-limit", ["0.77", ".77", "0,77", "77 %", "77", "F = 0.77", "77 percent"]),
    ],
)
def test_plain_forms_are_right(judged, name, answers):
    assert [a for a in answers if known(name).hint(a)] == []
    assert [v for v in judged(name, answers) if not v["right"]] == []


@pytest.mark.parametrize(
    "name, answers",
    [
        ("02-lost", ["", "both", "B: dull, D: dull", "B and X", "2", "B is, D is not"]),
        ("03-tape", ["B was damped and D slowed", "{'D', 'B'}", "2: D, 1: B"]),
        ("05-memory", ["long", "44 frames", "1000 to 1022", "44 * 23.2", "Infinity", "1e"]),
        ("08-verdicts", ["ABCDEF", "S and R", "S" * 13]),
        ("09-pairs", ["52 squared", "52²", "52 x 52", "3 thousand"]),
        ("10-limit", ["10/13", "77 ms", "0.77 or 0.78"]),
    ],
)
def test_what_is_not_read_is_never_judged(judged, name, answers):
    for answer, verdict in zip(answers, judged(name, answers), strict=True):
        assert (verdict["read"], verdict["right"]) == (False, False), answer
        assert verdict["told"].endswith(f"asked for: {known(name).asks}")


NUMBERS = [name for name in ON_PAGE if isinstance(known(name).on_page, Number)]


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_are_judged_alike_to_the_last_bit(facts, judged, name):
    """Drawn ones, the edges, and their neighbours among the numbers of a computer."""
    rng = Random(5)
    tried = [rng.choice((1, 1, -1)) * 10 ** rng.uniform(-3, 5) for _ in range(500)]
    for edge, _ in facts["exercises"][name]["answers"][:-1]:
        tried += [edge, math.nextafter(edge, math.inf), math.nextafter(edge, -math.inf)]
    texts = [f"{number:.17g}" for number in tried if abs(number) > 1e-4]
    for text, verdict in zip(texts, judged(name, texts), strict=True):
        assert verdict["read"] and (verdict["told"] or None) == known(name).hint(float(text)), text


@pytest.mark.parametrize("name", [name for name in ON_PAGE if name not in IN_WORDS])
def test_choices_are_judged_alike(facts, judged, name):
    lists = list(known(name).on_page.lists.values())
    answers = facts["exercises"][name]["answers"]
    assert len(answers) == math.prod(map(len, lists))
    keys = [key for key, _ in answers]
    for key, verdict in zip(keys, judged(name, keys), strict=True):
        options = [of[int(n)] for n, of in zip(key.split(), lists, strict=True)]
        given = options if len(options) > 1 else options[0]
        assert (verdict["told"] or None) == known(name).hint(given), given
    assert not judged(name, [" "])[0]["read"]


# -- what is written down


def test_what_asks_for_thought_is_answered_on_the_page(facts):
    for lesson in facts["lessons"].values():
        here = {known(name).kind for name in lesson["on_page"]}
        elsewhere = {known(name).kind for name in lesson["in_notebook"]}
        assert here == {"thought", "listening"} and "thought" not in elsewhere
        assert all(name in facts["exercises"] for name in lesson["on_page"])


def test_every_lesson_is_known_by_its_page(facts):
    assert [f"{name}.html" for name in facts["lessons"]] == list(map(pages.output_name, LESSONS))
    for path, lesson in zip(LESSONS, facts["lessons"].values(), strict=True):
        asked_there = notebooks._asked(notebooks.read(path))
        assert sorted(lesson["on_page"] + lesson["in_notebook"]) == sorted(asked_there)


def test_the_file_is_written_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(answering, "_lessons", lambda top: {})
    path = answering.build(TOP, tmp_path)
    assert path == tmp_path / "site" / "answers.json"
    assert json.loads(path.read_text())["exercises"] == {} and len(list(path.parent.iterdir())) == 1


def test_an_exercise_that_nothing_answers_is_refused():
    for checker in (lambda answer: None, lambda answer: "no"):
        free = Exercise("xx-x", "thought", "a letter", checker, on_page=Letters("AB"))
        with pytest.raises(ValueError, match="xx-x: . of 3 answers are right"):
            answering._on_page(free)


# -- self-tests


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_question_has_one_option_that_says_yes(asked, path):
    """As the page reads it: by the first word of the reason."""
    questions = notebooks._questions(notebooks.read(path))
    assert len(questions) >= 4
    for question in questions:
        reasons = [reason for _, reason in notebooks._OPTION.findall(question)]
        told = asked("says", reasons=reasons)
        assert len(told) >= 3 and told.count(True) == 1 and told.count(None) == 0, question


def test_words_that_only_begin_like_yes_are_neither(asked):
    reasons = ["Yes: so", " \nYes, so", "No: so", "No, so", "Yesterday", "None", "Not so", "", "no"]
    right = [True, True, False, False, None, None, None, None, None]
    assert asked("says", reasons=reasons) == right


# -- what a browser may have kept


def test_what_cannot_be_read_is_left_out(asked):
    texts = [None, "", "{", "null", "5", '["a"]', '{"a": "b"}', '{"a": ["1", 2, null], "b": []}']
    *nothing, some = asked("readable", texts=texts)
    assert nothing == [{}] * 7 and some == {"a": ["1"], "b": []}
