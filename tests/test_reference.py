"""What the reference owes a reader for every name: a sentence, parameters, errors, example."""

import ast
import importlib.util
import inspect
import re
import sys
import textwrap
from collections import Counter
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_notebook
from numpydoc.validate import validate

import drumlesson
from drumlesson.dev import notebooks as nb
from drumlesson.dev import reference as ref
from drumlesson.registry import AUGMENTATIONS, FAMILIES, FEATURES, TASKS

TOP = Path(__file__).resolve().parent.parent
PAGES = {p.relative_to(TOP / "nbs").as_posix(): nb.read(p) for p in nb.notebooks(TOP)}
KNOWN = ref.pages()
MODULES = sorted(name for names in ref.modules().values() for name in names)
REGISTRIES = (AUGMENTATIONS, FAMILIES, FEATURES, TASKS)
ERRORS = {"ValueError", "SourceError", "AudioError", "ImportError", "RuntimeError", "OSError"}
MAKERS = ("__init__", "__post_init__", "__call__")  # what they raise is said by the class
HEIGHTS = {"ground": 0, "library": 1, "use": 2, "course": 2}  # the upper two share the roof
MOST_PUBLIC_NAMES = 191  # outside `course`: more than that, nobody finds their way

# A number's comment has one of these words, so that nobody has to guess its unit.
UNIT = re.compile(
    r"""\b(ms|seconds?|milliseconds?|minutes?|samples?|k?Hz|hertz|dB|decibels|octaves?|semitones?
    |bins?|bands?|frames?|epochs?|hits?|kits?|folds?|classes|units|filters|heads|steps?|runs?
    |a\ core|cores?|draws|letters|numbers?|how\ many|so\ manieth|share|times|multipl\w+|divided
    |exponent|power|level|linear|peak|ratio|over\ settled|over\ the\ lowest|strength|largest\ norm
    |probability|threshold|0\ to\ 1|below\ 1|0\ is|1\ is|at\ most|Adam|of\ each|channels|mono
    |shape|seeds?|spread|decay|points|bits|saturation|bursts|modes|levels?|width|relative)\b""",
    re.X | re.I,
)
# A docstring such as "Windows, float32 (n, samples), as pictures" says what `x` is.
SHAPE = re.compile(r"\((n|batch|samples)\b")

# Of numpydoc's checks, those without which a user cannot rely on a docstring. Left out are matters
# of taste in which this project has its own habit: a summary may say what comes back instead of
# beginning with a verb (SS05), descriptions are phrases and need neither capital nor full stop
# (PR08, PR09, RT04, RT05), and a summary that says it all needs no second one (ES01), nor other
# names to see (SA01).
CHECKS = {
    "GL05": "no tabs",
    "GL06": "only sections that numpydoc knows",
    "GL07": "sections in their order",
    "GL08": "a docstring",
    "SS01": "a summary",
    "SS02": "which begins with a capital letter",
    "SS03": "ends with a full stop",
    "SS06": "and is a single line",
    "PR01": "every parameter is documented",
    "PR02": "and none that is not there",
    "PR03": "in the order of the signature",
    "PR04": "each with its type",
    "PR05": "a type is no sentence",
    "PR07": "each with a description",
    "PR10": "a space before the colon",
    "RT01": "what comes back is documented",
    "RT03": "with a description",
    "EX01": "an example",
}


# --- the rules, on a module -------------------------------------------------------------------


def kin(cls):
    """The classes of the package that a class is made of."""
    return [c for c in inspect.getmro(cls)[1:] if c.__module__.split(".")[0] == root_of(cls)]


def root_of(cls):
    """The package, or the single module, that a class belongs to."""
    return cls.__module__.split(".")[0]


def doc_of(obj):
    """The docstring that a function or class has itself, not that of a base."""
    return inspect.cleandoc(obj.__doc__ or "")


def own_methods(cls):
    """The functions in the body of a class, generated ones left out."""
    functions = {name: m for name, m in vars(cls).items() if inspect.isfunction(m)}
    return {name: m for name, m in functions.items() if ref.is_written(m)}


def told_by_bases(cls):
    """The methods that bases document, or ask of a class in their docstrings, as `name(...)`."""
    told = set()
    for base in kin(cls):
        told |= own_methods(base).keys()
        told |= set(re.findall(r"`(\w+)", doc_of(base)))
    return told


