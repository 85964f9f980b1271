import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { BneckError } from '../../base/errors.ts';
import type { Augmentation } from './augmentation.ts';
import { parseAugmentation } from './parse-augmentation.ts';
import { AUGMENTATION_OPS, AUGMENTATION_PRESETS, namedAugmentation } from './presets.ts';

test('what is well formed comes back as it is, through JSON too', () => {
  for (const name of [...AUGMENTATION_PRESETS, ...AUGMENTATION_OPS, 'basic,erase']) {
    const augmentation = namedAugmentation(name, 96);
    expect(parseAugmentation(JSON.parse(JSON.stringify(augmentation)))).toEqual(augmentation);
  }
});

const ERASE = { kind: 'erase', probability: 1, scale: [0.1, 0.2], ratio: [1, 1] };
const CROP = { kind: 'random-resized-crop', scale: [0.5, 1], ratio: [1, 1] };

test.each<[string, unknown, RegExp]>([
  ['nothing', undefined, /undefined is no list; give \[op/],
  ['an object', { randomResizedCrop: null, flip: 0.5 }, /is no list/],
  ['an op that is none', ['flip'], /augmentation\[0\]: "flip" is no op/],
  ['no kind', [{ probability: 1 }], /kind undefined: give one of random-resized-crop, /],
  ['a mistyped kind', [{ kind: 'flop', probability: 1 }], /did you mean flip\?/],
  ['a kind of objects', [{ kind: 'constructor' }], /kind "constructor"/],
  ['a missing parameter', [{ kind: 'flip' }], /\[0\] \(flip\): probability undefined: give a number from 0 to 1/],
  ['a probability above 1', [{ kind: 'flip', probability: 1.5 }], /probability 1.5/],
  ['NaN', [{ kind: 'flip', probability: Number.NaN }], /probability null/],
  ['text for a number', [{ kind: 'flip', probability: '1' }], /probability "1"/],
  ['an area of 0', [{ ...CROP, scale: [0, 1] }], /scale \[0,1\]: give \[least, greatest\], above 0 and up to 1/],
  ['an area above 1', [{ ...CROP, scale: [0.5, 1.1] }], /scale/],
  ['a range the wrong way round', [{ ...CROP, ratio: [2, 1] }], /ratio \[2,1\]/],
  ['a range of three', [{ ...CROP, ratio: [1, 2, 3] }], /ratio/],
  ['an endless ratio', [{ ...CROP, ratio: [1, Number.POSITIVE_INFINITY] }], /ratio/],
  ['half a change', [{ kind: 'randaugment', count: 1.5, magnitude: 9 }], /count 1.5: give a whole number from 1 to 16/],
  ['too great a magnitude', [{ kind: 'randaugment', count: 2, magnitude: 31 }], /magnitude 31/],
  ['another policy', [{ kind: 'autoaugment', policy: 'svhn' }], /policy "svhn": give "imagenet"/],
  ['too much hue', [{ kind: 'color-jitter', brightness: 0, contrast: 0, saturation: 0, hue: 0.6 }], /hue 0.6/],
  ['something more', [{ kind: 'trivialaugment', strength: 3 }], /"strength" is no parameter of it; leave it out/],
  [
    'a late crop',
    [{ kind: 'flip', probability: 1 }, CROP],
    /\[1\] \(random-resized-crop\): a crop has to be the first/,
  ],
  ['two crops', [CROP, CROP], /the only crop/],
  ['an early erase', [ERASE, { kind: 'trivialaugment' }], /\[0\] \(erase\): erasing has to be the last op/],
  ['two erases', [ERASE, ERASE], /the last op, once/],
  ['far too many ops', Array(33).fill({ kind: 'trivialaugment' }), /33 ops; give 32 or fewer/],
])('refuses %s', (_, value, message) => {
  const refuse = () => parseAugmentation(value);
  expect(refuse).toThrow(BneckError);
  expect(refuse).toThrow(message);
});

test('names: presets, ops, and several joined', () => {
  expect(namedAugmentation('none', 224)).toEqual([]);
  const kinds = (names: string, resolution = 224) => namedAugmentation(names, resolution).map(({ kind }) => kind);
  expect(kinds('flip')).toEqual(['flip']);
  expect(kinds('torchvision-v1')).toEqual(['random-resized-crop', 'flip', 'autoaugment', 'erase']);
  expect(kinds('random-crop, flip,randaugment,erase')).toEqual(['random-crop', 'flip', 'randaugment', 'erase']);
  expect(kinds('torchvision-v1,color-jitter').slice(2)).toEqual(['autoaugment', 'color-jitter', 'erase']);
  expect(kinds('basic,color-jitter')).toEqual(['random-resized-crop', 'flip', 'color-jitter']);
  expect(() => namedAugmentation('baisc', 224)).toThrow(
    /augmentation "baisc": give none, flip, .*did you mean basic\?/,
  );
  for (const names of ['', 'basic,', 'toString', 'basic;erase']) {
    expect(() => namedAugmentation(names, 224), names).toThrow(BneckError);
  }
  expect(() => namedAugmentation('flip,basic', 224)).toThrow(/a crop has to be the first/);
});

test('the smaller the pictures, the less is cut away', () => {
  const least = (resolution: number) => {
    const [crop] = namedAugmentation('basic', resolution) as Augmentation;
    return crop?.kind === 'random-resized-crop' ? crop.scale[0] : null;
  };
  expect([32, 64, 96, 128, 160, 224].map(least)).toEqual([0.6, 0.6, 0.35, 0.35, 0.2, 0.2]);
  const [published] = namedAugmentation('torchvision-v1', 32);
  expect(published).toMatchObject({ scale: [0.08, 1] });
});

test('docs/training.md knows every name, and its example is one', () => {
  const text = readFileSync(new URL('../../../docs/training.md', import.meta.url), 'utf8');
  for (const name of [...AUGMENTATION_PRESETS, ...AUGMENTATION_OPS]) expect(text).toContain(`\`${name}\``);
  const example = /```json\n(\[[\s\S]*?\])\n```/.exec(text)?.[1];
  expect(parseAugmentation(JSON.parse(example as string)).length).toBeGreaterThan(2);
});
