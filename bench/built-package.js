/**
 * The parts of the built package that the benchmarks drive: what is measured is dist/ and wasm/, as
 * a user has them, never the sources. The types come from src/, so that type checking needs no
 * build; the paths are resolved at run time. Invariant: the only bench file that names dist/.
 */

/** @param {string} path within dist/ */
async function load(path) {
  const url = new URL(`../dist/${path}`, import.meta.url);
  try {
    return await import(url.href);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND') {
      throw new Error(`dist/${path} cannot be loaded (${error.message}). Build first: npm run build`);
    }
    throw error;
  }
}

/** @type {typeof import('../src/base/random.ts')} */
export const { RandomStream } = await load('base/random.js');
/** @type {typeof import('../src/data/augment/augment-picture.ts')} */
export const { augmentPicture } = await load('data/augment/augment-picture.js');
/** @type {typeof import('../src/data/augment/picture-operation.ts')} */
export const { applyOperation, describeOperation } = await load('data/augment/picture-operation.js');
/** @type {typeof import('../src/data/augment/presets.ts')} */
export const { namedAugmentation } = await load('data/augment/presets.js');
/** @type {typeof import('../src/graph/build-graph.ts')} */
export const { buildGraph } = await load('graph/build-graph.js');
/** @type {typeof import('../src/graph/initial-weights.ts')} */
export const { initialWeights } = await load('graph/initial-weights.js');
/** @type {typeof import('../src/kernels/table.ts')} */
export const { kernelNamed } = await load('kernels/table.js');
/** @type {typeof import('../src/model/predictor.ts')} */
export const { Predictor } = await load('model/predictor.js');
/** @type {typeof import('../src/models/mobilenet-v3.ts')} */
export const { mobilenetV3 } = await load('models/mobilenet-v3.js');
/** @type {typeof import('../src/program/print-program.ts')} */
export const { stepBytes } = await load('program/print-program.js');
/** @type {typeof import('../src/report/table.ts')} */
export const { formatTable } = await load('report/table.js');
/** @type {typeof import('../src/runtime/thread-pool.node.ts')} */
export const { createThreadPool } = await load('runtime/thread-pool.node.js');
/** @type {typeof import('../src/train/training-session.ts')} */
export const { TrainingSession } = await load('train/training-session.js');
