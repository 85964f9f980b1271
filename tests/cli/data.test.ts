/** Training from data of every format on the built command line: one tiny epoch each, and what their options do. */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CIFAR_10_NAMES, ferCsv, png, writeCifar10, writeFiles } from '../data/data-files.ts';
import { makeZip } from '../data/zip-files.ts';

const BNECK = fileURLToPath(new URL('../../bin/bneck.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'bneck-cli-data-'));
const CACHE = join(folder, 'cache');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function bneck(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const env = { ...process.env, XDG_CACHE_HOME: CACHE };
  return new Promise((resolve) => {
    execFile(process.execPath, [BNECK, ...args], { cwd: folder, env }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code), out, err });
    });
  });
}

const TINY = ['--width', '0.1', '--reduction', '8', '--epochs', '1', '--batch', '6', '--threads', '1'];
const kept = () => readdirSync(join(CACHE, 'bneck', 'pictures')).sort();
const weights = (run: string) => readFileSync(join(folder, run, 'last.ckpt', 'weights.safetensors')).toString('base64');
const config = (run: string) => JSON.parse(readFileSync(join(folder, run, 'config.json'), 'utf8'));
async function judged(...args: string[]) {
  const { out, err, code } = await bneck('evaluate', ...args, '--threads', '1', '--json');
  expect(code, err).toBe(0);
  return JSON.parse(out);
}

const PHOTOS: Record<string, Buffer> = {};
beforeAll(async () => {
  writeCifar10(join(folder, 'cifar-10-batches-bin'));
  writeFileSync(join(folder, 'fer2013.csv'), ferCsv());
  for (const [label, name] of ['ant', 'bee', 'cow'].entries()) {
    for (let index = 0; index < 8; index++) PHOTOS[`${name}/${index}.png`] = await png(label, 10 * label + index);
  }
  writeFiles(join(folder, 'photos'), PHOTOS);
  writeFileSync(join(folder, 'photos.zip'), makeZip(Object.entries(PHOTOS).map(([name, data]) => ({ name, data }))));
  const rows = Object.keys(PHOTOS).map(
    (path, index) => `${path},${path.slice(0, 3)},${index % 4 === 0 ? 'val' : 'train'}\n`,
  );
  writeFileSync(join(folder, 'list.csv'), `file,class,split\n${rows.join('')}`);
});

test('CIFAR-10', async () => {
  const { out, err, code } = await bneck('train', 'cifar-10-batches-bin', ...TINY, '--out', 'cifar');
  expect([code, err]).toEqual([0, '']);
  expect(out).toMatch(/10 classes, 40 pictures to learn from, 10 to validate, about 32 px/);
  expect(out).toMatch(/\nepoch 1\/1 .*accuracy/);
  expect(config('cifar').data).toMatchObject({ kind: 'cifar-10', classNames: CIFAR_10_NAMES });
  const model = join('cifar', 'best.safetensors');
  const row = readFileSync(join(folder, 'cifar', 'metrics.csv'), 'utf8')
    .split('\n')[1]
    ?.split(',');
  expect(await judged(model, 'cifar-10-batches-bin')).toMatchObject({ pictures: 10, top1: Number(row?.[4]) });
  expect(await judged(model, 'cifar-10-batches-bin', '--split', 'train')).toMatchObject({ pictures: 40 });
  // Nothing to decode, nothing to keep.
  expect(existsSync(CACHE)).toBe(false);
});

test('FER-2013', async () => {
  const { out, err, code } = await bneck('train', 'fer2013.csv', ...TINY, '--out', 'fer');
  expect([code, err]).toEqual([0, '']);
  expect(out).toMatch(/7 classes, 21 pictures to learn from, 7 to validate, about 48 px/);
  expect(out).toMatch(/resolution 48/);
  const model = join('fer', 'best.safetensors');
  expect(await judged(model, 'fer2013.csv')).toMatchObject({ pictures: 7 });
  expect(await judged(model, 'fer2013.csv', '--split', 'test')).toMatchObject({ pictures: 7 });
});

test('a CSV list, its root, and pictures outside of it', async () => {
  const refused = await bneck('train', 'list.csv', ...TINY);
  expect(refused).toMatchObject({
    code: 1,
    err: expect.stringMatching(/^bneck: list\.csv: 24 of 24 pictures are not in \./),
  });
  const { out, err, code } = await bneck('train', 'list.csv', '--root', 'photos', ...TINY, '--out', 'csv');
  expect([code, err]).toEqual([0, '']);
  expect(out).toMatch(/3 classes, 18 pictures to learn from, 6 to validate/);
  expect(await judged(join('csv', 'best.safetensors'), 'list.csv', '--root', 'photos')).toMatchObject({ pictures: 6 });
  const rows = Object.keys(PHOTOS).map((path) => `${join(folder, 'photos', path)},${path.slice(0, 3)}\n`);
  writeFileSync(join(folder, 'absolute.csv'), `path,label\n${rows.join('')}`);
  const outside = await bneck('train', 'absolute.csv', ...TINY);
  expect(outside).toMatchObject({ code: 1, err: expect.stringMatching(/line 2: .* lies outside of/) });
  const allowed = await bneck('train', 'absolute.csv', '--allow-outside', ...TINY, '--out', 'absolute');
  expect(allowed).toMatchObject({ code: 0, err: '' });
  expect(await bneck('train', 'photos', '--root', 'photos')).toMatchObject({
    code: 2,
    err: expect.stringMatching(/root is for/),
  });
});

