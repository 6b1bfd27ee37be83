/** The writer of a database file: it reopens the file after a failure, and does not write to a removed file. */
import { statSync } from 'node:fs'
import type { WriterFailure } from '../../writer-port.ts'
import { openForWriting } from '../file/open-for-writing.ts'
import { Writer } from './writer.ts'

export interface FileWriterOptions {
  readonly path: string
  /** The number of pages in the log at which a checkpoint is made. */
  readonly checkpointPages: number
}

export const createFileWriter = ({ path, checkpointPages }: FileWriterOptions): Writer =>
  new Writer({
    open: () => openForWriting(path),
    reopens: true,
    checkpointPages,
    fileMissing: mindFile(path),
  })

/**
 * Detects a removed or replaced file. Writes to it still succeed, but only this process can see them, so they must not
 * be acknowledged. Another file in its place is not used; the same file, moved back, is.
 */
function mindFile(name: string): () => WriterFailure | undefined {
  const now = () => statSync(name, { throwIfNoEntry: false })?.ino
  const opened = now()
  return () => {
    const found = now()
    if (found === opened) return undefined
    const message = found === undefined ? 'it was removed or moved away' : 'another file was put in its place'
    return { ok: false, problem: 'io', message }
  }
}
