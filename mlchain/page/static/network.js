// A model at work, in exact integers: what docs/training.md says of recipes, models and the way forward.
//
// A recipe is refused unless every sum stays below 2^53: so a Number holds each of them exactly, in any order.

const HEAD = 65, LAYER = 16, VERSION = 3;
const SIGNED = 1, TOKENS = 2; // what a byte of a sample stands for, if not itself
const MAX = 1; // of a pool; otherwise its sums are added
const POOL = 2;

export function readRecipe(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < HEAD || bytes[0] !== VERSION) throw new Error("this is no recipe that the page can read");
  const [count, shifts] = [bytes[63], bytes[64]];
  if (bytes.length !== HEAD + count * LAYER + shifts) throw new Error("the recipe has another length than it says");
  const name = String.fromCharCode(...bytes.subarray(1, 17)).replace(/\0+$/, "");
  const [channels, height, width] = [56, 58, 60].map((at) => view.getUint16(at, true));
  const inputs = { kind: bytes[55], channels, height, width, greatest: bytes[62] };
  inputs.size = (inputs.kind === TOKENS ? 1 : channels) * height * width;
  const layers = [];
  let shape = [channels, height, width];
  for (let depth = 0; depth < count; depth++) {
    const at = HEAD + depth * LAYER;
    const layer = readLayer(view, at, shape);
    layer.isLast = depth === count - 1;
    layers.push(layer);
    shape = layer.shape;
  }
  return { name, inputs, layers, classes: shape[0] };
}

function readLayer(view, at, [channels, height, width]) {
  const byte = (place) => view.getUint8(at + place);
  const layer = {
    outputs: view.getUint16(at, true),
    kernel: [byte(2) || height, byte(3) || width],
    stride: [byte(4), byte(5)],
    padding: byte(6),
    pooling: byte(7),
    range: byte(8) ? [-128, 127] : [0, 255],
    shift: byte(9),
    biasInput: byte(13),
    inputs: [channels, height, width],
  };
  layer.fanIn = channels * layer.kernel[0] * layer.kernel[1];
  const side = (size, axis) => Math.floor((size + 2 * layer.padding - layer.kernel[axis]) / layer.stride[axis]) + 1;
  layer.sums = [layer.outputs, side(height, 0), side(width, 1)];
  const pooled = (size) => (layer.pooling ? Math.floor(size / POOL) : size);
  layer.shape = [layer.outputs, pooled(layer.sums[1]), pooled(layer.sums[2])];
  if (Math.min(...layer.shape) < 1) throw new Error("a layer of the recipe is larger than its input");
  return layer;
}

// Returns the weights of every layer, output by output: input by input, the bias last.
export function readModel(recipe, bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = recipe.layers.reduce((sum, layer) => sum + layer.outputs * (layer.fanIn + 1), 0);
  if (bytes.length !== 2 * size) throw new Error(`a model of ${bytes.length} bytes, ${2 * size} wanted`);
  let at = 0;
  return recipe.layers.map((layer) => {
    const weights = new Float64Array(layer.outputs * (layer.fanIn + 1));
    for (let place = 0; place < weights.length; place++, at += 2) weights[place] = view.getInt16(at, true);
    return weights;
  });
}

// Returns what the first layer sees of a sample, (channels, height, width).
function valuesOf({ kind, channels, size, greatest }, sample) {
  if (sample.length !== size) throw new Error(`a sample of ${sample.length} bytes, ${size} wanted`);
  for (const byte of sample) if (!(byte >= 0 && byte <= greatest)) throw new Error(`a byte ${byte} of a sample, at most ${greatest} wanted`);
  if (kind !== TOKENS) return Float64Array.from(sample, (byte) => (kind === SIGNED ? byte - 128 : byte));
  const values = new Float64Array(channels * size);
  sample.forEach((token, place) => (values[token * size + place] = 1));
  return values;
}

// Returns the base-2 logits of a sample, integers in units of 2^-shift of the last layer.
export function logits(recipe, model, sample) {
  let values = valuesOf(recipe.inputs, sample);
  recipe.layers.forEach((layer, depth) => {
    const sums = pool(layer, convolve(layer, model[depth], values));
    values = layer.isLast ? sums : sums.map((sum) => clip(Math.floor(sum / 2 ** layer.shift), layer.range));
  });
  return Array.from(values);
}

const clip = (value, [least, most]) => Math.min(most, Math.max(least, value));

function convolve(layer, weights, values) {
  const [channels, height, width] = layer.inputs;
  const [tall, wide] = layer.kernel;
  const [outputs, rows, columns] = layer.sums;
  const sums = new Float64Array(outputs * rows * columns);
  for (let output = 0, place = 0; output < outputs; output++) {
    const first = output * (layer.fanIn + 1);
    const bias = weights[first + layer.fanIn] * layer.biasInput;
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++, place++) {
        const [top, left] = [row * layer.stride[0] - layer.padding, column * layer.stride[1] - layer.padding];
        let sum = bias;
        for (let channel = 0, weight = first; channel < channels; channel++) {
          for (let down = 0; down < tall; down++) {
            const at = (channel * height + top + down) * width + left;
            if (top + down < 0 || top + down >= height) {
              weight += wide;
              continue;
            }
            for (let across = 0; across < wide; across++, weight++) {
              if (left + across >= 0 && left + across < width) sum += weights[weight] * values[at + across];
            }
          }
        }
        sums[place] = sum;
      }
    }
  }
  return sums;
}

function pool(layer, sums) {
  if (!layer.pooling) return sums;
  const [outputs, rows, columns] = layer.shape;
  const [, , wide] = layer.sums;
  const pooled = new Float64Array(outputs * rows * columns);
  for (let output = 0, place = 0; output < outputs; output++) {
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++, place++) {
        const at = (output * layer.sums[1] + POOL * row) * wide + POOL * column;
        const four = [sums[at], sums[at + 1], sums[at + wide], sums[at + wide + 1]];
        pooled[place] = layer.pooling === MAX ? Math.max(...four) : four[0] + four[1] + four[2] + four[3];
      }
    }
  }
  return pooled;
}

// Returns the probability of every class: floating point at last, to be shown and nothing else.
export function probabilities(recipe, found) {
  const { shift } = recipe.layers.at(-1);
  const greatest = Math.max(...found);
  const powers = found.map((logit) => 2 ** ((logit - greatest) / 2 ** shift));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}

// Returns the class of the greatest logit, of equal ones the first.
export const classOf = (found) => found.indexOf(Math.max(...found));

// Returns what the first layer has learned as pictures: for each output a list of (width, height, weights) by channel.
export function firstPictures(recipe, model) {
  const [layer, weights] = [recipe.layers[0], model[0]];
  const [tall, wide] = layer.kernel;
  return Array.from({ length: layer.outputs }, (_, output) => {
    const first = output * (layer.fanIn + 1);
    return Array.from({ length: layer.inputs[0] }, (_unused, channel) => {
      const start = first + channel * tall * wide;
      return { width: wide, height: tall, weights: weights.subarray(start, start + tall * wide) };
    });
  });
}

