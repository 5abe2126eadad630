"""In a real browser: self-tests and exercises are answered on the page, and what was is kept."""

import contextlib
import json
from pathlib import Path

import pages
import pytest
from browsing import (
    ENTER,
    OPEN_FOLDS,
    PHONE,
    TAB,
    as_phone,
    asked_elsewhere,
    at,
    complaints,
    keys,
    until,
)
from readers import needs_axe, serious

from drumlesson.course.exercises import exercises_of
from drumlesson.dev import notebooks

TOP = Path(__file__).resolve().parent.parent
LESSONS = [path for path in notebooks.notebooks(TOP) if notebooks.is_lesson(path)]


class Page:
    """A lesson in the browser, whose exercises have their forms."""

    def __init__(self, browser, url):
        self.browser = browser
        self.url = url
        at(browser, url)
        until("it says what is answered", lambda: self.all(".dl-progress, .dl-mark"))

    def all(self, selector):
        """What a selector finds."""
        return self.browser.find_elements("css selector", selector)

    def one(self, selector):
        """What a selector finds alone."""
        (found,) = self.all(selector)
        return found

    def focus(self, element):
        """Puts the keyboard where an element is."""
        self.browser.execute_script("arguments[0].focus()", element)

    def form(self, name):
        """The form of an exercise."""
        return self.one(f'form[aria-label="Exercise {name}"]')

    def answer(self, name, text):
        """Writes an answer, by the keyboard alone; what the page says."""
        form = self.form(name)
        field = form.find_element("css selector", "input")
        field.clear()
        self.focus(field)
        keys(self.browser, text, ENTER)
        return form.find_element("css selector", "[role=status]").text

    def progress(self):
        """The line at the top of a lesson."""
        return self.one(".dl-progress").text.removesuffix(" Forget")


@pytest.fixture
def page(browser, address):
    """Opens a lesson, by the name of its notebook, in a browser that has kept nothing."""
    at(browser, address("02_attack_phase"))
    browser.execute_script("localStorage.clear()")
    return lambda name: Page(browser, address(name))


def clean(browser):
    """Whether the page did without an error, and without any other host."""
    return complaints(browser) == [] and asked_elsewhere(browser) == []


@contextlib.contextmanager
def before_each_page(browser, script):
    """Runs a script before those of each page."""
    add, remove = (f"Page.{what}ScriptToEvaluateOnNewDocument" for what in ("add", "remove"))
    added = browser.execute_cdp_cmd(add, {"source": script})
    try:
        yield
    finally:
        browser.execute_cdp_cmd(remove, added)


# -- self-tests

CHOSEN = "return [...arguments[0].querySelectorAll('[aria-pressed=true]')].map(b => b.innerText)"


def test_a_question_is_answered_by_the_keyboard(page, browser):
    lesson = page("02_attack_phase")
    question, *_ = lesson.all(".dl-question")
    assert question.accessible_name.startswith("1. Of some other instrument")
    options = question.find_elements("css selector", "button")
    status = question.find_element("css selector", "[role=status]")
    assert len(options) == 3 and status.text == ""
    lesson.focus(options[0])
    keys(browser, " ")
    assert status.text.startswith("✗ not right\nNo: then a sound without it")
    keys(browser, TAB, TAB, ENTER)
    assert status.text.startswith("✓ right\nYes: both parts carry the same news")
    assert browser.execute_script(CHOSEN, question) == [options[2].text]
    assert "0 of" not in lesson.progress() and lesson.progress().startswith("1 of 7 right")
    assert "✓ answered rightly" in question.accessible_name
    lesson.focus(options[1])
    keys(browser, ENTER)
    assert status.text.startswith("✗ not right") and lesson.progress().startswith("1 of 7")
    assert clean(browser)


FOUND = """
return import('./site/selftest.js').then(({questionsOf}) => {
  const page = new DOMParser().parseFromString(arguments[0], 'text/html');
  return questionsOf(page).map(({number, options}) => [number, options.map(one => one.right)]);
});
"""


def test_all_questions_of_all_lessons_are_found(page, browser):
    page("02_attack_phase")
    facts = json.loads(pages.answers())["lessons"]
    for path in LESSONS:
        found = browser.execute_script(FOUND, pages.as_page(path, styles=""))
        n = facts[path.stem.partition("_")[2]]["questions"]
        assert [number for number, _ in found] == [str(i + 1) for i in range(n)], path
        assert all(told.count(True) == 1 for _, told in found)


