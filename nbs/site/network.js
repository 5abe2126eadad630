// A network as the package's file has it: a list of operations on arrays, each {shape, data}.

const size = (shape) => shape.reduce((product, n) => product * n, 1);

/** The number that 16 bits stand for. */
function fromFloat16(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const DIGITS =
  "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";

/** The bytes that a text stands for, five letters for four of them: after base64.b85decode. */
function fromBase85(text) {
  const values = new Uint8Array(128);
  for (let i = 0; i < DIGITS.length; i++) values[DIGITS.charCodeAt(i)] = i;
  const bytes = new DataView(new ArrayBuffer(4 * Math.ceil(text.length / 5)));
  const filled = text.padEnd((5 * bytes.byteLength) / 4, "~");
  for (let at = 0; 4 * at < bytes.byteLength; at++) {
    let number = 0;
    for (let i = 5 * at; i < 5 * at + 5; i++) number = 85 * number + values[filled.charCodeAt(i)];
    bytes.setUint32(4 * at, number);
  }
  return bytes;
}

/** Whole numbers of so many bits each, the lowest bits first. */
function unpack(view, start, n, bits) {
  const numbers = new Uint16Array(n);
  let [at, held, waiting] = [start, 0, 0];
  for (let i = 0; i < n; i++) {
    for (; waiting < bits; waiting += 8) held |= view.getUint8(at++) << waiting;
    numbers[i] = held & (2 ** bits - 1);
    held >>>= bits;
    waiting -= bits;
  }
  return numbers;
}

/** Numbers that are kept as steps, whose size each row has its own; and where they end. */
function readSteps(view, start, shape, bits) {
  const [rows, n] = [shape[0], size(shape)];
  const most = 2 ** (bits - 1) - 1;
  const counts = unpack(view, start + 4 * rows, n, bits);
  const data = Float32Array.from(counts, (count, i) => {
    const step = view.getFloat32(start + 4 * Math.floor((i * rows) / n), true);
    return (count - most) * step;
  });
  return [data, start + 4 * rows + Math.ceil((n * bits) / 8)];
}

/** Numbers that are kept in 16 or 32 bits each; and where they end. */
function readFloats(view, start, shape, bits) {
  const data = new Float32Array(size(shape));
  let at = start;
  for (let i = 0; i < data.length; i++, at += bits / 8) {
    data[i] = bits === 16 ? fromFloat16(view.getUint16(at, true)) : view.getFloat32(at, true);
  }
  return [data, at];
}

/** The arrays of weights, by name: in 16 or 32 bits as they are, in fewer as steps. */
export function readWeights(text, tensors) {
  const view = fromBase85(text);
  const weights = new Map();
  let at = 0;
  for (const [name, shape, bits] of tensors) {
    const read = bits < 16 ? readSteps : readFloats;
    const [data, end] = read(view, at, shape, bits);
    weights.set(name, { shape, data });
    at = end;
  }
  return weights;
}

/** How far apart in `data` two neighbours of each axis lie; 0 for an axis that is repeated. */
function strides(shape, rank) {
  const filled = [...Array(rank - shape.length).fill(1), ...shape];
  return filled.map((n, axis) => (n === 1 ? 0 : size(filled.slice(axis + 1))));
}

/** An operation on each pair of numbers of two arrays, the smaller one being repeated. */
function pairwise(operation, a, b) {
  const rank = Math.max(a.shape.length, b.shape.length, 1);
  const length = (axis, { shape }) => shape[axis - rank + shape.length] ?? 1;
  const shape = Array.from({ length: rank }, (_, i) => Math.max(length(i, a), length(i, b)));
  const [ofA, ofB, own] = [strides(a.shape, rank), strides(b.shape, rank), strides(shape, rank)];
  const data = new Float32Array(size(shape));
  const inner = shape[rank - 1];
  for (let start = 0; start < data.length; start += inner) {
    let [atA, atB] = [0, 0];
    for (let axis = 0, rest = start; axis < rank - 1; axis++) {
      if (own[axis] === 0) continue;
      const place = Math.floor(rest / own[axis]);
      rest %= own[axis];
      atA += place * ofA[axis];
      atB += place * ofB[axis];
    }
    for (let i = 0; i < inner; i++, atA += ofA[rank - 1], atB += ofB[rank - 1]) {
      data[start + i] = operation(a.data[atA], b.data[atB]);
    }
  }
  return { shape, data };
}

/** Planes with zeros around them. */
function padded(x, [above, left, below, right]) {
  const [planes, height, width] = x.shape.slice(1);
  const shape = [planes, height + above + below, width + left + right];
  const data = new Float32Array(size(shape));
  for (let row = 0; row < planes * height; row++) {
    const plane = Math.floor(row / height);
    const start = (plane * shape[1] + (row % height) + above) * shape[2] + left;
    data.set(x.data.subarray(row * width, (row + 1) * width), start);
  }
  return { shape, data };
}

/** The numbers under a kernel at each place of planes, one place after the other. */
function patches(
  { shape: [planes, above, across], data },
  [tall, wide],
  [height, width],
  settings,
) {
  const { strides: steps, dilations: apart } = settings;
  const taps = new Float32Array(height * width * planes * tall * wide);
  let to = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let plane = 0; plane < planes; plane++) {
        for (let i = 0; i < tall; i++) {
          const row = plane * above + y * steps[0] + i * apart[0];
          const start = row * across + x * steps[1];
          for (let j = 0; j < wide; j++) taps[to++] = data[start + j * apart[1]];
        }
      }
    }
  }
  return taps;
}

