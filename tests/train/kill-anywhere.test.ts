/**
 * A run that is killed (SIGKILL) at random moments and resumed each time, as a user would do it, ends in
 * the bits of one that nobody disturbed. Its checkpoints are due after each update and its disk is slow,
 * so that many kills fall into the writing of one.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { RandomStream } from '../../src/base/random.ts';
import { loadCheckpoint } from '../../src/train/checkpoint.node.ts';
import { isOver } from '../../src/train/training-state.ts';
import { bneckTrain, copyPictures, type End, hasCheckpoint, type Living, nextCommand, remains } from './kill-run.ts';

const folder = mkdtempSync(join(tmpdir(), 'bneck-kill-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const KILLS = 24;
const MOST_SAVES = 4;
/** An end by patience comes after 18 epochs of 7 updates or later: more than so many kills let pass. */
const RECIPE =
  '--width 0.1 --resolution 32 --batch 8 --accumulate 2 --epochs 24 --patience 18 --seed 7 --optimizer adamw ' +
  '--clip-norm 2 --warmup 1 --ema 0.9 --mixup 0.3 --cutmix 1 --augment strong --balanced-sampling';

/** When to kill: at any time, from the process's first moment on; while it trains; while it saves. */
const MOMENTS = ['any', 'training', 'saving', 'training'] as const;

async function waitFor(living: Living, condition: () => boolean): Promise<void> {
  while (!living.isOver() && !condition()) await sleep(2);
}

/** Waits for the moment, and kills. */
async function killAt(moment: (typeof MOMENTS)[number], living: Living, random: RandomStream): Promise<void> {
  const saves = () => living.calls().filter((call) => call === 'mkdir last.ckpt.new').length;
  if (moment === 'any') await sleep(500 * random.uniform());
  else if (moment === 'training') {
    await waitFor(living, () => saves() > 0);
    await sleep(300 * random.uniform());
  } else {
    const wanted = 1 + Math.floor(3 * random.uniform());
    await waitFor(living, () => saves() >= wanted);
    await sleep(40 * random.uniform());
  }
  living.kill();
}

/** Whether a process ended between the beginning of a checkpoint's writing and its being in place. */
function endedInSave(run: string, { calls }: End): boolean {
  const left = existsSync(join(run, 'last.ckpt.new')) || !existsSync(join(run, 'last.ckpt'));
  return left && calls.includes('mkdir last.ckpt.new');
}

test('killed at 24 random moments and resumed each time, a run ends in the bits of one that was not', async () => {
  const data = join(folder, 'data');
  copyPictures(data, 12, 4);
  const start = [data, ...RECIPE.split(' ')];
  const whole = await bneckTrain([...start, '--threads', '1', '--out', join(folder, 'whole')], null);
  expect(whole, whole.output).toMatchObject({ code: 0 });

  const run = join(folder, 'parts');
  const random = new RandomStream(11, 'order', 0);
  const hook = { run, diskMs: 1, fastClock: true, mostSaves: MOST_SAVES };
  let [inSave, inEpoch, steps] = [0, 0, 0];
  for (let kill = 0; kill < KILLS; kill++) {
    const moment = MOMENTS[kill % MOMENTS.length] ?? 'any';
    const command = [...nextCommand(run, start), '--threads', `${1 + (kill % 2)}`];
    const end = await bneckTrain(command, hook, (living) => killAt(moment, living, random));
    expect(end, `kill ${kill + 1}, ${moment}: ${end.output}`).toMatchObject({ signal: 'SIGKILL', code: null });
    if (!hasCheckpoint(run)) continue;
    const { record, damage } = await loadCheckpoint(run);
    expect(damage).toBeUndefined();
    expect(isOver(record.state, record.recipe), 'the run was to be killed before its end').toBe(false);
    expect(record.state.steps).toBeGreaterThanOrEqual(steps);
    steps = record.state.steps;
    if (endedInSave(run, end)) inSave += 1;
    if (record.state.stepInEpoch > 0) inEpoch += 1;
  }
  expect(inSave).toBeGreaterThanOrEqual(5);
  expect(inEpoch).toBeGreaterThanOrEqual(5);

  const last = await bneckTrain(['--resume', run], null);
  expect(last, last.output).toMatchObject({ code: 0 });
  expect(remains(run)).toEqual(remains(join(folder, 'whole')));
}, 900_000);
