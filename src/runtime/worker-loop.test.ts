import { readFileSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import { CONTROL_ADDRESS, CONTROL_WORDS, HEAP_ADDRESS, PAGE_BYTES, WORD } from './control.js';
import { INITIAL_PAGES } from './thread-pool.ts';
import { walkPrograms } from './worker-loop.js';

const module = new WebAssembly.Module(readFileSync(new URL('../../wasm/kernels-shared.wasm', import.meta.url)));

/** Lets a thread walk one empty program in a memory of which it knows `known` pages. Returns what it asked the memory to grow by. */
function growthAsked(known: number): number[] {
  const memory = new WebAssembly.Memory({ initial: INITIAL_PAGES, maximum: 64, shared: true });
  const control = new Int32Array(memory.buffer, CONTROL_ADDRESS, CONTROL_WORDS);
  control[WORD.command] = 1;
  control[WORD.program] = HEAP_ADDRESS; // zeros: a program that ends at once
  control[WORD.threads] = 1;
  control[WORD.pages] = INITIAL_PAGES;
  const { buffer } = memory;
  const grow = vi.spyOn(memory, 'grow');
  // The first look is that of the thread's own set-up.
  let looks = 0;
  vi.spyOn(memory, 'buffer', 'get').mockImplementation(() =>
    looks++ === 0 ? buffer : ({ byteLength: known * PAGE_BYTES } as ArrayBuffer),
  );
  walkPrograms({ module, memory, thread: 0 }, (message) => {
    expect(message).toEqual({ finished: 1 });
    control[WORD.quit] = 1;
    control[WORD.command] = 2;
  });
  return grow.mock.calls.map(([pages]) => pages);
}

test('a thread that missed the growth of the memory asks for it before it runs', () => {
  expect(growthAsked(INITIAL_PAGES - 1)).toEqual([0]);
});

test('one that knows all pages asks for nothing', () => {
  expect(growthAsked(INITIAL_PAGES)).toEqual([]);
});
