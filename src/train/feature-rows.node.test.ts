import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { featureRows } from './feature-rows.node.ts';

const folder = mkdtempSync(join(tmpdir(), 'bneck-rows-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const row = (index: number) => Float32Array.from({ length: 3 }, (_, at) => index + at / 8);

test.each([
  ['memory', 60],
  ['a file', 59],
])('rows in %s come back as they were, in any order, and leave nothing', async (where, limitBytes) => {
  const rows = await featureRows(folder, limitBytes)(5, 3);
  await rows.append(Float32Array.from([...row(0), ...row(1), ...row(2)]));
  await rows.append(Float32Array.from([...row(3), ...row(4)]));
  expect(readdirSync(folder)).toHaveLength(where === 'memory' ? 0 : 1);
  const target = new Float32Array(7).fill(-1);
  for (const index of [4, 0, 3, 3, 1, 2]) {
    await rows.read(index, target.subarray(2, 5));
    expect([...target]).toEqual([-1, -1, ...row(index), -1, -1]);
  }
  await rows.close();
  expect(readdirSync(folder)).toEqual([]);
});

test('a folder that is gone is an error that says so', async () => {
  const gone = join(folder, 'gone');
  await expect(featureRows(gone, 0)(1, 1)).rejects.toThrow(/cannot be written/);
  expect(existsSync(gone)).toBe(false);
});
