/** The built command line as a person meets it: what it prints, where, and its exit code. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';

const BNECK = fileURLToPath(new URL('../../bin/bneck.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'bneck-cli-'));
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

/** A data set of colours: red, green and blue noise, 28 x 28. */
async function makeData(root: string, counts: Readonly<Record<string, number>>): Promise<void> {
  for (const [name, count] of Object.entries(counts)) {
    mkdirSync(join(root, name), { recursive: true });
    const channel = ['red', 'green', 'blue'].indexOf(name);
    for (let index = 0; index < count; index++) {
      const data = Uint8Array.from({ length: 28 * 28 * 3 }, (_, at) => {
        const noise = Math.imul(at + 1, 2654435761 + index * 97) >>> 26;
        return at % 3 === channel ? 255 - noise : noise;
      });
      await sharp(data, { raw: { width: 28, height: 28, channels: 3 } })
        .png()
        .toFile(join(root, name, `${index}.png`));
    }
  }
}

const TINY = ['--width', '0.1', '--epochs', '2', '--batch', '8', '--threads', '1'];

beforeAll(async () => {
  if (!existsSync(new URL('../../dist/cli/main.js', import.meta.url)))
    throw new Error('dist/ is missing: npm run build');
  await makeData(join(folder, 'colours'), { red: 12, green: 12, blue: 12 });
});

test.each<[string, string[], number, RegExp]>([
  ['a mistyped command', ['trian', 'x'], 2, /unknown command 'trian' \(did you mean train\?\)/],
  [
    'a mistyped option',
    ['train', 'colours', '--epoch', '3'],
    2,
    /unknown option '--epoch' \(did you mean --epochs\?\)/,
  ],
  ['a mistyped choice', ['train', 'colours', '--model', 'smal'], 2, /large, small or v2 \(did you mean small\?\)/],
  ['a mistyped number', ['train', 'colours', '--lr', '0,1'], 2, /'--lr <rate>' argument '0,1'.*number above 0/],
  ['an option without its value', ['train', 'colours', '--lr'], 2, /argument missing/],
  ['no data', ['train'], 2, /No data/],
  ['a missing folder', ['train', 'colour'], 1, /no such folder; did you mean .*colours/],
  ['too much', ['train', 'colours', 'more'], 2, /too many arguments/],
  ['too large a batch', ['train', 'colours', '--batch', '500'], 2, /only \d+ training pictures/],
  ['a run that is not there', ['train', '--resume', 'runs/9'], 1, /no such run/],
  ['a model that is not there', ['evaluate', 'x.safetensors', 'colours'], 1, /x\.safetensors: there is no such file/],
  ['a model that is none', ['predict', join('colours', 'red', '0.png'), 'x.png'], 1, /0\.png/],
  ['a folder for a model', ['predict', 'colours', 'x.png'], 1, /is a folder, not a model/],
  ['a network that is not there', ['summary', 'lagre'], 2, /did you mean large\?/],
])('%s: one line, no stack trace, exit code', async (_, args, code, pattern) => {
  const outcome = await bneck(...args);
  expect(outcome.err).toMatch(pattern);
  expect(outcome.err).toMatch(/^bneck: [^\n]*\n$/);
  expect(outcome).toMatchObject({ code, out: '' });
  expect(existsSync(join(folder, 'runs'))).toBe(false);
});

test('--verbose shows where an error came from', async () => {
  const { err, code } = await bneck('train', 'nowhere', '--verbose');
  expect(err).toMatch(/^bneck: nowhere: .*\n(.*\n)*BneckError: (.*\n)+ *at /);
  expect(code).toBe(1);
});

test('help and version are no errors', async () => {
  expect(await bneck('--version')).toMatchObject({ code: 0, out: '0.1.0\n' });
  expect(await bneck('train', '--help')).toMatchObject({ code: 0, out: expect.stringContaining('--skip-bad') });
});

test('summary prints a table or JSON', async () => {
  const table = await bneck('summary', 'large', '--width', '0.75', '--resolution', '160', '--classes', '9');
  expect(table.out).toMatch(/MobileNetV3-Large, width 0.75, 9 classes, at 160x160/);
  const { out } = await bneck('summary', 'small', '--json');
  expect(JSON.parse(out)).toMatchObject({ totalParameters: 2_542_856, resolution: 224 });
});

