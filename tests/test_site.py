"""The site, without Quarto: what nbdev hands to it is checked for all that a reader needs.

Each check is a function of the site that yields one line for each finding. Below the checks, each
is shown to find what it is for.
"""

import base64
import io
import posixpath
import re
import shutil
import subprocess
import sys
import unicodedata
from collections import Counter
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

import mistune
import numpy as np
import pytest
import soundfile
import yaml
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output, new_raw_cell
from PIL import Image

from drumlesson.dev import notebooks as nb

TOP = Path(__file__).resolve().parent.parent
LESSONS = [p for p in nb.notebooks(TOP) if nb.is_lesson(p)]
HTML = mistune.create_markdown(escape=False, plugins=["table", "math"])
OWN_ID = re.compile(r"\{[^{}]*#([\w:.-]+)[^{}]*\}")


# -- reading


def identifier(heading):
    """What pandoc makes of a heading's text: its manual, section "Extension: auto_identifiers"."""
    kept = "".join(c for c in heading.lower() if c.isalnum() or c.isspace() or c in "_-.")
    joined = "-".join(kept.split())
    letter = re.search(r"[^\W\d_]", joined)
    return joined[letter.start() :] if letter else "section"


def directives(cell):
    """The lines `#| name: value` at the head of a code cell; None for a value that is no YAML."""
    found = {}
    if cell.cell_type != "code":
        return found
    for line in cell.source.splitlines():
        if not line.startswith("#|"):
            break
        key, value = re.fullmatch(r"#\|\s*([\w-]*):?\s*(.*)", line).groups()
        try:
            found[key] = yaml.safe_load(value) if value else True
        except yaml.YAMLError:
            found[key] = None
    return found


class Part:
    """What a reader sees of a cell: directives, texts and rich outputs as HTML, pictures."""

    def __init__(self, cell):
        self.directives = directives(cell)
        self.pictures = []
        texts = [HTML(cell.source)] if cell.cell_type == "markdown" else []
        has_output = self.directives.get("output") is not False
        for data in nb._data(cell) if has_output else []:
            texts.append(data.get("text/html") or HTML(data.get("text/markdown", "")))
            self.pictures += [item for item in data.items() if item[0].startswith("image/")]
        self.html = BeautifulSoup("\n".join(texts), "html.parser")

    def has_figure(self):
        """Whether there is a picture or a figure to put a label or a caption on."""
        return bool(self.pictures or self.html.find("figure"))


def free(base, given):
    """An anchor that is not given yet: the base, or the base and a number."""
    anchor, n = base, 0
    while anchor in given:
        n += 1
        anchor = f"{base}-{n}"
    return anchor


def anchors(parts):
    """Every identifier on a page, and how often it is given: of HTML, of figures, of headings."""
    given = Counter()
    for part in parts:
        if "label" in part.directives and part.has_figure():
            given[part.directives["label"]] += 1
        for tag in part.html.find_all(True):
            own = OWN_ID.search(tag.get_text())
            if tag.get("id"):
                given[tag["id"]] += 1
            elif re.fullmatch("h[1-6]", tag.name):
                given[own[1] if own else free(identifier(tag.get_text()), given)] += 1
    return given


class Page:
    """A processed notebook: its front matter, the parts that a reader sees, its anchors."""

    def __init__(self, path):
        cells = nb.read(path).cells
        self.front = {}
        if cells and cells[0].cell_type == "raw":
            self.front = yaml.safe_load(cells[0].source.strip().strip("-")) or {}
        self.parts = {}
        for i, cell in enumerate(cells):
            if cell.cell_type != "raw" and directives(cell).get("include") is not False:
                self.parts[f"cell {i}"] = Part(cell)
        self.anchors = anchors(self.parts.values())
        self.bytes = path.stat().st_size

    def select(self, css):
        """The tags of a page that a selector finds."""
        return [tag for part in self.parts.values() for tag in part.html.select(css)]


class Site:
    """The notebooks of a project, and the pages and settings that nbdev has made of them."""

    def __init__(self, project, log=""):
        self.folder = project / "_proc"
        self.log = log
        self.config = self.settings("_quarto.yml")
        self.written = self.settings("nbdev.yml")
        self.sources, self.pages = {}, {}
        for path in nb.notebooks(project):
            page = path.relative_to(project / "nbs").as_posix()
            self.sources[page] = nb.read(path)
            if (self.folder / page).is_file():
                self.pages[page] = Page(self.folder / page)

    def settings(self, file):
        """What a file of settings says."""
        return yaml.safe_load((self.folder / file).read_text(encoding="utf-8"))

    def parts(self):
        """Every part of every page: (words that a finding starts with, page, part)."""
        for page, read in self.pages.items():
            for where, part in read.parts.items():
                yield f"{page}, {where}", page, part

    def tags(self, name):
        """Every tag of a name: (words that a finding starts with, page, tag)."""
        for where, page, part in self.parts():
            for tag in part.html.find_all(name):
                yield where, page, tag


