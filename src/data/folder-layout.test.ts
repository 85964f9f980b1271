/** Layouts told from paths alone: every way people divide and nest folders, and what is refused as unclear. */
import { expect, test } from 'vitest';
import { BneckError } from '../base/errors.ts';
import { byCodePoints } from './code-point-order.ts';
import { folderLayout } from './folder-layout.ts';

/** 'a/1.png' is a picture, 'a/' a folder. */
function layout(paths: readonly string[], classes?: readonly string[]) {
  const pictures = paths.filter((path) => !path.endsWith('/')).map((path) => ({ path }));
  const folders = paths.filter((path) => path.endsWith('/')).map((path) => path.slice(0, -1));
  const { parts, notes } = folderLayout({ title: 'data', pictures, folders, otherFiles: 0, classes });
  const found = Object.entries(parts).map(([part, files]) => [
    part,
    files.map(({ path, className }) => `${className}=${path}`),
  ]);
  return { ...Object.fromEntries(found), notes };
}
const pictures = (...folders: string[]) => folders.map((folder) => `${folder}/1.png`);
const classesOf = (files: readonly string[]) => [...new Set(files.map((file) => file.split('=')[0]))];

test('names sort by code points, as Python sorts them', () => {
  // What Python's sorted() gives.
  const sorted = ['', 'B', 'a', 'a-b', 'a/b', 'ab', 'é', 'ﾞ', '😀'];
  expect([...sorted].reverse().sort(byCodePoints)).toEqual(sorted);
});

test.each([
  ['train/val/test', ['train', 'val', 'test'], ['train', 'validation', 'test']],
  ['train/valid', ['train', 'valid'], ['train', 'validation']],
  ['train/validation', ['train', 'validation'], ['train', 'validation']],
  ['training/testing', ['training', 'testing'], ['train', 'test']],
  ['Train/Test', ['Train', 'Test'], ['train', 'test']],
])('split folders %s', (_, names, parts) => {
  const paths = names.flatMap((name) => pictures(`${name}/b`, `${name}/a`));
  const { notes, ...found } = layout(paths);
  expect([Object.keys(found).sort(), notes]).toEqual([[...parts].sort(), []]);
  for (const part of parts) expect(found[part]).toEqual(['a=a/1.png', 'b=b/1.png']);
});

test('split folders: a lone train folder is a whole, what stands beside the parts is passed over and told', () => {
  expect(layout(pictures('train/a', 'train/b')).whole).toEqual(['a=a/1.png', 'b=b/1.png']);
  const unlabelled = layout([...pictures('train/a', 'train/b', 'test'), 'docs/']);
  expect(unlabelled).toMatchObject({ whole: ['a=a/1.png', 'b=b/1.png'] });
  expect(unlabelled.notes).toEqual(['passed over: test (1 pictures), which holds no class folders']);
  const beside = layout(pictures('train/a', 'train/b', 'val/a', 'val/b', 'more/a'));
  expect([beside.train.length, beside.notes]).toEqual([
    2,
    ['passed over: more (1 pictures), which stands beside the parts'],
  ]);
  expect(layout(pictures('val/a', 'val/b')).validation.length).toBe(2);
});

test('split inside each class', () => {
  const found = layout(pictures('dog/train', 'dog/val', 'cat/train/day 1', 'cat/train', 'cat/val'));
  expect(found.train).toEqual(['cat=cat/train/1.png', 'cat=cat/train/day 1/1.png', 'dog=dog/train/1.png']);
  expect(found.validation).toEqual(['cat=cat/val/1.png', 'dog=dog/val/1.png']);
  const nested = layout(pictures('pet/dog/train', 'pet/dog/test', 'wild/fox/train', 'wild/fox/test'));
  expect([classesOf(nested.train), classesOf(nested.test)]).toEqual([
    ['pet/dog', 'wild/fox'],
    ['pet/dog', 'wild/fox'],
  ]);
  expect(() => layout(pictures('dog/train', 'dog/val', 'cat'))).toThrow(/dog\/train looks like .* cat is not divided/);
  // No training part anywhere: these are classes.
  expect(classesOf(layout(pictures('x/test', 'x/control', 'y/test', 'y/control')).whole)).toEqual([
    'x/control',
    'x/test',
    'y/control',
    'y/test',
  ]);
});

