// "Name a drum": what a reader sees and presses. Every `.dl-ear` on a page becomes one.

import { beats } from "./beat_script.js";
import { classifier } from "./classifier.js";
import { button, element, keep, several, stopPlaying, togglePlaying } from "./elements.js";
import { countHits, listen, refusal } from "./microphone.js";
import { MODEL } from "./model.js";
import { barsOf, pictureOf } from "./picture.js";
import { MAX_SECONDS, NoHit, SR, asHit, decode, mix, peakOf } from "./sound.js";
import { chosen, digestOf, dropped, relabelled, rowOf, toCsv } from "./table.js";

const BEAT_SECONDS = 2; // a recording that is longer, and holds several hits, is taken for a beat
const HIT_SECONDS = 1; // one that is shorter is not even offered to be taken for one
const LONGEST_MINUTES = 10; // of a beat

const secondsOf = ({ channels, sr }) => channels[0].length / sr;

function isBeat(recording) {
  if (secondsOf(recording) <= BEAT_SECONDS) return false;
  const mono = mix(recording.channels);
  return peakOf(mono) > 1e-5 && countHits(mono, recording.sr) > 1;
}

/** Words as a sentence, which may have its mark already. */
const sentence = (words) => (/[.?!]$/.test(words) ? words : `${words}.`);

class Ear {
  constructor(root) {
    this.root = root;
    this.isSmall = root.dataset.form === "small";
    this.rows = new Map(); // of each row what is saved of it; of a beat null
    this.heard = 0; // hits of the microphone
    this.stop = null; // ends listening, while the microphone is on
    this.isAsked = false; // whether the reader is being asked for the microphone
    this.round = 0; // how often the table was cleared: what was begun before is not shown
    this.tried = -1; // the round in which the example is being written down
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
    this.below = element("p", { class: "dl-ear-below", hidden: true }, ...this.partsBelow());
    const ways = [button("Choose files", () => this.files.click())];
    if (!this.isSmall) ways.push(button("Choose a folder", () => this.folder.click()));
    ways.push(this.microphone, this.level);
    if (!this.isSmall) ways.push(button("Try a drummed example", () => this.tryExample()));
    const drop = element("p", { class: "dl-ear-drop" }, "Drop drum sounds here, or ", ...ways);
    this.acceptDrops(drop);
    return [drop, this.files, this.folder, this.status, this.table(), this.below];
  }

  input(attributes) {
    const onchange = ({ target }) => this.nameFiles(chosen(target.files), target);
    return element("input", { type: "file", hidden: true, onchange, ...attributes });
  }

  partsBelow() {
    this.saving = button("Save as CSV", () => this.save());
    this.noSound = element("span", {}, "Save as CSV is for single sounds: none is listed.");
    const page = element("a", { href: "name_a_drum.html" }, "Name a drum");
    const more = element("span", {}, "Save, folders, beats: on the page ", page);
    const clear = button("Clear", () => this.clear(), { class: "dl-ear-clear" });
    return this.isSmall ? [more, clear] : [this.saving, this.noSound, clear];
  }

  table() {
    const heads = ["Sound", "Seen", "Name", "Probable"];
    const columns = heads.map((head) =>
      element("th", { scope: "col", role: "columnheader" }, head),
    );
    const names = element("tr", { role: "row" }, ...columns);
    this.head = element("thead", { role: "rowgroup" }, names);
    this.body.setAttribute("role", "rowgroup");
    this.hint = element("span", {}, " Is a name wrong? Choose another name in its list.");
    const caption = element("caption", {}, "What was heard.", this.hint);
    const attributes = { class: "dl-ear-table", role: "table", hidden: true };
    this.tabled = element("table", attributes, caption, this.head, this.body);
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
    const sounds = files.filter(({ path }) => !path.includes("/") || this.isSound(path));
    if (files.length && !sounds.length) this.say("No sound is in that folder.");
    if (input) input.value = ""; // or the same file could not be chosen again
    const { round } = this;
    const failed = [];
    const below = this.body.firstElementChild;
    let written = 0;
    for (const [i, { path, file }] of sounds.entries()) {
      this.say(`Naming ${i + 1} of ${sounds.length}.`);
      await new Promise((resolve) => setTimeout(resolve)); // the page stays awake
      if (round !== this.round) return;
      try {
        written += await this.hear(path, file, below);
      } catch (error) {
        failed.push(sentence(`${path}: ${error.message}`));
      }
    }
    if (round === this.round) this.tell(sounds.length - written, written, failed);
  }

  /** Says how many hits were named, how many beats written down, and what failed. */
  tell(hits, written, failed) {
    const told = [];
    if (hits) told.push(`Named: ${hits - failed.length} of ${hits}.`);
    if (written) told.push(`Written down: ${several(written, "beat")}.`);
    if (told.length) this.say([...told, ...failed].join(" "));
  }

