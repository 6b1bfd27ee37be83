/** Reads skills from folders: a folder with SKILL.md is a skill, as in `.agents/skills/`. */
import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, join, relative, resolve, sep } from 'node:path'
import { checkPath, failure, isObject } from '../../core/index.ts'
import { checkSkills, type Skill } from './skill.ts'

const manifest = 'SKILL.md'
const maxFileBytes = 1024 * 1024
const maxFiles = 100

/**
 * Reads the skill in a folder that has `SKILL.md`, or all skills in the folders below it. `SKILL.md` begins with YAML between
 * two lines of `---`, with `name` and `description`; the rest are the instructions. Other text files of the folder, links
 * excepted, are its files.
 * @throws ValidationError `skill.unreadable`
 * @example new LlmAgent({ name: 'Clerk', model, skills: await loadSkills('.agents/skills') })
 */
export async function loadSkills(folder: string): Promise<readonly Skill[]> {
  const at = resolve(checkPath('The folder of skills', folder))
  try {
    const names = await readdir(at, { withFileTypes: true })
    if (names.some((entry) => entry.name === manifest)) return checkSkills('loadSkills', [await loadSkill(at)])
    const folders = names.filter((entry) => entry.isDirectory()).map((entry) => join(at, entry.name))
    const found = await Promise.all(folders.map(async (each) => ((await hasManifest(each)) ? [each] : [])))
    return checkSkills('loadSkills', await Promise.all(found.flat().sort().map(loadSkill)))
  } catch (error) {
    const { code, message } = error as { readonly code?: string; readonly message: string }
    if (code === 'skill.unreadable') throw error
    throw failure('skill.unreadable', { path: folder, problem: message }, { cause: error })
  }
}

const hasManifest = async (folder: string): Promise<boolean> => (await readdir(folder)).includes(manifest)

async function loadSkill(folder: string): Promise<Skill> {
  const path = join(folder, manifest)
  const { head, body = '' } =
    /^---\r?\n(?<head>.*?)\r?\n---\r?\n(?<body>.*)$/s.exec(await readFile(path, 'utf8'))?.groups ?? {}
  if (head === undefined)
    throw failure('skill.unreadable', { path, problem: 'it does not begin with YAML between lines of ---' })
  const { parse } = await import('yaml')
  const facts: unknown = parse(head)
  const { name = basename(folder), description = '' } = isObject(facts) ? (facts as Partial<Skill>) : {}
  return { name, description, instructions: body.trim(), files: await filesIn(folder) }
}

async function filesIn(folder: string): Promise<Readonly<Record<string, string>>> {
  const files: [path: string, text: string][] = []
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    const name = relative(folder, path).split(sep).join('/')
    if (!entry.isFile() || name === manifest || name.split('/').some((part) => part.startsWith('.'))) continue
    if (files.length >= maxFiles || (await stat(path)).size > maxFileBytes)
      throw failure('skill.unreadable', {
        path,
        problem: `a skill has at most ${maxFiles} files of ${maxFileBytes} bytes`,
      })
    const text = await readFile(path, 'utf8')
    if (!text.includes('\u0000') && !text.includes('\uFFFD')) files.push([name, text])
  }
  return Object.fromEntries(files.sort(([a], [b]) => (a < b ? -1 : 1)))
}
