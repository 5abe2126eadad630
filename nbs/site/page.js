// "Name a drum": what a reader sees and presses. Every `.dl-ear` on a page becomes one.

import { classifier } from "./classifier.js";
import { listen, refusal } from "./microphone.js";
import { MODEL } from "./model.js";
import { NoHit, SR, asHit, decode } from "./sound.js";
import { chosen, digestOf, dropped, relabelled, rowOf, toCsv } from "./table.js";

/** A new element; `children` are elements and texts. */
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name in made && typeof value !== "string") made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

const button = (text, onclick, more = {}) =>
  element("button", { type: "button", class: "dl-ear-button", onclick, ...more }, text);

const percent = (probability) => `${Math.round(100 * probability)} %`;

// -- a sound that plays: one at a time

const player = { context: null, source: null, button: null };

function stopPlaying() {
  player.source?.stop();
  player.button?.classList.remove("dl-ear-plays");
  player.button?.setAttribute("aria-pressed", "false");
  player.source = player.button = null;
}

function togglePlaying(sound, pressed) {
  const isOn = player.button === pressed;
  stopPlaying();
  if (isOn) return;
  player.context ??= new AudioContext();
  player.context.resume();
  const buffer = player.context.createBuffer(1, sound.length, SR);
  buffer.copyToChannel(sound, 0);
  const source = new AudioBufferSourceNode(player.context, { buffer });
  source.connect(player.context.destination);
  source.onended = () => player.source === source && stopPlaying();
  source.start();
  player.source = source;
  player.button = pressed;
  pressed.classList.add("dl-ear-plays");
  pressed.setAttribute("aria-pressed", "true");
}

// -- what the model saw

const RAMP = [
  [13, 16, 45],
  [86, 30, 110],
  [190, 55, 85],
  [245, 140, 40],
  [252, 250, 180],
];

/** The colour of a level from 0 to 1. */
function colour(level) {
  const place = Math.min(level, 0.9999) * (RAMP.length - 1);
  const [low, high] = RAMP.slice(Math.floor(place), Math.floor(place) + 2);
  return low.map((value, i) => value + (high[i] - value) * (place % 1));
}

