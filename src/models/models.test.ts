import { expect, test } from 'vitest';
import { BneckError } from '../base/errors.ts';
import { describeArchitecture } from './describe-architecture.ts';
import { makeDivisible } from './make-divisible.ts';
import { mobilenetV2 } from './mobilenet-v2.ts';
import { mobilenetV3 } from './mobilenet-v3.ts';
import { parseArchitecture } from './parse-architecture.ts';
import { resolveNetwork } from './resolve-network.ts';

function optionError(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    expect(error).toBeInstanceOf(BneckError);
    expect((error as BneckError).code).toBe('option');
    expect((error as BneckError).message).not.toContain('\n');
    expect((error as BneckError).message.length).toBeLessThan(250);
    return (error as BneckError).message;
  }
  throw new Error('nothing was thrown');
}

test('makeDivisible rounds to 8 and never loses over a tenth', () => {
  expect([1, 5.6, 8.4, 11.9, 12, 18, 30, 36, 72 * 0.35].map((value) => makeDivisible(value))).toEqual([
    8, 8, 8, 16, 16, 24, 32, 40, 24,
  ]);
  for (let value = 1; value < 2000; value += 0.7) {
    const rounded = makeDivisible(value);
    expect(rounded % 8).toBe(0);
    expect(rounded).toBeGreaterThanOrEqual(0.9 * value);
  }
});

test('every option has its default', () => {
  expect(mobilenetV3('large')).toEqual({
    family: 'mobilenet_v3_large',
    classes: 1000,
    width: 1,
    dropout: 0.2,
    reducedTail: false,
    dilated: false,
    reduction: 32,
    squeeze: { rounding: 'divisible', bias: true, activation: 'relu' },
    reluActivation: 'relu',
    expandAlways: false,
    scaling: 'torchvision',
    padding: 'symmetric',
    batchNormEpsilon: 1e-3,
    minimal: false,
  });
  expect(mobilenetV2().reluActivation).toBe('relu6');
  expect(mobilenetV3('small', { squeeze: { bias: false } }).squeeze).toEqual({
    rounding: 'divisible',
    bias: false,
    activation: 'relu',
  });
});

test('an architecture survives JSON, and what comes out is fresh', () => {
  const architecture = mobilenetV3('small', { width: 0.75, reduction: 8, classes: 10 });
  const read = parseArchitecture(JSON.parse(JSON.stringify(architecture)));
  expect(read).toEqual(architecture);
  expect(parseArchitecture(architecture)).not.toBe(architecture);
  expect(parseArchitecture(architecture).squeeze).not.toBe(architecture.squeeze);
});

