import { expect, test } from 'vitest';
import { BneckError } from '../base/errors.ts';
import { mobilenetV3 } from '../models/mobilenet-v3.ts';
import { parseRecord } from './checkpoint-record.ts';
import { reductionFor, resolutionFor } from './choose-network.ts';
import { chooseRecipe } from './choose-recipe.ts';
import type { DataFacts, TrainingChoices } from './recipe.ts';

const FACTS: DataFacts = {
  classNames: ['cat', 'dog', 'eel'],
  classCounts: [1000, 1500, 500],
  trainPictures: 3000,
  validationPictures: 600,
  validationFraction: 0.2,
  medianShortSide: 28,
};
const choose = (choices: TrainingChoices = {}, facts: Partial<DataFacts> = {}) =>
  chooseRecipe(choices, { ...FACTS, ...facts }, null);

test('resolution and reduction follow the size of the pictures', () => {
  expect([8, 28, 32, 48, 64, 96, 100, 150, 199, 200, 480, 4000].map(resolutionFor)).toEqual([
    32, 32, 32, 48, 64, 96, 96, 144, 192, 224, 224, 224,
  ]);
  expect([32, 48, 64, 80, 128, 144, 224].map(reductionFor)).toEqual([8, 8, 8, 16, 16, 32, 32]);
  const small = choose();
  expect(small.recipe.preprocessing).toMatchObject({ resolution: 32, resize: 32 });
  expect(small.architecture).toEqual(mobilenetV3('small', { classes: 3, reduction: 8 }));
  expect(small.recipe.trainShortSide).toBe(null);
  expect(small.reasons[0]).toBe("resolution 32, since the pictures' short side is 28 px (median)");
  const photographs = choose({}, { medianShortSide: 1200 });
  expect(photographs.recipe.preprocessing).toMatchObject({ resolution: 224, resize: 256 });
  expect(photographs.recipe).toMatchObject({ batch: 32, trainShortSide: 448 });
  expect(photographs.architecture.reduction).toBe(32);
});

test('what is asked for is taken, and said so', () => {
  const { architecture, recipe, reasons } = choose({
    model: 'large',
    width: 0.5,
    resolution: 96,
    reduction: 32,
    epochs: 4,
    batch: 100,
    optimizer: 'sgd',
    learningRate: 0.3,
    weightDecay: 0,
    labelSmoothing: 0,
    schedule: 'constant',
    seed: 9,
    skipBad: true,
  });
  expect(architecture).toMatchObject({ family: 'mobilenet_v3_large', width: 0.5, reduction: 32 });
  expect(recipe).toMatchObject({
    epochs: 4,
    batch: 100,
    optimizer: { kind: 'sgd', weightDecay: 0 },
    schedule: { kind: 'constant', learningRate: 0.3, totalSteps: 120, warmupSteps: 6 },
    labelSmoothing: 0,
    seed: 9,
    skipBad: true,
  });
  expect(reasons.slice(0, 3).every((reason) => reason.endsWith('as asked'))).toBe(true);
  const own = mobilenetV3('large', { classes: 3, reduction: 16, dropout: 0.5 });
  expect(choose({ model: own }).architecture).toEqual(own);
});

test('few pictures make small batches', () => {
  const batchFor = (trainPictures: number) => choose({}, { trainPictures }).recipe.batch;
  expect([60000, 640, 639, 320, 100, 20, 5, 2].map(batchFor)).toEqual([64, 64, 32, 32, 8, 8, 5, 2]);
  expect(() => batchFor(1)).toThrow(/at least 2 are needed/);
});

test.each<[string, TrainingChoices, RegExp]>([
  ['no epochs', { epochs: 0 }, /epochs 0: give a whole number from 1/],
  ['half a picture', { batch: 2.5 }, /batch/],
  ['a batch of one', { batch: 1 }, /from 2/],
  ['more than there are', { batch: 3001 }, /only 3000 training pictures/],
  ['no rate', { learningRate: 0 }, /above 0/],
  ['an endless rate', { learningRate: Number.POSITIVE_INFINITY }, /learningRate Infinity/],
  ['all smooth', { labelSmoothing: 1 }, /below 1/],
  ['a negative seed', { seed: -1 }, /seed -1/],
  ['too small for the reduction', { resolution: 16, reduction: 32 }, /resolution 16 leaves nothing/],
  ['a mistyped augmentation', { augmentation: 'storng' }, /did you mean strong\?/],
  ['half an op', { augmentation: [{ kind: 'flip' }] as never }, /augmentation\[0\] \(flip\): probability/],
  ['another optimizer', { optimizer: 'lion' as 'adam' }, /adam, adamw, sgd, rmsprop/],
  ['another model', { model: 'constructor' as 'small' }, /large, small, v2/],
  ['no such width', { width: 17 }, /width 17/],
  ['a width beside an architecture', { model: mobilenetV3('small', { classes: 3 }), width: 0.5 }, /contradicts/],
  ['a reduction beside one', { model: mobilenetV3('small', { classes: 3 }), reduction: 8 }, /contradicts/],
  ['an architecture for others', { model: mobilenetV3('small'), resolution: 224 }, /the data have 3 classes.* 1000/],
])('refuses %s', (_, choices, message) => {
  const error = (() => {
    try {
      choose(choices);
    } catch (thrown) {
      return thrown;
    }
  })();
  expect(error).toBeInstanceOf(BneckError);
  expect((error as BneckError).code).toBe('option');
  expect((error as BneckError).message).toMatch(message);
});

