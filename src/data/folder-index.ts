/**
 * Paths of pictures and folders as a tree of folders: what `folderLayout` looks at. Pure; where the files lie, on
 * the disk or in an archive, plays no part.
 */
import { BneckError } from '../base/errors.ts';
import { byCodePoints } from './code-point-order.ts';

/** Deeper than anybody sorts pictures, shallow enough to walk by recursion. */
const MOST_LEVELS = 64;

export interface FolderNode<F> {
  readonly name: string;
  /** below the root of the tree; '' for the root itself */
  readonly path: string;
  readonly children: Map<string, FolderNode<F>>;
  /** pictures directly in the folder */
  readonly files: F[];
  /** pictures in it and in all folders below */
  count: number;
}

function newNode<F>(name: string, path: string): FolderNode<F> {
  return { name, path, children: new Map(), files: [], count: 0 };
}

function childOf<F>(node: FolderNode<F>, name: string): FolderNode<F> {
  let child = node.children.get(name);
  if (child === undefined) {
    child = newNode(name, node.path === '' ? name : `${node.path}/${name}`);
    node.children.set(name, child);
  }
  return child;
}

/**
 * @param title what messages call the tree
 * @throws BneckError 'data' for folders nested too deeply
 */
export function indexFolders<F extends { readonly path: string }>(
  title: string,
  pictures: readonly F[],
  folders: readonly string[],
): FolderNode<F> {
  const root = newNode<F>('', '');
  const nodeAt = (names: readonly string[]): FolderNode<F>[] => {
    if (names.length > MOST_LEVELS) {
      throw new BneckError(
        'data',
        `${title}: folders are nested more than ${MOST_LEVELS} deep; give one further inside`,
      );
    }
    const nodes = [root];
    for (const name of names) nodes.push(childOf(nodes.at(-1) as FolderNode<F>, name));
    return nodes;
  };
  for (const folder of folders) nodeAt(folder.split('/'));
  for (const picture of pictures) {
    const nodes = nodeAt(picture.path.split('/').slice(0, -1));
    nodes.at(-1)?.files.push(picture);
    for (const node of nodes) node.count += 1;
  }
  return root;
}

/** The folders directly in a folder, in the order of their names. */
export function childrenOf<F>(node: FolderNode<F>): FolderNode<F>[] {
  return [...node.children.values()].sort((a, b) => byCodePoints(a.name, b.name));
}

/** The folder and all below it that fulfil a condition, in the order of their paths' parts. */
export function nodesBelow<F>(node: FolderNode<F>, wanted: (node: FolderNode<F>) => boolean): FolderNode<F>[] {
  const below = childrenOf(node).flatMap((child) => nodesBelow(child, wanted));
  return wanted(node) ? [node, ...below] : below;
}
