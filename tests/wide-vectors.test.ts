/** Asking V8 for wide vectors: it says yes or no, and changes no bit. */
import { expect, test } from 'vitest';
import { RandomStream } from '../src/base/random.ts';
import { defaultPreprocessing } from '../src/data/preprocess.ts';
import { Model } from '../src/model/model.ts';
import { mobilenetV3 } from '../src/models/mobilenet-v3.ts';
import { enableWideVectors, wideVectors } from '../src/runtime/wide-vectors.node.ts';

const stream = new RandomStream(7, 'augment');
const picture = Uint8Array.from({ length: 64 * 64 * 3 }, () => stream.integer(256));

/** Logits after so many calls that V8 has compiled the kernels for good. */
async function logits(): Promise<Float32Array> {
  const model = Model.create(mobilenetV3('small', { classes: 5, width: 0.5 }), {
    seed: 1,
    threads: 2,
    preprocessing: defaultPreprocessing(64),
  });
  for (let call = 0; call < 50; call++) await model.forwardBytes(picture, 1);
  const last = await model.forwardBytes(picture, 1);
  await model.dispose();
  return last;
}

test('with wide vectors, where this machine and V8 have them, the same bits', async () => {
  const before = await logits();
  const enabled = enableWideVectors();
  expect(wideVectors()).toBe(enabled);
  if (Number.parseInt(process.versions.v8, 10) < 13) expect(enabled).toBe(false);
  if (!enabled) console.log(`No wide vectors on this machine or in V8 ${process.versions.v8}: SKIPPED.`);
  expect(await logits()).toEqual(before);
  expect(enableWideVectors()).toBe(enabled);
});
