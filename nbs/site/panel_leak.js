// A state that keeps a share of itself at each frame: after `leak_explorer`.

import { counted, rowsOf, written } from "./panel_count.js";
import { Axes, sideBySide } from "./panel_drawing.js";
import { hitOf, hitsOf } from "./panel_numbers.js";
import { pictureOf } from "./panel_paint.js";
import { LivePanel, Slider, hitChoice } from "./panel_parts.js";

const DEPTH = 80; // dB of a picture that are kept
const ALT =
  "Left: a bar for each frame, the share of it that is left. " +
  "Right: the log-mel picture of what is left, dark where little is.";

/** A hit turned down as its frames are. */
function faded(x, shares, hop) {
  return x.map((sample, i) => {
    const at = Math.min(shares.length - 1, i / hop);
    const frame = Math.min(shares.length - 2, Math.floor(at));
    return sample * (shares[frame] + (shares[frame + 1] - shares[frame]) * (at - frame));
  });
}

/** Text and sound of the panel at these values, and what is drawn. */
export function shown(given, { hit, keep: kept, silence }) {
  const { facts } = given;
  const { name, number, x } = hitOf(given, hit);
  const keep = Number(kept.toFixed(2));
  const last = facts.frames - 1;
  const shares = Array.from({ length: facts.frames }, (_, i) => keep ** (last - i + silence));
  const text =
    `${name}, then ${counted(silence, "frame")} of silence: the state holds ` +
    `${written(100 * shares[0], 2)} % of frame 0, which brought the stroke, and ` +
    `${written(100 * shares[last], 2)} % of the last frame.`;
  const levels = rowsOf(facts.levels[number], facts.bands);
  const left = levels.map((row, i) => {
    const down = 20 * Math.log10(Math.max(shares[i], 1e-9));
    return row.map((level) => level + down - DEPTH);
  });
  const sounds = [{ name: `${name}, what is left`, samples: faded(x, shares, facts.hop) }];
  return { text, sounds, facts, shares, left };
}

function drawShares(width, { shares }) {
  const axes = new Axes({
    title: "share of each frame in the state",
    x: { from: -0.5, to: shares.length - 0.5, label: "frame" },
    y: { from: 0, to: 1 },
    width,
  });
  shares.forEach((share, i) => axes.box(i - 0.4, i + 0.4, 0, share, "dl-bar"));
  return axes.element;
}

function drawLeft(width, { facts, left }) {
  const axes = new Axes({
    title: "what is left of the hit",
    x: { from: -0.5, to: facts.frames - 0.5, label: "frame" },
    y: { from: 0, to: facts.bands, label: "mel band" },
    width,
  });
  axes.picture(pictureOf(left, -DEPTH), -0.5, facts.frames - 0.5, 0, facts.bands);
  return axes.element;
}

/** Makes the figure live. */
export function awaken(figure, { values, facts, sounds }) {
  const controls = {
    hit: hitChoice(hitsOf({ facts, sounds }), values.hit),
    keep: new Slider({
      label: "Keep",
      to: 1,
      step: 0.02,
      value: values.keep,
      say: (value) => value.toFixed(2),
    }),
    silence: new Slider({ label: "Silence (frames)", to: 30, value: values.silence }),
  };
  return new LivePanel(figure, {
    alt: ALT,
    controls,
    update: (now) => shown({ facts, sounds }, now),
    draw: sideBySide(drawShares, drawLeft),
  });
}
