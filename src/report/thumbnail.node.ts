/** Small pictures for pages, as data URIs. */
import type sharp from 'sharp';

/** RGB bytes, rows from top to bottom. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array | Uint8ClampedArray;
}

export interface Thumbnail {
  /** A data URI. */
  readonly source: string;
  /** Whether its pixels are to be seen as squares when it is enlarged. */
  readonly small: boolean;
}

/** Pictures up to this side are shown with their pixels as they are. */
const SMALL_SIDE = 48;
const QUALITY = 75;

/** Loaded when first used: programs that draw nothing do not wait for it. */
async function loadSharp(): Promise<typeof sharp> {
  return (await import('sharp')).default;
}

/** @param side the long side, in pixels; a smaller picture keeps its size */
export async function makeThumbnail({ width, height, data }: Pixels, side: number): Promise<Thumbnail> {
  const load = await loadSharp();
  const bytes = await load(data, { raw: { width, height, channels: 3 } })
    .resize({ width: side, height: side, fit: 'inside', withoutEnlargement: true })
    .webp({ quality: QUALITY })
    .toBuffer();
  const small = Math.max(width, height) <= SMALL_SIDE;
  return { source: `data:image/webp;base64,${bytes.toString('base64')}`, small };
}

/** An SVG file as PNG, twice its size, for programs that show no SVG. */
export async function svgToPng(svg: string): Promise<Uint8Array> {
  const load = await loadSharp();
  return load(Buffer.from(svg), { density: 144 }).flatten({ background: '#ffffff' }).png().toBuffer();
}
