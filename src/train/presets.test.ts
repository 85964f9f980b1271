import { expect, test } from 'vitest';
import { chooseRecipe } from './choose-recipe.ts';
import { PRESET_NAMES, withPreset } from './presets.ts';
import type { DataFacts, TrainingChoices } from './recipe.ts';
import { learningRateAt } from './schedule.ts';

const FACTS: DataFacts = {
  classNames: ['cat', 'dog'],
  classCounts: [1500, 1500],
  trainPictures: 3000,
  validationPictures: 600,
  validationFraction: 0.2,
  medianShortSide: 400,
};
const choose = (choices: TrainingChoices) => chooseRecipe(choices, FACTS, null);

test('guide: what walkthroughs have', () => {
  const { recipe, reasons } = choose({ recipe: 'guide' });
  expect(recipe).toMatchObject({
    seed: 42,
    epochs: 13,
    batch: 32,
    optimizer: { kind: 'adam', weightDecay: 0 },
    schedule: { kind: 'constant', learningRate: 0.001, warmupSteps: 0 },
    labelSmoothing: 0,
    augmentation: [],
    preprocessing: { resize: 256, resolution: 224 },
  });
  expect(reasons[0]).toMatch(/^recipe guide, as walkthroughs have it: .*seed 42$/);
});

test("torchvision-v1: at its own batch and epochs exactly torchvision's", () => {
  const facts = { ...FACTS, trainPictures: 1_281_167 };
  const { recipe } = chooseRecipe({ recipe: 'torchvision-v1', batch: 1024 }, facts, null);
  expect(recipe).toMatchObject({
    epochs: 600,
    optimizer: { kind: 'rmsprop', alpha: 0.9, momentum: 0.9, epsilon: 0.0316, epsilonInside: false, weightDecay: 1e-5 },
    decayNormAndBias: true,
    labelSmoothing: 0,
    preprocessing: { resize: 256, resolution: 224 },
  });
  const stepsPerEpoch = 1251;
  for (const epoch of [0, 1, 2, 3, 599]) {
    const rate = learningRateAt(recipe.schedule, epoch * stepsPerEpoch);
    expect(rate).toBeCloseTo(0.064 * 0.973 ** Math.floor(epoch / 2), 12);
  }
  expect(recipe.augmentation.map(({ kind }) => kind)).toEqual(['random-resized-crop', 'flip', 'autoaugment', 'erase']);
});

test('torchvision-v1: shorter runs and smaller batches keep its course', () => {
  const { schedule } = choose({ recipe: 'torchvision-v1', batch: 32, epochs: 60 }).recipe;
  expect(schedule.learningRate).toBeCloseTo((0.064 * 32) / 1024, 12);
  const last = learningRateAt(schedule, schedule.totalSteps - 1) / schedule.learningRate;
  expect(last / 0.973 ** 299).toBeGreaterThan(0.9);
  expect(last / 0.973 ** 299).toBeLessThan(1.2);
});

test("one's own choices take the place of the preset's, with what belongs to them", () => {
  const [choices, says] = withPreset({ recipe: 'guide', epochs: 3, optimizer: 'sgd', resolution: undefined });
  expect(choices).toMatchObject({ epochs: 3, optimizer: 'sgd', resolution: 224, warmup: 0 });
  expect(choices).not.toHaveProperty('learningRate');
  expect(choices).not.toHaveProperty('weightDecay');
  expect(says).toMatch(/\(but for epochs, optimizer\)$/);
  // The same as the preset has is no other choice.
  expect(withPreset({ recipe: 'guide', optimizer: 'adam' })[0]).toMatchObject({ learningRate: 0.001 });
  const cosine = choose({ recipe: 'torchvision-v1', schedule: 'cosine', epochs: 10 }).recipe;
  expect(cosine.schedule).toMatchObject({ kind: 'cosine', leastRate: 0 });
});

test('every preset makes a recipe; others are refused', () => {
  for (const recipe of PRESET_NAMES) expect(choose({ recipe }).recipe.epochs).toBeGreaterThan(0);
  expect(choose({ recipe: 'default' }).recipe).toEqual(choose({}).recipe);
  expect(choose({ recipe: 'small-data' }).recipe.average).not.toBeNull();
  expect(() => choose({ recipe: 'vgg' as 'guide' })).toThrow(/recipe vgg: give default, small-data/);
});
