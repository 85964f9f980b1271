/**
 * Every part of a recipe that a run remembers something of, or that is keyed by its position: stopped or
 * broken off at any step and resumed, the run ends in the bits of one that was not.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { defaultPreprocessing } from '../../src/data/preprocess.ts';
import { buildGraph } from '../../src/graph/build-graph.ts';
import { initialWeights } from '../../src/graph/initial-weights.ts';
import type { ModelFile } from '../../src/model/model-file.ts';
import { mobilenetV3 } from '../../src/models/mobilenet-v3.ts';
import type { TrainingObserver } from '../../src/train/observer.ts';
import { runTraining } from '../../src/train/run-training.ts';
import type { TrainOptions } from '../../src/train/train-options.ts';
import { fakeData, fakeEngine } from './fake-session.ts';
import { outcome } from './outcome.ts';

const parent = mkdtempSync(join(tmpdir(), 'bneck-resume-'));
afterAll(() => rmSync(parent, { recursive: true, force: true }));
let runs = 0;
const newFolder = () => join(parent, `run-${runs++}`);

/** 20 pictures, 6 an update: 3 updates an epoch. */
const COMMON = { width: 0.01, epochs: 2, batch: 6, seed: 5, resolution: 32, threads: 1 } as const;

/** A model that was trained before, on the same classes. */
const architecture = mobilenetV3('small', { width: 0.01, classes: 3, reduction: 8 });
const trained: ModelFile = {
  architecture,
  classNames: ['a', 'b', 'c'],
  preprocessing: defaultPreprocessing(32),
  weights: initialWeights(buildGraph(architecture), 1),
  training: null,
};

const MIXED = { mixup: 0.5, cutmix: 1 } as const;

const VARIANTS: Readonly<Record<string, TrainOptions>> = {
  'a step schedule with warm-up': { schedule: 'step', warmup: 1, rateEvery: 0.5, rateFactor: 0.5 },
  'one cycle': { schedule: 'one-cycle' },
  'an exponential schedule': { schedule: 'exponential', optimizer: 'adamw', clipNorm: 1 },
  'micro-batches': { batch: 2, accumulate: 3 },
  'a moving average': { ema: 0.7, warmup: 1 },
  'mixed pictures': MIXED,
  'balanced sampling': { balancedSampling: true, classWeights: 'balanced' },
  patience: { patience: 1, epochs: 6, learningRate: 3 },
  'fine-tuning': { weights: trained, fineTune: true, headEpochs: 2, epochs: 1 },
  'all of it': {
    weights: trained,
    fineTune: true,
    headEpochs: 1,
    batch: 3,
    accumulate: 2,
    ema: 0.9,
    ...MIXED,
    balancedSampling: true,
    schedule: 'one-cycle',
    patience: 2,
  },
};

describe.each(Object.entries(VARIANTS))('%s', (_, variant) => {
  const start = (extra: TrainOptions = {}): TrainOptions => {
    return { data: fakeData(), ...COMMON, ...variant, out: newFolder(), ...extra };
  };

  test('a run that was interrupted anywhere ends as one that was not', async () => {
    const engine = fakeEngine();
    const { run, status, epochs } = await runTraining(start(), engine);
    expect(status).toBe('finished');
    const whole = await outcome(run);
    const steps = 3 * epochs.length;
    expect(engine.sessions[0]?.steps).toBe(steps);
    for (let step = 1; step <= steps; step++) {
      const [interrupted, how] =
        step % 2 === 1 ? [await stop(step), 'stopped after'] : [await breakOff(step), 'before'];
      await runTraining({ data: fakeData(), resume: interrupted, threads: 2 }, fakeEngine());
      expect(await outcome(interrupted), `${how} step ${step}`).toEqual(whole);
    }
  });

  async function stop(step: number): Promise<string> {
    const controller = new AbortController();
    const engine = fakeEngine({ beforeStep: (now) => now === step && controller.abort() });
    const { status, run } = await runTraining(start({ signal: controller.signal }), engine);
    expect(status).toBe('stopped');
    return run;
  }

  async function breakOff(step: number): Promise<string> {
    const out = newFolder();
    const beforeStep = (now: number) => {
      if (now === step) throw new Error('the power failed');
    };
    await expect(runTraining(start({ out }), fakeEngine({ beforeStep }))).rejects.toThrow('the power failed');
    return out;
  }

  test('it is another run than the usual one, and the same again', async () => {
    const [one, again, usual] = [start(), start(), { ...start(), ...reset(variant) }];
    const found = await outcome((await runTraining(one, fakeEngine())).run);
    expect(await outcome((await runTraining(again, fakeEngine())).run)).toEqual(found);
    expect((await outcome((await runTraining(usual, fakeEngine())).run)).best).not.toBe(found.best);
  });
});

