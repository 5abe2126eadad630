// A word of the glossary says what it means where it is used: on hover, and on focus.
//
// The glossary is a page of the site, read once when it is first asked for. Without this script, or
// where the page cannot be read, the link is a link.

const PAGES = new Map(); // address of a glossary: its document, once it is read
const MS_TO_REACH = 300; // that the pointer may take from a word to its note

/** The page that a link leads to, as a document; read once. */
function read(address) {
  if (!PAGES.has(address)) {
    const page = fetch(address)
      .then((answer) => (answer.ok ? answer.text() : Promise.reject(new Error(answer.status))))
      .then((text) => new DOMParser().parseFromString(text, "text/html"));
    PAGES.set(address, page);
    page.catch(() => PAGES.delete(address)); // asked again the next time
  }
  return PAGES.get(address);
}

const HEADINGS = "h1, h2, h3, h4";

/** The heading that an anchor is, holds, or stands before. */
function headingOf(found) {
  if (!found || found.matches(HEADINGS)) return found;
  const follows = (heading) =>
    found.compareDocumentPosition(heading) & Node.DOCUMENT_POSITION_FOLLOWING;
  return [...found.ownerDocument.querySelectorAll(HEADINGS)].find(follows);
}

/** The first paragraph of an entry that is not a list of its other forms. */
export function meaning(page, anchor) {
  const heading = headingOf(page.getElementById(anchor));
  if (!heading) return null;
  let next = heading.nextElementSibling;
  while (next && !next.matches(`${HEADINGS}, section`)) {
    const text = next.textContent.trim();
    if (next.matches("p") && text && !text.startsWith("also: ")) {
      return { word: heading.textContent.trim(), text };
    }
    next = next.nextElementSibling;
  }
  return null;
}

/** Puts a note below a link, within the window. */
function place(note, link) {
  const box = link.getBoundingClientRect();
  const widest = document.documentElement.clientWidth - note.offsetWidth - 12;
  note.style.left = `${Math.max(12, Math.min(box.left, widest)) + window.scrollX}px`;
  note.style.top = `${box.bottom + 6 + window.scrollY}px`;
}

/** Lets the links of a page to the glossary explain their words. */
export function explainTerms(root) {
  let note = null;
  let asked = null;
  let leaving = 0; // the timer that hides the note

  const stay = () => clearTimeout(leaving);

  const hide = () => {
    stay();
    asked?.removeAttribute("aria-describedby");
    asked = null;
    note?.remove();
    note = null;
  };

  const leave = () => {
    stay();
    if (document.activeElement === asked) return; // its focus holds it
    leaving = setTimeout(hide, MS_TO_REACH);
  };

  const show = async (link) => {
    stay();
    if (asked === link) return;
    hide();
    asked = link;
    const { origin, pathname, hash } = new URL(link.href);
    let found = null;
    try {
      found = meaning(await read(origin + pathname), decodeURIComponent(hash.slice(1)));
    } catch {
      if (asked === link) asked = null; // offline: the link still leads there, and may ask again
      return;
    }
    if (!found || asked !== link) return;
    note = document.createElement("div");
    note.className = "dl-term";
    note.id = "dl-term";
    note.setAttribute("role", "tooltip");
    const word = document.createElement("b");
    word.textContent = found.word;
    note.append(word, found.text);
    note.addEventListener("pointerenter", stay);
    note.addEventListener("pointerleave", leave);
    document.body.append(note);
    link.setAttribute("aria-describedby", note.id);
    place(note, link);
  };

  for (const link of root.querySelectorAll('main a[href*="glossary.html#"]')) {
    if (new URL(link.href).protocol === "file:") continue;
    link.addEventListener("pointerenter", () => show(link));
    link.addEventListener("focus", () => show(link));
    link.addEventListener("pointerleave", leave);
    link.addEventListener("blur", () => asked === link && !note?.matches(":hover") && hide());
  }
  root.addEventListener("keydown", (event) => {
    if (event.key === "Escape") hide();
  });
}
