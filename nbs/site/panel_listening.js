// Which drum is it? Clips of a few ms, and the reader's curve over the models': after
// `listening_test`. The page has clips only, no whole hits.

import { Axes, legend, widthsIn } from "./panel_drawing.js";
import { LivePanel, element } from "./panel_parts.js";
import { short, withLength } from "./panel_numbers.js";

const Z = 1.959963984540054; // standard deviations on either side of the middle, for 95 %
const COLOURS = ["dl-two", "dl-one", "dl-three"]; // of the models
const ALT = "Share of right answers over the length of the clip.";
const CALLED = {
  dense: "dense network",
  "logistic regression": "logistic regression: one straight cut",
};

/** A 95 % interval of a share (Wilson 1927). */
export function wilson(right, n) {
  const middle = (right + Z ** 2 / 2) / (n + Z ** 2);
  const half = (Z / (n + Z ** 2)) * Math.sqrt((right * (n - right)) / n + Z ** 2 / 4);
  return [Math.max(0, middle - half), Math.min(1, middle + half)];
}

/** How well each length was told: [ms, right, answers], shortest first. */
function curveOf(clips, answers) {
  const lengths = [...new Set(clips.map(([, ms]) => ms))].sort((a, b) => a - b);
  const rows = lengths.map((ms) => {
    const told = answers.map((said, i) => [said, clips[i]]).filter(([, clip]) => clip[1] === ms);
    return [ms, told.filter(([said, clip]) => said === clip[0]).length, told.length];
  });
  return rows.filter(([, , n]) => n);
}

/** How it went so far, length by length; empty before the first answer. */
function resultOf(clips, answers) {
  if (!answers.length) return "";
  const right = answers.filter((said, i) => said === clips[i][0]).length;
  const parts = curveOf(clips, answers).map(([ms, k, n]) => `${k} of ${n} at ${short(ms)} ms`);
  return ` So far ${right} of ${answers.length} right: ${parts.join(", ")}.`;
}

function verdict(label, said, which) {
  if (said === label) return `Right, clip ${which} is a ${label}.`;
  return `No, clip ${which} is a ${label}; you said ${said}.`;
}

/** Text and clip of the test after these answers, at this turn. */
export function shown({ facts: { clips }, sounds }, { quiz: { answers, turn, tooEarly } }) {
  const curve = curveOf(clips, answers);
  const result = resultOf(clips, answers);
  if (turn === clips.length) {
    return { text: `That was the last clip.${result}`, sounds: [], curve };
  }
  const [label, ms, length] = clips[turn];
  const which = `${turn + 1} of ${clips.length}`;
  const head = `the first ${short(ms)} ms`;
  const clip = { name: `clip ${which}: ${head}`, samples: withLength(sounds[turn], length) };
  const first = tooEarly ? "Play the clip first. " : "";
  const asked = `${first}Clip ${which}, ${head}: which drum is it?`;
  const told = `${verdict(label, answers[turn], which)} Choose Next clip.`;
  return { text: (answers.length > turn ? told : asked) + result, sounds: [clip], curve };
}

/** The models whose curves are drawn, in words. */
function modelsOf({ models }) {
  const names = Object.keys(models).slice(0, COLOURS.length);
  return names.map((name) => CALLED[name] ?? name);
}

/** What the curves are: said before the first clip is answered, and at the end. */
function aboutCurves(facts, { quiz: { answers, turn } }) {
  const names = modelsOf(facts);
  if (!names.length || (answers.length && turn < facts.clips.length)) return "";
  return ` The curves: ${[...names, "you"].join("; ")}.`;
}

/** A button for each answer, and the one that goes on. An answer counts once the clip was heard. */
class Quiz {
  constructor(labels, n) {
    this.n = n;
    this.value = { answers: [], turn: 0, tooEarly: false };
    this.isHeard = false;
    this.reacting = [];
    this.goesOn = [];
    this.element = element("div", "dl-choice");
    this.buttons = labels.map((label) => this.button(label, () => this.answer(label)));
    this.onward = this.button("Next clip", () => this.next());
    this.element.append(...this.buttons, this.onward);
    this.enable();
  }

  button(text, act) {
    const made = Object.assign(element("button", "dl-button", text), { type: "button" });
    made.addEventListener("click", act);
    return made;
  }

