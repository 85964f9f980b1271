/** One run, one process: the lock in a run's folder. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { runTraining } from '../../src/train/run-training.ts';
import { fakeData, fakeEngine } from './fake-session.ts';

const parent = mkdtempSync(join(tmpdir(), 'bneck-lock-'));
afterAll(() => rmSync(parent, { recursive: true, force: true }));

const COMMON = { width: 0.01, epochs: 2, batch: 6, seed: 5, resolution: 32, threads: 1 } as const;

/** A run that was stopped after its first update. */
async function stoppedRun(name: string): Promise<string> {
  const stop = new AbortController();
  const observer = { stepped: () => stop.abort() };
  const options = { data: fakeData(), ...COMMON, out: join(parent, name), signal: stop.signal, observer };
  const { run, status } = await runTraining(options, fakeEngine());
  expect(status).toBe('stopped');
  return run;
}

const resume = (run: string) => runTraining({ data: fakeData(), resume: run, threads: 1 }, fakeEngine());
const lockOf = (pid: number) => JSON.stringify({ pid, host: hostname(), token: 'another' });

test('a run has its lock while it trains, and none afterwards', async () => {
  const run = await stoppedRun('stopped');
  expect(existsSync(join(run, 'lock'))).toBe(false);
  const holders: number[] = [];
  const observer = { stepped: () => holders.push(JSON.parse(readFileSync(join(run, 'lock'), 'utf8')).pid) };
  await runTraining({ data: fakeData(), resume: run, threads: 1, observer }, fakeEngine());
  expect(new Set(holders)).toEqual(new Set([process.pid]));
  expect(existsSync(join(run, 'lock'))).toBe(false);
});

test('a run that another process trains is left alone', async () => {
  const run = await stoppedRun('held');
  const before = readFileSync(join(run, 'last.ckpt/state.json'), 'utf8');
  writeFileSync(join(run, 'lock'), lockOf(process.pid));
  await expect(resume(run)).rejects.toThrow(`${run} is being trained by process ${process.pid}. Wait until it is done`);
  expect(readFileSync(join(run, 'last.ckpt/state.json'), 'utf8')).toBe(before);
  expect(readFileSync(join(run, 'lock'), 'utf8')).toBe(lockOf(process.pid));
});

test('the lock of a process that is gone is taken over', async () => {
  const run = await stoppedRun('killed');
  writeFileSync(join(run, 'lock'), lockOf(spawnSync(process.execPath, ['--version']).pid));
  expect((await resume(run)).status).toBe('finished');
  expect(existsSync(join(run, 'lock'))).toBe(false);
});
