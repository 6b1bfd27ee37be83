/**
 * The working folder of one backup or restore, beside the final name, with a note that identifies the writing process.
 * The folder of a dead process may be removed; the folder of a running process stays. Several processes that write to
 * one name therefore do not damage each other's work.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { isRunning, type ProcessIdentity, thisProcess } from '../process-identity.ts'

/**
 * A backup whose process died after the rename and before the removal of this file still contains it; the file is not
 * read there.
 */
export const writerFile = 'writer.json'

const beginningOf = (path: string) => `${path}.partial-`

/** Removes what dead processes have left. @returns the path of a new working folder */
export function beginBackupAttempt(path: string): string {
  for (const name of readdirSync(dirname(path))) {
    if (!name.startsWith(basename(beginningOf(path)))) continue
    const left = join(dirname(path), name)
    const writer = writerOf(left)
    if (writer && !isRunning(writer)) rmSync(left, { recursive: true, force: true })
  }
  const folder = mkdtempSync(beginningOf(path))
  try {
    writeFileSync(join(folder, writerFile), `${JSON.stringify(thisProcess())}\n`, { mode: 0o600 })
  } catch (error) {
    // No later attempt would remove a folder without a complete note.
    rmSync(folder, { recursive: true, force: true })
    throw error
  }
  return folder
}

/** @returns undefined if the folder has no valid note: such a folder belongs to another program */
function writerOf(folder: string): ProcessIdentity | undefined {
  try {
    const writer = JSON.parse(readFileSync(join(folder, writerFile), 'utf8')) as ProcessIdentity | null
    return typeof writer?.pid === 'number' ? writer : undefined
  } catch {
    return undefined
  }
}
