/**
 * bneck, from its built package: training steps, and inference from the bytes of pictures.
 */
import { BNECK_VERSION, Model, summarizeNetwork, wideVectors } from '../built-package.js';
import { randomPictures } from '../pictures.js';
import { trainingSession, trainingStep } from '../training.js';

/** @typedef {import('../engine-process.js').Job} Job */

export async function start() {
  const vectors = wideVectors() ? 256 : 128;
  return { version: BNECK_VERSION, settings: `WASM SIMD, ${vectors}-bit vectors, bytes in` };
}

/** @param {Job} job */
async function prepareTraining(job) {
  const session = await trainingSession(job, job.threads);
  const { totalMultiplyAdds } = summarizeNetwork(job.architecture, job.resolution);
  return { run: trainingStep(job, session), multiplyAdds: totalMultiplyAdds };
}

/** @param {Job} job */
async function prepareInference({ files, batch, resolution, threads }) {
  // of one thread it is the caller's own, as it is for the peers
  const model = await Model.load(files.safetensors, { threads: threads === 1 ? 0 : threads });
  const pictures = randomPictures({ batch, resolution });
  const run = () => model.forwardBytes(pictures, batch);
  return { run, logits: await run() };
}

/** @param {Job} job */
export function prepare(job) {
  return job.work === 'infer' ? prepareInference(job) : prepareTraining(job);
}
