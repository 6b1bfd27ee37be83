/** Writes to standard output, as text or JSON, and notes to standard error. */
import { styleText } from 'node:util'
import { oneLine, safe } from './safe.ts'
import { padded, truncated, widthOf } from './width.ts'

export interface Column<T> {
  readonly name: string
  readonly of: (row: T) => unknown
}

export interface Streams {
  readonly out: NodeJS.WriteStream
  readonly error: NodeJS.WriteStream
}

type Style = Parameters<typeof styleText>[0]

export class Output {
  readonly json: boolean
  readonly #streams: Streams

  constructor(streams: Streams, json: boolean) {
    this.#streams = streams
    this.json = json
  }

  /** Whether lines may be drawn over. */
  get live(): boolean {
    return this.#streams.out.isTTY && !this.json && process.env.TERM !== 'dumb'
  }

  get width(): number {
    return this.#streams.out.isTTY ? Math.max(20, this.#streams.out.columns || 80) : Number.POSITIVE_INFINITY
  }

  /** Writes a text unchanged; use `safe` for texts of other sources. */
  raw(text: string): void {
    this.#streams.out.write(text)
  }

  print(line = ''): void {
    if (!this.json) this.raw(`${line}\n`)
  }

  /** Writes to standard error a line that is not part of the answer, such as progress or a problem. */
  note(line: string): void {
    this.#streams.error.write(`${line}\n`)
  }

  /** One document, whole. */
  document(value: unknown): void {
    if (this.json) this.raw(`${JSON.stringify(value, undefined, 2)}\n`)
  }

  /** One line of several. */
  line(value: unknown): void {
    if (this.json) this.raw(`${JSON.stringify(value)}\n`)
  }

  /** As JSON, or as text for a person. */
  show<T>(value: T, asText: (value: T) => string): void {
    if (this.json) this.document(value)
    else this.print(asText(value))
  }

  /** Writes a table; the last column takes the remaining width. */
  table<T>(rows: readonly T[], columns: readonly Column<T>[], none: string): void {
    this.document(rows)
    if (rows.length === 0) this.print(none)
    if (this.json || rows.length === 0) return
    const cells = rows.map((row) => columns.map(({ of }) => oneLine(of(row) ?? '')))
    const widths = columns.map(({ name }, i) =>
      cells.reduce((widest, row) => Math.max(widest, widthOf(row[i] ?? '')), name.length),
    )
    const lineOf = (row: readonly string[]) =>
      truncated(
        row
          .map((cell, i) => (i === row.length - 1 ? cell : padded(cell, widths[i] ?? 0)))
          .join('  ')
          .trimEnd(),
        this.width,
      )
    this.print(this.style('dim', lineOf(columns.map(({ name }) => name))))
    for (const row of cells) this.print(lineOf(row))
  }

  /** Writes names and values, one per line, without undefined values. */
  facts(facts: Readonly<Record<string, unknown>>): void {
    const present = Object.entries(facts).filter(([, value]) => value !== undefined && value !== '')
    const width = Math.max(0, ...present.map(([name]) => name.length))
    for (const [name, value] of present)
      this.print(
        `${this.style('dim', name.padEnd(width))}  ${typeof value === 'string' ? safe(value) : oneLine(value)}`,
      )
  }

  style(style: Style, text: string): string {
    return styleText(style, text, { stream: this.#streams.out })
  }
}
