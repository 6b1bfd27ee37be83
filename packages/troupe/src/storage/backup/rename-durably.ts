/** Names of files that a power failure does not lose: a sync of a file writes its data, and a sync of its folder its name. */
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

/** Writes the names in a folder, unless its file system has no such sync, or the process may not read the folder. */
function syncFolder(path: string): void {
  try {
    const folder = openSync(path, 'r')
    try {
      fsyncSync(folder)
    } finally {
      closeSync(folder)
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EIO') throw error
  }
}

/**
 * Creates the folder and those above it that are missing. One folder at a time: on a file system without folders, such as
 * /proc, Node's recursive mkdir never ends.
 * @param mode the permissions of the created folders, less the umask; 0o777 by default
 */
export function createFolder(path: string, mode = 0o777): void {
  if (isFolder(path)) return
  createFolder(dirname(path), mode)
  try {
    mkdirSync(path, { mode })
  } catch (error) {
    // Another process may have created it meanwhile.
    if (!isFolder(path)) throw error
  }
  syncFolder(dirname(path))
}

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false

/** Renames a file whose data is on the disk, or a folder of such files. */
export function renameDurably(from: string, to: string): void {
  if (statSync(from).isDirectory()) syncFolder(from)
  renameSync(from, to)
  syncFolder(dirname(to))
}
