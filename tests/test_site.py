"""The site, without Quarto: what nbdev hands to it is checked for all that a reader of a page needs.

Each check is a function of the site that returns one line for each finding. Below the checks, each is shown to find what it is for."""

import base64
import io
import posixpath
import re
import shutil
import subprocess
import sys
import unicodedata
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
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
    first = next((i for i, c in enumerate(joined) if c.isalpha()), None)
    return "section" if first is None else joined[first:]


def directives(cell):
    """The lines `#| name: value` at the head of a code cell: {name: value}, with None for a value that is no YAML."""
    found = {}
    for line in cell.source.splitlines() if cell.cell_type == "code" else []:
        if not line.startswith("#|"):
            break
        key, value = re.fullmatch(r"#\|\s*([\w-]*):?\s*(.*)", line).groups()
        try:
            found[key] = yaml.safe_load(value) if value else True
        except yaml.YAMLError:
            found[key] = None
    return found


def shown(cell):
    """What a reader sees of a processed cell: its directives, its text and rich outputs as parsed HTML, its pictures."""
    said = directives(cell)
    texts = [HTML(cell.source)] if cell.cell_type == "markdown" else []
    pictures = []
    for data in (
        o.get("data", {}) for o in cell.get("outputs", []) if said.get("output") is not False
    ):
        texts.append(data.get("text/html") or HTML(data.get("text/markdown", "")))
        pictures += [(mime, content) for mime, content in data.items() if mime.startswith("image/")]
    return SimpleNamespace(
        directives=said,
        html=BeautifulSoup("\n".join(texts), "html.parser"),
        pictures=pictures,
        source=cell.source,
    )


def anchors(parts):
    """Every identifier on a page, and how often it is given: of HTML, of labelled figures, of headings."""
    given = Counter()
    for part in parts:
        if "label" in part.directives and (part.pictures or part.html.find("figure")):
            given[part.directives["label"]] += 1
        for tag in part.html.find_all(True):
            if tag.get("id"):
                given[tag["id"]] += 1
            elif re.fullmatch("h[1-6]", tag.name):
                own = OWN_ID.search(tag.get_text())
                base, n = own[1] if own else identifier(tag.get_text()), 0
                while not own and (f"{base}-{n}" if n else base) in given:
                    n += 1
                given[f"{base}-{n}" if n else base] += 1
    return given


def read_page(path):
    """A processed notebook: its front matter, the parts that a reader sees, its anchors."""
    cells = nb.read(path).cells
    front = (
        yaml.safe_load(cells[0].source.strip().strip("-"))
        if cells and cells[0].cell_type == "raw"
        else None
    )
    parts = {
        f"cell {i}": shown(cell)
        for i, cell in enumerate(cells)
        if cell.cell_type != "raw" and directives(cell).get("include") is not False
    }
    return SimpleNamespace(
        front=front or {}, parts=parts, anchors=anchors(parts.values()), bytes=path.stat().st_size
    )


