/**
 * Class folders: `root/class/picture`, or `root/train/class/picture` beside `root/val/...`. The
 * layout torchvision's ImageFolder reads, with the same order of classes and files. Stands between
 * the file system and `Dataset`. Invariant: labels follow the sorted class names (or the list
 * given), and every problem with the layout is told here, by name, before training starts.
 */
import { join } from 'node:path';
import { BneckError } from '../base/errors.ts';
import type { DataSource, Dataset } from './dataset.ts';
import { decodePicture, isPictureName, readPictureSize } from './decode.node.ts';
import { Fingerprint } from './fingerprint.ts';
import { entryKind, entryNames, listPictures } from './list-pictures.node.ts';
import { checkValidationFraction, splitDataset } from './split.ts';

/** Names taken for the folder of validation pictures, the first that exists wins. */
const VALIDATION_NAMES = ['val', 'valid', 'validation', 'test'];

/** Share of each class set aside for validation where the data don't say. */
export const DEFAULT_VALIDATION_FRACTION = 0.2;

export interface DataOptions {
  /** share of each class to set aside where the data have no validation part, 0 to below 1; 0.2 by default */
  readonly validation?: number | undefined;
  /** decides which pictures are set aside; 0 by default */
  readonly seed?: number | undefined;
  /** class names in label order. Folders: each folder must be among them. IDX: a name for each label */
  readonly classes?: readonly string[] | undefined;
  /** pixels; larger pictures are refused, see decode.node.ts */
  readonly pixelLimit?: number | undefined;
}

export interface LabelledFolder {
  readonly dataset: Dataset;
  /** files that were passed over: hidden, or not pictures */
  readonly ignored: number;
}

/** Where a folder's pictures are: split already, or not. */
export type FolderLayout =
  | { readonly kind: 'split'; readonly train: string; readonly validation: string }
  | { readonly kind: 'flat'; readonly root: string };

function listed(names: readonly string[]): string {
  return names.length <= 5 ? names.join(', ') : `${names.slice(0, 5).join(', ')} and ${names.length - 5} more`;
}

/** The visible folders and the number of pictures directly in a folder. */
async function lookInto(path: string): Promise<{ folders: string[]; pictures: number; ignored: number }> {
  const folders: string[] = [];
  let pictures = 0;
  let ignored = 0;
  for (const name of await entryNames(path)) {
    const entry = await entryKind(join(path, name));
    if (entry?.kind === 'folder') {
      if (!name.startsWith('.')) folders.push(name);
    } else if (entry?.kind === 'file' && !name.startsWith('.') && isPictureName(name)) pictures += 1;
    else ignored += 1;
  }
  return { folders, pictures, ignored };
}

/** Tells `root/class` from `root/train/class`: a train folder counts if it holds folders and no pictures. */
export async function folderLayout(path: string): Promise<FolderLayout> {
  const { folders } = await lookInto(path);
  const validation = VALIDATION_NAMES.find((name) => folders.includes(name));
  const holdsClasses = async (name: string) => {
    const inside = await lookInto(join(path, name));
    return inside.folders.length > 0 && inside.pictures === 0;
  };
  if (folders.includes('train') && (await holdsClasses('train'))) {
    if (validation !== undefined)
      return { kind: 'split', train: join(path, 'train'), validation: join(path, validation) };
    if (folders.length === 1) return { kind: 'flat', root: join(path, 'train') };
  }
  const others = folders.filter((name) => !VALIDATION_NAMES.includes(name));
  if (validation !== undefined && others.length === 0 && (await holdsClasses(validation))) {
    throw new BneckError(
      'data',
      `${path}: there is a ${validation} folder but no train folder; add ${join(path, 'train')}, or open ${join(path, validation)} itself`,
    );
  }
  return { kind: 'flat', root: path };
}

/** Checks names before files are listed: a class list from outside must hold every folder. */
function classesFor(
  path: string,
  folders: readonly string[],
  wanted: readonly string[] | undefined,
): readonly string[] {
  if (wanted === undefined) return folders;
  const unknown = folders.filter((name) => !wanted.includes(name));
  if (unknown.length > 0) {
    throw new BneckError(
      'data',
      `${path}: no such class: ${listed(unknown)}; the classes are ${listed(wanted)}. Rename or remove these folders`,
    );
  }
  return wanted;
}

