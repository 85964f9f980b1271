/** What training does about pictures that are in both of its parts; a part of opening data. */
import { BneckError } from '../base/errors.ts';
import { classCounts, type DataSource, subset } from './dataset.ts';
import type { DuplicatePolicy } from './duplicate-policy.ts';
import { type Duplicate, type DuplicateSearch, findDuplicates } from './find-duplicates.node.ts';
import { listed } from './name-list.ts';

const NAMED = 3;

function describe({ train, validation }: DataSource, duplicates: readonly Duplicate[]): string {
  const pairs = duplicates.map((pair) => `${train.name(pair.train)} = ${validation.name(pair.validation)}`);
  const names = pairs.length <= NAMED ? pairs.join(', ') : `${pairs.slice(0, NAMED).join(', ')}, ...`;
  const count = duplicates.length === 1 ? '1 training picture is' : `${duplicates.length} training pictures are`;
  return `${count} in the validation part too (${names})`;
}

/** The training part without pictures that the validation part has. It keeps its fingerprint: what is left out follows from both. */
function withoutDuplicates(source: DataSource, duplicates: readonly Duplicate[]): DataSource {
  const { train, classes, path } = source;
  const dropped = new Set(duplicates.map((pair) => pair.train));
  const kept = Array.from({ length: train.length }, (_, index) => index).filter((index) => !dropped.has(index));
  const rest = { ...subset(train, kept), fingerprint: train.fingerprint };
  const [before, after] = [classCounts(train), classCounts(rest)];
  const emptied = classes.filter((_, label) => before[label] !== 0 && after[label] === 0);
  if (emptied.length > 0) {
    const found = `without the pictures that the validation part has too, none are left of ${listed(emptied)}`;
    throw new BneckError('data', `${path}: ${found}; add pictures`);
  }
  return { ...source, train: rest };
}

/**
 * Looks for training pictures that are in the validation part too, and does about them what `policy` says.
 * @returns the data, and what was found, in a line; null for nothing
 * @throws BneckError 'data' for any with `error`, or where a class would lose its last with `drop`
 */
export async function settleDuplicates(
  source: DataSource,
  policy: DuplicatePolicy,
  search: DuplicateSearch = {},
): Promise<{ readonly source: DataSource; readonly note: string | null }> {
  const duplicates = await findDuplicates(source.train, source.validation, search);
  if (duplicates.length === 0) return { source, note: null };
  const found = describe(source, duplicates);
  switch (policy) {
    case 'error':
      throw new BneckError('data', `${source.path}: ${found}; remove them, or let them be dropped (duplicates drop)`);
    case 'drop':
      return { source: withoutDuplicates(source, duplicates), note: `${found}, and left out of training` };
    case 'warn':
      return {
        source,
        note: `warning: ${found}, so accuracy will look better than it is; duplicates drop leaves them out of training`,
      };
  }
}
