/**
 * The built package (dist/), typed by its sources: the type check and the tests of a fresh checkout run
 * before anything is built.
 */
import process from 'node:process';

/** @param {string} path */
async function load(path) {
  try {
    return await import(path);
  } catch (error) {
    console.error(`${path} cannot be loaded (${/** @type {Error} */ (error).message}). Run \`npm run build\` first.`);
    return process.exit(1);
  }
}

/** @type {typeof import('../../src/index.ts')} */
const api = await load('../../dist/index.js');
/** @type {typeof import('../../src/data/augment/picture-operation.ts')} */
const operation = await load('../../dist/data/augment/picture-operation.js');
/** @type {typeof import('../../src/data/augment/policies.ts')} */
const policies = await load('../../dist/data/augment/policies.js');
/** @type {typeof import('../../src/data/augment/policy-ops.ts')} */
const policyOps = await load('../../dist/data/augment/policy-ops.js');
/** @type {typeof import('../../src/train/training-session.ts')} */
const training = await load('../../dist/train/training-session.js');
/** @type {typeof import('../../src/train/schedule.ts')} */
const schedule = await load('../../dist/train/schedule.js');
/** @type {typeof import('../../src/report/table.ts')} */
const table = await load('../../dist/report/table.js');

export const { Model, mobilenetV2, mobilenetV3, decodePicture, defaultPreprocessing, evaluationPicture } = api;
export const { applyOperation } = operation;
export const { CHOSEN_OPS, RANDAUGMENT_SPACE, TRIVIALAUGMENT_SPACE } = policies;
export const { policyMagnitude, policyOperation, SIGNED_OPS } = policyOps;
export const { TrainingSession } = training;
export const { learningRateAt } = schedule;
export const { formatTable } = table;

/** @typedef {import('../../src/models/architecture.ts').Architecture} Architecture */
/** @typedef {import('../../src/train/session.ts').OptimizerOptions} OptimizerOptions */
/** @typedef {import('../../src/train/session.ts').SessionOptions} SessionOptions */
/** @typedef {import('../../src/train/schedule.ts').Schedule} Schedule */
/** @typedef {import('../../src/train/training-session.ts').TrainingSession} Session */