# -- exercises


def test_letters_wrong_then_right(page, browser):
    lesson = page("02_attack_phase")
    exercise = exercises_of("02")["02-lost"]
    assert lesson.form("02-lost").text.startswith(f"Asked for: {exercise.asks}.")
    assert lesson.answer("02-lost", "a, c") == f"✗ {exercise.hint('AC')}"
    assert lesson.answer("02-lost", "both").startswith("✗ write the letters alone; asked for")
    assert lesson.progress().startswith("0 of 7")
    assert lesson.answer("02-lost", "d and b") == "✓ right"
    here = "7 can be answered here, 2 more in the notebook"
    assert lesson.progress() == f"1 of 7 right; {here}; kept in this browser only."
    assert lesson.form("02-lost").text.endswith("Check\n✓ right")
    box, told = lesson.form("02-lost"), lesson.form("02-lost").find_element("css selector", "b")
    assert box.rect["y"] + box.rect["height"] - told.rect["y"] - told.rect["height"] < 24
    assert "not answered yet: two letters" not in lesson.one("main").text
    assert clean(browser)


def test_a_number_within_the_tolerance_and_beyond(page, browser):
    lesson = page("05_recurrent")
    hint = exercises_of("05")["05-memory"].hint
    for text, ms in (("1010 ms", 1010), ("1.034 s", 1034), ("44", 44)):
        assert lesson.answer("05-memory", text) == f"✗ {hint(ms)}"
    for text, ms in (("1,011 ms", 1011), ("1.033 s", 1033)):
        assert lesson.answer("05-memory", text) == "✓ right" and hint(ms) is None
    assert clean(browser)


def choose(form, options):
    """Chooses an option of each list of a form, and sends it; what the page says."""
    from selenium.webdriver.support.select import Select

    for select, option in zip(form.find_elements("css selector", "select"), options, strict=True):
        Select(select).select_by_visible_text(option)
    form.find_element("css selector", "button").click()
    return form.find_element("css selector", "[role=status]").text


def test_choices(page, browser):
    lesson = page("01_audio_basics")
    form = lesson.form("01-window")
    hint = exercises_of("01")["01-window"].hint
    assert choose(form, ["512", "2048", "choose"]).startswith("✗ not answered yet")
    assert choose(form, ["512", "2048", "no"]) == f"✗ {hint((512, 2048, False))}"
    assert choose(form, ["64", "2048", "no"]) == "✓ right"
    names = [field.accessible_name for field in form.find_elements("css selector", "select")]
    assert names == ["N for the clicks", "N for the tones", "one window for both"]


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_every_exercise_has_its_form_or_says_where(page, browser, path):
    lesson = page(path.stem)
    facts = json.loads(pages.answers())["lessons"][path.stem.partition("_")[2]]
    forms = [form.get_attribute("aria-label") for form in lesson.all("form.dl-exercise")]
    assert forms == [f"Exercise {name}" for name in facts["on_page"]]
    notes = [note.text for note in lesson.all(".dl-elsewhere")]
    where = "This one is written in the notebook: open in Colab, or download this notebook."
    assert notes == [where] * len(facts["in_notebook"])
    download = lesson.all(".dl-elsewhere a")[-1].get_attribute("href")
    assert download.endswith(path.name)
    n = facts["questions"] + len(facts["on_page"])
    assert lesson.progress().startswith(f"0 of {n} right; {n} can be answered here")
    assert clean(browser)


# -- progress


def test_what_was_answered_is_kept_shown_on_the_map_and_forgotten(page, browser):
    lesson = page("02_attack_phase")
    lesson.answer("02-lost", "BD")
    lesson = page("02_attack_phase")
    assert lesson.progress().startswith("1 of 7")
    assert "✓ answered rightly" in lesson.form("02-lost").text
    course = page("index")
    marks = [mark.text for mark in course.all("#the-course td .dl-mark")]
    assert len(marks) == 11 and marks[2] == "1 of 7 right" and marks[1] == "0 of 7 right"
    weights = [mark.value_of_css_property("font-weight") for mark in course.all("td .dl-mark")]
    assert weights[2] == "700" and weights[1] == "400"
    forgets = course.one(".dl-progress button")
    assert forgets.accessible_name == "Forget what I answered, everywhere"
    forgets.click()
    assert not any(mark.is_displayed() for mark in course.all("#the-course td .dl-mark"))
    assert browser.execute_script("return localStorage.getItem('drumlesson.progress')") == "{}"
    assert page("02_attack_phase").progress().startswith("0 of 7")
    assert clean(browser)


