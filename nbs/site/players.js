// Players: one round button a drum, its waveform and level to see, and one sound at a time.
//
// A stored page holds plain <audio> elements (drumlesson.display). They stay what plays, so a sound
// is as loud as it is stored: the volume is never touched. Without this script they are shown.

import { rateOf } from "./sound.js";

const HEADROOM = 0.5; // what drumlesson.display multiplies by: a full-scale sound peaks here
const LONG = 2; // seconds: from here on a sound has a slider to move in
const BEND = 0.6; // the height drawn is the amplitude to this power, so that soft sounds have a shape
const METER_FLOOR = -50; // dB below full scale at which the meter is empty
const PLAY = '<svg viewBox="0 0 16 16" aria-hidden="true"><path d="M4 2l10 6-10 6z"/></svg>';
const STOP = '<svg viewBox="0 0 16 16" aria-hidden="true"><path d="M3 3h10v10H3z"/></svg>';

// Kits that a synthesiser drew have a number; to a reader they have a name.
const WOODS = [
  "Maple",
  "Birch",
  "Walnut",
  "Cherry",
  "Oak",
  "Ash",
  "Beech",
  "Cedar",
  "Elm",
  "Hazel",
];
const FINISHES = ["red", "blue", "amber", "black", "pearl", "green", "silver"];

/** The name of a synthesised kit: the same number has the same name on every page. */
export function kitName(number) {
  const mixed = Math.floor(number / 100000) * 31 + (number % 100000);
  const wood = WOODS[mixed % WOODS.length];
  const finish = FINISHES[Math.floor(mixed / WOODS.length) % FINISHES.length];
  return `${finish} ${wood} kit`;
}

/** Decibels of an amplitude against full scale, 1; -Infinity of silence. */
export function decibels(amplitude) {
  return 20 * Math.log10(Math.abs(amplitude));
}

/** The loudest sample of each of n equal stretches. */
export function outline(samples, n) {
  const peaks = new Float32Array(n);
  for (let i = 0; i < samples.length; i++) {
    const at = Math.min(n - 1, Math.floor((i * n) / samples.length));
    peaks[at] = Math.max(peaks[at], Math.abs(samples[i]));
  }
  return peaks;
}

/** The samples of a stored sound, its first channel, with headroom undone: full scale is 1. */
async function decode(address) {
  const bytes = await (await fetch(address)).arrayBuffer();
  const context = new OfflineAudioContext(1, 1, rateOf(bytes)); // at another rate peaks differ
  const sound = await context.decodeAudioData(bytes);
  return { samples: sound.getChannelData(0).map((x) => x / HEADROOM), rate: sound.sampleRate };
}

/** The root mean square around a moment. */
function levelAt({ samples, rate }, seconds) {
  const start = Math.max(0, Math.floor(seconds * rate));
  const part = samples.subarray(start, start + Math.floor(rate / 40));
  const power = part.reduce((sum, x) => sum + x * x, 0) / Math.max(1, part.length);
  return Math.sqrt(power);
}

/** Draws a waveform; all players share one scale, so a quiet sound is drawn small. */
function draw(canvas, peaks, share) {
  const style = getComputedStyle(canvas);
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(canvas.clientWidth * ratio);
  canvas.height = Math.round(canvas.clientHeight * ratio);
  const pen = canvas.getContext("2d");
  const middle = canvas.height / 2;
  const step = canvas.width / peaks.length;
  peaks.forEach((peak, i) => {
    const half = Math.max(ratio / 2, Math.min(1, peak) ** BEND * middle);
    pen.fillStyle = i / peaks.length < share ? style.borderTopColor : style.color;
    pen.fillRect(i * step, middle - half, Math.max(1, step - ratio), 2 * half);
  });
  if (share <= 0 || share >= 1) return;
  pen.fillStyle = style.borderBottomColor; // a playhead, for colours may be much alike
  pen.fillRect(share * canvas.width, 0, 2 * ratio, canvas.height);
}

/** One player, dressed. */
class Player {
  constructor(figure, audio) {
    this.figure = figure;
    this.audio = audio;
    this.name = audio.getAttribute("aria-label") || "sound";
    this.build();
    audio.addEventListener("play", () => this.follow());
    audio.addEventListener("pause", () => this.show());
    audio.addEventListener("ended", () => this.rest());
  }

  build() {
    const row = document.createElement("div");
    row.className = "dl-row";
    row.innerHTML =
      '<button type="button" class="dl-play"></button>' +
      '<span class="dl-sight"><canvas aria-hidden="true"></canvas></span>' +
      '<span class="dl-meter" aria-hidden="true"><i></i></span>';
    this.button = row.querySelector("button");
    this.sight = row.querySelector(".dl-sight");
    this.canvas = row.querySelector("canvas");
    this.meter = row.querySelector("i");
    this.canvas.style.cssText =
      "color: var(--dl-wave); border: 0 solid var(--dl-link); border-bottom-color: var(--dl-ink)";
    this.button.addEventListener("click", () => this.toggle());
    this.figure.removeAttribute("style");
    this.figure.classList.add("dl-dressed");
    this.figure.prepend(row);
    this.audio.controls = false;
    this.audio.hidden = true;
    this.show();
  }

