/** A last checkpoint that the disk has damaged: the one before is used, said so, and the run ends in the same bits. */
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BneckError } from '../../src/base/errors.ts';
import { loadCheckpoint, removeDamaged } from '../../src/train/checkpoint.node.ts';
import { runTraining } from '../../src/train/run-training.ts';
import { fakeData, fakeEngine } from './fake-session.ts';
import { outcome } from './outcome.ts';

const folder = mkdtempSync(join(tmpdir(), 'bneck-damage-'));
const broken = join(folder, 'broken');
let whole: Awaited<ReturnType<typeof outcome>>;
let copies = 0;
const PARTS = ['weights.safetensors', 'optimizer.safetensors', 'average.safetensors', 'state.json'];

/** Broken off in the third epoch of four, and one that was not. */
beforeAll(async () => {
  const choices = { data: fakeData(), width: 0.01, resolution: 32, batch: 6, epochs: 4, seed: 5, ema: 0.5, threads: 1 };
  whole = await outcome((await runTraining({ ...choices, out: join(folder, 'whole') }, fakeEngine())).run);
  const beforeStep = (step: number) => {
    if (step === 8) throw new Error('the power failed');
  };
  await expect(runTraining({ ...choices, out: broken }, fakeEngine({ beforeStep }))).rejects.toThrow('power');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A copy of the broken run whose last checkpoint, or the one before, was changed. */
function damaged(part: string, damage: (path: string) => void, checkpoint = 'last.ckpt', from = broken): string {
  const run = join(folder, `copy-${copies++}`);
  cpSync(from, run, { recursive: true });
  damage(join(run, checkpoint, part));
  return run;
}

/** One bit, so many hundredths of the file from its beginning. */
function flip(place: number): (path: string) => void {
  return (path) => {
    const bytes = readFileSync(path);
    const at = Math.min(bytes.length - 1, Math.floor((place / 100) * bytes.length));
    bytes[at] = (bytes[at] as number) ^ 1;
    writeFileSync(path, bytes);
  };
}

const DAMAGES: Readonly<Record<string, (path: string) => void>> = {
  'a bit at the beginning': flip(0),
  'a bit in the middle': flip(50),
  'a bit near the end': flip(98),
  'cut off': (path) => truncateSync(path, readFileSync(path).length - 5),
  empty: (path) => truncateSync(path, 0),
  gone: (path) => rmSync(path),
};

async function resume(run: string): Promise<string[]> {
  const notes: string[] = [];
  const observer = { noted: (note: string) => void notes.push(note) };
  await runTraining({ data: fakeData(), resume: run, observer }, fakeEngine());
  return notes;
}

test.each(PARTS.flatMap((part) => Object.keys(DAMAGES).map((damage) => [part, damage] as const)))(
  '%s damaged (%s): the checkpoint before is used, and said so',
  async (part, damage) => {
    const run = damaged(part, DAMAGES[damage] as () => void);
    const [note, ...others] = await resume(run);
    expect(others).toEqual([]);
    expect(note).toMatch(
      /^The last checkpoint is damaged \(.*\); going on from the one before it, epoch 2, after step 0\.$/,
    );
    expect(note).toContain(join('last.ckpt', part));
    expect(note).not.toMatch(/new run|Check the path|Restore/);
    expect(await outcome(run)).toEqual(whole);
    expect(readdirSync(run).sort()).toEqual(['best.safetensors', 'config.json', 'last.ckpt', 'metrics.csv']);
  },
);

test('parts of two checkpoints do not pass for one', async () => {
  const part = 'optimizer.safetensors';
  const run = damaged(part, (path) => cpSync(join(broken, 'last.ckpt.old', part), path));
  expect(await resume(run)).toHaveLength(1);
  expect(await outcome(run)).toEqual(whole);
});

test('undamaged, nothing is said; an unneeded checkpoint that is damaged does no harm', async () => {
  const run = damaged('state.json', flip(50), 'last.ckpt.old');
  expect(await resume(run)).toEqual([]);
  expect(await outcome(run)).toEqual(whole);
});

test('both damaged, or the only one: the last is refused by name, and everything is left as it was', async () => {
  const both = damaged('weights.safetensors', flip(50), 'last.ckpt', damaged('state.json', flip(50), 'last.ckpt.old'));
  const only = damaged('weights.safetensors', flip(50));
  rmSync(join(only, 'last.ckpt.old'), { recursive: true });
  for (const run of [both, only]) {
    const error = await resume(run).catch((reason) => reason);
    expect(error).toBeInstanceOf(BneckError);
    expect(error.message).toMatch(/last\.ckpt.weights\.safetensors: .*SHA-256 differs.*Start a new run\.$/);
    expect(existsSync(join(run, 'last.ckpt'))).toBe(true);
  }
});

test('without any checkpoint, only a run that has done nothing is said to have lost nothing', async () => {
  const failure = (run: string) => resume(run).catch((reason) => reason.message);
  const run = damaged('', (path) => rmSync(path, { recursive: true }));
  rmSync(join(run, 'last.ckpt.old'), { recursive: true });
  expect(await failure(run)).toMatch(/holds no last\.ckpt to go on from\. Give the folder/);
  for (const name of ['metrics.csv', 'best.safetensors']) rmSync(join(run, name));
  expect(await failure(run)).toMatch(/the run ended before its first\. Nothing is lost/);
});

test('ended again before the next is saved, the one before is still there', async () => {
  const run = damaged('state.json', flip(50));
  rmSync(join(run, 'last.ckpt/weights.safetensors')); // removed in part
  expect((await loadCheckpoint(run)).record.state.epoch).toBe(1);
  await removeDamaged(run);
  expect(await loadCheckpoint(run)).toMatchObject({ record: { state: { epoch: 1 } } });
  expect(await resume(run)).toEqual([]);
  expect(await outcome(run)).toEqual(whole);
});

test('a checkpoint without sums, as first runs wrote it, is read', async () => {
  const run = damaged('state.json', (path) => {
    const { sums, ...state } = JSON.parse(readFileSync(path, 'utf8'));
    expect(Object.keys(sums)).toEqual(PARTS);
    writeFileSync(path, JSON.stringify(state));
  });
  expect(await resume(run)).toEqual([]);
  expect(await outcome(run)).toEqual(whole);
});
