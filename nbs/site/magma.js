// The colours of a level: matplotlib's "magma".

// from the least to the most, at eleven places
const MAGMA = [
  [0, 0, 4],
  [20, 14, 54],
  [59, 15, 112],
  [100, 26, 128],
  [140, 41, 129],
  [183, 55, 121],
  [222, 73, 104],
  [247, 112, 92],
  [254, 159, 109],
  [254, 207, 146],
  [252, 253, 191],
];

/** The colour of a share from 0 to 1: red, green and blue, each up to 255. */
export function magma(share) {
  const place = Math.min(1, Math.max(0, share)) * (MAGMA.length - 1);
  const below = Math.min(MAGMA.length - 2, Math.floor(place));
  return MAGMA[below].map((low, i) => low + (place - below) * (MAGMA[below + 1][i] - low));
}
