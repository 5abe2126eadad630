// What a page is made of, and a sound that plays: one at a time.

/** A new element; `children` are elements and texts. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name in made && typeof value !== "string") made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

export const button = (text, onclick, more = {}) =>
  element("button", { type: "button", class: "dl-ear-button", onclick, ...more }, text);

/** So many of something, in words. */
export const several = (n, what) => `${n} ${what}${n === 1 ? "" : "s"}`;

/** Has the browser keep a file, of a name and with some content. */
export function keep(name, content, type) {
  const address = URL.createObjectURL(new Blob([content], { type }));
  element("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

const player = { context: null, source: null, button: null, frame: 0, ended: null };

export function stopPlaying() {
  const { source, button: pressed, frame, ended } = player;
  player.source = player.button = player.ended = null;
  cancelAnimationFrame(frame);
  source?.stop();
  pressed?.classList.remove("dl-ear-plays");
  pressed?.setAttribute("aria-pressed", "false");
  ended?.();
}

/** Tells `onTime` the second that is heard, again and again, as long as a sound plays. */
function follow(onTime) {
  const { context, source } = player;
  const began = context.currentTime;
  const delay = context.outputLatency || 0;
  const tell = () => {
    if (player.source !== source) return;
    onTime(Math.max(0, context.currentTime - began - delay));
    player.frame = requestAnimationFrame(tell);
  };
  tell();
}

/**
 * Plays a sound, {channels, sr}, until it ends or the button is pressed again.
 *
 * `onTime` is told the second that is heard, `onEnd` that there is no more.
 */
export function togglePlaying({ channels, sr }, pressed, { onTime, onEnd } = {}) {
  const isOn = player.button === pressed;
  stopPlaying();
  if (isOn) return;
  for (const audio of document.querySelectorAll("audio")) audio.pause();
  player.context ??= new AudioContext();
  player.context.resume();
  const buffer = player.context.createBuffer(channels.length, channels[0].length, sr);
  channels.forEach((channel, i) => buffer.copyToChannel(channel, i));
  const source = new AudioBufferSourceNode(player.context, { buffer });
  source.connect(player.context.destination);
  source.onended = () => player.source === source && stopPlaying();
  source.start();
  Object.assign(player, { source, button: pressed, ended: onEnd ?? null });
  pressed.classList.add("dl-ear-plays");
  pressed.setAttribute("aria-pressed", "true");
  if (onTime) follow(onTime);
}
