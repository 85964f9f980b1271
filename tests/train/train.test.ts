/** `train` on the real engine: interrupted or not, on one thread or two, the files have the same bits. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { defaultPreprocessing } from '../../src/data/preprocess.ts';
import { buildGraph } from '../../src/graph/build-graph.ts';
import { initialWeights } from '../../src/graph/initial-weights.ts';
import type { ModelFile } from '../../src/model/model-file.ts';
import { mobilenetV3 } from '../../src/models/mobilenet-v3.ts';
import { train } from '../../src/train/train.ts';
import type { TrainOptions } from '../../src/train/train-options.ts';
import { fakeData } from './fake-session.ts';

const parent = mkdtempSync(join(tmpdir(), 'bneck-real-'));
afterAll(() => rmSync(parent, { recursive: true, force: true }));

/** A model of other classes. */
function startingModel(): ModelFile {
  const architecture = mobilenetV3('small', { classes: 2, width: 0.1, reduction: 8 });
  const weights = initialWeights(buildGraph(architecture), 3);
  const preprocessing = defaultPreprocessing(32);
  return { architecture, classNames: ['x', 'y'], preprocessing, weights, training: null };
}

function bits(run: string): string[] {
  const files = ['best.safetensors', ...readdirSync(join(run, 'last.ckpt')).map((name) => join('last.ckpt', name))];
  const tensors = files.filter((name) => name.endsWith('.safetensors'));
  return tensors.map((name) => `${name} ${readFileSync(join(run, name)).toString('base64')}`);
}

test.each<[string, TrainOptions]>([
  ['adam', { optimizer: 'adam' }],
  ['sgd', { optimizer: 'sgd' }],
  [
    'everything',
    {
      optimizer: 'adamw',
      decayNormAndBias: true,
      clipNorm: 1,
      batch: 3,
      accumulate: 2,
      schedule: 'one-cycle',
      classWeights: [1, 2, 0.5],
      balancedSampling: true,
      mixup: 0.4,
      cutmix: 1,
      ema: 0.9,
      patience: 3,
    },
  ],
  [
    'fine-tuning',
    { weights: startingModel(), fineTune: true, headEpochs: 1, epochs: 1, firstRateShare: 0.01, clipNorm: 5, ema: 0.5 },
  ],
])('a run with %s that was stopped and resumed ends in the bits of one that was not', async (name, choices) => {
  const out = (suffix: string) => join(parent, `${name}-${suffix}`);
  const options = { data: fakeData(), width: 0.1, resolution: 32, batch: 6, epochs: 2, ...choices };
  const whole = await train({ ...options, threads: 1, out: out('whole') });
  expect(whole.epochs.every(({ trainLoss }) => Number.isFinite(trainLoss))).toBe(true);

  const controller = new AbortController();
  let steps = 0;
  const observer = {
    stepped: () => {
      steps += 1;
      if (steps === 4) controller.abort();
    },
  };
  const first = await train({ ...options, threads: 2, out: out('parts'), observer, signal: controller.signal });
  expect(first).toMatchObject({ status: 'stopped', position: { epoch: 1, step: 1 } });
  const second = await train({ data: fakeData(), resume: first.run, threads: 1 });
  expect(second.epochs.map(({ trainLoss, validationLoss }) => [trainLoss, validationLoss])).toEqual(
    whole.epochs.map(({ trainLoss, validationLoss }) => [trainLoss, validationLoss]),
  );
  expect(bits(second.run)).toEqual(bits(whole.run));
});