# It ends at once: at a usual end each notebook's shell has all garbage collected, half a minute.
PROCESS = """
import os, sys
from nbdev.quarto import proc_nbs, refresh_quarto_yml
refresh_quarto_yml()
proc_nbs(n_workers=0)
sys.stderr.flush()
os._exit(0)
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """All notebooks of the project, processed for the site in a copy of it."""
    folder = tmp_path_factory.mktemp("site")
    for part in ("settings.ini", "_quarto.yml", "README.md"):
        shutil.copy(TOP / part, folder)
    residue = shutil.ignore_patterns(".ipynb_checkpoints", "__pycache__", "*.tmp")
    for part in ("nbs", "drumlesson"):
        shutil.copytree(TOP / part, folder / part, symlinks=True, ignore=residue)
    done = subprocess.run(
        [sys.executable, "-c", PROCESS], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return Site(folder, done.stderr)


# -- pages


def listed(entries):
    """Every address that the entries of a bar lead to."""
    for entry in entries:
        if isinstance(entry, str):
            yield entry
        elif "href" in entry:
            yield entry["href"]
        else:
            yield from listed(entry["contents"])


def is_remote(address):
    """Whether an address leads away from the site."""
    return bool(re.match(r"[a-z][a-z0-9+.-]*:|//", address, re.I))


def output_file(site, page):
    """The file that becomes of a page."""
    default = posixpath.basename(page).replace(".ipynb", ".html")
    name = site.pages[page].front.get("output-file", default)
    return posixpath.join(posixpath.dirname(page), name)


def in_the_bar(website):
    """Every address that the bar at the top leads to."""
    bar = website.get("navbar", {})
    for place in ("left", "right", "tools"):
        yield from listed(bar.get(place, []))


def lost_pages(site):
    """Notebooks that nobody finds, and bars that lead nowhere."""
    website = site.config["website"]
    side = Counter(listed(website["sidebar"]["contents"]))
    for page in site.sources:
        if page not in site.pages:
            yield f"{page}: nbdev makes no page of it"
        if side[page] == 0:
            yield f"{page}: not in the sidebar"
        elif side[page] > 1:
            yield f"{page}: {side[page]} times in the sidebar"
    for to in sorted({*side, *in_the_bar(website)}):
        if not is_remote(to) and to not in site.pages:
            yield f"_quarto.yml: leads to {to}, which does not exist"
    files = Counter(output_file(site, page) for page in site.pages)
    for file, n in files.items():
        if n > 1:
            yield f"{file}: {n} notebooks become this page"


def untitled_pages(site):
    """Pages without a title, and front matter that Quarto does not know."""
    for page, read in site.pages.items():
        for key in ("title", "description"):
            if not read.front.get(key):
                yield f"{page}: has no {key}"
        for key in read.front.keys() - {"title", "description", "output-file"}:
            yield f"{page}: front matter {key} is not documented"


def heavy_lessons(site):
    """Lessons that are too heavy for a phone."""
    _, limit = nb.LIMITS["kB"]
    for page, read in site.pages.items():
        if nb.is_lesson(page) and read.bytes > 1000 * limit:
            yield f"{page}: {read.bytes // 1000} kB: at most {limit}"


def missing_parts(site):
    """Lessons that have lost a part on the way to the page."""
    for page in filter(nb.is_lesson, site.pages):
        read = site.pages[page]
        heads = [head.get_text().strip() for head in read.select("h2")]
        for head in nb.HEADINGS:
            if heads.count(head) != 1:
                yield f"{page}: heading missing: {head}"
        n_doors = len(read.select("p.dl-doors"))
        if n_doors != 1:
            yield f"{page}: {n_doors} rows of doors: 1 wanted"


def run_for_docs(site):
    """Cells that nbdev runs only because they mix imports with other code."""
    mixed = r"Found cells containing imports and other code.*?\n---\n(.*?\n)"
    for line in re.findall(mixed, site.log):
        yield (
            "a cell mixes imports with other code, so the site's making runs it: "
            f"it starts {line.strip()}"
        )


# -- links


def page_of(site, file):
    """The notebook that becomes a file of the site; the file itself where there is none."""
    for page in site.pages:
        if output_file(site, page) == file:
            return page
    return file


def goal(site, page, address):
    """(file, anchor) that an address on a page leads to; None where it leads off the site."""
    path, _, anchor = address.partition("#")
    anchor = unquote(anchor)
    home = site.written["website"]["site-url"]
    if path.startswith(home):
        file = path.removeprefix(home).lstrip("/")
        return page_of(site, file or "index.html"), anchor
    if is_remote(address):
        return None
    if not path:
        return page, anchor
    if path.startswith("/"):
        return posixpath.normpath(unquote(path.lstrip("/"))), anchor
    return posixpath.normpath(posixpath.join(posixpath.dirname(page), unquote(path))), anchor


def links(site):
    """Every link that stays on the site: (where, page, file, anchor)."""
    for where, page, tag in site.tags("a"):
        to = goal(site, page, tag["href"]) if tag.has_attr("href") else None
        if to:
            yield where, page, *to


def dead_links(site):
    """Links to pages, files or anchors that are not there."""
    for where, _, file, anchor in links(site):
        if not (site.folder / file).exists():
            yield f"{where}: leads to {file}, which does not exist"
        elif anchor and file in site.pages and anchor not in site.pages[file].anchors:
            yield f"{where}: leads to {file}#{anchor}, and there is no such anchor"


def anchors_given_twice(site):
    """Identifiers that two things on a page share, so that a link reaches the first only."""
    for page, read in site.pages.items():
        for anchor, n in read.anchors.items():
            if n > 1:
                yield f"{page}: the anchor {anchor} is given {n} times"


def labels_without_figure(site):
    """Labels that Quarto does not take for those of figures, or that stand where there is none."""
    for where, _, part in site.parts():
        if "label" not in part.directives:
            continue
        label = part.directives["label"]
        if not re.fullmatch(r"fig-[a-z0-9-]+", str(label)):
            yield f"{where}: the label {label} is not fig- and a name in small letters"
        elif not ("fig-cap" in part.directives and part.has_figure()):
            yield f"{where}: the label {label} stands on no figure with a fig-cap"


# -- citations


BIBLIOGRAPHY = "bibliography.ipynb"


def bibliography(site):
    """{key: the entry} of the bibliography."""
    spans = site.pages[BIBLIOGRAPHY].select("li span[id]")
    return {span["id"]: span.find_parent("li") for span in spans}


def plain(text):
    """Text without accents, in small letters."""
    letters = unicodedata.normalize("NFKD", text).lower()
    return "".join(c for c in letters if not unicodedata.combining(c))


def texts(site):
    """{page: its text, plain}, the bibliography aside."""
    found = {}
    for page, source in site.sources.items():
        if page != BIBLIOGRAPHY:
            found[page] = plain("\n".join(cell.source for cell in source.cells))
    return found


def citing(site):
    """{key: the pages that cite it}, by a link or, as docstrings do, by surname and year.

    Where a page links to one of several namesakes of a year, only links count.
    """
    by_link = {(page, key) for _, page, file, key in links(site) if file == BIBLIOGRAPHY}
    namesakes = {(page, key[:-1]) for page, key in by_link}
    cites, written = {}, texts(site)
    for key in bibliography(site):
        surname, year, letter = re.fullmatch(r"(\D+)(\d{4})([a-z]?)", key).groups()
        named = re.compile(rf"\b{surname}\b[^\n;]{{0,60}}\b{year}\b")
        cites[key] = set()
        for page, text in written.items():
            by_name = named.search(text)
            if letter and (page, surname + year) in namesakes:
                by_name = None
            if by_name or (page, key) in by_link:
                cites[key].add(page)
    return cites


def is_key_of(key, entry):
    """Whether a key is the first author's surname and the year of an entry."""
    head = re.match(r"([^,.]+)[^()]*\((\d{4})\)", entry.get_text().strip())
    if not head:
        return False
    surname, year = plain(head[1]).replace(" ", ""), head[2]
    return bool(re.fullmatch(re.escape(surname + year) + "[a-z]?", key))


