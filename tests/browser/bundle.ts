/**
 * The page's part of bneck, bundled as an application would: what `import { Model } from 'bneck'` brings,
 * its workers, and both builds of the kernels. Workers and kernels are found by `new URL('./…', import.meta.url)`;
 * esbuild leaves those as they are, so all scripts go side by side into one folder, the kernels to ../../wasm.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Scripts of the built package that run as workers. */
const WORKERS = ['dist/model/model-worker.browser.js', 'dist/runtime/worker.browser.js'];
const KERNELS = ['wasm/kernels-inference-shared.wasm', 'wasm/kernels-inference-single.wasm'];
/** Where scripts stand within the bundle's folder. */
export const SCRIPT_FOLDER = 'assets/js';

export interface Part {
  readonly name: string;
  readonly bytes: number;
  readonly gzippedBytes: number;
  /** Files of the package in it, from the package's root. */
  readonly files: readonly string[];
}

async function bundleScript(stdin: string, name: string, folder: string): Promise<Part> {
  const { metafile } = await build({
    stdin: { contents: stdin, resolveDir: ROOT, sourcefile: name },
    outfile: join(folder, SCRIPT_FOLDER, name),
    absWorkingDir: ROOT,
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    metafile: true,
    logLevel: 'silent',
  });
  const files = Object.keys(metafile.inputs).filter((file) => file !== `<stdin>` && !file.endsWith(name));
  return part(join(folder, SCRIPT_FOLDER, name), files);
}

async function part(file: string, files: readonly string[]): Promise<Part> {
  const bytes = await readFile(file);
  return { name: basename(file), bytes: bytes.length, gzippedBytes: gzipSync(bytes, { level: 9 }).length, files };
}

/**
 * Writes the bundle into a folder.
 * @param page the application's script; it imports 'bneck'
 */
export async function bundle(page: string, folder: string): Promise<Part[]> {
  const parts = [await bundleScript(page, 'page.js', folder)];
  for (const worker of WORKERS) parts.push(await bundleScript(`import './${worker}';`, basename(worker), folder));
  for (const file of KERNELS) {
    const copy = join(folder, file);
    await mkdir(dirname(copy), { recursive: true });
    await writeFile(copy, await readFile(join(ROOT, file)));
    parts.push(await part(copy, []));
  }
  return parts;
}
