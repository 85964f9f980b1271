/**
 * Augmentation: each operation with many parameters on pictures of several sizes, against
 * torchvision's functional operations on the same Pillow pictures; and every change of RandAugment and
 * TrivialAugment at every step of its scale, both ways. Pixels are bytes, so 1/255 is one step.
 */
import { join } from 'node:path';
import {
  applyOperation,
  CHOSEN_OPS,
  policyMagnitude,
  policyOperation,
  RANDAUGMENT_SPACE,
  SIGNED_OPS,
  TRIVIALAUGMENT_SPACE,
} from './bneck.js';
import { largestDifference, worse } from './differences.js';
import { PeerTensors, withFolder } from './peer.js';

/** @typedef {import('../../src/data/augment/picture-operation.ts').PictureOperation} Operation */
/** @typedef {import('../../src/data/augment/policy-ops.ts').PolicyOp} PolicyOp */
/** @typedef {{ width: number, height: number }} Size */

const LIMIT = 2 / 255;
const BYTES_A_RANGE = 255;

/** @type {Size[]} */
const SIZES = [
  { width: 96, height: 96 },
  { width: 41, height: 67 },
  { width: 224, height: 160 },
];

const STILL = /** @type {const} */ ({ kind: 'affine', degrees: 0, translate: [0, 0], scale: 1, shear: [0, 0] });
const FACTORS = [0, 0.001, 0.25, 0.5, 0.9, 1, 1.1, 1.5, 1.99, 4];
const HUES = Array.from({ length: 21 }, (_, index) => (index - 10) / 20);

/** @param {Size} size @returns {[string, Operation[]][]} */
function groupsFor({ width, height }) {
  const box = { x: width >> 2, y: height >> 3, width: width >> 1, height: height >> 1 };
  const whole = { x: 0, y: 0, width, height };
  return [
    [
      'crops and flips',
      [
        ...[16, 96, 130].map((side) => /** @type {const} */ ({ kind: 'resized-crop', box, side })),
        { kind: 'resized-crop', box: whole, side: 32 },
        ...[31, 96].map((side) => /** @type {const} */ ({ kind: 'center-crop', side })),
        ...[-7, 0, 3].map((x) => /** @type {const} */ ({ kind: 'shifted-crop', x, y: 4 - x, side: 64 })),
        { kind: 'flip' },
        { kind: 'vertical-flip' },
      ],
    ],
    ['rotation', [-133, -45, -7.3, 0.5, 10, 30, 89, 179].map((degrees) => ({ ...STILL, degrees }))],
    [
      'translation, zoom, shear, all of them',
      [
        { ...STILL, translate: [5, -9] },
        { ...STILL, translate: [-width, 0] },
        { ...STILL, scale: 0.5 },
        { ...STILL, scale: 1.31 },
        { ...STILL, shear: [17, 0] },
        { ...STILL, shear: [0, -33] },
        { ...STILL, degrees: -21, translate: [-3, 8], scale: 0.87, shear: [6, -11] },
      ],
    ],
    ['brightness', FACTORS.map((factor) => ({ kind: 'brightness', factor }))],
    ['contrast', FACTORS.map((factor) => ({ kind: 'contrast', factor }))],
    ['saturation', FACTORS.map((factor) => ({ kind: 'saturation', factor }))],
    ['hue', HUES.map((shift) => ({ kind: 'hue', shift }))],
    ['sharpness', FACTORS.map((factor) => ({ kind: 'sharpness', factor }))],
    [
      'posterize, solarize, invert, autocontrast, equalize',
      [
        ...[1, 2, 4, 6, 8].map((bits) => /** @type {const} */ ({ kind: 'posterize', bits })),
        ...[0, 59.5, 128, 200, 256].map((threshold) => /** @type {const} */ ({ kind: 'solarize', threshold })),
        { kind: 'invert' },
        { kind: 'autocontrast' },
        { kind: 'equalize' },
      ],
    ],
    ['erasing', [{ kind: 'erase', box, color: [124, 116, 104] }]],
  ];
}

/** Every change at every step, both ways. @param {Size} size @returns {[PolicyOp, number][]} */
function changesFor(size) {
  return [RANDAUGMENT_SPACE, TRIVIALAUGMENT_SPACE].flatMap((space) =>
    CHOSEN_OPS.flatMap((op) => {
      const magnitudes = Array.from({ length: space.steps }, (_, step) => policyMagnitude(op, space, step, size));
      const both = SIGNED_OPS.has(op) ? magnitudes.flatMap((magnitude) => [magnitude, -magnitude]) : magnitudes;
      return [...new Set(both)].map((magnitude) => /** @type {[PolicyOp, number]} */ ([op, magnitude]));
    }),
  );
}

/**
 * The largest difference of any byte for each operation, then for each change.
 * @param {import('./peer.js').Peer} peer @param {Size} size @param {number} seed
 * @param {readonly Operation[]} operations @param {readonly [PolicyOp, number][]} changes
 */
async function compare(peer, size, seed, operations, changes) {
  return withFolder(async (folder) => {
    await peer.ask('augmentations', { ...size, seed, operations, changes }, folder);
    const wanted = await PeerTensors.read(join(folder, 'augmentations.safetensors'));
    const picture = { ...size, data: wanted.bytes('picture') };
    /** @param {Operation | null} operation @param {string} name */
    const measure = (operation, name) => {
      const found = operation === null ? picture : applyOperation(picture, operation);
      return largestDifference(found.data, wanted.bytes(name));
    };
    return {
      operations: operations.map((operation, index) => measure(operation, `operation ${index}`)),
      changes: changes.map(([op, magnitude], index) => measure(policyOperation(op, magnitude), `change ${index}`)),
    };
  });
}

/** @typedef {{ difference: number, note: string }} Worst */

/** @type {import('./run.js').Check} */
export async function checkAugmentations(peer, { wanted }) {
  /** @type {Map<string, Worst>} */
  const worst = new Map();
  /** @param {string} title @param {number} difference @param {string} note */
  const record = (title, difference, note) => {
    const known = worst.get(title) ?? { difference: 0, note: '' };
    const most = worse(known.difference, difference);
    worst.set(title, { difference: most, note: difference > known.difference ? note : known.note });
  };
  for (const [seed, size] of SIZES.entries()) {
    const groups = groupsFor(size).filter(([title]) => wanted(title));
    const title = 'RandAugment and TrivialAugment, every change and strength';
    const changes = wanted(title) ? changesFor(size) : [];
    const operations = groups.flatMap(([group, list]) => list.map((operation) => ({ group, operation })));
    const all = operations.map(({ operation }) => operation);
    const found = await compare(peer, size, seed + 1, all, changes);
    const where = `${size.width}x${size.height}`;
    for (const [index, { group, operation }] of operations.entries()) {
      record(group, /** @type {number} */ (found.operations[index]), `${where} ${JSON.stringify(operation)}`);
    }
    for (const [index, change] of changes.entries()) {
      record(title, /** @type {number} */ (found.changes[index]), `${where} ${change.join(' ')}`);
    }
  }
  return [...worst].map(([title, { difference, note }]) => ({
    check: `augmentation, ${title}: pixels`,
    difference: difference / BYTES_A_RANGE,
    limit: LIMIT,
    note,
  }));
}