def pages_named_in(site, entry):
    """The pages that an entry of the bibliography leads back to."""
    goals = [goal(site, BIBLIOGRAPHY, a["href"]) for a in entry.find_all("a")]
    return {to[0] for to in goals if to}


def loose_references(site):
    """Entries that nobody cites, that are named or sorted wrongly, or do not lead back."""
    entries, cites = bibliography(site), citing(site)
    for before, key in pairwise(entries):
        if key < before:
            yield f"{BIBLIOGRAPHY}: {key} comes after {before}"
    for key, entry in entries.items():
        at = f"{BIBLIOGRAPHY}: {key}"
        if not is_key_of(key, entry):
            yield (
                f"{BIBLIOGRAPHY}: the key {key} is not the first author's surname "
                "and the year of its entry"
            )
        if not cites[key]:
            yield f"{at} is cited nowhere"
        named = pages_named_in(site, entry)
        for page in sorted(named - cites[key]):
            yield f"{at} says that {page} uses it, which does not cite it"
        for page in sorted(cites[key] - named):
            yield f"{at} does not say that {page} uses it"


# -- pictures and sounds


def content(site, page, address):
    """(mime type, bytes) of a picture or sound, by its address. Raises ValueError, OSError."""
    if not address.startswith("data:"):
        file, _ = goal(site, page, address)
        return "", (site.folder / file).read_bytes()
    mime, data = re.fullmatch(r"data:([\w/+.-]+);base64,(.*)", address, re.S).groups()
    return mime, base64.b64decode(data, validate=True)


def images(site):
    """Every picture that is no remote one: (where, page, its address)."""
    for where, page, part in site.parts():
        for mime, data in part.pictures:
            if mime == "image/svg+xml":
                data = base64.b64encode(data.encode()).decode()
            yield where, page, f"data:{mime};base64,{data}"
        for img in part.html.find_all("img"):
            address = img.get("src", "")
            if not re.match("https?:|//", address):
                yield where, page, address


def flaw_of_picture(mime, data):
    """What is wrong with a picture, or nothing. Raises OSError, ValueError."""
    if mime == "image/svg+xml":
        return ""
    with Image.open(io.BytesIO(data)) as image:
        image.load()
    true = Image.MIME[image.format]
    return f"says that it is {mime}, and is {true}" if mime and mime != true else ""


def broken_pictures(site):
    """Pictures that do not open, or are not what they say."""
    for where, page, address in images(site):
        try:
            flaw = flaw_of_picture(*content(site, page, address))
        except (OSError, ValueError, AttributeError) as e:
            flaw = f"does not open: {type(e).__name__}"
        if flaw:
            yield f"{where}: a picture {flaw}"


FORMATS = {
    "audio/flac": "FLAC",
    "audio/ogg": "OGG",
    "audio/mpeg": "MP3",
    "audio/wav": "WAV",
    "audio/x-wav": "WAV",
}


def flaw_of_sound(mime, data):
    """What is wrong with a sound, or nothing. Raises LibsndfileError."""
    with soundfile.SoundFile(io.BytesIO(data)) as file:
        x = file.read()
        seconds = file.frames / file.samplerate
    if mime and FORMATS.get(mime) != file.format:
        return f"says that it is {mime}, and is {file.format}"
    if not len(x) or np.abs(x).max() < 1e-3:
        return "is silent"
    if seconds > 0.5 and file.format not in ("FLAC", "OGG", "MP3"):
        return f"of {seconds:.1f} s is not compressed: {file.format}"
    return ""


