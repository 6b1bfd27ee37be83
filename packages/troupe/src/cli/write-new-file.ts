/** Files of commands that have their names only when they are complete and on the disk. */
import { randomUUID } from 'node:crypto'
import { lstat, open, rm } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { TroupeError } from '../core/index.ts'
import { unwritable } from './unwritable.ts'

/**
 * Writes a file under a name beside the given one, and renames it. After a failure or Ctrl-C no file remains.
 * @throws CliError if the file exists or cannot be written; the errors of `pieces`
 */
export async function writeNewFile(path: string, pieces: AsyncIterable<string>): Promise<void> {
  const partial = `${path}.partial-${randomUUID()}`
  try {
    await requireAbsent(path)
    // Most commands talk to a server, and need nothing of the storage.
    const { renameDurably } = await import('../storage/index.ts')
    const file = await open(partial, 'wx', 0o600)
    await pipeline(pieces, file.createWriteStream({ flush: true }))
    await requireAbsent(path)
    renameDurably(partial, path)
  } catch (thrown) {
    await rm(partial, { force: true })
    const error = thrown as Error
    throw error instanceof TroupeError || error.name === 'AbortError' ? error : unwritable(path, error.message)
  }
}

async function requireAbsent(path: string): Promise<void> {
  const found = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
  })
  if (found) throw new Error('EEXIST: file already exists')
}
