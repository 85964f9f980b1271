/** Small data of every format, as their own makers write them: pictures of noise around a grey that tells the class. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import sharp from 'sharp';

/** A byte of picture `index` of class `label`: classes differ in brightness. */
export function pixel(label: number, index: number, at: number): number {
  return label * 24 + (Math.imul(at + 1 + index * 4099, 2654435761) >>> 28);
}

/** Records of CIFAR's binary version: `labelBytes` labels, then 3 x 32 x 32 bytes; classes in turn. */
export function cifarBatch(count: number, classes: number, labelBytes: 1 | 2, first = 0): Buffer {
  const records = Array.from({ length: count }, (_, place) => {
    const index = first + place;
    const label = index % classes;
    const pixels = Uint8Array.from({ length: 3072 }, (_, at) => pixel(label, index, at));
    return Buffer.concat([Buffer.from(labelBytes === 1 ? [label] : [label >> 1, label]), pixels]);
  });
  return Buffer.concat(records);
}

export const CIFAR_10_NAMES = [
  'airplane',
  'automobile',
  'bird',
  'cat',
  'deer',
  'dog',
  'frog',
  'horse',
  'ship',
  'truck',
];

/** A folder as cifar-10-binary.tar.gz has it, but for its size: two training batches of 20 and 10 test pictures. */
export function writeCifar10(folder: string): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'data_batch_1.bin'), cifarBatch(20, 10, 1));
  writeFileSync(join(folder, 'data_batch_2.bin'), cifarBatch(20, 10, 1, 20));
  writeFileSync(join(folder, 'test_batch.bin'), cifarBatch(10, 10, 1, 40));
  writeFileSync(join(folder, 'batches.meta.txt'), `${CIFAR_10_NAMES.join('\n')}\n\n`);
}

/** A row's pixels. */
export function ferPixels(label: number, index: number): string {
  return Array.from({ length: 2304 }, (_, at) => pixel(label, index, at)).join(' ');
}

/** A CSV file as the challenge has it: 21 Training, 7 PublicTest and 7 PrivateTest rows, emotions in turn. */
export function ferCsv(): string {
  const rows = Array.from({ length: 35 }, (_, index) => {
    const usage = index < 21 ? 'Training' : index < 28 ? 'PublicTest' : 'PrivateTest';
    return `${index % 7},${ferPixels(index % 7, index)},${usage}\n`;
  });
  return `emotion,pixels,Usage\n${rows.join('')}`;
}

/** A PNG of 32 x 32 pixels. */
export function png(label: number, index: number): Promise<Buffer> {
  const data = Uint8Array.from({ length: 3072 }, (_, at) => pixel(label, index, at));
  return sharp(data, { raw: { width: 32, height: 32, channels: 3 } })
    .png()
    .toBuffer();
}

/** Writes files by their paths, '/' between names. */
export function writeFiles(folder: string, files: Readonly<Record<string, Uint8Array | string>>): void {
  for (const [path, bytes] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), bytes);
  }
}
