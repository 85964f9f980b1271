import { expect, test } from 'vitest';
import { RandomStream } from '../base/random.ts';
import { betaVariable } from './beta-distribution.ts';
import { type Mixing, mixBatch } from './mix-batch.ts';

const RESOLUTION = 12;
const SIZE = RESOLUTION * RESOLUTION * 3;
const LABELS = Int32Array.of(4, 7, 1);

/** Three pictures of one colour each. */
function flatPictures(): Uint8Array {
  return Uint8Array.from({ length: 3 * SIZE }, (_, at) => [10, 110, 250][Math.floor(at / SIZE)] as number);
}

function mixed(mixing: Mixing, key: number) {
  const bytes = flatPictures();
  const labels = mixBatch(bytes, LABELS, mixing, RESOLUTION, new RandomStream(1, 'mix', 2, key));
  return { bytes, labels };
}

test('mixup blends each picture with the one before it, bytes and labels alike', () => {
  for (let key = 0; key < 20; key++) {
    const { bytes, labels } = mixed({ mixup: 1, cutmix: 0 }, key);
    expect(labels).toMatchObject({ labels: LABELS, partners: Int32Array.of(1, 4, 7) });
    const { share } = labels;
    const wanted = [10 * share + 250 * (1 - share), 110 * share + 10 * (1 - share), 250 * share + 110 * (1 - share)];
    bytes.forEach((byte, at) => {
      expect(Math.abs(byte - (wanted[Math.floor(at / SIZE)] as number))).toBeLessThanOrEqual(0.5);
    });
  }
});

test('cutmix pastes one box, and the share is what is left', () => {
  const shares = new Set<number>();
  for (let key = 0; key < 40; key++) {
    const { bytes, labels } = mixed({ mixup: 0, cutmix: 1 }, key);
    const own = bytes.subarray(SIZE, 2 * SIZE).filter((byte) => byte === 110).length;
    const pasted = bytes.subarray(SIZE, 2 * SIZE).filter((byte) => byte === 10).length;
    expect(own + pasted).toBe(SIZE);
    expect(labels.share).toBeCloseTo(own / SIZE, 12);
    shares.add(labels.share);
  }
  expect(shares.size).toBeGreaterThan(10);
});

test('with both, each batch takes one; equal keys give equal batches, others others', () => {
  const both = { mixup: 0.8, cutmix: 1 };
  const blended = Array.from({ length: 200 }, (_, key) =>
    mixed(both, key).bytes.some((byte) => ![10, 110, 250].includes(byte)),
  );
  const share = blended.filter(Boolean).length / 200;
  expect(share).toBeGreaterThan(0.4);
  expect(share).toBeLessThan(0.6);
  expect(mixed(both, 5)).toEqual(mixed(both, 5));
  expect(mixed(both, 5)).not.toEqual(mixed(both, 6));
});

test.each([0.05, 0.2, 0.5, 1, 2, 8])('beta(%f, %f) has its mean and variance', (alpha) => {
  const count = 20000;
  const stream = new RandomStream(3, 'mix', 7);
  const values = Array.from({ length: count }, () => betaVariable(stream, alpha));
  expect(values.every((value) => value >= 0 && value <= 1)).toBe(true);
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / count;
  const wanted = 1 / (4 * (2 * alpha + 1));
  expect(Math.abs(mean - 0.5)).toBeLessThan(4 * Math.sqrt(wanted / count));
  expect(Math.abs(variance / wanted - 1)).toBeLessThan(0.05);
});

test('beta(1, 1) is uniform', () => {
  const stream = new RandomStream(4, 'mix');
  const values = Array.from({ length: 10000 }, () => betaVariable(stream, 1)).sort((a, b) => a - b);
  const distances = values.map((value, rank) => Math.abs(value - (rank + 0.5) / 10000));
  expect(Math.max(...distances)).toBeLessThan(0.0195); // Kolmogorov-Smirnov, 0.1 %
});
