// What panels of the site say: node panels.js FOLDER KIND < {facts, sounds, settings} > answers
//
// FOLDER holds the modules. A sound is {name, samples}; a setting is the values of the controls.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, kind] = process.argv.slice(2);
const { shown } = await import(pathToFileURL(resolve(folder, `panel_${kind}.js`)));
const { facts, sounds, settings } = JSON.parse(readFileSync(0, "utf8"));
const heard = sounds.map(({ name, samples }) => ({ name, samples: Float32Array.from(samples) }));
const columnsOf = ({ columns = [] }) => columns.map((column) => Array.from(column));
const answers = settings.map((values) => {
  const now = shown({ facts, sounds: heard }, values);
  const played = now.sounds.map(({ name, samples }) => ({ name, samples: Array.from(samples) }));
  return { text: now.text, sounds: played, columns: columnsOf(now) };
});
console.log(JSON.stringify(answers));