def addresses_of(player):
    """The addresses of a player's sound, its own or those of its sources."""
    tags = [player, *player.find_all("source")]
    return [tag["src"] for tag in tags if tag.get("src")]


def broken_sounds(site):
    """Players without sound, and sounds that do not open, are silent, or long and uncompressed."""
    for where, page, player in site.tags("audio"):
        addresses = addresses_of(player)
        if not addresses:
            yield f"{where}: a player has no sound"
        for address in addresses:
            if is_remote(address) and not address.startswith("data:"):
                continue
            try:
                flaw = flaw_of_sound(*content(site, page, address))
            except (OSError, ValueError, AttributeError, soundfile.LibsndfileError) as e:
                flaw = f"does not open: {type(e).__name__}"
            if flaw:
                yield f"{where}: a sound {flaw}"


def has_words(part, key, least):
    """Whether a directive gives each picture of a part a text of at least so many letters."""
    words = part.directives.get(key)
    if not isinstance(words, list):
        words = [words] * len(part.pictures)
    if len(words) != len(part.pictures):
        return False
    return all(isinstance(text, str) and len(text.strip()) >= least for text in words)


def caption_of(img):
    """The caption of the figure or fold that a picture stands in, or no text."""
    for frame in img.find_parents(["figure", "details"]):
        caption = frame.find(["figcaption", "summary"])
        return caption.get_text().strip() if caption else ""
    return ""


def wordless_figures(site):
    """Figures without a text for those who do not see them, or without a caption."""
    for where, _, part in site.parts():
        for key, least in (("fig-alt", 20), ("fig-cap", 1)):
            if part.pictures and not has_words(part, key, least):
                yield f"{where}: a figure without {key}"
    for where, _, img in site.tags("img"):
        if len(img.get("alt", "").strip()) < 20:
            yield f"{where}: a picture without a text in its place"
        if not caption_of(img):
            yield f"{where}: a picture without caption"


LOADED = {
    "script": "src",
    "link": "href",
    "img": "src",
    "audio": "src",
    "source": "src",
    "video": "src",
    "iframe": "src",
    "embed": "src",
    "object": "data",
}
# The host of a style that is loaded.
STYLE_HOST = re.compile(r"(?:url\(|@import)\s*['\"]?(?:https?:)?//([^/'\")]+)")


def styles_of(part):
    """All style sheets and styles of a part, as one text."""
    sheets = [tag.get_text() for tag in part.html.find_all("style")]
    own = [tag["style"] for tag in part.html.find_all(style=True)]
    return " ".join(sheets + own)


def foreign_parts(site):
    """What a page would fetch from elsewhere: scripts, styles, pictures, sounds."""
    for where, _, tag in site.tags(list(LOADED)):
        address = tag.get(LOADED[tag.name], "")
        if is_remote(address) and not address.startswith("data:"):
            yield f"{where}: <{tag.name}> from {address.split('/')[2]}"
    for where, _, part in site.parts():
        for host in STYLE_HOST.findall(styles_of(part)):
            yield f"{where}: a style from {host}"
    method = site.config["format"]["html"].get("html-math-method", "mathjax")
    for page, read in site.pages.items():
        if method != "mathml" and read.select(".math"):
            yield (
                f"{page}: formulas are set by a foreign script, "
                f"since html-math-method is {method}: mathml needs none"
            )


# -- directives and settings


TEXTS = (str, [str])


def each(form, *names):
    """The same form for each name."""
    return dict.fromkeys(names, form)


# What Quarto documents for cells (docs/reference/cells/cells-jupyter) and nbdev adds
# (explanations/directives), with what each may say.
DIRECTIVES = {
    "classes": TEXTS,
    "echo": (bool, {"fenced"}),
    "output": (bool, {"asis"}),
    "code-fold": (bool, {"show"}),
    "code-overflow": {"scroll", "wrap"},
    "code-line-numbers": (bool, str),
    "fig-align": {"default", "left", "right", "center"},
}
DIRECTIVES |= each(str, "default_exp", "filter_stream", "label", "code-summary")
DIRECTIVES |= each(bool, "hide", "export", "exporti", "exports", "exec_doc")
DIRECTIVES |= each(bool, "eval", "include", "warning", "error")
DIRECTIVES |= each(TEXTS, "fig-cap", "fig-subcap", "fig-alt", "fig-link", "lst-label", "lst-cap")

