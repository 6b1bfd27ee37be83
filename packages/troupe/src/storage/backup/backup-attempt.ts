/**
 * The working folder of one backup, restore or exported file, beside the final name, with a note that identifies the writing process.
 * The folder of a dead process may be removed; the folder of a running process stays. Several processes that write to
 * one name therefore do not damage each other's work. A process of another container or host cannot be seen here, so
 * its folder stays for a day after the last write.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { isRunning, isVisible, type ProcessIdentity, thisProcess } from '../process-identity.ts'

/**
 * A backup whose process died after the rename and before the removal of this file still contains it; the file is not
 * read there.
 */
export const writerFile = 'writer.json'

/** The time in ms without a write after which the folder of a process that cannot be seen is abandoned. */
const abandonedAfterMs = 24 * 3_600_000

const beginningOf = (path: string) => `${path}.partial-`

/**
 * Removes what dead processes have left.
 * @param at ms since 1970
 * @returns the path of a new working folder
 */
export function beginBackupAttempt(path: string, at: number): string {
  for (const entry of readdirSync(dirname(path), { withFileTypes: true })) {
    if (!entry.isDirectory() || !entry.name.startsWith(basename(beginningOf(path)))) continue
    const left = join(dirname(path), entry.name)
    const owner = writerOf(left) ?? creatorOf(left)
    if (owner && (isVisible(owner) ? !isRunning(owner) : isAbandoned(left, at)))
      rmSync(left, { recursive: true, force: true })
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

function isAbandoned(folder: string, at: number): boolean {
  try {
    const paths = [folder, ...readdirSync(folder).map((name) => join(folder, name))]
    const writtenAt = Math.max(...paths.map((path) => statSync(path).mtimeMs))
    return at - writtenAt > abandonedAfterMs
  } catch {
    // The other process has completed it meanwhile.
    return false
  }
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
