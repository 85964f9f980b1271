/** What is measured of a program that runs again and again, inference or training, and how. */
import { RandomStream } from '../../base/random.ts';
import type { StateDict } from '../../base/tensor.ts';
import type { Preprocessing } from '../../data/preprocess.ts';
import type { Architecture } from '../../models/architecture.ts';
import type { LoadedProgram } from '../../runtime/engine.ts';
import { type Cost, stepCosts } from './step-costs.ts';
import { summarizeTimes, type Times, timeCalls } from './times.ts';

/** A network with weights, at a resolution. */
export interface Subject {
  readonly architecture: Architecture;
  readonly weights: StateDict;
  readonly preprocessing: Preprocessing;
}

export interface Amount {
  /** Pictures a call. */
  readonly batch: number;
  readonly threads: number;
  /** Of measuring, after the warm-up. */
  readonly seconds: number;
}

export interface Measurement {
  readonly threads: number;
  /** From nothing to a first answer: threads started, program planned, weights packed, run once. */
  readonly startMs: number;
  readonly latencyMs: Times;
  readonly imagesPerSecond: number;
  /** Memory of the engine, in bytes. */
  readonly engineBytes: number;
  /** Of one call, in the order of the program. */
  readonly costs: readonly Cost[];
}

/** Something that has made its first call. */
export interface Running {
  readonly call: () => Promise<unknown>;
  /** What a call runs. */
  readonly program: LoadedProgram;
  readonly startMs: number;
  readonly engineBytes: number;
}

/** Profiled calls, after the timed ones, take this share of the time. */
const PROFILED_SHARE = 0.3;
const LEAST_PROFILED_CALLS = 3;

export async function measure(running: Running, { batch, threads, seconds }: Amount): Promise<Measurement> {
  const { call, program, startMs, engineBytes } = running;
  const times = await timeCalls(call, seconds);
  const latencyMs = summarizeTimes(times);
  const imagesPerSecond = (1000 * batch * times.length) / times.reduce((sum, time) => sum + time, 0);
  program.startProfile();
  const calls = Math.max(LEAST_PROFILED_CALLS, Math.round((PROFILED_SHARE * 1000 * seconds) / latencyMs.p50));
  for (let made = 0; made < calls; made++) await call();
  return { threads, startMs, latencyMs, imagesPerSecond, engineBytes, costs: stepCosts(program, calls) };
}

/** Random bytes, [batch, resolution, resolution, 3]: the time does not depend on what pictures show. */
export function randomPictures(batch: number, resolution: number): Uint8Array {
  const stream = new RandomStream(1, 'augment');
  return Uint8Array.from({ length: batch * resolution * resolution * 3 }, () => stream.integer(256));
}
