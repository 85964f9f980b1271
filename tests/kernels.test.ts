/**
 * Every row of the kernel table against its reference: odd sizes and tails, with canaries before and
 * after each buffer. The tolerance is epsilon * (reduction + 8) * the largest magnitude of the output. The other builds
 * give the same bits.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { RandomStream } from '../src/base/random.ts';
import type { Kernel, KernelCase, NumericArray } from '../src/kernels/kernel.ts';
import { INFERENCE_KERNELS, KERNELS } from '../src/kernels/table.ts';
import type { RunProgram } from '../src/runtime/control.js';
import { encodeProgram } from '../src/runtime/encode-program.ts';

interface Build {
  readonly memory: WebAssembly.Memory;
  readonly run: RunProgram;
}

async function instantiate(file: string, shared: boolean): Promise<Build> {
  const memory = new WebAssembly.Memory({ initial: 256, maximum: 65536, shared });
  const bytes = readFileSync(new URL(`../wasm/${file}`, import.meta.url));
  const { instance } = await WebAssembly.instantiate(bytes, { env: { memory, now: () => performance.now() } });
  return { memory, run: instance.exports.run as RunProgram };
}

const shared = await instantiate('kernels-shared.wasm', true);
const others = {
  wide: await instantiate('kernels-wide.wasm', true),
  turbofan: await instantiate('kernels-turbofan.wasm', true),
};
const browsers = {
  'inference-shared': await instantiate('kernels-inference-shared.wasm', true),
  'inference-single': await instantiate('kernels-inference-single.wasm', false),
};

const CANARY = 0xa5;
const CANARY_BYTES = 64;
const PROGRAM = 65536;
const SCRATCH = 131072;

function makeArray(kernel: Kernel, name: string, kernelCase: KernelCase, stream: RandomStream): NumericArray {
  const pointer = kernel.pointers[name];
  if (!pointer) throw new Error(name);
  const length = pointer.length(kernelCase.sizes);
  if (pointer.type === 'u8') return Uint8Array.from({ length }, () => stream.integer(256));
  if (pointer.type === 'u32') return Uint32Array.from({ length }, () => stream.uint32());
  if (pointer.fill === 'positive') return Float32Array.from({ length }, () => Math.abs(stream.normal()) + 0.5);
  return Float32Array.from({ length }, () => stream.normal() * 1.5);
}

/** Places the case's buffers in memory, runs the kernel once on one thread, and returns what it left. */
function runKernel(
  { memory, run }: Build,
  kernel: Kernel,
  kernelCase: KernelCase,
  inputs: Record<string, NumericArray | undefined>,
) {
  const all = new Uint8Array(memory.buffer);
  const scratchBytes = kernel.scratchBytes(kernelCase.sizes);
  all.fill(CANARY, SCRATCH, SCRATCH + scratchBytes + CANARY_BYTES);
  let address = (SCRATCH + scratchBytes + 255) & ~255;
  const addresses: Record<string, number> = {};
  for (const [name, values] of Object.entries(inputs)) {
    if (!values) continue;
    all.fill(CANARY, address, address + values.byteLength + 3 * CANARY_BYTES);
    address += CANARY_BYTES;
    addresses[name] = address;
    all.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), address);
    address = (address + values.byteLength + CANARY_BYTES + 15) & ~15;
  }
  new Uint32Array(memory.buffer).set(
    encodeProgram([{ kernel: kernel.name, addresses, sizes: kernelCase.sizes }]),
    PROGRAM / 4,
  );
  run(PROGRAM, 0, SCRATCH, 1, 0, 0, 0);
  const outputs: Record<string, NumericArray> = {};
  for (const [name, values] of Object.entries(inputs)) {
    const start = addresses[name];
    if (!values || start === undefined) continue;
    outputs[name] = values.slice();
    new Uint8Array(outputs[name].buffer).set(all.subarray(start, start + values.byteLength));
    const around = [start - CANARY_BYTES, start + values.byteLength].map((at) => all.slice(at, at + CANARY_BYTES));
    for (const canary of around) expect([...new Set(canary)], `canary around ${name}`).toEqual([CANARY]);
  }
  const scratchEnd = SCRATCH + scratchBytes;
  expect([...new Set(all.slice(scratchEnd, scratchEnd + CANARY_BYTES))], 'canary after scratch').toEqual([CANARY]);
  return outputs;
}

