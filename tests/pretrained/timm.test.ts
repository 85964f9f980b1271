/**
 * timm's networks from the same builder: names, shapes, counts and logits against a live timm
 * (tests/golden/timm.json, made by scripts/make-timm-goldens.py), read through `recognize` as a file of weights is.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { elementCount, formatShape, type Shape, type StateDict } from '../../src/base/tensor.ts';
import { buildGraph } from '../../src/graph/build-graph.ts';
import { inferShapes } from '../../src/graph/infer-shapes.ts';
import { validateGraph } from '../../src/graph/validate-graph.ts';
import { Model } from '../../src/model/model.ts';
import type { Architecture, Family } from '../../src/models/architecture.ts';
import { convertStateDict } from '../../src/models/convert-state-dict.ts';
import { recognize } from '../../src/models/lineages.ts';
import { mobilenetV3 } from '../../src/models/mobilenet-v3.ts';
import { parseArchitecture } from '../../src/models/parse-architecture.ts';
import { weightNames } from '../../src/models/weight-names.ts';
import { goldenParameter, goldenPictures } from '../golden/golden-values.ts';

interface Described {
  readonly parameters: number;
  readonly sha256: string;
}
interface Variant {
  readonly family: Family;
  readonly minimal: boolean;
  readonly width: number;
}
interface Golden {
  readonly models: Readonly<Record<string, Described>>;
  readonly widths: readonly (Variant & Described)[];
  readonly logits: readonly (Variant & { tf: boolean; resolution: number; logits: readonly number[] })[];
}
const golden = JSON.parse(readFileSync(new URL('../golden/timm.json', import.meta.url), 'utf8')) as Golden;

/** A state dict under timm's names, as shapes. */
function timmShapes(architecture: Architecture): Map<string, Shape> {
  return new Map(weightNames(architecture).map(({ timm, timmShape }) => [timm, timmShape]));
}

function digest(shapes: ReadonlyMap<string, Shape>): string {
  const lines = [...shapes].map(([name, shape]) => `${name}:${formatShape(shape)}`);
  return createHash('sha256').update(lines.join('\n')).digest('hex');
}

function countParameters(architecture: Architecture): number {
  const trained = buildGraph(architecture).parameters.filter(({ trainable }) => trainable);
  return trained.reduce((sum, { shape }) => sum + elementCount(shape), 0);
}

/** The architecture that a name of timm's stands for: `tf_mobilenetv3_small_075`. */
function namedArchitecture(name: string): Architecture {
  const width = Number(name.slice(-3)) / 100;
  if (name.startsWith('mobilenetv2')) return parseArchitecture({ family: 'mobilenet_v2', width });
  const tf = name.startsWith('tf_');
  return mobilenetV3(name.includes('large') ? 'large' : 'small', {
    width,
    scaling: 'timm',
    minimal: name.includes('minimal'),
    padding: tf ? 'same' : 'symmetric',
    batchNormEpsilon: tf ? 1e-3 : 1e-5,
  });
}

test.each(Object.entries(golden.models))("%s has timm's names and shapes, and is recognised", (name, described) => {
  const architecture = namedArchitecture(name);
  validateGraph(buildGraph(architecture));
  expect(countParameters(architecture)).toBe(described.parameters);
  const shapes = timmShapes(architecture);
  expect(digest(shapes)).toBe(described.sha256);
  const recognition = recognize(shapes, { fileName: `some/folder/${name}-0123abcd.pth` });
  expect(recognition.architecture).toEqual(architecture);
  expect(recognition.naming).toBe('timm');
  expect(recognition.lineage).toBe(name.startsWith('tf_') ? 'tf' : 'timm');
  expect(recognition.preprocessing.mean).toEqual(name.startsWith('tf_') ? [0.5, 0.5, 0.5] : [0.485, 0.456, 0.406]);
});

test('every width has the names and shapes of timm, and is found again or another of the same network', () => {
  expect(golden.widths.length).toBe(44);
  for (const { family, minimal, width, sha256, parameters } of golden.widths) {
    const architecture = parseArchitecture({ family, minimal, width, scaling: 'timm' });
    const shapes = timmShapes(architecture);
    expect(digest(shapes), JSON.stringify(architecture)).toBe(sha256);
    expect(countParameters(architecture)).toBe(parameters);
    const recognised = recognize(shapes).architecture;
    expect(recognised).toMatchObject({ family, minimal, scaling: 'timm' });
    expect(digest(timmShapes(recognised))).toBe(sha256);
  }
});

test.each([
  ['large', [2132216, 2689904, 3993528, 5483032, 7551976]],
  ['small', [1358808, 1593224, 2041872, 2542856, 3205384]],
] as const)('the published counts of %s at .35 .5 .75 1 1.25', (size, counts) => {
  const widths = [0.35, 0.5, 0.75, 1, 1.25];
  expect(widths.map((width) => countParameters(mobilenetV3(size, { width, scaling: 'timm' })))).toEqual(counts);
});

function goldenTensors(shapes: ReadonlyMap<string, Shape>): StateDict {
  const tensors: StateDict = new Map();
  [...shapes].forEach(([name, shape], stream) => {
    if (name.endsWith('num_batches_tracked')) return; // as in files from before PyTorch 0.4.1
    const data = Float32Array.from(goldenParameter(name, shape, stream));
    tensors.set(name, { dtype: 'float32', shape, data });
  });
  return tensors;
}

test.each(golden.logits)('logits of $family, tf $tf, at width $width and $resolution pixels', async (run) => {
  const { family, minimal, width, tf, resolution } = run;
  const named = parseArchitecture({ family, minimal, width, classes: 5, scaling: 'timm' });
  const tensors = goldenTensors(timmShapes(named));
  const shapes = new Map([...tensors].map(([name, { shape }]) => [name, shape]));
  const recognition = recognize(shapes, { lineage: tf ? 'tf' : 'timm' });
  expect(recognition.architecture).toEqual({
    ...named,
    padding: tf ? 'same' : 'symmetric',
    batchNormEpsilon: tf ? 1e-3 : 1e-5,
  });
  const weights = convertStateDict(tensors, recognition);
  expect(weights.get('features.0.1.num_batches_tracked')).toEqual({
    dtype: 'int64',
    shape: [],
    data: new BigInt64Array(1),
  });
  const shape = [2, 3, resolution, resolution];
  const data = Float32Array.from(goldenPictures(2, resolution));
  const { architecture, preprocessing } = recognition;
  const classNames = ['a', 'b', 'c', 'd', 'e'];
  const model = Model.from({ architecture, classNames, preprocessing, weights, training: null }, { threads: 1 });
  const logits = await model.forward({ data, shape });
  await model.dispose();
  const largest = Math.max(...run.logits.map(Math.abs));
  run.logits.forEach((wanted, at) => {
    expect(Math.abs((logits.data[at] as number) - wanted)).toBeLessThan(1e-4 * largest);
  });
  expect(inferShapes(buildGraph(recognition.architecture), shape).get('classifier.3')).toEqual([2, 5]);
});
