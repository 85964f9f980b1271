/** The trainer on a small engine: what it writes, and that no interruption leaves a trace in the outcome. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { BneckError } from '../../src/base/errors.ts';
import { decodeModelFile } from '../../src/model/model-file.ts';
import { mobilenetV3 } from '../../src/models/mobilenet-v3.ts';
import { parseMetrics } from '../../src/report/metrics-csv.ts';
import { loadCheckpoint } from '../../src/train/checkpoint.node.ts';
import type { TrainingObserver } from '../../src/train/observer.ts';
import { runTraining } from '../../src/train/run-training.ts';
import type { TrainOptions } from '../../src/train/train-options.ts';
import { fakeData, fakeEngine } from './fake-session.ts';
import { outcome } from './outcome.ts';

const parent = mkdtempSync(join(tmpdir(), 'bneck-train-'));
afterAll(() => rmSync(parent, { recursive: true, force: true }));
let runs = 0;
const newFolder = () => join(parent, `run-${runs++}`);

/** 20 pictures, batch 6: 3 steps an epoch. */
const EPOCHS = 3;
const STEPS = 9;
const SMALL = { width: 0.01, epochs: EPOCHS, batch: 6, seed: 5, resolution: 32 } as const;

function options(extra: TrainOptions = {}): TrainOptions {
  return { data: fakeData(), ...SMALL, out: newFolder(), threads: 1, ...extra };
}

async function failure(promise: Promise<unknown>): Promise<BneckError> {
  const error = await promise.then(
    () => undefined,
    (reason) => reason,
  );
  expect(error).toBeInstanceOf(BneckError);
  expect(error.message).not.toContain('\n');
  return error;
}

let undisturbed: Promise<Awaited<ReturnType<typeof outcome>>> | undefined;
async function undisturbedOutcome() {
  undisturbed ??= (async () => outcome((await runTraining(options(), fakeEngine())).run))();
  return undisturbed;
}

test('a run leaves its books, the best model and a checkpoint, and tells what it does', async () => {
  const events: string[] = [];
  const observer: TrainingObserver = {
    planned: ({ stepsPerEpoch, reasons }) => events.push(`plan ${stepsPerEpoch} ${reasons.length > 3}`),
    epochStarted: ({ epoch }) => events.push(`start ${epoch}`),
    stepped: ({ epoch, step }) => events.push(`step ${epoch}.${step}`),
    epochEnded: ({ metrics }) => events.push(`end ${metrics.epoch}`),
    checkpointSaved: ({ position }) => events.push(`saved ${position.epoch}.${position.step}`),
  };
  const engine = fakeEngine();
  const result = await runTraining(options({ observer }), engine);
  expect(events.slice(0, 9)).toEqual([
    'plan 3 true',
    'saved 0.0',
    'start 1',
    'step 1.1',
    'step 1.2',
    'step 1.3',
    'saved 1.0',
    'end 1',
    'start 2',
  ]);
  expect(result).toMatchObject({ status: 'finished', position: { epoch: EPOCHS, step: 0 }, badPictures: [] });
  expect(readdirSync(result.run).sort()).toEqual(['best.safetensors', 'config.json', 'last.ckpt', 'metrics.csv']);
  expect(readdirSync(join(result.run, 'last.ckpt')).sort()).toEqual([
    'optimizer.safetensors',
    'state.json',
    'weights.safetensors',
  ]);
  expect(parseMetrics(readFileSync(join(result.run, 'metrics.csv'), 'utf8'), 'm')).toEqual(result.epochs);
  const best = decodeModelFile(readFileSync(result.bestPath as string), 'best');
  expect(best.classNames).toEqual(['a', 'b', 'c']);
  expect(best.training).toMatchObject({ epoch: result.best?.epoch, recipe: { batch: 6 } });
  expect(JSON.parse(readFileSync(join(result.run, 'config.json'), 'utf8'))).toMatchObject({ recipe: { seed: 5 } });
  expect(engine.sessions.map(({ disposed }) => disposed)).toEqual([true]);
});

test('equal runs are equal, another seed is another run', async () => {
  const again = await outcome((await runTraining(options({ cache: false }), fakeEngine())).run);
  expect(again).toEqual(await undisturbedOutcome());
  const other = await outcome((await runTraining(options({ seed: 6 }), fakeEngine())).run);
  expect(other.weights).not.toBe(again.weights);
});

