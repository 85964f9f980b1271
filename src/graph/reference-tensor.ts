/**
 * Makers of the reference executor's tensors, and the one checked way to read them. Reference code
 * is read far more often than it runs; it trades speed for plainness.
 */
import { assert } from '../base/errors.ts';
import { elementCount, type Shape, type StateDict } from '../base/tensor.ts';
import type { ReferenceTensor } from './op.ts';

/** A tensor of zeros, or of the given values in row-major order. */
export function referenceTensor(shape: Shape, values?: ArrayLike<number>): ReferenceTensor {
  const count = elementCount(shape);
  assert(values === undefined || values.length === count, `${values?.length} values for ${count} elements`);
  return { shape, data: values ? Float64Array.from(values) : new Float64Array(count) };
}

/** A copy of a state in double precision, for the reference executor to read and update. */
export function referenceState(state: StateDict): Map<string, ReferenceTensor> {
  const copy = new Map<string, ReferenceTensor>();
  for (const [name, { shape, data }] of state) {
    const values = data instanceof BigInt64Array ? Array.from(data, Number) : data;
    copy.set(name, referenceTensor(shape, values));
  }
  return copy;
}

/** A dimension of a shape that is known to have it. */
export function dimension(shape: Shape, axis: number): number {
  const size = shape[axis];
  assert(size !== undefined, `shape [${shape}] has no axis ${axis}`);
  return size;
}

/** The only input of a node that has one. */
export function only<T>(values: readonly T[]): T {
  const [value] = values;
  assert(value !== undefined && values.length === 1, `one input expected, ${values.length} given`);
  return value;
}

/** The two inputs of a node that has two. */
export function pair<T>(values: readonly T[]): readonly [T, T] {
  const [first, second] = values;
  assert(
    first !== undefined && second !== undefined && values.length === 2,
    `two inputs expected, ${values.length} given`,
  );
  return [first, second];
}

/** A parameter that an op cannot do without. */
export function required(parameters: ReadonlyMap<string, ReferenceTensor>, name: string): ReferenceTensor {
  const tensor = parameters.get(name);
  assert(tensor, `parameter ${name} is missing`);
  return tensor;
}