/** The sum of products of `n` numbers of two arrays. */
function dot(a, atA, b, atB, n) {
  let sum = 0;
  for (let k = 0; k < n; k++) sum += a[atA + k] * b[atB + k];
  return sum;
}

/**
 * The sums of products of four rows of `a` with two of `b`, written into `out`, whose rows are
 * `places` long. Eight sums at once keep a processor busy, and each number is fetched once.
 */
function fourTimesTwo(a, row, b, place, n, out, places) {
  let [s0, s1, s2, s3, t0, t1, t2, t3] = [0, 0, 0, 0, 0, 0, 0, 0];
  const [a0, b0] = [row * n, place * n];
  for (let k = 0; k < n; k++) {
    const x = b[b0 + k];
    const y = b[b0 + n + k];
    const w0 = a[a0 + k];
    const w1 = a[a0 + n + k];
    const w2 = a[a0 + 2 * n + k];
    const w3 = a[a0 + 3 * n + k];
    s0 += w0 * x;
    s1 += w1 * x;
    s2 += w2 * x;
    s3 += w3 * x;
    t0 += w0 * y;
    t1 += w1 * y;
    t2 += w2 * y;
    t3 += w3 * y;
  }
  const at = row * places + place;
  [out[at], out[at + places], out[at + 2 * places], out[at + 3 * places]] = [s0, s1, s2, s3];
  [out[at + 1], out[at + places + 1]] = [t0, t1];
  [out[at + 2 * places + 1], out[at + 3 * places + 1]] = [t2, t3];
}

/** Each row of `a`, `n` numbers long, times each row of `b`: rows times places. */
function rowsTimesRows(a, b, n) {
  const [rows, places] = [a.length / n, b.length / n];
  const out = new Float32Array(rows * places);
  const [fours, twos] = [rows - (rows % 4), places - (places % 2)];
  for (let place = 0; place < twos; place += 2) {
    for (let row = 0; row < fours; row += 4) fourTimesTwo(a, row, b, place, n, out, places);
  }
  for (let row = 0; row < rows; row++) {
    const first = row < fours ? twos : 0;
    for (let place = first; place < places; place++) {
      out[row * places + place] = dot(a, row * n, b, place * n, n);
    }
  }
  return out;
}

/** How many places a kernel of `n` taps has along an axis. */
const placesOf = (length, n, step, apart) => Math.floor((length - (n - 1) * apart - 1) / step) + 1;

/** A convolution of (1, planes, height, width). */
function conv(x, kernel, bias, settings) {
  const { pads, strides: steps, dilations: apart } = settings;
  const [filters, planes, tall, wide] = kernel.shape;
  const from = padded(x, pads);
  const height = placesOf(from.shape[1], tall, steps[0], apart[0]);
  const width = placesOf(from.shape[2], wide, steps[1], apart[1]);
  const taps = patches(from, [tall, wide], [height, width], settings);
  const data = rowsTimesRows(kernel.data, taps, planes * tall * wide);
  const places = height * width;
  for (let filter = 0; bias && filter < filters; filter++) {
    for (let i = filter * places; i < (filter + 1) * places; i++) data[i] += bias.data[filter];
  }
  return { shape: [1, filters, height, width], data };
}

function transpose(x, order) {
  const from = order.map((axis) => size(x.shape.slice(axis + 1)));
  const shape = order.map((axis) => x.shape[axis]);
  const data = new Float32Array(x.data.length);
  const place = shape.map(() => 0);
  let at = 0;
  for (let i = 0; i < data.length; i++) {
    data[i] = x.data[at];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      place[axis] += 1;
      at += from[axis];
      if (place[axis] < shape[axis]) break;
      at -= shape[axis] * from[axis];
      place[axis] = 0;
    }
  }
  return { shape, data };
}

