/** Checkpoints: a process may end between any two calls to the file system, and one good checkpoint is left. */
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { BneckError } from '../../src/base/errors.ts';
import { float32Tensor } from '../../src/base/tensor.ts';
import { defaultPreprocessing } from '../../src/data/preprocess.ts';
import { writeSafetensors } from '../../src/formats/safetensors.ts';
import { buildGraph } from '../../src/graph/build-graph.ts';
import { initialWeights } from '../../src/graph/initial-weights.ts';
import { mobilenetV3 } from '../../src/models/mobilenet-v3.ts';
import { type Checkpoint, loadCheckpoint, saveCheckpoint } from '../../src/train/checkpoint.node.ts';
import { chooseRecipe } from '../../src/train/choose-recipe.ts';
import { PLAIN_OPENING } from '../../src/train/data-record.ts';
import { newTrainingState } from '../../src/train/training-state.ts';

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof fs>();
  return { ...real, rename: vi.fn(real.rename), rm: vi.fn(real.rm), mkdir: vi.fn(real.mkdir), open: vi.fn(real.open) };
});
const real = await vi.importActual<typeof fs>('node:fs/promises');

let run = '';
beforeEach(() => {
  run = mkdtempSync(join(tmpdir(), 'bneck-checkpoint-'));
});
afterEach(() => {
  limitCalls(Number.POSITIVE_INFINITY);
  rmSync(run, { recursive: true, force: true });
});

/** After so many calls that change the disk, every further one fails, as if the process had ended. */
function limitCalls(limit: number): { readonly made: () => number } {
  let made = 0;
  const guarded =
    <Args extends unknown[], Result>(call: (...args: Args) => Promise<Result>) =>
    async (...args: Args): Promise<Result> => {
      if (made >= limit) throw new Error('the process is gone');
      made += 1;
      return call(...args);
    };
  vi.mocked(fs.rename).mockImplementation(guarded(real.rename));
  vi.mocked(fs.rm).mockImplementation(guarded(real.rm) as typeof real.rm);
  vi.mocked(fs.mkdir).mockImplementation(guarded(real.mkdir) as typeof real.mkdir);
  vi.mocked(fs.open).mockImplementation(guarded(real.open) as typeof real.open);
  return { made: () => made };
}

const facts = {
  classNames: ['a', 'b'],
  classCounts: [10, 10],
  trainPictures: 20,
  validationPictures: 0,
  validationFraction: 0,
  medianShortSide: 32,
};
const { recipe } = chooseRecipe({ batch: 5, epochs: 10, ema: 'auto' }, facts, null);
const architecture = mobilenetV3('small', { width: 0.01, classes: 2, reduction: 8 });
const part = { counts: [10, 10], fingerprint: 'f' };

/** The checkpoint after so many steps of the first epoch; everything in it is marked with the number. */
function checkpoint(step: number): Checkpoint {
  const weights = initialWeights(buildGraph(architecture), step);
  const state = { ...newTrainingState(), steps: step, stepInEpoch: step, pictures: 5 * step, lossSum: 0.1 * step };
  return {
    model: {
      architecture,
      classNames: ['a', 'b'],
      preprocessing: defaultPreprocessing(32),
      weights,
      training: { step },
    },
    optimizerState: new Map([
      ['classifier.3.bias.first', float32Tensor([2], Float32Array.of(step, step))],
      ['classifier.3.bias.second', float32Tensor([2])],
    ]),
    averageWeights: initialWeights(buildGraph(architecture), step + 100),
    record: {
      recipe,
      dataPath: '/data',
      opening: PLAIN_OPENING,
      data: { classNames: ['a', 'b'], train: part, validation: { counts: [0, 0], fingerprint: '' } },
      state,
    },
  };
}

test('what is saved is loaded, and nothing else is left', async () => {
  for (const step of [1, 2]) {
    await saveCheckpoint(run, checkpoint(step));
    expect(await loadCheckpoint(run)).toEqual(checkpoint(step));
    expect(readdirSync(run)).toEqual(['last.ckpt']);
  }
});

