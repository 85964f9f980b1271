/**
 * onnxruntime-web from nothing to its first answer:
 *   node engines/onnxruntime-web-start.js MODEL.onnx PICTURE.bytes THREADS
 * Writes the number of the class with the largest logit.
 */
import { readFile } from 'node:fs/promises';

const [, , modelPath = '', picturePath = '', threads = '1'] = process.argv;
const specifier = 'onnxruntime-web';
const { env, InferenceSession, Tensor } = await import(specifier);
env.wasm.numThreads = Number(threads);
const session = await InferenceSession.create(await readFile(modelPath), { executionProviders: ['wasm'] });
const bytes = await readFile(picturePath);
const pixels = bytes.length / 3;
const floats = new Float32Array(bytes.length);
for (let pixel = 0; pixel < pixels; pixel++) {
  floats[pixel] = (bytes.readUInt8(3 * pixel) / 255 - 0.485) / 0.229;
  floats[pixels + pixel] = (bytes.readUInt8(3 * pixel + 1) / 255 - 0.456) / 0.224;
  floats[2 * pixels + pixel] = (bytes.readUInt8(3 * pixel + 2) / 255 - 0.406) / 0.225;
}
const side = Math.sqrt(pixels);
const { logits } = await session.run({ pictures: new Tensor('float32', floats, [1, 3, side, side]) });
process.stdout.write(`${logits.data.indexOf(Math.max(...logits.data))}\n`);
process.exit(0);