def parts(obj):
    """Name, object and docstring of a function; of a class also of its makers and methods.

    Methods of private bases are included. What a public base documents is not asked again.
    """
    yield "", obj, doc_of(obj)
    if not inspect.isclass(obj):
        return
    told = told_by_bases(obj)
    hidden = {}
    for base in kin(obj):
        if base.__name__.startswith("_"):
            hidden |= own_methods(base)
    for name, method in (hidden | own_methods(obj)).items():
        if name in MAKERS:
            yield name, method, f"{doc_of(obj)} {doc_of(method)}"
        elif not name.startswith("_") and (name in hidden or name not in told):
            yield name, method, doc_of(method)


def is_number(parameter):
    """Whether a parameter is a number, by its annotation or its default."""
    if parameter.annotation is not inspect.Parameter.empty:
        written = inspect.formatannotation(parameter.annotation)
        return re.search(r"\b(int|float)\b", written) is not None
    return type(parameter.default) in (int, float)


def raised(function):
    """The errors that a function raises in its own body."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and node.exc is not None:
            error = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            names.add(ast.unparse(error))
    return sorted(names & ERRORS)


def is_sentence(text):
    return len(text.split()) >= 3 and re.search(r"[.?](\s|$)", text) is not None


def has_comment(function):
    """Whether a comment stands on the lines of a definition, before its body."""
    source = textwrap.dedent(inspect.getsource(function))
    body = ast.parse(source).body[0].body[0]
    return any(line <= body.lineno for line in ref.comments(source))


def gaps_of_parameters(obj, doc):
    texts = ref.explained(obj)
    if getattr(obj, "_is_protocol", False):  # nobody makes one
        return
    for name, parameter in ref.parameters(obj).items():
        if name.startswith("_") or name in ref.MEANS or f"`{name}`" in doc:
            continue
        if name == "x" and SHAPE.search(doc_of(obj)):
            continue
        if not texts[name]:
            yield f"parameter {name} is not explained"
        elif is_number(parameter) and not UNIT.search(f"{name.replace('_', ' ')}: {texts[name]}"):
            yield f"parameter {name} is a number of unknown unit: {texts[name]}"


def gaps_of_part(part, obj, doc):
    if part and part not in MAKERS and not doc and not has_comment(obj):
        yield "neither docstring nor comment"
    if part not in ("__init__", "__post_init__"):  # whose parameters are those of the class
        yield from gaps_of_parameters(obj, doc)
    if inspect.isfunction(obj):
        for error in raised(obj):
            if "Raises" not in doc or error not in doc:
                yield f"raises {error} and does not say so"


def gaps_of_docstring(name, doc):
    if not is_sentence(doc):
        yield f"{name}: no docstring of at least one sentence"
    unknown = set(ref.named(doc, KNOWN)) - set(KNOWN)
    if unknown:
        yield f"{name}: names a lesson or page that does not exist: {sorted(unknown)}"
    for lesson in re.findall(r"\bUsed in lesson (\d\d)", doc):
        if lesson in KNOWN and name not in code_names(KNOWN[lesson]):
            yield f"{name}: is not used in lesson {lesson}"


def gaps(module, used):
    """What is missing at the public names of a module, a line each.

    `used` are the names that examples use.
    """
    for name, obj in ref.public(module).items():
        if ref.is_constant(obj):
            if not ref.comment_on(module, name):
                yield f"{name}: no comment that says what it is"
            continue
        yield from gaps_of_docstring(name, doc_of(obj))
        if not stand_ins(name, module) & (used | built(module)):
            yield f"{name}: no example"
        for part, inner, doc in parts(obj):
            where = f"{name}.{part}" if part else name
            for gap in gaps_of_part(part, inner, doc):
                yield f"{where}: {gap}"


def stand_ins(name, module):
    """What is an example of a name as well: where it is registered, and classes made of it."""
    names = {name}
    home = f"{module.__name__}:{name}"
    for registry in REGISTRIES:
        names |= {key for key, entry in registry.items() if entry == home}
    for key, obj in vars(module).items():
        if inspect.isclass(obj) and name in {base.__name__ for base in kin(obj)}:
            names.add(key)
    return names


def built(module):
    """The names that a module itself uses outside of its functions and classes."""
    names = set()
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, (ast.Assign, ast.AnnAssign, ast.Expr)) and node.value is not None:
            names |= {n.id for n in ast.walk(node.value) if isinstance(n, ast.Name)}
    return names


# --- the package ------------------------------------------------------------------------------


def code_names(page):
    """Every name and text in those code cells of a page that are not exported."""
    names = set()
    for cell in PAGES[page].cells:
        if cell.cell_type != "code" or ref.is_export(cell):
            continue
        for node in ast.walk(ref.parsed(cell)):
            if isinstance(node, ast.Name):
                names.add(node.id)
            elif isinstance(node, ast.Attribute):
                names.add(node.attr)
            elif isinstance(node, ast.Constant):
                names.add(node.value)
    return names


def imports_from(page, module):
    """Whether a page imports names of a module."""
    line = f"from drumlesson.{module} import"
    return any(line in cell.source for cell in page.cells)


def examples(module):
    """The names used on the page that exports a module, on those that import it, and in lessons."""
    names = code_names(ref.homes()[module])
    lessons = {page for key, page in KNOWN.items() if key.isdigit()}
    for path, page in PAGES.items():
        if path in lessons or imports_from(page, module):
            names |= code_names(path)
    return names


@pytest.mark.parametrize("module", MODULES)
def test_every_public_name_is_explained(module):
    found = list(gaps(ref.module(module), examples(module)))
    assert not found, "\n" + "\n".join(found)


def met_by_users():
    """The names that a user meets, with the public methods of `DrumClassifier`."""
    names = [f"drumlesson.{name}" for name in ref.MET_BY_USERS]
    classifier = ref.public(ref.module("classifier"))["DrumClassifier"]
    methods = [name for name in own_methods(classifier) if not name.startswith("_")]
    return names + [f"drumlesson.classifier.DrumClassifier.{name}" for name in methods]


@pytest.mark.parametrize("name", met_by_users())
def test_what_a_user_meets_has_a_docstring_in_numpydocs_form(name):
    flaws = []
    is_method = name.startswith("drumlesson.classifier.DrumClassifier.")
    for code, text in validate(name)["errors"]:
        if code == "EX01" and is_method:  # the example of the class shows its methods at work
            continue
        if code in CHECKS:
            flaws.append(f"{code}: {text}")
    assert not flaws, "\n" + "\n".join([name, *flaws])


def public_names():
    """{name: the modules that offer it}."""
    homes = {}
    for module in MODULES:
        for name in ref.public(ref.module(module)):
            homes.setdefault(name, []).append(module)
    return homes


def test_the_package_offers_few_names():
    homes = [modules[0] for modules in public_names().values()]
    sizes = Counter(home for home in homes if not home.startswith("course."))
    assert sum(sizes.values()) <= MOST_PUBLIC_NAMES, sizes.most_common()


def test_no_name_means_two_things():
    twice = {name: modules for name, modules in public_names().items() if len(modules) > 1}
    assert twice == {}


def test_what_the_package_offers_is_found_where_it_is_said_to_be():
    for name, module in drumlesson._HOME.items():
        assert name in ref.public(ref.module(module)), name


def test_what_a_user_meets_is_public():
    for name in ref.MET_BY_USERS:
        module, _, last = name.rpartition(".")
        assert last in ref.public(ref.module(module)), name


def is_hidden(cell):
    """Whether a reader of the page does not see the code of a cell."""
    return re.match(r"#\| *(hide|echo: *false)", cell.source) is not None


def long_cells(page):
    """Code cells of more than 25 lines that are shown; a definition is as long as it is."""
    found = []
    for cell in page.cells:
        if cell.cell_type != "code" or ref.is_export(cell) or is_hidden(cell):
            continue
        lines = [line for line in cell.source.splitlines() if not line.startswith("#|")]
        if len(lines) > 25:
            found.append((len(lines), lines[0]))
    return found


# A page of checks holds exercises, and an exercise is one cell with its solution, however long.
SHOWN = [page for page in PAGES if re.match("reference/(?!checks/)", page)]


@pytest.mark.parametrize("page", SHOWN)
def test_cells_can_be_taken_in_at_once(page):
    assert long_cells(PAGES[page]) == []


def imports(module):
    """The modules of the package that a module imports, wherever it does so."""
    package = ref.module(module).__package__
    names = set()
    for node in ast.walk(ast.parse(inspect.getsource(ref.module(module)))):
        if isinstance(node, ast.ImportFrom):
            origin = "." * node.level + (node.module or "")
            origin = importlib.util.resolve_name(origin, package)
            names.add(origin)
            names |= {f"{origin}.{alias.name}" for alias in node.names}
    return {name.removeprefix("drumlesson.") for name in names if name.startswith("drumlesson.")}


@pytest.mark.parametrize("module", MODULES)
def test_no_module_imports_from_a_floor_above(module):
    own = HEIGHTS[ref.floor_of(module)]
    for other in imports(module):
        assert not other.startswith("dev"), f"{module} imports {other}"
        if other in MODULES:
            assert HEIGHTS[ref.floor_of(other)] <= own, f"{module} imports {other}"


def test_every_room_has_its_floor():
    rooms = [room for names in ref.FLOORS.values() for room in names]
    assert len(set(rooms)) == len(rooms)
    assert {name.split(".")[0] for name in MODULES} == set(rooms)


def test_the_table_lists_every_public_name():
    tables = "\n".join(ref.table(floor) for floor in ref.FLOORS)
    for module in MODULES:
        assert f"**`drumlesson.{module}`**" in tables
        for name in ref.public(ref.module(module)):
            assert f"[`{name}`](" in tables, f"{module}.{name}"


def test_an_entry_leads_to_its_page_and_to_a_lesson():
    entry = next(e for e in ref.entries("course.panels") if e.name == "attack_explorer")
    assert entry.link == "reference/panels.ipynb#attack_explorer"
    assert entry.lessons[0] == "02" and entry.signature == "(sounds)"
    row = entry.row(KNOWN)
    assert "[`attack_explorer`](panels.ipynb#attack_explorer)`(sounds)`" in row
    assert "[02](../02_attack_phase.ipynb)" in row


def test_an_entry_shows_the_fields_of_a_class():
    from drumlesson.attack import Attack
    from drumlesson.augment import Colour

    attack = ref.ShowName(Attack)._repr_markdown_()
    colour = ref.ShowName(Colour)._repr_markdown_().lower()
    assert "### Attack" in attack and "seconds" in attack.split("```")[1]
    assert re.search(r"p:float=0\.5.*|`p` \(\*float\*\)", colour)
    assert "share of the hits" in colour and "samples a second" in colour


# --- both kinds of docstring, and what is missing is found ------------------------------------

GOOD = '''
from dataclasses import dataclass
__all__ = ["LOUD", "halve", "double", "Box"]
LOUD = 1.0 # full scale
def halve(
    x,           # samples, shape (n,)
    amount:int=1, # how many times
    *,
    random_state=0,
):
    "Half of a sound. Raises ValueError. Taught in lesson 01."
    if amount < 0: raise ValueError("no")
def double(x, gain=2.0):
    """Twice a sound.

    Parameters
    ----------
    x : ndarray
        Samples, shape (n,).
    gain : float
        A linear factor, 2 being twice.

    Returns
    -------
    ndarray
        Louder samples.

    Raises
    ------
    ValueError
        Where the factor is negative.

    Examples
    --------
    >>> double(1.0)
    2.0
    """
    if gain < 0: raise ValueError("no")
    return gain * x
class _Thing:
    def weigh(self): return 1 # in grams
@dataclass
class Box(_Thing):
    "A thing with sides. `fill` is for subclasses. Shown on the page Audio. Raises ValueError."
    side: float = 2.0 # in seconds
    def __post_init__(self):
        if self.side < 0: raise ValueError("no")
    def fill(self, what): "Puts `what` in."
'''
USED = {"LOUD", "halve", "double", "Box"}


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """Makes a module of a text."""

    def toy(text):
        number = len(list(tmp_path.iterdir()))
        path = tmp_path / f"toy{number}.py"
        path.write_text(text)
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, path.stem, module)
        spec.loader.exec_module(module)
        return module

    return toy


def test_a_good_module_has_no_gaps(toy):
    assert list(gaps(toy(GOOD), USED)) == []


@pytest.mark.parametrize(
    "old, new, flaw",
    [
        (" # full scale", "", "LOUD: no comment that says what it is"),
        ("Half of a sound. Raises ValueError. Taught in lesson 01.", "", "halve: no docstring"),
        ("Half of a sound.", "Half of", "no example"),
        (
            "Taught in lesson 01.",
            "Taught in lesson 99.",
            "halve: names a lesson or page that does not exist: ['99']",
        ),
        (
            "page Audio",
            "page Attic",
            "Box: names a lesson or page that does not exist: ['Attic']",
        ),
        ("Taught in lesson 01.", "Used in lesson 01.", "halve: is not used in lesson 01"),
        (" # samples, shape (n,)", "", "halve: parameter x is not explained"),
        (" # how many times", "", "halve: parameter amount is not explained"),
        ("how many times", "as you like", "halve: parameter amount is a number of unknown unit"),
        (
            "Half of a sound. Raises ValueError.",
            "Half of a sound.",
            "halve: raises ValueError and does not say so",
        ),
        (
            "    gain : float\n        A linear factor, 2 being twice.\n",
            "",
            "double: parameter gain",
        ),
        ("A linear factor, 2 being twice.", "As it is.", "gain is a number of unknown unit"),
        (
            "    Raises\n    ------\n    ValueError\n        Where the factor is negative.\n",
            "",
            "double: raises ValueError and does not say so",
        ),
        (
            'Raises ValueError."\n    side',
            '"\n    side',
            "Box.__post_init__: raises ValueError and does not say so",
        ),
        ("2.0 # in seconds", "2.0", "Box: parameter side is not explained"),
        (" # in grams", "", "Box.weigh: neither docstring nor comment"),
        ('"Puts `what` in."', "pass", "Box.fill: neither docstring nor comment"),
        ("`what`", "it", "Box.fill: parameter what is not explained"),
    ],
)
def test_gaps_are_seen(old, new, flaw, toy):
    assert GOOD.count(old) == 1
    used = USED - {"halve"} if flaw == "no example" else USED
    found = list(gaps(toy(GOOD.replace(old, new)), used))
    assert any(flaw in line for line in found), found


def test_what_a_base_says_is_not_asked_again(toy):
    subclass = """
