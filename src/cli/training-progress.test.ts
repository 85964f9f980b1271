import { expect, test } from 'vitest';
import { mobilenetV3 } from '../models/mobilenet-v3.ts';
import { chooseRecipe } from '../train/choose-recipe.ts';
import type { StepEvent, TrainingPlan } from '../train/observer.ts';
import { TrainingProgress } from './training-progress.ts';
import { describeResult, shellWord } from './training-text.ts';

const facts = {
  classNames: ['a', 'b'],
  classCounts: [],
  trainPictures: 640,
  validationPictures: 100,
  validationFraction: 0.2,
  medianShortSide: 28,
};
const { recipe, reasons } = chooseRecipe({}, facts, null);
const PLAN: TrainingPlan = {
  data: { kind: 'class-folders', path: 'pictures', ignored: 2 },
  facts,
  architecture: mobilenetV3('small', { classes: 2, reduction: 8 }),
  parameters: 1_518_881,
  recipe,
  stepsPerEpoch: 10,
  reasons,
  threads: 2,
  memoryBytes: 143e6,
  run: 'runs/1',
  samplePicture: 'pictures/a/1 of 2.png',
  resumedAt: null,
};
const METRICS = {
  epoch: 1,
  trainLoss: 1.25,
  trainAccuracy: 0.5,
  validationLoss: 0.75,
  validationAccuracy: 0.912,
  learningRate: 0.001,
  imagesPerSecond: 1234,
  seconds: 4.2,
};
const step = (number: number): StepEvent => ({
  epoch: 1,
  step: number,
  stepsPerEpoch: 10,
  loss: 2,
  learningRate: 0.001,
  imagesPerSecond: 50,
  epochSecondsLeft: 9,
  runSecondsLeft: 90,
});

test('in a pipe there are whole lines, one an epoch and one every ten seconds in between', () => {
  let text = '';
  let seconds = 0;
  const write = (part: unknown) => {
    text += part;
    return true;
  };
  const progress = new TrainingProgress({ write }, () => seconds);
  progress.planned(PLAN);
  const plan = text;
  expect(plan).toMatch(
    /^data {5}pictures: 2 classes, 640 pictures to learn from, 100 to validate, about 28 px, 2 other/,
  );
  expect(plan).toContain('network  MobileNetV3-Small, reduction 8, 2 classes, 1,518,881 parameters, on 32x32 px\n');
  expect(plan).toContain('run      runs/1\n');
  progress.epochStarted({ epoch: 1, epochs: 30, stepsPerEpoch: 10, stepsDone: 0 });
  for (let number = 1; number <= 10; number++) {
    seconds += 4;
    progress.stepped(step(number));
  }
  progress.validated({ epoch: 1, pictures: 50, totalPictures: 100 });
  progress.epochEnded({ metrics: METRICS, epochs: 30, best: true, runSecondsLeft: 121 });
  expect(text.slice(plan.length).split('\n')).toEqual([
    'epoch  1/30  step  3/10  train loss 2.0000  50.0 images/s  1m 30s left',
    'epoch  1/30  step  6/10  train loss 2.0000  50.0 images/s  1m 30s left',
    'epoch  1/30  step  9/10  train loss 2.0000  50.0 images/s  1m 30s left',
    'epoch  1/30  train loss 1.2500  validation loss 0.7500  accuracy  91.2%  1,234 images/s  4.20s  2m 01s left  best so far',
    '',
  ]);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: none may be there
  expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
});

test('the end says what came out and what to do next', () => {
  const result = {
    status: 'finished',
    endedEarly: false,
    run: 'runs/1',
    epochs: [METRICS],
    best: METRICS,
    bestPath: 'runs/1/best.safetensors',
    position: { epoch: 1, step: 0 },
    badPictures: [{ index: 3, name: 'x.png', reason: 'cut off' }],
  } as const;
  expect(describeResult(result, PLAN.samplePicture)).toEqual([
    'Passed over, since they could not be read: 1 picture, listed in runs/1/bad-pictures.txt',
    'Best validation accuracy: 91.20% (epoch 1)',
    'model    runs/1/best.safetensors',
    'metrics  runs/1/metrics.csv',
    "try it   npx bneck predict runs/1/best.safetensors 'pictures/a/1 of 2.png'",
  ]);
  const stopped = { ...result, status: 'stopped', badPictures: [], position: { epoch: 1, step: 4 } } as const;
  expect(describeResult(stopped, null)).toEqual([
    'Stopped in epoch 2; nothing is lost. Go on with:  npx bneck train --resume runs/1',
  ]);
  expect(shellWord("it's")).toBe("'it'\\''s'");
});

test('what comes before the plan: lines in a pipe, a bar on a terminal that goes away', () => {
  let text = '';
  let seconds = 0;
  const write = (part: unknown) => {
    text += part;
    return true;
  };
  const piped = new TrainingProgress({ write }, () => seconds);
  for (let done = 1; done <= 5; done++) {
    piped.preparing({ task: 'decoding', done, total: 5 });
    seconds += 4;
  }
  piped.noted('the cache is damaged\nand is made again');
  expect(text).toBe('decoding pictures for the cache: 4/5\nthe cache is damaged and is made again\n');

  text = '';
  const terminal = {
    write,
    isTTY: true,
    columns: 80,
    cursorTo: () => true,
    clearLine: () => true,
    moveCursor: () => true,
  };
  const shown = new TrainingProgress(terminal, () => seconds);
  shown.preparing({ task: 'comparing', done: 1, total: 4 });
  shown.noted('a word');
  expect(text).toMatch(/comparing training with validation pictures \[.*\] 1\/4.*a word\n.*\] 1\/4/s);
  shown.preparing({ task: 'comparing', done: 4, total: 4 });
  text = '';
  shown.planned(PLAN);
  expect(text).toMatch(/^data {5}pictures: /);
});