  /** Reads the sound and draws it; a sound that cannot be read keeps its native player. */
  async look() {
    if (this.looked) return;
    this.looked = true;
    const address = this.audio.src;
    try {
      const sound = await decode(address);
      if (address !== this.audio.src) return; // it plays another one by now
      this.sound = sound;
    } catch {
      if (address === this.audio.src) this.undress();
      return;
    }
    this.peaks = outline(this.sound.samples, 60);
    const peak = this.peaks.reduce((a, b) => Math.max(a, b), 0);
    const loud = Math.round(decibels(peak)) || 0; // no -0
    this.tell(peak > 0 ? `peak ${String(loud).replace("-", "−")} dB` : "silent");
    if (this.sound.samples.length / this.sound.rate > LONG) this.addSlider();
    this.show();
  }

  /** Shows another sound, once the player has another address. */
  renew() {
    this.name = this.audio.getAttribute("aria-label") || "sound";
    delete this.button.dataset.playing; // or the button would keep the name of the sound before
    this.figure.querySelector(".dl-peak")?.remove();
    this.slider?.remove();
    this.slider = null;
    this.looked = false;
    return this.look();
  }

  undress() {
    this.figure.classList.remove("dl-dressed");
    this.figure.querySelector(".dl-row")?.remove();
    this.audio.controls = true;
    this.audio.hidden = false;
  }

  tell(text) {
    const caption = this.figure.querySelector("figcaption") || this.figure;
    const said = document.createElement("span");
    said.className = "dl-peak";
    said.textContent = text;
    caption.append(said);
  }

  addSlider() {
    const slider = document.createElement("input");
    const length = this.sound.samples.length / this.sound.rate;
    Object.assign(slider, { type: "range", min: 0, max: length, step: 0.01, value: 0 });
    slider.setAttribute("aria-label", `where in ${this.name}, in seconds`);
    slider.addEventListener("input", () => {
      this.audio.currentTime = Number(slider.value);
      this.show();
    });
    this.slider = slider;
    this.sight.append(slider);
  }

  toggle() {
    if (!this.audio.paused) {
      this.audio.pause();
      this.audio.currentTime = 0;
      this.show();
      return;
    }
    this.look();
    this.audio.play().catch((error) => {
      if (error.name !== "AbortError") this.undress(); // else it was stopped before it began
    });
  }

  /** While it plays: the playhead and the meter move with it. */
  follow() {
    this.show();
    cancelAnimationFrame(this.frame); // or each press would have a loop of its own
    if (!this.audio.paused) this.frame = requestAnimationFrame(() => this.follow());
  }

  rest() {
    this.audio.currentTime = 0;
    this.show();
  }

  show() {
    const playing = !this.audio.paused && !this.audio.ended;
    if (this.button.dataset.playing !== String(playing)) {
      this.button.dataset.playing = String(playing);
      this.button.innerHTML = playing ? STOP : PLAY;
      this.button.setAttribute("aria-label", `${playing ? "stop" : "play"} ${this.name}`);
    }
    if (!this.sound) return;
    const { currentTime, duration } = this.audio;
    const level = playing ? decibels(levelAt(this.sound, currentTime)) : METER_FLOOR;
    const full = Math.max(0, Math.min(1, 1 - level / METER_FLOOR));
    this.meter.style.transform = `scaleY(${full})`;
    draw(this.canvas, this.peaks, duration ? currentTime / duration : 0);
    if (this.slider && document.activeElement !== this.slider) this.slider.value = currentTime;
  }
}

/** Puts names of people's kind in place of the numbers of synthesised kits. */
function nameKit(figure) {
  const caption = figure.querySelector("figcaption");
  for (const node of caption ? [...caption.childNodes] : []) {
    const found =
      node.nodeType === Node.TEXT_NODE && /^synth-(\d+)(?=, synthesised)/.exec(node.data);
    if (!found) continue;
    const name = document.createElement("span");
    name.title = found[0];
    name.textContent = kitName(Number(found[1]));
    node.data = node.data.slice(found[0].length);
    caption.insertBefore(name, node);
  }
}

/** Of a recorded sound only the caption is stored: says where it can be heard, and folds its licence. */
function tellOfRecorded(figure) {
  const where = figure.querySelector("em");
  const link = figure.querySelector("figcaption a");
  if (!where || !link) return;
  where.textContent = "Recorded: hear it at its source, or in a running notebook.";
  const [kit, file, ...licence] = link.textContent.split(", ");
  if (!licence.length) return;
  link.textContent = `${kit}, ${file}`;
  const fold = document.createElement("details");
  const head = document.createElement("summary");
  head.textContent = "licence";
  fold.append(head, licence.join(", "));
  link.after(fold);
}

/** One sound at a time, native players included. */
function alone(event) {
  for (const other of event.target.ownerDocument.querySelectorAll("audio")) {
    if (other !== event.target && !other.paused) {
      other.pause();
      other.currentTime = 0;
    }
  }
}

/** Dresses the players of a page, and sees to it that only one plays. */
export function dressPlayers(root) {
  const players = new Map();
  for (const figure of root.querySelectorAll("figure.dl-player:not(.dl-dressed)")) {
    nameKit(figure);
    const audio = figure.querySelector("audio[src]");
    if (audio) players.set(figure, new Player(figure, audio));
    else tellOfRecorded(figure);
  }
  const seen = new IntersectionObserver(
    (entries) => {
      for (const entry of entries.filter((one) => one.isIntersecting)) {
        seen.unobserve(entry.target);
        players.get(entry.target).look();
      }
    },
    { rootMargin: "300px" },
  );
  for (const figure of players.keys()) seen.observe(figure);
  root.addEventListener("play", alone, true);
  const redraw = () => players.forEach((player) => player.show());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  new MutationObserver(redraw).observe(document.body, { attributeFilter: ["class"] });
  window.addEventListener("resize", redraw);
  return [...players.values()];
}
