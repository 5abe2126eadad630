// What panels on the page are made of: controls, a line of text, a drawing and players.

import { SR } from "./sound.js";
import { dressPlayers } from "./players.js";

const HEADROOM = 0.5; // what drumlesson.display multiplies by
let made = 0; // elements that needed a name of their own so far

/** An element of HTML. */
export function element(kind, name = "", text = "") {
  const one = document.createElement(kind);
  if (name) one.className = name;
  one.textContent = text;
  return one;
}

/** A slider: from `from` to `to` in steps, or over a few `values`. */
export class Slider {
  constructor({ label, from = 0, to, step = 1, values, value, say = String }) {
    this.values = values;
    this.say = say;
    this.element = element("label", "dl-slider");
    this.words = element("span", "", label);
    this.input = Object.assign(element("input"), { type: "range" });
    this.output = element("output");
    this.element.append(this.words, this.input, this.output);
    this.span(values ? 0 : from, values ? values.length - 1 : to, values ? 1 : step);
    this.value = value;
    this.input.addEventListener("input", () => this.tell());
  }

  /** Sets the range. */
  span(min, max, step) {
    Object.assign(this.input, { min, max, step });
  }

  get value() {
    const number = Number(this.input.value);
    return this.values ? this.values[number] : number;
  }

  set value(value) {
    this.input.value = this.values ? this.values.indexOf(value) : value;
    this.tell();
  }

  tell() {
    const said = this.say(this.value);
    this.output.textContent = said;
    this.input.setAttribute("aria-valuetext", said);
  }

  onChange(react) {
    this.input.addEventListener("input", react);
  }
}

/** A row of buttons of which one is pressed: `options` are [text, value]. */
export class Choice {
  constructor({ label, options, value }) {
    const name = `dl-choice-${++made}`;
    this.element = element("fieldset", "dl-choice");
    this.element.append(element("legend", "", label));
    this.inputs = options.map(([text, chosen]) => {
      const input = Object.assign(element("input"), { type: "radio", name });
      const option = element("label");
      option.append(input, element("span", "", text));
      this.element.append(option);
      return { input, chosen };
    });
    this.value = value;
  }

  get value() {
    return this.inputs.find(({ input }) => input.checked).chosen;
  }

  set value(value) {
    const same = this.inputs.find(({ chosen }) => chosen === value) ?? this.inputs[0];
    same.input.checked = true;
  }

  onChange(react) {
    this.element.addEventListener("change", react);
  }
}

/** The choice of a hit: buttons. */
export function hitChoice(hits, value) {
  const options = hits.map(({ number, name }) => [`${number + 1} ${name}`, number]);
  return new Choice({ label: "Hit", options, value });
}

/** Samples as a WAV file of 16 bits, with the headroom of all players. */
export function asWav(samples) {
  const bytes = new DataView(new ArrayBuffer(44 + 2 * samples.length));
  const text = (at, word) => [...word].forEach((c, i) => bytes.setUint8(at + i, c.charCodeAt(0)));
  text(0, "RIFF");
  bytes.setUint32(4, 36 + 2 * samples.length, true);
  text(8, "WAVEfmt ");
  bytes.setUint32(16, 16, true);
  bytes.setUint16(20, 1, true); // whole numbers
  bytes.setUint16(22, 1, true); // one channel
  bytes.setUint32(24, SR, true);
  bytes.setUint32(28, 2 * SR, true);
  bytes.setUint16(32, 2, true);
  bytes.setUint16(34, 16, true);
  text(36, "data");
  bytes.setUint32(40, 2 * samples.length, true);
  samples.forEach((x, i) => {
    const played = Math.max(-1, Math.min(1, x * HEADROOM));
    bytes.setInt16(44 + 2 * i, Math.round(played * 32767), true);
  });
  return new Blob([bytes], { type: "audio/wav" });
}

function isSame(samples, others) {
  if (samples === others) return true;
  return samples.length === others.length && samples.every((x, i) => x === others[i]);
}

/** A player whose sound can be exchanged. The same sound goes on playing. */
export class SoundPlayer {
  constructor(box) {
    this.figure = element("figure", "dl-player");
    this.figure.dataset.source = "synth";
    this.audio = element("audio");
    this.name = element("b");
    const caption = element("figcaption");
    caption.append(this.name);
    this.figure.append(this.audio, caption);
    this.holder = element("div", "dl-held");
    this.holder.append(this.figure);
    box.append(this.holder);
  }

