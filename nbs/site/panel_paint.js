// What drawings have beyond lines: pictures, of levels or in any colours, and marks.

import { magma } from "./magma.js";
import { shape } from "./panel_drawing.js";

/** The address of a picture of columns of numbers, the first of each at the bottom; `colourOf` a
 * number is red, green and blue, each up to 255. */
export function paint(columns, colourOf) {
  const [width, height] = [columns.length, columns[0].length];
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const pen = canvas.getContext("2d");
  const image = pen.createImageData(width, height);
  columns.forEach((column, x) => {
    column.forEach((number, row) => {
      image.data.set([...colourOf(number), 255], 4 * ((height - 1 - row) * width + x));
    });
  });
  pen.putImageData(image, 0, 0);
  return canvas.toDataURL();
}

/** The address of a picture of columns of dB, the first value of each at the bottom. */
export const pictureOf = (columns, floor = -80) => paint(columns, (db) => magma(1 - db / floor));

const MARKS = { triangle: "m-5 -4h10l-5 9z", cross: "m-4 -4l8 8m0 -8l-8 8", square: "h4v4h-4z" };

/** A mark at each point of the axes, all in one element. */
export function marks(axes, xs, ys, kind, name) {
  const starts = Array.from(xs, (x, i) => `M${axes.x(x).toFixed(1)} ${axes.y(ys[i]).toFixed(1)}`);
  const d = starts.map((start) => start + MARKS[kind]).join("");
  axes.drawn.append(shape("path", { d, class: name }));
}
