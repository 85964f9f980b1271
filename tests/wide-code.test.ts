/**
 * What V8 made of the kernels for wide vectors. Where it does not see that two vectors belong together, the bits are the same and the loop takes a third longer,
 * so nothing else would tell (docs/kernels.md, Wide vectors).
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { compile, engineOptions } from '../scripts/compile.js';

const hasAvx2 = existsSync('/proc/cpuinfo') && /\bavx2\b/.test(readFileSync('/proc/cpuinfo', 'utf8'));
const able = process.arch === 'x64' && hasAvx2 && /^(13\.6|14\.6)\./.test(process.versions.v8);

const TWO_AND_TWO = /( vmulps [^\n]*\n[^\n]*){2}( vaddps [^\n]*\n[^\n]*){2}/g;

interface Arithmetic {
  /** instructions on 256 bits, on 128, and that take the upper half out of a vector */
  whole: number;
  half: number;
  cut: number;
  /** how often two products are followed by two sums, as the matrix tiles are written */
  turns: number;
  /** loads of a byte */
  bytes: number;
}

/** The machine code of each function, by its name in the kernels' source. */
function machineCode(module: Uint8Array): Map<string, Arithmetic> {
  const folder = mkdtempSync(join(tmpdir(), 'bneck-wide-'));
  try {
    const file = join(folder, 'kernels.wasm');
    writeFileSync(file, module);
    const flags = [
      '--experimental-wasm-revectorize',
      '--no-liftoff',
      '--no-wasm-lazy-compilation',
      '--single-threaded',
    ];
    const script = `new WebAssembly.Module(require('node:fs').readFileSync(${JSON.stringify(file)}))`;
    const options = { encoding: 'utf8', maxBuffer: 2 ** 28 } as const;
    const code = execFileSync(process.execPath, [...flags, '--print-wasm-code', '--eval', script], options);
    return new Map(
      code
        .split(/^name: /m)
        .slice(1)
        .map((text) => {
          const count = (pattern: RegExp) => text.match(pattern)?.length ?? 0;
          const [whole, half] = [/ v(?:mul|add|sub)ps ymm/g, / v(?:mul|add|sub)ps xmm/g].map(count) as [number, number];
          return [
            text.slice(0, text.search(/\s/)),
            { whole, half, cut: count(/ vextractf128 /g), turns: count(TWO_AND_TWO), bytes: count(/ movzxbl \w+,\[/g) },
          ];
        }),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test.skipIf(!able)('tiles and depthwise loops are of 256 bits throughout (Node 24 or 26, x64 with AVX2)', async () => {
  const module = await compile('kernels/interpreter.ts', [...engineOptions({ wide: true }), '--debug']);
  const functions = [...machineCode(module)].filter(([name]) =>
    /^(kernels\/((wide|narrow)-tile\/multiply_|strassen-tile\/sum_wide)|build\/wide\/(correlate\/correlate_n|depthwise-tile\/convolve_rows|depthwise-weight\/|strassen\/(sum|gate)_quarters))/.test(
      name,
    ),
  );
  expect(functions.length).toBeGreaterThanOrEqual(20);
  expect(functions.filter(([, { whole, half, cut }]) => whole < 8 || half > 0 || cut > 0)).toEqual([]);
  // five or four rows in each of 17 turns (16 in Strassen's products), or nine of a picture: scripts/compile.js kept the order
  const tiles = functions.filter(([name]) => /multiply_wide_tiles|sum_wide_tiles/.test(name));
  expect(tiles.map(([, { turns }]) => turns).sort()).toEqual([36, 45, 64, 68, 68, 68, 68, 80, 85, 85, 85]);
  // all but the two of a picture read ahead (Strassen's two the next tile's rows): V8 leaves loads in, though nothing uses what they load
  expect(tiles.map(([, { bytes }]) => bytes).sort()).toEqual([0, 0, 2, 2, 2, 2, 2, 2, 2, 2, 2]);
});
