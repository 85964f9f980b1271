/**
 * What a checkpoint remembers of its data: enough to tell whether a run is resumed on the same
 * pictures, and if not, what differs. Invariant: two records are equal exactly if classes, labels
 * and the data sets' fingerprints are.
 */
import { classCounts, type DataSource, type Dataset } from '../data/dataset.ts';
import type { DuplicatePolicy } from '../data/duplicate-policy.ts';

export interface PartRecord {
  /** Pictures of each class, in the classes' order. */
  readonly counts: readonly number[];
  readonly fingerprint: string;
}

/** How data are read, beside where they are: a resumed run reads them in the same way. JSON-serialisable. */
export interface DataOpening {
  /** Names that were given in label order; null where the data say them. */
  readonly classes: readonly string[] | null;
  /** Where the paths of a CSV file start, as an absolute path; null for its own folder. */
  readonly root: string | null;
  readonly allowOutside: boolean;
  readonly duplicates: DuplicatePolicy;
}

export const PLAIN_OPENING: DataOpening = { classes: null, root: null, allowOutside: false, duplicates: 'warn' };

/** JSON-serialisable. */
export interface DataRecord {
  readonly classNames: readonly string[];
  readonly train: PartRecord;
  readonly validation: PartRecord;
}

function recordPart(dataset: Dataset): PartRecord {
  return { counts: [...classCounts(dataset)], fingerprint: dataset.fingerprint };
}

export function recordData({ classes, train, validation }: DataSource): DataRecord {
  return { classNames: [...classes], train: recordPart(train), validation: recordPart(validation) };
}

const LISTED = 3;

function listed(parts: readonly string[]): string {
  return parts.length <= LISTED
    ? parts.join(', ')
    : `${parts.slice(0, LISTED).join(', ')} and ${parts.length - LISTED} more`;
}

function describePart(title: string, before: PartRecord, now: PartRecord, classNames: readonly string[]): string[] {
  const changed = classNames.flatMap((name, label) => {
    const [old, found] = [before.counts[label] ?? 0, now.counts[label] ?? 0];
    return old === found ? [] : [`${name} ${found} instead of ${old}`];
  });
  if (changed.length > 0) return [`${title} pictures: ${listed(changed)}`];
  if (before.fingerprint === now.fingerprint) return [];
  return [`${title} pictures: as many as before, but other files or contents`];
}

/** What differs between the data of a checkpoint and those found now, in one line; null if nothing does. */
export function describeDataChange(before: DataRecord, now: DataRecord): string | null {
  const gone = before.classNames.filter((name) => !now.classNames.includes(name));
  const added = now.classNames.filter((name) => !before.classNames.includes(name));
  const parts: string[] = [];
  if (gone.length > 0) parts.push(`classes gone: ${listed(gone)}`);
  if (added.length > 0) parts.push(`classes added: ${listed(added)}`);
  if (parts.length > 0) return parts.join('; ');
  if (before.classNames.some((name, label) => name !== now.classNames[label])) return 'classes in another order';
  parts.push(...describePart('training', before.train, now.train, before.classNames));
  parts.push(...describePart('validation', before.validation, now.validation, before.classNames));
  return parts.length === 0 ? null : parts.join('; ');
}
