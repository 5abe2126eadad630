"""What the reference pages owe a reader, for every public name: a sentence, the lesson, each parameter, errors, an example."""

import ast
import re
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_notebook

import drumlesson
from drumlesson import reference as ref
from drumlesson.dev import notebooks as nb
from drumlesson.registry import AUGMENTATIONS, FAMILIES, FEATURES, TASKS

TOP = Path(__file__).resolve().parent.parent
PAGES = {p.relative_to(TOP / "nbs").as_posix(): nb.read(p) for p in nb.notebooks(TOP)}
KNOWN = ref.pages()
MODULES = sorted(m for names in ref.modules().values() for m in names)
REGISTRIES = (AUGMENTATIONS, FAMILIES, FEATURES, TASKS)
ERRORS = {"ValueError", "SourceError", "AudioError", "ImportError", "RuntimeError", "OSError"}
MAKERS = ("__init__", "__post_init__", "__call__")  # what they raise is said by the class
# What a number can be: a parameter's comment has one of these words, so that nobody has to guess its unit.
UNIT = re.compile(
    r"""\b(ms|seconds?|milliseconds?|minutes?|samples?|k?Hz|hertz|dB|decibels|octaves?|semitones?|bins?|bands?|frames?|epochs?
    |hits?|kits?|folds?|classes|units|filters|heads|steps?|runs?|a\ core|cores?|draws|letters|numbers?|how\ many|so\ manieth
    |share|times|multipl\w+|divided|exponent|power|level|linear|peak|ratio|over\ settled|over\ the\ lowest|strength|largest\ norm|probability|threshold
    |0\ to\ 1|below\ 1|0\ is|1\ is|at\ most|Adam|of\ each|channels|mono|shape|seeds?|spread|decay|points|bits|saturation|bursts|modes|levels?|width|relative)\b""",
    re.X,
)


# -- the rules, on the source text of a module


def methods(node):
    return [m for m in node.body if isinstance(m, ast.FunctionDef)]


def kin(node, classes):
    """The classes of the same module that a class is made of."""
    bases = [classes[b.id] for b in node.bases if getattr(b, "id", "") in classes]
    return bases + [far for b in bases for far in kin(b, classes)]


def parts(node, classes):
    """Name, node and docstring of a function; of a class also of what makes it and of its public methods, those of
    private bases included. What a base documents, or asks of a class in its own docstring (`name(...)`), is not asked again."""
    doc = ast.get_docstring(node) or ""
    yield "", node, doc
    bases = kin(node, classes) if isinstance(node, ast.ClassDef) else []
    told = {m.name for b in bases for m in methods(b)} | {
        n for b in bases for n in re.findall(r"`(\w+)", ast.get_docstring(b) or "")
    }
    hidden = [m for b in bases if b.name.startswith("_") for m in methods(b)]
    for m in [*methods(node), *hidden] if isinstance(node, ast.ClassDef) else []:
        if m.name in MAKERS:
            yield m.name, m, f"{doc} {ast.get_docstring(m) or ''}"
        elif not m.name.startswith("_") and (m in hidden or m.name not in told):
            yield m.name, m, ast.get_docstring(m) or ""


def is_number(annotation, default):
    kind = ast.unparse(annotation) if annotation else type(getattr(default, "value", None)).__name__
    return re.search(r"\b(int|float)\b", kind) is not None


def raised(node):
    """The errors that a function raises in its own body."""
    told = [
        r.exc.func if isinstance(r.exc, ast.Call) else r.exc
        for r in ast.walk(node)
        if isinstance(r, ast.Raise) and r.exc
    ]
    return sorted({ast.unparse(e) for e in told} & ERRORS)


def is_sentence(text):
    return len(text.split()) >= 3 and re.search(r"[.?](\s|$)", text) is not None


