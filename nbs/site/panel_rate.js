// Steps downhill on the loss of one weight, at a learning rate that is moved: after `rate_explorer`.

import { counted, evenly, largestOf, smallestOf, sumOf, written } from "./panel_count.js";
import { Axes, sideBySide } from "./panel_drawing.js";
import { LivePanel, Slider } from "./panel_parts.js";

const RATES = [0.01, 0.03, 0.1, 0.3, 0.5, 1, 3, 10, 30, 100, 300];
const ALT =
  "Left: the loss over one weight, a valley, with a dot for each step. " +
  "Right: the loss after each step.";

/** The mean over the hits of what a function says of each of their numbers. */
function meanOf({ values, counts }, say) {
  return sumOf(values.map((value, i) => say(value) * counts[i])) / sumOf(counts);
}

/** What a weight costs. */
export function lossOf(facts, w) {
  const cost = (t) => Math.max(0, t) + Math.log1p(Math.exp(-Math.abs(t)));
  return meanOf(facts, (value) => cost(-w * value));
}

/** How the loss changes with the weight. */
function slopeOf(facts, w) {
  return meanOf(facts, (value) => -value / (1 + Math.exp(w * value)));
}

/** The weights from the start on. Each is rounded, or large steps would magnify an error. */
function descend(facts, rate, steps) {
  const path = [facts.start];
  for (let step = 0; step < steps; step++) {
    const w = path[step] - rate * slopeOf(facts, path[step]);
    path.push(Math.round(w * 1e4) / 1e4 + 0);
  }
  return path;
}

/** Whether the steps arrive, crawl or leap. */
function verdict(losses, lowest) {
  const rises = losses.filter((loss, i) => i > 0 && loss > losses[i - 1] + 1e-6).length;
  if (rises) return `The loss rose in ${rises} of the steps: they leap over the valley.`;
  const whole = Math.max(losses[0] - lowest, 1e-9); // the start may be the lowest
  const left = losses.map((loss) => (loss - lowest) / whole);
  const end = left[left.length - 1];
  if (end > 0.05) return `${written(100 * end)} % of the way down is still to go.`;
  const arrived = left.findIndex((share) => share <= 0.05);
  const steps = counted(arrived, "step");
  return `It has arrived: after ${steps} a twentieth of the way was left, or less.`;
}

/** Text of the panel at these values, and what is drawn. */
export function shown({ facts }, { rate, steps }) {
  const path = descend(facts, rate, steps);
  const losses = path.map((w) => lossOf(facts, w));
  const lowest = lossOf(facts, facts.best);
  const text =
    `At a rate of ${rate}, after ${counted(steps, "step")}: w = ${written(path[steps], 2)}, ` +
    `loss ${written(losses[steps], 2)}. ` +
    `The lowest is ${written(lowest, 2)}, at w = ${written(facts.best, 2)}. `;
  return { text: text + verdict(losses, lowest), sounds: [], facts, path, losses, lowest };
}

function drawValley(width, { facts, path, losses }) {
  const [from, to] = [smallestOf(path, -2), largestOf(path, 4)];
  const weights = evenly(from, to, 100);
  const valley = weights.map((w) => lossOf(facts, w));
  const edge = (to - from) / 40;
  const axes = new Axes({
    title: "the valley and the steps",
    x: { from: from - edge, to: to + edge, label: "weight w" },
    y: { from: 0, to: 1.08 * largestOf([...losses, ...valley]), label: "loss" },
    width,
  });
  axes.line(weights, valley, "dl-line dl-second");
  axes.line(path, losses, "dl-line dl-thin");
  axes.dots(path, losses, "dl-dot");
  return axes.element;
}

function drawLosses(width, { losses, lowest }) {
  const steps = Array.from(losses.keys());
  const axes = new Axes({
    title: "step by step",
    x: { from: -0.5, to: losses.length - 0.5, label: "step" },
    y: { from: 0, to: 1.08 * largestOf(losses), label: "loss" },
    width,
  });
  axes.line([-0.5, losses.length - 0.5], [lowest, lowest], "dl-line dl-rule");
  axes.line(steps, losses, "dl-line dl-thin");
  axes.dots(steps, losses, "dl-dot");
  return axes.element;
}

/** Makes the figure live. */
export function awaken(figure, { values, facts }) {
  const controls = {
    rate: new Slider({ label: "Learning rate", values: RATES, value: values.rate }),
    steps: new Slider({ label: "Steps", from: 1, to: 30, value: values.steps }),
  };
  return new LivePanel(figure, {
    alt: ALT,
    controls,
    update: (now) => shown({ facts }, now),
    draw: sideBySide(drawValley, drawLosses),
  });
}
