/**
 * A data set whose pictures are files: on the disk, or in an archive. Nothing is decoded before it is read.
 * Invariant: the fingerprint follows from class names, paths, labels and file sizes alone, so data that are copied
 * elsewhere, or packed into an archive, keep theirs.
 */
import { join } from 'node:path';
import { assert } from '../base/errors.ts';
import type { Dataset, PictureFile } from './dataset.ts';
import { decodePicture, readPictureSize } from './decode.node.ts';
import type { FileTree, TreeFile } from './file-tree.node.ts';
import { Fingerprint } from './fingerprint.ts';

export interface FileSample {
  readonly file: PictureFile;
  /** what messages call it */
  readonly name: string;
  /** where it stands in the data, for the fingerprint */
  readonly path: string;
  readonly label: number;
}

/** @param pixelLimit larger pictures are refused, see decode.node.ts */
export function pictureFiles(
  classes: readonly string[],
  samples: readonly FileSample[],
  pixelLimit?: number | undefined,
): Dataset {
  const fingerprint = new Fingerprint().addText(classes.join('\n'));
  for (const { path, label, file } of samples) fingerprint.addText(path).addIntegers([label, file.bytes]);
  const at = (index: number): FileSample => samples[index] as FileSample;
  const sourceOf = async ({ file }: FileSample) => file.diskPath ?? (await file.read());
  return {
    classes,
    length: samples.length,
    labels: Int32Array.from(samples, ({ label }) => label),
    fingerprint: fingerprint.digest(),
    name: (index) => samples[index]?.name ?? '',
    read: async (index) => decodePicture(await sourceOf(at(index)), { pixelLimit, name: at(index).name }),
    size: async (index) => readPictureSize(await sourceOf(at(index)), { pixelLimit, name: at(index).name }),
    file: (index) => at(index).file,
  };
}

/** A file of a tree, with the name of its class. */
export interface NamedSample {
  readonly file: TreeFile;
  readonly path: string;
  readonly className: string;
}

/** Parts of a tree's files as data sets. Every class name must be one of `classes`. */
export function namedParts<Part extends string>(
  tree: Pick<FileTree, 'path'>,
  parts: Readonly<Partial<Record<Part, readonly NamedSample[]>>>,
  classes: readonly string[],
  pixelLimit: number | undefined,
): Partial<Record<Part, Dataset>> {
  const labels = new Map(classes.map((name, label) => [name, label]));
  const found: Partial<Record<Part, Dataset>> = {};
  for (const [part, named] of Object.entries(parts) as [Part, readonly NamedSample[]][]) {
    const samples = named.map(({ file, path, className }) => {
      const label = labels.get(className);
      assert(label !== undefined, `class ${className} of ${classes.length}`);
      return { file, path, label, name: file.diskPath ?? join(tree.path, file.path) };
    });
    found[part] = pictureFiles(classes, samples, pixelLimit);
  }
  return found;
}
