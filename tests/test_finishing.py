"""What is done to the site after Quarto, and the looks: contrasts, colours in one place, doors."""

import json
import re
import subprocess
from itertools import product
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
import yaml
from bs4 import BeautifulSoup
from PIL import Image

from drumlesson.dev import notebooks as nb
from drumlesson.dev.finishing import draw_idea, finish, with_headings_in_order

TOP = Path(__file__).resolve().parent.parent
SITE = TOP / "nbs" / "site"
SHEET = (TOP / "nbs" / "styles.css").read_text(encoding="utf-8")
LESSONS = [p for p in nb.notebooks(TOP) if nb.is_lesson(p)]
SETTINGS = nb._settings(TOP / "nbs" / "index.ipynb")


# -- colours


def pairs():
    """{name: (by day, by night)} of the style sheet."""
    found = re.findall(r"--dl-([\w-]+): light-dark\((#\w{6}), (#\w{6})\);", SHEET)
    return {name: (day, night) for name, day, night in found}


def luminance(colour):
    """The relative luminance of a colour, as WCAG 2 defines it."""
    values = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


def contrast(one, other):
    """The contrast of two colours, 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_that_of_the_standard():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


WORDS = ["ink", "muted", "link"]
CODE = ["keyword", "string", "number", "function", "comment", "error"]
READ = [
    *product(WORDS, ["paper", "shade"]),
    *product([f"code-{kind}" for kind in CODE], ["shade"]),
    *product(["on-stage", "spot"], ["stage"]),
    ("paper", "link"),  # the sign on a button
]


@pytest.mark.parametrize("mode", [0, 1], ids=["day", "night"])
@pytest.mark.parametrize("words, ground", READ, ids=lambda name: name)
def test_words_can_be_read(words, ground, mode):
    found = pairs()
    assert contrast(found[words][mode], found[ground][mode]) >= 4.5


def test_no_words_in_a_colour_that_is_not_checked():
    checked = {words for words, _ in READ}
    used = set(re.findall(r"(?<![\w-])color: var\(--dl-([\w-]+)\)", SHEET))
    assert used - checked == set()


@pytest.mark.parametrize("mode, file", [(0, "light.scss"), (1, "dark.scss")])
def test_bootstrap_has_the_same_colours(mode, file):
    theme = (SITE / file).read_text(encoding="utf-8")
    given = dict(re.findall(r"^\$([\w-]+): (#\w{6});", theme, re.M))
    assert given == {name: pairs()[name][mode] for name in given} and len(given) >= 8
    assert "$web-font-path: false;" in theme


@pytest.mark.parametrize("name", ["scheme", "summary", "numbers"])
def test_settings_of_the_looks(name):
    html = yaml.safe_load((TOP / "_quarto.yml").read_text(encoding="utf-8"))["format"]["html"]
    if name == "scheme":
        assert html["respect-user-color-scheme"] is True
    elif name == "summary":
        assert html["code-fold"] is False and html["code-summary"] == "Show the code"
    else:
        for path in LESSONS:
            assert nb.read(path).cells[0].source.startswith(f"# {path.name[:2]} "), path.name


def test_nothing_is_loaded_from_elsewhere():
    for path in [*SITE.glob("p*.js"), SITE / "glossary.js", SITE / "404.html"]:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"(src|href|import|from|url)\W{1,3}https?:", text), path.name
    assert not re.search(r"@import|url\(", SHEET)


# -- doors


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_doors_lead_to_what_exists(path):
    """To a file of this tree, on the branch or at a tag that there is; the first cell as well."""
    page = nb.read(path)
    row = BeautifulSoup(page.cells[1].source, "html.parser").select(".dl-doors a")
    to, repo = SETTINGS["doors"], f"{SETTINGS['user']}/{SETTINGS['repo']}"
    tags = subprocess.run(["git", "tag"], cwd=TOP, capture_output=True, text=True).stdout.split()
    assert to in (SETTINGS["branch"], *tags)
    addresses = {a.get_text(): urlsplit(a["href"]) for a in row}
    colab, binder = addresses["Open in Colab"], addresses["Open in Binder"]
    _, _, file = colab.path.partition(f"/github/{repo}/blob/{to}/")
    assert (TOP / file).samefile(path)
    assert binder.path == f"/v2/gh/{repo}/{to}" and binder.query == f"urlpath=lab/tree/{file}"
    assert addresses["Download this notebook"].path == f"/{repo}/raw/{to}/{file}"
    assert addresses["View source"].path == f"/{repo}/blob/{SETTINGS['branch']}/{file}"
    assert any(f"--branch {to} {SETTINGS['git_url']}" in cell.source for cell in page.cells)


# -- after Quarto


ENTRY = '<section id="kit" class="level3"><h3>kit</h3><p>Drums of one set.</p></section>'
FOREIGN = (
    '<script src="https://cdn.example/require.min.js" crossorigin="anonymous"></script>'
    '<script src="https://cdn.example/jquery.min.js" data-relocate-top="true"></script>'
    "<script>define('jquery', [],function() {return window.jQuery;})</script>"
    '<link href="https://fonts.example/css2?family=X" rel="stylesheet">'
)
MADE = f"""<!doctype html><html><head>{FOREIGN}<script src="site_libs/own.js"></script></head>
<body class="floating"><nav><h2 id="toc-title">On this page</h2></nav>
<main id="quarto-document-content"><h1 class="title">Glossary</h1>
<section id="k" class="level2"><h2>K</h2>{ENTRY}</section><h6>deep</h6></main>
<footer><span class="dl-version"></span><a href="https://x.org">x</a></footer></body></html>"""


@pytest.fixture
def docs(tmp_path):
    """A small site as Quarto leaves it, finished."""
    page = tmp_path / "reference" / "glossary.html"
    page.parent.mkdir()
    page.write_text(MADE, encoding="utf-8")
    item = {"objectID": "reference/glossary.html#k", "href": "reference/glossary.html#k"}
    item |= {"title": "Glossary", "section": "K", "text": "K kit Drums of one set."}
    (tmp_path / "search.json").write_text(json.dumps([item]))
    (tmp_path / "theme.css").write_text('@import url("https://fonts.example/a;b");p{color:red}')
    finish(tmp_path, TOP)
    return tmp_path


def test_finished_page(docs):
    text = (docs / "reference" / "glossary.html").read_text(encoding="utf-8")
    page = BeautifulSoup(text, "html.parser")
    loaded = [tag["src"] for tag in page.find_all(src=True)]
    assert loaded == ["site_libs/own.js", "../site/every_page.js"]
    assert "jquery" not in text and not page.select("link[href*='//']")
    levels = [tag.name for tag in page.main.find_all(re.compile("^h[1-6]$"))]
    assert levels == ["h1", "h2", "h3", "h4"]
    assert page.body.find(True).get_text() == "Skip to the text"
    assert page.find(id=page.body.find(True)["href"].removeprefix("#")).name == "main"
    assert page.select_one(".dl-version").get_text() == SETTINGS["version"]
    assert page.select_one("footer a")["href"] == "https://x.org"  # a link may lead away
    finish(docs, TOP)
    assert (docs / "reference" / "glossary.html").read_text(encoding="utf-8") == text


def test_finished_site(docs):
    assert (docs / "theme.css").read_text() == "p{color:red}"
    for file in ("every_page.js", "players.js", "glossary.js", "icon.svg", "idea.png"):
        assert (docs / "site" / file).is_file()
    lost = BeautifulSoup((docs / "404.html").read_text(encoding="utf-8"), "html.parser")
    assert lost.base["href"] == SETTINGS["doc_baseurl"].rstrip("/") + "/"
    for link in lost.select("[href]:not(base), [src]"):
        page = link.get("href") or link["src"]
        source = re.sub(r"\.html$", ".ipynb", page)
        assert (TOP / "nbs" / source).is_file(), page


def test_search_lands_on_entries(docs):
    section, entry = json.loads((docs / "search.json").read_text())
    assert entry["href"] == "reference/glossary.html#kit" and entry["section"] == "kit"
    assert entry["text"] == "Drums of one set." and entry["title"] == "Glossary"
    assert "Drums" not in section["text"]


@pytest.mark.parametrize(
    "levels, ordered",
    [("13", "12"), ("1344", "1233"), ("12434", "12334"), ("1232", "1232"), ("24", "23")],
)
def test_headings_in_order(levels, ordered):
    page = "".join(f"<h{n} id='x'>a</h{n}>" for n in levels)
    found = with_headings_in_order(f"<main>{page}</main>")
    assert "".join(re.findall(r"<h(\d)", found)) == ordered


def test_make_docs_finishes():
    makefile = (TOP / "Makefile").read_text(encoding="utf-8")
    assert re.search(r"nbdev_docs\n\t\$\(PY\) -m drumlesson\.dev\.finishing _docs\n", makefile)


def test_the_picture_is_what_the_code_draws(tmp_path):
    draw_idea(tmp_path / "idea.png")
    images = [
        Image.open(path).convert("RGB") for path in (tmp_path / "idea.png", SITE / "idea.png")
    ]
    assert images[0].size == images[1].size == (1200, 630)
    drawn, stored = (np.asarray(image, np.float32) for image in images)
    assert np.abs(drawn - stored).mean() < 4