test('classes are top folders that hold pictures, or whole paths where only the lowest folders do', () => {
  expect(layout(pictures('b', 'a', 'a/x-1', 'a/x/deep', 'a/x', 'B')).whole).toEqual([
    'B=B/1.png',
    'a=a/1.png',
    'a=a/x/1.png',
    'a=a/x-1/1.png',
    'a=a/x/deep/1.png',
    'b=b/1.png',
  ]);
  expect(classesOf(layout(pictures('pet/dog', 'pet/cat', 'wild/bird/owl')).whole)).toEqual([
    'pet/cat',
    'pet/dog',
    'wild/bird/owl',
  ]);
  const divided = layout(pictures('train/pet/dog', 'train/wild/fox', 'val/pet/dog', 'val/wild/fox'));
  expect(classesOf(divided.validation)).toEqual(['pet/dog', 'wild/fox']);
});

test('a folder that holds nothing but one folder is looked through', () => {
  expect(layout(pictures('photos/2024/a', 'photos/2024/b')).whole).toEqual(['a=a/1.png', 'b=b/1.png']);
  expect(layout(pictures('photos/train/a', 'photos/test/a')).train).toEqual(['a=a/1.png']);
  expect(classesOf(layout(pictures('only')).whole)).toEqual(['only']);
});

test.each<[string, string[], RegExp]>([
  [
    'one class flat, one nested',
    pictures('dog', 'cat/day 1', 'cat/day 2'),
    /dog holds pictures itself, cat only in folders below it \(cat\/day 1\)/,
  ],
  [
    'an inner folder with pictures',
    pictures('pet/dog', 'pet/dog/puppy', 'wild/fox'),
    /pet\/dog holds pictures itself and in pet\/dog\/puppy/,
  ],
  [
    'two validation folders',
    pictures('train/a', 'val/a', 'valid/a'),
    /both val and valid hold class folders for the validation part/,
  ],
  ['two spellings of one', pictures('train/a', 'Train/a'), /both Train and train/],
  [
    'classes missing in a part',
    pictures('train/a', 'train/b', 'val/a', 'val/c'),
    /only in train: b; only in validation: c/,
  ],
  ['a class of the test part alone', pictures('train/a', 'train/b', 'test/a', 'test/z'), /only in test: z/],
  ['an empty class', [...pictures('a', 'b'), 'c/', 'd/e/'], /no pictures in c, d;/],
  ['an empty nested class', [...pictures('x/a', 'x/b', 'y/a'), 'y/c/'], /no pictures in y\/c;/],
  ['an empty class of a part', [...pictures('train/a', 'train/b', 'val/a'), 'val/b/'], /data\/val: no pictures in b/],
  ['no folders', ['1.png', '2.png'], /holds 2 pictures but no class folders/],
  ['nothing', [], /the folder is empty/],
  ['very deep folders', pictures(`${'a/'.repeat(70)}b`), /nested more than 64 deep/],
])('%s: refused', (_, paths, pattern) => {
  expect(() => layout(paths)).toThrow(pattern);
  expect(() => layout(paths)).toThrow(BneckError);
});

test('class names that are known decide what is unclear', () => {
  const mixed = pictures('dog', 'cat/day 1', 'cat/day 2');
  expect(classesOf(layout(mixed, ['cat', 'dog']).whole)).toEqual(['cat', 'dog']);
  expect(classesOf(layout(mixed, ['cat/day 1', 'cat/day 2', 'dog']).whole).length).toBe(3);
  expect(() => layout(mixed, ['cat/day 1', 'dog'])).toThrow(/no such class: cat; the classes are cat\/day 1, dog/);
  const inside = pictures('dog/train', 'cat');
  expect(layout(inside, ['cat', 'dog']).whole).toEqual(['cat=cat/1.png', 'dog=dog/train/1.png']);
  // A class of the list may be absent, and parts need not hold the same.
  expect(layout(pictures('train/a', 'val/b'), ['b', 'a', 'c']).validation).toEqual(['b=b/1.png']);
});