ENTRY = each(str, "href", "text", "icon", "aria-label", "rel", "target")
ENTRIES = [(str, ENTRY)]
SECTION = {"section": str, "contents": ENTRIES}
SIDE = {
    "title": (str, bool),
    "tools": [ENTRY],
    "contents": [(str, ENTRY, SECTION)],
    "style": {"docked", "floating"},
    "alignment": {"left", "right", "center"},
    "collapse-level": int,
    "header": TEXTS,
    "footer": TEXTS,
}
SIDE |= each(str, "id", "logo", "logo-alt", "logo-href", "background", "foreground")
SIDE |= each(bool, "search", "pinned", "border")
BAR = {
    "title": (str, bool),
    "collapse-below": {"sm", "md", "lg", "xl", "xxl"},
    "toggle-position": {"left", "right"},
    "left": ENTRIES,
    "right": ENTRIES,
}
BAR |= each(str, "logo", "logo-alt", "logo-href", "background", "foreground")
BAR |= each(bool, "search", "pinned", "collapse", "tools-collapse")
FOOTER = {"border": (bool, str), "background": str, "foreground": str}
FOOTER |= each((str, ENTRIES), "left", "center", "right")
WEBSITE = {
    "repo-actions": [{"none", "edit", "source", "issue"}],
    "body-header": str,
    "body-footer": str,
    "margin-header": TEXTS,
    "margin-footer": TEXTS,
    "page-footer": (str, FOOTER),
    "navbar": BAR,
    "sidebar": SIDE,
}
WEBSITE |= each(str, "title", "description", "favicon", "image", "site-url", "site-path")
WEBSITE |= each(str, "repo-url", "repo-subdir", "repo-branch", "issue-url")
WEBSITE |= each(bool, "reader-mode", "page-navigation", "back-to-top-navigation", "bread-crumbs")
WEBSITE |= each(bool, "open-graph", "twitter-card", "search")
PROJECT = {
    "type": {"website"},
    "render": [str],
    "resources": TEXTS,
    "execute-dir": {"file", "project"},
}
PROJECT |= each(str, "title", "output-dir", "lib-dir")
FORMAT = {
    "theme": (str, [str], {"light": TEXTS, "dark": TEXTS}),
    "css": TEXTS,
    "toc-depth": int,
    "toc-location": {"body", "left", "right", "left-body", "right-body"},
    "code-copy": (bool, {"hover"}),
    "code-fold": (bool, {"show"}),
    "code-overflow": {"scroll", "wrap"},
}
FORMAT |= each(str, "toc-title", "code-summary")
FORMAT["grid"] = each(str, "sidebar-width", "body-width", "margin-width", "gutter-width")
FORMAT |= each(bool, "respect-user-color-scheme")
FORMAT |= each(bool, "toc", "code-tools", "fig-responsive", "anchor-sections", "smooth-scroll")
FORMAT["html-math-method"] = {"plain", "webtex", "gladtex", "mathml", "mathjax", "katex"}
FORMAT["include-in-header"] = (str, [str], {"text": str, "file": str})
# What Quarto documents for a site: quarto-cli, src/resources/schema, project.yml,
# definitions.yml (base-website), document-*.yml.
SETTINGS = {
    "project": PROJECT,
    "metadata-files": [str],
    "website": WEBSITE,
    "format": {"html": FORMAT},
}


def misfits(value, form, where):
    """Where a value is not of a form.

    A form is a type, a set of choices, a list of a form, a mapping of forms, or a tuple of
    alternatives.
    """
    if isinstance(form, tuple):
        return nearest([misfits(value, one, where) for one in form])
    if isinstance(form, set):
        if isinstance(value, str) and value in form:
            return []
        return [f"{where}: {value!r} is not one of {', '.join(sorted(form))}"]
    if isinstance(form, list) and isinstance(value, list):
        return [line for one in value for line in misfits(one, form[0], where)]
    if isinstance(form, dict) and isinstance(value, dict):
        return misfits_of_mapping(value, form, where)
    return [] if type(value) is form else [f"{where}: {value!r} cannot be said here"]


def nearest(tries):
    """The findings of the alternative that fits best: the fewest, and those that say more."""

    def badness(lines):
        says_little = bool(lines) and lines[0].endswith("cannot be said here")
        return len(lines), says_little

    return min(tries, key=badness)


def misfits_of_mapping(value, form, where):
    """Where a mapping has a key that is not documented, or a value that does not fit."""
    found = []
    for key in value:
        if key not in form:
            found.append(f"{where}: {key} is not documented")
        else:
            found += misfits(value[key], form[key], f"{where}: {key}")
    return found


def odd_directives(site):
    """Directives that are not documented, say what cannot be said, or stand too low to be read."""
    for page, source in site.sources.items():
        for i, cell in enumerate(source.cells):
            where = f"{page}, cell {i}"
            head = directives(cell)
            yield from misfits(head, DIRECTIVES, where)
            lines = [line for line in cell.source.splitlines() if line.startswith("#|")]
            if cell.cell_type == "code" and len(lines) != len(head):
                yield f"{where}: a directive below the first line of code, or twice"


def files_of_settings(config):
    """The files that the settings name: styles, themes of our own, icon and picture."""
    html, website = config["format"]["html"], config["website"]
    theme = html.get("theme", [])
    themes = theme.values() if isinstance(theme, dict) else [theme]
    for named in (html.get("css", []), *themes):
        files = [named] if isinstance(named, str) else named
        yield from (file for file in files if "." in file)
    pictures = (website.get(key) for key in ("favicon", "image"))
    yield from (file for file in pictures if isinstance(file, str))


def odd_settings(site):
    """Settings that Quarto does not document or would refuse; styles that are not there."""
    for file in files_of_settings(site.config):
        if not (site.folder / file).is_file():
            yield f"_quarto.yml: {file} does not exist"
    yield from misfits(site.config, SETTINGS, "_quarto.yml")
    yield from misfits(site.written, SETTINGS, "nbdev.yml")


# -- the site as it is


