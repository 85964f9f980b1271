/** What a recipe that comes out of a file may be. A part of the checkpoint's record. */
import { z } from 'zod';
import type { Augmentation } from '../data/augment/augmentation.ts';
import { parseAugmentation } from '../data/augment/parse-augmentation.ts';

const fraction = z.number().min(0).lt(1);
const count = z.int().min(0);
const channels = z.tuple([z.number(), z.number(), z.number()]);

const optimizerSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('sgd'),
    momentum: fraction,
    nesterov: z.boolean(),
    weightDecay: z.number().min(0),
  }),
  z.strictObject({
    kind: z.enum(['adam', 'adamw']),
    beta1: fraction,
    beta2: fraction,
    epsilon: z.number().gt(0),
    weightDecay: z.number().min(0),
  }),
  z.strictObject({
    kind: z.literal('rmsprop'),
    alpha: fraction,
    momentum: fraction,
    epsilon: z.number().gt(0),
    epsilonInside: z.boolean(),
    weightDecay: z.number().min(0),
  }),
]);

const augmentationSchema = z.array(z.unknown()).transform((ops, context): Augmentation => {
  try {
    return parseAugmentation(ops);
  } catch (error) {
    context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : String(error) });
    return z.NEVER;
  }
});

const course = { learningRate: z.number().gt(0), warmupSteps: count, totalSteps: count.min(1) };
const falling = { ...course, everySteps: count.min(1), factor: z.number().gt(0).max(1) };
const scheduleSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('constant'), ...course }),
  z.strictObject({ kind: z.literal('cosine'), ...course, leastRate: z.number().min(0) }),
  z.strictObject({ kind: z.literal('step'), ...falling }),
  z.strictObject({ kind: z.literal('exponential'), ...falling }),
  z.strictObject({ kind: z.literal('one-cycle'), ...course, startShare: fraction, endShare: fraction }),
]);

/** Each number by itself; what they must be to each other, checkpoint-record.ts knows. */
export const recipeSchema = z.strictObject({
  seed: count.max(2 ** 32 - 1),
  epochs: count.min(1),
  batch: count.min(2),
  accumulate: count.min(1),
  optimizer: optimizerSchema,
  decayNormAndBias: z.boolean(),
  clipNorm: z.number().gt(0).nullable(),
  schedule: scheduleSchema,
  labelSmoothing: fraction,
  classWeights: z.array(z.number().gt(0)).nullable(),
  balancedSampling: z.boolean(),
  mixing: z.strictObject({ mixup: z.number().min(0), cutmix: z.number().min(0) }).nullable(),
  average: z.strictObject({ decay: fraction, everySteps: count.min(1), copySteps: count }).nullable(),
  fineTuning: z
    .strictObject({
      headEpochs: count,
      headSchedule: scheduleSchema.nullable(),
      firstRateShare: z.number().gt(0).max(1),
    })
    .nullable(),
  patience: count.min(1).nullable(),
  batchNormMomentum: fraction,
  augmentation: augmentationSchema,
  preprocessing: z.strictObject({ resolution: count.min(1), resize: count.min(1), mean: channels, std: channels }),
  trainShortSide: count.min(1).nullable(),
  validationFraction: fraction,
  skipBad: z.boolean(),
});
