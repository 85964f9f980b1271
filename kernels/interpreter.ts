// Runs a program: every thread walks the same list of steps and takes tiles of a step; when all its tiles are done the next one is open.
// JavaScript is not involved between steps. A thread's share of a step is the same part of its tiles, and so mostly
// of a map, in every step: what it reads is what it wrote, and is in its cache. When its share is done it helps with the others'.
// Only tiles are waited for, not threads: one that the system has not woken yet, or has put aside, is missed by nobody unless it has a tile
// in hand, and skips what was done without it.
//
// Step, 32-bit words: [opcode (0 ends the program), bytes to the next step, tiles (at least 1), bytes to its list of what to read ahead (0: none), arguments..., list].
// The list, for each run of tiles that read one after the other: [the first tile behind it, address, bytes a tile, how far apart to read]. The last run ends where the tiles do.
// Control block: [tiles done, open step, sleepers], 32-bit words, and from COUNTERS on for each thread the tiles taken of its share.
// Steps are counted on from one run to the next. A counter's upper half is the step that it is of: who comes late takes no tile of another.
// Who takes a tile changes nothing: a tile's work and its place in memory depend on its number.

import { dispatch } from '../build/dispatch';
import { read_ahead } from './read-ahead';

/** Milliseconds, from the host, the same for all threads; called only when profiling. */
// @ts-ignore: decorator
@external("env", "now")
declare function now(): f64;

const HEADER_BYTES: usize = 16;
const RUN_BYTES: usize = 16;
const OPEN: usize = 4;
const SLEEPERS: usize = 8;
/** When the last step was done, f64, where a run is profiled. */
const CLOCK: usize = 24;
/** 64-bit counters, each on a cache line of its own. */
const COUNTERS: usize = 1024;
/**
 * How often a thread without a tile looks whether the step is done before it sleeps: a quarter of a millisecond. To sleep costs more than the time to
 * wake up: some systems wake a thread on the processor of the one that wakes it, and leave both there for tens of milliseconds. But where
 * threads are more than free processors, who looks keeps another from working (docs/experiments.md).
 */
const SPINS: i32 = 100000;

/** As thread number `thread`. `first` is the number of the program's first step; returns that of the one after its last. `profile`: 0, or f64 a step that its time is added to. */
export function run(program: usize, control: usize, scratch: usize, threads: i32, thread: i32, profile: usize, first: i32): i32 {
  if (profile != 0 && (threads == 1 || atomic.load<i32>(control + OPEN) == first)) store<f64>(control + CLOCK, now());
  let current = first;
  for (let step = program; load<i32>(step) != 0; step += load<u32>(step, 4)) {
    const tiles = load<i32>(step, 8);
    if (threads == 1) {
      for (let tile = 0; tile < tiles; tile++) do_tile(step, tile, scratch);
      if (profile != 0) add_time(control, profile);
    } else if (atomic.load<i32>(control + OPEN) == current) {
      const done = take_tiles(step, tiles, scratch, control + COUNTERS, threads, thread, current);
      if (done > 0 && atomic.add<i32>(control, done) + done == tiles) open_next(control, threads, current, profile);
      else wait_until_done(control, current);
    }
    current++;
    if (profile != 0) profile += 8;
  }
  return current;
}

/** One tile of a step, told what to read ahead. */
function do_tile(step: usize, tile: i32, scratch: usize): void {
  const list = load<u32>(step, 12);
  if (list == 0) read_ahead(0, 0, 0);
  else {
    let run = step + list;
    let first = 0;
    for (; load<i32>(run) <= tile; run += RUN_BYTES) first = load<i32>(run);
    const bytes = load<u32>(run, 8);
    read_ahead(load<u32>(run, 4) + <usize>(tile - first) * bytes, bytes, load<u32>(run, 12));
  }
  dispatch(load<i32>(step), step + HEADER_BYTES, tile, scratch);
}

/** Does what is left of a step: the thread's own share first, then that of the threads after it. Returns how many tiles it did. */
function take_tiles(step: usize, tiles: i32, scratch: usize, counters: usize, threads: i32, thread: i32, current: i32): i32 {
  let done = 0;
  for (let i = 0; i < threads; i++) {
    const owner = (thread + i) % threads;
    const first = (tiles * owner) / threads;
    const share = (tiles * (owner + 1)) / threads - first;
    const counter = counters + (<usize>owner << 6);
    for (let seen = atomic.load<i64>(counter); <i32>(seen >> 32) == current && <i32>seen < share; seen = atomic.load<i64>(counter)) {
      if (atomic.cmpxchg<i64>(counter, seen, seen + 1) != seen) continue;
      do_tile(step, first + <i32>seen, scratch);
      done++;
    }
  }
  return done;
}

function add_time(control: usize, profile: usize): void {
  const time = now();
  store<f64>(profile, load<f64>(profile) + time - load<f64>(control + CLOCK));
  store<f64>(control + CLOCK, time);
}

/** All tiles of a step are done, by the thread that calls this: nobody has one in hand, and nobody can take one. */
function open_next(control: usize, threads: i32, current: i32, profile: usize): void {
  if (profile != 0) add_time(control, profile);
  const next = current + 1;
  for (let i = 0; i < threads; i++) atomic.store<i64>(control + COUNTERS + (<usize>i << 6), <i64>next << 32);
  atomic.store<i32>(control, 0);
  atomic.store<i32>(control + OPEN, next);
  if (atomic.load<i32>(control + SLEEPERS) > 0) atomic.notify(control + OPEN, threads);
}

function wait_until_done(control: usize, current: i32): void {
  for (let spin = SPINS; spin > 0; spin--) {
    if (atomic.load<i32>(control + OPEN) != current) return;
  }
  atomic.add<i32>(control + SLEEPERS, 1);
  while (atomic.load<i32>(control + OPEN) == current) atomic.wait<i32>(control + OPEN, current, -1);
  atomic.sub<i32>(control + SLEEPERS, 1);
}
