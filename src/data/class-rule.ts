/**
 * How many of the folders on the way to a picture name its class: the top one, or all of them. Told from the paths of
 * the folders that hold pictures, or from a list of class names. A part of `folderLayout`.
 */
import { BneckError } from '../base/errors.ts';
import { noSuchClass } from './class-names.ts';

export interface ClassRule {
  /** @param names the path of a folder that holds pictures, split at '/' */
  classOf(names: readonly string[]): string;
  /** whether folders are classes by their whole path */
  readonly nested: boolean;
}

const topFolder: ClassRule = { nested: false, classOf: (names) => names[0] as string };
const wholePath: ClassRule = { nested: true, classOf: (names) => names.join('/') };

/** The longest beginning of a path that is a class. */
function knownClass(names: readonly string[], classes: ReadonlySet<string>): string | undefined {
  for (let count = names.length; count > 0; count--) {
    const name = names.slice(0, count).join('/');
    if (classes.has(name)) return name;
  }
  return undefined;
}

/** A class list from outside must hold every folder. */
function listedClasses(title: string, folders: readonly (readonly string[])[], classes: readonly string[]): ClassRule {
  const known = new Set(classes);
  const unknown = new Set(folders.filter((names) => knownClass(names, known) === undefined).map((names) => names[0]));
  if (unknown.size > 0) {
    throw noSuchClass(title, [...unknown] as string[], classes);
  }
  const nested = classes.some((name) => name.includes('/'));
  return { nested, classOf: (names) => knownClass(names, known) as string };
}

/**
 * @param folders the paths of the folders that hold pictures, split at '/'
 * @param exact whether the paths are those of classes and nothing else
 * @throws BneckError 'data' for a folder that is not in `classes`, or where it is not clear what a class is
 */
export function chooseClassRule(
  title: string,
  folders: readonly (readonly string[])[],
  classes: readonly string[] | undefined,
  exact: boolean,
): ClassRule {
  if (classes !== undefined) return listedClasses(title, folders, classes);
  if (exact) return wholePath;
  const paths = new Set(folders.map((names) => names.join('/')));
  const withDirect = folders.find((names) => paths.has(names[0] as string));
  const without = folders.find((names) => !paths.has(names[0] as string));
  if (without === undefined) return topFolder;
  const remedy = 'put the pictures of each class at the same depth, or name the classes with a classes file';
  if (withDirect !== undefined) {
    throw new BneckError(
      'data',
      `${title}: ${withDirect[0]} holds pictures itself, ${without[0]} only in folders below it (${without.join('/')}), ` +
        `so what is a class is not clear; ${remedy}`,
    );
  }
  const isClassAbove = (names: readonly string[]) => (_: string, level: number) =>
    level > 0 && paths.has(names.slice(0, level).join('/'));
  const inner = folders.find((names) => names.some(isClassAbove(names)));
  if (inner !== undefined) {
    const above = inner.slice(0, inner.findIndex(isClassAbove(inner))).join('/');
    throw new BneckError(
      'data',
      `${title}: ${above} holds pictures itself and in ${inner.join('/')}, so what is a class is not clear; ${remedy}`,
    );
  }
  return wholePath;
}
