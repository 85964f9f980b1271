import { expect, test } from 'vitest';
import { buildGraph } from '../graph/build-graph.ts';
import { kernelNamed } from '../kernels/table.ts';
import { mobilenetV3 } from '../models/mobilenet-v3.ts';
import { lowerInference } from './lower-inference.ts';
import { printProgram } from './print-program.ts';
import type { MemoryRange, Program } from './program.ts';
import { validateProgram } from './validate-program.ts';

function lower(batch: number, variant: 'large' | 'small' = 'large'): Program {
  const program = lowerInference(buildGraph(mobilenetV3(variant)), [batch, 3, 224, 224], { input: 'bytes' });
  validateProgram(program);
  return program;
}

function holds(step: Program['steps'][number], { from, bytes }: MemoryRange): boolean {
  return Object.entries(kernelNamed(step.kernel).kernel.pointers).some(([name, pointer]) => {
    const operand = step.operands[name];
    if (operand?.buffer !== from.buffer) return false;
    const end = operand.offsetBytes + 4 * pointer.length(step.sizes);
    return from.offsetBytes >= operand.offsetBytes && from.offsetBytes + bytes <= end;
  });
}

test.each(['large', 'small'] as const)(
  '%s reads weights ahead, once, before they are used and not long before',
  (variant) => {
    const { steps } = lower(1, variant);
    const seen: MemoryRange[] = [];
    let waiting: { user: number; bytes: number }[] = [];
    let total = 0;
    steps.forEach((step, index) => {
      waiting = waiting.filter(({ user }) => user > index);
      for (const range of step.ahead ?? []) {
        const user = steps.findIndex((other) => holds(other, range));
        expect(user).toBeGreaterThan(index);
        waiting.push({ user, bytes: range.bytes });
        const start = range.from.offsetBytes;
        for (const { from, bytes } of seen.filter((other) => other.from.buffer === range.from.buffer)) {
          expect(start >= from.offsetBytes + bytes || start + range.bytes <= from.offsetBytes).toBe(true);
        }
        seen.push(range);
        total += range.bytes;
      }
      expect(waiting.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThanOrEqual(0.75 * 2 ** 20);
    });
    // most of what is not the classifier, whose first layer alone is larger than what is read ahead
    expect(total).toBeGreaterThan(variant === 'large' ? 8e6 : 3e6);
  },
);

test('weights of many pictures are not read ahead, and a step says what it reads', () => {
  const reads = (batch: number) => printProgram(lower(batch)).split('reads ahead').length - 1;
  expect(reads(3)).toBeGreaterThan(20);
  expect(reads(4)).toBe(0);
});

test('a step that reads ahead more than its tiles can, or what is not there, is refused', () => {
  const program = lower(1);
  const index = program.steps.findIndex(({ ahead }) => ahead !== undefined);
  const changed = (bytes: number): Program => {
    const step = program.steps[index] as Program['steps'][number];
    const from = { buffer: program.buffers.findIndex(({ region }) => region === 'parameters'), offsetBytes: 0 };
    return { ...program, steps: program.steps.with(index, { ...step, ahead: [{ from, bytes }] }) };
  };
  expect(() => validateProgram(changed(64))).not.toThrow();
  expect(() => validateProgram(changed(8e6))).toThrow(/its tiles have time for/);
  expect(() => validateProgram(changed(1e9))).toThrow(/not there/);
});
