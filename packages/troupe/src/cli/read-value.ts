/** Values on the command line. */
import { readFileSync } from 'node:fs'
import { misused } from './exit-codes.ts'

/** JSON where it is JSON, else the text as it stands; `@file` is the content of a file, `-` standard input. What it has to be, the server checks. */
export function readValue<Value = unknown>(source: string): Value {
  const text = source === '-' ? readFileSync(0, 'utf8') : source.startsWith('@') ? readText(source.slice(1)) : source
  try {
    return JSON.parse(text)
  } catch {
    return text.trimEnd() as Value
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw misused(`${path} cannot be read: ${(error as Error).message}.`, 'A value that begins with @ names a file.')
  }
}
