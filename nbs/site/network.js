// A network as the package's file has it: a list of operations on arrays, each {shape, data}.

const size = (shape) => shape.reduce((product, n) => product * n, 1);

/** The number that 16 bits stand for. */
function fromFloat16(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The arrays of weights, by name: large ones are kept in 16 bits, small ones in 32. */
export function readWeights(base64, tensors) {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  const weights = new Map();
  let at = 0;
  for (const { name, shape, bits } of tensors) {
    const data = new Float32Array(size(shape));
    for (let i = 0; i < data.length; i++, at += bits / 8) {
      data[i] = bits === 16 ? fromFloat16(view.getUint16(at, true)) : view.getFloat32(at, true);
    }
    weights.set(name, { shape, data });
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
  const rank = Math.max(a.shape.length, b.shape.length);
  const length = (axis, { shape }) => shape[axis - rank + shape.length] ?? 1;
  const shape = Array.from({ length: rank }, (_, i) => Math.max(length(i, a), length(i, b)));
  const [ofA, ofB, own] = [strides(a.shape, rank), strides(b.shape, rank), strides(shape, rank)];
  const data = new Float32Array(size(shape));
  for (let i = 0; i < data.length; i++) {
    let [atA, atB] = [0, 0];
    for (let axis = 0, rest = i; axis < rank; axis++) {
      if (own[axis] === 0) continue;
      const place = Math.floor(rest / own[axis]);
      rest %= own[axis];
      atA += place * ofA[axis];
      atB += place * ofB[axis];
    }
    data[i] = operation(a.data[atA], b.data[atB]);
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
function patches({ shape: [planes, above, across], data }, [tall, wide], [height, width], steps) {
  const taps = new Float32Array(height * width * planes * tall * wide);
  let to = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let plane = 0; plane < planes; plane++) {
        for (let i = 0; i < tall; i++) {
          const start = (plane * above + y * steps[0] + i) * across + x * steps[1];
          for (let j = 0; j < wide; j++) taps[to++] = data[start + j];
        }
      }
    }
  }
  return taps;
}

/** The sum of products of `n` numbers of two arrays; four sums at once keep a processor busy. */
function dot(a, atA, b, atB, n) {
  let [s, t, u, v] = [0, 0, 0, 0];
  let k = 0;
  for (; k + 3 < n; k += 4) {
    s += a[atA + k] * b[atB + k];
    t += a[atA + k + 1] * b[atB + k + 1];
    u += a[atA + k + 2] * b[atB + k + 2];
    v += a[atA + k + 3] * b[atB + k + 3];
  }
  for (; k < n; k++) s += a[atA + k] * b[atB + k];
  return s + t + u + v;
}

/** A convolution of (1, planes, height, width). */
function conv(x, kernel, bias, { pads, strides: steps }) {
  const [filters, planes, tall, wide] = kernel.shape;
  const from = padded(x, pads);
  const height = Math.floor((from.shape[1] - tall) / steps[0]) + 1;
  const width = Math.floor((from.shape[2] - wide) / steps[1]) + 1;
  const taps = patches(from, [tall, wide], [height, width], steps);
  const [places, n, weights] = [height * width, planes * tall * wide, kernel.data];
  const data = new Float32Array(filters * places);
  for (let filter = 0; filter < filters; filter++) {
    for (let place = 0; place < places; place++) {
      const sum = dot(weights, filter * n, taps, place * n, n);
      data[filter * places + place] = bias.data[filter] + sum;
    }
  }
  return { shape: [1, filters, height, width], data };
}

function transpose(x, order) {
  const from = order.map((axis) => size(x.shape.slice(axis + 1)));
  const shape = order.map((axis) => x.shape[axis]);
  const own = shape.map((_, axis) => size(shape.slice(axis + 1)));
  const data = x.data.map((_, i) => {
    const at = own.map((step, axis) => (Math.floor(i / step) % shape[axis]) * from[axis]);
    return x.data[at.reduce((sum, n) => sum + n, 0)];
  });
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

function reshape({ shape, data }, wanted) {
  const known = wanted.filter((n) => n > 0);
  return { shape: wanted.map((n) => (n < 0 ? size(shape) / size(known) : n)), data };
}

const add = (a, b) => a + b;

/** What each operation makes of its inputs and settings. `dev.page` allows no other. */
const OPERATIONS = {
  Add: ([a, b]) => pairwise(add, a, b),
  Sub: ([a, b]) => pairwise((x, y) => x - y, a, b),
  Mul: ([a, b]) => pairwise((x, y) => x * y, a, b),
  Relu: ([{ shape, data }]) => ({ shape, data: data.map((value) => Math.max(0, value)) }),
  Conv: ([x, kernel, bias], settings) => conv(x, kernel, bias, settings),
  MatMul: ([a, b]) => matMul(a, b),
  Reshape: ([x], { shape }) => reshape(x, shape),
  Transpose: ([x], { perm }) => transpose(x, perm),
  ReduceMean: ([x], { axis }) => reduce(x, axis, 0, add, 1 / x.shape[axis]),
  ReduceMax: ([x], { axis }) => reduce(x, axis, -Infinity, Math.max),
  Concat: (parts, { axis }) => concat(parts, axis),
  Softmax: ([x]) => softmax(x),
};

/** The function that answers to a picture, {shape, data}, with the network's outputs. */
export function network({ nodes, tensors, weights }) {
  const constants = readWeights(weights, tensors);
  return function answer(picture) {
    const known = new Map([...constants, ["feature", picture]]);
    for (const { op, inputs, output, settings } of nodes) {
      const given = inputs.map((name) => known.get(name));
      known.set(output, OPERATIONS[op](given, settings));
    }
    return known.get(nodes[nodes.length - 1].output).data;
  };
}
