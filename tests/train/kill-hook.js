/**
 * Loaded into `bneck` by `node --import`, for the tests that kill it. It sees every call that changes the
 * run's folder before it is made (open, write, sync, rename, mkdir, rm), writes it to a trace, and, as
 * KILL_HOOK says (see kill-run.ts), kills the process in place of the n-th, slows the disk down, or lets
 * the clock run, so that a checkpoint is due after each update. Whatever it does is nothing that a user's
 * machine could not do to a run: it changes no data and no order.
 */
import { appendFileSync } from 'node:fs';
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { relative } from 'node:path';
import { isMainThread } from 'node:worker_threads';

/** @type {import('./kill-run.ts').Hook & { trace: string }} */
const hook = JSON.parse(process.env.KILL_HOOK ?? '');
const real = { open: fs.open, mkdir: fs.mkdir, rename: fs.rename, rm: fs.rm };
let calls = 0;
let saves = 0;

/**
 * Where in the run's folder; null for outside of it, and for the lock: whoever finds that of a killed process makes
 * other calls than one that finds none. @param {unknown} path
 */
function placeOf(path) {
  const place = relative(hook.run, String(path));
  return place.startsWith('..') || /^lock\b/.test(place)
    ? null
    : place.replace(/\.bneck-[0-9a-f-]+\.tmp/, 'TEMPORARY') || '.';
}

/**
 * Before a call. @param {string} call @param {unknown} path
 * @param {() => Promise<unknown>} [beforeEnd] what is still done of the call that the process does not live to see
 */
async function reached(call, path, beforeEnd) {
  const place = placeOf(path);
  if (place === null) return;
  calls += 1;
  appendFileSync(hook.trace, `${call} ${place}\n`);
  if (calls === hook.killAt) {
    await beforeEnd?.();
    process.kill(process.pid, 'SIGKILL');
  }
  if (call === 'mkdir' && place === 'last.ckpt.new') {
    saves += 1;
    if (saves > (hook.mostSaves ?? Number.POSITIVE_INFINITY)) await new Promise(() => setInterval(() => {}, 1000));
  }
  if (hook.diskMs) await new Promise((resolve) => setTimeout(resolve, hook.diskMs));
}

/** A handle whose writes and syncs are seen. A write is two, so that it can end in the middle. @param {fs.FileHandle} handle @param {unknown} path */
function watched(handle, path) {
  const { writeFile, sync } = handle;
  handle.writeFile = async (data) => {
    const bytes = typeof data === 'string' ? Buffer.from(data) : /** @type {Uint8Array} */ (data);
    const half = bytes.length >> 1;
    await reached('write', path, () => writeFile.call(handle, bytes.subarray(0, half)));
    await writeFile.call(handle, bytes.subarray(0, half));
    if (hook.diskMs) await new Promise((resolve) => setTimeout(resolve, hook.diskMs));
    await writeFile.call(handle, bytes.subarray(half));
  };
  handle.sync = async () => {
    await reached('sync', path);
    await sync.call(handle);
  };
  return handle;
}

if (isMainThread) {
  Object.assign(fs, {
    /** @type {typeof fs.open} */
    open: async (path, flags, mode) => {
      if (flags !== 'r') await reached('open', path);
      const handle = await real.open(path, flags, mode);
      return placeOf(path) === null ? handle : watched(handle, path);
    },
    /** @type {(path: string) => Promise<unknown>} */
    mkdir: async (path, /** @type {object[]} */ ...rest) => {
      await reached('mkdir', path);
      return real.mkdir(path, ...rest);
    },
    /** @type {typeof fs.rename} */
    rename: async (from, to) => {
      await reached('rename', to);
      await real.rename(from, to);
    },
    /** @type {typeof fs.rm} */
    rm: async (path, options) => {
      await reached('rm', path);
      await real.rm(path, options);
    },
  });
  syncBuiltinESMExports();
  if (hook.fastClock) {
    const now = performance.now.bind(performance);
    performance.now = () => 1e6 * now();
  }
}
