// Parts of the page that need no browser, each asked by name: node tools.js FOLDER NAME < question
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const from = (name) => import(pathToFileURL(resolve(process.argv[2], `${name}.js`)));

const ASKED = {
  async resample({ x, from: rate, to }) {
    const { resample } = await from("sound");
    return Array.from(resample(Float32Array.from(x), rate, to));
  },
  async mix({ channels }) {
    const { mix } = await from("sound");
    return Array.from(mix(channels.map((channel) => Float32Array.from(channel))));
  },
  async rate({ hex }) {
    const { rateOf } = await from("sound");
    const bytes = Buffer.from(hex, "hex");
    return rateOf(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  },
  async csv({ columns, rows }) {
    const { toCsv } = await from("table");
    return toCsv(columns, rows);
  },
  async hits({ x, sr, block }) {
    const { HitFinder } = await from("microphone");
    const found = [];
    const finder = new HitFinder(sr, (hit) => found.push(Array.from(hit)));
    for (let at = 0; at < x.length; at += block) finder.push(x.slice(at, at + block));
    finder.flush();
    return found;
  },
  async half({ bits }) {
    const { readWeights } = await from("network");
    const base64 = Buffer.from(Uint16Array.from(bits).buffer).toString("base64");
    const read = readWeights(base64, [{ name: "w", shape: [bits.length], bits: 16 }]);
    return Array.from(read.get("w").data);
  },
  async judge({ exercise, units, answers }) {
    const { judge } = await from("judge");
    return answers.map((answer) => judge(exercise, answer, units));
  },
  async readable({ texts }) {
    const { readable } = await from("progress");
    return texts.map(readable);
  },
  async says({ reasons }) {
    const { isRight } = await from("selftest");
    return reasons.map(isRight);
  },
};

const question = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(await ASKED[process.argv[3]](question)));
