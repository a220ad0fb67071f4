// A drawing as a sample: cut out, scaled and put in the middle, as the images of handwritten digits were made.

const INSIDE = 20 / 28; // of the longer side is filled in images of MNIST; smaller images are filled wholly
const SMALL = 16;

// `ink` are values in [0, 1] of side × side pixels. Returns the bytes of a sample, null for an empty drawing.
export function sampleOf(ink, side, { channels, height, width, greatest }) {
  const box = boxOf(ink, side);
  if (!box) return null;
  const long = Math.max(box.right - box.left, box.bottom - box.top);
  const fill = Math.min(height, width) * (Math.min(height, width) <= SMALL ? 1 : INSIDE);
  const scale = long / fill; // pixels of the drawing for one of the sample
  const plane = (middle) => {
    const bytes = [];
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        const top = middle[0] + (row - height / 2) * scale, left = middle[1] + (column - width / 2) * scale;
        bytes.push(Math.round(greatest * mean(ink, side, top, left, scale)));
      }
    }
    return bytes;
  };
  const middle = Math.min(height, width) <= SMALL ? [(box.top + box.bottom) / 2, (box.left + box.right) / 2] : centreOf(ink, side);
  const bytes = plane(middle);
  return Array.from({ length: channels }, () => bytes).flat();
}

function boxOf(ink, side) {
  const box = { top: side, left: side, bottom: 0, right: 0 };
  ink.forEach((value, at) => {
    if (value < 0.1) return;
    const [row, column] = [Math.floor(at / side), at % side];
    box.top = Math.min(box.top, row);
    box.left = Math.min(box.left, column);
    box.bottom = Math.max(box.bottom, row + 1);
    box.right = Math.max(box.right, column + 1);
  });
  return box.bottom ? box : null;
}

function centreOf(ink, side) {
  let [sum, down, across] = [0, 0, 0];
  ink.forEach((value, at) => {
    sum += value;
    down += value * (Math.floor(at / side) + 0.5);
    across += value * ((at % side) + 0.5);
  });
  return [down / sum, across / sum];
}

// The mean of a square of the drawing; what is outside is empty.
function mean(ink, side, top, left, size) {
  const [first, last] = [Math.round(top), Math.max(Math.round(top) + 1, Math.round(top + size))];
  const [from, to] = [Math.round(left), Math.max(Math.round(left) + 1, Math.round(left + size))];
  let sum = 0;
  for (let row = Math.max(0, first); row < Math.min(side, last); row++) {
    for (let column = Math.max(0, from); column < Math.min(side, to); column++) sum += ink[row * side + column];
  }
  return sum / ((last - first) * (to - from));
}
