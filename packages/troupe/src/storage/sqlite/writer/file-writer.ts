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

/** The database, its log and the index of the log. SQLite removes none of them while a connection uses them. */
const filesOf = (path: string) => [path, `${path}-wal`, `${path}-shm`]

const inodeOf = (path: string) => statSync(path, { throwIfNoEntry: false })?.ino

export function createFileWriter({ path, checkpointPages }: FileWriterOptions): Writer {
  const opened = new Map<string, number | undefined>()
  return new Writer({
    open: () => {
      const db = openForWriting(path)
      // A connection that replaces another one uses the same files.
      for (const name of filesOf(path)) if (!opened.has(name)) opened.set(name, inodeOf(name))
      return db
    },
    reopens: true,
    checkpointPages,
    fileMissing: () => missingFile(path, opened),
  })
}

/**
 * Detects a removed or replaced file. Writes to it still succeed, but only this process can see them, so they must not
 * be acknowledged. Another file in its place is not used; the same file, moved back, is.
 */
function missingFile(path: string, opened: ReadonlyMap<string, number | undefined>): WriterFailure | undefined {
  for (const [name, inode] of opened) {
    const found = inodeOf(name)
    if (found === inode) continue
    const it = name === path ? 'it' : `its log ${name}`
    const problem = found === undefined ? `${it} was removed or moved away` : 'another file was put in its place'
    // The last connection copies the log that it has open to the database.
    const advice = name === path ? '' : '; close this troupe, which saves what it has acknowledged'
    return { ok: false, problem: 'io', message: `${problem}${advice}` }
  }
  return undefined
}
