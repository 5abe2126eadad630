// What the panels of the lessons count with, as drumlesson.course.lesson_panels has it.

import { fixed } from "./panel_numbers.js";

/** A number with so many digits after the point, as Python writes it: "-0" where it is that. */
export function written(x, digits = 0) {
  return (x < 0 || Object.is(x, -0) ? "-" : "") + fixed(Math.abs(x), digits);
}

/** The same with a sign. */
export const withSign = (x, digits) => (x < 0 ? "" : "+") + written(x, digits);

/** A number of things, such as "1 step" or "2 steps". */
export const counted = (n, noun) => (n === 1 ? `${n} ${noun}` : `${n} ${noun}s`);

/** Whole numbers from 0 to 255 that stand in base 64, as rows of so many. */
export function rowsOf(text, columns) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const rows = [];
  for (let at = 0; at < bytes.length; at += columns) {
    rows.push(Array.from(bytes.subarray(at, at + columns)));
  }
  return rows;
}

/** The sum of numbers. */
export const sumOf = (numbers) => numbers.reduce((sum, x) => sum + x, 0);

/** The largest of numbers, or `least`. */
export const largestOf = (numbers, least = -Infinity) =>
  numbers.reduce((a, b) => Math.max(a, b), least);

/** The smallest of numbers, or `most`. */
export const smallestOf = (numbers, most = Infinity) =>
  numbers.reduce((a, b) => Math.min(a, b), most);

/** The place of the largest number, the first of several. */
export const placeOfLargest = (numbers) =>
  numbers.reduce((best, x, i) => (x > numbers[best] ? i : best), 0);

/** `n` numbers from 0 to below 1, by mulberry32. */
export function dice(seed, n) {
  return Float64Array.from({ length: n }, (_, k) => {
    const a = (seed + Math.imul(k + 1, 0x6d2b79f5)) | 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  });
}

/** The places of numbers, from the smallest number to the largest. */
export function sortedPlaces(numbers) {
  return Array.from(numbers.keys()).sort((a, b) => numbers[a] - numbers[b]);
}

/** What lies at a share of the way through numbers in order. */
export function quantile(ordered, share) {
  const at = share * (ordered.length - 1);
  const low = Math.floor(at);
  const high = Math.min(low + 1, ordered.length - 1);
  return ordered[low] + (ordered[high] - ordered[low]) * (at - low);
}

/** `n` numbers from one to another, as far apart as each other. */
export function evenly(from, to, n) {
  return Array.from({ length: n }, (_, i) => from + ((to - from) * i) / (n - 1));
}
