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
  for (const entry of readdirSync(dirname(path), { withFileTypes: true })) {
    if (!entry.isDirectory() || !entry.name.startsWith(basename(beginningOf(path)))) continue
    const left = join(dirname(path), entry.name)
    const owner = writerOf(left) ?? creatorOf(left)
    if (owner && !isRunning(owner)) rmSync(left, { recursive: true, force: true })
  }
  const writer = thisProcess()
  const folder = mkdtempSync(`${beginningOf(path)}${writer.pid}-`)
  try {
    writeFileSync(join(folder, writerFile), `${JSON.stringify(writer)}\n`, { mode: 0o600 })
  } catch (error) {
    rmSync(folder, { recursive: true, force: true })
    throw error
  }
  return folder
}

/** @returns undefined if the folder has no valid note */
function writerOf(folder: string): ProcessIdentity | undefined {
  try {
    const writer = JSON.parse(readFileSync(join(folder, writerFile), 'utf8')) as ProcessIdentity | null
    return typeof writer?.pid === 'number' ? writer : undefined
  } catch {
    return undefined
  }
}

/**
 * Returns the process in the name of a folder without a valid note, whose process died before the note was complete.
 * @returns undefined for a folder of another program
 */
function creatorOf(folder: string): ProcessIdentity | undefined {
  const pid = Number(/\.partial-(\d+)-\w{6}$/.exec(folder)?.[1])
  const { started: _, ...here } = thisProcess()
  return pid > 0 && readdirSync(folder).every((name) => name === writerFile) ? { ...here, pid } : undefined
}
