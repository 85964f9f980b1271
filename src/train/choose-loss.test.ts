import { expect, test } from 'vitest';
import { balancedWeights, chooseLoss } from './choose-loss.ts';
import type { DataFacts, TrainingChoices } from './recipe.ts';

const FACTS: DataFacts = {
  classNames: ['cat', 'dog', 'eel'],
  classCounts: [100, 400, 0],
  trainPictures: 500,
  validationPictures: 0,
  validationFraction: 0,
  medianShortSide: 32,
};
const choose = (choices: TrainingChoices) => chooseLoss(choices, FACTS);

test('the usual loss is said nothing of', () => {
  const usual = { labelSmoothing: 0.1, classWeights: null, balancedSampling: false, mixing: null };
  expect(choose({})).toEqual([usual, []]);
  expect(choose({ mixup: 0, cutmix: 0 })).toEqual([usual, []]);
});

test('balanced weights make all classes count alike', () => {
  const weights = balancedWeights([100, 400, 300]);
  expect([100, 400, 300].map((count, k) => count * (weights[k] as number))).toEqual(
    [800 / 3, 800 / 3, 800 / 3].map((sum) => expect.closeTo(sum, 10)),
  );
  const [{ classWeights }, reasons] = choose({ classWeights: 'balanced' });
  expect(classWeights).toEqual([500 / 300, 500 / 1200, 1]);
  expect(reasons).toEqual(['classes weigh from 0.42 to 1.67 in the loss']);
});

test('what is asked for is taken, and said', () => {
  const [loss, reasons] = choose({ classWeights: [1, 2, 3], balancedSampling: true, mixup: 0.2, cutmix: 1 });
  expect(loss).toMatchObject({ classWeights: [1, 2, 3], balancedSampling: true, mixing: { mixup: 0.2, cutmix: 1 } });
  expect(reasons.slice(1)).toEqual(['every class comes equally often', 'pictures are mixed (mixup 0.2 or cutmix 1)']);
});

test('weights that do not fit the classes are refused', () => {
  expect(() => choose({ classWeights: [1, 2] })).toThrow(/2 for 3 classes.*cat, dog, eel/);
  expect(() => choose({ classWeights: [1, 0, 2] })).toThrow(/classWeights 0: give a number above 0/);
});
