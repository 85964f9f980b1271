/**
 * How far apart two answers are, and the rows of the table that says so. Every difference is that of
 * bneck from PyTorch in single precision, held against a limit; beside it stand the distances of both
 * from PyTorch in double precision, which tell whose rounding it is. NaN is never within a limit.
 */

/** Gradients that are zero in exact arithmetic are measured against this share of the norm of all gradients together. */
export const GRADIENT_FLOOR = 1e-4;

/** @typedef {ArrayLike<number>} Values */

/**
 * One line of the table.
 * @typedef {object} Row
 * @property {string} check
 * @property {number} difference bneck from PyTorch
 * @property {number} limit of `difference`
 * @property {number} [own] bneck from double precision
 * @property {number} [peer] PyTorch from double precision
 * @property {string} [note]
 */

/** @param {Row} row */
export function passes({ difference, limit }) {
  return difference <= limit;
}

/** @param {Values} found @param {Values} wanted */
function sameLength(found, wanted) {
  if (found.length !== wanted.length) throw new Error(`${found.length} values in place of ${wanted.length}.`);
}

/** The larger of two, NaN if either is. @param {number} a @param {number} b */
export function worse(a, b) {
  return Math.max(a, b);
}

/** @param {Values} values @param {number} index */
function at(values, index) {
  return /** @type {number} */ (values[index]);
}

/** max |found - wanted|. @param {Values} found @param {Values} wanted */
export function largestDifference(found, wanted) {
  sameLength(found, wanted);
  let difference = 0;
  for (let i = 0; i < wanted.length; i++) difference = worse(difference, Math.abs(at(found, i) - at(wanted, i)));
  return difference;
}

/** max |found - wanted| / max |wanted|. @param {Values} found @param {Values} wanted */
export function differenceOfLargest(found, wanted) {
  let scale = 0;
  for (let i = 0; i < wanted.length; i++) scale = worse(scale, Math.abs(at(wanted, i)));
  return largestDifference(found, wanted) / scale;
}

/** max of |found - wanted| / |wanted|, each by itself. @param {Values} found @param {Values} wanted */
export function relativeDifference(found, wanted) {
  sameLength(found, wanted);
  let difference = 0;
  for (let i = 0; i < wanted.length; i++) {
    difference = worse(difference, Math.abs((at(found, i) - at(wanted, i)) / at(wanted, i)));
  }
  return difference;
}

/** Euclidean norm. @param {Values} values */
export function norm(values) {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += at(values, i) ** 2;
  return Math.sqrt(sum);
}

/** ||found - wanted||. @param {Values} found @param {Values} wanted */
function distance(found, wanted) {
  sameLength(found, wanted);
  let sum = 0;
  for (let i = 0; i < wanted.length; i++) sum += (at(found, i) - at(wanted, i)) ** 2;
  return Math.sqrt(sum);
}

/**
 * The worst of many tensors.
 * @param {Iterable<string>} names
 * @param {(name: string) => number} measure
 */
export function worstOf(names, measure) {
  let [difference, name] = [0, ''];
  for (const candidate of names) {
    const measured = measure(candidate);
    if (measured <= difference) continue;
    [difference, name] = [measured, candidate];
    if (Number.isNaN(measured)) break;
  }
  return { difference, name };
}

/**
 * The gradient that is furthest off, ||found - wanted|| / max(||wanted||, floor), where the floor is
 * GRADIENT_FLOOR of the norm of all gradients: batch norms behind projections have a bias that the next
 * batch norm takes out again, so that its gradient is nothing but rounding.
 * @param {readonly string[]} names
 * @param {(name: string) => Values} found
 * @param {(name: string) => Values} wanted
 */
export function worstGradient(names, found, wanted) {
  const floor = GRADIENT_FLOOR * norm(names.map((name) => norm(wanted(name))));
  return worstOf(names, (name) => distance(found(name), wanted(name)) / Math.max(norm(wanted(name)), floor));
}

/**
 * The running statistics that are furthest off, each tensor in norm: a variance relative to itself, a
 * mean relative to the standard deviations of its channels, in which batch norm measures it too.
 * @param {readonly string[]} names
 * @param {(name: string) => Values} found
 * @param {(name: string) => Values} wanted
 */
export function worstStatistic(names, found, wanted) {
  return worstOf(names, (name) => {
    const variance = wanted(name.replace('running_mean', 'running_var'));
    const scale = name.endsWith('running_mean') ? Array.from(variance, Math.sqrt) : variance;
    return distance(found(name), wanted(name)) / norm(scale);
  });
}

/**
 * The weights that are furthest off, ||found - wanted|| / max(||wanted||, 1), each tensor by itself. Batch norm's
 * biases may be next to nothing.
 * @param {readonly string[]} names
 * @param {(name: string) => Values} found
 * @param {(name: string) => Values} wanted
 */
export function worstWeight(names, found, wanted) {
  return worstOf(names, (name) => distance(found(name), wanted(name)) / Math.max(norm(wanted(name)), 1));
}
