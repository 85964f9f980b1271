/** Archives that are damaged, lie or reach out: each must end in a BneckError, soon and in little memory. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { BneckError } from '../../src/base/errors.ts';
import { partOf } from '../../src/data/found-data.ts';
import { findData } from '../../src/data/open-data.node.ts';
import { png } from '../data/data-files.ts';
import { makeZip, type ZipPart } from '../data/zip-files.ts';
import { expectLittle } from './expect-little.ts';

const root = mkdtempSync(join(tmpdir(), 'bneck-hostile-zip-'));
afterAll(() => rmSync(root, { recursive: true }));
const path = join(root, 'wrong.zip');
const open = (bytes: Uint8Array) => {
  writeFileSync(path, bytes);
  return findData(path);
};

const GOOD: ZipPart[] = [
  { name: 'a/1.png', data: 'one' },
  { name: 'b/2.png', data: 'two' },
];
const good = makeZip(GOOD);
const BOMB = deflateRawSync(Buffer.alloc(300_000_000));

/** The archive with a ZIP64 locator that says the true end is at `offset`. */
function withLocator(bytes: Buffer, offset: bigint): Buffer {
  const locator = Buffer.alloc(20);
  locator.writeUInt32LE(0x07064b50, 0);
  locator.writeBigUInt64LE(offset, 8);
  return Buffer.concat([bytes.subarray(0, -22), locator, bytes.subarray(-22)]);
}

