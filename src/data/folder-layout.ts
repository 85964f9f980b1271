/**
 * Which folder is a part, which a class: the layouts in which people keep pictures, told from the paths alone.
 * `class/picture`, `train/class/picture` beside `val/...`, `class/train/picture`, classes nested in groups, and any
 * of them inside a single folder. Stands between a tree of files and a data set. Invariant: what could be meant in two
 * ways is refused with both, unless a list of class names decides it.
 */
import { BneckError } from '../base/errors.ts';
import { chooseClassRule } from './class-rule.ts';
import { byCodePoints } from './code-point-order.ts';
import { childrenOf, type FolderNode, indexFolders, nodesBelow } from './folder-index.ts';
import { listed } from './name-list.ts';
import { type PartName, partNamed } from './part-names.ts';

export interface LabelledFile<F> {
  readonly file: F;
  /** below the folder of its part, or of everything: what the fingerprint is made of */
  readonly path: string;
  readonly className: string;
}

/** Everything in one, or in parts. */
export type LayoutPart = PartName | 'whole';

export interface FolderLayout<F> {
  /** in the order of torchvision's ImageFolder: by class, folder and name */
  readonly parts: Readonly<Partial<Record<LayoutPart, readonly LabelledFile<F>[]>>>;
  readonly notes: readonly string[];
}

/** A folder of pictures, and the parts of its path that name it. */
interface Place<F> {
  readonly node: FolderNode<F>;
  /** below the folder that its class's name begins in, split at '/' */
  readonly names: readonly string[];
}

interface Division<F> {
  readonly parts: Partial<Record<LayoutPart, { readonly root: FolderNode<F>; readonly places: readonly Place<F>[] }>>;
  /** whether a class's name ends where the part's begins, `dog/train` */
  readonly inside: boolean;
  readonly notes: readonly string[];
}

/** A path from a folder on. */
function below<F>(root: FolderNode<F>, path: string): string {
  return root.path === '' ? path : path.slice(root.path.length + 1);
}

/** The folders of pictures below a root; pictures in the root itself belong to no class. */
function placesBelow<F>(root: FolderNode<F>): Place<F>[] {
  const nodes = nodesBelow(root, (node) => node !== root && node.files.length > 0);
  return nodes.map((node) => ({ node, names: below(root, node.path).split('/') }));
}

/** A folder that holds nothing but one folder of folders is no class: it is looked through. */
function lookThrough<F>(root: FolderNode<F>): FolderNode<F> {
  let node = root;
  for (;;) {
    const [only] = node.children.values();
    if (only === undefined || node.children.size > 1 || node.files.length > 0) return node;
    if (only.files.length > 0 || only.children.size === 0) return node;
    const part = partNamed(only.name);
    if (part !== null && part !== 'train') return node;
    node = only;
  }
}

/** `train/class/picture`: folders named as parts that hold folders, and no pictures themselves. */
function divideAbove<F>(root: FolderNode<F>, title: string): Division<F> | null {
  const found = new Map<PartName, FolderNode<F>>();
  const others: FolderNode<F>[] = [];
  const unlabelled: FolderNode<F>[] = [];
  for (const child of childrenOf(root)) {
    const part = partNamed(child.name);
    if (part !== null && child.files.length === 0 && child.children.size > 0) {
      const before = found.get(part);
      if (before !== undefined) {
        const both = `both ${before.name} and ${child.name} hold class folders for the ${part} part`;
        throw new BneckError('data', `${title}: ${both}; keep one of them there`);
      }
      found.set(part, child);
    } else if (child.count > 0) (part === null ? others : unlabelled).push(child);
  }
  if (found.size === 0) return null;
  if (others.length > 0 && !(found.has('train') && found.size > 1)) return null;
  const notes = [...others, ...unlabelled].map((node) => {
    const reason = others.includes(node) ? 'stands beside the parts' : 'holds no class folders';
    return `passed over: ${node.name} (${node.count} pictures), which ${reason}`;
  });
  const only = found.get('train');
  if (only !== undefined && found.size === 1) {
    return { parts: { whole: { root: only, places: placesBelow(only) } }, inside: false, notes };
  }
  const parts: Division<F>['parts'] = {};
  for (const [part, node] of found) parts[part] = { root: node, places: placesBelow(node) };
  return { parts, inside: false, notes };
}

/** `class/train/picture`: every folder of pictures has a part's name behind its class's. */
function divideInside<F>(root: FolderNode<F>, title: string, isDecided: boolean): Division<F> | null {
  const parts: Partial<Record<PartName, { root: FolderNode<F>; places: Place<F>[] }>> = {};
  const without: Place<F>[] = [];
  for (const place of placesBelow(root)) {
    const at = place.names.findIndex((name, level) => level > 0 && partNamed(name) !== null);
    const part = at < 0 ? null : partNamed(place.names[at] as string);
    if (part === null) {
      without.push(place);
      continue;
    }
    parts[part] ??= { root, places: [] };
    parts[part].places.push({ node: place.node, names: place.names.slice(0, at) });
  }
  if (Object.keys(parts).length === 0) return null;
  if (without.length === 0) return { parts, inside: true, notes: [] };
  if (parts.train === undefined || isDecided) return null;
  const [divided, whole] = [parts.train.places[0]?.node.path, without[0]?.node.path];
  throw new BneckError(
    'data',
    `${title}: ${divided} looks like the training part of a class, but ${whole} is not divided; ` +
      'divide every class in this way or none, or name the classes with a classes file',
  );
}

