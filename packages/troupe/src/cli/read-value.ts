/** Values on the command line. */
import { readFileSync } from 'node:fs'
import { withoutByteOrderMark } from '../core/index.ts'
import { misused } from './exit-codes.ts'

/**
 * Reads a value: parsed if it is JSON, otherwise as text. `@file` reads a file, and `-` standard input. The server checks the
 * value.
 */
export function readValue<Value = unknown>(source: string): Value {
  const text = source === '-' ? readTextFile('-') : source.startsWith('@') ? readTextFile(source.slice(1)) : source
  try {
    return JSON.parse(text)
  } catch {
    return text.trimEnd() as Value
  }
}

/** The content of a file; `-` is standard input. */
export function readTextFile(path: string): string {
  try {
    return withoutByteOrderMark(readFileSync(path === '-' ? 0 : path, 'utf8'))
  } catch (error) {
    throw misused(
      `${path} cannot be read: ${(error as Error).message}.`,
      'A value that begins with @, and a data set, name a file.',
    )
  }
}
