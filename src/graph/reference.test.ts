/**
 * The whole-graph reference against PyTorch (tests/golden/graph/numbers.json, made by
 * scripts/make-graph-goldens.py) and against central differences of itself.
 */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { goldenParameter, goldenPictures, goldenValues } from '../../tests/golden/golden-values.ts';
import { elementCount } from '../base/tensor.ts';
import { mobilenetV3 } from '../models/mobilenet-v3.ts';
import { parseArchitecture } from '../models/parse-architecture.ts';
import { buildGraph } from './build-graph.ts';
import type { Graph } from './graph.ts';
import { initialWeights } from './initial-weights.ts';
import type { ReferenceTensor } from './op.ts';
import { referenceForward, referenceStep } from './reference.ts';
import { referenceState, referenceTensor } from './reference-tensor.ts';

interface GoldenRun {
  readonly architecture: unknown;
  readonly resolution: number;
  readonly images: number;
  readonly logits: readonly number[];
  readonly trainingLogits: readonly number[];
  readonly meanLoss: number;
  readonly inputGradientNorm: number;
  readonly gradients: Readonly<Record<string, readonly [norm: number, first: number]>>;
  readonly running: Readonly<Record<string, number>>;
}
const runs = JSON.parse(
  readFileSync(new URL('../../tests/golden/graph/numbers.json', import.meta.url), 'utf8'),
) as GoldenRun[];

function goldenState(graph: Graph): Map<string, ReferenceTensor> {
  return new Map(
    graph.parameters.map(({ name, shape, dtype }, stream) => {
      const values = dtype === 'int64' ? undefined : goldenParameter(name, shape, stream);
      return [name, referenceTensor(shape, values)];
    }),
  );
}

const norm = (tensor: ReferenceTensor | undefined): number =>
  Math.sqrt((tensor?.data ?? new Float64Array([Number.NaN])).reduce((sum, value) => sum + value * value, 0));

/** Equal to ten digits, of the value or of the scale that it belongs to. */
function expectClose(found: number | undefined, wanted: number, scale = Math.abs(wanted)): void {
  expect(Math.abs((found ?? Number.NaN) - wanted), `${found} for ${wanted}`).toBeLessThan(1e-9 * scale + 1e-12);
}

test.each(runs.map((run, index) => [(run.architecture as { family: string }).family, index] as const))(
  '%s: logits, loss, gradients and running statistics are those of PyTorch',
  (_family, index) => {
    const run = runs[index] as GoldenRun;
    const graph = buildGraph(parseArchitecture(run.architecture));
    const { images, resolution } = run;
    const pictures = referenceTensor([images, 3, resolution, resolution], goldenPictures(images, resolution));
    const state = goldenState(graph);
    const { logits } = referenceForward(graph, state, pictures);
    expect(logits.data.length).toBe(run.logits.length);
    run.logits.forEach((wanted, i) => {
      expectClose(logits.data[i], wanted, 1);
    });

    const labels = Array.from({ length: run.images }, (_, image) => image);
    const step = referenceStep(graph, state, pictures, labels, { training: true, labelSmoothing: 0.1 });
    run.trainingLogits.forEach((wanted, i) => {
      expectClose(step.logits.data[i], wanted, 1);
    });
    expectClose(step.meanLoss, run.meanLoss);
    expectClose(norm(step.tensorGradients.get(graph.input)), run.inputGradientNorm);
    for (const [name, [wantedNorm, wantedFirst]] of Object.entries(run.gradients)) {
      expectClose(norm(step.gradients.get(name)), wantedNorm);
      expectClose(step.gradients.get(name)?.data[0], wantedFirst, wantedNorm);
    }
    for (const [name, wanted] of Object.entries(run.running)) expectClose(norm(state.get(name)), wanted);
    expect(state.get('features.0.1.num_batches_tracked')?.data[0]).toBe(1);
  },
);

test('gradients of a whole network are its central differences, dropout included', () => {
  const graph = buildGraph(mobilenetV3('small', { width: 0.1, classes: 3, reduction: 8, dropout: 0.3 }));
  const weights = initialWeights(graph, 5);
  const pictures = referenceTensor(
    [2, 3, 16, 16],
    goldenValues(2 * 3 * 256, 1).map((u) => u - 0.5),
  );
  const options = { training: true, seed: 9, step: 4, labelSmoothing: 0.1 };
  const loss = (changed: string, element: number, delta: number): number => {
    const state = referenceState(weights);
    const { data } = state.get(changed) as ReferenceTensor;
    data[element] = (data[element] as number) + delta;
    return referenceStep(graph, state, pictures, [0, 2], options).meanLoss;
  };
  const { gradients } = referenceStep(graph, referenceState(weights), pictures, [0, 2], options);
  const trained = graph.parameters.filter(({ trainable }) => trainable);
  expect([...gradients.keys()].toSorted()).toEqual(trained.map(({ name }) => name).toSorted());
  for (const { name, shape } of trained.filter((_, index) => index % 7 === 0)) {
    const element = Math.floor(elementCount(shape) / 2);
    const delta = 1e-6;
    const numeric = (loss(name, element, delta) - loss(name, element, -delta)) / (2 * delta);
    const found = gradients.get(name)?.data[element] as number;
    expect(Math.abs(found - numeric), `${name}: ${found} and ${numeric}`).toBeLessThan(
      1e-5 * norm(gradients.get(name)) + 1e-7,
    );
  }
});

test('inference leaves the state as it was, and does not drop', () => {
  const graph = buildGraph(mobilenetV3('small', { width: 0.1, classes: 3, dropout: 0.9 }));
  const state = goldenState(graph);
  const pictures = referenceTensor([1, 3, 16, 16], goldenValues(768, 2));
  const first = referenceForward(graph, state, pictures, { seed: 1 });
  const second = referenceForward(graph, state, pictures, { seed: 2 });
  expect(second.logits).toEqual(first.logits);
  expect(state).toEqual(goldenState(graph));
});