CHECKS = [
    lost_pages,
    untitled_pages,
    heavy_lessons,
    missing_parts,
    run_for_docs,
    dead_links,
    anchors_given_twice,
    labels_without_figure,
    loose_references,
    broken_pictures,
    broken_sounds,
    wordless_figures,
    foreign_parts,
    odd_directives,
    odd_settings,
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_site(site, check):
    found = list(check(site))
    assert not found, "\n".join(found)


def test_site_has_what_is_checked(site):
    """No check passes because it finds nothing to look at."""
    assert len(site.pages) >= len(LESSONS) >= 9
    anchored = [anchor for *_, anchor in links(site) if anchor]
    assert len(list(links(site))) > 100 and len(anchored) > 50
    assert len(list(images(site))) > 50
    assert len(list(site.tags("audio"))) > 50


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_lesson_has_its_parts(path):
    found = nb.lesson_departures(path)
    assert not found, "\n".join(found)


def test_readme_is_the_front_page():
    assert nb.readme_drift(TOP) == []


def test_settings_are_one_file():
    """nbdev takes them from the notebooks' folder, Quarto from the project's."""
    top = (TOP / "_quarto.yml").read_text(encoding="utf-8")
    below = (TOP / "nbs" / "_quarto.yml").read_text(encoding="utf-8")
    assert below in (top, "../_quarto.yml")  # a link, or what Git makes of it where there are none


# -- the checks do find


@pytest.mark.parametrize(
    "heading, anchor",
    [
        ("Heading identifiers in HTML", "heading-identifiers-in-html"),
        ("Maître d'hôtel", "maître-dhôtel"),
        ("Dogs?--in my house?", "dogs--in-my-house"),
        ("HTML, S5, or RTF?", "html-s5-or-rtf"),
        ("3. Applications", "applications"),
        ("33", "section"),
        ("LogMel.invert & as_label", "logmel.invert-as_label"),
    ],
)
def test_anchors_are_pandocs(heading, anchor):
    assert identifier(heading) == anchor


def sound(seconds=0.2, kind="WAV", loud=0.5):
    """A sound of one tone, as base64."""
    x = loud * np.sin(np.arange(int(8000 * seconds)) / 3)
    out = io.BytesIO()
    soundfile.write(out, x, 8000, format=kind)
    return base64.b64encode(out.getvalue()).decode()


def png():
    """A picture, as base64."""
    out = io.BytesIO()
    Image.new("RGB", (4, 4), "red").save(out, "png")
    return base64.b64encode(out.getvalue()).decode()


def shows(data, source="show()"):
    """A code cell that shows something: {mime type: content}."""
    return new_code_cell(source, outputs=[new_output("display_data", data=data)])


def html(text):
    """A code cell that shows HTML."""
    return shows({"text/html": text})


def player(data, mime="audio/wav"):
    """A code cell that shows a player."""
    audio = f'<audio controls src="data:{mime};base64,{data}"></audio>'
    return html(f'<figure class="dl-player">{audio}</figure>')


def img(alt=""):
    """A picture as a tag, with or without a text in its place."""
    return f'<img src="data:image/png;base64,{png()}"{alt}>'


def front_matter(*lines):
    """The front matter of a page."""
    return new_raw_cell("\n".join(["---", *lines, "---"]))


ALT = "A red square, and nothing else in it."
HAS_ALT = f' alt="{ALT}"'
HEADS = [f"## {head}" for head in nb.HEADINGS]
FIGURE = f'#| label: fig-x\n#| fig-alt: "{ALT}"\n#| fig-cap: "Red."\nplot()'
SEE = "See [A](index.ipynb#a-b), [the figure](#fig-x) and [Ay 2001](bibliography.ipynb#ay2001)."
THERE = '[There](https://x.org/y/x.html#summary), <a href="00_x.ipynb">here</a>.'
WORK = '- <span id="ay2001"></span>Ay, B. (2001). C. Used in [lesson 00](00_x.ipynb).'


class Good:
    """Notebooks and settings of a small site without fault, which a test may spoil."""

    def __init__(self):
        self.log = ""
        self.lesson = [
            front_matter("title: X", "description: x", "output-file: x.html"),
            *map(new_markdown_cell, ['<p class="dl-doors">doors</p>', *HEADS, SEE]),
            shows({"image/png": png()}, FIGURE),
            html(f"<figure>{img(HAS_ALT)}<figcaption>Red.</figcaption></figure>"),
        ]
        self.lesson += [player(sound()), player(sound(1, "FLAC"), "audio/flac")]
        self.index = [
            front_matter("title: Y", "description: y"),
            new_markdown_cell(f"## A b\n\n{THERE}"),
        ]
        self.works = [front_matter("title: Z", "description: z"), new_markdown_cell(WORK)]
        self.sidebar = [
            {"href": "index.ipynb", "text": "Start"},
            {"section": "Rest", "contents": ["00_x.ipynb", "bibliography.ipynb"]},
        ]
        self.config = {
            "project": {"type": "website"},
            "website": {"sidebar": {"contents": self.sidebar}},
            "format": {"html": {"toc": True, "html-math-method": "mathml"}},
        }

    def made(self, folder):
        """The site of these notebooks and settings, made in a folder."""
        notebooks = {"00_x": self.lesson, "index": self.index, "bibliography": self.works}
        for where in ("nbs", "_proc"):
            (folder / where).mkdir()
            for name, cells in notebooks.items():
                text = nb.to_text(new_notebook(cells=cells))
                (folder / where / f"{name}.ipynb").write_text(text, encoding="utf-8")
        config = yaml.safe_dump(self.config)
        (folder / "_proc" / "_quarto.yml").write_text(config, encoding="utf-8")
        (folder / "_proc" / "nbdev.yml").write_text("website: {site-url: 'https://x.org/y'}")
        return Site(folder, self.log)


def test_a_good_site_has_no_findings(tmp_path):
    site = Good().made(tmp_path)
    for check in CHECKS:
        assert list(check(site)) == []


def adds(*cells):
    """A change: cells at the end of the lesson."""
    return lambda good: good.lesson.extend(cells)


def says(text):
    """A change: prose at the end of the lesson."""
    return adds(new_markdown_cell(text))


def becomes(old, new):
    """A change: one text becomes another, in whatever cell it first stands."""

    def change(good):
        cells = [*good.lesson, *good.index, *good.works]
        cell = next(cell for cell in cells if old in cell.source)
        cell.source = cell.source.replace(old, new, 1)

    return change


def sets(path, value):
    """A change: a setting, given by its keys, gets a value."""

    def change(good):
        *above, last = path.split("/")
        at = good.config
        for key in above:
            at = at[key]
        at[last] = value

    return change


def both(*changes):
    """Several changes, one after the other."""

    def change(good):
        for one in changes:
            one(good)

    return change


def in_the_sidebar(page):
    """A change: an entry more in the sidebar."""
    return lambda good: good.sidebar.append(page)


def without_start(good):
    del good.sidebar[0]


def warned(good):
    good.log = (
        "Found cells containing imports and other code. See FAQ.\n---\nimport os\ntrain()\n---\n"
    )


def assert_found(check, folder, change, message):
    """A check says so where a good site was changed for the worse."""
    good = Good()
    change(good)
    found = list(check(good.made(folder)))
    assert any(message in line for line in found), found


@pytest.mark.parametrize(
    "change, message",
    [
        (without_start, "index.ipynb: not in the sidebar"),
        (in_the_sidebar("index.ipynb"), "index.ipynb: 2 times in the sidebar"),
        (in_the_sidebar("no.ipynb"), "_quarto.yml: leads to no.ipynb, which does not exist"),
        (
            sets("website/navbar", {"left": [{"href": "no.ipynb"}]}),
            "_quarto.yml: leads to no.ipynb, which does not exist",
        ),
        (
            becomes("output-file: x.html", "output-file: index.html"),
            "index.html: 2 notebooks become this page",
        ),
    ],
)
def test_lost_pages_are_found(tmp_path, change, message):
    assert_found(lost_pages, tmp_path, change, message)


@pytest.mark.parametrize(
    "change, message",
    [
        (becomes("title: Y", "titel: Y"), "index.ipynb: has no title"),
        (becomes("title: Y", "titel: Y"), "index.ipynb: front matter titel is not documented"),
    ],
)
def test_untitled_pages_are_found(tmp_path, change, message):
    assert_found(untitled_pages, tmp_path, change, message)


@pytest.mark.parametrize(
    "change, message",
    [
        (says("a" * 701_000), "kB: at most 700"),
    ],
)
def test_heavy_lessons_are_found(tmp_path, change, message):
    assert_found(heavy_lessons, tmp_path, change, message)


@pytest.mark.parametrize(
    "change, message",
    [
        (becomes("## Summary", "Summary"), "00_x.ipynb: heading missing: Summary"),
        (becomes("dl-doors", "doors"), "00_x.ipynb: 0 rows of doors"),
    ],
)
def test_missing_parts_are_found(tmp_path, change, message):
    assert_found(missing_parts, tmp_path, change, message)


@pytest.mark.parametrize(
    "change, message",
    [
        (warned, "it starts import os"),
    ],
)
def test_run_for_docs_are_found(tmp_path, change, message):
    assert_found(run_for_docs, tmp_path, change, message)


@pytest.mark.parametrize(
    "change, message",
    [
        (says("[x](no.ipynb)"), "leads to no.ipynb, which does not exist"),
        (says("[x](../index.ipynb)"), "leads to ../index.ipynb, which does not exist"),
        (says('<a href="no.csv">x</a>'), "leads to no.csv, which does not exist"),
        (says("[x](https://x.org/y/no.html)"), "leads to no.html, which does not exist"),
        (
            says("[x](https://x.org/y/x.html#no)"),
            "leads to 00_x.ipynb#no, and there is no such anchor",
        ),
        (says("[x](index.ipynb#A-b)"), "leads to index.ipynb#A-b, and there is no such anchor"),
        (says("[x](#fig-y)"), "leads to 00_x.ipynb#fig-y, and there is no such anchor"),
        (
            says("[x](bibliography.ipynb#by2001)"),
            "leads to bibliography.ipynb#by2001, and there is no such anchor",
        ),
        (adds(html('<a href="#x">x</a>')), "leads to 00_x.ipynb#x, and there is no such anchor"),
        (adds(shows({"text/markdown": "[x](no.md)"})), "leads to no.md, which does not exist"),
        (
            becomes("#| label: fig-x", "#| include: false\n#| label: fig-x"),
            "leads to 00_x.ipynb#fig-x, and there is no such anchor",
        ),
        (becomes("## A b", "## A b {#c}"), "leads to index.ipynb#a-b, and there is no such anchor"),
    ],
)
def test_dead_links_are_found(tmp_path, change, message):
    assert_found(dead_links, tmp_path, change, message)


@pytest.mark.parametrize(
    "change, message",
    [
        (says('<b id="summary">x</b>'), "the anchor summary is given 2 times"),
    ],
)
def test_anchors_given_twice_are_found(tmp_path, change, message):
    assert_found(anchors_given_twice, tmp_path, change, message)


@pytest.mark.parametrize(
    "change, message",
    [
        (becomes("label: fig-x", "label: x"), "the label x is not fig-"),
        (adds(new_code_cell("#| label: fig-y\n1")), "the label fig-y stands on no figure"),
    ],
)
def test_labels_without_figure_are_found(tmp_path, change, message):
    assert_found(labels_without_figure, tmp_path, change, message)


@pytest.mark.parametrize(
    "change, message",
    [
        (
            becomes("[Ay 2001](bibliography.ipynb#ay2001)", "nobody"),
            "bibliography.ipynb: ay2001 is cited nowhere",
        ),
        (
            becomes("[Ay 2001](bibliography.ipynb#ay2001)", "nobody"),
            "ay2001 says that 00_x.ipynb uses it, which does not cite it",
        ),
        (
            becomes("Used in [lesson 00](00_x.ipynb).", ""),
            "ay2001 does not say that 00_x.ipynb uses it",
        ),
        (
            becomes('id="ay2001"', 'id="ay2002"'),
            "the key ay2002 is not the first author's surname and the year",
        ),
        (
            becomes("- <span", '- <span id="by2001"></span>By, A. (2001). B.\n- <span'),
            "ay2001 comes after by2001",
        ),
    ],
)
def test_loose_references_are_found(tmp_path, change, message):
    assert_found(loose_references, tmp_path, change, message)


@pytest.mark.parametrize(
    "change, message",
    [
        (adds(shows({"image/png": png()[:-40]})), "a picture does not open"),
        (says("![x](no.png)"), "a picture does not open: FileNotFoundError"),
        (
            says(f'<img src="data:image/jpeg;base64,{png()}">'),
            "a picture says that it is image/jpeg, and is image/png",
        ),
    ],
)
def test_broken_pictures_are_found(tmp_path, change, message):
    assert_found(broken_pictures, tmp_path, change, message)


@pytest.mark.parametrize(
    "change, message",
    [
        (adds(player(sound()[:40])), "a sound does not open"),
        (adds(player("no base64")), "a sound does not open"),
        (says('<audio src="no.ogg"></audio>'), "a sound does not open: FileNotFoundError"),
        (adds(html("<audio controls></audio>")), "a player has no sound"),
        (adds(player(sound(loud=0))), "a sound is silent"),
        (adds(player(sound(0.6))), "a sound of 0.6 s is not compressed: WAV"),
        (adds(player(sound(), "audio/flac")), "a sound says that it is audio/flac, and is WAV"),
    ],
)
def test_broken_sounds_are_found(tmp_path, change, message):
    assert_found(broken_sounds, tmp_path, change, message)


@pytest.mark.parametrize(
    "change, message",
    [
        (becomes("#| fig-alt: ", "#| fig-alt: A.\n# "), "a figure without fig-alt"),
        (becomes('#| fig-cap: "Red."\n', ""), "a figure without fig-cap"),
        (becomes('"Red."', '"Red: "that"'), "a figure without fig-cap"),
        (becomes('"Red."', '["Red.", "Blue."]'), "a figure without fig-cap"),
        (
            adds(html(f"<figure>{img()}<figcaption>x</figcaption></figure>")),
            "a picture without a text in its place",
        ),
        (adds(html(img(HAS_ALT))), "a picture without caption"),
    ],
)
def test_wordless_figures_are_found(tmp_path, change, message):
    assert_found(wordless_figures, tmp_path, change, message)


@pytest.mark.parametrize(
    "change, message",
    [
        (adds(html('<script src="https://cdn.x.org/x.js"></script>')), "<script> from cdn.x.org"),
        (adds(html('<script src="//cdn.x.org/x.js"></script>')), "<script> from cdn.x.org"),
        (
            adds(html('<link rel="stylesheet" href="https://cdn.x.org/x.css">')),
            "<link> from cdn.x.org",
        ),
        (adds(html("<style>@import 'https://cdn.x.org/x.css';</style>")), "a style from cdn.x.org"),
        (says("![x](https://x.org/x.png)"), "<img> from x.org"),
        (says('<audio><source src="http://x.org/x.ogg"></audio>'), "<source> from x.org"),
        (
            both(says("As $x$."), sets("format/html/html-math-method", "katex")),
            "html-math-method is katex",
        ),
        (both(says("As $x$."), sets("format/html", {})), "html-math-method is mathjax"),
    ],
)
def test_foreign_parts_are_found(tmp_path, change, message):
    assert_found(foreign_parts, tmp_path, change, message)


@pytest.mark.parametrize(
    "change, message",
    [
        (adds(new_code_cell("#| fig-caption: x\n1")), "fig-caption is not documented"),
        (adds(new_code_cell("#| echo: no way\n1")), "echo: 'no way'"),
        (becomes('"Red."', '"Red: "that"'), "fig-cap: None"),
        (adds(new_code_cell("1\n#| echo: false")), "a directive below the first line of code"),
    ],
)
def test_odd_directives_are_found(tmp_path, change, message):
    assert_found(odd_directives, tmp_path, change, message)


@pytest.mark.parametrize(
    "change, message",
    [
        (
            sets("website/favicon", False),
            "_quarto.yml: website: favicon: False cannot be said here",
        ),
        (sets("website/title-block", "x"), "_quarto.yml: website: title-block is not documented"),
        (sets("website/repo-actions", ["fork"]), "repo-actions: 'fork' is not one of"),
        (
            sets("website/navbar", {"tools": []}),
            "_quarto.yml: website: navbar: tools is not documented",
        ),
        (
            sets("format/html/theme", {"light": "cosmo", "night": "darkly"}),
            "theme: night is not documented",
        ),
        (sets("format/html/css", "no.css"), "_quarto.yml: no.css does not exist"),
        (sets("format/html/toc-depth", "three"), "toc-depth: 'three' cannot be said here"),
    ],
)
def test_odd_settings_are_found(tmp_path, change, message):
    assert_found(odd_settings, tmp_path, change, message)


def test_every_check_is_shown_to_find():
    for check in CHECKS:
        assert f"test_{check.__name__}_are_found" in globals()
