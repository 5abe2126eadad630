// What a cell printed: columns keep their lines on a narrow page, and are scrolled sideways.

const LONGEST = 100; // characters of a line: a longer one is a sentence, and wraps

/** Whether a text stands in columns: two lines or more with a gap in them, and none too long. */
export function inColumns(text) {
  const lines = text.split("\n");
  const gaps = lines.filter((line) => /\S {2,}\S/.test(line));
  return gaps.length > 1 && lines.every((line) => line.length <= LONGEST);
}

/** Marks the outputs that stand in columns; where one is wider than the page, keys can scroll it. */
export function keepColumns(root) {
  for (const output of root.querySelectorAll(".cell-output pre")) {
    if (!inColumns(output.textContent)) continue;
    output.classList.add("dl-columns");
    if (output.scrollWidth > output.clientWidth) output.tabIndex = 0;
  }
}
