// A beat that was written down: a grid that plays, a table, and files to keep.

import { button, element, keep, several, togglePlaying } from "./elements.js";
import { cutHit, playedAgain } from "./beat_sounds.js";
import { exampleBeat } from "./example.js";
import { asMidi, counted, notesAsCsv, warningOf } from "./groove.js";
import { mix } from "./sound.js";
import { transcriber, unhurried } from "./transcriber.js";
import { TRANSCRIBER } from "./transcriber_model.js";

const ROWS = ["cymbal", "hihat", "snare", "tom", "kick", "other"]; // from the top
const TICK = 0.5; // seconds from one line to the next
const LIT = 0.12; // seconds that a hit is lit
const MARGIN = 0.1; // of what is seen of a grid: so far from its left edge a cursor comes back

const writeDown = transcriber(TRANSCRIBER);

/** The hits as a grid: a row a drum, time to the right, louder hits larger. */
class Grid {
  constructor(groove, onHit) {
    this.groove = groove;
    this.hits = groove.hits.map((hit) => this.hitButton(hit, onHit));
    this.cursor = element("div", { class: "dl-beat-cursor", hidden: true });
    const lines = ROWS.map((drum) => this.line(drum));
    const inner = element("div", { class: "dl-beat-grid" }, ...lines, this.ruler(), this.cursor);
    inner.style.setProperty("--seconds", groove.seconds);
    const label = "The hits, a row for each drum. The arrow keys lead from hit to hit";
    this.root = element("div", { class: "dl-beat-scroll", role: "group" }, inner);
    this.root.setAttribute("aria-label", label);
    this.root.addEventListener("keydown", (event) => this.onKey(event));
    this.root.addEventListener("focusin", ({ target }) => {
      if (this.hits.includes(target)) this.stopAt(target);
    });
    this.stopAt(this.hits[0]);
  }

  share(time) {
    return time / this.groove.seconds;
  }

  hitButton(hit, onHit) {
    const made = button("", () => onHit(hit, made), { class: "dl-beat-hit" });
    made.setAttribute("aria-label", `${hit.drum} at ${hit.time.toFixed(2)} s, ${hit.velocity}`);
    made.style.setProperty("--at", this.share(hit.time));
    made.style.setProperty("--loud", hit.velocity / 127);
    return made;
  }

  line(drum) {
    const its = this.hits.filter((_, i) => this.groove.hits[i].drum === drum);
    const name = element("span", { class: "dl-beat-drum" }, drum);
    const track = element("div", { class: "dl-beat-track" }, ...its);
    return element("div", { class: "dl-beat-line" }, name, track);
  }

  ruler() {
    const track = element("div", { class: "dl-beat-track" });
    for (let second = 0; second < this.groove.seconds; second += 2 * TICK) {
      const mark = element("span", { class: "dl-beat-second" }, `${second}`);
      mark.style.setProperty("--at", this.share(second));
      track.append(mark);
    }
    const unit = element("span", { class: "dl-beat-drum" }, "seconds");
    return element("div", { class: "dl-beat-line dl-beat-ruler" }, unit, track);
  }

  /** Shows which second is heard. */
  at(now) {
    this.hits.forEach((hit, i) => {
      const since = now - this.groove.hits[i].time;
      hit.classList.toggle("dl-beat-lit", since >= 0 && since < LIT);
    });
    this.cursor.hidden = false;
    this.cursor.style.setProperty("--at", Math.min(1, this.share(now)));
    this.followCursor(now);
  }

  /** Keeps what is heard in sight. */
  followCursor(now) {
    const view = this.root;
    const [from, to] = [view.scrollLeft, view.scrollLeft + view.clientWidth];
    const place = this.share(now) * view.scrollWidth;
    if (place < from || place > to) view.scrollLeft = place - MARGIN * view.clientWidth;
  }

  rest() {
    this.cursor.hidden = true;
    for (const hit of this.hits) hit.classList.remove("dl-beat-lit");
  }

