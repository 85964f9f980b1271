// Runs a program: every thread walks the same list of steps, takes tiles of a step, and meets the others at a barrier before
// the next. JavaScript is not involved between steps. A thread's share of a step is the same part of its tiles, and so mostly
// of a map, in every step: what it reads is what it wrote, and is in its cache. When its share is done it helps with the others'.
//
// Step, 32-bit words: [opcode (0 ends the program), bytes to the next step, tiles, arguments...].
// Control block: [arrived, generation, sleepers, impatience, calm], 32-bit words, and from COUNTERS on each thread's tiles taken of its share.
// Who takes a tile changes nothing: a tile's work and its place in memory depend on its number.

import { dispatch } from '../build/dispatch';

/** Milliseconds, from the host; called only when profiling. */
// @ts-ignore: decorator
@external("env", "now")
declare function now(): f64;

const HEADER_BYTES: usize = 12;
/** From the control block to the counters, each on a cache line of its own. */
const COUNTERS: usize = 1024;
/**
 * How often a thread looks at the barrier before it sleeps, at the most: about 1 ms. To sleep costs more than the time to wake up: who is
 * late takes a tile late, for which the others sleep next; and some systems wake a thread on the processor of the one that wakes it, and leave both
 * there for tens of milliseconds. But where threads are more than free processors, who looks keeps another from working. So each sleep
 * halves the number, down to an eighth, and CALM steps without any double it (docs/experiments.md).
 */
const SPINS: i32 = 400000;
const MOST_IMPATIENCE: i32 = 3;
const CALM: i32 = 64;

export function run(program: usize, control: usize, scratch: usize, threads: i32, thread: i32, profile: usize): void {
  let step = program;
  let time: f64 = profile == 0 ? 0.0 : now();
  for (;;) {
    const opcode = load<i32>(step);
    if (opcode == 0) return;
    const tiles = load<i32>(step, 8);
    if (threads == 1) {
      for (let tile = 0; tile < tiles; tile++) dispatch(opcode, step + HEADER_BYTES, tile, scratch);
    } else {
      take_tiles(opcode, step + HEADER_BYTES, tiles, scratch, control + COUNTERS, threads, thread);
      wait_for_all(control, threads, step == program);
    }
    if (profile != 0 && thread == 0) {
      const end = now();
      store<f64>(profile, load<f64>(profile) + end - time);
      time = end;
      profile += 8;
    }
    step += load<u32>(step, 4);
  }
}

/** Does what is left of a step: the thread's own share first, then that of the threads after it. */
function take_tiles(opcode: i32, args: usize, tiles: i32, scratch: usize, counters: usize, threads: i32, thread: i32): void {
  for (let i = 0; i < threads; i++) {
    const owner = (thread + i) % threads;
    const first = (tiles * owner) / threads;
    const end = (tiles * (owner + 1)) / threads;
    for (;;) {
      const tile = first + atomic.add<i32>(counters + (<usize>owner << 6), 1);
      if (tile >= end) break;
      dispatch(opcode, args, tile, scratch);
    }
  }
}

/** Returns when all threads have come; the last to come resets the counters. `starting`: others may not be awake yet, which says nothing of the machine. */
function wait_for_all(control: usize, threads: i32, starting: bool): void {
  const generation = atomic.load<i32>(control + 4);
  const impatience = atomic.load<i32>(control + 12);
  if (atomic.add<i32>(control, 1) == threads - 1) {
    for (let i = 0; i < threads; i++) atomic.store<i32>(control + COUNTERS + (<usize>i << 6), 0);
    atomic.store<i32>(control, 0);
    if (impatience > 0 && atomic.add<i32>(control + 16, 1) >= CALM) {
      atomic.store<i32>(control + 12, impatience - 1);
      atomic.store<i32>(control + 16, 0);
    }
    atomic.store<i32>(control + 4, generation + 1);
    if (atomic.load<i32>(control + 8) > 0) atomic.notify(control + 4, threads);
    return;
  }
  for (let spin = SPINS >> impatience; spin > 0; spin--) {
    if (atomic.load<i32>(control + 4) != generation) return;
  }
  if (!starting) {
    atomic.store<i32>(control + 12, min(impatience + 1, MOST_IMPATIENCE));
    atomic.store<i32>(control + 16, 0);
  }
  atomic.add<i32>(control + 8, 1);
  while (atomic.load<i32>(control + 4) == generation) atomic.wait<i32>(control + 4, generation, -1);
  atomic.sub<i32>(control + 8, 1);
}
