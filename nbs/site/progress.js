// What a reader has answered rightly, lesson by lesson: kept in this browser, and sent nowhere.
//
// One key of the browser's storage holds {page: [items]}, such as {"drums": ["1", "00-betrays"]}.
// Where a browser keeps nothing, or keeps what cannot be read, all works for as long as a page is
// open.

import { element } from "./elements.js";

const KEY = "drumlesson.progress";
const CHANGED = "dl-progress";
let unkept = null; // what is known where the storage is forbidden

/** The name of a page of the site, without its folder and ending. */
export function pageName(address) {
  const last = new URL(address, document.baseURI).pathname.split("/").pop();
  return last.replace(/\.html$/, "");
}

/** What is kept, with all that is not of its form left out. */
export function readable(text) {
  let found = {};
  try {
    found = JSON.parse(text ?? "{}");
  } catch {
    return {}; // not ours, or cut off: begin anew
  }
  const isPlain = found !== null && typeof found === "object";
  const pages = Object.entries(isPlain ? found : {}).filter(([, items]) => Array.isArray(items));
  return Object.fromEntries(
    pages.map(([page, items]) => [page, items.filter((item) => typeof item === "string")]),
  );
}

function kept() {
  if (unkept) return unkept;
  try {
    return readable(localStorage.getItem(KEY));
  } catch {
    unkept = {}; // the browser forbids it
    return unkept;
  }
}

function keep(all) {
  try {
    if (!unkept) localStorage.setItem(KEY, JSON.stringify(all));
  } catch {
    unkept = all; // forbidden, or full
  }
  document.dispatchEvent(new Event(CHANGED));
}

/** Whether what is answered outlasts the page. */
function isKept() {
  kept();
  return !unkept;
}

/** The items of a page that were answered rightly. */
export function answered(page) {
  return kept()[page] ?? [];
}

/** Notes that an item of a page was answered rightly. */
export function noteRight(page, item) {
  const all = kept();
  const items = new Set(all[page] ?? []);
  items.add(item);
  all[page] = [...items];
  keep(all);
}

/** Forgets what was answered on a page; without one, on all. */
export function forget(page) {
  const all = kept();
  for (const name of page ? [page] : Object.keys(all)) delete all[name];
  keep(all);
}

/** Calls a function now, and whenever something is answered or forgotten, in another tab, too. */
export function follow(show) {
  document.addEventListener(CHANGED, show);
  window.addEventListener("storage", (event) => {
    if (event.key === KEY || event.key === null) show();
  });
  show();
}

/** A mark beside a question or an exercise that was answered rightly. */
export function markWhenAnswered(place, page, item) {
  const mark = element("span", { class: "dl-mark" }, "✓ answered rightly");
  follow(() => {
    if (answered(page).includes(item)) place.append(" ", mark);
    else mark.remove();
  });
}

/** How many of a lesson's items were answered rightly, and how many can be answered on its page. */
function counted(page, lesson) {
  const numbers = Array.from({ length: lesson.questions }, (_, i) => String(i + 1));
  const items = [...numbers, ...lesson.on_page];
  const done = new Set(answered(page));
  return [items.filter((item) => done.has(item)).length, items.length];
}

/** A line that says what was answered rightly, and a button that forgets it, with its label. */
function line(said, forgets, label) {
  const words = element("span");
  const attributes = { type: "button", class: "dl-forget", onclick: forgets, "aria-label": label };
  const button = element("button", attributes, "Forget");
  const place = element("p", { class: "dl-progress" }, words, " ", button);
  follow(() => {
    const { text, some } = said();
    const where = isKept() ? "kept in this browser only" : "this browser keeps nothing";
    words.textContent = `${text}; ${where}.`;
    button.hidden = !some;
  });
  return place;
}

/** How much can be answered on the page of a lesson, and how much is written in the notebook. */
function whereAnswered(all, { in_notebook: elsewhere }) {
  const here = `${all} can be answered here`;
  return elsewhere.length ? `${here}, ${elsewhere.length} more in the notebook` : here;
}

/** Says at the top of a lesson how much of it was answered rightly. */
function showOnLesson(page, lesson, root) {
  const before = root.querySelector(".dl-doors") ?? root.querySelector("main header");
  const said = () => {
    const [done, all] = counted(page, lesson);
    return { text: `${done} of ${all} right; ${whereAnswered(all, lesson)}`, some: done > 0 };
  };
  const place = line(said, () => forget(page), "Forget what I answered on this page");
  before?.after(place);
}

/** The links to lessons in the table of the course, each with the name of its page. */
function rowsOfMap(root, lessons) {
  const links = [...root.querySelectorAll("#the-course td > a[href]")];
  const found = links.map((link) => [pageName(link.href), link]);
  return found.filter(([page]) => Object.hasOwn(lessons, page));
}

/** Says on the map of the course how much of each lesson is right, once something is. */
function showOnMap(lessons, root) {
  const rows = rowsOfMap(root, lessons);
  if (!rows.length) return;
  const some = () => rows.some(([page]) => counted(page, lessons[page])[0] > 0);
  for (const [page, link] of rows) {
    const mark = element("span", { class: "dl-mark" });
    link.after(" ", mark);
    follow(() => {
      const [done, all] = counted(page, lessons[page]);
      mark.hidden = !some();
      mark.toggleAttribute("data-some", done > 0);
      mark.textContent = done === all ? `✓ all ${all} right` : `${done} of ${all} right`;
    });
  }
  const place = line(
    () => ({ text: "What you answered rightly on the pages of the lessons", some: true }),
    () => forget(),
    "Forget what I answered, everywhere",
  );
  rows[0][1].closest("table").after(place);
  follow(() => (place.hidden = !some()));
}

/** Shows on a page what its reader has answered: on a lesson of it, on a map of all. */
export function showProgress(root, facts) {
  const page = pageName(root.URL);
  if (Object.hasOwn(facts.lessons, page)) showOnLesson(page, facts.lessons[page], root);
  else showOnMap(facts.lessons, root);
}
