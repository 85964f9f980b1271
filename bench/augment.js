/**
 * What augmentation costs, on one thread: microseconds of each operation on a square picture, and
 * pictures a second of each preset, from pictures of twice the resolution (which is what training
 * keeps of large ones). A look at the orders of magnitude; nothing is written to a history.
 *
 *   node bench/augment.js [--resolution 96]
 */
import { parseArgs } from 'node:util';
import {
  applyOperation,
  augmentPicture,
  describeOperation,
  formatTable,
  namedAugmentation,
  RandomStream,
} from './built-package.js';

const SECONDS = 0.15;
const ROUNDS = 5;
const PRESETS = ['none', 'flip', 'basic', 'torchvision-v1', 'strong', 'basic,color-jitter', 'basic,randaugment'];
const MEAN = /** @type {const} */ ([0.485, 0.456, 0.406]);
const STILL = /** @type {const} */ ({ kind: 'affine', degrees: 0, translate: [0, 0], scale: 1, shear: [0, 0] });

/** Slopes and noise. @param {number} side */
function picture(side) {
  const stream = new RandomStream(1, 'augment');
  const data = Uint8Array.from({ length: side * side * 3 }, (_, i) => ((i / 7) % 200) + stream.integer(50));
  return { width: side, height: side, data };
}

/** @param {number} side @returns {import('../src/data/augment/picture-operation.ts').PictureOperation[]} */
function operations(side) {
  const box = { x: side >> 2, y: side >> 2, width: side >> 1, height: side >> 1 };
  return [
    { kind: 'flip' },
    { kind: 'vertical-flip' },
    { ...STILL, degrees: 10 },
    { ...STILL, translate: [8, 0] },
    { kind: 'corner-shear', slopes: [0.2, 0] },
    { kind: 'brightness', factor: 1.2 },
    { kind: 'contrast', factor: 1.2 },
    { kind: 'saturation', factor: 1.2 },
    { kind: 'sharpness', factor: 1.2 },
    { kind: 'hue', shift: 0.1 },
    { kind: 'posterize', bits: 4 },
    { kind: 'autocontrast' },
    { kind: 'equalize' },
    { kind: 'erase', box, color: [124, 116, 104] },
  ];
}

/** The median time of one call, in microseconds. @param {(index: number) => void} work */
function microseconds(work) {
  const samples = [];
  let index = 0;
  for (let round = 0; round <= ROUNDS; round++) {
    const start = performance.now();
    const first = index;
    while (performance.now() - start < 1000 * SECONDS) work(index++);
    // The first round warms up.
    if (round > 0) samples.push((1000 * (performance.now() - start)) / (index - first));
  }
  samples.sort((a, b) => a - b);
  return /** @type {number} */ (samples[samples.length >> 1]);
}

const { values } = parseArgs({ options: { resolution: { type: 'string', default: '96' } } });
const resolution = Number(values.resolution);
const own = picture(resolution);
const twice = picture(2 * resolution);
const box = { x: 11, y: 7, width: Math.round(1.5 * resolution), height: Math.round(1.3 * resolution) };
/** @type {[string, number][]} */
const costs = [
  [
    'crop 49% of twice the side',
    microseconds(() => applyOperation(twice, { kind: 'resized-crop', box, side: resolution })),
  ],
  ...operations(resolution).map(
    (operation) =>
      /** @type {[string, number]} */ ([
        describeOperation(operation, own).join(', '),
        microseconds(() => applyOperation(own, operation)),
      ]),
  ),
];
/** @param {readonly string[]} titles @returns {import('../src/report/table.ts').TableColumn[]} */
const columns = (titles) => titles.map((title, index) => ({ title, align: index === 0 ? 'left' : 'right' }));
console.log(
  formatTable(
    columns([`operation at ${resolution} px`, 'us']),
    costs.map(([name, cost]) => [name, cost.toFixed(0)]),
  ),
);
const rates = PRESETS.map((name) => {
  const augmentation = namedAugmentation(name, resolution);
  const target = { resolution, mean: MEAN };
  const cost = microseconds((index) =>
    augmentPicture(twice, target, augmentation, new RandomStream(3, 'augment', 0, index)),
  );
  return [name, cost.toFixed(0), (1e6 / cost).toFixed(0)];
});
console.log(`\n${formatTable(columns(['preset', 'us', 'pictures/s']), rates)}`);
