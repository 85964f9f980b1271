/**
 * The checks of a program, run in every test: each call names a kernel with all its operands and sizes,
 * stays inside its buffers, reads nothing that was not written, and shares no bytes with a buffer that
 * is alive. A failure is a defect of the lowering or the planner.
 */
import { assert } from '../base/errors.ts';
import { ELEMENT_BYTES, type Kernel } from '../kernels/kernel.ts';
import { INFERENCE_KERNELS, kernelNamed } from '../kernels/table.ts';
import { bufferLives } from './plan-memory.ts';
import { BUFFER_ALIGNMENT, type Program, type Step } from './program.ts';
import { LINE_BYTES } from './read-ahead.ts';

/** Regions whose content outlives a run, so that reading before writing is right. */
const KEPT = new Set(['parameters', 'running', 'gradientSums', 'optimizer', 'averageParameters', 'averageRunning']);

function checkSizes(kernel: Kernel, step: Step, place: string): void {
  for (const name of kernel.integers) {
    const value = step.sizes[name];
    assert(Number.isInteger(value) && (value as number) >= 0, `${place}: size ${name} is ${value}`);
  }
  for (const name of kernel.floats) assert(Number.isFinite(step.sizes[name]), `${place}: ${name} is a number`);
  const broken = kernel.constraint?.(step.sizes) ?? null;
  assert(broken === null, `${place}: ${broken}`);
  assert(kernel.tiles(step.sizes) > 0, `${place}: no tiles`);
}

function checkStep(program: Program, step: Step, place: string, written: Set<number>): void {
  const { kernel } = kernelNamed(step.kernel);
  assert(program.purpose !== 'inference' || INFERENCE_KERNELS.includes(kernel), `${place}: browsers lack the kernel`);
  checkSizes(kernel, step, place);
  for (const name of Object.keys(step.operands)) assert(kernel.pointers[name], `${place}: no operand ${name}`);
  const writes: number[] = [];
  for (const [name, pointer] of Object.entries(kernel.pointers)) {
    const operand = step.operands[name];
    if (!operand) {
      assert(pointer.optional, `${place}: operand ${name} is missing`);
      continue;
    }
    const buffer = program.buffers[operand.buffer];
    assert(buffer, `${place}: ${name} has no buffer`);
    assert(operand.offsetBytes % 16 === 0 || pointer.type === 'u8', `${place}: ${name} is not aligned`);
    const end = operand.offsetBytes + pointer.length(step.sizes) * ELEMENT_BYTES[pointer.type ?? 'f32'];
    assert(end <= buffer.bytes, `${place}: ${name} ends at ${end} of ${buffer.bytes} bytes of ${buffer.name}`);
    const overwrites = pointer.access === 'update' && step.sizes.accumulate === 0;
    if (pointer.access !== 'write' && !overwrites) {
      assert(KEPT.has(buffer.region) || written.has(buffer.id), `${place}: ${name} reads ${buffer.name} unwritten`);
    }
    if (pointer.access !== 'read') writes.push(buffer.id);
  }
  for (const { from, bytes } of step.ahead ?? []) {
    const buffer = program.buffers[from.buffer];
    assert(buffer && bytes > 0 && from.offsetBytes + bytes <= buffer.bytes, `${place}: reads ahead what is not there`);
  }
  // a line each time at most: then a tile that has nothing left stays inside its panel of weights (kernels/tile.ts)
  const room = LINE_BYTES * (kernel.readsAhead?.(step.sizes) ?? 0);
  const bytesAhead = (step.ahead ?? []).reduce((sum, { bytes }) => sum + bytes, 0);
  assert(bytesAhead <= room, `${place}: reads ${bytesAhead} bytes ahead, its tiles have time for ${room}`);
  for (const id of writes) written.add(id);
}

/** No two arena buffers that are alive at the same step overlap. */
function checkArena(program: Program): void {
  const lives = bufferLives(program.buffers, program.steps);
  for (const { buffer } of lives) {
    assert(buffer.offsetBytes % BUFFER_ALIGNMENT === 0, `${buffer.name} is aligned`);
    assert(buffer.offsetBytes + buffer.bytes <= program.arenaBytes, `${buffer.name} is inside the arena`);
  }
  lives.sort((a, b) => a.buffer.offsetBytes - b.buffer.offsetBytes);
  lives.forEach((a, index) => {
    for (let j = index + 1; j < lives.length; j++) {
      const b = lives[j] as (typeof lives)[number];
      if (b.buffer.offsetBytes >= a.buffer.offsetBytes + a.buffer.bytes) break;
      const together = a.first <= b.last && b.first <= a.last;
      assert(!together, `${a.buffer.name} and ${b.buffer.name} share bytes while both are alive`);
    }
  });
}

/** @throws Error (an invariant) at the first fault */
export function validateProgram(program: Program): void {
  const written = new Set(Object.values(program.ports).map((port) => port.buffer));
  program.prepare.forEach((step, index) => {
    checkStep(program, step, `prepare ${index} ${step.kernel} (${step.label})`, written);
  });
  program.steps.forEach((step, index) => {
    checkStep(program, step, `step ${index} ${step.kernel} (${step.label})`, written);
  });
  checkArena(program);
}
