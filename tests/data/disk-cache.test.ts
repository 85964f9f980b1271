/** The cache of decoded pictures: the same pixels with it, without it, and with every damage it can take. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type Dataset, subset } from '../../src/data/dataset.ts';
import { type DiskCacheOptions, diskCached } from '../../src/data/disk-cache.node.ts';
import { partOf } from '../../src/data/found-data.ts';
import { findData } from '../../src/data/open-data.node.ts';
import { reduceShortSide } from '../../src/data/transform.ts';
import { png } from './data-files.ts';
import { makeZip } from './zip-files.ts';

const root = mkdtempSync(join(tmpdir(), 'bneck-disk-cache-'));
afterAll(() => rmSync(root, { recursive: true }));
const pictures = join(root, 'pictures');
let dataset: Dataset;

async function open(): Promise<Dataset> {
  return partOf(await findData(pictures), 'all');
}

beforeAll(async () => {
  for (const [label, name] of ['a', 'b'].entries()) {
    mkdirSync(join(pictures, name), { recursive: true });
    for (let index = 0; index < 6; index++) {
      const size = { width: 20 + index, height: 12, channels: 3 as const };
      const data = Uint8Array.from(
        { length: size.width * 36 },
        (_, at) => (Math.imul(at + index, 2654435761) >>> 24) + label,
      );
      const made = sharp(data, { raw: size });
      await (index % 2 === 0 ? made.png() : made.jpeg()).toFile(
        join(pictures, name, `${index}.${index % 2 === 0 ? 'png' : 'jpg'}`),
      );
    }
  }
  dataset = await open();
});

let made = 0;
/** A cache in a folder of its own, with what it told. */
async function keep(set: Dataset, extra: Partial<DiskCacheOptions> = {}) {
  const folder = extra.folder ?? join(root, `cache-${made++}`);
  const notes: string[] = [];
  const progress: string[] = [];
  const opened = await diskCached(set, {
    folder,
    onNote: (note) => notes.push(note),
    onProgress: (done, total) => progress.push(`${done}/${total}`),
    ...extra,
  });
  if (opened !== null) closers.push(opened.close);
  return { folder, notes, progress, kept: opened?.dataset ?? null };
}
const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});
const files = (folder: string) => (existsSync(folder) ? readdirSync(folder) : []);
/** A set whose pictures must not be decoded. */
const unreadable = (set: Dataset): Dataset => ({ ...set, read: () => Promise.reject(new Error('decoded again')) });

async function expectSame(kept: Dataset | null, shortSide?: number): Promise<void> {
  expect(kept).not.toBeNull();
  for (let index = dataset.length - 1; index >= 0; index--) {
    const expected = reduceShortSide(await dataset.read(index), shortSide);
    for (let time = 0; time < 2; time++) expect(await (kept as Dataset).read(index)).toEqual(expected);
  }
}

test.each([undefined, 10, 12, 100])('short side %s: made once, then read, with the same pixels', async (shortSide) => {
  const first = await keep(dataset, { shortSide });
  expect([first.notes, first.progress.at(-1), first.progress.length]).toEqual([[], '12/12', 12]);
  await expectSame(first.kept, shortSide);
  expect(files(first.folder)).toHaveLength(1);
  const again = await keep(unreadable(dataset), { shortSide, folder: first.folder });
  expect([again.notes, again.progress]).toEqual([[], []]);
  await expectSame(again.kept, shortSide);
  expect(await again.kept?.size?.(5)).toEqual(shortSide === 10 ? { width: 20, height: 10 } : { width: 25, height: 12 });
  expect(again.kept).toMatchObject({
    length: 12,
    classes: ['a', 'b'],
    labels: dataset.labels,
    fingerprint: dataset.fingerprint,
  });
  expect(again.kept?.name(3)).toBe(dataset.name(3));
});

test('the bytes of a cache do not depend on the order in which pictures are decoded', async () => {
  const slowFirst: Dataset = {
    ...dataset,
    read: async (index) => {
      await new Promise((resolve) => setTimeout(resolve, index % 4 === 0 ? 20 : 0));
      return dataset.read(index);
    },
  };
  const [one, other] = [await keep(dataset), await keep(slowFirst)];
  const bytes = ({ folder }: { folder: string }) => readFileSync(join(folder, files(folder)[0] as string));
  expect(files(one.folder)).toEqual(files(other.folder));
  expect(bytes(one).equals(bytes(other))).toBe(true);
});

test('other pictures, another size, another time of change: another cache', async () => {
  const { folder } = await keep(dataset);
  await keep(dataset, { folder, shortSide: 10 });
  await keep(subset(dataset, [1, 2, 3]), { folder });
  expect(files(folder)).toHaveLength(3);
  const path = join(pictures, 'a', '0.png');
  const { atime, mtime } = statSync(path);
  utimesSync(path, atime, new Date(mtime.getTime() + 5000));
  await keep(await open(), { folder });
  expect(files(folder)).toHaveLength(4);
  utimesSync(path, atime, mtime);
  expect((await keep(unreadable(await open()), { folder })).progress).toEqual([]);
});

test('pictures of an archive', async () => {
  const path = join(root, 'pictures.zip');
  writeFileSync(
    path,
    makeZip([
      { name: 'a/1.png', data: await png(0, 1) },
      { name: 'b/2.png', data: await png(1, 2) },
    ]),
  );
  const whole = partOf(await findData(path), 'all');
  const { folder, kept } = await keep(whole);
  expect(await kept?.read(1)).toEqual(await whole.read(1));
  expect((await keep(unreadable(whole), { folder })).progress).toEqual([]);
});

