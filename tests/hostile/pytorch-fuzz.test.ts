/**
 * The reader of .pth files under changes that nobody thought of: bits flipped in sound files of torch.save,
 * in their pickles behind a correct checksum, cut and spliced, and pickles put together at random. Whatever
 * comes in, the outcome is sound tensors or a BneckError, within two seconds; and bombs take no more than
 * 256 MB.
 */
import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { BneckError } from '../../src/base/errors.ts';
import { readPytorch, writePytorch } from '../../src/formats/pytorch.ts';
import { readZipDirectory } from '../../src/formats/zip-reader.ts';
import { writeZip } from '../../src/formats/zip-writer.ts';
import { expectQuick } from './expect-little.ts';
import {
  dict,
  global,
  int,
  ints,
  little,
  raw,
  storage,
  TWO,
  tensor,
  text,
  tuple,
  view,
  W,
  zip,
} from './pytorch-files.ts';

const golden = (name: string) => new Uint8Array(readFileSync(new URL(`../golden/pytorch/${name}`, import.meta.url)));
const GOLDENS = ['dtypes', 'views', 'checkpoint'].flatMap((name) => [`${name}-zip.pth`, `${name}-legacy.pth`]);

/** Reads bytes that may be anything: sound tensors or a BneckError, within two seconds. */
function readAnything(bytes: Uint8Array): 'read' | 'refused' {
  try {
    const unsound = expectQuick(() => {
      const { tensors } = readPytorch(bytes, 'anything');
      return [...tensors.values()].filter(({ dtype, shape, data }) => {
        const count = shape.reduce((product, size) => product * size, 1);
        return data.length !== count || !(data instanceof (dtype === 'float32' ? Float32Array : BigInt64Array));
      });
    });
    expect(unsound).toEqual([]);
    return 'read';
  } catch (error) {
    if (!(error instanceof BneckError)) throw error;
    return 'refused';
  }
}

function flip(bytes: Uint8Array, bit: number): Uint8Array {
  const result = bytes.slice();
  result[bit >> 3] = (result[bit >> 3] as number) ^ (1 << (bit & 7));
  return result;
}

/** A golden archive taken apart, to be put together around another pickle. */
function parts(name: string): { pickle: Uint8Array; around: (pickle: Uint8Array) => Uint8Array } {
  const bytes = golden(name);
  const entries = [...readZipDirectory(bytes, (problem) => expect.fail(problem)).values()].map((entry) => ({
    name: entry.name,
    data: bytes.subarray(entry.beginBytes, entry.endBytes),
  }));
  const first = entries[0] as { name: string; data: Uint8Array };
  expect(first.name).toMatch(/\/data\.pkl$/);
  return {
    pickle: first.data,
    around: (pickle) => writeZip([{ name: first.name, data: pickle }, ...entries.slice(1)], 64),
  };
}

test('every single flipped bit of a file written here is refused or harmless', () => {
  const valid = writePytorch(new Map([['w', { dtype: 'float32', shape: [1, 2], data: Float32Array.of(1, 2) }]]));
  let refused = 0;
  for (let bit = 0; bit < valid.length * 8; bit++) if (readAnything(flip(valid, bit)) === 'refused') refused += 1;
  expect(refused).toBeGreaterThan(valid.length); // padding, dates and versions of ZIP are not looked at
});

test.each(['protocol-4-legacy.pth', 'views-legacy.pth'])('every single flipped bit of %s', (name) => {
  const valid = golden(name);
  for (let bit = 0; bit < valid.length * 8; bit++) readAnything(flip(valid, bit));
});

test('every single flipped bit of a pickle behind a correct checksum', () => {
  const { pickle, around } = parts('views-zip.pth');
  for (let bit = 0; bit < pickle.length * 8; bit++) readAnything(around(flip(pickle, bit)));
});

test.each(GOLDENS)('every prefix of %s is refused', (name) => {
  const bytes = golden(name);
  for (let length = 0; length < bytes.length; length += 1 + Math.floor(bytes.length / 1500)) {
    expect(readAnything(bytes.subarray(0, length))).toBe('refused');
  }
});

const change = fc.record({ at: fc.nat(), value: fc.nat(255), remove: fc.nat(8), insert: fc.boolean() });
const changes = fc.array(change, { minLength: 1, maxLength: 6 });

function spliced(bytes: Uint8Array, list: readonly { at: number; value: number; remove: number; insert: boolean }[]) {
  const result = [...bytes];
  for (const { at, value, remove, insert } of list) {
    result.splice(at % result.length, insert ? 0 : 1 + (remove > 6 ? remove : 0), value);
  }
  return Uint8Array.from(result);
}

test.each(GOLDENS)('several changes at once to %s', (name) => {
  const bytes = golden(name);
  fc.assert(
    fc.property(changes, (list) => {
      readAnything(spliced(bytes, list));
    }),
    { numRuns: 300 },
  );
});

