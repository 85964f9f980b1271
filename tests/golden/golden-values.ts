/** Weights and pictures of the goldens: those of scripts/golden_values.py, bit for bit. */
import { elementCount, type Shape } from '../../src/base/tensor.ts';

/** Uniform in [0, 1): a hash of (element, stream). */
export function goldenValues(count: number, stream: number): Float64Array {
  return Float64Array.from({ length: count }, (_, element) => {
    let hash = (Math.imul(element, 2654435761) + stream * 974711 + 12345) >>> 0;
    hash = (hash ^ (hash >>> 15)) >>> 0;
    hash = Math.imul(hash, 0x2c1b3c6d) >>> 0;
    hash = (hash ^ (hash >>> 12)) >>> 0;
    return (hash >>> 8) / 2 ** 24;
  });
}

/** A tensor of a state_dict, row-major; `stream` is its place there. */
export function goldenParameter(name: string, shape: Shape, stream: number): Float64Array {
  const uniform = goldenValues(elementCount(shape), stream);
  if (shape.length > 1) {
    const scale = Math.sqrt(24 / elementCount(shape.slice(1)));
    return uniform.map((u) => (u - 0.5) * scale);
  }
  const shift = name.endsWith('weight') || name.endsWith('running_var') ? 0.5 : -0.5;
  return uniform.map((u) => u + shift);
}

/** Pictures [count, 3, side, side] in [-2, 2), row-major. */
export function goldenPictures(count: number, side: number): Float64Array {
  return goldenValues(count * 3 * side * side, 9999).map((u) => u * 4 - 2);
}
