/**
 * What onnxruntime's two packages have in common: a session on the exported model, at its best
 * settings, asked with normalised floats that are in memory already.
 */
import { readFile } from 'node:fs/promises';
import { normalizedChannelsFirst, randomPictures } from '../pictures.js';

/**
 * @param {any} onnxruntime the package
 * @param {import('../engine-process.js').Job} job
 * @param {Record<string, unknown>} options of this package's session
 */
export async function prepareSession(onnxruntime, { files, batch, resolution }, options) {
  const session = await onnxruntime.InferenceSession.create(await readFile(files.onnx), {
    graphOptimizationLevel: 'all',
    executionMode: 'sequential',
    freeDimensionOverrides: { N: batch, H: resolution, W: resolution },
    ...options,
  });
  const floats = normalizedChannelsFirst(randomPictures({ batch, resolution }), batch);
  const pictures = new onnxruntime.Tensor('float32', floats, [batch, 3, resolution, resolution]);
  const run = () => session.run({ pictures });
  const { logits } = await run();
  return { run, logits: /** @type {Float32Array} */ (logits.data) };
}
