/** Values on the command line. */
import { readFile } from 'node:fs/promises'
import { addAbortSignal } from 'node:stream'
import { text } from 'node:stream/consumers'
import { withoutByteOrderMark } from '../core/index.ts'
import { misused } from './exit-codes.ts'

/**
 * Reads a value: parsed if it is JSON, otherwise as text. `@file` reads a file, and `-` standard input. The server checks the
 * value.
 * @throws CliError for a file that cannot be read; AbortError with Ctrl-C
 */
export async function readValue<Value = unknown>(source: string, signal: AbortSignal): Promise<Value> {
  const isRead = source === '-' || source.startsWith('@')
  const value = isRead ? await readTextFile(source.replace(/^@/, ''), signal) : source
  try {
    return JSON.parse(value)
  } catch {
    return value.trimEnd() as Value
  }
}

/** Returns the content of a file; `-` is standard input, whose writer may be slow. */
export async function readTextFile(path: string, signal: AbortSignal): Promise<string> {
  try {
    const content = path === '-' ? text(addAbortSignal(signal, process.stdin)) : readFile(path, 'utf8')
    return withoutByteOrderMark(await content)
  } catch (error) {
    signal.throwIfAborted()
    throw misused(
      `${path} cannot be read: ${(error as Error).message}.`,
      'A value that begins with @, and a data set, name a file.',
    )
  }
}
