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
  async weights({ text, shape, bits }) {
    const { readWeights } = await from("network");
    return Array.from(readWeights(text, [["w", shape, bits]]).get("w").data);
  },
  async hitCount({ x, sr }) {
    const { countHits } = await from("microphone");
    return countHits(Float32Array.from(x), sr);
  },
  async csvOfBeat({ groove }) {
    const { notesAsCsv } = await from("groove");
    return notesAsCsv(groove);
  },
  async midi({ groove }) {
    const { asMidi } = await from("groove");
    return Buffer.from(asMidi(groove)).toString("hex");
  },
  async example() {
    const { exampleBeat } = await from("example");
    return Array.from(exampleBeat().channels[0]);
  },
  async histogram({ means, least }) {
    const { histogram } = await from("panel_kits");
    return histogram(means, least);
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
