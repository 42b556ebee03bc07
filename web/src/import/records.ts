/** Find the ends of records in bytes, without decoding them. */

export type RecordSyntax = {
  /** CSV: a quoted cell may contain line breaks. Otherwise each line is a record. */
  quotes: boolean;
  /** Byte values that end a cell. */
  delimiters: readonly number[];
  /** Bytes per code unit (2 in UTF-16), and the position of its low byte. */
  unit: 1 | 2;
  low: 0 | 1;
};

/** Like the server, line counts treat CR LF, CR and LF each as one line end. */
export type RecordEnd = { offset: number; line: number; blank: boolean };

const [LF, CR, QUOTE] = [0x0a, 0x0d, 0x22];
const BLANK = new Set([0x20, 0x09, LF, CR, 0]);
const BOM = new Set([0xef, 0xbb, 0xbf, -1]);
/** The server rejects longer records; a longer one has a stray quote. */
export const MAX_RECORD = 1024 * 1024;

export const LINES: RecordSyntax = { quotes: false, delimiters: [], unit: 1, low: 0 };
/** For a file with an unknown delimiter. */
export const ANY_CSV: RecordSyntax = {
  ...LINES,
  quotes: true,
  delimiters: [",", ";", "\t", "|"].map(codeOf),
};

export function csvSyntax(delimiter: string | null, encoding: string): RecordSyntax {
  const delimiters = delimiter === null ? [] : [codeOf(delimiter)];
  const unit = encoding.startsWith("utf-16") ? 2 : 1;
  return { quotes: true, delimiters, unit, low: encoding.endsWith("be") && unit === 2 ? 1 : 0 };
}

/** True where line ends and quotes are plain bytes, or the code units of UTF-16. */
export function canSplit(encoding: string): boolean {
  return !/^(utf-?32|utf-?7|iso-?2022|hz)/i.test(encoding);
}

function codeOf(character: string): number {
  return character.charCodeAt(0);
}

/** State machine over the bytes of a file, fed in chunks. */
export class RecordScanner {
  private readonly syntax: RecordSyntax;
  private offset: number;
  private line: number;
  private start: number;
  private quoted = false;
  private afterQuote = false;
  private cellStart = true;
  private afterCr = false;
  private blank = true;

  constructor(syntax: RecordSyntax, offset = 0, line = 1) {
    this.syntax = syntax;
    this.offset = offset;
    this.start = offset;
    this.line = line;
  }

  /** Bytes of the incomplete record. */
  get open(): number {
    return this.offset - this.start;
  }

  /** True inside a quoted cell. */
  get isQuoted(): boolean {
    return this.quoted;
  }

  /** Ends of the records completed within `bytes`, as offsets in the file. */
  feed(bytes: Uint8Array): RecordEnd[] {
    const ends: RecordEnd[] = [];
    const { unit, low } = this.syntax;
    for (let at = 0; at + unit <= bytes.length; at += unit) {
      const high = unit === 2 ? (bytes[at + 1 - low] ?? 0) : 0;
      this.take(high === 0 ? (bytes[at + low] ?? 0) : -1, ends);
    }
    return ends;
  }

  /** The last record, if its line has no end. */
  finish(): RecordEnd[] {
    const ends: RecordEnd[] = [];
    if (this.afterCr) this.end(ends);
    if (this.open > 0) this.end(ends);
    return ends;
  }

  private take(code: number, ends: RecordEnd[]): void {
    if (this.afterCr) {
      // CR LF is one line end
      if (code === LF) {
        this.offset += this.syntax.unit;
        this.endLine(ends);
        return;
      }
      this.endLine(ends);
    }
    this.offset += this.syntax.unit;
    if (code === CR) this.afterCr = true;
    else if (code === LF) this.endLine(ends);
    else this.takeInLine(code);
  }

  private takeInLine(code: number): void {
    // a quote after a byte order mark opens the first cell
    if (this.offset <= 3 && BOM.has(code)) return;
    if (!BLANK.has(code)) this.blank = false;
    if (!this.syntax.quotes) return;
    if (this.quoted) {
      if (code === QUOTE) {
        this.quoted = false;
        this.afterQuote = true;
      }
      return;
    }
    if (code === QUOTE && (this.cellStart || this.afterQuote)) this.quoted = true;
    this.afterQuote = false;
    this.cellStart = this.syntax.delimiters.includes(code);
  }

  private endLine(ends: RecordEnd[]): void {
    this.afterCr = false;
    if (this.quoted) this.line += 1;
    else this.end(ends);
  }

  private end(ends: RecordEnd[]): void {
    this.line += 1;
    ends.push({ offset: this.offset, line: this.line, blank: this.blank });
    this.start = this.offset;
    this.afterCr = this.quoted = this.afterQuote = false;
    this.cellStart = this.blank = true;
  }
}