test('train, evaluate and predict, from pictures to answers', async () => {
  const trained = await bneck('train', 'colours', ...TINY, '--out', 'whole');
  expect(trained).toMatchObject({ code: 0, err: '' });
  expect(trained.out).toMatch(/- resolution 32, since the pictures' short side is 28 px/);
  expect(trained.out).toMatch(/\nepoch 1\/2 {2}train loss .*\nepoch 2\/2 /);
  expect(trained.out).toMatch(/npx bneck predict whole\/best\.safetensors \S+\.png\n$/);
  const model = join('whole', 'best.safetensors');

  const evaluated = JSON.parse((await bneck('evaluate', model, 'colours', '--json', '--threads', '1')).out);
  const row = readFileSync(join(folder, 'whole/metrics.csv'), 'utf8').split('\n').slice(1, 3);
  expect(evaluated).toMatchObject({ pictures: 6, top5: 1 });
  expect(row.map((line) => Number(line.split(',')[4]))).toContain(evaluated.top1);
  const all = await bneck('evaluate', model, 'colours', '--split', 'all');
  expect(all.out).toMatch(/all pictures: 36\n\ntop-1 accuracy +[\d.]+%/);

  const pictures = ['red/0.png', 'missing.png', 'blue/3.png'].map((name) => join('colours', name));
  const predicted = await bneck('predict', model, ...pictures, '--json', '--top', '2');
  expect(predicted.code).toBe(1);
  expect(predicted.err).toMatch(
    /^bneck: .*missing\.png: there is no such file\nbneck: 1 of 3 pictures failed: .*missing\.png\n$/,
  );
  const answers = JSON.parse(predicted.out);
  expect(answers).toHaveLength(3);
  expect(answers[0].predictions).toHaveLength(2);
  expect(answers[1].error).toMatch(/missing/);
  const shown = await bneck('predict', model, pictures[0] as string);
  expect(shown.out).toMatch(/^colours\/red\/0\.png\n( +[\d.]+% {2}(red|green|blue)\n){3}/);

  await makeData(join(folder, 'others'), { green: 3, yellow: 3 });
  const others = await bneck('evaluate', model, 'others');
  expect(others).toMatchObject({ code: 1, err: expect.stringMatching(/no such class: yellow/) });
  const again = await bneck('train', 'colours', ...TINY, '--out', 'whole');
  expect(again).toMatchObject({ code: 2, err: expect.stringMatching(/whole: the folder is not empty/) });
  const tuned = await bneck('train', 'others', '--weights', model, '--epochs', '1', '--batch', '4', '--out', 'tuned');
  expect(tuned.out).toMatch(/last layer new: 2 classes in place of 3\n/);
  expect(tuned.code).toBe(0);
});

test('lr-find suggests a rate, draws the curve, keeps the numbers and nothing else', async () => {
  const before = readdirSync(folder);
  const args = ['--width', '0.1', '--batch', '8', '--threads', '1', '--steps', '40', '--out', 'rates.csv'];
  const found = await bneck('lr-find', 'colours', ...args, '--recipe', 'small-data');
  expect(found).toMatchObject({ code: 0, err: '' });
  expect(found.out).toMatch(/- recipe small-data/);
  expect(found.out).toMatch(/│ *[•┊]/);
  expect(found.out).toMatch(/Suggested learning rate: [\d.e-]+, where/);
  expect(found.out).toMatch(/npx bneck train colours --lr [\d.e-]+\n$/);
  const rows = readFileSync(join(folder, 'rates.csv'), 'utf8').trimEnd().split('\n');
  expect(rows[0]).toBe('learning_rate,loss,smoothed_loss');
  expect(rows.length).toBeGreaterThan(10);
  expect(readdirSync(folder).filter((name) => !before.includes(name))).toEqual(['rates.csv']);
  const wrong = await bneck('lr-find', 'colours', '--from', '1', '--to', '0.1');
  expect(wrong).toMatchObject({ code: 2, err: 'bneck: from 1: it has to be below 0.1, where the sweep ends.\n' });
});

function ended(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => child.on('exit', resolve));
}

test('Ctrl-C saves and says how to go on; the run then ends in the same bits', async () => {
  const recipe = ['--width', '0.1', '--epochs', '20', '--batch', '4', '--threads', '1'];
  expect((await bneck('train', 'colours', ...recipe, '--out', 'undisturbed')).code).toBe(0);
  const child = spawn(process.execPath, [BNECK, 'train', 'colours', ...recipe, '--out', 'stopped'], { cwd: folder });
  let out = '';
  child.stdout.on('data', (part) => {
    if (!out.includes('epoch  2/20') && `${out}${part}`.includes('epoch  2/20')) child.kill('SIGINT');
    out += part;
  });
  expect(await ended(child)).toBe(130);
  expect(out).toMatch(/Finishing this step/);
  expect(out).toMatch(/nothing is lost. Go on with: {2}npx bneck train --resume stopped\n$/);
  expect((await bneck('train', '--resume', 'stopped')).code).toBe(0);
  for (const name of ['best.safetensors', 'last.ckpt/weights.safetensors', 'last.ckpt/optimizer.safetensors']) {
    const [one, other] = ['undisturbed', 'stopped'].map((run) => readFileSync(join(folder, run, name)));
    expect(one?.equals(other as Buffer), name).toBe(true);
  }
}, 120_000);

test('a picture that cannot be read: stop with its name, or go on without it', async () => {
  cpSync(join(folder, 'colours'), join(folder, 'torn'), { recursive: true });
  const torn = join(folder, 'torn', 'green', '5.png');
  writeFileSync(torn, readFileSync(torn).subarray(0, 200));
  const stopped = await bneck('train', 'torn', ...TINY, '--out', 'torn-run');
  expect(stopped).toMatchObject({ code: 1, err: expect.stringMatching(/^bneck: torn\/green\/5\.png: [^\n]*\n$/) });
  const skipped = await bneck('train', 'torn', ...TINY, '--out', 'torn-run-2', '--skip-bad');
  expect(skipped.code).toBe(0);
  expect(skipped.out).toMatch(/passed over: torn\/green\/5\.png/);
  expect(readFileSync(join(folder, 'torn-run-2', 'bad-pictures.txt'), 'utf8')).toMatch(/^torn\/green\/5\.png: /);
  expect(readdirSync(join(folder, 'torn-run-2'))).toContain('best.safetensors');
});
