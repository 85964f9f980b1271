/**
 * .pth files whose container is damaged or made to do harm: archives that contradict themselves, entries
 * that overlap, bombs, wrong versions, and the old format with storages that do not fit. Each must be
 * refused with a BneckError that names the file and the trouble.
 */
import { expect, test } from 'vitest';
import { BneckError } from '../../src/base/errors.ts';
import type { Tensor } from '../../src/base/tensor.ts';
import { readPytorch, writePytorch } from '../../src/formats/pytorch.ts';
import { writeZip } from '../../src/formats/zip-writer.ts';
import {
  type Crafted,
  DATA,
  dict,
  expectRefused,
  int,
  KEYS,
  legacy,
  little,
  MAGIC,
  raw,
  SYSTEM,
  TWO,
  text,
  tuple,
  view,
  W,
  W_LEGACY,
  zip,
} from './pytorch-files.ts';

const GOOD = zip(dict(text('w'), W));

/** GOOD with bytes changed; places are found by what stands there. */
function changed(find: string, offset: number, bytes: string, nth = 0): Uint8Array {
  const result = GOOD.slice();
  let at = -1;
  for (let i = 0; i <= nth; i++) at = Buffer.from(GOOD).indexOf(find, at + 1, 'latin1');
  expect(at).toBeGreaterThanOrEqual(0);
  result.set(raw(bytes), at + offset);
  return result;
}
const LOCAL = 'PK\x03\x04';
const CENTRAL = 'PK\x01\x02';
const END = 'PK\x05\x06';

test('the pieces make sound files', () => {
  const again = readPytorch(legacy(dict(text('w'), W_LEGACY), KEYS + DATA), 'legacy');
  for (const file of [readPytorch(GOOD, 'good'), again]) {
    expect([...(file.tensors.get('w') as Tensor).data]).toEqual([1, 2]);
  }
});

const OTHER_KINDS: Crafted[] = [
  ['nothing', new Uint8Array(0), /an empty file/],
  ['a safetensors file', raw('\x40\0\0\0\0\0\0\0{"w":{}}'), /safetensors/],
  ['a Git LFS pointer', raw('version https://git-lfs.github.com/spec/v1\n'), /git lfs pull/],
  ['a web page', raw('<!DOCTYPE html><html></html>'), /a web page/],
  ['a tar archive', raw(`${'storages'.padEnd(257, '\0')}ustar\0`), /tar archive, as PyTorch wrote before/],
  ['noise', raw('noise'), /of a kind that is not known/],
  ['a ZIP of something else', writeZip([{ name: 'word/document.xml', data: TWO }], 1), /no FOLDER\/data\.pkl/],
  ['a TorchScript program', zip(dict(text('w'), W), [{ name: 'a/constants.pkl', data: TWO }]), /TorchScript/],
  ['a plain pickle', raw(`\x80\x02${dict(text('w'), int(1))}.`), /not one that torch\.save wrote/],
];