/** One number for all along an axis, which is then no more. */
function reduce(x, axis, start, step, scale = 1) {
  const inner = size(x.shape.slice(axis + 1));
  const n = x.shape[axis];
  const shape = x.shape.filter((_, i) => i !== axis);
  const data = new Float32Array(size(shape)).map((_, i) => {
    const first = Math.floor(i / inner) * n * inner + (i % inner);
    let value = start;
    for (let k = 0; k < n; k++) value = step(value, x.data[first + k * inner]);
    return value * scale;
  });
  return { shape, data };
}

function concat(parts, axis) {
  const lengths = parts.map(({ shape }) => size(shape.slice(axis)));
  const whole = lengths.reduce((sum, n) => sum + n, 0);
  const shape = [...parts[0].shape];
  shape[axis] = parts.reduce((sum, part) => sum + part.shape[axis], 0);
  const data = new Float32Array(size(shape));
  parts.forEach(({ data: from }, p) => {
    const before = lengths.slice(0, p).reduce((sum, n) => sum + n, 0);
    for (let row = 0; row * lengths[p] < from.length; row++) {
      const piece = from.subarray(row * lengths[p], (row + 1) * lengths[p]);
      data.set(piece, row * whole + before);
    }
  });
  return { shape, data };
}

function matMul(a, b) {
  const [inner, columns] = b.shape;
  const rows = a.data.length / inner;
  const data = new Float32Array(rows * columns).map((_, i) => {
    const [row, column] = [Math.floor(i / columns), i % columns];
    let sum = 0;
    for (let k = 0; k < inner; k++) sum += a.data[row * inner + k] * b.data[k * columns + column];
    return sum;
  });
  return { shape: [...a.shape.slice(0, -1), columns], data };
}

function softmax({ shape, data }) {
  const n = shape[shape.length - 1];
  const out = new Float32Array(data.length);
  for (let start = 0; start < data.length; start += n) {
    const row = data.subarray(start, start + n);
    const most = Math.max(...row);
    const powers = Array.from(row, (value) => Math.exp(value - most));
    const sum = powers.reduce((total, power) => total + power, 0);
    out.set(
      powers.map((power) => power / sum),
      start,
    );
  }
  return { shape, data: out };
}

const add = (a, b) => a + b;

/** What each operation makes of its inputs and settings. `dev.page` allows no other. */
const OPERATIONS = {
  Add: ([a, b]) => pairwise(add, a, b),
  Sub: ([a, b]) => pairwise((x, y) => x - y, a, b),
  Mul: ([a, b]) => pairwise((x, y) => x * y, a, b),
  Sigmoid: ([{ shape, data }]) => ({ shape, data: data.map((x) => 1 / (1 + Math.exp(-x))) }),
  Relu: ([{ shape, data }]) => ({ shape, data: data.map((value) => Math.max(0, value)) }),
  Conv: ([x, kernel, bias], settings) => conv(x, kernel, bias, settings),
  MatMul: ([a, b]) => matMul(a, b),
  Reshape: ([{ data }], { shape }) => ({ shape, data }),
  Transpose: ([x], { perm }) => transpose(x, perm),
  ReduceMean: ([x], { axis }) => reduce(x, axis, 0, add, 1 / x.shape[axis]),
  ReduceMax: ([x], { axis }) => reduce(x, axis, -Infinity, Math.max),
  Concat: (parts, { axis }) => concat(parts, axis),
  Softmax: ([x]) => softmax(x),
};

/**
 * The function that answers to a picture, {shape, data}, with the network's outputs.
 *
 * Its own `inSteps` does the same as a generator, which may be left alone after each operation.
 */
export function network({ nodes, tensors, weights }) {
  const constants = readWeights(weights, tensors);
  function* inSteps(picture) {
    const known = new Map([...constants, ["feature", picture]]);
    for (const [op, inputs, output, settings] of nodes) {
      const given = inputs.map((name) => known.get(name));
      known.set(output, OPERATIONS[op](given, settings));
      yield;
    }
    return known.get(nodes.at(-1)[2]).data;
  }
  function answer(picture) {
    const steps = inSteps(picture);
    let step = steps.next();
    while (!step.done) step = steps.next();
    return step.value;
  }
  return Object.assign(answer, { inSteps });
}
