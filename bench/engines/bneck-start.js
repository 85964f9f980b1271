/**
 * bneck from nothing to its first answer, as a program of one question would be written:
 *   node engines/bneck-start.js MODEL.safetensors PICTURE.bytes THREADS
 * Writes the number of the class with the largest logit.
 */
import { readFile } from 'node:fs/promises';

const [, , modelPath = '', picturePath = '', threads = '1'] = process.argv;
/** @type {typeof import('../../src/index.ts')} */
const { Model } = await import(new URL('../../dist/index.js', import.meta.url).href);
const model = await Model.load(modelPath, { threads: Number(threads) });
const logits = await model.forwardBytes(await readFile(picturePath), 1);
process.stdout.write(`${logits.indexOf(Math.max(...logits))}\n`);
await model.dispose();
