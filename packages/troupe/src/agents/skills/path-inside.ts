/** Finds where a path leads, so that no symbolic link reads a file outside a folder. */
import { realpathSync } from 'node:fs'
import { sep } from 'node:path'

/**
 * Returns the real path of a file or folder if it is the folder itself or inside it; undefined if it is outside. Links of both
 * paths are followed.
 * @throws the error of the file system if one of them does not exist
 */
export function pathInside(folder: string, path: string): string | undefined {
  const root = realpathSync(folder)
  const real = realpathSync(path)
  return real === root || real.startsWith(root.endsWith(sep) ? root : root + sep) ? real : undefined
}
