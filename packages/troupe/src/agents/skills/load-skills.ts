/** Reads skills from folders: a folder with SKILL.md is a skill, as in `.agents/skills/`. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
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
  return readSkills(folder, (await import('yaml')).parse)
}

/**
 * Reads the same at once, for definitions. The parser is loaded from the installed packages, so a program that is bundled into one
 * file uses `loadSkills`.
 * @throws ValidationError `skill.unreadable`
 */
export const readSkillFolder = (folder: string): readonly Skill[] =>
  readSkills(folder, (text) => (createRequire(import.meta.url)('yaml') as typeof import('yaml')).parse(text))

type Parse = (text: string) => unknown

function readSkills(folder: string, parse: Parse): readonly Skill[] {
  const at = resolve(checkPath('The folder of skills', folder))
  try {
    const names = readdirSync(at, { withFileTypes: true })
    if (names.some((entry) => entry.name === manifest)) return checkSkills('loadSkills', [readSkill(at, parse)])
    const folders = names.filter((entry) => entry.isDirectory()).map((entry) => join(at, entry.name))
    const skills = folders.filter(hasManifest).sort()
    return checkSkills(
      'loadSkills',
      skills.map((each) => readSkill(each, parse)),
    )
  } catch (error) {
    const { code, message } = error as { readonly code?: string; readonly message: string }
    if (code === 'skill.unreadable') throw error
    throw failure('skill.unreadable', { path: folder, problem: message }, { cause: error })
  }
}

const hasManifest = (folder: string): boolean => readdirSync(folder).includes(manifest)

function readSkill(folder: string, parse: Parse): Skill {
  const path = join(folder, manifest)
  const { head, body = '' } =
    /^---\r?\n(?<head>.*?)\r?\n---\r?\n(?<body>.*)$/s.exec(readFileSync(path, 'utf8'))?.groups ?? {}
  if (head === undefined)
    throw failure('skill.unreadable', { path, problem: 'it does not begin with YAML between lines of ---' })
  const facts: unknown = parse(head)
  const { name = basename(folder), description = '' } = isObject(facts) ? (facts as Partial<Skill>) : {}
  return { name, description, instructions: body.trim(), files: filesIn(folder) }
}

function filesIn(folder: string): Readonly<Record<string, string>> {
  const files: [path: string, text: string][] = []
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    const name = relative(folder, path).split(sep).join('/')
    if (!entry.isFile() || name === manifest || name.split('/').some((part) => part.startsWith('.'))) continue
    if (files.length >= maxFiles || statSync(path).size > maxFileBytes)
      throw failure('skill.unreadable', {
        path,
        problem: `a skill has at most ${maxFiles} files of ${maxFileBytes} bytes`,
      })
    const text = readFileSync(path, 'utf8')
    if (!text.includes('\u0000') && !text.includes('\uFFFD')) files.push([name, text])
  }
  return Object.fromEntries(files.sort(([a], [b]) => (a < b ? -1 : 1)))
}
