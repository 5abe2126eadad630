// Says whether an answer to an exercise is right: looked up in what the checkers said of all answers
// when the site was made (drumlesson.dev.answering, after drumlesson.course.reading).
//
// Only plain forms are read here: letters, or one number and its unit. Whatever else is written
// is told so, and never judged.

const JOINTS = new Set(["and", "then", "or", "plus", "und"]);
const WORD = /\p{L}+/gu;
const BESIDE_LETTERS = /^[\p{L}\s,;.&+/|()[\]'"-]*$/u;
const DIGITS = String.raw`\d{1,3}(?:[,_'\u00a0\u202f]\d{3})+(?!\d)|\d+`;
const NUMBER = new RegExp(
  String.raw`^(?:[^\d]*[\s=≈~])?([-+−]?(?:(?:${DIGITS})(?:[.,]\d+)?|\.\d+)(?:e[-+]?\d+)?)` +
    String.raw`[\s-]*(\p{L}+|%)?[\s.]*$`,
  "iu",
);

/** What is told where an answer cannot be read here. */
function unread(exercise, why) {
  return { right: false, read: false, told: `${why}; asked for: ${exercise.asks}` };
}

/** What the checker said: nothing where the answer is right. */
function judged(exercise, hint) {
  const right = hint === null;
  return { right, read: true, told: right ? "" : exercise.hints[hint] };
}

/** A text without quotation marks around it. */
function unquoted(text) {
  const plain = text.trim();
  const quoted = plain.length > 1 && plain[0] === plain.at(-1) && "\"'`".includes(plain[0]);
  return quoted ? plain.slice(1, -1).trim() : plain;
}

/** The letters of a text as capitals, or null where it has other words or signs. */
function readLetters({ among, length }, text) {
  if (!BESIDE_LETTERS.test(text)) return null;
  let words = text.match(WORD) ?? [];
  if (!length) words = words.filter((word) => !JOINTS.has(word.toLowerCase()));
  const letters = [...words.join("").toUpperCase()];
  return letters.length && letters.every((letter) => among.includes(letter)) ? letters : null;
}

/** What is told of letters, each of which counts once. */
function judgeOnce(exercise, letters) {
  const once = [...new Set(letters)];
  if (!exercise.ordered) {
    once.sort((a, b) => exercise.among.indexOf(a) - exercise.among.indexOf(b));
  }
  const [, hint] = exercise.answers.find(([word]) => word === once.join(""));
  return judged(exercise, hint);
}

/** What is told of a word of so many letters: its beginning decides, or how many they are. */
function judgeWord(exercise, word) {
  const decides = ([key]) => (word.length === exercise.length ? word.startsWith(key) : false);
  const counts = ([key]) => key === String(word.length);
  const found = exercise.answers.find(decides) ?? exercise.answers.find(counts);
  return found ? judged(exercise, found[1]) : unread(exercise, `these are ${word.length} letters`);
}

function judgeLetters(exercise, text) {
  const letters = readLetters(exercise, text);
  if (!letters) return unread(exercise, "write the letters alone");
  return exercise.length ? judgeWord(exercise, letters.join("")) : judgeOnce(exercise, letters);
}

/** The value of a number as people write it, such as "1,022" or "568,9". */
export function valueOf(number) {
  const decimal = number.replace("−", "-").replace(/^(-?0),/, "$1."); // no thousands begin with 0
  const plain = decimal.replace(/[_'\u00a0\u202f]|,(?=\d{3}(?!\d))/g, "");
  return Number(plain.replace(",", "."));
}

/** The unit that a word is, in the singular, or an empty text where it is none. */
function unitOf(word, units) {
  const unit = (word ?? "").toLowerCase();
  const forms = [unit, unit.replace(/s$/, ""), unit.replace(/es$/, "")];
  return forms.find((form) => form && units.includes(form)) ?? "";
}

/** Whether a word behind a number leaves it as it is, unlike "squared": a unit, or what is counted. */
function isHarmless(word, unit, { asks }) {
  return (
    !word ||
    unit !== "" ||
    asks
      .toLowerCase()
      .split(/[^\p{L}]+/u)
      .includes(word.toLowerCase())
  );
}

function judgeNumber(exercise, text, units) {
  const joined = text.replace(/(\d) (?=\d{3}(?!\d))/g, "$1");
  const found = NUMBER.exec(joined);
  const unit = unitOf(found?.[2], units);
  const isPlain = found && isHarmless(found[2], unit, exercise);
  if (!isPlain) return unread(exercise, "write one number, and its unit if you like");
  const isOther = unit && Object.keys(exercise.units).length && !(unit in exercise.units);
  if (isOther) return unread(exercise, `${found[2]}: that is another unit`);
  const number = valueOf(found[1]) * (exercise.units[unit] ?? 1);
  const [, hint] = exercise.answers.find(([last]) => last === null || number <= last);
  return judged(exercise, hint);
}

function judgeChoice(exercise, picked) {
  const found = exercise.answers.find(([key]) => key === picked);
  return found ? judged(exercise, found[1]) : unread(exercise, "choose one of each list");
}

/**
 * Whether an answer to an exercise is right, whether it could be read, and what is told.
 *
 * `answer` is a text, or for a choice the numbers of the options, such as "2 0".
 */
export function judge(exercise, answer, units) {
  const text = unquoted(answer);
  if (!text) return unread(exercise, "not answered yet");
  if (exercise.kind === "letters") return judgeLetters(exercise, text);
  if (exercise.kind === "number") return judgeNumber(exercise, text, units);
  return judgeChoice(exercise, text);
}