  get isAnswered() {
    return this.value.answers.length > this.value.turn;
  }

  answer(label) {
    const { answers, turn } = this.value;
    if (this.isAnswered || turn === this.n) return;
    if (!this.isHeard) {
      this.change({ answers, turn, tooEarly: true });
      return;
    }
    this.change({ answers: [...answers, label], turn, tooEarly: false });
    this.onward.focus();
  }

  next() {
    if (!this.isAnswered) return;
    this.isHeard = false;
    this.change({ answers: this.value.answers, turn: this.value.turn + 1, tooEarly: false });
    for (const react of this.goesOn) react();
  }

  /** Notes that the clip of this turn was played. */
  hear() {
    this.isHeard = true;
    if (this.value.tooEarly) this.change({ ...this.value, tooEarly: false });
  }

  change(value) {
    this.value = value;
    this.enable();
    for (const react of this.reacting) react();
  }

  /** Says which buttons do something now; they keep the focus all the same. */
  enable() {
    const isOpen = !this.isAnswered && this.value.turn < this.n;
    for (const button of this.buttons) button.setAttribute("aria-disabled", !isOpen);
    this.onward.setAttribute("aria-disabled", !this.isAnswered);
  }

  onChange(react) {
    this.reacting.push(react);
  }

  onNext(react) {
    this.goesOn.push(react);
  }
}

function axesOf(width, { clips, models }) {
  const lengths = [
    ...clips.map(([, ms]) => ms),
    ...Object.values(models)
      .flat()
      .map(([ms]) => ms),
  ];
  const ticks = [...new Set(lengths)].sort((a, b) => a - b);
  const [from, to] = [ticks[0] / 1.3, ticks[ticks.length - 1] * 1.3];
  return new Axes({
    x: { from, to, log: true, ticks, label: "length of the clip (ms)" },
    y: { from: -0.02, to: 1.02, ticks: [0, 0.5, 1], label: "share right" },
    width,
  });
}

function draw(width, facts, curve) {
  const axes = axesOf(width, facts);
  const { from, to } = axes.scales.x;
  const guess = 1 / facts.labels.length;
  axes.line([from, to], [guess, guess], "dl-line dl-dashed dl-ink");
  const models = Object.entries(facts.models).slice(0, COLOURS.length);
  const column = (rows, k) => rows.map((row) => row[k]);
  models.forEach(([, rows], i) => {
    const ms = column(rows, 0);
    axes.area(ms, column(rows, 1), column(rows, 3), `dl-area ${COLOURS[i]}`);
    axes.line(ms, column(rows, 2), `dl-line ${COLOURS[i]}`);
  });
  for (const [ms, right, n] of curve) {
    axes.line([ms, ms], wilson(right, n), "dl-line dl-thin dl-ink");
  }
  const [ms, shares] = [column(curve, 0), curve.map(([, right, n]) => right / n)];
  axes.line(ms, shares, "dl-line dl-ink");
  axes.dots(ms, shares, "dl-dot dl-ink");
  return [axes.element, keyOf(facts, curve)];
}

/** What the colours stand for, and how much the reader's curve rests on. */
function keyOf(facts, curve) {
  const n = curve.reduce((sum, row) => sum + row[2], 0);
  const named = modelsOf(facts).map((name, i) => [COLOURS[i], name]);
  const you = n ? `you, ${n} ${n === 1 ? "answer" : "answers"}` : "you";
  return legend([...named, ["dl-ink", you], ["dl-gap", "dashed: guessing"]]);
}

/** Makes the figure live: the clip is played above the buttons, the next one by its button. */
export function awaken(figure, { facts, sounds }) {
  const quiz = new Quiz(facts.labels, facts.clips.length);
  const panel = new LivePanel(figure, {
    alt: ALT,
    controls: { quiz },
    note: "A notebook plays the whole hits as well.",
    hearFirst: true,
    update(now) {
      const told = shown({ facts, sounds }, now);
      return { ...told, text: told.text + aboutCurves(facts, now) };
    },
    draw: (drawing, now) => draw(widthsIn(drawing)[0], facts, now.curve),
  });
  panel.box.addEventListener("play", () => quiz.hear(), true); // it does not bubble
  quiz.onNext(() => {
    panel.refreshNow(); // within the press, or some browsers would not play
    panel.play();
  });
  return panel;
}