def read_site(folder, log=""):
    """The notebooks of a project, and the pages and settings that nbdev has made of them."""
    made = folder / "_proc"
    sources = {p.relative_to(folder / "nbs").as_posix(): nb.read(p) for p in nb.notebooks(folder)}
    pages = {page: read_page(made / page) for page in sources if (made / page).is_file()}
    config, written = (
        yaml.safe_load((made / file).read_text(encoding="utf-8"))
        for file in ("_quarto.yml", "nbdev.yml")
    )
    return SimpleNamespace(
        folder=made, sources=sources, pages=pages, config=config, written=written, log=log
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """All notebooks of the project, processed for the site in a copy of it."""
    folder = tmp_path_factory.mktemp("site")
    for part in ("settings.ini", "_quarto.yml", "README.md"):
        shutil.copy(TOP / part, folder)
    for part in ("nbs", "drumlesson"):
        shutil.copytree(
            TOP / part,
            folder / part,
            symlinks=True,
            ignore=shutil.ignore_patterns(".ipynb_checkpoints", "__pycache__", "*.tmp"),
        )
    code = "from nbdev.quarto import proc_nbs, refresh_quarto_yml; refresh_quarto_yml(); proc_nbs(n_workers=0)"
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return read_site(folder, done.stderr)


def parts(site):
    """Every part of every page, with the words that a finding starts with."""
    return [
        (f"{page}, {where}", page, part)
        for page, read in site.pages.items()
        for where, part in read.parts.items()
    ]


# -- pages


def listed(entries):
    for entry in entries:
        if isinstance(entry, str):
            yield entry
        else:
            yield from [entry["href"]] if "href" in entry else listed(entry["contents"])


def is_remote(address):
    return bool(re.match(r"[a-z][a-z0-9+.-]*:|//", address, re.I))


def output_file(site, page):
    default = posixpath.basename(page).replace(".ipynb", ".html")
    return posixpath.join(
        posixpath.dirname(page), site.pages[page].front.get("output-file", default)
    )


def lost_pages(site):
    """Notebooks that nobody finds, and bars that lead nowhere."""
    website = site.config["website"]
    side = Counter(listed(website["sidebar"]["contents"]))
    bar = [
        entry
        for place in ("left", "right", "tools")
        for entry in listed(website.get("navbar", {}).get(place, []))
    ]
    files = Counter(output_file(site, page) for page in site.pages)
    found = [
        f"{page}: nbdev makes no page of it" for page in site.sources if page not in site.pages
    ]
    found += [
        f"{page}: {side[page] or 'not'} times in the sidebar".replace("not times", "not")
        for page in site.sources
        if side[page] != 1
    ]
    found += [
        f"_quarto.yml: leads to {to}, which does not exist"
        for to in sorted({*side, *bar})
        if not is_remote(to) and to not in site.pages
    ]
    return found + [f"{file}: {n} notebooks become this page" for file, n in files.items() if n > 1]


def untitled_pages(site):
    """Pages without a title, and front matter that Quarto does not know."""
    known = {"title", "description", "output-file"}
    found = [
        f"{page}: has no {key}"
        for page, read in site.pages.items()
        for key in ("title", "description")
        if not read.front.get(key)
    ]
    return found + [
        f"{page}: front matter {key} is not documented"
        for page, read in site.pages.items()
        for key in read.front.keys() - known
    ]


def heavy_lessons(site):
    """Lessons that are too heavy for a phone."""
    limit = nb.LIMITS["kB"][1]
    return [
        f"{page}: {read.bytes // 1000} kB: at most {limit}"
        for page, read in site.pages.items()
        if nb.is_lesson(page) and read.bytes > 1000 * limit
    ]


def missing_parts(site):
    """Lessons that have lost a part on the way to the page."""
    found = []
    for page in filter(nb.is_lesson, site.pages):
        heads = [
            h.get_text().strip()
            for part in site.pages[page].parts.values()
            for h in part.html.find_all("h2")
        ]
        found += [
            f"{page}: heading missing: {head}" for head in nb.HEADINGS if heads.count(head) != 1
        ]
        doors = [
            p for part in site.pages[page].parts.values() for p in part.html.select("p.dl-doors")
        ]
        found += [f"{page}: {len(doors)} rows of doors: 1 wanted"] if len(doors) != 1 else []
    return found


def run_for_docs(site):
    """Cells that nbdev runs only because they mix imports with other code."""
    mixed = re.findall(r"Found cells containing imports and other code.*?\n---\n(.*?\n)", site.log)
    return [
        f"a cell mixes imports with other code, so the site's making runs it: it starts {line.strip()}"
        for line in mixed
    ]


# -- links


def goal(site, page, address):
    """(file, anchor) that an address on a page leads to; None where it leads away from the site."""
    path, _, anchor = address.partition("#")
    home = site.written["website"]["site-url"]
    if path.startswith(home):
        file = path.removeprefix(home).lstrip("/") or "index.html"
        return next((p for p in site.pages if output_file(site, p) == file), file), unquote(anchor)
    if is_remote(address):
        return None
    at = path.lstrip("/") if path.startswith("/") else posixpath.join(posixpath.dirname(page), path)
    return posixpath.normpath(unquote(at)) if path else page, unquote(anchor)


def links(site):
    """Every link that stays on the site: (where, page, file, anchor)."""
    for where, page, part in parts(site):
        goals = [goal(site, page, a["href"]) for a in part.html.find_all("a", href=True)]
        yield from ((where, page, *to) for to in goals if to)


def dead_links(site):
    """Links to pages, files or anchors that are not there."""
    found = []
    for where, _, file, anchor in links(site):
        if not (site.folder / file).exists():
            found.append(f"{where}: leads to {file}, which does not exist")
        elif anchor and file in site.pages and anchor not in site.pages[file].anchors:
            found.append(f"{where}: leads to {file}#{anchor}, and there is no such anchor")
    return found


def anchors_given_twice(site):
    """Identifiers that two things on a page share, so that a link reaches the first only."""
    return [
        f"{page}: the anchor {anchor} is given {n} times"
        for page, read in site.pages.items()
        for anchor, n in read.anchors.items()
        if n > 1
    ]


def labels_without_figure(site):
    """Labels that Quarto does not take for those of figures, or that stand where there is none."""
    found = []
    for where, _, part in parts(site):
        label = part.directives.get("label")
        if label is not None and not re.fullmatch(r"fig-[a-z0-9-]+", str(label)):
            found.append(f"{where}: the label {label} is not fig- and a name in small letters")
        elif label is not None and not (
            "fig-cap" in part.directives and (part.pictures or part.html.find("figure"))
        ):
            found.append(f"{where}: the label {label} stands on no figure with a fig-cap")
    return found


# -- citations


def bibliography(site):
    """{key: the entry} of the bibliography."""
    spans = [
        span
        for part in site.pages["bibliography.ipynb"].parts.values()
        for span in part.html.select("li span[id]")
    ]
    return {span["id"]: span.find_parent("li") for span in spans}


def plain(text):
    """Text without accents, in small letters."""
    return "".join(
        c for c in unicodedata.normalize("NFKD", text).lower() if not unicodedata.combining(c)
    )


def citing(site):
    """{key: the pages that cite it}, by a link or, as docstrings do, by surname and year; where a page links to one of several namesakes, only links count."""
    by_link = {
        (page, anchor) for _, page, file, anchor in links(site) if file == "bibliography.ipynb"
    }
    text = {
        page: plain("\n".join(c.source for c in source.cells))
        for page, source in site.sources.items()
        if page != "bibliography.ipynb"
    }
    stems, cites = {(page, key[:-1]) for page, key in by_link}, {}
    for key in bibliography(site):
        surname, year, letter = re.fullmatch(r"(\D+)(\d{4})([a-z]?)", key).groups()
        named = re.compile(rf"\b{surname}\b[^\n;]{{0,60}}\b{year}\b")
        by_name = {
            page
            for page in text
            if named.search(text[page]) and not (letter and (page, surname + year) in stems)
        }
        cites[key] = by_name | {page for page in text if (page, key) in by_link}
    return cites


def loose_references(site):
    """Entries of the bibliography that nobody cites, that are named or sorted wrongly, or do not lead back to the pages that cite them."""
    entries, cites = bibliography(site), citing(site)
    found = [
        f"bibliography.ipynb: {key} comes after {before}"
        for before, key in zip(entries, list(entries)[1:])
        if key < before
    ]
    for key, entry in entries.items():
        head = re.match(r"([^,.]+)[^()]*\((\d{4})\)", entry.get_text().strip())
        if not head or not re.fullmatch(
            re.escape(plain(head[1]).replace(" ", "") + head[2]) + "[a-z]?", key
        ):
            found.append(
                f"bibliography.ipynb: the key {key} is not the first author's surname and the year of its entry"
            )
        if not cites[key]:
            found.append(f"bibliography.ipynb: {key} is cited nowhere")
        named = {
            file
            for file, _ in filter(
                None, (goal(site, "bibliography.ipynb", a["href"]) for a in entry.find_all("a"))
            )
        }
        found += [
            f"bibliography.ipynb: {key} says that {page} uses it, which does not cite it"
            for page in sorted(named - cites[key])
        ]
        found += [
            f"bibliography.ipynb: {key} does not say that {page} uses it"
            for page in sorted(cites[key] - named)
        ]
    return found


# -- pictures and sounds


def content(site, page, address):
    """(mime type, bytes) of a picture or sound: what a data: address holds, or a file of the site. Raises ValueError, OSError."""
    if address.startswith("data:"):
        mime, data = re.fullmatch(r"data:([\w/+.-]+);base64,(.*)", address, re.S).groups()
        return mime, base64.b64decode(data, validate=True)
    return "", (site.folder / goal(site, page, address)[0]).read_bytes()


def images(site):
    """Every picture that is no remote one: (where, how to get its mime type and its bytes)."""
    for where, page, part in parts(site):
        for mime, data in part.pictures:
            yield (
                where,
                lambda mime=mime, data=data: (
                    mime,
                    data.encode()
                    if mime == "image/svg+xml"
                    else base64.b64decode(data, validate=True),
                ),
            )
        for img in part.html.find_all("img"):
            if not re.match("https?:|//", img.get("src", "")):
                yield where, lambda page=page, src=img.get("src", ""): content(site, page, src)


def broken_pictures(site):
    """Pictures that do not open, or are not what they say."""
    found = []
    for where, get in images(site):
        try:
            mime, data = get()
            if mime == "image/svg+xml":
                continue
            with Image.open(io.BytesIO(data)) as image:
                image.load()
                if mime and mime != Image.MIME[image.format]:
                    found.append(
                        f"{where}: a picture says that it is {mime}, and is {Image.MIME[image.format]}"
                    )
        except (OSError, ValueError, AttributeError) as e:
            found.append(f"{where}: a picture does not open: {type(e).__name__}")
    return found


FORMATS = {
    "audio/flac": "FLAC",
    "audio/ogg": "OGG",
    "audio/mpeg": "MP3",
    "audio/wav": "WAV",
    "audio/x-wav": "WAV",
}


def flaw_of_sound(mime, data):
    """What is wrong with a sound, or nothing."""
    with soundfile.SoundFile(io.BytesIO(data)) as file:
        x, seconds = file.read(), file.frames / file.samplerate
    if mime and FORMATS.get(mime) != file.format:
        return f"says that it is {mime}, and is {file.format}"
    if not len(x) or np.abs(x).max() < 1e-3:
        return "is silent"
    return (
        f"of {seconds:.1f} s is not compressed: {file.format}"
        if seconds > 0.5 and file.format not in ("FLAC", "OGG", "MP3")
        else ""
    )


def broken_sounds(site):
    """Players without sound, and sounds that do not open, are silent, or long and not compressed."""
    found = []
    for where, page, part in parts(site):
        for player in part.html.find_all("audio"):
            addresses = [
                tag["src"] for tag in (player, *player.find_all("source")) if tag.get("src")
            ]
            found += [] if addresses else [f"{where}: a player has no sound"]
            for address in addresses:
                if is_remote(address) and not address.startswith("data:"):
                    continue
                try:
                    flaw = flaw_of_sound(*content(site, page, address))
                except (OSError, ValueError, AttributeError, soundfile.LibsndfileError) as e:
                    flaw = f"does not open: {type(e).__name__}"
                found += [f"{where}: a sound {flaw}"] if flaw else []
    return found


def wordless_figures(site):
    """Figures without a text for those who do not see them, or without a caption."""
    found = []
    for where, _, part in parts(site):
        for key, least in (("fig-alt", 20), ("fig-cap", 1)) if part.pictures else ():
            words = part.directives.get(key)
            words = words if isinstance(words, list) else [words] * len(part.pictures)
            if len(words) != len(part.pictures) or not all(
                isinstance(w, str) and len(w.strip()) >= least for w in words
            ):
                found.append(f"{where}: a figure without {key}")
        for img in part.html.find_all("img"):
            caption = next(
                (
                    frame.find(["figcaption", "summary"])
                    for frame in img.find_parents(["figure", "details"])
                ),
                None,
            )
            found += (
                []
                if len(img.get("alt", "").strip()) >= 20
                else [f"{where}: a picture without a text in its place"]
            )
            found += (
                []
                if caption and caption.get_text().strip()
                else [f"{where}: a picture without caption"]
            )
    return found


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


def foreign_parts(site):
    """What a page would have to fetch from elsewhere: scripts, styles, pictures, sounds, and the script that sets formulas."""
    found = []
    for where, _, part in parts(site):
        for tag in part.html.find_all(list(LOADED)):
            address = tag.get(LOADED[tag.name], "")
            if is_remote(address) and not address.startswith("data:"):
                found.append(f"{where}: <{tag.name}> from {address.split('/')[2]}")
        styles = " ".join(
            [
                *(tag.get_text() for tag in part.html.find_all("style")),
                *(tag["style"] for tag in part.html.find_all(style=True)),
            ]
        )
        found += [
            f"{where}: a style from {host}"
            for host in re.findall(r"(?:url\(|@import)\s*['\"]?(?:https?:)?//([^/'\")]+)", styles)
        ]
    method = site.config["format"]["html"].get("html-math-method", "mathjax")
    formulas = (
        {page for _, page, part in parts(site) if part.html.select_one(".math")}
        if method != "mathml"
        else ()
    )
    return found + [
        f"{page}: formulas are set by a foreign script, since html-math-method is {method}: mathml needs none"
        for page in sorted(formulas)
    ]


# -- directives and settings


# What Quarto documents for cells (docs/reference/cells/cells-jupyter) and nbdev adds (explanations/directives), with what each may say.
TEXTS = (str, [str])
DIRECTIVES = {
    **dict.fromkeys(
        ("hide", "export", "exporti", "exports", "exec_doc", "eval", "include", "warning", "error"),
        bool,
    ),
    **dict.fromkeys(
        ("fig-cap", "fig-subcap", "fig-alt", "fig-link", "lst-label", "lst-cap"), TEXTS
    ),
    "default_exp": str,
    "filter_stream": str,
    "label": str,
    "classes": TEXTS,
    "echo": (bool, {"fenced"}),
    "output": (bool, {"asis"}),
    "code-fold": (bool, {"show"}),
    "code-summary": str,
    "code-overflow": {"scroll", "wrap"},
    "code-line-numbers": (bool, str),
    "fig-align": {"default", "left", "right", "center"},
}
ENTRY = dict.fromkeys(("href", "text", "icon", "aria-label", "rel", "target"), str)
SIDE = dict.fromkeys(("id", "logo", "logo-alt", "logo-href", "background", "foreground"), str) | {
    **dict.fromkeys(("search", "pinned", "border"), bool),
    "title": (str, bool),
    "tools": [ENTRY],
    "style": {"docked", "floating"},
    "alignment": {"left", "right", "center"},
    "collapse-level": int,
    "header": TEXTS,
    "footer": TEXTS,
}
SIDE["contents"] = [(str, ENTRY, {"section": str, "contents": [(str, ENTRY)]})]
BAR = {
    **dict.fromkeys(("logo", "logo-alt", "logo-href", "background", "foreground"), str),
    **dict.fromkeys(("search", "pinned", "collapse", "tools-collapse"), bool),
    "title": (str, bool),
    "collapse-below": {"sm", "md", "lg", "xl", "xxl"},
    "toggle-position": {"left", "right"},
    "left": [(str, ENTRY)],
    "right": [(str, ENTRY)],
}
# What Quarto documents for a site: quarto-cli, src/resources/schema, project.yml, definitions.yml (base-website), document-*.yml.
SETTINGS = {
    "project": {
        "type": {"website"},
        "title": str,
        "render": [str],
        "output-dir": str,
        "lib-dir": str,
        "resources": TEXTS,
        "execute-dir": {"file", "project"},
    },
    "metadata-files": [str],
    "website": {
        **dict.fromkeys(
            (
                "title",
                "description",
                "favicon",
                "site-url",
                "site-path",
                "repo-url",
                "repo-subdir",
                "repo-branch",
                "issue-url",
                "image",
            ),
            str,
        ),
        **dict.fromkeys(
            (
                "reader-mode",
                "page-navigation",
                "back-to-top-navigation",
                "bread-crumbs",
                "open-graph",
                "twitter-card",
                "search",
            ),
            bool,
        ),
        "repo-actions": [{"none", "edit", "source", "issue"}],
        "body-header": str,
        "body-footer": str,
        "margin-header": TEXTS,
        "margin-footer": TEXTS,
        "page-footer": (
            str,
            {side: (str, [(str, ENTRY)]) for side in ("left", "center", "right")}
            | {"border": (bool, str), "background": str, "foreground": str},
        ),
        "navbar": BAR,
        "sidebar": SIDE,
    },
    "format": {
        "html": {
            "theme": (str, [str], {"light": TEXTS, "dark": TEXTS}),
            "css": TEXTS,
            "toc": bool,
            "toc-depth": int,
            "toc-location": {"body", "left", "right", "left-body", "right-body"},
            "toc-title": str,
            "code-copy": (bool, {"hover"}),
            "code-fold": (bool, {"show"}),
            "code-summary": str,
            "code-overflow": {"scroll", "wrap"},
            "code-tools": bool,
            "fig-responsive": bool,
            "html-math-method": {"plain", "webtex", "gladtex", "mathml", "mathjax", "katex"},
            "anchor-sections": bool,
            "smooth-scroll": bool,
            "include-in-header": (str, [str], {"text": str, "file": str}),
        }
    },
}


def misfits(value, form, where):
    """Where a value is not of a form: a type, a set of choices, a list of a form, a mapping of forms, a tuple of alternatives."""
    if isinstance(form, tuple):
        tries = [misfits(value, one, where) for one in form]
        return min(
            tries,
            key=lambda lines: (len(lines), lines and lines[0].endswith("cannot be said here")),
        )
    if isinstance(form, set):
        return (
            []
            if isinstance(value, str) and value in form
            else [f"{where}: {value!r} is not one of {', '.join(sorted(form))}"]
        )
    if isinstance(form, list) and isinstance(value, list):
        return [line for one in value for line in misfits(one, form[0], where)]
    if isinstance(form, dict) and isinstance(value, dict):
        inner = [
            line
            for key in value.keys() & form.keys()
            for line in misfits(value[key], form[key], f"{where}: {key}")
        ]
        return [f"{where}: {key} is not documented" for key in value.keys() - form.keys()] + inner
    return [] if type(value) is form else [f"{where}: {value!r} cannot be said here"]


def odd_directives(site):
    """Directives that neither Quarto nor nbdev documents, that say what cannot be said, or that stand too low to be read."""
    found = []
    for page, source in site.sources.items():
        for i, cell in enumerate(source.cells):
            head = directives(cell)
            found += misfits(head, DIRECTIVES, f"{page}, cell {i}")
            lines = (
                [line for line in cell.source.splitlines() if line.startswith("#|")]
                if cell.cell_type == "code"
                else []
            )
            found += (
                [f"{page}, cell {i}: a directive below the first line of code, or twice"]
                if len(lines) != len(head)
                else []
            )
    return found


def odd_settings(site):
    """Settings of the site that Quarto does not document, or that it would refuse; styles that are not there."""
    styles = site.config["format"]["html"].get("css", [])
    found = [
        f"_quarto.yml: css: {file} does not exist"
        for file in ([styles] if isinstance(styles, str) else styles)
        if not (site.folder / file).is_file()
    ]
    return (
        found
        + misfits(site.config, SETTINGS, "_quarto.yml")
        + misfits(site.written, SETTINGS, "nbdev.yml")
    )


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
    found = check(site)
    assert not found, "\n".join(found)


def test_site_has_what_is_checked(site):
    """No check passes because it finds nothing to look at."""
    assert len(site.pages) >= len(LESSONS) >= 9
    assert len(list(links(site))) > 100 and sum(bool(anchor) for *_, anchor in links(site)) > 50
    assert (
        len(list(images(site))) > 50
        and sum(len(part.html.find_all("audio")) for _, _, part in parts(site)) > 50
    )


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_lesson_has_its_parts(path):
    found = nb.lesson_departures(path)
    assert not found, "\n".join(found)


def test_readme_is_the_front_page():
    assert nb.readme_drift(TOP) == []


def test_settings_are_one_file():
    """nbdev takes them from the notebooks' folder, Quarto from the project's."""
    top, below = (
        (folder / "_quarto.yml").read_text(encoding="utf-8") for folder in (TOP, TOP / "nbs")
    )
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
    out = io.BytesIO()
    soundfile.write(out, loud * np.sin(np.arange(int(8000 * seconds)) / 3), 8000, format=kind)
    return base64.b64encode(out.getvalue()).decode()


def png():
    out = io.BytesIO()
    Image.new("RGB", (4, 4), "red").save(out, "png")
    return base64.b64encode(out.getvalue()).decode()


def html(text, source="show()"):
    return new_code_cell(source, outputs=[new_output("display_data", data={"text/html": text})])


def player(data, mime="audio/wav"):
    return html(
        f'<figure class="dl-player"><audio controls src="data:{mime};base64,{data}"></audio></figure>'
    )


ALT = "A red square, and nothing else in it."
FIGURE = f'#| label: fig-x\n#| fig-alt: "{ALT}"\n#| fig-cap: "Red."\nplot()'


def good_site():
    """Notebooks and settings of a small site without fault, as text and cells that a test may spoil."""
    heads = [new_markdown_cell(f"## {head}") for head in nb.HEADINGS]
    lesson = [
        new_raw_cell("---\ntitle: X\ndescription: x\noutput-file: x.html\n---"),
        new_markdown_cell('<p class="dl-doors">doors</p>'),
        *heads,
    ]
    lesson.append(
        new_markdown_cell(
            "See [A](index.ipynb#a-b), [the figure](#fig-x) and [Ay 2001](bibliography.ipynb#ay2001)."
        )
    )
    lesson.append(
        new_code_cell(FIGURE, outputs=[new_output("display_data", data={"image/png": png()})])
    )
    lesson += [
        player(sound()),
        player(sound(1, "FLAC"), "audio/flac"),
        html(
            f'<figure><img src="data:image/png;base64,{png()}" alt="{ALT}"><figcaption>Red.</figcaption></figure>'
        ),
    ]
    index = [
        new_raw_cell("---\ntitle: Y\ndescription: y\n---"),
        new_markdown_cell(
            '## A b\n\n[There](https://x.org/y/x.html#summary), <a href="00_x.ipynb">here</a>.'
        ),
    ]
    entry = '- <span id="ay2001"></span>Ay, B. (2001). C. Used in [lesson 00](00_x.ipynb).'
    works = [new_raw_cell("---\ntitle: Z\ndescription: z\n---"), new_markdown_cell(entry)]
    side = {
        "contents": [
            {"href": "index.ipynb", "text": "Start"},
            {"section": "Rest", "contents": ["00_x.ipynb", "bibliography.ipynb"]},
        ]
    }
    config = {
        "project": {"type": "website"},
        "website": {"sidebar": side},
        "format": {"html": {"toc": True, "html-math-method": "mathml"}},
    }
    return SimpleNamespace(
        lesson=lesson, index=index, works=works, config=config, log="", side=side
    )


def put(good, folder):
    (folder / "_proc").mkdir()
    (folder / "nbs").mkdir()
    for file, cells in {
        "00_x": good.lesson,
        "index": good.index,
        "bibliography": good.works,
    }.items():
        text = nb.to_text(new_notebook(cells=[c for c in cells if c]))
        for where in ("nbs", "_proc"):
            (folder / where / f"{file}.ipynb").write_text(text, encoding="utf-8")
    (folder / "_proc" / "_quarto.yml").write_text(yaml.safe_dump(good.config), encoding="utf-8")
    (folder / "_proc" / "nbdev.yml").write_text(
        "website: {site-url: 'https://x.org/y'}", encoding="utf-8"
    )
    return read_site(folder, good.log)


def test_a_good_site_has_no_findings(tmp_path):
    made = put(good_site(), tmp_path)
    assert [line for check in CHECKS for line in check(made)] == []


def adds(*cells):
    return lambda good: good.lesson.extend(cells)


def says(text):
    return adds(new_markdown_cell(text))


def becomes(old, new):
    """A change: one text becomes another, in whatever cell it first stands."""

    def change(good):
        cell = next(
            c for cells in (good.lesson, good.index, good.works) for c in cells if old in c.source
        )
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


SPOILT = [
    (lost_pages, lambda good: good.side["contents"].pop(0), "index.ipynb: not in the sidebar"),
    (
        lost_pages,
        lambda good: good.side["contents"].append("index.ipynb"),
        "index.ipynb: 2 times in the sidebar",
    ),
    (
        lost_pages,
        lambda good: good.side["contents"].append("no.ipynb"),
        "_quarto.yml: leads to no.ipynb, which does not exist",
    ),
    (
        lost_pages,
        sets("website/navbar", {"left": [{"href": "no.ipynb"}]}),
        "_quarto.yml: leads to no.ipynb, which does not exist",
    ),
    (
        lost_pages,
        becomes("output-file: x.html", "output-file: index.html"),
        "index.html: 2 notebooks become this page",
    ),
    (untitled_pages, becomes("title: Y", "titel: Y"), "index.ipynb: has no title"),
    (
        untitled_pages,
        becomes("title: Y", "titel: Y"),
        "index.ipynb: front matter titel is not documented",
    ),
    (heavy_lessons, says("a" * 701_000), "kB: at most 700"),
    (missing_parts, becomes("## Summary", "Summary"), "00_x.ipynb: heading missing: Summary"),
    (missing_parts, becomes("dl-doors", "doors"), "00_x.ipynb: 0 rows of doors"),
    (
        run_for_docs,
        lambda good: setattr(
            good,
            "log",
            "Found cells containing imports and other code. See FAQ.\n---\nimport os\ntrain()\n---\n",
        ),
        "it starts import os",
    ),
    (dead_links, says("[x](no.ipynb)"), "leads to no.ipynb, which does not exist"),
    (dead_links, says("[x](../index.ipynb)"), "leads to ../index.ipynb, which does not exist"),
    (dead_links, says('<a href="no.csv">x</a>'), "leads to no.csv, which does not exist"),
    (dead_links, says("[x](https://x.org/y/no.html)"), "leads to no.html, which does not exist"),
    (
        dead_links,
        says("[x](https://x.org/y/x.html#no)"),
        "leads to 00_x.ipynb#no, and there is no such anchor",
    ),
    (
        dead_links,
        says("[x](index.ipynb#A-b)"),
        "leads to index.ipynb#A-b, and there is no such anchor",
    ),
    (dead_links, says("[x](#fig-y)"), "leads to 00_x.ipynb#fig-y, and there is no such anchor"),
    (
        dead_links,
        says("[x](bibliography.ipynb#by2001)"),
        "leads to bibliography.ipynb#by2001, and there is no such anchor",
    ),
    (
        dead_links,
        adds(html('<a href="#x">x</a>')),
        "leads to 00_x.ipynb#x, and there is no such anchor",
    ),
    (
        dead_links,
        adds(
            new_code_cell(
                "x", outputs=[new_output("display_data", data={"text/markdown": "[x](no.md)"})]
            )
        ),
        "leads to no.md, which does not exist",
    ),
    (
        dead_links,
        becomes("#| label: fig-x", "#| include: false\n#| label: fig-x"),
        "leads to 00_x.ipynb#fig-x, and there is no such anchor",
    ),
    (
        dead_links,
        becomes("## A b", "## A b {#c}"),
        "leads to index.ipynb#a-b, and there is no such anchor",
    ),
    (anchors_given_twice, says('<b id="summary">x</b>'), "the anchor summary is given 2 times"),
    (labels_without_figure, becomes("label: fig-x", "label: x"), "the label x is not fig-"),
    (
        labels_without_figure,
        adds(new_code_cell("#| label: fig-y\n1")),
        "the label fig-y stands on no figure",
    ),
    (
        loose_references,
        becomes("[Ay 2001](bibliography.ipynb#ay2001)", "nobody"),
        "bibliography.ipynb: ay2001 is cited nowhere",
    ),
    (
        loose_references,
        becomes("[Ay 2001](bibliography.ipynb#ay2001)", "nobody"),
        "ay2001 says that 00_x.ipynb uses it, which does not cite it",
    ),
    (
        loose_references,
        becomes("Used in [lesson 00](00_x.ipynb).", ""),
        "ay2001 does not say that 00_x.ipynb uses it",
    ),
    (
        loose_references,
        becomes('id="ay2001"', 'id="ay2002"'),
        "the key ay2002 is not the first author's surname and the year",
    ),
    (
        loose_references,
        becomes("- <span", '- <span id="by2001"></span>By, A. (2001). B.\n- <span'),
        "ay2001 comes after by2001",
    ),
    (
        broken_pictures,
        adds(
            new_code_cell(
                "x", outputs=[new_output("display_data", data={"image/png": png()[:-40]})]
            )
        ),
        "a picture does not open",
    ),
    (broken_pictures, says("![x](no.png)"), "a picture does not open: FileNotFoundError"),
    (
        broken_pictures,
        says(f'<img src="data:image/jpeg;base64,{png()}">'),
        "a picture says that it is image/jpeg, and is image/png",
    ),
    (broken_sounds, adds(player(sound()[:40])), "a sound does not open"),
    (broken_sounds, adds(player("no base64")), "a sound does not open"),
    (
        broken_sounds,
        says('<audio src="no.ogg"></audio>'),
        "a sound does not open: FileNotFoundError",
    ),
    (broken_sounds, adds(html("<audio controls></audio>")), "a player has no sound"),
    (broken_sounds, adds(player(sound(loud=0))), "a sound is silent"),
    (broken_sounds, adds(player(sound(0.6))), "a sound of 0.6 s is not compressed: WAV"),
    (
        broken_sounds,
        adds(player(sound(), "audio/flac")),
        "a sound says that it is audio/flac, and is WAV",
    ),
    (wordless_figures, becomes("#| fig-alt: ", "#| fig-alt: A.\n# "), "a figure without fig-alt"),
    (wordless_figures, becomes('#| fig-cap: "Red."\n', ""), "a figure without fig-cap"),
    (wordless_figures, becomes('"Red."', '"Red: "that"'), "a figure without fig-cap"),
    (wordless_figures, becomes('"Red."', '["Red.", "Blue."]'), "a figure without fig-cap"),
    (
        wordless_figures,
        adds(
            html(
                f'<figure><img src="data:image/png;base64,{png()}"><figcaption>x</figcaption></figure>'
            )
        ),
        "a picture without a text in its place",
    ),
    (
        wordless_figures,
        adds(html(f'<img src="data:image/png;base64,{png()}" alt="{ALT}">')),
        "a picture without caption",
    ),
    (
        foreign_parts,
        adds(html('<script src="https://cdn.x.org/x.js"></script>')),
        "<script> from cdn.x.org",
    ),
    (
        foreign_parts,
        adds(html('<script src="//cdn.x.org/x.js"></script>')),
        "<script> from cdn.x.org",
    ),
    (
        foreign_parts,
        adds(html('<link rel="stylesheet" href="https://cdn.x.org/x.css">')),
        "<link> from cdn.x.org",
    ),
    (
        foreign_parts,
        adds(html("<style>@import 'https://cdn.x.org/x.css';</style>")),
        "a style from cdn.x.org",
    ),
    (foreign_parts, says("![x](https://x.org/x.png)"), "<img> from x.org"),
    (
        foreign_parts,
        says('<audio><source src="http://x.org/x.ogg"></audio>'),
        "<source> from x.org",
    ),
    (
        foreign_parts,
        lambda good: (says("As $x$.")(good), sets("format/html/html-math-method", "katex")(good)),
        "html-math-method is katex",
    ),
    (
        foreign_parts,
        lambda good: (says("As $x$.")(good), sets("format/html", {})(good)),
        "html-math-method is mathjax",
    ),
    (odd_directives, adds(new_code_cell("#| fig-caption: x\n1")), "fig-caption is not documented"),
    (odd_directives, adds(new_code_cell("#| echo: no way\n1")), "echo: 'no way'"),
    (odd_directives, becomes('"Red."', '"Red: "that"'), "fig-cap: None"),
    (
        odd_directives,
        adds(new_code_cell("1\n#| echo: false")),
        "a directive below the first line of code",
    ),
    (
        odd_settings,
        sets("website/favicon", False),
        "_quarto.yml: website: favicon: False cannot be said here",
    ),
    (
        odd_settings,
        sets("website/title-block", "x"),
        "_quarto.yml: website: title-block is not documented",
    ),
    (odd_settings, sets("website/repo-actions", ["fork"]), "repo-actions: 'fork' is not one of"),
    (
        odd_settings,
        sets("website/navbar", {"tools": []}),
        "_quarto.yml: website: navbar: tools is not documented",
    ),
    (
        odd_settings,
        sets("format/html/theme", {"light": "cosmo", "night": "darkly"}),
        "theme: night is not documented",
    ),
    (odd_settings, sets("format/html/css", "no.css"), "_quarto.yml: css: no.css does not exist"),
    (
        odd_settings,
        sets("format/html/toc-depth", "three"),
        "toc-depth: 'three' cannot be said here",
    ),
]


@pytest.mark.parametrize(
    "check, change, said", SPOILT, ids=[f"{check.__name__}: {said}" for check, _, said in SPOILT]
)
def test_a_fault_is_found(tmp_path, check, change, said):
    good = good_site()
    change(good)
    found = check(put(good, tmp_path))
    assert any(said in line for line in found), found


def test_every_check_is_shown_to_find():
    assert {check for check, _, _ in SPOILT} == set(CHECKS)