class Crate(Box):
    "A box of wood. Taught in lesson 01."
    def fill(self, what): pass
"""
    text = GOOD.replace('"Box"]', '"Box", "Crate"]') + subclass
    assert list(gaps(toy(text), USED | {"Crate"})) == []
    assert list(gaps(toy(text.replace("(Box)", "()")), USED | {"Crate"})) == [
        "Crate.fill: neither docstring nor comment",
        "Crate.fill: parameter what is not explained",
    ]


def test_comments_stand_in_the_signature(toy):
    text = ref.ShowName(toy(GOOD).halve)._repr_markdown_()
    assert "amount:int=1, # how many times" in text
    assert "random_state:int=0, # a whole number from 0 up" in text
    assert "**Parameters**" not in text


def test_sections_stand_below_the_signature(toy):
    text = ref.ShowName(toy(GOOD).double)._repr_markdown_()
    head, code, rest = text.split("```", 2)
    assert "### double" in head and "#" not in code
    assert "- `gain` (*float*): A linear factor, 2 being twice." in rest
    assert "- *ndarray*: Louder samples." in rest
    assert "- *ValueError*: Where the factor is negative." in rest
    assert "```python\n>>> double(1.0)\n2.0\n```" in rest


def test_a_method_with_sections_has_an_entry_of_its_own(toy):
    sections = """Puts something in.

    Parameters
    ----------
    what : str
        A liquid.
    """
    described = GOOD.replace('"Puts `what` in."', f'"""{sections}"""')
    text = ref.ShowName(toy(described).Box)._repr_markdown_()
    assert "- `.fill(what)`: Puts something in." in text
    assert "#### Box.fill" in text and "- `what` (*str*): A liquid." in text
    assert "- `.weigh()`" in text


def test_a_long_cell_is_seen():
    heads = (("#| export\n", 60), ("", 26), ("", 25), ("#| hide\n", 30))
    cells = [new_code_cell(head + "1\n" * n) for head, n in heads]
    assert [n for n, _ in long_cells(new_notebook(cells=cells))] == [26]
