// Writes beats down as the page does: node beats.js FOLDER < sounds > answers
//
// FOLDER holds the modules of the page. Each sound is its length and its rate, 4 bytes each, and so
// many float32. An answer is a line of JSON.
import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const from = (name) => import(pathToFileURL(resolve(process.argv[2], `${name}.js`)));
const [{ transcriber, unhurried }, { warningOf }, { TRANSCRIBER }] = await Promise.all(
  ["transcriber", "groove", "transcriber_model"].map(from),
);
const writeDown = transcriber(TRANSCRIBER);

/** What work in steps returns, and the longest that the browser would have waited, in ms. */
async function timed(steps) {
  let longest = 0;
  let began = performance.now();
  function* watched() {
    for (;;) {
      const at = performance.now();
      const { done, value } = steps.next();
      longest = Math.max(longest, performance.now() - at);
      if (done) return value;
      yield;
    }
  }
  const value = await unhurried(watched());
  return { value, longest, ms: performance.now() - began };
}

const bytes = readFileSync(0);
const lines = [];
for (let at = 0; at < bytes.length;) {
  const [n, sr] = [bytes.readUInt32LE(at), bytes.readUInt32LE(at + 4)];
  const start = bytes.byteOffset + at + 8;
  const sound = new Float32Array(bytes.buffer.slice(start, start + 4 * n));
  at += 8 + 4 * n;
  const before = process.cpuUsage();
  const { value, longest, ms } = await timed(writeDown(sound, sr));
  const { user, system } = process.cpuUsage(before);
  const { hits, seconds, more, curves } = value;
  const answer = { hits, seconds, more, warning: warningOf(value), curves: Array.from(curves) };
  lines.push(JSON.stringify({ ...answer, longest, ms, busy: (user + system) / 1000 }));
}
writeFileSync(1, `${lines.join("\n")}\n`);