test.each(['views-zip.pth', 'checkpoint-zip.pth', 'protocol-5.pth'])(
  'several changes at once to the pickle of %s',
  (name) => {
    const { pickle, around } = parts(name);
    fc.assert(
      fc.property(changes, (list) => {
        readAnything(around(spliced(pickle, list)));
      }),
      { numRuns: 1000 },
    );
  },
);

test('pickles put together at random', () => {
  const pieces = [
    ...Array.from('().012NQR]abdelostu}\x81\x85\x86\x87\x88\x89\x8f\x90\x91\x92\x93\x94'),
    ...[
      'q\0',
      'h\0',
      'q\x01',
      'h\x01',
      'K\x00',
      'K\x02',
      'Pid\n',
      'I01\n',
      'F1.5\n',
      'L7L\n',
      "S'a'\n",
      'Va\n',
      'g0\n',
      'p0\n',
    ],
    ...[text('w'), text('model'), text('__proto__'), int(-1), int(2 ** 40), ints(2), ints(1), tuple(), dict(), W],
    ...[global('os', 'system'), global('collections', 'OrderedDict'), global('torch._utils', '_rebuild_tensor_v2')],
    ...[storage(2), storage(1), view(2, 0, [2, 2], [0, 1]), `\x95${little(20, 8)}`, '\x80\x04'],
  ];
  const program = fc.array(fc.constantFrom(...pieces), { maxLength: 40 });
  const wrapped = program.map((list) => dict(text('w'), W, text('x'), list.join('')));
  fc.assert(
    fc.property(
      fc.oneof(
        program.map((list) => list.join('')),
        wrapped,
      ),
      (pickle) => {
        readAnything(zip(pickle));
      },
    ),
    { numRuns: 4000 },
  );
});

const BOMBS: readonly (readonly [title: string, make: () => Uint8Array])[] = [
  ['dicts', () => zip(`](${'}'.repeat(190_000)}e(${'}'.repeat(190_000)}e`)],
  ['tuples in tuples', () => zip(`)${'\x85'.repeat(990_000)}`)],
  ['dicts of None', () => zip(`]${'}NNsa'.repeat(190_000)}`)],
  ['keys that are numbers', () => zip(`}${'NNs'.repeat(330_000)}`)],
  [
    'memo entries from the top',
    () => zip(`]${Array.from({ length: 300_000 }, (_, i) => `r${little(1e6 - i, 4)}`).join('')}`),
  ],
  ['60 MB of text', () => zip(`]${`${text('\xc3\xa9'.repeat(2 ** 19))}a`.repeat(60)}`)],
  ['escaped text', () => zip(`]${`V${'\\u20ac'.repeat(40_000)}\na`.repeat(50)}`)],
  ['long integers', () => zip(`]${`\x8a\x80${'\x7f'.repeat(128)}a`.repeat(100_000)}`)],
  ['as many elements from one as are allowed', () => zip(dict(text('w'), view(2, 0, [8_380_000], [0])))],
  [
    'the same in bytes',
    () =>
      zip(
        dict(
          text('w'),
          tensor(storage(8, text('0'), global('torch', 'ByteStorage')), int(0), ints(4_190_000), ints(0)),
        ),
      ),
  ],
  [
    'one tensor under 65,000 names',
    () => zip(`}${text('w')}${W}q\0s${Array.from({ length: 65_000 }, (_, i) => `${text(`k${i}`)}h\0s`).join('')}`),
  ],
  [
    '20,000 views of a storage of 4 MB',
    () => {
      const views = Array.from({ length: 20_000 }, (_, i) => text(`k${i}`) + view(2 ** 20, i, [1], [1]));
      return zip(dict(...views), [{ name: 'a/data/0', data: new Uint8Array(2 ** 22) }]);
    },
  ],
  [
    'one dict under 90,000 names',
    () => {
      const names = Array.from({ length: 90_000 }, (_, i) => text(`k${i}`));
      return zip(
        `}q\0${text('a')}}${names.map((name) => `${name}Ns`).join('')}q\x01s${names.map((name) => `${name}h\x01s`).join('')}`,
      );
    },
  ],
  [
    'paths of a million letters',
    () => zip(dict(...Array.from({ length: 40 }, (_, i) => `${text(`${i}${'k'.repeat(1e6)}`)}}`))),
  ],
  [
    '65,000 entries',
    () =>
      writeZip(
        Array.from({ length: 65_000 }, (_, i) => ({ name: `a/${i}`, data: TWO })),
        1,
      ),
  ],
  ['60 MB of marks', () => raw(`PK\x03\x04${'('.repeat(6e7)}`)],
];

test.each(BOMBS)('takes neither two seconds nor 256 MB: %s', (_, make) => {
  const bytes = make();
  const before = process.resourceUsage().maxRSS; // the highest so far, in KB
  readAnything(bytes);
  expect(process.resourceUsage().maxRSS - before).toBeLessThan(256 * 1024);
});
