// What a cell printed: columns keep their lines on a narrow page, and are scrolled sideways.

const LONGEST = 100; // characters of a line: a longer one is a sentence, and wraps

/** Whether a text stands in columns: two lines or more with a gap in them, and none too long. */
export function inColumns(text) {
  const lines = text.split("\n");
  const gaps = lines.filter((line) => /\S {2,}\S/.test(line));
  return gaps.length > 1 && lines.every((line) => line.length <= LONGEST);
}

/** Lets keys scroll what is wider than its place, and nothing else. */
function reach(output) {
  const isScrolled = /auto|scroll/.test(getComputedStyle(output).overflowX);
  if (isScrolled && output.scrollWidth > output.clientWidth + 1) output.tabIndex = 0;
  else output.removeAttribute("tabindex");
}

/** Marks the outputs that stand in columns; where one is wider than the page, keys can scroll it. */
export function keepColumns(root) {
  const watched = new ResizeObserver((entries) => entries.forEach(({ target }) => reach(target)));
  for (const output of root.querySelectorAll(".cell-output pre")) {
    if (inColumns(output.textContent)) output.classList.add("dl-columns");
  }
  const wide = ".dl-columns, .cell-output-display, main table";
  root.querySelectorAll(wide).forEach((output) => watched.observe(output));
}