/** @throws BneckError 'data' where a folder that should be a class has no pictures */
function requirePictures<F>(root: FolderNode<F>, title: string, nested: boolean): void {
  const isEmpty = (node: FolderNode<F>) => node.count === 0 && node.children.size === 0;
  const empty = nested ? nodesBelow(root, isEmpty) : childrenOf(root).filter((node) => node.count === 0);
  if (empty.length === 0) return;
  const names = empty.map((node) => below(root, node.path));
  throw new BneckError('data', `${title}: no pictures in ${listed(names)}; add some, or remove the folder`);
}

/** Both parts must hold the same classes, or the labels would not mean the same. */
function requireSameClasses<F>(parts: FolderLayout<F>['parts'], title: string): void {
  const classes = (part: PartName) => new Set(parts[part]?.map(({ className }) => className));
  const train = classes('train');
  if (train.size === 0) return;
  for (const part of ['validation', 'test'] as const) {
    const others = classes(part);
    if (others.size === 0) continue;
    const missing = part === 'test' ? [] : [...train].filter((name) => !others.has(name));
    const extra = [...others].filter((name) => !train.has(name));
    const found: string[] = [];
    if (missing.length > 0) found.push(`only in train: ${listed(missing)}`);
    if (extra.length > 0) found.push(`only in ${part}: ${listed(extra)}`);
    if (found.length === 0) continue;
    const remedy = 'give both the same class folders';
    throw new BneckError('data', `${title}: the parts have different classes (${found.join('; ')}); ${remedy}`);
  }
}

function noClassFolders<F>(root: FolderNode<F>, title: string, otherFiles: number): BneckError {
  const reason =
    root.files.length > 0
      ? `holds ${root.files.length} pictures but no class folders`
      : otherFiles > 0
        ? 'holds neither class folders nor pictures'
        : 'the folder is empty';
  return new BneckError('data', `${title}: ${reason}; put each class's pictures into a folder of its name`);
}

/** Files by class, folder and name. */
function inOrder<F extends { readonly path: string }>(
  root: FolderNode<F>,
  places: readonly { readonly node: FolderNode<F>; readonly className: string }[],
): LabelledFile<F>[] {
  const sorted = [...places].sort(
    (a, b) => byCodePoints(a.className, b.className) || byCodePoints(a.node.path, b.node.path),
  );
  return sorted.flatMap(({ node, className }) => {
    const files = [...node.files].sort((a, b) => byCodePoints(a.path, b.path));
    return files.map((file) => ({ file, path: below(root, file.path), className }));
  });
}

export interface LayoutInput<F> {
  /** what messages call the tree: its path */
  readonly title: string;
  readonly pictures: readonly F[];
  readonly folders: readonly string[];
  /** number of files that are no pictures */
  readonly otherFiles: number;
  /** class names, where they are known: every folder must be one of them */
  readonly classes?: readonly string[] | undefined;
}

/**
 * Finds the parts and classes of pictures in folders. A class is the top folder where every top folder holds
 * pictures itself (what lies deeper belongs to it, as torchvision has it), and the whole path of the folder where
 * pictures lie in the lowest folders alone.
 * @throws BneckError 'data' naming the folders that stand in the way
 */
export function folderLayout<F extends { readonly path: string }>(input: LayoutInput<F>): FolderLayout<F> {
  const { title, pictures, folders, otherFiles, classes } = input;
  const root = lookThrough(indexFolders(title, pictures, folders));
  const place = root.path === '' ? title : `${title}/${root.path}`;
  if (root.children.size === 0) throw noClassFolders(root, place, otherFiles);
  const { parts, inside, notes } = divideAbove(root, place) ??
    divideInside(root, place, classes !== undefined) ?? {
      parts: { whole: { root, places: placesBelow(root) } },
      inside: false,
      notes: [],
    };
  const found = Object.entries(parts) as [LayoutPart, NonNullable<(typeof parts)[LayoutPart]>][];
  const everywhere = found.flatMap(([, { places }]) => places.map(({ names }) => names));
  const rule = chooseClassRule(place, everywhere, classes, inside);
  const labelled: Partial<Record<LayoutPart, LabelledFile<F>[]>> = {};
  for (const [part, { root: partRoot, places }] of found) {
    if (!inside) {
      const partTitle = partRoot === root ? place : `${title}/${partRoot.path}`;
      if (partRoot.children.size === 0) throw noClassFolders(partRoot, partTitle, otherFiles);
      requirePictures(partRoot, partTitle, rule.nested);
    }
    labelled[part] = inOrder(
      partRoot,
      places.map(({ node, names }) => ({ node, className: rule.classOf(names) })),
    );
  }
  if (classes === undefined) requireSameClasses(labelled, place);
  return { parts: labelled, notes };
}