test.each([
  ['null', 'null'],
  ['a list', '[]'],
  ['a number', '5'],
  ['a string', '"mobilenet_v3_large"'],
  ['nothing', '{}'],
  ['a family of no use', '{"family":"resnet"}'],
  ['a family that is a list', '{"family":["mobilenet_v3_large"]}'],
  ['a prototype', '{"family":"mobilenet_v3_large","__proto__":{"width":1}}'],
  ['a constructor', '{"family":"mobilenet_v3_large","constructor":{}}'],
  ['an unknown option', '{"family":"mobilenet_v3_large","depth":2}'],
  ['an endless key', `{"family":"mobilenet_v3_large","${'x'.repeat(100000)}":2}`],
  ['an endless family', `{"family":"${'x\\n'.repeat(100000)}"}`],
  ['no classes', '{"family":"mobilenet_v3_large","classes":0}'],
  ['half a class', '{"family":"mobilenet_v3_large","classes":1.5}'],
  ['classes as text', '{"family":"mobilenet_v3_large","classes":"10"}'],
  ['too many classes', '{"family":"mobilenet_v3_large","classes":1000001}'],
  ['endless classes', '{"family":"mobilenet_v3_large","classes":1e999}'],
  ['no width', '{"family":"mobilenet_v3_large","width":0}'],
  ['a negative width', '{"family":"mobilenet_v3_large","width":-1}'],
  ['a huge width', '{"family":"mobilenet_v3_large","width":17}'],
  ['width null', '{"family":"mobilenet_v3_large","width":null}'],
  ['dropout 1', '{"family":"mobilenet_v3_large","dropout":1}'],
  ['dropout below 0', '{"family":"mobilenet_v3_large","dropout":-0.1}'],
  ['a flag as a number', '{"family":"mobilenet_v3_large","dilated":1}'],
  ['reduction 4', '{"family":"mobilenet_v3_large","reduction":4}'],
  ['reduction as text', '{"family":"mobilenet_v3_large","reduction":"8"}'],
  ['squeeze null', '{"family":"mobilenet_v3_large","squeeze":null}'],
  ['squeeze as a list', '{"family":"mobilenet_v3_large","squeeze":[]}'],
  ['an unknown squeeze option', '{"family":"mobilenet_v3_large","squeeze":{"ratio":4}}'],
  ['an unknown rounding', '{"family":"mobilenet_v3_large","squeeze":{"rounding":"toString"}}'],
  ['an unknown activation', '{"family":"mobilenet_v3_large","reluActivation":"gelu"}'],
  ['V2 with a reduced tail', '{"family":"mobilenet_v2","reducedTail":true}'],
  ['V2 dilated', '{"family":"mobilenet_v2","dilated":true}'],
  ['V2 with ReLU', '{"family":"mobilenet_v2","reluActivation":"relu"}'],
  ['V2 with a squeeze', '{"family":"mobilenet_v2","squeeze":{"bias":false}}'],
  ['V2 always expanding', '{"family":"mobilenet_v2","expandAlways":true}'],
  ['V2 with the scaling of timm', '{"family":"mobilenet_v2","scaling":"timm"}'],
  ['V2 minimal', '{"family":"mobilenet_v2","minimal":true}'],
  ['an unknown scaling', '{"family":"mobilenet_v3_large","scaling":"keras"}'],
  ['an unknown padding', '{"family":"mobilenet_v3_large","padding":1}'],
  ['no epsilon', '{"family":"mobilenet_v3_large","batchNormEpsilon":0}'],
  ['a huge epsilon', '{"family":"mobilenet_v3_large","batchNormEpsilon":1e999}'],
  ['minimal with a squeeze', '{"family":"mobilenet_v3_large","minimal":true,"squeeze":{"bias":false}}'],
  ['the scaling of timm with a reduced tail', '{"family":"mobilenet_v3_large","scaling":"timm","reducedTail":true}'],
])('parseArchitecture refuses %s', (_title, json) => {
  optionError(() => parseArchitecture(JSON.parse(json)));
});

test('messages name the option, what it may be and what it is', () => {
  expect(optionError(() => mobilenetV3('small', { width: Number.NaN }))).toBe(
    'Option width must be a number above 0 and at most 16, but it is NaN.',
  );
  expect(optionError(() => mobilenetV3('small', { reduction: 64 as 32 }))).toContain('one of 32, 16, 8');
  expect(optionError(() => mobilenetV3('tiny' as 'small'))).toContain('tiny');
  expect(optionError(() => parseArchitecture({ family: 'mobilenet_v3_small', depth: 1 }))).toContain('"depth"');
});

test('rows join: each input is the output before it', () => {
  const variants = [0.1, 0.35, 0.5, 0.75, 1, 1.25, 2].flatMap((width) => [
    mobilenetV3('large', { width }),
    mobilenetV3('large', { width, reducedTail: true, dilated: true }),
    mobilenetV3('small', { width, reduction: 8 }),
    mobilenetV2({ width }),
  ]);
  for (const architecture of variants) {
    const { stem, blocks, lastConv, head } = resolveNetwork(architecture);
    let channels = stem.outChannels;
    for (const { expand, depthwise, squeeze, project } of blocks) {
      if (expand) expect([expand.inChannels, expand.outChannels]).toEqual([channels, depthwise.inChannels]);
      else expect(depthwise.inChannels).toBe(channels);
      expect([depthwise.outChannels, depthwise.groups]).toEqual([project.inChannels, project.inChannels]);
      if (squeeze) expect(squeeze.channels).toBe(project.inChannels);
      channels = project.outChannels;
    }
    expect(lastConv.inChannels).toBe(channels);
    expect((head.hidden ?? head.classifier).inFeatures).toBe(lastConv.outChannels);
    expect(head.classifier.outFeatures).toBe(1000);
  }
});