/** The variant's choices left open. */
function reset(variant: TrainOptions): TrainOptions {
  const open = Object.keys(variant).filter((name) => name !== 'weights');
  return { ...Object.fromEntries(open.map((name) => [name, undefined])), batch: 6, epochs: 2 };
}

test('a broken picture within an update costs the update, not the bits', async () => {
  const choices = { ...COMMON, batch: 2, accumulate: 3, ema: 0.5 };
  const bad = fakeData({ bad: [11] });
  const whole = await runTraining({ ...choices, data: bad, skipBad: true, out: newFolder() }, fakeEngine());
  const out = newFolder();
  await expect(runTraining({ ...choices, data: bad, out }, fakeEngine())).rejects.toThrow(/cut off/);
  await runTraining({ data: bad, resume: out, skipBad: true }, fakeEngine());
  expect((await outcome(out)).optimizer).toBe((await outcome(whole.run)).optimizer);
});

test('patience ends a run early, says so, and is not resumed', async () => {
  const choices = { ...COMMON, ...VARIANTS.patience, data: fakeData() };
  const result = await runTraining({ ...choices, out: newFolder() }, fakeEngine());
  expect(result).toMatchObject({ status: 'finished', endedEarly: true });
  expect(result.epochs.length).toBe((result.best?.epoch ?? 0) + 1);
  expect(result.epochs.length).toBeLessThan(6);
  await expect(runTraining({ data: fakeData(), resume: result.run }, fakeEngine())).rejects.toThrow(/no better epoch/);
  const blind = { ...choices, data: fakeData({ validation: 0 }), out: newFolder() };
  await expect(runTraining(blind, fakeEngine())).rejects.toThrow(/patience 1: without validation/);
});

test('stopped while features are computed, and with pictures that have none', async () => {
  const choices = { ...COMMON, ...VARIANTS['fine-tuning'], data: fakeData({ bad: [3, 7] }), skipBad: true };
  const whole = await runTraining({ ...choices, out: newFolder() }, fakeEngine());
  expect(whole.badPictures.map(({ name }) => name)).toEqual(['train-3.png', 'train-7.png']);
  const controller = new AbortController();
  const engine = fakeEngine({ beforeFeatures: () => controller.abort() });
  const stopped = await runTraining({ ...choices, out: newFolder(), signal: controller.signal }, engine);
  expect(stopped).toMatchObject({ status: 'stopped', position: { epoch: 0, step: 0 } });
  await runTraining({ data: choices.data, resume: stopped.run }, fakeEngine());
  expect(await outcome(stopped.run)).toEqual(await outcome(whole.run));
});

test('the head comes first, at its own rate, and the optimizer starts anew for all', async () => {
  const events: string[] = [];
  const rates: number[] = [];
  const observer: TrainingObserver = {
    epochStarted: ({ epoch, epochs }) => events.push(`start ${epoch} of ${epochs}`),
    featuresComputed: ({ pictures }) => events.push(`features ${pictures}`),
    stepped: ({ learningRate, runSecondsLeft }) => {
      rates.push(learningRate);
      events.push(Number.isNaN(runSecondsLeft) ? 'head' : 'all');
    },
  };
  const choices = { ...COMMON, ...VARIANTS['fine-tuning'], data: fakeData(), out: newFolder(), observer };
  const { epochs } = await runTraining(choices, fakeEngine());
  const features = ['features 6', 'features 12', 'features 18', 'features 20'];
  const head = ['head', 'head', 'head'];
  expect(events).toEqual([
    'start 1 of 3',
    ...features,
    ...head,
    'start 2 of 3',
    ...head,
    'start 3 of 3',
    'all',
    'all',
    'all',
  ]);
  expect(epochs.map(({ epoch }) => epoch)).toEqual([1, 2, 3]);
  expect(rates[0]).toBeCloseTo(0.002, 10);
  expect(rates[3]).toBeLessThan(0.002);
  expect(rates[6]).toBeCloseTo(0.002, 10);
});