test.each(Array.from({ length: STEPS }, (_, step) => step + 1))(
  'stopped after step %i and resumed, a run ends in the same bits',
  async (step) => {
    const controller = new AbortController();
    const engine = fakeEngine({
      beforeStep: (now) => {
        if (now === step) controller.abort();
      },
    });
    const first = await runTraining(options({ signal: controller.signal }), engine);
    expect(first.status).toBe('stopped');
    expect(first.position.epoch * 3 + first.position.step).toBe(step);
    const second = await runTraining({ data: fakeData(), resume: first.run, threads: 2 }, fakeEngine());
    expect(second.status).toBe('finished');
    expect(await outcome(first.run)).toEqual(await undisturbedOutcome());
  },
);

test('stopped in validation, a run validates when it goes on', async () => {
  const controller = new AbortController();
  let predictions = 0;
  const engine = fakeEngine({
    beforePredict: () => {
      predictions += 1;
      if (predictions === 3) controller.abort(); // the first batch of the second validation
    },
  });
  const first = await runTraining(options({ signal: controller.signal }), engine);
  expect(first.position).toEqual({ epoch: 1, step: 3 });
  await runTraining({ data: fakeData(), resume: first.run }, fakeEngine());
  expect(await outcome(first.run)).toEqual(await undisturbedOutcome());
});

test.each([1, 2, 4, 7, 9])('broken off before step %i, a run goes on from its last checkpoint', async (step) => {
  const out = newFolder();
  const engine = fakeEngine({
    beforeStep: (now) => {
      if (now === step) throw new Error('the power failed');
    },
  });
  await expect(runTraining(options({ out }), engine)).rejects.toThrow('the power failed');
  expect(engine.sessions[0]?.disposed).toBe(true);
  await runTraining({ data: fakeData(), resume: out }, fakeEngine());
  expect(await outcome(out)).toEqual(await undisturbedOutcome());
});

test('a loss that is not finite ends the run with the last good checkpoint kept', async () => {
  const out = newFolder();
  const error = await failure(runTraining(options({ out }), fakeEngine({ divergeAt: 5 })));
  expect(error.code).toBe('training');
  expect(error.message).toMatch(/epoch 2, step 2 of 3.*lower learning rate/);
  expect(error.message).toContain(out);
  const { record, model } = await loadCheckpoint(out);
  expect(record.state).toMatchObject({ epoch: 1, stepInEpoch: 0, steps: 3 });
  for (const { data } of model.weights.values()) expect([...data].every((x) => Number.isFinite(Number(x)))).toBe(true);
});

test('an unreadable picture ends the run by its name; skipBad goes on from there and lists it', async () => {
  const out = newFolder();
  const bad = fakeData({ bad: [7, 11] });
  const error = await failure(runTraining(options({ out, data: bad }), fakeEngine()));
  expect(error.code).toBe('image');
  expect(error.message).toMatch(/^train-(7|11)\.png: .*--skip-bad$/);
  await runTraining({ data: bad, resume: out, skipBad: true }, fakeEngine());

  const skipped: string[] = [];
  const observer = { pictureSkipped: ({ name }: { name: string }) => void skipped.push(name) };
  const whole = await runTraining(options({ data: bad, skipBad: true, observer }), fakeEngine());
  expect(skipped.sort()).toEqual(['train-11.png', 'train-7.png']);
  expect(whole.badPictures.map(({ name }) => name)).toEqual(['train-7.png', 'train-11.png']);
  expect(readFileSync(join(whole.run, 'bad-pictures.txt'), 'utf8')).toBe(
    'train-11.png: cut off\ntrain-7.png: cut off\n',
  );
  expect(readFileSync(join(out, 'bad-pictures.txt'), 'utf8')).toMatch(/cut off/);
  const weights = (run: string) => readFileSync(join(run, 'last.ckpt/optimizer.safetensors'));
  expect(weights(out)).toEqual(weights(whole.run));
});