  /** Plays another sound: {name, samples}. */
  show({ name, samples }) {
    if (name === this.name.textContent && isSame(samples, this.samples)) return;
    this.samples = samples;
    const before = this.audio.src;
    this.audio.pause();
    this.audio.src = URL.createObjectURL(asWav(samples));
    this.audio.setAttribute("aria-label", name);
    this.name.textContent = name;
    if (before) URL.revokeObjectURL(before);
    if (this.dressed) this.dressed.renew();
    else [this.dressed] = dressPlayers(this.holder);
  }

  /** Plays it, after a press of the reader. Where a browser forbids that, or the sound is exchanged
   * before it begins, the player's own button is still there. */
  async play() {
    try {
      await this.audio.play();
    } catch (error) {
      if (!["AbortError", "NotAllowedError"].includes(error.name)) throw error;
    }
  }
}

/** Puts a live panel in the place of the still one of a figure. */
export class LivePanel {
  /** `controls`: {name: control}; `update` takes their values and returns {text, sounds, ...}, which
   * `draw` puts into the drawing; `alt` says what the drawing shows; `more`: further elements;
   * `note`: what a notebook has beside; `also`: controls that the caption does not know;
   * `hearFirst`: whether the players stand above the controls. */
  constructor(figure, { alt, controls, update, draw, ...rest }) {
    const { more = [], note = "", also = "", hearFirst = false } = rest;
    Object.assign(this, { figure, alt, controls, update, draw, note, also });
    this.stage = element("div", "dl-live-panel");
    this.row = element("div", "dl-controls");
    this.row.append(...Object.values(controls).map((control) => control.element));
    this.status = element("p", "dl-told");
    this.status.setAttribute("role", "status");
    this.drawing = element("div", "dl-drawing");
    this.drawing.setAttribute("role", "img");
    this.box = element("div", "dl-players");
    this.players = [];
    this.stage.append(this.row, ...more, this.status, this.drawing, this.box);
    if (hearFirst) this.stage.prepend(this.box);
    this.shown = this.update(this.values); // fails before anything is changed
    this.replace();
    for (const control of Object.values(controls)) control.onChange(() => this.refresh());
    new ResizeObserver(() => this.redraw()).observe(this.stage);
  }

  get values() {
    const pairs = Object.entries(this.controls).map(([name, control]) => [name, control.value]);
    return Object.fromEntries(pairs);
  }

  /** Exchanges the still parts of the figure for the live ones. */
  replace() {
    const caption = this.figure.querySelector(":scope > figcaption");
    const still = [...this.figure.childNodes].filter((node) => node !== caption);
    this.figure.prepend(this.stage);
    still.forEach((node) => node.remove());
    try {
      this.show();
    } catch (error) {
      this.stage.replaceWith(...still);
      throw error;
    }
    this.tellWhatMoves();
  }

  /** Says in the caption what can be changed here, where it says what a notebook could. */
  tellWhatMoves() {
    const live = this.figure.querySelector(".dl-live");
    if (!live) return;
    let told = live.textContent.replace("In a running notebook", "Here");
    if (this.also) told = told.replace("can change: ", `can change: ${this.also}, `);
    live.textContent = `${told} ${this.note}`.trim();
  }

  /** Shows what the controls say now, at the next frame. */
  refresh() {
    this.waiting ??= requestAnimationFrame(() => this.refreshNow());
  }

  /** Shows what the controls say, at once. */
  refreshNow() {
    cancelAnimationFrame(this.waiting);
    this.waiting = null;
    this.shown = this.update(this.values);
    this.show();
  }

  /** Plays the first sound, if there is one. A browser lets only a press of the reader do so. */
  play() {
    if (this.shown.sounds.length) this.players[0].play();
  }

  show() {
    const { text, sounds } = this.shown;
    this.status.textContent = text;
    this.drawing.setAttribute("aria-label", `${this.alt} ${text}`);
    this.redraw();
    while (this.players.length < sounds.length) this.players.push(new SoundPlayer(this.box));
    this.players.forEach((player, i) => {
      player.holder.hidden = i >= sounds.length;
      if (i < sounds.length) player.show(sounds[i]);
      else player.audio.pause(); // it would have no button to stop it
    });
  }

  redraw() {
    this.drawing.replaceChildren(...this.draw(this.drawing, this.shown));
  }
}
