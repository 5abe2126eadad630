// The confusion matrix as buttons, of which one shows its clips: after `confusion_explorer`.

import { Axes, legend, widthsIn } from "./panel_drawing.js";
import { LivePanel, element } from "./panel_parts.js";
import { fixed } from "./panel_numbers.js";

const ARROWS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
const ALT =
  "Five bars for each clip: the probability of each class, green for the true one, " +
  "orange for the one that was said instead.";

/** Text of a cell, [true, said], and the probabilities of its clips. */
export function shown({ facts: { labels, counts, cells } }, { cell: [truth, said] }) {
  const clips = cells[`${truth},${said}`] ?? [];
  const [count, all] = [counts[truth][said], counts[truth].reduce((a, b) => a + b)];
  let text = `${labels[truth]}, said to be ${labels[said]}: ${count} of ${all} hits`;
  text += count > clips.length ? `, of which ${clips.length} are shown.` : ".";
  clips.forEach((clip, i) => {
    const listed = labels.map((label, k) => [label, clip[k]]).filter(([, share]) => share > 0);
    const words = listed.map(([label, share]) => `${label} ${fixed(share / 100, 2)}`);
    text += ` Clip ${i + 1}: ${words.join(", ")}.`;
  });
  return { text, sounds: [], clips, truth, said };
}

/** The matrix: a table of buttons, among which the arrow keys move. */
class Matrix {
  constructor({ labels, counts }, cell) {
    this.element = element("table", "dl-matrix");
    this.reacting = [];
    this.buttons = counts.map((row, truth) => {
      return row.map((count, said) => this.button(labels, counts, [truth, said]));
    });
    this.element.append(this.head(labels), this.body(labels));
    this.element.addEventListener("keydown", (event) => this.move(event));
    this.value = cell;
  }

  button(labels, counts, [truth, said]) {
    const count = counts[truth][said];
    const all = counts[truth].reduce((a, b) => a + b);
    const made = element("button", "dl-button", String(count));
    made.type = "button";
    const what = `${count} of ${labels[truth]} that were said to be ${labels[said]}`;
    made.setAttribute("aria-label", what);
    made.style.setProperty("--dl-share", `${fixed((60 * count) / Math.max(1, all))}%`);
    made.addEventListener("click", () => this.choose([truth, said]));
    return made;
  }

  head(labels) {
    const row = element("tr");
    for (const label of ["true \\ said", ...labels]) {
      row.append(Object.assign(element("th", "", label), { scope: "col" }));
    }
    const head = element("thead");
    head.append(row);
    return head;
  }

  body(labels) {
    const body = element("tbody");
    this.buttons.forEach((buttons, truth) => {
      const row = element("tr");
      row.append(Object.assign(element("th", "", labels[truth]), { scope: "row" }));
      for (const button of buttons) row.appendChild(element("td")).append(button);
      body.append(row);
    });
    return body;
  }

  get value() {
    return this.cell;
  }

  set value([truth, said]) {
    this.cell = [truth, said];
    for (const button of this.buttons.flat()) {
      const pressed = button === this.buttons[truth][said];
      button.setAttribute("aria-pressed", pressed);
      button.tabIndex = pressed ? 0 : -1;
    }
  }

  choose(cell) {
    this.value = cell;
    for (const react of this.reacting) react();
  }

  move(event) {
    const step = ARROWS[event.key];
    if (!step || event.altKey || event.ctrlKey || event.metaKey) return; // those are the browser's
    event.preventDefault();
    const n = this.buttons.length;
    const cell = this.cell.map((place, i) => Math.min(n - 1, Math.max(0, place + step[i])));
    this.choose(cell);
    this.buttons[cell[0]][cell[1]].focus();
  }

  onChange(react) {
    this.reacting.push(react);
  }
}

/** Bars of one clip. */
function drawClip(width, labels, { clip, number, truth, said }) {
  const axes = new Axes({
    title: `clip ${number}: ${fixed(clip[said] / 100, 2)}`,
    x: { from: 0, to: 1, ticks: [0, 1] },
    y: { from: labels.length, to: 0, ticks: labels.map((label, k) => [k + 0.5, label]) },
    width,
    height: 170,
  });
  clip.forEach((share, k) => {
    const colour = { [said]: "dl-one", [truth]: "dl-three" }[k] ?? "dl-two";
    axes.box(0, share / 100, k + 0.85, k + 0.15, `dl-bar ${colour}`);
  });
  return axes.element;
}

/** What the colours of the bars stand for. */
function key(labels, { truth, said }) {
  const right = [["dl-three", `${labels[truth]}, said and true`]];
  const wrong = [
    ["dl-three", `${labels[truth]}, the true one`],
    ["dl-one", `${labels[said]}, said instead`],
  ];
  return legend([...(truth === said ? right : wrong), ["dl-two", "the others"]]);
}

function draw(drawing, { labels }, now) {
  const { clips, truth, said } = now;
  const width = Math.max(150, Math.floor(widthsIn(drawing)[0] / Math.min(3, clips.length || 1)));
  const bars = clips.map((clip, i) => {
    return drawClip(Math.min(width, 260), labels, { clip, number: i + 1, truth, said });
  });
  return clips.length ? [...bars, key(labels, now)] : [];
}

/** Says of which cell the page has clips, and whether they can be heard here. */
function noteOn({ labels }, [truth, said], players) {
  if (!players) return "";
  const only = `Only the cell ${labels[truth]}, said to be ${labels[said]}, has its clips here`;
  const unheard = ", as links: they are recorded, and no page holds a recorded sound";
  const what = players.querySelector("audio") ? only : only + unheard;
  return `${what}. A running notebook plays those of any cell.`;
}

/** Makes the figure live. The page has players of one cell only: they stay with that one, under the
 * sentence that counts them. */
export function awaken(figure, { values, facts, sounds }) {
  const players = figure.querySelector(".dl-players");
  const count = players?.previousElementSibling;
  const part = element("div");
  const panel = new LivePanel(figure, {
    alt: ALT,
    controls: { cell: new Matrix(facts, values.cell) },
    update: (now) => shown({ facts, sounds }, now),
    draw(drawing, now) {
      part.hidden = now.truth !== values.cell[0] || now.said !== values.cell[1];
      return draw(drawing, facts, now);
    },
    note: noteOn(facts, values.cell, players),
  });
  if (count?.matches("p") && count.textContent.endsWith("clips:")) part.append(count);
  if (players) part.append(players);
  panel.stage.append(part);
  return panel;
}
