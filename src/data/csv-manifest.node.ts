/**
 * A CSV file that lists pictures: a column for the path, one for the label, perhaps one for the part. Hostile until
 * checked: a path must stay inside the root unless that is allowed on purpose, and must come once. Invariant: pictures
 * keep the order of the rows; labels follow the sorted names, numbers by value.
 */
import { posix } from 'node:path';
import { BneckError } from '../base/errors.ts';
import { labelsIn } from './class-names.ts';
import { byCodePoints } from './code-point-order.ts';
import { Limiter } from './concurrency.ts';
import { csvRows } from './csv-rows.node.ts';
import type { TreeFile } from './file-tree.node.ts';
import type { DataOptions, FoundData } from './found-data.ts';
import type { ManifestRoot } from './manifest-root.node.ts';
import { listed, shortened } from './name-list.ts';
import { PART_WORDS, type PartName, partNamed } from './part-names.ts';
import { type NamedSample, namedParts } from './picture-files.node.ts';

/** Spellings of the columns' names, in lower case and without anything but letters. */
const COLUMN_NAMES = {
  path: ['path', 'file', 'filename', 'filepath', 'image', 'imagename', 'imagefile', 'imagepath', 'picture'],
  label: ['label', 'labels', 'class', 'target', 'classname', 'classid', 'labelname', 'category'],
  split: ['split', 'usage', 'subset'],
} as const;

type Column = keyof typeof COLUMN_NAMES;

const MOST_ROWS = 20_000_000;
const LOOKS_AT_ONCE = 32;

export interface ManifestColumns {
  readonly path: number;
  readonly label: number;
  /** null: all rows are of one part */
  readonly split: number | null;
}

/**
 * Which columns are which, or null where there is none for the path or none for the label.
 * @throws BneckError 'data' where two columns could be the same
 */
export function manifestColumns(header: readonly string[], title: string): ManifestColumns | null {
  const find = (column: Column): number | null => {
    const isNamed = (name: string) =>
      (COLUMN_NAMES[column] as readonly string[]).includes(name.toLowerCase().replace(/[^a-z]/g, ''));
    const found = header.flatMap((name, index) => (isNamed(name) ? [index] : []));
    return found.length > 1 ? tooMany(column, found) : (found[0] ?? null);
  };
  const tooMany = (column: Column, found: readonly number[]): never => {
    const names = found.map((index) => header[index]?.trim()).join(' and ');
    throw new BneckError('data', `${title}: columns ${names} could both be the ${column}; rename or remove one`);
  };
  const [path, label] = [find('path'), find('label')];
  return path === null || label === null ? null : { path, label, split: find('split') };
}

interface Row {
  readonly path: string;
  readonly className: string;
  readonly part: PartName | 'whole';
  readonly line: number;
}

/** The rows, checked each by itself and for paths that come twice. */
async function readRows(file: TreeFile, title: string): Promise<Row[]> {
  const rows: Row[] = [];
  const lines = new Map<string, number>();
  let columns: ManifestColumns | null = null;
  for await (const { fields, line } of csvRows(file, title)) {
    const fail = (problem: string): never => {
      throw new BneckError('data', `${title}, line ${line}: ${problem}`);
    };
    if (columns === null) {
      columns = manifestColumns(fields, title);
      if (columns === null) {
        const wanted =
          'a column for the path (path, file, filename, image) and one for the label (label, class, target)';
        fail(`the first line must name ${wanted}; it has ${listed(fields)}`);
      }
      continue;
    }
    const written = fields[columns.path]?.trim() ?? '';
    const className = fields[columns.label]?.trim() ?? '';
    if (written === '') fail('has no path; fill it in, or remove the line');
    if (className === '') fail('has no label; fill it in, or remove the line');
    const word = columns.split === null ? null : (fields[columns.split] as string);
    const part = word === null ? 'whole' : partNamed(word);
    if (part === null) return fail(`part ${JSON.stringify(shortened(word ?? ''))}: give ${PART_WORDS}`);
    const path = posix.normalize(written);
    const before = lines.get(path);
    if (before !== undefined) fail(`${shortened(path)} stands in line ${before} already; list each picture once`);
    lines.set(path, line);
    if (rows.length === MOST_ROWS) fail(`more than ${MOST_ROWS} pictures; give fewer`);
    rows.push({ path, className, part, line });
  }
  if (rows.length === 0) throw new BneckError('data', `${title}: lists no pictures; add a line for each`);
  return rows;
}

