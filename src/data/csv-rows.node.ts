/**
 * Rows of a CSV file, one after the other, by csv-parse: commas, quotes as RFC 4180 has them, lines that end in any of
 * the three ways, UTF-8 (or UTF-16 with its mark). Strict where a mistake would shift columns: a quote that is not
 * closed and a row with another number of columns are errors. Invariant: no more than a row is held in memory, and a
 * row's length is limited.
 */
import { CsvError, type CsvErrorCode, type Info, parse } from 'csv-parse';
import { BneckError } from '../base/errors.ts';
import type { TreeFile } from './file-tree.node.ts';

export interface CsvRow {
  readonly fields: readonly string[];
  /** counted from 1; the last one of a row that goes over several */
  readonly line: number;
}

/** FER-2013's rows, the longest there are, have 9,300. */
const MOST_ROW_CHARACTERS = 65_536;

const QUOTING = 'write a field with commas, quotes or line ends as "...", and a quote in it as ""';

const REASONS: Partial<Record<CsvErrorCode, string>> = {
  CSV_QUOTE_NOT_CLOSED: `a quote is not closed; ${QUOTING}`,
  CSV_INVALID_CLOSING_QUOTE: `something stands behind a closing quote; ${QUOTING}`,
  INVALID_OPENING_QUOTE: `a quote stands inside a field; ${QUOTING}`,
  CSV_MAX_RECORD_SIZE: `a row has more than ${MOST_ROW_CHARACTERS} characters, or a quote is not closed; ${QUOTING}`,
  CSV_RECORD_INCONSISTENT_FIELDS_LENGTH: 'the row has another number of columns than the first; give each row as many',
};

function explain(title: string, error: unknown): BneckError {
  if (error instanceof BneckError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  if (error instanceof CsvError) {
    const where = `${title}, line ${error.lines}`;
    const reason = REASONS[error.code] ?? `${message.split('\n')[0]}; write it as a spreadsheet does`;
    return new BneckError('data', `${where}: ${reason}`, { cause: error });
  }
  return new BneckError('file', `${title}: cannot be read (${code ?? message}); check the file`, { cause: error });
}

/**
 * @param title what messages call the file
 * @throws BneckError 'data' with the line for what is no CSV, 'file' for what cannot be read
 */
export async function* csvRows(file: Pick<TreeFile, 'open'>, title: string): AsyncGenerator<CsvRow, void, undefined> {
  const parser = parse({
    bom: true,
    info: true,
    max_record_size: MOST_ROW_CHARACTERS,
    record_delimiter: ['\r\n', '\n', '\r'],
    skip_empty_lines: true,
  });
  const source = await file.open();
  source.on('error', (error) => parser.destroy(error));
  source.pipe(parser);
  try {
    for await (const { record, info } of parser as AsyncIterable<{ record: string[]; info: Info }>) {
      if (record.some((field) => field.includes('\0'))) {
        throw new BneckError('data', `${title}, line ${info.lines}: holds a NUL character; save it as UTF-8 text`);
      }
      yield { fields: record, line: info.lines };
    }
  } catch (error) {
    throw explain(title, error);
  } finally {
    source.destroy();
    parser.destroy();
  }
}

/** The first row. @throws BneckError as `csvRows`, and 'data' for an empty file */
export async function csvHeader(file: Pick<TreeFile, 'open'>, title: string): Promise<readonly string[]> {
  for await (const { fields } of csvRows(file, title)) return fields;
  throw new BneckError('data', `${title}: the file is empty; give a CSV file whose first line names its columns`);
}