test('fine-tuning goes on at the scale of its start, more slowly', () => {
  const { architecture, recipe } = choose();
  const preprocessing = { ...recipe.preprocessing, resolution: 40, resize: 50, mean: [0.5, 0.5, 0.5] as const };
  const start = { architecture, classNames: FACTS.classNames, preprocessing, weights: new Map(), training: null };
  const same = chooseRecipe({}, FACTS, start);
  expect(same.recipe.preprocessing).toEqual(preprocessing);
  expect(same.recipe.schedule.learningRate).toBeLessThan(recipe.schedule.learningRate);
  expect(chooseRecipe({ resolution: 64 }, FACTS, start).recipe.preprocessing).toMatchObject({
    resolution: 64,
    mean: [0.5, 0.5, 0.5],
  });
  const wider = () => chooseRecipe({ width: 2 }, FACTS, start);
  expect(wider).toThrow(/width 2 contradicts the weights/);
});

test('augmentation: as asked, by name or op by op, or as suits pictures and run', () => {
  const kinds = (choices: TrainingChoices, facts: Partial<DataFacts> = {}) =>
    choose(choices, facts).recipe.augmentation.map(({ kind }) => kind);
  const basic = ['random-resized-crop', 'flip'];
  expect(kinds({})).toEqual(basic);
  expect(kinds({ epochs: 199 })).toEqual(basic);
  expect(kinds({ epochs: 200 })).toEqual([...basic, 'trivialaugment', 'erase']);
  expect(kinds({ epochs: 200 }, { trainPictures: 999 })).toEqual(basic);
  expect(kinds({ augmentation: 'none', epochs: 200 })).toEqual([]);
  const own = [{ kind: 'flip', probability: 1 }] as const;
  expect(choose({ augmentation: own }).recipe.augmentation).toEqual(own);
  const reason = (choices: TrainingChoices) => choose(choices).reasons.find((text) => text.startsWith('augmentation'));
  expect(reason({})).toBe('augmentation basic, which helps even short runs; crops of 60% and more, usual at 32 px');
  expect(reason({ epochs: 200 })).toMatch(/^augmentation strong, since each picture is seen 200 times; /);
  expect(reason({ augmentation: 'basic,erase' })).toBe('augmentation basic,erase, as asked');
});

/** The text of a checkpoint's record with this recipe. */
function recordWith(recipe: unknown): string {
  const part = { counts: [1000, 1000, 1000], fingerprint: 'f' };
  const metrics =
    'epoch,train_loss,train_accuracy,validation_loss,validation_accuracy,learning_rate,images_per_second,seconds\n';
  const books = { epoch: 0, stepInEpoch: 0, steps: 0, lossSum: 0, correct: 0, pictures: 0, seconds: 0 };
  const state = { ...books, metrics, bestEpoch: null };
  const data = { classNames: FACTS.classNames, train: part, validation: part };
  return JSON.stringify({ form: 2, recipe, dataPath: '/data', data, state });
}

test('every recipe passes through a checkpoint', () => {
  for (const choices of [{}, { optimizer: 'sgd', schedule: 'constant' }, { epochs: 200 }] as TrainingChoices[]) {
    for (const medianShortSide of [28, 1200]) {
      const { recipe } = choose(choices, { medianShortSide });
      expect(parseRecord(recordWith(recipe), 'state.json').recipe).toEqual(recipe);
    }
  }
});

test("a checkpoint's augmentation that is damaged is refused", () => {
  const { recipe } = choose();
  const read = (augmentation: unknown) => parseRecord(recordWith({ ...recipe, augmentation }), 'state.json').recipe;
  expect(() => read([{ kind: 'flip', probability: 2 }])).toThrow(
    /^state\.json: recipe\.augmentation: augmentation\[0\] \(flip\): probability 2: give a number from 0 to 1\. Restore/,
  );
  for (const augmentation of [null, 'basic', { flip: 0.5 }, { randomResizedCrop: { scale: [1] }, flip: 0 }]) {
    expect(() => read(augmentation)).toThrow(/^state\.json: recipe\.augmentation/);
  }
});

test.each([
  [46, 0.1],
  [100, 0.05],
  [1000, 0.01],
])('with %i steps an epoch batch norm momentum is %f', (steps, momentum) => {
  const facts = { ...FACTS, trainPictures: 64 * steps };
  const { recipe } = chooseRecipe({ batch: 64 }, facts, null);
  expect(recipe.batchNormMomentum).toBe(momentum);
  // V2's own 0.1 is never slowed down
  expect(chooseRecipe({ batch: 64, model: 'v2' }, facts, null).recipe.batchNormMomentum).toBe(0.1);
});
