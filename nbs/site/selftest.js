// Self-tests: a question's options become buttons, and a choice is answered at once.
//
// A stored page holds each option as a fold, its reason inside (drumlesson.dev.notebooks checks
// that). The reason begins with Yes or No, and that is what says whether an option is right. Without
// this script, the folds are there to open.
import { element } from "./elements.js";
import { markWhenAnswered, noteRight, pageName } from "./progress.js";

const ASKS = /^\s*(\d+)\. /;
const SAYS = /^\s*(Yes|No)\b/;

/** Whether the reason of an option says that it is right; null where it says neither. */
export function isRight(reason) {
  const word = SAYS.exec(reason)?.[1] ?? null;
  return word && word === "Yes";
}

/** The folds right after a question. */
function foldsAfter(question) {
  const folds = [];
  let next = question.nextElementSibling;
  while (next?.matches("details")) {
    folds.push(next);
    next = next.nextElementSibling;
  }
  return folds;
}

/** An option: its words, its reason, and whether it is right; null where it says neither. */
function optionOf(fold) {
  const summary = fold.querySelector("summary");
  const rest = [...fold.childNodes].filter((node) => node !== summary);
  const said = rest.map((node) => node.textContent).join("");
  return { summary, rest, right: isRight(said) };
}

/** The questions of a page, with their options: those of which every option says yes or no. */
export function questionsOf(root) {
  const found = [];
  for (const question of root.querySelectorAll("main p")) {
    const number = ASKS.exec(question.textContent)?.[1];
    const isBold = question.firstElementChild?.matches("strong");
    const folds = number && isBold ? foldsAfter(question) : [];
    const options = folds.map(optionOf);
    const allSay = options.every(({ right }) => right !== null);
    if (folds.length > 1 && allSay) found.push({ number, question, folds, options });
  }
  return found;
}

/** A button for each option of a question, and a place where the reason is told. */
class Question {
  constructor(page, { number, question, folds, options }) {
    this.page = page;
    this.number = number;
    question.id ||= `dl-question-${number}`;
    this.told = element("div", { class: "dl-told", role: "status" });
    this.buttons = options.map((option) => this.button(option));
    const group = { class: "dl-question", role: "group", "aria-labelledby": question.id };
    question.after(element("div", group, ...this.buttons, this.told));
    for (const fold of folds) fold.remove();
    markWhenAnswered(question, page, number);
  }

  button({ summary, rest, right }) {
    const reason = element("div", { class: "dl-reason" }, ...rest);
    const onclick = () => this.choose(button, right, reason);
    const attributes = { type: "button", class: "dl-option", "aria-pressed": "false", onclick };
    const button = element("button", attributes, ...summary.childNodes);
    return button;
  }

  choose(chosen, right, reason) {
    for (const button of this.buttons) {
      button.setAttribute("aria-pressed", String(button === chosen));
      delete button.dataset.right;
    }
    chosen.dataset.right = String(right);
    const verdict = element("b", {}, right ? "✓ right" : "✗ not right");
    this.told.replaceChildren(verdict, reason);
    if (right) noteRight(this.page, this.number);
  }
}

/** Turns the questions of a page into buttons. */
export function askQuestions(root) {
  const page = pageName(root.URL);
  const questions = questionsOf(root).map((found) => new Question(page, found));
  for (const { firstChild } of questions.length ? root.querySelectorAll("main p") : []) {
    const isHead = firstChild?.data?.startsWith("Choose an answer, then open it.");
    if (isHead) firstChild.data = firstChild.data.replace(", then open it", "");
  }
  return questions;
}
