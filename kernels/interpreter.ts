// Runs a program: every thread walks the same list of steps, takes tiles of a step from a shared counter,
// and meets the others at a barrier before the next. JavaScript is not involved between steps.
//
// Step, 32-bit words: [opcode (0 ends the program), bytes to the next step, tiles, next tile (shared), arguments...].
// Control block, 32-bit words: [arrived, generation, sleepers, -] then, if profiling, milliseconds by step (f64).
// The order in which threads take tiles changes nothing: a tile's work and its place in memory depend on its number.

import { dispatch } from '../build/dispatch';

/** Milliseconds, from the host; called only when profiling. */
// @ts-ignore: decorator
@external("env", "now")
declare function now(): f64;

const HEADER_BYTES: usize = 16;
/** How often a thread looks at the barrier before it sleeps: about 50 us. */
const SPINS: i32 = 20000;

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
      for (;;) {
        const tile = atomic.add<i32>(step + 12, 1);
        if (tile >= tiles) break;
        dispatch(opcode, step + HEADER_BYTES, tile, scratch);
      }
      wait_for_all(control, step + 12, threads);
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

/** Returns when all threads have come; the last to come resets the step's tile counter. */
function wait_for_all(control: usize, counter: usize, threads: i32): void {
  const generation = atomic.load<i32>(control + 4);
  if (atomic.add<i32>(control, 1) == threads - 1) {
    atomic.store<i32>(counter, 0);
    atomic.store<i32>(control, 0);
    atomic.store<i32>(control + 4, generation + 1);
    if (atomic.load<i32>(control + 8) > 0) atomic.notify(control + 4, threads);
    return;
  }
  for (let spin = 0; spin < SPINS; spin++) {
    if (atomic.load<i32>(control + 4) != generation) return;
  }
  atomic.add<i32>(control + 8, 1);
  while (atomic.load<i32>(control + 4) == generation) atomic.wait<i32>(control + 4, generation, -1);
  atomic.sub<i32>(control + 8, 1);
}