/** A canvas of a picture in decibels: time from left to right, low bands at the bottom. */
function pictureOf({ picture, shape: [frames, bands] }) {
  const canvas = element("canvas", { width: frames, height: bands, class: "dl-ear-picture" });
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", "What the model saw: time to the right, pitch upwards");
  const image = new ImageData(frames, bands);
  const top = picture.reduce((most, value) => Math.max(most, value), -Infinity);
  picture.forEach((db, i) => {
    const [frame, band] = [Math.floor(i / bands), i % bands];
    const level = 1 + (db - top) / MODEL.feature.top_db;
    const at = 4 * ((bands - 1 - band) * frames + frame);
    image.data.set([...colour(Math.max(0, level)), 255], at);
  });
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

function barsOf({ probabilities, outside }) {
  const rows = MODEL.classes.map((label, i) => [label, probabilities[i], ""]);
  rows.push(["none of them", outside, " dl-ear-none"]);
  const bars = rows.map(([label, probability, more]) => {
    const bar = element("span", { class: `dl-ear-bar${more}` });
    bar.style.setProperty("--share", probability);
    return element(
      "li",
      {},
      element("span", {}, label),
      bar,
      element("b", {}, percent(probability)),
    );
  });
  return element("ul", { class: "dl-ear-bars" }, ...bars);
}

// -- one place on a page

class Ear {
  constructor(root) {
    this.root = root;
    this.isSmall = root.dataset.form === "small";
    this.rows = []; // what the table holds, as it is saved
    this.heard = 0; // hits of the microphone
    this.stop = null; // ends listening, while the microphone is on
    this.name = classifier(MODEL);
    root.replaceChildren(...this.parts());
    root.dataset.ready = "true";
  }

  parts() {
    this.files = this.input({ multiple: true, accept: "audio/*" });
    this.folder = this.input({ webkitdirectory: true });
    this.microphone = button("Use the microphone", () => this.toggleMicrophone());
    this.microphone.setAttribute("aria-pressed", "false");
    this.level = element("meter", { max: 1, hidden: true });
    this.level.setAttribute("aria-label", "Level of the microphone");
    this.status = element("p", { class: "dl-ear-status", role: "status" });
    this.body = element("tbody");
    this.below = element("p", { hidden: true }, ...this.buttonsBelow());
    const ways = [button("Choose files", () => this.files.click())];
    if (!this.isSmall) ways.push(button("Choose a folder", () => this.folder.click()));
    ways.push(this.microphone, this.level);
    const drop = element("p", { class: "dl-ear-drop" }, "Drop drum sounds here, or ", ...ways);
    this.acceptDrops(drop);
    return [drop, this.files, this.folder, this.status, this.table(), this.below];
  }

  input(attributes) {
    const onchange = ({ target }) => this.nameFiles(chosen(target.files), target);
    return element("input", { type: "file", hidden: true, onchange, ...attributes });
  }

  buttonsBelow() {
    const clear = button("Clear", () => this.clear());
    return this.isSmall ? [clear] : [button("Save as CSV", () => this.save()), clear];
  }

  table() {
    const heads = ["Sound", "Seen", "Name", "Probable"];
    const columns = heads.map((head) =>
      element("th", { scope: "col", role: "columnheader" }, head),
    );
    const head = element("thead", { role: "rowgroup" }, element("tr", { role: "row" }, ...columns));
    this.body.setAttribute("role", "rowgroup");
    const caption = element("caption", {}, "What was heard. A wrong name can be put right.");
    const attributes = { class: "dl-ear-table", role: "table", hidden: true };
    this.tabled = element("table", attributes, caption, head, this.body);
    return this.tabled;
  }

  acceptDrops(place) {
    const over = (is) => (event) => {
      event.preventDefault();
      place.classList.toggle("dl-ear-over", is);
    };
    place.addEventListener("dragover", over(true));
    place.addEventListener("dragleave", over(false));
    place.addEventListener("drop", async (event) => {
      over(false)(event);
      this.nameFiles(await dropped(event.dataTransfer));
    });
  }

  say(text) {
    this.status.textContent = text;
  }

  // -- naming

  async nameFiles(files, input) {
    const sounds = files.filter(({ path }) => !input?.webkitdirectory || this.isSound(path));
    if (files.length && !sounds.length) this.say("No sound is in that folder.");
    const failed = [];
    for (const [i, { path, file }] of sounds.entries()) {
      this.say(`Naming ${i + 1} of ${sounds.length}.`);
      await new Promise((resolve) => setTimeout(resolve)); // the page stays awake
      try {
        await this.nameFile(path, file);
      } catch (error) {
        failed.push(`${path}: ${error.message}.`);
      }
    }
    const named = sounds.length - failed.length;
    if (sounds.length) this.say([`Named: ${named} of ${sounds.length}.`, ...failed].join(" "));
    if (input) input.value = ""; // or the same file could not be chosen again
  }

  isSound(path) {
    return MODEL.suffixes.includes(path.slice(path.lastIndexOf(".")).toLowerCase());
  }

  async nameFile(path, file) {
    const bytes = await file.arrayBuffer();
    const facts = {
      path,
      size: String(file.size),
      modified: (file.lastModified / 1000).toFixed(3),
      digest: await digestOf(bytes),
      model: MODEL.digest,
    };
    try {
      const sound = await decode(bytes);
      this.add(facts, this.name(sound), sound);
    } catch (error) {
      if (!(error instanceof NoHit)) throw error;
      this.add(facts, { label: MODEL.words.not_a_drum, guess: "", why: error.message });
    }
  }

  nameHit(samples, sr) {
    this.heard += 1;
    const facts = { path: `microphone ${this.heard}`, model: MODEL.digest };
    const sound = asHit([samples], sr);
    const answer = this.name(sound);
    this.add(facts, answer, sound);
    this.say(`Heard: ${answer.label}.`);
  }

  async toggleMicrophone() {
    if (this.stop) {
      const stop = this.stop;
      this.stop = null;
      await stop();
      this.say("The microphone is off.");
    } else {
      try {
        const onLevel = (level) => (this.level.value = level);
        this.stop = await listen((hit, sr) => this.nameHit(hit, sr), onLevel);
        this.say("Listening. Hit something near the microphone.");
      } catch (error) {
        this.say(refusal(error));
      }
    }
    this.microphone.setAttribute("aria-pressed", String(this.stop !== null));
    this.microphone.textContent = this.stop ? "Stop the microphone" : "Use the microphone";
    this.level.hidden = this.stop === null;
  }

  // -- the table

  add(facts, answer, sound) {
    const row = rowOf(facts, answer);
    const place = this.rows.push(row) - 1;
    const why = element("span", { class: "dl-ear-why" }, row.why);
    const choice = this.choice(row);
    choice.onchange = () => {
      this.rows[place] = relabelled(row, answer, choice.value, MODEL.words.by_hand);
      why.textContent = this.rows[place].why;
    };
    const said = element("strong", { class: "dl-ear-label" }, row.label);
    const cells = [
      [...(sound ? [this.playButton(row.path, sound)] : []), element("span", {}, row.path)],
      answer.picture ? [pictureOf(answer)] : [],
      [said, why, choice],
      answer.picture ? [barsOf(answer)] : [],
    ].map((content) => element("td", { role: "cell" }, ...content));
    this.body.prepend(element("tr", { role: "row" }, ...cells)); // the newest is seen first
    this.tabled.hidden = this.below.hidden = false;
  }

  choice(row) {
    const select = element("select", { class: "dl-ear-choice" });
    select.setAttribute("aria-label", `Your name for ${row.path}`);
    for (const label of new Set([...MODEL.labels, row.label])) {
      select.append(element("option", { selected: label === row.label }, label));
    }
    return select;
  }

  playButton(path, sound) {
    const play = button("", () => togglePlaying(sound, play), { class: "dl-ear-play" });
    play.setAttribute("aria-label", `Play ${path}`);
    play.setAttribute("aria-pressed", "false");
    return play;
  }

  csv() {
    return toCsv(MODEL.columns, this.rows);
  }

  save() {
    const address = URL.createObjectURL(new Blob([this.csv()], { type: "text/csv" }));
    element("a", { href: address, download: "labels.csv" }).click();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
  }

  clear() {
    stopPlaying();
    this.rows = [];
    this.body.replaceChildren();
    this.tabled.hidden = this.below.hidden = true;
    this.say("");
  }
}

/** Wakes every place for it on the page. */
export function wake() {
  for (const root of document.querySelectorAll(".dl-ear:not([data-ready])")) new Ear(root);
}

if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", wake);
else wake();