  /** The hit that a key leads to: beside it in time, or the nearest of the row above or below. */
  next(i, key) {
    if (key === "ArrowLeft") return i - 1;
    if (key === "ArrowRight") return i + 1;
    if (key === "Home") return 0;
    if (key === "End") return this.hits.length - 1;
    const { time, drum } = this.groove.hits[i];
    const down = { ArrowUp: -1, ArrowDown: 1 }[key];
    if (!down) return -1;
    const rows = ROWS.map((row) => this.groove.hits.filter((hit) => hit.drum === row));
    let row = ROWS.indexOf(drum) + down;
    while (rows[row]?.length === 0) row += down;
    const away = (hit) => Math.abs(hit.time - time);
    const near = rows[row]?.reduce((best, hit) => (away(hit) < away(best) ? hit : best));
    return this.groove.hits.indexOf(near);
  }

  /** Has the tabulator come to one hit, the one that had the focus last. */
  stopAt(hit) {
    for (const one of this.hits) one.tabIndex = one === hit ? 0 : -1;
  }

  onKey(event) {
    const i = this.hits.indexOf(event.target);
    const isPlain = !(event.altKey || event.ctrlKey || event.metaKey); // the others are the browser's
    const to = i >= 0 && isPlain ? this.hits[this.next(i, event.key)] : null;
    if (!to) return;
    event.preventDefault();
    to.focus();
  }
}

/** All hits as a table, folded away. */
function tableOf({ hits }, name) {
  const row = (tag, cells) =>
    element(
      "tr",
      {},
      ...cells.map((cell) => element(tag, tag === "th" ? { scope: "col" } : {}, cell)),
    );
  const head = element("thead", {}, row("th", ["time in seconds", "drum", "velocity"]));
  const rows = hits.map(({ time, drum, velocity }) =>
    row("td", [time.toFixed(3), drum, String(velocity)]),
  );
  const caption = element("caption", {}, `The hits of ${name}`);
  const body = element("tbody", {}, ...rows);
  const table = element("table", { class: "dl-beat-table" }, caption, head, body);
  return element("details", {}, element("summary", {}, "All hits as a table"), table);
}

/** Buttons that keep a groove as a file; `say` hears when one is saved. */
function keepers(groove, say) {
  const keeper = (text, ending, content, type) =>
    button(text, () => {
      const file = `${groove.name}.${ending}`;
      keep(file, content(groove), type);
      say(`${file} saved: ${several(groove.hits.length, "hit")}.`);
    });
  return [
    keeper("Save the hits as CSV", "csv", notesAsCsv, "text/csv"),
    keeper("Save as MIDI", "mid", asMidi, "audio/midi"),
  ];
}

/** What a reader sees of a groove: buttons, grid and table. */
function panelOf(recording, groove, say) {
  const mono = mix(recording.channels);
  const hear = (hit, pressed) => {
    const piece = cutHit(mono, recording.sr, hit, groove.hits);
    togglePlaying({ channels: [piece], sr: recording.sr }, pressed);
  };
  const grid = new Grid(groove, hear);
  const following = { onTime: (now) => grid.at(now), onEnd: () => grid.rest() };
  const player = (text, sound) => {
    const made = button(text, () => togglePlaying(sound(), made, following), {
      class: "dl-beat-play",
    });
    made.setAttribute("aria-pressed", "false");
    return made;
  };
  let again = null;
  const buttons = [
    player("Play the recording", () => recording),
    player("Play what was heard", () => (again ??= playedAgain(recording, groove.hits))),
    ...keepers(groove, say),
  ];
  const warning = warningOf(groove);
  const parts = [element("p", { class: "dl-beat-buttons" }, ...buttons), grid.root];
  if (warning) parts.unshift(element("p", { class: "dl-beat-warning" }, warning));
  return element("div", { class: "dl-beat" }, ...parts, tableOf(groove, groove.name));
}

/**
 * Writes down a recording, {channels, sr}; `told` hears which share of it is done, and `say`
 * what is to be said to the reader later.
 *
 * Gives the `groove`, what is said of it, and the `panel` that shows it.
 */
export async function transcribeBeat(recording, name, told, say) {
  const found = await unhurried(writeDown(mix(recording.channels), recording.sr, told));
  const groove = { ...found, name };
  const panel = groove.hits.length ? panelOf(recording, groove, say) : null;
  return { groove, said: counted(groove), panel };
}

/** The beat of the page itself, {channels, sr}. */
export function makeExample() {
  return exampleBeat();
}