test('a run is not resumed on other data, nor with other options, nor twice', async () => {
  const controller = new AbortController();
  const engine = fakeEngine({ beforeStep: (step) => step === 2 && controller.abort() });
  const { run } = await runTraining(options({ signal: controller.signal }), engine);
  const resume = (extra: TrainOptions) =>
    failure(runTraining({ data: fakeData(), resume: run, ...extra }, fakeEngine()));
  expect((await resume({ data: fakeData({ classes: ['a', 'b', 'd'] }) })).message).toMatch(/gone: c; .*added: d/);
  expect((await resume({ data: fakeData({ train: 19 }) })).message).toMatch(/training pictures: b 6 instead of 7/);
  expect((await resume({ data: fakeData({ firstSeed: 1 }) })).message).toMatch(/other files or contents/);
  expect((await resume({ epochs: 9 })).message).toMatch(/^epochs cannot be given/);
  expect((await resume({ model: 'large' })).code).toBe('option');
  expect((await resume({ out: newFolder() })).code).toBe('option');
  await runTraining({ data: fakeData(), resume: run }, fakeEngine());
  expect((await resume({})).message).toMatch(/finished/);
  expect((await failure(runTraining({ resume: newFolder() }, fakeEngine()))).message).toMatch(/no such run/);
  expect((await failure(runTraining({ resume: parent }, fakeEngine()))).message).toMatch(/no last.ckpt/);
});

test('what can be refused is refused before anything is written', async () => {
  const refuse = async (extra: TrainOptions, engine = fakeEngine()) => {
    const all = options(extra);
    const error = await failure(runTraining(all, engine));
    if (extra.out === undefined) expect(existsSync(all.out as string)).toBe(false);
    return error;
  };
  expect((await refuse({}, fakeEngine({ largest: 4 }))).message).toMatch(/batch of 6 at 32 px.*A batch of 4 fits/);
  expect((await refuse({}, fakeEngine({ largest: 0 }))).message).toMatch(/smaller resolution/);
  expect((await refuse({ batch: 21 })).message).toMatch(/only 20 training pictures/);
  expect((await refuse({ validation: 0.5 })).code).toBe('option');
  expect((await refuse({ threads: 0 })).code).toBe('option');
  expect((await refuse({ data: join(parent, 'nowhere') })).code).toBe('data');
  expect((await refuse({ data: undefined })).code).toBe('option');
  expect((await refuse({ weights: join(parent, 'nowhere') })).message).toMatch(/no such file/);
  const occupied = newFolder();
  mkdirSync(occupied);
  writeFileSync(join(occupied, 'thesis.txt'), 'all of it');
  expect((await refuse({ out: occupied })).message).toMatch(/not empty/);
  expect(readdirSync(occupied)).toEqual(['thesis.txt']);
});

test('without validation pictures the latest weights are the best', async () => {
  const result = await runTraining(options({ data: fakeData({ validation: 0 }) }), fakeEngine());
  expect(result.best?.epoch).toBe(EPOCHS);
  expect(result.epochs.every(({ validationAccuracy }) => Number.isNaN(validationAccuracy))).toBe(true);
});

test('weights are taken over, and other classes get a new last layer', async () => {
  const first = await runTraining(options(), fakeEngine());
  const reasons: string[] = [];
  const observer: TrainingObserver = { planned: (plan) => void reasons.push(...plan.reasons) };
  const weights = first.bestPath as string;
  const start = { epochs: 1, batch: 6, threads: 1, weights, observer };
  await runTraining({ ...start, data: fakeData(), out: newFolder() }, fakeEngine());
  expect(reasons.at(-1)).toMatch(/all weights/);
  const data = fakeData({ classes: ['x', 'y'] });
  const second = await runTraining({ ...start, data, out: newFolder() }, fakeEngine());
  expect(reasons.at(-1)).toMatch(/last layer new: 2 classes in place of 3$/);
  const [old, now] = [first, second].map(({ run }) =>
    decodeModelFile(readFileSync(join(run, 'best.safetensors')), 'model'),
  );
  expect(now?.weights.get('features.0.0.weight')).toEqual(old?.weights.get('features.0.0.weight'));
  expect(now?.weights.get('classifier.3.weight')?.shape[0]).toBe(2);
  expect(now?.architecture).toEqual({ ...old?.architecture, classes: 2 });
  const large = await failure(runTraining({ ...start, model: 'large', data, out: newFolder() }, fakeEngine()));
  expect(large.message).toMatch(/contradicts the weights/);
  const given = { ...start, data, out: newFolder(), model: mobilenetV3('small', { classes: 2, width: 0.02 }) };
  expect((await failure(runTraining(given, fakeEngine()))).message).toMatch(/contradicts/);
});