  isSound(path) {
    return MODEL.suffixes.includes(path.slice(path.lastIndexOf(".")).toLowerCase());
  }

  /** Names the hit in a file, or writes the beat down; gives whether it is a beat. */
  async hear(path, file, below) {
    const { round } = this;
    const bytes = await file.arrayBuffer();
    const facts = {
      path,
      size: String(file.size),
      modified: (file.lastModified / 1000).toFixed(3),
      digest: await digestOf(bytes),
      model: MODEL.digest,
    };
    const recording = await decode(bytes);
    if (round !== this.round) return false;
    const written = isBeat(recording);
    const entry = { facts, recording, row: this.newRow(below) };
    await this.attempt(entry, () => (written ? this.writeDown(entry) : this.nameOne(entry)));
    return written;
  }

  /** Does something with a row. Where that fails, the row is as it was, or gone if it was empty. */
  async attempt({ row }, way) {
    const [saved, cells] = [this.rows.get(row), [...row.children]];
    try {
      await way();
    } catch (error) {
      if (cells.length) this.put(row, saved, cells);
      else this.drop(row);
      throw error;
    }
  }

  nameOne(entry) {
    const { channels, sr } = entry.recording;
    try {
      const sound = asHit(channels, sr);
      this.show(entry, this.name(sound), sound);
    } catch (error) {
      if (!(error instanceof NoHit)) throw error;
      this.show(entry, { label: MODEL.words.not_a_drum, guess: "", why: error.message });
    }
  }

  nameHit(samples, sr) {
    this.heard += 1;
    const facts = { path: `microphone ${this.heard}`, model: MODEL.digest };
    const sound = asHit([samples], sr);
    const answer = this.name(sound);
    this.show({ facts, row: this.newRow() }, answer, sound);
    this.say(`Heard: ${answer.label}.`);
  }

  async toggleMicrophone() {
    if (this.isAsked) return; // or a second one would listen, which no button ends
    if (this.stop) {
      const stop = this.stop;
      this.stop = null;
      await stop();
      this.say("The microphone is off.");
    } else await this.startListening();
    this.microphone.setAttribute("aria-pressed", String(this.stop !== null));
    this.microphone.textContent = this.stop ? "Stop the microphone" : "Use the microphone";
    this.level.hidden = this.stop === null;
  }

  async startListening() {
    this.isAsked = true;
    try {
      const onLevel = (level) => (this.level.value = level);
      const onLost = () => this.loseMicrophone();
      this.stop = await listen((hit, sr) => this.nameHit(hit, sr), onLevel, onLost);
      this.say("Listening. Hit something near the microphone.");
    } catch (error) {
      this.say(refusal(error));
    }
    this.isAsked = false;
  }

  async loseMicrophone() {
    if (!this.stop) return;
    await this.toggleMicrophone();
    this.say("The microphone is gone. Connect it, and press again.");
  }

  // -- beats

  async tryExample() {
    const { round } = this;
    if (this.tried === round) return;
    this.tried = round;
    try {
      const { makeExample } = await beats();
      if (round !== this.round) return;
      const facts = { path: "a drummed example", model: MODEL.digest };
      const entry = { facts, recording: makeExample(), row: this.newRow() };
      await this.attempt(entry, () => this.writeDown(entry));
      if (round === this.round) this.tell(0, 1, []);
    } catch (error) {
      if (round === this.round) this.say(sentence(`The example fails: ${error.message}`));
    }
    if (this.tried === round) this.tried = -1;
  }

  /** Writes down the beat in a recording; the row tells how far it is. */
  async writeDown(entry) {
    const { facts, recording } = entry;
    if (secondsOf(recording) > 60 * LONGEST_MINUTES) {
      throw new Error(`is a beat of more than ${LONGEST_MINUTES} minutes: cut it into pieces`);
    }
    this.say(`Writing down ${facts.path}.`);
    const done = element("progress", { max: 1, value: 0 });
    done.setAttribute("aria-label", `How far ${facts.path} is written down`);
    this.fill(entry, null, [[facts.path, ", a beat: ", done]]);
    const { transcribeBeat } = await beats();
    const name = facts.path
      .split("/")
      .at(-1)
      .replace(/\.\w+$/, "");
    const told = (share) => (done.value = share);
    const say = (text) => this.say(text);
    this.showBeat(entry, await transcribeBeat(recording, name, told, say));
  }

