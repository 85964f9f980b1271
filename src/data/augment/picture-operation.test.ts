/** Goldens of torchvision's functional operations on a Pillow picture (scripts/make-augmentation-goldens.py). */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { makePicture, type Picture } from '../picture.ts';
import { applyInto, applyOperation, describeOperation, type PictureOperation } from './picture-operation.ts';
import { type PolicyOp, policyOperation } from './policy-ops.ts';

interface Group {
  readonly picture: { readonly width: number; readonly height: number; readonly bytes: string };
  readonly operations: readonly { readonly operation: PictureOperation; readonly bytes: string }[];
  readonly changes: readonly { readonly op: PolicyOp; readonly magnitude: number; readonly bytes: string }[];
}

const file = new URL('../../../tests/golden/augment/operations.json', import.meta.url);
const groups: readonly Group[] = JSON.parse(readFileSync(file, 'utf8')).groups;
const fromBase64 = (text: string) => Uint8Array.from(Buffer.from(text, 'base64'));
const pictureOf = ({ picture }: Group) => makePicture(picture.width, picture.height, fromBase64(picture.bytes));
const picture = pictureOf(groups[0] as Group);
const operations = (groups[0] as Group).operations;

/**
 * The largest difference of any byte, and what it may be: none, but that sines and cosines differ
 * from C's in their last bits, which can show where a blend of pixels is a whole number.
 */
function compare(found: Picture, wanted: Uint8Array, operation: PictureOperation | null): void {
  expect(found.data.length).toBe(wanted.length);
  const worst = wanted.reduce((most, value, i) => Math.max(most, Math.abs(value - (found.data[i] as number))), 0);
  expect(worst).toBeLessThanOrEqual(operation?.kind === 'affine' || operation?.kind === 'corner-shear' ? 1 : 0);
}

test.each(
  groups.flatMap((group) =>
    group.operations.map(({ operation, bytes }) => [JSON.stringify(operation), group, operation, bytes] as const),
  ),
)('%s is what torchvision makes of it', (_, group, operation, bytes) => {
  const source = pictureOf(group);
  const before = source.data.slice();
  compare(applyOperation(source, operation), fromBase64(bytes), operation);
  expect(source.data).toEqual(before);
});

test.each(
  groups.flatMap((group) => group.changes.map(({ op, magnitude, bytes }) => [op, magnitude, group, bytes] as const)),
)('%s at %f is what torchvision makes of it', (op, magnitude, group, bytes) => {
  const source = pictureOf(group);
  const operation = policyOperation(op, magnitude);
  compare(operation === null ? source : applyOperation(source, operation), fromBase64(bytes), operation);
});

const cropped: PictureOperation = { kind: 'resized-crop', box: { x: 1, y: 2, width: 9, height: 7 }, side: 8 };

test.each<readonly PictureOperation[]>([
  [cropped],
  [cropped, { kind: 'flip' }],
  [cropped, { kind: 'vertical-flip' }],
  [cropped, { kind: 'flip' }, { kind: 'flip' }, { kind: 'invert' }],
  [{ kind: 'center-crop', side: 8 }],
  [{ kind: 'center-crop', side: 8 }, { kind: 'flip' }],
])('%j and what follows: one walk or step by step, the same bytes, where they are wanted', (...list) => {
  const batch = new Uint8Array(3 * 8 * 8 * 3);
  const place = batch.subarray(192, 384);
  const found = applyInto(place, picture, list);
  expect(found).toEqual(list.reduce(applyOperation, picture));
  expect(found.data).toBe(place);
  expect(batch.filter((_, i) => i < 192 || i >= 384).every((value) => value === 0)).toBe(true);
});

test('every kind of operation changes the picture in some golden', () => {
  const kinds = new Set(operations.map(({ operation }) => operation.kind));
  expect(kinds.size).toBe(18);
  for (const kind of kinds) {
    const changed = groups.some((group) =>
      group.operations.some(({ operation, bytes }) => operation.kind === kind && bytes !== group.picture.bytes),
    );
    expect(changed, kind).toBe(true);
  }
});

test('extreme pictures: one pixel, one color, black and white', () => {
  for (const [width, height] of [
    [1, 1],
    [1, 5],
    [6, 2],
  ] as const) {
    for (const level of [0, 77, 255]) {
      const plain = makePicture(width, height, new Uint8Array(width * height * 3).fill(level));
      for (const { operation } of operations) {
        if ('box' in operation) continue;
        const result = applyOperation(plain, operation);
        expect(result.data.length).toBe(result.width * result.height * 3);
        // Nothing shines where nothing was, except where light and dark change places.
        const mayBrighten = ['invert', 'solarize'].includes(operation.kind) || 'factor' in operation;
        if (!mayBrighten) expect(Math.max(...result.data)).toBeLessThanOrEqual(level);
      }
    }
  }
});

test('four quarter turns, and a shift there and back over black', () => {
  const still = { kind: 'affine', degrees: 0, translate: [0, 0], scale: 1, shear: [0, 0] } as const;
  const square = applyOperation(picture, { kind: 'center-crop', side: 9 });
  const quarter = { ...still, degrees: 90 };
  const once = applyOperation(square, quarter);
  expect(once.data).not.toEqual(square.data);
  expect([...once.data.subarray(0, 3)]).toEqual([...square.data.subarray(8 * 9 * 3, 8 * 9 * 3 + 3)]);
  expect([quarter, quarter, quarter, quarter].reduce(applyOperation, square).data).toEqual(square.data);
  const gone = applyOperation(square, { ...still, translate: [9, 0] });
  expect(gone.data.every((value) => value === 0)).toBe(true);
});

test('an operation in a few words', () => {
  const words = (operation: PictureOperation) => describeOperation(operation, { width: 10, height: 10 });
  const still = { kind: 'affine', degrees: 0, translate: [0, 0], scale: 1, shear: [0, 0] } as const;
  expect(words({ kind: 'resized-crop', box: { x: 0, y: 0, width: 5, height: 8 }, side: 4 })).toEqual(['crop 40%']);
  expect(words({ ...still, degrees: -12.4, translate: [3, -2] })).toEqual(['rotate -12°', 'shift +3 -2 px']);
  expect(words(still)).toEqual([]);
  expect(words({ kind: 'hue', shift: 0.1 })).toEqual(['hue +36°']);
  expect(words({ kind: 'brightness', factor: 1.234 })).toEqual(['brightness ×1.23']);
  expect(words({ kind: 'corner-shear', slopes: [0, -0.3] })).toEqual(['shear y -0.30']);
});
