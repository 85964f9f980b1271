/**
 * bneck's side of the comparison, by its command line alone, as a user has it: trains a run, reads its
 * books, and judges model files on Fashion-MNIST's test pictures. These come as numbered IDX labels,
 * which say nothing to a model whose classes have names, so for such they are first written out as
 * class folders of lossless PNG files.
 */
import { spawn } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import sharp from 'sharp';

const BNECK = fileURLToPath(new URL('../../bin/bneck.js', import.meta.url));
export const TEST_PICTURES = 10_000;
const SIDE = 28;
const IMAGE_HEADER_BYTES = 16;
const LABEL_HEADER_BYTES = 8;

/** In the order of the dataset's labels, by the names that examples/fashion gives them. */
const FASHION_CLASSES = [
  't-shirt',
  'trouser',
  'pullover',
  'dress',
  'coat',
  'sandal',
  'shirt',
  'sneaker',
  'bag',
  'ankle-boot',
];

/**
 * Runs a program; its error output, and its output too unless wanted, is shown as it comes.
 * @param {string} command @param {readonly string[]} args @param {{ show: boolean }} options
 * @returns {Promise<string>} the output, empty where it was shown
 */
export function runProgram(command, args, { show }) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', show ? 'inherit' : 'pipe', 'inherit'] });
    let output = '';
    child.stdout?.setEncoding('utf8').on('data', (part) => {
      output += part;
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (code === 0) resolve(output);
      else reject(new Error(`${command} ${args.join(' ')} ended with ${signal ?? code}`));
    });
  });
}

/** @param {string} name without .gz @param {string} folder @param {number} headerBytes @param {number} elementBytes */
async function readTestFile(name, folder, headerBytes, elementBytes) {
  const path = join(folder, `${name}.gz`);
  const bytes = gunzipSync(await readFile(path));
  if (bytes.length !== headerBytes + TEST_PICTURES * elementBytes) {
    throw new Error(`${path}: not the test file of Fashion-MNIST, it has ${bytes.length} bytes`);
  }
  return bytes.subarray(headerBytes);
}

/** Writes the test pictures to target/CLASS/NUMBER.png. @param {string} source @param {string} target */
export async function writeTestFolders(source, target) {
  const images = await readTestFile('t10k-images-idx3-ubyte', source, IMAGE_HEADER_BYTES, SIDE * SIDE);
  const labels = await readTestFile('t10k-labels-idx1-ubyte', source, LABEL_HEADER_BYTES, 1);
  for (const name of FASHION_CLASSES) await mkdir(join(target, name), { recursive: true });
  for (const [index, label] of labels.entries()) {
    const gray = images.subarray(index * SIDE * SIDE, (index + 1) * SIDE * SIDE);
    const image = sharp(gray, { raw: { width: SIDE, height: SIDE, channels: 1 } }).toColourspace('b-w');
    const png = await image.png({ compressionLevel: 1 }).toBuffer();
    await writeFile(join(target, FASHION_CLASSES[label] ?? '', `${String(index).padStart(5, '0')}.png`), png);
  }
}

/** @param {string} data @param {string} out @param {number} seed @param {readonly string[]} more options */
export async function trainRun(data, out, seed, more) {
  const args = [BNECK, 'train', data, '--seed', String(seed), '--out', out, ...more];
  await runProgram(process.execPath, args, { show: true });
}

/**
 * What of a run's config.json the comparison reads.
 * @typedef {{
 *   data: { kind: string, path: string, validation: { counts: number[] } },
 *   architecture: Record<string, unknown>,
 *   recipe: Record<string, unknown> & { seed: number, epochs: number }
 * }} RunConfig
 */

/** @param {string} run a folder @returns {Promise<RunConfig>} */
export async function readConfig(run) {
  return JSON.parse(await readFile(join(run, 'config.json'), 'utf8'));
}

/**
 * @param {string} model a file @param {string} data @param {string} split the part of the data
 * @param {number} expected pictures there @returns {Promise<number>} accuracy, 0 to 1
 */
export async function judgeModel(model, data, split, expected) {
  const args = [BNECK, 'evaluate', model, data, '--split', split, '--json'];
  const { pictures, top1 } = JSON.parse(await runProgram(process.execPath, args, { show: false }));
  if (pictures !== expected) throw new Error(`${model} was judged on ${pictures} pictures, not ${expected}`);
  return top1;
}

/**
 * What a run's metrics.csv says of its epochs.
 * @param {string} run a folder
 */
export async function readMetrics(run) {
  const [names, ...rows] = (await readFile(join(run, 'metrics.csv'), 'utf8')).trimEnd().split('\n');
  const read = (/** @type {string} */ column) => {
    const place = names?.split(',').indexOf(column) ?? -1;
    return rows.map((row) => Number(row.split(',')[place]));
  };
  return {
    epochs: rows.length,
    trainLoss: read('train_loss').at(-1) ?? Number.NaN,
    seconds: read('seconds').reduce((sum, value) => sum + value, 0),
  };
}
