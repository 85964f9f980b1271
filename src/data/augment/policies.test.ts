/** Scales and tables against torchvision's own (scripts/make-augmentation-goldens.py), and what is drawn how often. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { RandomStream } from '../../base/random.ts';
import {
  AUTOAUGMENT_SPACE,
  CHOSEN_OPS,
  drawAutoAugment,
  drawRandAugment,
  drawTrivialAugment,
  IMAGENET_POLICY,
  RANDAUGMENT_SPACE,
  TRIVIALAUGMENT_SPACE,
} from './policies.ts';
import { type PolicyOp, policyMagnitude, policyOperation, SIGNED_OPS } from './policy-ops.ts';

type Scales = Readonly<Record<PolicyOp, { readonly signed: boolean; readonly magnitudes: readonly number[] }>>;

const file = new URL('../../../tests/golden/augment/policies.json', import.meta.url);
const goldens = JSON.parse(readFileSync(file, 'utf8'));
const { size } = goldens;

test.each([
  ['randaugment', RANDAUGMENT_SPACE],
  ['trivialaugment', TRIVIALAUGMENT_SPACE],
  ['autoaugment', AUTOAUGMENT_SPACE],
] as const)("the scales of %s are torchvision's", (name, space) => {
  const scales: Scales = goldens[name];
  for (const [op, { signed, magnitudes }] of Object.entries(scales) as [PolicyOp, Scales[PolicyOp]][]) {
    expect(SIGNED_OPS.has(op), op).toBe(signed);
    const own = magnitudes.map((_, step) => policyMagnitude(op, space, step, size));
    for (const [step, magnitude] of magnitudes.entries()) {
      // torch.linspace may be off by the last bit of single precision; whole pixels and bits are exact.
      expect(Math.abs((own[step] as number) - magnitude), `${op} ${step}`).toBeLessThanOrEqual(magnitude * 2 ** -22);
      if (op.startsWith('Translate') || op === 'Posterize') {
        expect(Math.trunc(own[step] as number), `${op} ${step}`).toBe(Math.trunc(magnitude));
      }
    }
  }
  if (name !== 'autoaugment') expect(Object.keys(scales)).toEqual(CHOSEN_OPS);
});

test("AutoAugment's pairs are torchvision's", () => {
  expect(IMAGENET_POLICY).toEqual(goldens.imagenet);
});

const SIDE = { width: 32, height: 32 };
const stream = (index: number) => new RandomStream(4, 'augment', 0, index);

test('RandAugment: so many changes, each op as often, both directions', () => {
  const draws = 4000;
  const counts = new Map<string, number>();
  let turned = 0;
  let made = 0;
  for (let index = 0; index < draws; index++) {
    const operations = drawRandAugment(stream(index), { count: 2, magnitude: 9 }, SIDE);
    expect(operations.length).toBeLessThanOrEqual(2);
    made += operations.length;
    for (const operation of operations) {
      counts.set(operation.kind, (counts.get(operation.kind) ?? 0) + 1);
      if (operation.kind !== 'affine' || operation.degrees === 0) continue;
      expect(Math.abs(operation.degrees)).toBeCloseTo(9, 5);
      turned += Math.sign(operation.degrees);
    }
  }
  // Of 14 ops the identity makes no change; two are shears, three are affine.
  const expected = (2 * draws) / 14;
  expect(Math.abs(made - 13 * expected)).toBeLessThan(5 * Math.sqrt(expected));
  const shares = { 'corner-shear': 2, affine: 3, brightness: 1, equalize: 1, posterize: 1, solarize: 1 };
  for (const [kind, ops] of Object.entries(shares)) {
    expect(Math.abs((counts.get(kind) ?? 0) - ops * expected), kind).toBeLessThan(5 * Math.sqrt(ops * expected));
  }
  expect(Math.abs(turned)).toBeLessThan(5 * Math.sqrt(expected));
  expect(counts.has('invert')).toBe(false);
});

test('TrivialAugment: at most one change, at any strength', () => {
  const degrees: number[] = [];
  for (let index = 0; index < 8000; index++) {
    const operations = drawTrivialAugment(stream(index), SIDE);
    expect(operations.length).toBeLessThanOrEqual(1);
    const [operation] = operations;
    if (operation?.kind === 'affine' && operation.degrees !== 0) degrees.push(operation.degrees);
  }
  expect(Math.max(...degrees)).toBe(135);
  expect(Math.min(...degrees)).toBe(-135);
  expect(new Set(degrees.map(Math.abs)).size).toBe(30);
  const mean = degrees.reduce((sum, value) => sum + value, 0) / degrees.length;
  expect(Math.abs(mean)).toBeLessThan(5 * (80 / Math.sqrt(degrees.length)));
});

test('AutoAugment: changes as often as its pairs say', () => {
  const draws = 8000;
  let made = 0;
  let inverted = 0;
  for (let index = 0; index < draws; index++) {
    const operations = drawAutoAugment(stream(index), SIDE);
    made += operations.length;
    inverted += operations.filter(({ kind }) => kind === 'invert').length;
  }
  const steps = IMAGENET_POLICY.flat();
  const expected = steps.reduce((sum, [, probability]) => sum + probability, 0) / IMAGENET_POLICY.length;
  expect(made / draws).toBeCloseTo(expected, 1);
  const inversions = steps.filter(([op]) => op === 'Invert').reduce((sum, [, probability]) => sum + probability, 0);
  expect(inverted / draws).toBeCloseTo(inversions / IMAGENET_POLICY.length, 1);
});

test('magnitudes become operations with whole pixels and bits', () => {
  expect(policyOperation('Identity', 0)).toBe(null);
  expect(policyOperation('TranslateX', -7.9)).toMatchObject({ translate: [-7, 0] });
  expect(policyOperation('TranslateY', 7.9)).toMatchObject({ translate: [0, 7] });
  expect(policyOperation('Rotate', 10)).toMatchObject({ degrees: -10 });
  expect(policyOperation('Brightness', -0.5)).toEqual({ kind: 'brightness', factor: 0.5 });
});
