// A groove as a Standard MIDI File: after drumlesson.midi.

const TICKS = 960; // a beat
const A_SECOND = 2 * TICKS; // at 120 beats a minute
const TEMPO = [0x07, 0xa1, 0x20]; // which are so many microseconds a beat
const HELD = 0.1 * A_SECOND; // ticks that a note lasts, at most
const [NOTE_ON, NOTE_OFF] = [0x99, 0x89]; // on channel 10
const RELEASED = 64; // the velocity with which a note ends

const bigEndian = (n, bytes) =>
  Array.from({ length: bytes }, (_, i) => (n >>> (8 * (bytes - 1 - i))) & 255);

const letters = (text) => [...new TextEncoder().encode(text)];

/** A number in groups of seven bits, of which all but the last say that more follows. */
function variable(n) {
  const groups = [n & 127];
  for (let rest = n >>> 7; rest > 0; rest >>>= 7) groups.unshift((rest & 127) | 128);
  return groups;
}

/** When each note ends: before the same one is struck again, and before the groove does. */
function ends(starts, notes, last) {
  return starts.map((start, i) => {
    const again = starts.find((other, j) => j > i && notes[j] === notes[i] && other > start);
    return Math.max(start + 1, Math.min(start + HELD, again ?? Infinity, last));
  });
}

/** All that begins and ends, {tick, message}; at one instant, what ends is first. */
function events(hits, noteOf, last) {
  const starts = hits.map(({ time }) => Math.round(time * A_SECOND));
  const notes = hits.map(({ drum }) => noteOf(drum));
  const stops = ends(starts, notes, last);
  const found = hits.flatMap(({ velocity }, i) => [
    { tick: starts[i], order: 1, message: [NOTE_ON, notes[i], velocity] },
    { tick: stops[i], order: 0, message: [NOTE_OFF, notes[i], RELEASED] },
  ]);
  return found.sort((a, b) => a.tick - b.tick || a.order - b.order);
}

/** The bytes of a file; `noteOf` gives the number of a drum's note. */
export function toMidi({ hits, seconds, name }, noteOf) {
  const last = Math.round(seconds * A_SECOND);
  const title = letters(name);
  const track = [0, 0xff, 0x03, ...variable(title.length), ...title, 0, 0xff, 0x51, 3, ...TEMPO];
  let [now, status] = [0, null];
  for (const { tick, message } of events(hits, noteOf, last)) {
    track.push(...variable(tick - now));
    track.push(...(message[0] === status ? message.slice(1) : message)); // said once for many
    [now, status] = [tick, message[0]];
  }
  track.push(...variable(Math.max(0, last - now)), 0xff, 0x2f, 0);
  const head = [...letters("MThd"), ...bigEndian(6, 4), 0, 0, 0, 1, ...bigEndian(TICKS, 2)];
  return Uint8Array.from([...head, ...letters("MTrk"), ...bigEndian(track.length, 4), ...track]);
}
