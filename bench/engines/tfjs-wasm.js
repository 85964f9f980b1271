/**
 * TensorFlow.js on its WebAssembly backend. The network is read from the exported ONNX file, batch norm
 * folded as there, and written in tfjs's own fused ops, channels last, much as its converter does with
 * Keras's MobileNetV3. Under Node the backend has SIMD but one thread only; in a page it would have more.
 */
import { readFile } from 'node:fs/promises';
import { readOnnx } from '../built-package.js';
import { normalizedChannelsLast, randomPictures } from '../pictures.js';
import { loadPeer, peerVersion } from './peer-package.js';
import { tfjsNetwork } from './tfjs-network.js';

const CORE = '@tensorflow/tfjs-core';
const BACKEND = '@tensorflow/tfjs-backend-wasm';

/** tfjs with its backend ready. */
async function loadTfjs() {
  const tf = await loadPeer(CORE);
  await loadPeer(BACKEND);
  await tf.setBackend('wasm');
  await tf.ready();
  return tf;
}

export async function start() {
  const tf = await loadTfjs();
  const simd = (await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT')) ? 'SIMD' : 'no SIMD';
  return {
    version: peerVersion(BACKEND),
    settings: `WASM ${simd}, 1 thread (all it has in Node), fused ops, floats in`,
  };
}

/** @param {import('../engine-process.js').Job} job */
export async function prepare({ files, batch, resolution }) {
  const tf = await loadTfjs();
  const network = tfjsNetwork(tf, readOnnx(await readFile(files.onnx), files.onnx).graph);
  const floats = normalizedChannelsLast(randomPictures({ batch, resolution }));
  const pictures = tf.tensor4d(floats, [batch, resolution, resolution, 3]);
  const run = async () => {
    const logits = tf.tidy(() => network(pictures));
    const values = await logits.data();
    logits.dispose();
    return values;
  };
  return { run, logits: /** @type {Float32Array} */ (await run()) };
}
