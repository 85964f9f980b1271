/** The reports of real, tiny runs, through the built command line. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';

const BNECK = fileURLToPath(new URL('../../bin/bneck.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'bneck-report-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function bneck(...args: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(process.execPath, [BNECK, ...args], { cwd: folder }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code), out, err });
    });
  });
}

const read = (...path: string[]) => readFileSync(join(folder, ...path), 'utf8');
const CLASSES = ['<b>red', 'blue & "green"', "it's"];
const TINY = ['--width', '0.1', '--epochs', '2', '--batch', '8', '--threads', '1'];

beforeAll(async () => {
  for (const [channel, name] of CLASSES.entries()) {
    mkdirSync(join(folder, 'data', name), { recursive: true });
    for (let index = 0; index < 12; index++) {
      const data = Uint8Array.from({ length: 28 * 28 * 3 }, (_, at) => {
        const noise = Math.imul(at + 1, 2654435761 + index * 97) >>> 26;
        return at % 3 === channel ? 255 - noise : noise;
      });
      await sharp(data, { raw: { width: 28, height: 28, channels: 3 } })
        .png()
        .toFile(join(folder, 'data', name, `${index}.png`));
    }
  }
  const trained = await bneck('train', 'data', ...TINY, '--out', 'one');
  expect(trained).toMatchObject({ code: 0, err: '' });
  expect(trained.out).toMatch(/\nreport {3}one\/report\.html\n/);
});

test('training leaves a whole report', async () => {
  const files = readdirSync(join(folder, 'one'));
  for (const name of ['report.html', 'report.json', 'curves.svg', 'confusion-matrix.svg'])
    expect(files).toContain(name);
  const page = read('one', 'report.html');
  const wanted = ['Curves', 'Confusion matrix', 'Classes', 'Most confused', 'Calibration', 'Top losses'];
  for (const title of [...wanted, 'As training sees it', 'Data', 'Recipe', 'Network', 'Machine']) {
    expect(page).toContain(`<h2>${title}</h2>`);
  }
  expect(page).not.toContain('Missing here');
  expect(page).not.toMatch(/https?:\/\/(?!www\.w3\.org\/)/);
  expect(page).not.toContain('<b>red');
  expect(page).toContain('&lt;b&gt;red');
  expect(page.length).toBeLessThan(3e6);
});

test('its numbers are those of the run', async () => {
  const { trainedOn, validation } = JSON.parse(read('one', 'report.json'));
  expect(trainedOn).toMatchObject({ threads: 1, node: process.versions.node });
  expect(validation.pictures).toBe(6);
  expect(validation.confusion.flat().reduce((sum: number, count: number) => sum + count, 0)).toBe(6);
  const rows = read('one', 'metrics.csv').trim().split('\n').slice(1);
  const best = rows.map((row) => row.split(',').map(Number)).find(([, , , loss]) => loss === validation.loss);
  // The very loss that training wrote for the epoch it kept, to the last bit.
  expect(best?.[4]).toBe(validation.top1);
});

test('bneck report draws the same again, and PNGs where asked', async () => {
  const before = read('one', 'report.html');
  const drawn = await bneck('report', 'one', '--png', '--threads', '1');
  expect(drawn).toMatchObject({ code: 0, err: '' });
  expect(drawn.out.split('\n')).toContain(join('one', 'confusion-matrix.png'));
  expect(read('one', 'report.html')).toBe(before);
  const { width, format } = await sharp(join(folder, 'one', 'curves.png')).metadata();
  expect(format).toBe('png');
  expect(width).toBeGreaterThan(1000);
});

test('without the data it draws what it can and says what is missing; --data finds them again', async () => {
  renameSync(join(folder, 'data'), join(folder, 'moved'));
  try {
    const drawn = await bneck('report', 'one');
    expect(drawn.code).toBe(0);
    expect(drawn.err).toMatch(/^bneck: one: The data cannot be opened, .*give --data\.\n$/);
    const page = read('one', 'report.html');
    expect(page).toContain('Missing here');
    expect(page).toContain('<h2>Curves</h2>');
    expect(page).toContain('<h2>Machine</h2>');
    expect(page).not.toContain('<h2>Confusion matrix</h2>');
    const found = await bneck('report', 'one', '--data', 'moved');
    expect(found).toMatchObject({ code: 0, err: '' });
    expect(read('one', 'report.html')).toContain('<h2>Confusion matrix</h2>');
    rmSync(join(folder, 'moved', CLASSES[0] as string, '3.png'));
    const changed = await bneck('report', 'one', '--data', 'moved');
    expect(changed.err).toMatch(/have changed \(.*\), so the confusion matrix/);
  } finally {
    renameSync(join(folder, 'moved'), join(folder, 'data'));
  }
});

test('what is no run is refused in one line', async () => {
  mkdirSync(join(folder, 'empty'));
  expect(await bneck('report', 'empty')).toMatchObject({
    code: 1,
    err: expect.stringMatching(/^bneck: empty: .*no run/),
  });
  expect((await bneck('report', 'nowhere')).err).toMatch(/^bneck: nowhere: there is no such run/);
  mkdirSync(join(folder, 'damaged'));
  writeFileSync(join(folder, 'damaged', 'config.json'), '{"bneck":"0.1.0","data":{"path":3}}');
  const damaged = await bneck('report', 'damaged');
  expect(damaged.err).toMatch(/^bneck: damaged\/config\.json: data\.path: [^\n]*\n$/);
  expect(damaged.code).toBe(1);
});

test('bneck compare sets runs side by side', async () => {
  const plain = await bneck('train', 'data', ...TINY, '--augment', 'none', '--out', 'two');
  expect(plain.code).toBe(0);
  const compared = await bneck('compare', 'one', 'two', 'one', '--out', 'both.html', '--threads', '1');
  expect(compared).toMatchObject({ code: 0, err: '' });
  expect(compared.out).toMatch(/^run +accuracy.*\n-.*\none +\d.* ms .*\ntwo +\d.*\n/);
  const page = read('both.html');
  for (const title of ['Runs', 'Curves', 'Differences']) expect(page).toContain(`<h2>${title}</h2>`);
  expect(page).toContain('<th scope="row">augmentation</th>');
  expect(page).not.toContain('<th scope="row">seed</th>');
  const alone = await bneck('compare', 'one', './one');
  expect(alone).toMatchObject({ code: 2, err: expect.stringMatching(/1 different run to compare: give 2 to 16/) });
}, 120_000);
