/**
 * Inference: whole networks with PyTorch's weights, at the sizes and widths of the paper and some odd
 * ones. What network it is, bneck finds from names and shapes, except for dilation, which leaves no
 * trace in them. Square pictures are asked as bytes too, normalised by the engine.
 */
import { join } from 'node:path';
import { defaultPreprocessing, Model, mobilenetV2, mobilenetV3 } from './bneck.js';
import { differenceOfLargest, worse } from './differences.js';
import { PeerTensors, withFolder } from './peer.js';

/** @typedef {import('./bneck.js').Architecture} Architecture */

/** Of the largest |logit|. */
const LIMIT = 1e-4;

/**
 * Title, architecture, height, width, pictures.
 * @type {[string, Architecture, number, number, number][]}
 */
const CASES = [
  ['Large', mobilenetV3('large'), 224, 224, 4],
  ['Large', mobilenetV3('large'), 223, 223, 1],
  ['Large', mobilenetV3('large'), 97, 223, 2],
  ['Large', mobilenetV3('large', { classes: 10 }), 96, 96, 8],
  ['Large 0.35', mobilenetV3('large', { width: 0.35 }), 128, 128, 2],
  ['Large 0.5', mobilenetV3('large', { width: 0.5 }), 160, 160, 2],
  ['Large 0.75', mobilenetV3('large', { width: 0.75, classes: 10 }), 192, 192, 2],
  ['Large 1.25', mobilenetV3('large', { width: 1.25 }), 256, 256, 2],
  ['Large, reduced tail', mobilenetV3('large', { reducedTail: true }), 160, 160, 2],
  ['Large, dilated', mobilenetV3('large', { dilated: true }), 192, 192, 2],
  ['Large, dilated, reduced tail', mobilenetV3('large', { dilated: true, reducedTail: true }), 97, 97, 2],
  ['Small', mobilenetV3('small'), 224, 224, 4],
  ['Small', mobilenetV3('small'), 223, 223, 1],
  ['Small', mobilenetV3('small'), 223, 97, 2],
  ['Small', mobilenetV3('small', { classes: 2 }), 256, 256, 2],
  ['Small 0.35', mobilenetV3('small', { width: 0.35 }), 192, 192, 2],
  ['Small 0.5', mobilenetV3('small', { width: 0.5 }), 160, 160, 2],
  ['Small 0.75', mobilenetV3('small', { width: 0.75, classes: 10 }), 128, 128, 8],
  ['Small 1.25', mobilenetV3('small', { width: 1.25 }), 96, 96, 2],
  ['Small, reduced tail', mobilenetV3('small', { reducedTail: true }), 128, 128, 2],
  ['Small, dilated', mobilenetV3('small', { dilated: true }), 223, 223, 2],
  ['Small, dilated, reduced tail', mobilenetV3('small', { dilated: true, reducedTail: true }), 96, 96, 2],
  ['V2', mobilenetV2(), 224, 224, 2],
  ['V2', mobilenetV2(), 223, 97, 2],
  ['V2 0.5', mobilenetV2({ width: 0.5, classes: 10 }), 160, 160, 2],
  ['V2 1.25', mobilenetV2({ width: 1.25 }), 128, 128, 2],
];

/** @param {string} path @param {Architecture} wanted @param {number} threads */
async function loadModel(path, wanted, threads) {
  const recognised = await Model.load(path, { threads });
  const found = JSON.stringify({ ...recognised.architecture, dilated: wanted.dilated });
  if (found !== JSON.stringify(wanted)) {
    throw new Error(`bneck took the weights for ${found} in place of ${JSON.stringify(wanted)}.`);
  }
  return recognised.file;
}

/**
 * @param {import('./peer.js').Peer} peer
 * @param {[string, Architecture, number, number, number]} networkCase
 * @param {{ seed: number, threads: number }} options
 */
async function compare(peer, [title, architecture, height, width, batch], { seed, threads }) {
  return withFolder(async (folder) => {
    await peer.ask('logits', { architecture, height, width, batch, seed }, folder);
    const tensors = await PeerTensors.read(join(folder, 'logits.safetensors'));
    const file = await loadModel(join(folder, 'weights.safetensors'), architecture, threads);
    const model = Model.from({ ...file, architecture, preprocessing: defaultPreprocessing(height) }, { threads });
    const inputs = Float32Array.from(tensors.numbers('inputs'));
    const { data } = await model.forward({ data: inputs, shape: [batch, 3, height, width] });
    const [single, double] = [tensors.numbers('single'), tensors.numbers('double')];
    let difference = differenceOfLargest(data, single);
    let own = differenceOfLargest(data, double);
    if (height === width) {
      const ofBytes = await model.forwardBytes(tensors.bytes('pictures'), batch);
      difference = worse(difference, differenceOfLargest(ofBytes, single));
      own = worse(own, differenceOfLargest(ofBytes, tensors.numbers('double of bytes')));
    }
    await model.dispose();
    const check = `${title}, ${batch} x ${height} x ${width}: logits`;
    return { check, difference, limit: LIMIT, own, peer: differenceOfLargest(single, double) };
  });
}

/** @type {import('./run.js').Check} */
export async function checkLogits(peer, { threads, wanted }) {
  const rows = [];
  for (const [index, networkCase] of CASES.entries()) {
    if (wanted(networkCase[0])) rows.push(await compare(peer, networkCase, { seed: index + 1, threads }));
  }
  return rows;
}