def gaps(text, used, module=""):
    """What is missing at the public names of a module: a line each. `used` are the names that examples use."""
    said = ref.comments(text)
    classes = {n.name: n for n in ast.parse(text).body if isinstance(n, ast.ClassDef)}
    for name, node in ref.public(text).items():
        doc = (
            ast.get_docstring(node) or ""
            if isinstance(node, (ast.FunctionDef, ast.ClassDef))
            else None
        )
        if doc is None:
            yield from (
                [] if ref.comment_on(node, text) else [f"{name}: no comment that says what it is"]
            )
            continue
        if not is_sentence(doc):
            yield f"{name}: no docstring of at least one sentence"
        named = ref.named(doc, KNOWN)
        if not named or set(named) - set(KNOWN):
            yield f"{name}: names no lesson and no page, or one that does not exist: {named}"
        for lesson in re.findall(r"\bUsed in lesson (\d\d)", doc):
            if lesson in KNOWN and name not in code_names(KNOWN[lesson]):
                yield f"{name}: is not used in lesson {lesson}"
        if not stand_ins(name, module, classes) & (used | built(text)):
            yield f"{name}: no example"
        for part, inner, text_of in parts(node, classes):
            yield from (
                f"{name}{'.' * bool(part)}{part}: {gap}"
                for gap in part_gaps(part, inner, text_of, said)
            )


def stand_ins(name, module, classes):
    """What is an example of a name as well: where it is registered, and the classes that are made of it."""
    registered = {
        n for r in REGISTRIES for n, entry in r.items() if entry == f"drumlesson.{module}:{name}"
    }
    return {
        name,
        *registered,
        *(c for c, node in classes.items() if name in {b.name for b in kin(node, classes)}),
    }


def built(text):
    """The names that a module itself uses outside of its functions and classes, such as `Claim` for the list of claims."""
    return {
        n.id
        for node in ast.parse(text).body
        if isinstance(node, ast.Assign)
        for n in ast.walk(node.value)
        if isinstance(n, ast.Name)
    }


def part_gaps(part, node, doc, said):
    head = range(node.lineno, node.body[0].lineno + 1)
    if part and part not in MAKERS and not doc and not any(said.get(line) for line in head):
        yield "neither docstring nor comment"
    for name, default, line, annotation in (
        ref.parameters(node, {}) if isinstance(node, ast.FunctionDef) or not part else []
    ):
        name = name.lstrip("*")
        if not name or name.startswith("_") or name in ref.MEANS or f"`{name}`" in doc:
            continue
        if not said.get(line):
            yield f"parameter {name} is not explained"
        elif is_number(annotation, default) and not UNIT.search(
            f"{name.replace('_', ' ')}: {said[line]}"
        ):
            yield f"parameter {name} is a number of unknown unit: {said[line]}"
    if isinstance(node, ast.FunctionDef):
        yield from (
            f"raises {error} and does not say so"
            for error in raised(node)
            if "Raises" not in doc or error not in doc
        )


# -- the package


def code_names(page):
    """Every name and text in those code cells of a page that are not exported."""
    names = set()
    for cell in PAGES[page].cells:
        if cell.cell_type == "code" and not re.match(r"#\| *(export|default_exp)", cell.source):
            code = re.sub(r"^( *)[%!].*$", r"\1pass", cell.source, flags=re.M)
            found = [
                n
                for n in ast.walk(ast.parse(code))
                if isinstance(n, (ast.Name, ast.Attribute, ast.Constant))
            ]
            names |= {
                getattr(n, "id", getattr(n, "attr", getattr(n, "value", None))) for n in found
            }
    return names


def home(module):
    return next(
        p
        for p, page in PAGES.items()
        if any(re.search(rf"^#\| *default_exp {module}$", c.source, re.M) for c in page.cells)
    )


def examples(module):
    """The names used on the page that exports a module, on those that import it, and in lessons."""
    importing = {
        p
        for p, page in PAGES.items()
        if any(f"from drumlesson.{module} import" in c.source for c in page.cells)
    }
    return set().union(
        *(
            code_names(p)
            for p in {home(module), *importing, *(p for n, p in KNOWN.items() if n.isdigit())}
        )
    )


@pytest.mark.parametrize("module", MODULES)
def test_every_public_name_is_explained(module):
    found = list(gaps(ref.source(module), examples(module), module))
    assert not found, "\n" + "\n".join(found)


def test_what_the_package_offers_is_found_where_it_is_said_to_be():
    for name, module in drumlesson._HOME.items():
        assert name in ref.public(ref.source(module)), name


def long_cells(page):
    """Code cells of more than 25 lines, where they are exported, or 12. An exercise is one cell with its solution, however long."""
    cells = [c for c in page.cells if c.cell_type == "code" and "@exercise(" not in c.source]
    code = [
        (
            c.source.startswith("#| export"),
            [x for x in c.source.splitlines() if not x.startswith("#|")],
        )
        for c in cells
    ]
    return [
        (len(lines), lines[0]) for exported, lines in code if len(lines) > (25 if exported else 12)
    ]