function bitsOf(values: NumericArray | undefined): Buffer {
  if (!values) throw new Error('the kernel left nothing');
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
}

function compare(name: string, actual: NumericArray, expected: NumericArray, reduction: number): void {
  const magnitude = Float64Array.from(expected).reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
  const tolerance = 2 ** -23 * (reduction + 8) * Math.max(magnitude, 1e-6);
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs((actual[i] as number) - (expected[i] as number));
    if (!(difference <= tolerance)) {
      expect.fail(`${name}[${i}] is ${actual[i]}, reference ${expected[i]}, tolerance ${tolerance}`);
    }
  }
}

/** Runs the kernel with one of its operands at the very end of memory: a read beyond it is an error. */
function runAtEnd(
  { memory, run }: Build,
  kernel: Kernel,
  kernelCase: KernelCase,
  inputs: Record<string, NumericArray | undefined>,
  last: string,
): void {
  const all = new Uint8Array(memory.buffer);
  let address = (SCRATCH + kernel.scratchBytes(kernelCase.sizes) + 255) & ~255;
  const addresses: Record<string, number> = {};
  for (const [name, values] of Object.entries(inputs)) {
    if (!values) continue;
    const place = name === last ? all.byteLength - values.byteLength : address;
    addresses[name] = place;
    all.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), place);
    address = (address + values.byteLength + 15) & ~15;
  }
  const program = encodeProgram([{ kernel: kernel.name, addresses, sizes: kernelCase.sizes }]);
  new Uint32Array(memory.buffer).set(program, PROGRAM / 4);
  run(PROGRAM, 0, SCRATCH, 1, 0, 0, 0);
}

describe.each(KERNELS.map((kernel) => [kernel.name, kernel] as const))('%s', (_, kernel) => {
  test.each(kernel.cases.map((kernelCase, index) => [index, kernelCase] as const))('case %i', (index, kernelCase) => {
    expect(kernel.constraint?.(kernelCase.sizes) ?? null).toBeNull();
    const declared = [...kernel.integers, ...kernel.floats];
    expect(Object.keys(kernelCase.sizes).sort()).toEqual([...declared].sort());
    const stream = new RandomStream(index, 'augment', KERNELS.indexOf(kernel));
    const inputs: Record<string, NumericArray | undefined> = {};
    for (const name of Object.keys(kernel.pointers)) {
      inputs[name] = kernelCase.absent?.includes(name) ? undefined : makeArray(kernel, name, kernelCase, stream);
    }
    const expected = Object.fromEntries(Object.entries(inputs).map(([name, values]) => [name, values?.slice()]));
    kernel.reference(kernelCase.sizes, expected);
    const actual = runKernel(shared, kernel, kernelCase, inputs);
    const builds = INFERENCE_KERNELS.includes(kernel) ? { ...others, ...browsers } : others;
    const fromOthers = Object.entries(builds).map(
      ([build, module]) => [build, runKernel(module, kernel, kernelCase, inputs)] as const,
    );
    for (const [name, pointer] of Object.entries(kernel.pointers)) {
      const wanted = expected[name];
      if (!wanted) continue;
      for (const [build, result] of fromOthers) {
        expect(bitsOf(result[name]).equals(bitsOf(actual[name])), `${name}: ${build} gives the same bits`).toBe(true);
      }
      if (pointer.access === 'read') expect(actual[name], `${name} must not change`).toEqual(inputs[name]);
      else compare(name, actual[name] as NumericArray, wanted, kernel.reduction(kernelCase.sizes, name));
      for (const build of [shared, ...Object.values(others)]) runAtEnd(build, kernel, kernelCase, inputs, name);
    }
  });
});

test('the builds for browsers have no kernel of training', () => {
  const [kernel] = KERNELS.filter((one) => !INFERENCE_KERNELS.includes(one));
  const [kernelCase] = kernel?.cases ?? [];
  if (!kernel || !kernelCase) throw new Error('no kernel of training');
  for (const build of Object.values(browsers)) {
    expect(() => runKernel(build, kernel, kernelCase, {})).toThrow(WebAssembly.RuntimeError);
  }
});
