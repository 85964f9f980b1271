/** CSV files that are damaged, enormous or reach for other people's files: refused with the line, soon and in little memory. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { BneckError } from '../../src/base/errors.ts';
import { partOf } from '../../src/data/found-data.ts';
import { findData } from '../../src/data/open-data.node.ts';
import { ferPixels } from '../data/data-files.ts';
import { expectLittle } from './expect-little.ts';

const parent = mkdtempSync(join(tmpdir(), 'bneck-hostile-csv-'));
afterAll(() => rmSync(parent, { recursive: true }));
const folder = join(parent, 'data');
mkdirSync(join(folder, 'sub'), { recursive: true });
for (const name of ['data/a.png', 'data/b.png', 'data/sub/c.png', 'secret.png']) writeFileSync(join(parent, name), 'x');

function file(content: string | Uint8Array): string {
  const path = join(folder, 'labels.csv');
  writeFileSync(path, content);
  return path;
}

async function expectRefused(path: string, pattern: RegExp): Promise<void> {
  await expectLittle(() => expect(findData(path)).rejects.toThrow(pattern));
  const error = await findData(path).catch((reason) => reason);
  expect(error).toBeInstanceOf(BneckError);
  expect(error.message.length).toBeLessThan(1000);
}

const HEAD = 'path,label\n';
const WRONG: [string, string | Uint8Array, RegExp][] = [
  ['nothing', '', /the file is empty/],
  ['line ends alone', '\n\n\r\n', /the file is empty/],
  ['a header alone', HEAD, /lists no pictures/],
  [
    'no header',
    'a.png,cat\nb.png,dog\n',
    /line 1: the first line must name a column for the path .*it has a\.png, cat/,
  ],
  ['one column', 'path\na.png\n', /the first line must name/],
  ['semicolons', 'path;label\na.png;cat\n', /the first line must name/],
  ['two columns for the label', 'path,label,class\na.png,cat,dog\n', /columns label and class could both be the label/],
  ['an open quote', `${HEAD}"a.png,cat\nb.png,dog\n`, /line \d+: a quote is not closed/],
  [
    'an open quote before 60 MB',
    `${HEAD}"a.png,cat\n${'b.png,dog\n'.repeat(6e6)}`,
    /more than 65536 characters, or a quote/,
  ],
  ['a field of 60 MB', `${HEAD}${'a'.repeat(60e6)},cat\n`, /more than 65536 characters/],
  ['a header of 60 MB', 'a'.repeat(60e6), /more than 65536 characters/],
  ['a million columns', `${HEAD}${','.repeat(1e6)}\n`, /more than 65536 characters/],
  ['text behind a quote', `${HEAD}"a.png"x,cat\n`, /line 2: something stands behind a closing quote/],
  ['a quote inside a field', `${HEAD}a"b.png,cat\n`, /line 2: a quote stands inside a field/],
  ['a column too few', `${HEAD}a.png\n`, /line 2: the row has 1 columns, the first has 2/],
  ['a column too many', `${HEAD}a.png,cat,x\n`, /line 2: the row has 3 columns, the first has 2/],
  ['a NUL in a path', `${HEAD}a.png\0.jpg,cat\n`, /line 2: holds a NUL/],
  ['a NUL in a label', `${HEAD}a.png,c\0t\n`, /line 2: holds a NUL/],
  ['zeros', new Uint8Array(100_000), /more than 65536 characters|NUL/],
  ['a PNG', Buffer.from('\x89PNG\r\n\x1a\n\0\0\0\rIHDR', 'latin1'), /is not UTF-8 text/],
  ['no path', `${HEAD}a.png,cat\n ,dog\n`, /line 3: has no path/],
  ['no label', `${HEAD}a.png,\n`, /line 2: has no label/],
  ['a part that is none', `path,label,split\na.png,cat,trian\n`, /line 2: part "trian": give train, val or test/],
  ['no part', `path,label,split\na.png,cat,\n`, /line 2: part "": give train/],
  ['a picture twice', `${HEAD}a.png,cat\nb.png,dog\na.png,cat\n`, /line 4: a\.png stands in line 2 already/],
  ['a picture twice in two spellings', `${HEAD}a.png,cat\nsub/../a.png,dog\n`, /line 3: a\.png stands in line 2/],
  ['an absolute path', `${HEAD}${join(parent, 'secret.png')},cat\n`, /line 2: .*secret\.png lies outside of/],
  ['a path out of the root', `${HEAD}../secret.png,cat\n`, /line 2: \.\.\/secret\.png lies outside of/],
  ['a path out and in again', `${HEAD}sub/../../data/../secret.png,cat\n`, /lies outside of/],
  ['the root itself', `${HEAD}.,cat\n`, /1 of 1 pictures are not in/],
  ['a folder', `${HEAD}sub,cat\n`, /1 of 1 pictures are not in .*first of them sub \(line 2\)/],
  ['a picture that is not there', `${HEAD}a.png,cat\nz.png,dog\n`, /1 of 2 pictures .*z\.png \(line 3\)/],
  ['a path of 60,000 characters', `${HEAD}${'a/'.repeat(30_000)}b.png,cat\n`, /1 of 1 pictures are not in/],
];

test.each(WRONG)('CSV, %s: refused', async (_, content, pattern) => {
  await expectRefused(file(content), pattern);
});

test('CSV: sound, it is read; outside of the root only with leave', async () => {
  const inside = file(`${HEAD}a.png,cat\nsub/./c.png,dog\n`);
  expect(partOf(await findData(inside), 'all').length).toBe(2);
  const outside = file(`${HEAD}../secret.png,cat\n${join(folder, 'a.png')},dog\n`);
  expect(partOf(await findData(outside, { allowOutside: true }), 'all').name(0)).toBe(join(parent, 'secret.png'));
  // A link inside the root was put there by whoever made the root.
  symlinkSync(join(parent, 'secret.png'), join(folder, 'link.png'));
  expect(partOf(await findData(file(`${HEAD}link.png,cat\n`)), 'all').length).toBe(1);
});

test('CSV in UTF-16 with its mark is read', async () => {
  const text = Buffer.from(`\ufeff${HEAD}a.png,cat\n`, 'utf16le');
  expect(partOf(await findData(file(text)), 'all').classes).toEqual(['cat']);
});

const FER = 'emotion,pixels,Usage\n';
const FACE = ferPixels(1, 1);
const WRONG_FER: [string, string, RegExp][] = [
  ['a header alone', FER, /holds no pictures/],
  ['an emotion too high', `${FER}7,${FACE},Training\n`, /line 2: emotion "7" is not a number from 0 to 6/],
  ['a negative emotion', `${FER}-1,${FACE},Training\n`, /emotion "-1"/],
  ['an emotion in words', `${FER}${'Happy'.repeat(100)},${FACE},Training\n`, /emotion "HappyHappy.*\.\.\..*Happy" is/],
  ['no pixels', `${FER}1,,Training\n`, /line 2: the pixels are not 2304 numbers/],
  ['a pixel too few', `${FER}1,${FACE.replace(/ \d+$/, '')},Training\n`, /the pixels are not/],
  ['a pixel too many', `${FER}1,${FACE} 0,Training\n`, /the pixels are not/],
  ['a pixel above 255', `${FER}1,${FACE.replace(/ \d+$/, ' 256')},Training\n`, /the pixels are not/],
  [
    'a pixel of many digits',
    `${FER}1,${FACE.replace(/ \d+$/, ` ${'9'.repeat(400)}`)},Training\n`,
    /the pixels are not/,
  ],
  ['a negative pixel', `${FER}1,${FACE.replace(/ \d+$/, ' -1')},Training\n`, /the pixels are not/],
  ['a fraction', `${FER}1,${FACE.replace(/ \d+$/, ' 1.5')},Training\n`, /the pixels are not/],
  ['another usage', `${FER}1,${FACE},Train\n`, /usage "Train" is none of Training, PublicTest, PrivateTest/],
];

test.each(WRONG_FER)('FER-2013, %s: refused', async (_, content, pattern) => {
  await expectRefused(file(content), pattern);
});
