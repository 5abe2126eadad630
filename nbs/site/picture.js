// What the model saw of a hit, and what it made of it.

import { element } from "./elements.js";
import { magma } from "./magma.js";
import { MODEL } from "./model.js";

/** A canvas of a picture in decibels: time from left to right, low bands at the bottom. */
export function pictureOf({ picture, shape: [frames, bands] }) {
  const canvas = element("canvas", { width: frames, height: bands, class: "dl-ear-picture" });
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", "What the model saw: time to the right, pitch upwards");
  const image = new ImageData(frames, bands);
  const top = picture.reduce((most, value) => Math.max(most, value), -Infinity);
  picture.forEach((db, i) => {
    const [frame, band] = [Math.floor(i / bands), i % bands];
    const level = 1 + (db - top) / MODEL.feature.top_db;
    const at = 4 * ((bands - 1 - band) * frames + frame);
    image.data.set([...magma(level), 255], at);
  });
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

const percent = (probability) => `${Math.round(100 * probability)} %`;

function barOf(label, probability, more = "") {
  const bar = element("span", { class: `dl-ear-bar${more}` });
  bar.style.setProperty("--share", probability);
  const number = element("b", {}, percent(probability));
  return element("li", {}, element("span", {}, label), bar, number);
}

/** How probable each class is, and apart from it, how probable none of them is, as bars. */
export function barsOf({ probabilities, outside }) {
  const classes = MODEL.classes.map((label, i) => barOf(label, probabilities[i]));
  return element(
    "div",
    { class: "dl-ear-bars" },
    element("p", {}, "if it is one of these:"),
    element("ul", {}, ...classes),
    element("p", {}, "is it none of them?"),
    element("ul", {}, barOf("none of them", outside, " dl-ear-none")),
  );
}
