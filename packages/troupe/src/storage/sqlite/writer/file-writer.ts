/** The writer of a database file: it opens the file again after a failure, and writes nothing into a file that was removed. */
import { statSync } from 'node:fs'
import type { WriterFailure } from '../../writer-port.ts'
import { openForWriting } from '../file/open-for-writing.ts'
import { Writer } from './writer.ts'

export interface FileWriterOptions {
  readonly path: string
  /** The length of the log, in pages, from which a checkpoint is made. */
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
 * A file that was removed still takes what is written, and keeps it for nobody but this process: nothing of that may be
 * acknowledged. Another one in its place is none of ours; the same one, put back, is.
 */
function mindFile(name: string): () => WriterFailure | undefined {
  const now = () => statSync(name, { throwIfNoEntry: false })?.ino
  const opened = now()
  let fileMissing = false
  return () => {
    const found = now()
    fileMissing = found === undefined || (fileMissing && found !== opened)
    if (!fileMissing) return undefined
    const message = found === undefined ? 'it was removed or moved away' : 'another file was put in its place'
    return { ok: false, problem: 'io', message }
  }
}
