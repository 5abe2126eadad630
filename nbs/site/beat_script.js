// The script for beats, which is fetched only when it is wanted.

import { element } from "./elements.js";

const HERE = document.currentScript?.src; // the script for beats lies beside this one
let fetched = null;

/** What the script for beats offers; it is fetched when it is first wanted. */
export function beats() {
  fetched ??= new Promise((resolve, reject) => {
    const onload = () => resolve(globalThis.drumlesson);
    const onerror = () => {
      fetched = null;
      reject(new Error("the script that hears beats cannot be fetched: try again later"));
    };
    document.head.append(
      element("script", { src: new URL("beats.js", HERE).href, onload, onerror }),
    );
  });
  return fetched;
}