/**
 * Reads `root/class/.../picture` as one data set; nothing is decoded yet.
 *
 * @param options `classes` fixes names and label order, e.g. a model's own; then a class may be absent
 * @throws BneckError 'data' for no class folders, or a class folder without pictures
 */
export async function classFolder(
  path: string,
  options: Pick<DataOptions, 'classes' | 'pixelLimit'> = {},
): Promise<LabelledFolder> {
  const top = await lookInto(path);
  if (top.folders.length === 0) {
    const reason =
      top.pictures > 0
        ? `holds ${top.pictures} pictures but no class folders`
        : top.ignored > 0
          ? 'holds neither class folders nor pictures'
          : 'the folder is empty';
    throw new BneckError('data', `${path}: ${reason}; put each class's pictures into a folder of its name`);
  }
  const classes = classesFor(path, top.folders, options.classes);
  const files: string[] = [];
  const labels: number[] = [];
  const empty: string[] = [];
  const fingerprint = new Fingerprint().addText(classes.join('\n'));
  let ignored = top.ignored + top.pictures;
  for (const name of top.folders) {
    const list = await listPictures(join(path, name));
    ignored += list.ignored;
    if (list.pictures.length === 0) empty.push(name);
    const label = classes.indexOf(name);
    for (const picture of list.pictures) {
      files.push(`${name}/${picture.path}`);
      labels.push(label);
      fingerprint.addText(`${name}/${picture.path}`).addIntegers([label, picture.bytes]);
    }
  }
  if (empty.length > 0) {
    throw new BneckError('data', `${path}: no pictures in ${listed(empty)}; add some, or remove the folder`);
  }
  const decodeOptions = { pixelLimit: options.pixelLimit };
  const name = (index: number) => join(path, files[index] ?? '');
  const dataset: Dataset = {
    classes,
    length: files.length,
    labels: Int32Array.from(labels),
    fingerprint: fingerprint.digest(),
    name,
    read: (index) => decodePicture(name(index), decodeOptions),
    size: (index) => readPictureSize(name(index), decodeOptions),
  };
  return { dataset, ignored };
}

function requireTwoClasses(path: string, classes: readonly string[]): void {
  if (classes.length >= 2) return;
  throw new BneckError(
    'data',
    `${path}: only one class (${classes[0]}); add a folder of pictures for each other class, at least two are needed to tell apart`,
  );
}

/** Both parts must hold the same classes, or the labels would not mean the same. */
async function requireSameClasses(train: string, validation: string): Promise<void> {
  const trainNames = (await lookInto(train)).folders;
  const validationNames = (await lookInto(validation)).folders;
  const missing = trainNames.filter((name) => !validationNames.includes(name));
  const extra = validationNames.filter((name) => !trainNames.includes(name));
  const parts: string[] = [];
  if (missing.length > 0) parts.push(`only in ${train}: ${listed(missing)}`);
  if (extra.length > 0) parts.push(`only in ${validation}: ${listed(extra)}`);
  if (parts.length === 0) return;
  throw new BneckError(
    'data',
    `the two parts have different classes (${parts.join('; ')}); give both the same class folders`,
  );
}

/**
 * Opens class folders for training: `root/train` with `root/val` (or valid, validation, test) as
 * they are, anything else split class by class with `validation` and `seed`.
 *
 * @throws BneckError 'data' naming the folder or class that stands in the way
 */
export async function imageFolder(path: string, options: DataOptions = {}): Promise<DataSource> {
  const fraction = options.validation ?? DEFAULT_VALIDATION_FRACTION;
  checkValidationFraction(fraction);
  const layout = await folderLayout(path);
  if (layout.kind === 'split') {
    await requireSameClasses(layout.train, layout.validation);
    const train = await classFolder(layout.train, options);
    requireTwoClasses(layout.train, train.dataset.classes);
    const validation = await classFolder(layout.validation, options);
    return {
      kind: 'split-class-folders',
      path,
      classes: train.dataset.classes,
      train: train.dataset,
      validation: validation.dataset,
      ignored: train.ignored + validation.ignored,
    };
  }
  const { dataset, ignored } = await classFolder(layout.root, options);
  requireTwoClasses(layout.root, dataset.classes);
  const parts = splitDataset(dataset, fraction, options.seed ?? 0);
  return { kind: 'class-folders', path, classes: dataset.classes, ...parts, ignored };
}
