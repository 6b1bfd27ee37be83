/** Files of commands that have their names only when they are complete and on the disk. */
import { lstat, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { TroupeError } from '../core/index.ts'
import { unwritable } from './unwritable.ts'

/**
 * Writes a file in a folder beside the given name, and renames it. After a failure or Ctrl-C no file remains; after a crash
 * the next attempt removes the folder.
 * @throws CliError if the file exists or cannot be written; the errors of `pieces`
 */
export async function writeNewFile(path: string, pieces: AsyncIterable<string>): Promise<void> {
  let folder: string | undefined
  try {
    await requireAbsent(path)
    // Most commands talk to a server, and need nothing of the storage.
    const { beginBackupAttempt, renameDurably } = await import('../storage/index.ts')
    folder = beginBackupAttempt(path, Date.now())
    const partial = join(folder, 'file')
    const file = await open(partial, 'wx', 0o600)
    await pipeline(pieces, file.createWriteStream({ flush: true }))
    await requireAbsent(path)
    renameDurably(partial, path)
  } catch (thrown) {
    const error = thrown as Error
    throw error instanceof TroupeError || error.name === 'AbortError' ? error : unwritable(path, error.message)
  } finally {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true })
  }
}

async function requireAbsent(path: string): Promise<void> {
  const found = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
  })
  if (found) throw new Error('EEXIST: file already exists')
}
