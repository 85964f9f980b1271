#!/usr/bin/env node
// The command line's entry. Everything is in dist/, which `npm ci` or `npm run build` makes.
import { existsSync } from 'node:fs';

const main = new URL('../dist/cli/main.js', import.meta.url);
if (existsSync(main)) {
  const { main: run } = await import(main.href);
  process.exitCode = await run(process.argv.slice(2));
} else {
  console.error('bneck: not built yet. Run `npm run build` in the folder of bneck, then try again.');
  process.exitCode = 1;
}
