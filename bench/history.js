/**
 * The record of measurements: one JSON object a line, appended, never rewritten. Each line says when,
 * on which commit, Node and processor it was taken, since a number without them compares to nothing.
 */
import { execFileSync } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** The commit, with `-dirty` where tracked files differ from it; null outside a checkout. */
function commit() {
  const git = (/** @type {string[]} */ args) =>
    execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    const changed = git(['status', '--porcelain', '--untracked-files=no', '--', ':!*.ndjson']) !== '';
    return git(['rev-parse', '--short=12', 'HEAD']) + (changed ? '-dirty' : '');
  } catch {
    return null;
  }
}

/** What every measurement depends on. */
export function circumstances() {
  return {
    date: new Date().toISOString(),
    commit: commit(),
    node: process.version,
    nodeFlags: process.execArgv,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    /** Programs that wanted to run in the minute before; 0 on a quiet machine, and always on Windows. */
    loadBefore: loadavg()[0] ?? 0,
  };
}

/**
 * Appends a line.
 * @param {string} path of the history, from the repository's root
 * @param {Record<string, unknown>} entry
 */
export function appendHistory(path, entry) {
  appendFileSync(new URL(`../${path}`, import.meta.url), `${JSON.stringify(entry)}\n`);
}
