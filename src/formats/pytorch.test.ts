import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { BneckError } from '../base/errors.ts';
import type { StateDict, Tensor } from '../base/tensor.ts';
import { readPytorch, writePytorch } from './pytorch.ts';
import { readZipDirectory } from './zip-reader.ts';

interface Expected {
  files: Record<
    string,
    {
      options: { key?: string };
      key: string;
      ignored: string[];
      tensors: Record<string, { dtype: string; shape: number[]; hex: string }>;
    }
  >;
}

const golden = (name: string) => readFileSync(new URL(`../../tests/golden/pytorch/${name}`, import.meta.url));
const EXPECTED = JSON.parse(golden('expected.json').toString()) as Expected;

/** The bits of the numbers, for NaNs are not equal otherwise. */
function hex({ data }: Tensor): string {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('hex');
}

function expectSame(found: StateDict, wanted: StateDict): void {
  expect([...found.keys()]).toEqual([...wanted.keys()]);
  for (const [name, tensor] of wanted) {
    const other = found.get(name) as Tensor;
    expect(other.dtype).toBe(tensor.dtype);
    expect(other.shape).toEqual(tensor.shape);
    expect(hex(other)).toEqual(hex(tensor));
  }
}

test.each(Object.entries(EXPECTED.files))('reads %s as PyTorch does', (name, wanted) => {
  const file = readPytorch(golden(name), name, wanted.options);
  expect(file.format).toBe(name.includes('legacy') ? 'legacy' : 'zip');
  expect(file.key).toBe(wanted.key);
  expect(file.ignored).toEqual(wanted.ignored);
  expect([...file.tensors.keys()]).toEqual(Object.keys(wanted.tensors));
  for (const [tensorName, { dtype, shape, hex: bits }] of Object.entries(wanted.tensors)) {
    const tensor = file.tensors.get(tensorName) as Tensor;
    expect({ tensorName, dtype: tensor.dtype, shape: tensor.shape }).toEqual({ tensorName, dtype, shape });
    expect(hex(tensor)).toBe(bits);
  }
});

test('a checkpoint gives its average first, any state_dict by its key, and lists them', () => {
  const bytes = golden('checkpoint-zip.pth');
  const file = readPytorch(bytes, 'run.pth');
  expect(file.key).toBe('model_ema');
  expect(file.candidates).toEqual(['', 'model', 'model_ema']);
  expect(file.ignored).toEqual(['n_averaged']);
  expect(file.opaqueSources).toEqual(['argparse.Namespace']);
  expect(readPytorch(bytes, 'run.pth', { key: 'model' }).key).toBe('model');
  expect(() => readPytorch(bytes, 'run.pth', { key: 'modle' })).toThrow(
    'run.pth: it has no state_dict under the key "modle". Choose one of: the top level (""), "model", "model_ema".',
  );
});

test('tensors of a file are their own: no shared memory, not even between tied weights', () => {
  const { tensors } = readPytorch(golden('views-zip.pth'), 'views');
  const buffers = [...tensors.values()].map(({ data }) => data.buffer);
  expect(new Set(buffers).size).toBe(buffers.length);
});

test('bytes at an odd address and in shared memory are read alike', () => {
  const whole = golden('views-legacy.pth');
  const wanted = readPytorch(whole, 'whole').tensors;
  const shared = new Uint8Array(new SharedArrayBuffer(whole.length + 3)).subarray(3);
  shared.set(whole);
  expectSame(readPytorch(shared, 'shared').tensors, wanted);
});

const float32 = (shape: number[], values: number[]): Tensor => ({
  dtype: 'float32',
  shape,
  data: Float32Array.from(values),
});

test('writes an archive as torch.save does: names, order, alignment, and the same bytes each time', () => {
  const tensors: StateDict = new Map<string, Tensor>([
    ['w', float32([1, 2], [1, -2])],
    ['n', { dtype: 'int64', shape: [], data: BigInt64Array.of(-1n) }],
  ]);
  const bytes = writePytorch(tensors);
  const entries = readZipDirectory(bytes, (problem) => {
    throw new Error(problem);
  });
  expect([...entries.keys()]).toEqual(
    ['data.pkl', 'byteorder', 'data/0', 'data/1', 'version'].map((name) => `archive/${name}`),
  );
  for (const { beginBytes } of entries.values()) expect(beginBytes % 64).toBe(0);
  const zero = entries.get('archive/data/0');
  expect(Buffer.from(bytes.subarray(zero?.beginBytes, zero?.endBytes)).toString('hex')).toBe('0000803f000000c0');
  expect(writePytorch(tensors)).toEqual(bytes);
  expectSame(readPytorch(bytes, 'again').tensors, tensors);
});

test('an empty tensor, a scalar, odd names and their order survive', () => {
  const tensors: StateDict = new Map([
    ['10', float32([], [3])],
    ['2', float32([0, 5], [])],
    ['__proto__', float32([1], [Number.NaN])],
    ['constructor', float32([2, 0], [])],
    ['', float32([1], [1e-45])],
    ['"\\\n\u2028é😀', float32([1], [5])],
  ]);
  expectSame(readPytorch(writePytorch(tensors), 'odd').tensors, tensors);
});

test('what is written and read again is the same', () => {
  const value = fc.oneof(fc.float(), fc.constantFrom(Number.NaN, -0, 1e-45, Number.POSITIVE_INFINITY));
  const shape = fc.array(fc.nat(4), { maxLength: 4 });
  const tensor = fc
    .tuple(shape, fc.boolean(), fc.array(value, { minLength: 1, maxLength: 8 }))
    .map(([sizes, isFloat, values]): Tensor => {
      const count = sizes.reduce((product, size) => product * size, 1);
      const at = (index: number) => values[index % values.length] as number;
      if (isFloat)
        return { dtype: 'float32', shape: sizes, data: Float32Array.from({ length: count }, (_, i) => at(i)) };
      return { dtype: 'int64', shape: sizes, data: BigInt64Array.from({ length: count }, (_, i) => BigInt(i) - 3n) };
    });
  // At least one name without a wrapper's prefix, or the prefix would come off.
  const entries = fc.array(fc.tuple(fc.string({ unit: 'grapheme' }), tensor), { maxLength: 6 });
  fc.assert(
    fc.property(entries, (list) => {
      const tensors: StateDict = new Map([['first', float32([1], [1])], ...list]);
      expectSame(readPytorch(writePytorch(tensors), 'again').tensors, tensors);
    }),
    { numRuns: 300 },
  );
});

test.each<[string, StateDict, RegExp]>([
  ['too few elements', new Map([['w', float32([3], [1])]]), /"w" has 1 elements for shape 3\. Give/],
  ['a fraction for a size', new Map([['w', float32([0.5], [1])]]), /elements for shape/],
  ['half a surrogate pair', new Map([['\ud800', float32([1], [1])]]), /surrogate/],
  ['65 dimensions', new Map([['w', float32(Array(65).fill(1), [1])]]), /more than 64 dimensions/],
  [
    'another type of data',
    new Map([['w', { dtype: 'int64', shape: [1], data: Float32Array.of(1) } as unknown as Tensor]]),
    /is int64 but/,
  ],
])('refuses to write %s', (_, tensors, message) => {
  expect(() => writePytorch(tensors)).toThrow(BneckError);
  expect(() => writePytorch(tensors)).toThrow(message);
});