@pytest.mark.parametrize("page", [p for p in PAGES if p.startswith("reference/")])
def test_cells_can_be_taken_in_at_once(page):
    assert long_cells(PAGES[page]) == []


def imports(module):
    """The modules of the package that a module imports, wherever it does so."""
    found = [n for n in ast.walk(ast.parse(ref.source(module))) if isinstance(n, ast.ImportFrom)]
    names = {
        n.module.removeprefix("drumlesson.")
        for n in found
        if n.module and (n.level or n.module.startswith("drumlesson."))
    }
    names |= {a.name for n in found if n.module in (None, "drumlesson") for a in n.names}
    return names & set(MODULES)


def test_no_module_imports_from_a_floor_above():
    floor = {m: f for f, names in ref.modules().items() for m in names}
    assert [(m, other) for m in MODULES for other in imports(m) if floor[other] > floor[m]] == []


def test_the_table_lists_every_public_name():
    tables = "\n".join(ref.table(floor) for floor in ref.FLOORS)
    for module in MODULES:
        assert f"**`drumlesson.{module}`**" in tables
        for name in ref.public(ref.source(module)):
            assert f"[`{name}`](" in tables, f"{module}.{name}"


def test_an_entry_shows_the_fields_of_a_class_and_its_lesson():
    from drumlesson.attack import Attack
    from drumlesson.augment import Colour

    text = ref.ShowName(Attack)._repr_markdown_()
    colour = ref.ShowName(Colour)._repr_markdown_()
    assert (
        "p:float=0.5, # share of the hits" in colour
        and "sr:int=22050, # samples a second" in colour
    )
    assert (
        "### Attack" in text
        and "# " in text.split("```")[1]
        and "[lesson 02](02_attack_phase.ipynb)" in text
    )


# -- the rules do find what is missing

GOOD = """
__all__ = ["LOUD", "halve", "Box"]
LOUD = 1.0 # full scale
def halve(
    x,           # samples, shape (n,)
    amount:int=1, # how many times
    *,
    seed=0,
):
    "Half of a sound. Raises ValueError. Taught in lesson 01."
    if amount < 0: raise ValueError("no")
class _Thing:
    def weigh(self): return 1 # in grams
@dataclass
class Box(_Thing):
    "A thing with sides. `fill` is for subclasses. Shown on the page Audio. Raises ValueError."
    side: float = 2.0 # in seconds
    def __post_init__(self):
        if self.side < 0: raise ValueError("no")
    def fill(self, what): "Puts `what` in."
"""
USED = {"LOUD", "halve", "Box"}


def test_a_good_module_has_no_gaps():
    assert list(gaps(GOOD, USED)) == []


@pytest.mark.parametrize(
    "old, new, said",
    [
        (" # full scale", "", "LOUD: no comment that says what it is"),
        ("Half of a sound. Raises ValueError. Taught in lesson 01.", "", "halve: no docstring"),
        ("Half of a sound.", "Half of", "no example"),
        ("Taught in lesson 01.", "Taught somewhere.", "halve: names no lesson"),
        (
            "Taught in lesson 01.",
            "Taught in lesson 99.",
            "halve: names no lesson and no page, or one that does not exist: ['99']",
        ),
        (
            "page Audio",
            "page Attic",
            "Box: names no lesson and no page, or one that does not exist: ['Attic']",
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
def test_gaps_are_seen(old, new, said):
    assert GOOD.count(old) == 1
    used = USED - {"halve"} if said == "no example" else USED
    found = list(gaps(GOOD.replace(old, new), used))
    assert any(said in line for line in found), found


def test_what_a_base_says_is_not_asked_again():
    subclass = 'class Crate(Box):\n    "A box of wood. Taught in lesson 01."\n    def fill(self, what): pass\n'
    text = GOOD.replace('"Box"]', '"Box", "Crate"]') + subclass
    assert list(gaps(text, USED | {"Crate"})) == []
    assert list(gaps(text.replace("(Box)", "()"), USED | {"Crate"})) == [
        "Crate.fill: neither docstring nor comment",
        "Crate.fill: parameter what is not explained",
    ]


def test_a_long_cell_is_seen():
    cells = [
        new_code_cell(head + "1\n" * n)
        for head, n in (
            ("#| export\n", 26),
            ("", 13),
            ("#| export\n", 25),
            ("", 12),
            ("#| export\n@exercise(", 30),
        )
    ]
    assert [n for n, _ in long_cells(new_notebook(cells=cells))] == [26, 13]