  showBeat(entry, { said, panel }) {
    const { facts, recording } = entry;
    const heard = panel ? `a beat: ${said}` : "a beat in which no drum is heard";
    const parts = [
      element("span", {}, facts.path),
      element("strong", { class: "dl-ear-label" }, heard),
    ];
    if (secondsOf(recording) <= MAX_SECONDS) {
      parts.push(this.otherWay("Name as one hit", entry, () => this.nameOne(entry)));
    }
    this.fill(entry, null, [panel ? [...parts, panel] : parts]);
  }

  /** A button that has a recording taken for what it was not taken for. */
  otherWay(text, entry, way) {
    const made = button(text, async () => {
      stopPlaying(); // what plays in this row would have no button to stop it
      try {
        await this.attempt(entry, way);
        this.say("");
      } catch (error) {
        this.say(sentence(`${entry.facts.path}: ${error.message}`));
      }
      const isLost = document.activeElement === document.body; // the focus, with the button
      if (isLost) entry.row.querySelector("button")?.focus({ preventScroll: true });
    });
    made.setAttribute("aria-label", `${text}: ${entry.facts.path}`);
    return made;
  }

  // -- the table

  /** A row, on top: the newest is seen first; or over one, after those chosen together with it. */
  newRow(below = this.body.firstElementChild) {
    const row = element("tr", { role: "row" });
    this.rows.set(row, null);
    this.body.insertBefore(row, below?.isConnected ? below : null);
    return row;
  }

  drop(row) {
    row.remove();
    this.rows.delete(row);
    this.refresh();
  }

  /** Shows the table where it holds something, and what is for single sounds where one is. */
  refresh() {
    this.tabled.hidden = this.below.hidden = this.rows.size === 0;
    const hasSound = this.saved.length > 0;
    this.head.hidden = this.hint.hidden = this.saving.hidden = !hasSound;
    this.noSound.hidden = hasSound;
  }

  /** Fills a row with cells, each a list of what is in it. */
  fill({ row }, saved, cells) {
    const made = cells.map((content) => element("td", { role: "cell" }, ...content));
    if (made.length === 1) made[0].colSpan = 4;
    this.put(row, saved, made);
  }

  put(row, saved, cells) {
    if (!this.rows.has(row)) return; // the table was cleared in the meantime
    this.rows.set(row, saved);
    row.replaceChildren(...cells);
    this.refresh();
  }

  show(entry, answer, sound) {
    const { facts, recording } = entry;
    const row = rowOf(facts, answer);
    const first = [
      ...(sound ? [this.playButton(row.path, sound)] : []),
      element("span", {}, row.path),
    ];
    if (recording && secondsOf(recording) > HIT_SECONDS) {
      first.push(this.otherWay("Transcribe as a beat", entry, () => this.writeDown(entry)));
    }
    const seen = answer.picture ? [pictureOf(answer)] : [];
    this.fill(entry, row, [
      first,
      seen,
      this.named(entry, row, answer),
      answer.picture ? [barsOf(answer)] : [],
    ]);
  }

  /** The name in a row, why it is that, and a list to choose another from. */
  named(entry, row, answer) {
    const label = element("strong", { class: "dl-ear-label" }, row.label);
    const why = element("span", { class: "dl-ear-why" }, row.why);
    const choice = this.choice(row);
    choice.onchange = () => {
      const now = relabelled(row, answer, choice.value, MODEL.words.by_hand);
      this.rows.set(entry.row, now);
      label.textContent = now.label;
      const isTheModels = now.label === answer.label;
      why.textContent = isTheModels ? now.why : `${now.why}; the model said ${answer.label}`;
    };
    return [label, why, choice];
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
    const play = button("", () => togglePlaying({ channels: [sound], sr: SR }, play), {
      class: "dl-ear-play",
    });
    play.setAttribute("aria-label", `Play ${path}`);
    play.setAttribute("aria-pressed", "false");
    return play;
  }

  /** What is saved of all rows. */
  get saved() {
    return [...this.rows.values()].filter(Boolean);
  }

  save() {
    keep("labels.csv", toCsv(MODEL.columns, this.saved), "text/csv");
    this.say(`labels.csv saved: ${several(this.saved.length, "sound")}.`);
  }

  clear() {
    stopPlaying();
    this.round += 1;
    this.rows.clear();
    this.body.replaceChildren();
    this.refresh();
    this.say("");
    this.root.querySelector("button").focus(); // this one's own button is gone
  }
}

/** A file that is dropped beside a place for it would be opened in place of the page. */
function keepPage(event) {
  if (event.dataTransfer?.types.includes("Files")) event.preventDefault();
}

/** Wakes every place for it on the page. What else plays there ends what plays here. */
export function wake() {
  document.addEventListener("play", stopPlaying, true);
  for (const kind of ["dragover", "drop"]) document.addEventListener(kind, keepPage);
  for (const root of document.querySelectorAll(".dl-ear:not([data-ready])")) new Ear(root);
}

if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", wake);
else wake();