def test_a_lesson_forgets_its_own_answers_only(page, browser):
    page("05_recurrent").answer("05-memory", "1022")
    lesson = page("02_attack_phase")
    lesson.answer("02-level", "b")
    assert "1 of 7" in lesson.progress()
    lesson.one(".dl-forget").click()
    assert "0 of 7" in lesson.progress() and not lesson.all(".dl-mark")
    kept = json.loads(browser.execute_script("return localStorage['drumlesson.progress']"))
    assert kept == {"recurrent": ["05-memory"]}


@pytest.mark.parametrize("spoiled", ["{", "null", '["a"]', '{"attack_phase": 5, "x": [1]}'])
def test_what_is_spoiled_is_begun_anew(page, browser, spoiled):
    browser.execute_script("localStorage['drumlesson.progress'] = arguments[0]", spoiled)
    lesson = page("02_attack_phase")
    assert lesson.answer("02-lost", "BD") == "✓ right"
    assert lesson.progress().startswith("1 of 7")
    assert clean(browser)


FORBID = "Object.defineProperty(window, 'localStorage', {get() { throw new Error('forbidden'); }})"


def test_a_forbidden_storage_is_survived(page, browser):
    with before_each_page(browser, FORBID):
        lesson = page("02_attack_phase")
        assert lesson.answer("02-lost", "BD") == "✓ right"
        assert lesson.progress().endswith("2 more in the notebook; this browser keeps nothing.")
        assert lesson.progress().startswith("1 of 7 right; ")
        assert clean(browser)


# -- looks


def test_without_scripts_the_folds_stay(browser, address):
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        at(browser, address("02_attack_phase"))
        folds = browser.find_elements("css selector", "p + details > summary")
        assert len(folds) >= 5 and all(fold.is_displayed() for fold in folds)
        text = browser.find_element("css selector", "main").text
        assert "Choose an answer, then open it." in text and "✗ not answered yet: two le" in text
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


OFFLINE = """
window.asked = [];
window.fetch = address => {
  window.asked.push(String(address));
  return Promise.reject(new TypeError('offline'));
};
"""


def test_without_the_answers_the_page_stands(browser, address):
    with before_each_page(browser, OFFLINE):
        at(browser, address("02_attack_phase"))
        asked = until("it asks for them", lambda: browser.execute_script("return window.asked"))
        assert any(url.endswith("/site/answers.json") for url in asked)
        find = browser.find_elements
        assert len(find("css selector", ".dl-question")) == 5
        assert find("css selector", ".dl-exercise, .dl-elsewhere, .dl-progress") == []
        assert clean(browser)


ANSWERED = """
for (const option of document.querySelectorAll('.dl-question > button:nth-of-type(2n + 1)')) {
  option.click();
}
"""
PARTS = (".dl-question", ".dl-exercise", ".dl-progress", ".dl-elsewhere")


@needs_axe
@pytest.mark.parametrize("mode", ["light", "dark"])
def test_no_serious_finding_of_axe(page, browser, mode):
    lesson = page("02_attack_phase")
    lesson.answer("02-lost", "AC")
    lesson.answer("02-level", "b")
    browser.execute_script(ANSWERED)
    browser.execute_script(f"document.body.className = 'quarto-{mode}'")
    assert serious(browser, *PARTS) == []
    browser.execute_script("document.querySelector('.dl-exercise label').replaceWith('')")
    browser.execute_script("document.querySelector('.dl-fields').append(new Image())")
    assert any("image-alt" in line for line in serious(browser, *PARTS))


@pytest.mark.parametrize("name", ["01_audio_basics", "02_attack_phase", "index"])
def test_fits_on_a_phone(page, browser, name):
    with as_phone(browser):
        lesson = page("02_attack_phase")
        lesson.answer("02-lost", "BD")
        lesson = page(name)
        browser.execute_script(ANSWERED)
        browser.execute_script(OPEN_FOLDS)
        width = browser.execute_script("return document.scrollingElement.scrollWidth")
        assert width <= PHONE
        for target in lesson.all(".dl-option, .dl-exercise button, .dl-forget"):
            assert target.rect["height"] >= 44 or not target.is_displayed()
    assert clean(browser)
