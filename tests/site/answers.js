// Names sounds as the page does: node answers.js FOLDER < sounds > answers
//
// FOLDER holds the modules of the page. Each sound is its length, 4 bytes, and so many float32.
// An answer is a line of JSON.
import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const from = (name) => import(pathToFileURL(resolve(process.argv[2], `${name}.js`)));
const [{ classifier }, { MODEL }] = await Promise.all([from("classifier"), from("model")]);
const name = classifier(MODEL);
const bytes = readFileSync(0);
const lines = [];
for (let at = 0; at < bytes.length;) {
  const n = bytes.readUInt32LE(at);
  const sound = new Float32Array(
    bytes.buffer.slice(bytes.byteOffset + at + 4, bytes.byteOffset + at + 4 + 4 * n),
  );
  at += 4 + 4 * n;
  const began = performance.now();
  const before = process.cpuUsage();
  const { picture, ...answer } = name(sound);
  const ms = performance.now() - began;
  const { user, system } = process.cpuUsage(before);
  const busy = (user + system) / 1000;
  const seen = Array.from(picture);
  lines.push(JSON.stringify({ ...answer, ms, busy, seen }));
}
writeFileSync(1, `${lines.join("\n")}\n`);
