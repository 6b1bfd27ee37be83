/** The files of a project for the checks: read once, up to a limit, without installed or built files. */
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'

export interface Project {
  readonly folder: string
  /** The paths relative to the folder, with slashes. */
  readonly files: readonly string[]
  /** True if there are more files than the limit. */
  readonly more: boolean
  /** Returns the text of a file; undefined if it does not exist or is larger than a file that a person writes. */
  read(path: string): Promise<string | undefined>
  /** Returns the first matching file with a text. */
  find(files: RegExp, text: RegExp): Promise<string | undefined>
}

const maxFiles = 5_000
const maxFilesRead = 300
const maxFileSize = 1_000_000
const passedBy = new Set(['node_modules', '.git', 'dist', 'build', 'out', '.next', '.cache', 'vendor'])

/** @param folder an existing folder */
export async function readProject(folder: string): Promise<Project> {
  const files: string[] = []
  const folders = ['']
  for (let at = folders.shift(); at !== undefined && files.length <= maxFiles; at = folders.shift()) {
    const inside = await readdir(join(folder, at), { withFileTypes: true }).catch(() => [])
    for (const one of inside) {
      const path = at === '' ? one.name : `${at}/${one.name}`
      if (one.isDirectory() && !passedBy.has(one.name)) folders.push(path)
      if (one.isFile()) files.push(path)
    }
  }
  const read = async (path: string) => {
    const absolutePath = join(folder, path)
    const found = await stat(absolutePath).catch(() => undefined)
    return found?.isFile() && found.size <= maxFileSize ? readFile(absolutePath, 'utf8') : undefined
  }
  return {
    folder,
    files: files.slice(0, maxFiles),
    more: files.length > maxFiles,
    read,
    async find(names, text) {
      for (const path of files.filter((file) => names.test(file)).slice(0, maxFilesRead))
        if (text.test((await read(path)) ?? '')) return path
      return undefined
    },
  }
}
