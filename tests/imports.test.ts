/**
 * What `import 'bneck'` loads at once, by walking the built package's static imports. Decoders, downloads,
 * other formats and training wait until they are asked for: a program that only predicts starts without them.
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { build, type Metafile } from 'esbuild';
import { beforeAll, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Files of the package and names of packages that a file's static imports reach. */
function reached(inputs: Metafile['inputs'], entry: string): { files: string[]; packages: string[] } {
  const files = new Set([entry]);
  const packages = new Set<string>();
  for (const file of files) {
    for (const { path, kind, external } of inputs[file]?.imports ?? []) {
      if (kind !== 'import-statement') continue;
      if (!external) files.add(path);
      else if (!path.startsWith('node:')) packages.add(path);
    }
  }
  return { files: [...files], packages: [...packages] };
}

let inputs: Metafile['inputs'];
beforeAll(async () => {
  const { metafile } = await build({
    entryPoints: ['dist/index.js', 'dist/index.browser.js'],
    absWorkingDir: ROOT,
    outdir: 'build/imports',
    bundle: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    metafile: true,
    write: false,
  });
  inputs = metafile.inputs;
});

test('the walk sees what is there', () => {
  expect(reached(inputs, 'dist/train/checkpoint-record.js').packages).toEqual(['zod']);
  expect(Object.keys(inputs)).toContain('dist/train/run-training.js');
});

test.each(['dist/index.js', 'dist/index.browser.js'])('%s loads no package', (entry) => {
  expect(reached(inputs, entry).packages).toEqual([]);
});

test('it loads neither training nor downloads nor what reads the files of others', () => {
  const { files } = reached(inputs, 'dist/index.js');
  expect(files).toContain('dist/model/model.js');
  expect(files.filter((file) => /train\/(?!train\.js)|pretrained|pytorch/.test(file))).toEqual([]);
});

// With every function compiled at once this takes long enough that Node 24 and 26, were it WebAssembly.compile, would end before it.
test.each([0, 2])('a program given as text, that waits for nothing else, with %d threads', (threads) => {
  const program = `
    import { Model, mobilenetV3 } from ${JSON.stringify(new URL('../dist/index.js', import.meta.url).href)};
    const model = Model.create(mobilenetV3('small', { classes: 7 }), { threads: ${threads} });
    const { data } = await model.forward({ shape: [1, 3, 32, 32], data: new Float32Array(3 * 32 * 32) });
    process.stdout.write(String(data.length));`;
  const parameters = ['--no-wasm-lazy-compilation', '--input-type=module', '--eval', program];
  expect(execFileSync(process.execPath, parameters, { encoding: 'utf8' })).toBe('7');
});
