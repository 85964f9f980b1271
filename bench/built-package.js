/**
 * The parts of the built package that the benchmarks drive: what is measured is dist/ and wasm/, as
 * a user has them, never the sources. The types come from src/, so that type checking needs no
 * build; the paths are resolved at run time. Only engines/bneck-start.js names dist/ too, since loading is
 * what it measures.
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
/** @type {typeof import('../src/data/cache.ts')} */
export const { cached } = await load('data/cache.js');
/** @type {typeof import('../src/data/preprocess.ts')} */
export const { defaultPreprocessing } = await load('data/preprocess.js');
/** @type {typeof import('../src/data/loader.ts')} */
export const { BatchLoader } = await load('data/loader.js');
/** @type {typeof import('../src/data/open-data.node.ts')} */
export const { imageFolder } = await load('data/open-data.node.js');
/** @type {typeof import('../src/formats/onnx-reader.ts')} */
export const { readOnnx } = await load('formats/onnx-reader.js');
/** @type {typeof import('../src/graph/build-graph.ts')} */
export const { buildGraph } = await load('graph/build-graph.js');
/** @type {typeof import('../src/graph/initial-weights.ts')} */
export const { initialWeights } = await load('graph/initial-weights.js');
/** @type {typeof import('../src/graph/summary.ts')} */
export const { summarize: summarizeNetwork } = await load('graph/summary.js');
/** @type {typeof import('../src/kernels/table.ts')} */
export const { kernelNamed } = await load('kernels/table.js');
/** @type {typeof import('../src/model/export-onnx.ts')} */
export const { exportOnnx } = await load('model/export-onnx.js');
/** @type {typeof import('../src/model/model.ts')} */
export const { Model } = await load('model/model.js');
/** @type {typeof import('../src/model/model-file.ts')} */
export const { BNECK_VERSION } = await load('model/model-file.js');
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
/** @type {typeof import('../src/runtime/wide-vectors.node.ts')} */
export const { wideVectors } = await load('runtime/wide-vectors.node.js');
/** @type {typeof import('../src/train/training-session.ts')} */
export const { TrainingSession } = await load('train/training-session.js');
