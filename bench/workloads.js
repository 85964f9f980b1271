/**
 * What is measured, as plain data: which work, on which network, at which size. Who does it stands in
 * engines.js, how often in amounts.js. Six kinds of work:
 *   train    one training step on a batch in memory: normalisation, forward, loss, backward, Adam
 *   infer    one call: pictures in, logits out
 *   memory   peak resident memory of a fresh process that makes training steps
 *   start    from the start of a process to the first logits, the model on disk
 *   loading  training steps fed from JPEG files, against steps on a batch in memory
 *   classify a picture to its likeliest classes, against the bare call
 */

/** @typedef {'train' | 'infer' | 'memory' | 'start' | 'loading' | 'classify'} Work */
/**
 * `reduction` is how many times smaller than the picture the last map is; 8 is for small pictures.
 * @typedef {{
 *   work: Work, model: 'large' | 'small', resolution: number, batch: number, reduction: 32 | 8, classes: number
 * }} Workload
 */

const IMAGENET = /** @type {const} */ ({ reduction: 32, classes: 1000 });
/** Pictures of 32 pixels in ten classes, as in CIFAR-10. */
const CIFAR = /** @type {const} */ ({ reduction: 8, classes: 10 });

/** @type {readonly Workload[]} */
export const WORKLOADS = [
  { work: 'train', model: 'large', resolution: 224, batch: 32, ...IMAGENET },
  { work: 'train', model: 'large', resolution: 96, batch: 64, ...IMAGENET },
  { work: 'train', model: 'small', resolution: 224, batch: 32, ...IMAGENET },
  { work: 'train', model: 'small', resolution: 96, batch: 64, ...IMAGENET },
  { work: 'train', model: 'small', resolution: 32, batch: 128, ...CIFAR },
  { work: 'infer', model: 'large', resolution: 224, batch: 1, ...IMAGENET },
  { work: 'infer', model: 'large', resolution: 224, batch: 8, ...IMAGENET },
  { work: 'infer', model: 'small', resolution: 224, batch: 1, ...IMAGENET },
  { work: 'infer', model: 'small', resolution: 224, batch: 8, ...IMAGENET },
  { work: 'memory', model: 'large', resolution: 224, batch: 32, ...IMAGENET },
  { work: 'start', model: 'small', resolution: 224, batch: 1, ...IMAGENET },
  { work: 'loading', model: 'small', resolution: 224, batch: 32, ...IMAGENET },
  { work: 'classify', model: 'large', resolution: 224, batch: 1, ...IMAGENET },
  { work: 'classify', model: 'small', resolution: 224, batch: 1, ...IMAGENET },
  { work: 'classify', model: 'small', resolution: 96, batch: 1, ...IMAGENET },
];

/** @type {Readonly<Record<Work, 'img/s' | 'ms' | 'MB'>>} */
export const UNITS = { train: 'img/s', infer: 'ms', memory: 'MB', start: 'ms', loading: 'img/s', classify: 'ms' };

/** The variants of `loading`. */
export const LOADING = /** @type {const} */ ({
  alone: 'steps alone',
  decoding: 'decoding each picture',
  kept: 'pictures kept in memory',
});

/** The variants of `classify`. */
export const CLASSIFY = /** @type {const} */ ({ alone: 'forwardBytes', whole: 'classify' });

/** @param {Workload} workload */
export function nameOf({ work, model, resolution, batch }) {
  return `${work} ${model}@${resolution} batch ${batch}`;
}

/**
 * One repetition, in seconds (in bytes for memory), as people compare it.
 * @param {Workload} workload @param {number} amount
 */
export function inUnits({ work, batch }, amount) {
  const unit = UNITS[work];
  if (unit === 'img/s') return batch / amount;
  return unit === 'ms' ? 1000 * amount : amount / 1e6;
}
