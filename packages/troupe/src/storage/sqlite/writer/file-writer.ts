/** The writer of a database file: it reopens the file after a failure, and does not write to a removed file. */
import { statSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
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
  const opened = new Map<string, number>()
  const connection: { db?: DatabaseSync } = {}
  return new Writer({
    open: () => {
      const db = openForWriting(path)
      connection.db = db
      // A connection that replaces another one uses the same files.
      for (const name of filesOf(path)) {
        const inode = inodeOf(name)
        if (inode !== undefined && !opened.has(name)) opened.set(name, inode)
      }
      return db
    },
    reopens: true,
    checkpointPages,
    fileMissing: () => {
      const missing = missingFile(path, opened)
      if (missing && inodeOf(path) === opened.get(path)) saveLog(connection.db)
      return missing
    },
  })
}

/**
 * Detects a removed or replaced file. Writes to it still succeed, but only this process can see them, so they must not
 * be acknowledged. Another file in its place is not used; the same file, moved back, is.
 */
function missingFile(path: string, opened: ReadonlyMap<string, number>): WriterFailure | undefined {
  for (const [name, inode] of opened) {
    const found = inodeOf(name)
    if (found === inode) continue
    const it = name === path ? 'it' : `its log ${name}`
    const problem = found === undefined ? `${it} was removed or moved away` : 'another file was put in its place'
    const advice = name === path ? '' : '; restart this process'
    return { ok: false, problem: 'io', message: `${problem}${advice}` }
  }
  return undefined
}

/** Copies the log that the connection still has open to the database: it would be lost with the process. */
function saveLog(db: DatabaseSync | undefined): void {
  try {
    db?.exec('pragma wal_checkpoint(passive)')
  } catch {}
}