const ARCHIVES: Crafted[] = [
  ['only its first four bytes', GOOD.slice(0, 4), /cut off/],
  ['cut in the middle', GOOD.slice(0, 300), /cut off/],
  ['without its last byte', GOOD.slice(0, -1), /cut off or goes on/],
  ['a byte too many', raw(`${Buffer.from(GOOD).toString('latin1')}\0`), /goes on too long/],
  ['a comment that is not there', changed(END, 20, '\x01'), /comment/],
  ['a file of several disks', changed(END, 4, '\x01'), /several parts/],
  ['a directory one byte early', changed(END, 16, '\xff\xff\0\0'), /place and size of its table/],
  ['a directory beyond the file', changed(END, 12, '\xff\xff\xff\x7f'), /place and size/],
  ['a directory of 65,535 entries', changed(END, 8, '\xff\xff\xff\xff'), /table of contents is damaged/],
  ['an entry left out of the count', changed(END, 8, '\x02\0\x02\0'), /longer than its entries/],
  ['a damaged directory', changed(CENTRAL, 0, 'XX'), /table of contents is damaged/],
  ['a name that goes past the directory', changed(CENTRAL, 28, '\xff\xff', 2), /table of contents is cut off/],
  ['a size in ZIP64 that is missing', changed(CENTRAL, 24, '\xff\xff\xff\xff'), /ZIP64 field of an entry is missing/],
  ['an entry of 4 GB', changed(CENTRAL, 20, '\xfe\xff\xff\xff\xfe\xff\xff\xff'), /ends outside/],
  ['two sizes for one stored entry', changed(CENTRAL, 24, '\x01'), /two sizes/],
  ['a compressed entry', changed(CENTRAL, 10, '\x08'), /packed otherwise/],
  ['an encrypted entry', changed(CENTRAL, 8, '\x01'), /packed otherwise/],
  ['an entry that is elsewhere', changed(CENTRAL, 42, '\x01'), /not where the table of contents says/],
  ['an entry placed at 2^32 - 2', changed(CENTRAL, 42, '\xfe\xff\xff\xff'), /not where the table of contents says/],
  ['an entry with another name inside', changed(LOCAL, 30, 'b'), /another name in front/],
  ['an entry with another size inside', changed(LOCAL, 22, '\x01'), /another size or checksum/],
  ['an entry with another checksum inside', changed(LOCAL, 14, '\x01'), /another size or checksum/],
  ['an extra field that swallows the data', changed(LOCAL, 28, '\xff\xff'), /ends outside/],
  ['changed weights', changed('\0\0\x80?', 2, '\x81'), /entry "a\/data\/0" do not match their checksum/],
  [
    'a name that is not UTF-8',
    zip('N', [{ name: 'a/x', data: raw('') }]).map((byte) => (byte === 0x78 ? 0xff : byte)),
    /not UTF-8/,
  ],
  [
    'the same entry twice',
    zip('N', [
      { name: 'a/data/0', data: TWO },
      { name: 'a/data/0', data: TWO },
    ]),
    /occurs twice/,
  ],
  ['two pickles', zip('N', [{ name: 'b/data.pkl', data: raw('N.') }]), /2 data\.pkl/],
  ['no version', writeZip([{ name: 'a/data.pkl', data: raw('N.') }], 64), /no version/],
  [
    'a version of the future',
    writeZip(
      [
        { name: 'a/data.pkl', data: raw('N.') },
        { name: 'a/version', data: raw('11') },
      ],
      64,
    ),
    /version "11"/,
  ],
  [
    'a version of a megabyte',
    writeZip(
      [
        { name: 'a/data.pkl', data: raw('N.') },
        { name: 'a/version', data: new Uint8Array(2 ** 20) },
      ],
      64,
    ),
    /too long/,
  ],
  ['big-endian numbers', zip('N', [{ name: 'a/byteorder', data: raw('big') }]), /byte order is "big"/],
  [
    'bytes after the pickle',
    writeZip(
      [
        { name: 'a/data.pkl', data: raw('N.N.') },
        { name: 'a/version', data: raw('3') },
      ],
      64,
    ),
    /2 bytes follow the pickle/,
  ],
];

/** Makes the storage's entry, whole in the file, begin inside the pickle's. */
function overlapping(): Uint8Array {
  const inner = Buffer.from(writeZip([{ name: 'a/data/0', data: TWO }], 1))
    .toString('latin1')
    .split(CENTRAL)[0] as string;
  const bytes = Buffer.from(zip(`C${little(inner.length, 1)}${inner}`));
  bytes.writeUInt32LE(bytes.indexOf(inner, 0, 'latin1'), bytes.lastIndexOf(CENTRAL, undefined, 'latin1') + 42);
  return bytes;
}

/** Deflated zeros behind a true local header: a bomb, were it unpacked. */
function compressed(): Uint8Array {
  const bytes = Buffer.from(GOOD);
  for (const signature of [LOCAL, CENTRAL]) {
    const at = bytes.lastIndexOf(signature, undefined, 'latin1');
    bytes.writeUInt16LE(8, at + (signature === LOCAL ? 8 : 10));
    bytes.writeUInt32LE(0x7fffffff, at + (signature === LOCAL ? 22 : 24));
  }
  return bytes;
}

