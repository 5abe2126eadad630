// Exercises: where a cell checks an answer, the page takes one, too, and says what the checker says.
//
// What is told comes from answers.json, which is made of the checkers (drumlesson.dev.answering).
// Without it, or without this script, the cell stands as it is stored.
import { element } from "./elements.js";
import { judge } from "./judge.js";
import { markWhenAnswered, noteRight, pageName, showProgress } from "./progress.js";

const CHECKS = /\bcheck\(\s*["']([\w-]+)["']/;
const UNANSWERED = "✗ not answered yet";

/** What the page knows of exercises; null where it cannot be fetched. */
async function fetchFacts() {
  try {
    const answer = await fetch(new URL("answers.json", import.meta.url));
    return answer.ok ? await answer.json() : null;
  } catch {
    return null; // offline, or opened as a file
  }
}

/** Whether a page has something that the facts are about. */
function needsFacts(root) {
  return checksOf(root).length > 0 || root.querySelector("#the-course td a") !== null;
}

/** The cells of a page that check an answer, each with the name of its exercise. */
function checksOf(root) {
  const found = [];
  for (const cell of root.querySelectorAll("main .cell")) {
    const name = CHECKS.exec(cell.querySelector("pre code")?.textContent ?? "")?.[1];
    if (name) found.push([name, cell]);
  }
  return found;
}

/** A list to choose from, labelled. */
function listOf(name, options) {
  const select = element("select", {}, new Option("choose", ""));
  options.forEach((option, i) => select.append(new Option(String(option), String(i))));
  return element("label", {}, `${name} `, select);
}

/** What takes an answer, and a function that reads it. */
function fieldsOf(exercise) {
  if (exercise.kind !== "choice") {
    const autocapitalize = exercise.kind === "number" ? "off" : "characters";
    const settings = { autocomplete: "off", autocapitalize, spellcheck: false, size: 14 };
    const input = element("input", { type: "text", ...settings });
    const label = element("label", {}, "Your answer ", input);
    return [[label], () => input.value];
  }
  const labels = Object.entries(exercise.lists).map(([name, options]) => listOf(name, options));
  const read = () => labels.map((label) => label.querySelector("select").value);
  return [labels, () => (read().includes("") ? " " : read().join(" "))];
}

/** A form below a cell that takes an answer and says whether it is right. */
function formOf(page, name, exercise, units) {
  const [fields, read] = fieldsOf(exercise);
  const button = element("button", { type: "submit" }, "Check");
  const told = element("p", { class: "dl-told", role: "status" });
  const row = element("div", { class: "dl-fields" }, ...fields, button);
  const hidden = exercise.kind === "choice"; // its lists say it
  const asks = element("p", { hidden }, `Asked for: ${exercise.asks}.`);
  const attributes = { class: "dl-exercise", noValidate: true, "aria-label": `Exercise ${name}` };
  const form = element("form", attributes, asks, row, told);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const verdict = judge(exercise, read(), units);
    told.replaceChildren(
      element("b", {}, verdict.right ? "✓ right" : "✗"),
      verdict.right ? "" : ` ${verdict.told}`,
    );
    told.dataset.right = String(verdict.right);
    if (verdict.right) noteRight(page, name);
  });
  markWhenAnswered(row, page, name);
  return form;
}

/** Takes away the stored output that says that nothing is answered: the form says what is asked. */
function hideUnanswered(cell) {
  for (const output of cell.querySelectorAll(".cell-output-stdout")) {
    if (output.textContent.trim().startsWith(UNANSWERED)) output.hidden = true;
  }
}

/** Says of an exercise that it is answered in the notebook, with the doors of the lesson. */
function noteOf(root) {
  const links = [...root.querySelectorAll(".dl-doors a")];
  const ways = links.filter((link) => /^(Open in Colab|Download)/.test(link.textContent.trim()));
  const note = element("p", { class: "dl-elsewhere" }, "This one is written in the notebook");
  ways.forEach((link, i) => {
    const words = link.textContent.trim().replace(/^[OD]/, (first) => first.toLowerCase());
    note.append(i ? ", or " : ": ", element("a", { href: link.href }, words));
  });
  note.append(".");
  return note;
}

/** Puts a form, or a word on where to answer, below each exercise of a page. */
function putForms(root, facts) {
  const page = pageName(root.URL);
  for (const [name, cell] of checksOf(root)) {
    const exercise = facts.exercises[name];
    if (exercise) {
      hideUnanswered(cell);
      cell.after(formOf(page, name, exercise, facts.units));
    } else cell.after(noteOf(root));
  }
}

/** Lets the exercises of a page be answered there, and shows what its reader has answered. */
export async function askExercises(root) {
  const facts = needsFacts(root) ? await fetchFacts() : null;
  if (!facts) return;
  putForms(root, facts);
  showProgress(root, facts);
}
