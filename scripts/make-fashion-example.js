/**
 * Makes examples/fashion: a small real data set of class folders, drawn from the 60,000 training
 * pictures of Fashion-MNIST. The 10,000 test pictures stay untouched, so that what learns from the
 * example can still be judged on them.
 *
 *   node scripts/make-fashion-example.js FOLDER [TARGET]
 *
 * FOLDER holds train-images-idx3-ubyte.gz and train-labels-idx1-ubyte.gz. Invariant: the same
 * source gives the same choice of pictures; a file's name is its place in the training file.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import sharp from 'sharp';

const CLASSES = ['t-shirt', 'trouser', 'pullover', 'dress', 'coat', 'sandal', 'shirt', 'sneaker', 'bag', 'ankle-boot'];
const TRAIN_PER_CLASS = 300;
const VALIDATION_PER_CLASS = 60;
const SIDE = 28;
const SEED = 'bneck example 1';

/**
 * @param {string} path a gzipped IDX file
 * @param {number} magic what its first four bytes must be
 * @param {number} headerBytes
 */
async function readIdx(path, magic, headerBytes) {
  const bytes = gunzipSync(await readFile(path));
  if (bytes.readUInt32BE(0) !== magic) throw new Error(`${path}: not the IDX file it should be`);
  return { count: bytes.readUInt32BE(4), body: bytes.subarray(headerBytes) };
}

/**
 * The smaller of two lossless encodings: which row filter suits a picture cannot be told beforehand.
 * @param {Uint8Array} gray SIDE x SIDE bytes
 */
async function encode(gray) {
  const encoded = await Promise.all(
    [false, true].map((adaptiveFiltering) =>
      sharp(gray, { raw: { width: SIDE, height: SIDE, channels: 1 } })
        .toColourspace('b-w')
        .png({ compressionLevel: 9, adaptiveFiltering })
        .toBuffer(),
    ),
  );
  return encoded.reduce((best, one) => (one.length < best.length ? one : best));
}

/**
 * Places of the pictures of a class in a random but fixed order, without exact repetitions.
 * @param {Uint8Array} labels
 * @param {number} label
 * @param {(index: number) => Uint8Array} picture
 */
function shuffledMembers(labels, label, picture) {
  const members = [];
  const seen = new Set();
  for (let index = 0; index < labels.length; index++) {
    if (labels[index] !== label) continue;
    const content = createHash('sha256').update(picture(index)).digest('hex');
    if (seen.has(content)) continue;
    seen.add(content);
    members.push({ index, key: createHash('sha256').update(`${SEED} ${index}`).digest('hex') });
  }
  return members.sort((a, b) => (a.key < b.key ? -1 : 1)).map(({ index }) => index);
}

async function main() {
  const [source, target = 'examples/fashion'] = process.argv.slice(2);
  if (source === undefined) throw new Error('usage: node scripts/make-fashion-example.js FOLDER [TARGET]');
  const images = await readIdx(join(source, 'train-images-idx3-ubyte.gz'), 0x803, 16);
  const labels = await readIdx(join(source, 'train-labels-idx1-ubyte.gz'), 0x801, 8);
  if (images.count !== labels.count || images.body.length !== images.count * SIDE * SIDE) {
    throw new Error(`${source}: ${images.count} pictures and ${labels.count} labels do not fit together`);
  }
  const picture = (/** @type {number} */ index) => images.body.subarray(index * SIDE * SIDE, (index + 1) * SIDE * SIDE);

  let bytes = 0;
  for (const part of ['train', 'val']) await rm(join(target, part), { recursive: true, force: true });
  for (const [label, name] of CLASSES.entries()) {
    const members = shuffledMembers(labels.body, label, picture);
    const parts = {
      train: members.slice(0, TRAIN_PER_CLASS),
      val: members.slice(TRAIN_PER_CLASS, TRAIN_PER_CLASS + VALIDATION_PER_CLASS),
    };
    for (const [part, indices] of Object.entries(parts)) {
      const folder = join(target, part, name);
      await mkdir(folder, { recursive: true });
      for (const index of indices) {
        const file = await encode(picture(index));
        bytes += file.length;
        await writeFile(join(folder, `${String(index).padStart(5, '0')}.png`), file);
      }
    }
  }
  console.log(`${target}: ${CLASSES.length} classes, ${(bytes / 1e6).toFixed(2)} MB`);
}

await main();
