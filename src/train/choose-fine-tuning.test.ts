import { expect, test } from 'vitest';
import { chooseFineTuning, describeFineTuning } from './choose-fine-tuning.ts';
import type { TrainingChoices } from './recipe.ts';

const choose = (choices: TrainingChoices, trained = true) =>
  chooseFineTuning(choices, 0.002, trained, { stepsPerEpoch: 10 });

test('the head first, on a schedule of its own', () => {
  expect(choose({})).toBeNull();
  const tuning = choose({ fineTune: true, schedule: 'constant' });
  expect(tuning).toMatchObject({ headEpochs: 5, firstRateShare: 0.1 });
  expect(tuning?.headSchedule).toMatchObject({ kind: 'cosine', learningRate: 0.002, totalSteps: 50, warmupSteps: 2 });
  expect(choose({ fineTune: true, headEpochs: 0 })).toMatchObject({ headEpochs: 0, headSchedule: null });
});

test('what it does is said', () => {
  const said = (choices: TrainingChoices) => describeFineTuning(choose({ fineTune: true, ...choices }) as never);
  expect(said({ headEpochs: 3 })).toMatch(/the head alone for 3 epochs, then all of it, .*0.1 of the learning rate/);
  expect(said({ headEpochs: 0, firstRateShare: 0.5 })).toMatch(/^fine-tuning: all of it, .*0.5/);
});

test('it takes weights, and its choices take it', () => {
  expect(() => choose({ fineTune: true }, false)).toThrow(/nothing to tune.*weights/);
  expect(() => choose({ headEpochs: 3 })).toThrow(/headEpochs 3: it belongs to fine-tuning/);
  expect(() => choose({ firstRateShare: 0.5 })).toThrow(/firstRateShare 0.5/);
});
