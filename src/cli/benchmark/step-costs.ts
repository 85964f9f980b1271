/**
 * Where a program's time goes: the engine's own profile (each step from the end of the one before to its own)
 * beside the kernel table's flops and bytes. Bytes count every operand once, so a rate can be above the memory's where operands are still in cache.
 */
import { kernelNamed } from '../../kernels/table.ts';
import { stepBytes } from '../../program/print-program.ts';
import type { LoadedProgram } from '../../runtime/engine.ts';

/** Of one run of the program. */
export interface Cost {
  /** The layer, by torchvision's module path, or the kernel. */
  readonly name: string;
  readonly kernel: string;
  readonly calls: number;
  readonly milliseconds: number;
  readonly flops: number;
  readonly bytes: number;
}

/**
 * @param program whose profile has been started
 * @param runs since then
 */
export function stepCosts(program: LoadedProgram, runs: number): Cost[] {
  const times = program.profile();
  return program.program.steps.map((step, index) => ({
    name: step.label,
    kernel: step.kernel,
    calls: 1,
    milliseconds: (times[index] as number) / runs,
    flops: kernelNamed(step.kernel).kernel.flops(step.sizes),
    bytes: stepBytes(step),
  }));
}

/** One cost for each kernel, its name that of the kernel. */
export function costsByKernel(costs: readonly Cost[]): Cost[] {
  const sums = new Map<string, Cost>();
  for (const { kernel, calls, milliseconds, flops, bytes } of costs) {
    const sum = sums.get(kernel) ?? { name: kernel, kernel, calls: 0, milliseconds: 0, flops: 0, bytes: 0 };
    sums.set(kernel, {
      ...sum,
      calls: sum.calls + calls,
      milliseconds: sum.milliseconds + milliseconds,
      flops: sum.flops + flops,
      bytes: sum.bytes + bytes,
    });
  }
  return [...sums.values()];
}

export function totalMilliseconds(costs: readonly Cost[]): number {
  return costs.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
}

export function slowestFirst(costs: readonly Cost[]): Cost[] {
  return [...costs].sort((a, b) => b.milliseconds - a.milliseconds);
}

/** Billions a second. */
export function perSecond(amount: number, milliseconds: number): number {
  return milliseconds > 0 ? amount / milliseconds / 1e6 : Number.NaN;
}
