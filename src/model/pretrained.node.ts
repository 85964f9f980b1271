/**
 * Pretrained weights by name: looks in the cache folder, and downloads what isn't there. A file that is
 * returned has the SHA-256 that its name promises, now, not only when it came. Several processes may ask
 * for the same weights: one downloads, the others wait (`file-lock.node.ts`). A file comes into its
 * place whole or not at all, and one that was put there by hand is as good as a downloaded one.
 */
import { open, rename, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { defaultCacheFolder } from '../base/cache-folder.node.ts';
import { BneckError } from '../base/errors.ts';
import { withFileLock } from '../base/file-lock.node.ts';
import { createFolder } from '../base/write-file.node.ts';
import type { Family } from '../models/architecture.ts';
import { type DownloadProgress, download, sha256OfFile } from './pretrained-download.node.ts';
import { OFFICIAL_ADDRESS, type PretrainedWeights, resolvePretrained } from './pretrained-weights.ts';

export interface FetchProgress extends DownloadProgress {
  /** `waiting`: another process is downloading the same file. */
  readonly phase: 'waiting' | 'downloading';
  readonly file: string;
}

export interface FetchOptions {
  readonly onProgress?: (progress: FetchProgress) => void;
  readonly signal?: AbortSignal;
  /** Default: `bneck` in $XDG_CACHE_HOME, or in ~/.cache. */
  readonly cacheFolder?: string;
  /** Of a mirror: the folder that has the files, http or https. Default: $BNECK_WEIGHTS_URL, or PyTorch's. */
  readonly baseUrl?: string;
  /** Time without a byte after which a connection is made anew. Default 30,000. */
  readonly stallTimeoutMs?: number;
  /** Before the second attempt, doubling. Default 1,000. */
  readonly retryDelayMs?: number;
}

export interface FetchPretrainedOptions extends FetchOptions {
  /** The network that the weights are for, which `imagenet` needs. */
  readonly family?: Family;
}

/** Published sizes are rounded, and a mirror's file is the same file. */
const SIZE_TOLERANCE = 1.01;

function addressOf({ file }: PretrainedWeights, baseUrl: string | undefined): URL {
  const base = baseUrl ?? (process.env.BNECK_WEIGHTS_URL || OFFICIAL_ADDRESS);
  let folder: URL;
  try {
    folder = new URL(base);
  } catch (cause) {
    throw new BneckError('option', `BNECK_WEIGHTS_URL ${JSON.stringify(base)} is not an address. Give http(s)://...`, {
      cause,
    });
  }
  if (!/^https?:$/.test(folder.protocol) || folder.username !== '' || folder.password !== '') {
    throw new BneckError('option', 'The address of weights must begin with http:// or https:// and hold no password.');
  }
  folder.pathname = `${folder.pathname.replace(/\/$/, '')}/${file}`;
  return folder;
}

/** Whether the file is there and is what it should be. Null: there is none. */
async function isSound(path: string, { sha256Prefix }: PretrainedWeights, limitBytes: number): Promise<boolean | null> {
  const found = await stat(path).catch(() => null);
  if (found === null) return null;
  if (!found.isFile()) {
    throw new BneckError('file', `${path} is in the way: it is not a file. Remove it, or choose another cache folder.`);
  }
  if (found.size > limitBytes) return false;
  try {
    return (await sha256OfFile(path)).startsWith(sha256Prefix);
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
    throw new BneckError('file', `${path} cannot be read (${code}). Change its permissions, or remove it.`, { cause });
  }
}

/** Renames the part, which is synced already, and makes the rename last where the system can. */
async function place(part: string, path: string): Promise<void> {
  try {
    await rename(part, path);
    const folder = await open(dirname(path), 'r').catch(() => null); // Windows does not open folders
    await folder?.sync().catch(() => {});
    await folder?.close();
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
    throw new BneckError('file', `${path} could not be put in its place (${code}). Choose another cache folder.`, {
      cause,
    });
  }
}

/** Adds what can be done without this download: every failure here may come from having no network. */
function withRemedy(error: unknown, { file }: PretrainedWeights, url: URL, path: string, damaged: boolean): unknown {
  if (!(error instanceof BneckError) || !error.message.startsWith(String(url))) return error;
  const reason = error.message.slice(String(url).length).replace(/^: /, '');
  const there = damaged ? ` (the file that lies there is damaged or another one)` : '';
  const remedy = `Download ${url} in another way and put it at ${path}${there}, or set BNECK_WEIGHTS_URL to a mirror.`;
  return new BneckError('file', `The weights ${file} could not be downloaded: ${reason}. ${remedy}`, { cause: error });
}

/**
 * The path of a published file: from the cache, or downloaded into it.
 * @throws as `fetchPretrained`
 */
export async function fetchWeights(weights: PretrainedWeights, options: FetchOptions = {}): Promise<string> {
  const { signal, stallTimeoutMs = 30_000, retryDelayMs = 1000 } = options;
  signal?.throwIfAborted();
  const folder = options.cacheFolder ?? defaultCacheFolder();
  const path = join(folder, weights.file);
  const limitBytes = Math.ceil(weights.mebibytes * 2 ** 20 * SIZE_TOLERANCE);
  if (await isSound(path, weights, limitBytes)) return path;
  const url = addressOf(weights, options.baseUrl);
  await createFolder(folder);
  const report = (phase: FetchProgress['phase'], progress: DownloadProgress): void =>
    options.onProgress?.({ phase, file: weights.file, ...progress });
  const fetchOnce = async (): Promise<string> => {
    const sound = await isSound(path, weights, limitBytes);
    if (sound) return path; // another process has brought it meanwhile
    const partPath = `${path}.part`;
    const onProgress = (progress: DownloadProgress): void => report('downloading', progress);
    const { sha256Prefix } = weights;
    try {
      await download({ url, partPath, limitBytes, sha256Prefix, onProgress, signal, stallTimeoutMs, retryDelayMs });
    } catch (error) {
      throw withRemedy(error, weights, url, path, sound === false);
    }
    await place(partPath, path);
    return path;
  };
  const onWait = (): void => report('waiting', { receivedBytes: 0, totalBytes: null });
  return await withFileLock(`${path}.lock`, fetchOnce, { signal, onWait });
}

/**
 * The path of pretrained weights, from the cache or downloaded into it. An interrupted download goes on
 * where it stopped, also in another process.
 * @param name `imagenet`, `imagenet-v1`, `mobilenet_v3_large`, `mobilenet_v2-v1`, ... (`PRETRAINED_NAMES`)
 * @returns the path of a `.pth` file whose SHA-256 is the published one
 * @throws BneckError 'option' for a name or mirror that cannot be, 'file' where the file can be neither found nor
 *   downloaded or stored, with the address, the place and what to do; the reason of `signal` when it is aborted
 */
export async function fetchPretrained(name: string, options: FetchPretrainedOptions = {}): Promise<string> {
  return await fetchWeights(resolvePretrained(name, options.family), options);
}