const WRONG: [string, Uint8Array, RegExp][] = [
  ['empty', new Uint8Array(0), /is no sound zip archive/],
  ['text', Buffer.from('no archive'), /is no sound zip archive/],
  ['no entries', makeZip([]), /the folder is empty/],
  ['cut at its end', good.subarray(0, good.length - 5), /is no sound zip archive/],
  ['cut at its beginning', good.subarray(40), /is no sound zip archive/],
  ['followed by bytes', Buffer.concat([good, Buffer.alloc(10)]), /is no sound zip archive/],
  ['more entries than there are', makeZip(GOOD, { entryCount: 9 }), /is no sound zip archive/],
  ['a ZIP64 end nowhere', withLocator(good, 2n ** 64n - 1n), /is no sound zip archive \(.*impossible place/],
  ['a ZIP64 end behind the file', withLocator(good, 1n << 40n), /is no sound zip archive \(unexpected EOF/],
  ['a ZIP64 end that is none', withLocator(good, 0n), /is no sound zip archive \(invalid zip64/],
  ['an absolute name', makeZip([...GOOD, { name: '/etc/x.png' }]), /absolute path: \/etc\/x\.png/],
  ['a drive', makeZip([...GOOD, { name: 'C:/x.png' }]), /absolute path: C:\/x\.png/],
  [
    'a name that leads up',
    makeZip([...GOOD, { name: 'a/../../x.png' }]),
    /invalid relative path: a\/\.\.\/\.\.\/x\.png/,
  ],
  ['a name that leads up by backslashes', makeZip([...GOOD, { name: 'a\\..\\..\\x.png' }]), /invalid relative path/],
  ['an empty name', makeZip([...GOOD, { name: '' }]), /has an unsound name/],
  ['an empty part of a name', makeZip([...GOOD, { name: 'a//x.png' }]), /a\/\/x\.png has an unsound name/],
  ['a dot in a name', makeZip([...GOOD, { name: 'a/./x.png' }]), /has an unsound name/],
  ['a NUL in a name', makeZip([...GOOD, { name: 'a/x.png\0.txt' }]), /has an unsound name/],
  ['a very long name', makeZip([...GOOD, { name: 'x'.repeat(60_000) }]), /has too long a name/],
  ['very deep folders', makeZip([...GOOD, { name: `${'a/'.repeat(2000)}x.png` }]), /has too long a name/],
  ['a name twice', makeZip([...GOOD, { name: 'a/1.png', data: 'other' }]), /a\/1\.png comes twice/],
  ['a file and a folder of one name', makeZip([...GOOD, { name: 'a/1.png/' }]), /a\/1\.png comes twice/],
  [
    'a symbolic link',
    makeZip([...GOOD, { name: 'a/l.png', data: '/etc/passwd', mode: 0o120777 }]),
    /is a symbolic link/,
  ],
  ['a device', makeZip([...GOOD, { name: 'a/d.png', mode: 0o060644 }]), /is neither a file nor a folder/],
  ['encrypted', makeZip([...GOOD, { name: 'a/e.png', data: 'x', flags: 0x801 }]), /a\/e\.png is encrypted/],
  ['strongly encrypted', makeZip([...GOOD, { name: 'a/e.png', data: 'x', flags: 0x841 }]), /strong encryption/],
  ['another compression', makeZip([...GOOD, { name: 'a/z.png', data: 'x', method: 93 }]), /not read here \(93\)/],
  [
    'a bomb',
    makeZip([...GOOD, { name: 'a/b.png', packed: BOMB, claimedBytes: 300_000_000 }]),
    /would unpack to 300000000 bytes/,
  ],
  [
    'overlapping entries',
    makeZip([GOOD[0] as ZipPart, { name: 'b/2.png', data: 'two', offset: 0 }]),
    /overlaps another entry/,
  ],
  [
    'an entry outside of the file',
    makeZip([...GOOD, { name: 'a/x.png', offset: 0x7fffffff }]),
    /ends outside of the file/,
  ],
  [
    'an entry longer than the file',
    makeZip([...GOOD, { name: 'a/x.png', claimedPackedBytes: 1e9 }]),
    /ends outside of the file/,
  ],
  [
    'a stored entry of two sizes',
    makeZip([...GOOD, { name: 'a/x.png', method: 0, data: 'x', claimedBytes: 9 }]),
    /size mismatch/,
  ],
];

test.each(WRONG)('zip, %s: refused', async (_, bytes, pattern) => {
  await expectLittle(() => expect(open(bytes)).rejects.toThrow(pattern));
  const error = await open(bytes).catch((reason) => reason);
  expect(error).toBeInstanceOf(BneckError);
  expect(error.message.length).toBeLessThan(600);
});

const packed = deflateRawSync(Buffer.from('one'));
const WRONG_PICTURES: [string, Partial<ZipPart>, RegExp][] = [
  ['another checksum', { data: 'one', crc: 1 }, /its checksum does not match/],
  ['fewer bytes than it states', { data: 'one', claimedBytes: 4 }, /not enough bytes/],
  ['more bytes than it states', { data: 'one', claimedBytes: 2 }, /too many bytes/],
  ['a bomb that hides its size', { packed: BOMB, claimedBytes: 1000 }, /too many bytes/],
  ['damaged', { data: 'one', packed: Buffer.concat([Buffer.from([0xff]), packed]) }, /damaged in the archive/],
  ['no picture', { data: 'one' }, /not a picture \(it holds text\)/],
];

test.each(WRONG_PICTURES)('a picture in a zip, %s: an error of the picture', async (_, part, pattern) => {
  const found = await open(
    makeZip([
      { name: 'a/1.png', ...part },
      { name: 'b/2.png', data: 'two' },
    ]),
  );
  const whole = partOf(found, 'all');
  await expectLittle(() => expect(whole.read(0)).rejects.toThrow(pattern));
  await expect(whole.read(0)).rejects.toMatchObject({ name: 'BneckError', code: 'image' });
  expect(readdirSync(root)).toEqual(['wrong.zip']);
});

test('any byte changed: the archive is read as it is, or refused', async () => {
  const picture = await png(0, 0);
  const sound = makeZip([
    { name: 'a/1.png', data: picture, method: 0 },
    { name: 'b/2.png', data: 'two' },
  ]);
  const change = fc.tuple(fc.integer({ min: 0, max: sound.length - 1 }), fc.integer({ min: 1, max: 255 }));
  await fc.assert(
    fc.asyncProperty(change, async ([at, by]) => {
      const bytes = Buffer.from(sound);
      bytes[at] = ((bytes[at] as number) + by) & 255;
      try {
        const whole = partOf(await open(bytes), 'all');
        for (let index = 0; index < whole.length; index++) await whole.read(index);
      } catch (error) {
        expect(error).toBeInstanceOf(BneckError);
      }
    }),
    { numRuns: 200 },
  );
});
