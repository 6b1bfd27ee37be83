/** The files of a user's project, as the checks see them: read once, so many at most, never what is installed or built. */
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'

export interface Project {
  readonly folder: string
  /** Paths below the folder, with slashes. */
  readonly files: readonly string[]
  /** There are more than were looked at. */
  readonly more: boolean
  /** The text of a file; undefined where there is none, or more of it than anybody writes by hand. */
  read(path: string): Promise<string | undefined>
  /** Of those that match, the first that has such a text. */
  find(files: RegExp, text: RegExp): Promise<string | undefined>
}

const maxFiles = 5_000
const maxFilesRead = 300
const maxFileSize = 1_000_000
const passedBy = new Set(['node_modules', '.git', 'dist', 'build', 'out', '.next', '.cache', 'vendor'])

/** @param folder that exists */
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
