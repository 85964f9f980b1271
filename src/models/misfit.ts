/**
 * What keeps named tensors from being those of a network, and how that is told in one line. Names come
 * from files, so they are quoted and cut before they are shown.
 */
import { formatShape, type Shape, sameShape } from '../base/tensor.ts';
import type { Architecture } from './architecture.ts';
import { describeArchitecture } from './describe-architecture.ts';

export interface ExpectedTensor {
  readonly name: string;
  readonly shape: Shape;
  /** May be missing: batch norm's counter, a scalar that some keep as a list of one. */
  readonly optional: boolean;
}

export interface Problems {
  readonly missing: readonly string[];
  readonly unexpected: readonly string[];
  readonly wrong: readonly string[];
}

/** How many names a message lists of each kind. */
const LISTED = 3;
const LONGEST_NAME = 60;

/** A name from a file, fit for a line of text. */
export function show(name: string): string {
  if (/^[\w.-]+$/.test(name) && name.length <= LONGEST_NAME) return name;
  return JSON.stringify(name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME)}...` : name);
}

/** A shape from a file: a few sizes of it. */
function showShape(shape: Shape): string {
  return shape.length > 6 ? `${formatShape(shape.slice(0, 6))}x...` : formatShape(shape);
}

function fits({ shape, optional }: ExpectedTensor, found: Shape): boolean {
  return sameShape(shape, found) || (optional && sameShape([1], found));
}

/** @param outside names that are unexpected whatever is expected */
export function findProblems(
  expected: readonly ExpectedTensor[],
  found: ReadonlyMap<string, Shape>,
  outside: readonly string[] = [],
): Problems {
  const missing: string[] = [];
  const wrong: string[] = [];
  const names = new Set<string>();
  for (const tensor of expected) {
    names.add(tensor.name);
    const shape = found.get(tensor.name);
    if (shape === undefined) {
      if (!tensor.optional) missing.push(tensor.name);
    } else if (!fits(tensor, shape)) {
      wrong.push(`${tensor.name} (${showShape(shape)} instead of ${showShape(tensor.shape)})`);
    }
  }
  const unexpected = [...[...found.keys()].filter((name) => !names.has(name)), ...outside].map(show);
  return { missing, unexpected, wrong };
}

export function countProblems({ missing, unexpected, wrong }: Problems): number {
  return missing.length + unexpected.length + wrong.length;
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, LISTED).join(', ');
  return names.length > LISTED ? `${shown} and ${names.length - LISTED} more` : shown;
}

/** For example `nearest to MobileNetV3-Small, 10 classes, but missing classifier.3.bias. ...`. */
export function describeProblems(architecture: Architecture, { missing, unexpected, wrong }: Problems): string {
  const parts: string[] = [];
  if (missing.length > 0) parts.push(`missing ${listed(missing)}`);
  if (unexpected.length > 0) parts.push(`unexpected ${listed(unexpected)}`);
  if (wrong.length > 0) parts.push(`wrongly shaped ${listed(wrong)}`);
  const remedy = "Give the unchanged weights of torchvision's or timm's MobileNetV3 or MobileNetV2.";
  return `nearest to ${describeArchitecture(architecture)}, but ${parts.join('; ')}. ${remedy}`;
}
