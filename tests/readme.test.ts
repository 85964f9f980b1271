/** The README's example runs as it stands, but for the run's folder, which goes to a temporary one. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

test('the example in README.md runs', async () => {
  const readme = await readFile(join(root, 'README.md'), 'utf8');
  const code = /```js\n([\s\S]*?)```/.exec(readme)?.[1];
  expect(code).toBeDefined();
  const folder = await mkdtemp(join(tmpdir(), 'bneck-readme-'));
  // The file stands in the package, so that `bneck` resolves to it.
  const file = join(root, 'build', `readme-example-${process.pid}.mjs`);
  try {
    await writeFile(file, (code as string).replace("'runs/readme'", JSON.stringify(join(folder, 'run'))));
    const { stdout } = await promisify(execFile)(process.execPath, [file], { cwd: root });
    expect(stdout).toMatch(/^0\.\d+/);
    expect(stdout).toMatch(/label: '[a-z-]+', index: \d, probability: [\d.e-]+/);
    expect(stdout).toContain('[ 1, 10 ] Float32Array(10)');
  } finally {
    await rm(file, { force: true });
    await rm(folder, { recursive: true, force: true });
  }
}, 180_000);
