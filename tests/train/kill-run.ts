/** `bneck train` as a process that is killed: the data, the command, the end it came to, and what the run left. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const repository = fileURLToPath(new URL('../..', import.meta.url));
const BNECK = join(repository, 'bin/bneck.js');
const HOOK = new URL('kill-hook.js', import.meta.url).href;

/** What kill-hook.js is told. */
export interface Hook {
  readonly run: string;
  /** The number of the call, from 1, in whose place the process is killed. */
  readonly killAt?: number;
  /** Milliseconds that each call takes longer. */
  readonly diskMs?: number;
  /** Whether a checkpoint is due after each update. */
  readonly fastClock?: boolean;
  /** After so many checkpoints the process waits for its end, which keeps it from finishing the run. */
  readonly mostSaves?: number;
}

export interface End {
  readonly signal: NodeJS.Signals | null;
  readonly code: number | null;
  /** All that it said. */
  readonly output: string;
  /** The calls, the last of which may not have been made. */
  readonly calls: readonly string[];
}

export interface Living {
  /** Calls up to now. */
  readonly calls: () => readonly string[];
  readonly kill: () => void;
  readonly isOver: () => boolean;
}

/** Some of the example's pictures: so many of each class to learn from, and to validate, if any. */
export function copyPictures(target: string, train: number, validation: number): void {
  for (const [part, count] of [
    ['train', train],
    ['val', validation],
  ] as const) {
    if (count === 0) continue;
    const source = join(repository, 'examples/fashion', part);
    for (const name of readdirSync(source)) {
      const folder = join(target, part, name);
      mkdirSync(folder, { recursive: true });
      const pictures = readdirSync(join(source, name)).sort().slice(0, count);
      for (const picture of pictures) copyFileSync(join(source, name, picture), join(folder, picture));
    }
  }
}

/**
 * Runs `bneck train`, to its end however it comes.
 * @param hook none for a plain process
 * @param watch called when it has started; may kill it
 */
export async function bneckTrain(
  args: readonly string[],
  hook: Hook | null,
  watch: (living: Living) => Promise<void> = async () => {},
): Promise<End> {
  // Beside the run's folder: which calls changed something in it.
  const trace = `${hook?.run}.trace`;
  const env = { ...process.env, KILL_HOOK: JSON.stringify({ ...hook, trace }) };
  rmSync(trace, { force: true });
  const calls = () => (existsSync(trace) ? readFileSync(trace, 'utf8').trimEnd().split('\n') : []);
  const imports = hook === null ? [] : ['--import', HOOK];
  const child = spawn(process.execPath, [...imports, BNECK, 'train', ...args], { env });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
  }
  let over = false;
  const end = new Promise<Pick<End, 'code' | 'signal'>>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      over = true;
      resolve({ code, signal });
    });
  });
  await watch({ calls, kill: () => child.kill('SIGKILL'), isOver: () => over });
  return { ...(await end), output, calls: calls() };
}

export function hasCheckpoint(run: string): boolean {
  return ['last.ckpt', 'last.ckpt.old'].some((name) => existsSync(join(run, name)));
}

/** The command that goes on with a run, or, where it was killed before its first checkpoint, starts it again. */
export function nextCommand(run: string, start: readonly string[]): readonly string[] {
  if (hasCheckpoint(run)) return ['--resume', run];
  rmSync(run, { recursive: true, force: true });
  return [...start, '--out', run];
}

/** The bits of all that a run leaves, and its metrics without the times. */
export function remains(run: string): Readonly<Record<string, string>> {
  const parts = readdirSync(join(run, 'last.ckpt')).filter((name) => name.endsWith('.safetensors'));
  const files = ['best.safetensors', ...parts.map((name) => join('last.ckpt', name))];
  const sums = files.map((name) => [
    name,
    createHash('sha256')
      .update(readFileSync(join(run, name)))
      .digest('hex'),
  ]);
  const lines = readFileSync(join(run, 'metrics.csv'), 'utf8').trimEnd().split('\n');
  const timed = /,images_per_second,seconds$/;
  if (!timed.test(lines[0] ?? '')) throw new Error(`metrics.csv has other columns: ${lines[0]}`);
  const metrics = lines.map((line) => line.split(',').slice(0, -2).join(',')).join('\n');
  return { ...Object.fromEntries(sums), metrics };
}