test('an archive trains to the bits of its folder; so does a run without cache, and one from the cache', async () => {
  for (const [run, data, ...more] of [
    ['folder', 'photos', '--cache', 'own-cache'],
    ['archive', 'photos.zip', '--no-cache'],
    ['again', 'photos', '--cache', 'own-cache'],
  ] as [string, string, ...string[]][]) {
    const { err, code } = await bneck('train', data, ...TINY, '--out', run, ...more);
    expect([code, err]).toEqual([0, '']);
    expect(weights(run)).toBe(weights('folder'));
  }
  expect(readdirSync(join(folder, 'own-cache'))).toHaveLength(2); // one a part
  const [first] = readdirSync(join(folder, 'own-cache')) as [string];
  writeFileSync(join(folder, 'own-cache', first), 'damaged');
  const repaired = await bneck('train', 'photos', ...TINY, '--cache', 'own-cache', '--out', 'repaired');
  expect(repaired.out).toMatch(
    /the cache own-cache\/\w+\.pixels is damaged \(it ends within its header\) and is made again\n/,
  );
  expect(weights('repaired')).toBe(weights('folder'));
});

test('the cache is in the user’s cache folder unless said otherwise', async () => {
  rmSync(CACHE, { recursive: true, force: true });
  expect((await bneck('train', 'photos', ...TINY, '--out', 'default-cache')).code).toBe(0);
  const first = kept();
  expect(first).toHaveLength(2);
  expect((await bneck('train', 'photos', ...TINY, '--epochs', '2', '--out', 'default-cache-2')).code).toBe(0);
  expect(kept()).toEqual(first);
});

test('--classes-file fixes the order of the labels, and says what differs', async () => {
  writeFileSync(join(folder, 'names.txt'), 'cow\nant\nbee\n');
  expect(await bneck('train', 'photos', ...TINY, '--classes-file', 'names.txt', '--out', 'named')).toMatchObject({
    code: 0,
  });
  expect(config('named').data.classNames).toEqual(['cow', 'ant', 'bee']);
  const model = join('named', 'best.safetensors');
  const own = await judged(model, 'photos');
  expect(await judged(model, 'photos', '--classes-file', 'names.txt')).toMatchObject({
    top1: own.top1,
    loss: own.loss,
  });
  for (const [names, pattern] of [
    ['ant\nbee\n', /no such class: cow; the classes are ant, bee/],
    ['ant\nbee\ncow\ndog\n', /no training pictures of dog/],
    ['ant\nbee\nbee\n', /bee stands in lines 2 and 3/],
  ] as [string, RegExp][]) {
    writeFileSync(join(folder, 'wrong.txt'), names);
    const wrong = await bneck('train', 'photos', ...TINY, '--classes-file', 'wrong.txt');
    expect(wrong).toMatchObject({ code: 1, out: '', err: expect.stringMatching(pattern) });
  }
  for (const [names, pattern] of [
    ['ant\ncow\nbee\n', /class 0 is cow in the model and ant in the file/],
    ['cow\nant\nwasp\n', /only in the model: bee; only in the file: wasp/],
    ['cow\nant\n', /2 names for 3 classes; only in the model: bee/],
  ] as [string, RegExp][]) {
    writeFileSync(join(folder, 'wrong.txt'), names);
    const wrong = await bneck('evaluate', model, 'photos', '--classes-file', 'wrong.txt');
    expect(wrong).toMatchObject({ code: 1, out: '', err: expect.stringMatching(pattern) });
  }
});

test('--duplicates warns, drops or refuses; a resumed run reads its data as it began', async () => {
  writeFiles(join(folder, 'twice'), {
    ...Object.fromEntries(Object.entries(PHOTOS).map(([path, bytes]) => [`train/${path}`, bytes])),
    ...Object.fromEntries(
      Object.entries(PHOTOS).flatMap(([path, bytes], index) => (index % 8 < 2 ? [[`val/${path}`, bytes]] : [])),
    ),
  });
  const warned = await bneck('train', 'twice', ...TINY, '--out', 'warned');
  expect(warned.out).toMatch(
    /- warning: 6 training pictures are in the validation part too \(twice\/train\/ant\/0\.png = /,
  );
  expect(warned.out).toMatch(/24 pictures to learn from, 6 to validate/);
  const refused = await bneck('train', 'twice', ...TINY, '--duplicates', 'error');
  expect(refused).toMatchObject({ code: 1, out: '', err: expect.stringMatching(/twice: 6 training pictures are in/) });
  writeFileSync(join(folder, 'order.txt'), 'bee\ncow\nant\n');
  const options = ['--duplicates', 'drop', '--classes-file', 'order.txt', ...TINY, '--epochs', '12'];
  const dropped = await bneck('train', 'twice', ...options, '--out', 'dropped');
  expect(dropped.out).toMatch(/18 pictures to learn from, 6 to validate/);
  expect(dropped.out).toMatch(/- 6 training pictures are in .* and left out of training/);
  // A run that is stopped at once, and goes on.
  const child = execFile(process.execPath, [BNECK, 'train', 'twice', ...options, '--out', 'stopped'], { cwd: folder });
  const ended = new Promise((resolve) => child.on('exit', resolve));
  let said = '';
  child.stdout?.on('data', (text: string) => {
    if (!said.includes('\nrun ') && `${said}${text}`.includes('\nrun ')) child.kill('SIGINT');
    said += text;
  });
  expect(await ended).toBe(130);
  const settled = await bneck('train', '--resume', 'stopped', '--duplicates', 'warn');
  expect(settled).toMatchObject({
    code: 2,
    err: expect.stringMatching(/duplicates cannot be given to a run that is resumed/),
  });
  expect(await bneck('train', '--resume', 'stopped')).toMatchObject({ code: 0, err: '' });
  expect(weights('stopped')).toBe(weights('dropped'));
});
