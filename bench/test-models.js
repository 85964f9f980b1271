/**
 * The model files that inference is measured on, one a network, in bneck's own format and in ONNX.
 * Weights are random. Batch norm's statistics are those of the network's own activations, so that
 * logits are neither zero nor rounding errors and can be compared: one training step with momentum 1 and
 * learning rate 0 makes them.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exportOnnx, Model } from './built-package.js';
import { MEAN, randomPictures, STD } from './pictures.js';
import { architectureOf, trainingSession, trainingStep } from './training.js';

/** @typedef {import('./workloads.js').Workload} Workload */
/** Paths. `picture` holds one picture's bytes. @typedef {{ safetensors: string, onnx: string, picture: string }} ModelFiles */

/** Where no file is needed. @type {ModelFiles} */
export const NO_FILES = { safetensors: '', onnx: '', picture: '' };

const CALIBRATION_BATCH = 8;

/**
 * Writes the files of a workload's network into a folder.
 * @param {Workload} workload @param {string} folder
 * @returns {Promise<ModelFiles>}
 */
export async function writeTestModel(workload, folder) {
  const { resolution, classes, model: size } = workload;
  const calibration = { ...workload, batch: CALIBRATION_BATCH };
  const session = await trainingSession(calibration, 1, { batchNormMomentum: 1 });
  await trainingStep(calibration, session, 0)();
  const weights = session.weights();
  await session.dispose();
  const model = Model.from({
    architecture: architectureOf(workload),
    classNames: Array.from({ length: classes }, (_, index) => String(index)),
    preprocessing: { resolution, resize: resolution, mean: MEAN, std: STD },
    weights,
    training: null,
  });
  const base = join(folder, `${size}-${resolution}`);
  const files = { safetensors: `${base}.safetensors`, onnx: `${base}.onnx`, picture: `${base}.bytes` };
  await model.save(files.safetensors);
  await writeFile(files.onnx, exportOnnx(model.file));
  await writeFile(files.picture, randomPictures({ batch: 1, resolution }));
  return files;
}
