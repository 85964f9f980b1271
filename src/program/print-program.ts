/** A program as text: its size, then a line a step with operands and sizes. For people who look inside. */
import { bytesOf } from '../kernels/kernel.ts';
import { kernelNamed } from '../kernels/table.ts';
import type { Program, Step } from './program.ts';

function printStep(program: Program, step: Step, index: number): string {
  const { kernel } = kernelNamed(step.kernel);
  const operands = Object.entries(step.operands).map(([name, operand]) => {
    const buffer = program.buffers[operand.buffer];
    return `${name}=${buffer?.region}+${(buffer?.offsetBytes ?? 0) + operand.offsetBytes}`;
  });
  const ahead = (step.ahead ?? []).map(({ from, bytes }) => {
    const buffer = program.buffers[from.buffer];
    return `${buffer?.region}+${(buffer?.offsetBytes ?? 0) + from.offsetBytes} (${bytes} B)`;
  });
  const sizes = [...kernel.integers, ...kernel.floats].map((name) => `${name}=${step.sizes[name]}`);
  const cost = `${kernel.tiles(step.sizes)} tiles, ${(kernel.flops(step.sizes) / 1e6).toFixed(2)} MFLOP, ${(stepBytes(step) / 1e6).toFixed(2)} MB`;
  const lines = [operands.join(' '), sizes.join(' '), ...(ahead.length > 0 ? [`reads ahead ${ahead.join(', ')}`] : [])];
  const head = `${String(index).padStart(4)} ${step.kernel}  [${step.label}]  ${cost}`;
  return [head, ...lines].join('\n       ');
}

/** Bytes a step moves at least. */
export function stepBytes(step: Step): number {
  const { kernel } = kernelNamed(step.kernel);
  const absent = Object.keys(kernel.pointers).filter((name) => !step.operands[name]);
  return bytesOf(kernel, step.sizes, absent);
}

export function printProgram(program: Program): string {
  const { purpose, steps, prepare, arenaBytes, programBytes, scratchBytes } = program;
  const head = `${purpose}: ${prepare.length} + ${steps.length} steps, arena ${arenaBytes} B, kept ${programBytes} B, scratch ${scratchBytes} B a thread`;
  const list = (title: string, of: readonly Step[]) =>
    of.length === 0 ? [] : [title, ...of.map((step, index) => printStep(program, step, index))];
  return [head, ...list('prepare', prepare), ...list('steps', steps)].join('\n');
}