/** A ZIP64 record in front of the last one, pointing anywhere. */
function zip64(recordAt: number, entries: number): Uint8Array {
  const whole = Buffer.from(GOOD).toString('latin1');
  const record = `PK\x06\x06${little(44, 8)}-\0-\0${little(0, 8)}${little(entries, 8)}${little(entries, 8)}`;
  const end = GOOD.length - 22;
  const place = whole.slice(end + 12, end + 16) + little(0, 4) + whole.slice(end + 16, end + 20) + little(0, 4);
  const locator = `PK\x06\x07${little(0, 4)}${little(recordAt, 8)}${little(1, 4)}`;
  return raw(whole.slice(0, end) + record + place + locator + whole.slice(end));
}

const ARCHIVE_TRICKS: Crafted[] = [
  ['an entry inside another', overlapping(), /overlaps the one before it/],
  ['a bomb', compressed(), /"a\/data\/0" is compressed or encrypted, which torch\.save never does/],
  ['a ZIP64 record that is elsewhere', zip64(7, 3), /ZIP64 end record is not where/],
  ['a ZIP64 record past 2^53', zip64(2 ** 60, 3), /ZIP64 end record is not where/],
  ['end records that disagree', zip64(GOOD.length - 22, 4), /contradict each other/],
];

const LEGACY: Crafted[] = [
  [
    'another magic number',
    legacy(dict(text('w'), W_LEGACY), KEYS + DATA, MAGIC.replace('l', 'm')),
    /not one that torch\.save wrote/,
  ],
  ['another protocol', legacy('N', KEYS, `${MAGIC}\x80\x02M\xea\x03.${SYSTEM}`), /protocol is not 1001/],
  [
    'a big-endian machine',
    legacy('N', KEYS, `${MAGIC}\x80\x02M\xe9\x03.\x80\x02${dict(text('little_endian'), '\x89')}.`),
    /little-endian machine/,
  ],
  ['nothing after the object', legacy(dict(text('w'), W_LEGACY), ''), /cut off/],
  ['keys that are a dict', legacy(dict(text('w'), W_LEGACY), '}.'), /keys are a dict/],
  [
    'a key that no tensor names',
    legacy(dict(text('w'), W_LEGACY), `](${text('7')}e.${DATA}`),
    /that no tensor lies in/,
  ],
  [
    'the same key twice',
    legacy(dict(text('w'), W_LEGACY), `](${text('0')}${text('0')}e.${DATA}${DATA}`),
    /occurs twice/,
  ],
  ['no keys', legacy(dict(text('w'), W_LEGACY), '].'), /1 storages are missing/],
  ['a count cut off', legacy(dict(text('w'), W_LEGACY), `${KEYS}\x02\0\0`), /cut off before storage "0"/],
  ['elements cut off', legacy(dict(text('w'), W_LEGACY), KEYS + DATA.slice(0, -1)), /cut off in storage "0"/],
  [
    'another count',
    legacy(dict(text('w'), W_LEGACY), `${KEYS}\x01${DATA.slice(1)}`),
    /should have 2 elements and has 1/,
  ],
  [
    'a count of 2^64 - 1',
    legacy(dict(text('w'), W_LEGACY), KEYS + '\xff'.repeat(8) + DATA.slice(8)),
    /should have 2 elements/,
  ],
  ['bytes at the end', legacy(dict(text('w'), W_LEGACY), `${KEYS}${DATA}\0`), /1 bytes follow the last storage/],
  [
    'a storage of two sizes',
    legacy(dict(text('w'), W_LEGACY, text('v'), view(3, 0, [1], [1]).replace('tQ', 'NtQ')), KEYS + DATA),
    /8 bytes in one place and 12/,
  ],
  [
    'a part outside its storage',
    legacy(dict(text('w'), W.replace('tQ', `${tuple(text('1'), int(1), int(2))}tQ`)), KEYS + DATA),
    /not inside it/,
  ],
];

test.each([...OTHER_KINDS, ...ARCHIVES, ...ARCHIVE_TRICKS, ...LEGACY])('%s', (_, bytes, message) => {
  expectRefused(bytes, message);
});

test('a file that was written here and is cut anywhere is refused', () => {
  const bytes = writePytorch(new Map([['w', { dtype: 'float32', shape: [2], data: Float32Array.of(1, 2) } as Tensor]]));
  for (let length = 0; length < bytes.length; length++) {
    expect(() => readPytorch(bytes.subarray(0, length), 'cut')).toThrow(BneckError);
  }
});
