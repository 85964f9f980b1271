/**
 * Rows of a CSV file, one after the other, in UTF-8, or UTF-16 with its mark as spreadsheets write it. The file is
 * read in pieces and never as a whole.
 */
import { BneckError } from '../base/errors.ts';
import { CsvParser, type CsvRow } from './csv-parser.ts';
import type { TreeFile } from './file-tree.node.ts';

/** Bytes to text, by the mark in front of it. */
function decoderFor(head: Uint8Array): TextDecoder {
  const isWide = head[0] === 0xff && head[1] === 0xfe;
  return new TextDecoder(isWide ? 'utf-16le' : 'utf-8', { fatal: true });
}

function explain(title: string, error: unknown): BneckError {
  if (error instanceof BneckError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') {
    return new BneckError('data', `${title}: is not UTF-8 text; save it as CSV in UTF-8`, { cause: error });
  }
  return new BneckError('file', `${title}: cannot be read (${code ?? message}); check the file`, { cause: error });
}

/**
 * @param title what messages call the file
 * @throws BneckError 'data' with the line for what is no CSV, 'file' for what cannot be read
 */
export async function* csvRows(file: Pick<TreeFile, 'open'>, title: string): AsyncGenerator<CsvRow, void, undefined> {
  const parser = new CsvParser(title);
  const source = await file.open();
  let decoder: TextDecoder | undefined;
  try {
    for await (const chunk of source as AsyncIterable<Uint8Array>) {
      decoder ??= decoderFor(chunk);
      yield* parser.rows(decoder.decode(chunk, { stream: true }), false);
    }
    yield* parser.rows(decoder?.decode() ?? '', true);
  } catch (error) {
    throw explain(title, error);
  } finally {
    source.destroy();
  }
}

/** The first row. @throws BneckError as `csvRows`, and 'data' for an empty file */
export async function csvHeader(file: Pick<TreeFile, 'open'>, title: string): Promise<readonly string[]> {
  for await (const { fields } of csvRows(file, title)) return fields;
  throw new BneckError('data', `${title}: the file is empty; give a CSV file whose first line names its columns`);
}