test('wherever a save breaks off, the old or the new checkpoint is left whole, and the next save succeeds', async () => {
  await saveCheckpoint(run, checkpoint(1));
  const start = `${run}-start`;
  cpSync(run, start, { recursive: true });
  const counter = limitCalls(Number.POSITIVE_INFINITY);
  await saveCheckpoint(run, checkpoint(2));
  const calls = counter.made();
  expect(calls).toBeGreaterThan(10);
  const found: number[] = [];
  for (let limit = 0; limit < calls; limit++) {
    rmSync(run, { recursive: true });
    cpSync(start, run, { recursive: true });
    limitCalls(limit);
    await expect(saveCheckpoint(run, checkpoint(2)), `after ${limit} calls`).rejects.toBeInstanceOf(BneckError);
    limitCalls(Number.POSITIVE_INFINITY);
    const left = await loadCheckpoint(run);
    expect([checkpoint(1), checkpoint(2)]).toContainEqual(left);
    found.push(left.record.state.steps);
    // A second end at the same place, now without the order that the first had.
    limitCalls(limit);
    await saveCheckpoint(run, checkpoint(3)).catch(() => {});
    limitCalls(Number.POSITIVE_INFINITY);
    expect([1, 2, 3]).toContain((await loadCheckpoint(run)).record.state.steps);
    await saveCheckpoint(run, checkpoint(4));
    expect(await loadCheckpoint(run)).toEqual(checkpoint(4));
    expect(readdirSync(run)).toEqual(['last.ckpt']);
  }
  rmSync(start, { recursive: true });
  expect([found[0], found.at(-1)]).toEqual([1, 2]);
});

test('a first save that breaks off leaves none, and says so', async () => {
  limitCalls(4);
  await expect(saveCheckpoint(run, checkpoint(1))).rejects.toBeInstanceOf(BneckError);
  limitCalls(Number.POSITIVE_INFINITY);
  await expect(loadCheckpoint(run)).rejects.toThrow(/holds no last.ckpt/);
  await saveCheckpoint(run, checkpoint(1));
  expect(existsSync(join(run, 'last.ckpt.new'))).toBe(false);
});

test('parts that are damaged or do not belong together are refused by name', async () => {
  const path = (name: string) => join(run, 'last.ckpt', name);
  const broken = async (change: () => void, pattern: RegExp) => {
    await saveCheckpoint(run, checkpoint(3));
    change();
    const error = await loadCheckpoint(run).catch((reason) => reason);
    expect(error).toBeInstanceOf(BneckError);
    expect(error.code).toBe('file');
    expect(error.message).toMatch(pattern);
    expect(error.message).not.toContain('\n');
  };
  const edit = (change: (json: { recipe: typeof recipe; state: Record<string, unknown> }) => void) => () => {
    const json = JSON.parse(readFileSync(path('state.json'), 'utf8'));
    change(json);
    writeFileSync(path('state.json'), JSON.stringify(json));
  };
  await broken(() => writeFileSync(path('state.json'), '{"form":'), /state\.json: it is not JSON/);
  await broken(() => rmSync(path('optimizer.safetensors')), /optimizer\.safetensors: there is no such file/);
  await broken(() => writeFileSync(path('weights.safetensors'), 'x'), /weights\.safetensors/);
  await broken(() => rmSync(path('average.safetensors')), /average\.safetensors: there is no such file/);
  const few = new Map([['classifier.3.bias', float32Tensor([2])]]);
  await broken(() => writeFileSync(path('average.safetensors'), writeSafetensors(few)), /it has no "features\.0/);
  const odd = new Map([['classifier.3.bias.first', float32Tensor([3])]]);
  await broken(() => writeFileSync(path('optimizer.safetensors'), writeSafetensors(odd)), /is 3, its parameter 2/);
  const alien = new Map([['head.first', float32Tensor([2])]]);
  await broken(() => writeFileSync(path('optimizer.safetensors'), writeSafetensors(alien)), /belongs to no parameter/);
  await broken(
    edit(({ state }) => {
      state.steps = 4;
    }),
    /steps do not fit the epoch/,
  );
  await broken(
    edit(({ state }) => {
      state.epoch = -1;
    }),
    /state\.epoch/,
  );
  await broken(
    edit(({ state }) => {
      state.metrics = 'epoch\n';
    }),
    /metrics/,
  );
  await broken(
    edit((json) => Object.assign(json.recipe, { batch: 7 })),
    /totalSteps does not fit the data/,
  );
  await broken(
    edit((json) => Object.assign(json, { extra: 1 })),
    /state\.json/,
  );
});