/** Finds the files of all rows. @throws BneckError 'data' for those that are not there, or outside of the root */
async function findFiles(rows: readonly Row[], root: ManifestRoot, title: string): Promise<TreeFile[]> {
  const limiter = new Limiter(LOOKS_AT_ONCE);
  const find = async ({ path, line }: Row): Promise<TreeFile | null> => {
    try {
      return await root.find(path);
    } catch (error) {
      if (!(error instanceof BneckError)) throw error;
      throw new BneckError(error.code, `${title}, line ${line}: ${error.message}`, { cause: error });
    }
  };
  const found = await Promise.all(rows.map((row) => limiter.run(() => find(row))));
  const missing = rows.filter((_, index) => found[index] === null);
  if (missing.length > 0) {
    const first = missing[0] as Row;
    const remedy = 'paths start at the folder of the CSV file, or at the root given';
    const some = `${missing.length} of ${rows.length} pictures are not in ${root.path}`;
    throw new BneckError(
      'data',
      `${title}: ${some}, the first of them ${shortened(first.path)} (line ${first.line}); ${remedy}`,
    );
  }
  return found as TreeFile[];
}

const isNumber = (name: string): boolean => /^\d{1,9}$/.test(name);

/** Class names, and the name that each label of the file stands for. */
function chooseClasses(title: string, labels: ReadonlySet<string>, { classes, namedOnly }: DataOptions) {
  const numbered = [...labels].every(isNumber);
  if (classes === undefined) {
    const order = numbered ? (a: string, b: string) => Number(a) - Number(b) || byCodePoints(a, b) : byCodePoints;
    return { classes: [...labels].sort(order), nameOf: (label: string) => label, numbered };
  }
  // Numbers stand for places in a list, unless the list has numbers for names itself.
  if (numbered && namedOnly !== true && !classes.some(isNumber)) {
    const beyond = [...labels].find((label) => Number(label) >= classes.length);
    if (beyond === undefined) return { classes, nameOf: (label: string) => classes[Number(label)] as string, numbered };
    const message = `label ${beyond}, but there are ${classes.length} class names; give a name for every label`;
    throw new BneckError('data', `${title}: ${message}`);
  }
  labelsIn(title, [...labels], classes);
  return { classes, nameOf: (label: string) => label, numbered };
}

/**
 * The pictures that a CSV file lists.
 * @param title what messages call the file
 * @throws BneckError 'data' with the line that stands in the way
 */
export async function findManifest(
  file: TreeFile,
  title: string,
  root: ManifestRoot,
  options: DataOptions = {},
): Promise<FoundData> {
  const rows = await readRows(file, title);
  const files = await findFiles(rows, root, title);
  const chosen = chooseClasses(title, new Set(rows.map(({ className }) => className)), options);
  const parts: Partial<Record<PartName | 'whole', NamedSample[]>> = {};
  rows.forEach(({ path, className, part }, index) => {
    parts[part] ??= [];
    const sample = { file: files[index] as TreeFile, path, className: chosen.nameOf(className) };
    parts[part].push(sample);
  });
  return {
    kind: 'csv',
    path: title,
    classes: chosen.classes,
    parts: namedParts(root, parts, chosen.classes, options.pixelLimit),
    numbered: chosen.numbered,
    ignored: 0,
    notes: [],
  };
}
