/**
 * A folder that one backup or restore is written in, beside the name that it gets at the end, with a note of who writes: what a
 * process left that died may go, what another one is at stays. So of several that write to one name none spoils another.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { isRunning, type ProcessIdentity, thisProcess } from '../process-identity.ts'

/** Also in a backup whose process died between giving it its name and taking this away; nothing reads it there. */
export const writerFile = 'writer.json'

const beginningOf = (path: string) => `${path}.partial-`

/** Takes away what dead processes have left. @returns a folder of its own */
export function beginBackupAttempt(path: string): string {
  for (const name of readdirSync(dirname(path))) {
    if (!name.startsWith(basename(beginningOf(path)))) continue
    const left = join(dirname(path), name)
    const writer = writerOf(left)
    if (writer && !isRunning(writer)) rmSync(left, { recursive: true, force: true })
  }
  const folder = mkdtempSync(beginningOf(path))
  writeFileSync(join(folder, writerFile), `${JSON.stringify(thisProcess())}\n`, { mode: 0o600 })
  return folder
}

/** @returns undefined where nobody of ours has signed: what others named so is theirs */
function writerOf(folder: string): ProcessIdentity | undefined {
  try {
    const writer = JSON.parse(readFileSync(join(folder, writerFile), 'utf8')) as ProcessIdentity | null
    return typeof writer?.pid === 'number' ? writer : undefined
  } catch {
    return undefined
  }
}
