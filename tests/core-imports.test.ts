/**
 * What a browser bundle reaches imports no package and nothing of Node's. The rule is asserted for every file
 * of src/, and what a bundle of `Model` would have to replace is listed here file by file.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const SOURCE = fileURLToPath(new URL('../src/', import.meta.url));

/** Files that may import packages and Node's modules. */
const OUTER: readonly RegExp[] = [
  /\.node\.(ts|js)$/, // the Node side of a module
  /^cli\//, // the command line runs in Node alone
  /^train\/(checkpoint-record|recipe-schema)\.ts$/, // check the JSON of a checkpoint with zod; training reads and writes files
];

/** The files that `Model` reaches and that a browser needs others for, each with what it does. */
const REPLACED: Readonly<Record<string, string>> = {
  'base/cache-folder.node.ts': 'names the folder for what can be fetched again',
  'base/file-lock.node.ts': 'lets one process download, or train a run',
  'base/write-file.node.ts': 'saves a file whole or not at all',
  'data/decode.node.ts': 'decodes picture files, with sharp',
  'model/http-get.node.ts': 'one HTTP request',
  'model/pretrained-download.node.ts': 'downloads published weights',
  'model/pretrained.node.ts': 'keeps published weights in a folder',
  'model/read-model-file.node.ts': 'reads a model from a path',
  'runtime/machine.node.ts': 'counts cores',
  'runtime/thread-pool.node.ts': 'starts threads and loads the kernels',
  'runtime/wide-vectors.node.ts': 'asks V8 for 256-bit vectors',
  'runtime/worker.node.js': 'is one thread',
};

/** Modules that the build writes. */
const WRITTEN = ['../wasm/resample.js'];

const files = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
  .map((name) => name.replaceAll('\\', '/'))
  .filter((name) => /\.(ts|js)$/.test(name) && !name.endsWith('.test.ts'));

const STATEMENT = /^[ \t]*(?:import|export)\s+(type\s)?(?:[^;'"]*?\sfrom\s*)?['"]([^'"]+)['"]/gm;
const CALL = /\b(?:import|require|createRequire)\s*\(\s*(?:['"]([^'"]*)['"])?/g;
const WORKER = /new URL\(\s*'(\.[^']+\.js)'/g;

interface Imports {
  /** Modules as they are named, those of types too. */
  readonly all: readonly string[];
  /** Those that are there when the file runs. */
  readonly loaded: readonly string[];
}

function importsOf(code: string): Imports {
  const statements = [...code.matchAll(STATEMENT)];
  const calls = [...code.matchAll(CALL)].map(([, name]) => name ?? '(computed)');
  const named = (kept: typeof statements) => [...kept.map(([, , name]) => name as string), ...calls];
  return { all: named(statements), loaded: named(statements.filter(([, type]) => type === undefined)) };
}

const read = (file: string): string => readFileSync(join(SOURCE, file), 'utf8');
const isRelative = (name: string): boolean => /^\.\.?\//.test(name);

/** A file and everything that is loaded with it, threads included. */
function reachedFrom(start: string): string[] {
  const reached = new Set([start]);
  for (const file of reached) {
    const code = read(file);
    const threads = [...code.matchAll(WORKER)].map(([, name]) => name as string);
    for (const name of [...importsOf(code).loaded, ...threads].filter(isRelative)) {
      reached.add(relative(SOURCE, join(SOURCE, dirname(file), name)).replaceAll('\\', '/'));
    }
  }
  return [...reached].toSorted();
}

test('imports of every form are seen', () => {
  const code = `
import { a } from 'one';
import type { b } from "two";
export * from './three.ts';
import 'four';
import {
  c,
} from 'five';
const d = await import('six'), e = require("seven"), f = import(name);
const text = "take it from 'eight'"; // import nothing
`;
  const { all, loaded } = importsOf(code);
  expect(all).toEqual(['one', 'two', './three.ts', 'four', 'five', 'six', 'seven', '(computed)']);
  expect(loaded).toEqual(all.filter((name) => name !== 'two'));
});

test('the core imports its own files alone', () => {
  expect(files.length).toBeGreaterThan(150);
  const core = files.filter((file) => !OUTER.some((pattern) => pattern.test(file)));
  const outside = core.flatMap((file) =>
    importsOf(read(file))
      .all.filter((name) => !isRelative(name))
      .map((name) => `${file} imports ${name}`),
  );
  expect(outside).toEqual([]);
});

test('what Model reaches: the core, and the files of Node that are listed here', () => {
  const reached = reachedFrom('model/model.ts');
  expect(reached.filter((file) => !files.includes(file))).toEqual(WRITTEN);
  expect(reached).toContain('runtime/engine.ts');
  expect(reached.filter((file) => OUTER.some((pattern) => pattern.test(file)))).toEqual(Object.keys(REPLACED));
  const outside = reached.flatMap((file) => importsOf(read(file)).loaded).filter((name) => !isRelative(name));
  expect([...new Set(outside)].filter((name) => !name.startsWith('node:'))).toEqual(['sharp']);
});