const HEADER = 56;
const INDEX = 12 * 12;
/** How to damage a file of so many bytes, and what is then said when it is opened. */
const DAMAGES: [string, (path: string, bytes: Buffer) => void, RegExp][] = [
  ['emptied', (path) => truncateSync(path, 0), /it ends within its header/],
  ['cut in the header', (path) => truncateSync(path, HEADER - 1), /it ends within its header/],
  ['cut in the index', (path) => truncateSync(path, HEADER + INDEX - 1), /it ends within its index/],
  ['cut in the pixels', (path, { length }) => truncateSync(path, length - 1), /it has \d+ bytes and should have \d+/],
  ['too long', (path, { length }) => truncateSync(path, length + 1), /it has \d+ bytes and should have/],
  ['another kind of file', (path) => writeFileSync(path, Buffer.alloc(5000, 'x')), /it does not begin as such a file/],
  ...[8, 12, 16, 47, 48, 52].map((at): [string, (path: string, bytes: Buffer) => void, RegExp] => [
    `byte ${at} of the header changed`,
    (path, bytes) => writeFileSync(path, changed(bytes, at)),
    /its header does not match its checksum/,
  ]),
  ['the index changed', (path, bytes) => writeFileSync(path, changed(bytes, HEADER + 5)), /its index does not match/],
];

function changed(bytes: Buffer, at: number): Buffer {
  const other = Buffer.from(bytes);
  other[at] = (other[at] as number) ^ 1;
  return other;
}

test.each(DAMAGES)('%s: said, and made again', async (_, damage, reason) => {
  const { folder } = await keep(dataset);
  const path = join(folder, files(folder)[0] as string);
  const sound = readFileSync(path);
  damage(path, sound);
  const again = await keep(dataset, { folder });
  expect(again.notes).toHaveLength(1);
  expect(again.notes[0]).toMatch(reason);
  expect(again.notes[0]).toContain('is made again');
  await expectSame(again.kept);
  expect(readFileSync(path).equals(sound)).toBe(true);
});

test('pixels changed: said once, those pictures are decoded, the next run makes the cache again', async () => {
  const { folder } = await keep(dataset);
  const path = join(folder, files(folder)[0] as string);
  const sound = readFileSync(path);
  writeFileSync(path, changed(changed(sound, sound.length - 1), HEADER + INDEX + 3));
  const damaged = await keep(dataset, { folder });
  expect(damaged.notes).toEqual([]);
  await expectSame(damaged.kept);
  expect(damaged.notes).toHaveLength(1);
  expect(damaged.notes[0]).toMatch(
    /is damaged \(picture 11 does not match its checksum\), removed, and made again by the next/,
  );
  expect(files(folder)).toEqual([]);
  await expectSame((await keep(dataset, { folder })).kept);
  expect(readFileSync(path).equals(sound)).toBe(true);
});

test('deleted while it is in use: nothing is lost', async () => {
  const { folder, kept } = await keep(dataset);
  rmSync(folder, { recursive: true });
  await expectSame(kept);
});

test('a picture that cannot be decoded fails as without a cache, again and again', async () => {
  const path = join(pictures, 'b', '9.png');
  writeFileSync(path, 'no picture');
  const set = await open();
  rmSync(path);
  expect(set.length).toBe(13);
  const { folder, kept } = await keep(set);
  for (const used of [kept, (await keep(set, { folder })).kept]) {
    await expect(used?.read(12)).rejects.toMatchObject({ name: 'BneckError', code: 'image' });
    expect(await used?.read(3)).toEqual(await set.read(3));
  }
});

test('no room, no leave, no time: no cache, and why', async () => {
  const tight = await keep(dataset, { limitBytes: 1000 });
  expect([tight.kept, files(tight.folder)]).toEqual([null, []]);
  expect(tight.notes[0]).toMatch(/not kept on the disk: 0\.0 GB are more than .* may take or has free/);
  const blocked = join(root, 'file');
  writeFileSync(blocked, '');
  const refused = await keep(dataset, { folder: join(blocked, 'cache') });
  expect(refused.kept).toBeNull();
  expect(refused.notes[0]).toMatch(/not kept on the disk: .*could not be written/);
  const controller = new AbortController();
  const aborted = await keep(dataset, {
    signal: controller.signal,
    onProgress: (done) => done === 3 && controller.abort(),
  });
  expect([aborted.kept, aborted.notes, files(aborted.folder)]).toEqual([null, [], []]);
});

test('the least recently used make room, and what a killed process left is removed', async () => {
  const first = await keep(dataset);
  const { folder } = first;
  const [oldest] = files(folder) as [string];
  const bytes = statSync(join(folder, oldest)).size;
  await keep(dataset, { folder, shortSide: 11 });
  const long = new Date(Date.now() - 48 * 3600 * 1000);
  for (const name of files(folder)) if (name !== oldest) utimesSync(join(folder, name), long, long);
  writeFileSync(join(folder, '.bneck-left.tmp'), 'x');
  utimesSync(join(folder, '.bneck-left.tmp'), long, long);
  writeFileSync(join(folder, '.bneck-in-work.tmp'), 'x');
  writeFileSync(join(folder, 'notes.txt'), 'x');
  await keep(dataset, { folder, shortSide: 10, limitBytes: 2 * bytes });
  const left = files(folder);
  expect(left).toContain(oldest);
  expect(left.filter((name) => name.endsWith('.pixels'))).toHaveLength(2);
  expect(left.filter((name) => !name.endsWith('.pixels'))).toEqual(['.bneck-in-work.tmp', 'notes.txt']);
});
