// The table of answers, in the form that `drumlesson predict --csv` writes and goes on with.

/** A text that no spreadsheet takes for a formula. */
const asCell = (text) => (/^'*[=+\-@\t\r ]/.test(text) ? `'${text}` : text);

const quoted = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** Rows, each {column: text}, as the text of a CSV. */
export function toCsv(columns, rows) {
  const cells = rows.map((row) => columns.map((column) => quoted(asCell(row[column] ?? ""))));
  return [columns, ...cells].map((line) => `${line.join(",")}\r\n`).join("");
}

/** What stands for the content of a file; nothing where the browser does not compute it. */
export async function digestOf(bytes) {
  if (!globalThis.crypto?.subtle) return "";
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const hex = Array.from(hash.subarray(0, 8), (byte) => byte.toString(16).padStart(2, "0"));
  return `sha256-${hex.join("")}`;
}

/** The row of a sound that was named; `facts` are its path, size and so on. */
export function rowOf(facts, answer) {
  const { label, guess, probability, why } = answer;
  return { ...facts, label, guess, probability: probability?.toFixed(3) ?? "", why };
}

/** The same row with a label that a person gave; with the model's own as it was before. */
export function relabelled(row, answer, label, byHand) {
  const isTheModels = label === answer.label;
  return { ...row, label, why: isTheModels ? answer.why : byHand };
}

/** Files that were dropped, those in folders too: a list of {path, file}. */
export async function dropped(transfer) {
  const entries = Array.from(transfer.items, (item) => item.webkitGetAsEntry?.());
  if (!entries.some(Boolean)) return chosen(transfer.files);
  const found = await Promise.all(entries.filter(Boolean).map(filesIn));
  return found.flat();
}

async function filesIn(entry) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    return [{ path: entry.fullPath.replace(/^\//, ""), file }];
  }
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) break;
    for (const inner of some) found.push(...(await filesIn(inner)));
  }
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Files that were chosen: a list of {path, file}. */
export function chosen(files) {
  return Array.from(files, (file) => ({ path: file.webkitRelativePath || file.name, file }));
}
