/**
 * Writes the report beside others, whole or not at all. Its name follows from the question and the run, so that writing
 * it again after a crash gives the same file.
 */
import { mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { InputError } from '../documents/index.ts'

const longestName = 60

/** @example reportPath('/reports', 'How is tea made?', 'run-1') // '/reports/how-is-tea-made-run-1.md' */
export function reportPath(folder: string, question: string, run: string): string {
  const words = question.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []
  let name = ''
  for (const word of words) {
    if (name.length + word.length > longestName) break
    name += `${word}-`
  }
  return join(folder, `${name}${run}.md`)
}

/** Where the JSON of a report is: beside its Markdown. */
export const twinPath = (path: string): string => path.replace(/\.md$/, '.json')

/** @throws InputError where the folder or disk does not take it */
export async function writeReport(path: string, text: string): Promise<void> {
  const draft = `${path}.part`
  try {
    await createFolder(dirname(path))
    const file = await open(draft, 'w')
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(draft, path)
  } catch (error) {
    await rm(draft, { force: true }).catch(() => {})
    throw new InputError(`The report cannot be written to ${path}: ${reasonOf(error)}.`, { cause: error })
  }
}

/** Creates one folder at a time: below /proc Node's recursive mkdir never ends. */
async function createFolder(path: string): Promise<void> {
  const isFolder = async () => (await stat(path).catch(() => undefined))?.isDirectory() ?? false
  if (await isFolder()) return
  await createFolder(dirname(path))
  await mkdir(path).catch(async (error: Error) => {
    if (!(await isFolder())) throw error
  })
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ENOSPC' || code === 'EDQUOT') return 'the disk is full'
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') return 'it is not allowed'
  if (code === 'EEXIST' || code === 'ENOTDIR') return 'a file stands where a folder is needed'
  return error instanceof Error ? error.message : String(error)
}
