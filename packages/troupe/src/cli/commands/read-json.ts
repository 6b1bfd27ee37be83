/** Values on the command line. */
import { readFileSync } from 'node:fs'
import { misused } from '../exit-codes.ts'

/** JSON where it is JSON, else the text as it stands; `@file` is the content of a file, `-` standard input. */
export function readValue(given: string): unknown {
  const text = given === '-' ? readFileSync(0, 'utf8') : given.startsWith('@') ? readText(given.slice(1)) : given
  try {
    return JSON.parse(text)
  } catch {
    return text.trimEnd()
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw misused(`${path} cannot be read: ${(error as Error).message}.`, 'A value that begins with @ names a file.')
  }
}