test('reduction lowers strides and nothing else', () => {
  const strides = (size: 'large' | 'small', reduction: 32 | 16 | 8): number[] => {
    const { stem, blocks } = resolveNetwork(mobilenetV3(size, { reduction }));
    return [stem.stride, ...blocks.map((block) => block.depthwise.stride)];
  };
  expect(strides('small', 32)).toEqual([2, 2, 2, 1, 2, 1, 1, 1, 1, 2, 1, 1]);
  expect(strides('small', 16)).toEqual([1, 2, 2, 1, 2, 1, 1, 1, 1, 2, 1, 1]);
  expect(strides('small', 8)).toEqual([1, 1, 2, 1, 2, 1, 1, 1, 1, 2, 1, 1]);
  expect(strides('large', 8).slice(0, 5)).toEqual([1, 1, 1, 1, 2]);
  // Small's first block keeps its channels: configured with stride 2, it stays without a residual.
  const [first] = resolveNetwork(mobilenetV3('small', { reduction: 8 })).blocks;
  expect(first).toMatchObject({ residual: false, depthwise: { stride: 1, inChannels: 16 } });
});

test('dilated: the last three blocks keep their resolution, the first of them without a residual', () => {
  const { blocks } = resolveNetwork(mobilenetV3('large', { dilated: true }));
  expect(blocks.slice(-4).map(({ depthwise }) => [depthwise.stride, depthwise.dilation])).toEqual([
    [1, 1],
    [1, 2],
    [1, 2],
    [1, 2],
  ]);
  expect(blocks.slice(-3).map(({ residual }) => residual)).toEqual([false, true, true]);
});

test('an architecture in words', () => {
  expect(describeArchitecture(mobilenetV3('large'))).toBe('MobileNetV3-Large, 1000 classes');
  expect(describeArchitecture(mobilenetV3('small', { width: 0.75, reduction: 8, classes: 10 }))).toBe(
    'MobileNetV3-Small, width 0.75, reduction 8, 10 classes',
  );
  expect(describeArchitecture(mobilenetV2({ classes: 1, dropout: 0 }))).toBe('MobileNetV2, dropout 0, 1 class');
  const walkthrough = mobilenetV3('large', {
    squeeze: { rounding: 'floor', bias: false, activation: 'relu6' },
    reluActivation: 'relu6',
    expandAlways: true,
  });
  expect(describeArchitecture(walkthrough)).toBe(
    'MobileNetV3-Large, squeeze unrounded, squeeze without bias, squeeze ReLU6, ReLU6, always expanding, 1000 classes',
  );
});

test('files from before an option are read with its default', () => {
  const { scaling, padding, batchNormEpsilon, minimal, ...older } = mobilenetV3('small', { width: 0.5 });
  expect(parseArchitecture(older)).toEqual({ ...older, scaling, padding, batchNormEpsilon, minimal });
  expect(parseArchitecture({ family: 'mobilenet_v2' }).batchNormEpsilon).toBe(1e-5);
});

test('the other lineages in words and in rows', () => {
  const tf = mobilenetV3('small', { width: 0.75, scaling: 'timm', padding: 'same', minimal: true });
  expect(describeArchitecture(tf)).toBe(
    'MobileNetV3-Small, minimal, width 0.75, timm scaling, SAME padding, 1000 classes',
  );
  const { stem, blocks, lastConv, head } = resolveNetwork(tf);
  expect([stem, lastConv, ...blocks.map(({ depthwise }) => depthwise)].map(({ activation }) => activation)).toEqual(
    Array(13).fill('relu'),
  );
  expect(head.activation).toBe('relu');
  expect(blocks.every(({ squeeze, depthwise }) => squeeze === null && depthwise.kernel === 3)).toBe(true);
  const thin = mobilenetV3('large', { width: 0.5, scaling: 'timm', batchNormEpsilon: 1e-5 });
  expect(describeArchitecture(thin)).toBe(
    'MobileNetV3-Large, width 0.5, timm scaling, batch norm epsilon 0.00001, 1000 classes',
  );
  const rows = resolveNetwork(thin);
  expect([rows.stem.outChannels, rows.lastConv.outChannels, rows.head.hidden?.outFeatures]).toEqual([16, 480, 1280]);
  expect(rows.batchNorm.epsilon).toBe(1e-5);
});
