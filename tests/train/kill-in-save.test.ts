/**
 * A run that is killed (SIGKILL) at every single place of what it writes: in place of each call that opens,
 * writes, syncs, renames or removes something of its checkpoint, its best model and its books; and in its first moments
 * and its last, where there is no checkpoint yet, or none will be needed.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadCheckpoint } from '../../src/train/checkpoint.node.ts';
import { bneckTrain, copyPictures, type End, hasCheckpoint, nextCommand, remains } from './kill-run.ts';

const folder = mkdtempSync(join(tmpdir(), 'bneck-kill-in-save-'));
const data = join(folder, 'data');
const whole = join(folder, 'whole');
/** Without validation each epoch's model is the best: all epochs write the same files. */
const RECIPE = '--width 0.1 --resolution 32 --batch 8 --epochs 12 --val 0 --ema 0.8 --mixup 0.2 --threads 1';
const START = [data, ...RECIPE.split(' ')];
const EPOCHS = 12;
/** The calls of a run that was left alone, in order. */
let calls: readonly string[] = [];

beforeAll(async () => {
  copyPictures(data, 2, 0);
  const end = await bneckTrain([...START, '--out', whole], { run: whole });
  expect(end, end.output).toMatchObject({ code: 0 });
  calls = end.calls;
}, 300_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Of a weight, as a bad disk might. */
function flipBit(path: string): void {
  const bytes = readFileSync(path);
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
  writeFileSync(path, bytes);
}

function expectKilled(end: End, call: string | undefined): void {
  expect(end, end.output).toMatchObject({ signal: 'SIGKILL', code: null });
  expect(end.calls.at(-1)).toBe(call);
}

/** The calls of one epoch that is neither the first nor the last. */
function callsOfEpoch(): readonly string[] {
  const places = calls.flatMap((call, at) => (call === 'rename last.ckpt' ? [at + 2] : []));
  expect(places.length).toBe(EPOCHS + 1);
  const [cycle, next] = [calls.slice(places[2], places[3]), calls.slice(places[3], places[4])];
  expect(cycle).toEqual(next);
  return cycle;
}

test.concurrent('killed in place of each call that an epoch makes and resumed, a run ends in the same bits', async () => {
  const cycle = callsOfEpoch();
  const saving = cycle.slice(cycle.indexOf('mkdir last.ckpt.new'));
  // All but the first of these kills fall into the writing of a checkpoint.
  expect(saving.length).toBeGreaterThan(20);
  for (const part of ['weights.safetensors', 'optimizer.safetensors', 'average.safetensors', 'state.json']) {
    expect(saving.filter((call) => call === `rename last.ckpt.new/${part}`)).toHaveLength(1);
  }
  for (const [call, least] of Object.entries({ open: 4, write: 4, sync: 8, rename: 5, rm: 1 })) {
    expect(saving.filter((made) => made.startsWith(`${call} `)).length, call).toBeGreaterThanOrEqual(least);
  }
  const run = join(folder, 'parts');
  await bneckTrain([...START, '--out', run], { run, mostSaves: 2 }, async (living) => {
    const isHeld = () => living.calls().filter((call) => call === 'mkdir last.ckpt.new').length > 2;
    while (!living.isOver() && !isHeld()) await new Promise((resolve) => setTimeout(resolve, 5));
    living.kill();
  });
  for (const [place, call] of cycle.entries()) {
    // Where last.ckpt was moved away already, the three calls that do it are not made again.
    const saved = existsSync(join(run, 'last.ckpt')) ? 0 : 3;
    const end = await bneckTrain(['--resume', run], { run, killAt: place + 1 - saved });
    expectKilled(end, call);
    const { record, damage } = await loadCheckpoint(run);
    expect(damage).toBeUndefined();
    expect(record.state.epoch).toBeLessThan(EPOCHS);
  }
  flipBit(join(run, 'last.ckpt/weights.safetensors'));
  const last = await bneckTrain(['--resume', run], null);
  expect(last, last.output).toMatchObject({ code: 0 });
  expect(last.output).toMatch(
    /^The last checkpoint is damaged \(.*weights\.safetensors: .*\); going on from the one before/m,
  );
  expect(remains(run)).toEqual(remains(whole));
}, 900_000);

test.concurrent('killed before its first checkpoint, a run says so, and the same command ends in the same bits', async () => {
  const first = calls.indexOf('rename last.ckpt');
  expect(calls.slice(0, first)).toContain('rename config.json');
  const run = join(folder, 'early');
  const places = Array.from({ length: first + 1 }, (_, place) => place).filter((place) => place % 6 === 1);
  for (const place of [...places, first]) {
    rmSync(run, { recursive: true, force: true });
    const command = nextCommand(run, START);
    expectKilled(await bneckTrain(command, { run, killAt: place + 1 }), calls[place]);
    expect(hasCheckpoint(run)).toBe(false);
  }
  const refused = await bneckTrain(['--resume', run], null);
  expect(refused.code).toBe(1);
  expect(refused.output).toMatch(
    /the run ended before its first\. Nothing is lost; delete the folder and start again\./,
  );
  const last = await bneckTrain(nextCommand(run, START), null);
  expect(last, last.output).toMatchObject({ code: 0 });
  expect(remains(run)).toEqual(remains(whole));
}, 900_000);

test.concurrent('killed when its last checkpoint is in place, a run has all that it leaves', async () => {
  const place = calls.lastIndexOf('rename last.ckpt') + 1;
  const run = join(folder, 'late');
  expectKilled(await bneckTrain([...START, '--out', run], { run, killAt: place + 1 }), calls[place]);
  expect(remains(run)).toEqual(remains(whole));
  const refused = await bneckTrain(['--resume', run], null);
  expect(refused.output).toMatch(/this run is finished, all its 12 epochs are done/);
  expect(existsSync(join(run, 'config.json'))).toBe(true);
  expect(readFileSync(join(run, 'metrics.csv'), 'utf8').trimEnd().split('\n')).toHaveLength(EPOCHS + 1);
}, 300_000);
