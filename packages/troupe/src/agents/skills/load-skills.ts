/** Reads skills from folders: a folder with SKILL.md is a skill, as in `.agents/skills/`. */
import { type Dirent, existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, join, relative, resolve, sep } from 'node:path'
import { checkPath, failure, isObject } from '../../core/index.ts'
import { pathInside } from './path-inside.ts'
import { checkSkills, type Skill } from './skill.ts'

const manifest = 'SKILL.md'
const maxFileBytes = 1024 * 1024
const maxFiles = 100

/** The folder of a project that has its skills. */
export const projectSkills = '.agents/skills'

/**
 * Reads the skill in a folder that has `SKILL.md`, or all skills in the folders below it. `SKILL.md` begins with YAML between
 * two lines of `---`, with `name` and `description`; the rest are the instructions. Other text files of the folder, hidden ones
 * excepted, are its files. A symbolic link must lead to something inside the folder of the skill.
 * @throws ValidationError `skill.unreadable` or `skill.outside`
 * @example new LlmAgent({ name: 'Clerk', model, skills: await loadSkills('.agents/skills') })
 */
export async function loadSkills(folder: string): Promise<readonly Skill[]> {
  return readSkills(folder, (await import('yaml')).parse)
}

/**
 * Reads the skills of a project, in `.agents/skills`, which must be inside the project.
 * @throws ValidationError `skill.unreadable` or `skill.outside`
 */
export async function loadProjectSkills(project: string): Promise<readonly Skill[]> {
  return readSkills(projectFolder(project), (await import('yaml')).parse)
}

/**
 * Returns the skills of a definition. The folders are read at once, with the parser of the installed packages, so a program that
 * is bundled into one file uses `loadSkills`.
 * @throws ValidationError `agent.wrong`, `skill.unreadable` or `skill.outside`
 */
export function skillsOf(agent: string, skills: readonly (Skill | string)[] | true): readonly Skill[] {
  if (skills !== true && !Array.isArray(skills))
    throw failure('agent.wrong', { agent, problem: 'skills is neither a list nor true' })
  const listed = skills === true ? [projectFolder('.')] : skills
  return checkSkills(
    agent,
    listed.flatMap((skill: Skill | string) =>
      typeof skill === 'string' ? readSkills(skill, parseInstalled) : [skill],
    ),
  )
}

type Parse = (text: string) => unknown

const parseInstalled: Parse = (text) =>
  (createRequire(import.meta.url)('yaml') as typeof import('yaml')).parse(text) as unknown

function projectFolder(project: string): string {
  const folder = resolve(project, projectSkills)
  if (existsSync(folder)) insideOf(resolve(project), folder)
  return folder
}

function readSkills(folder: string, parse: Parse): readonly Skill[] {
  const at = resolve(checkPath('The folder of skills', folder))
  try {
    return checkSkills(
      'loadSkills',
      foldersIn(at).map((each) => readSkill(each, parse)),
    )
  } catch (error) {
    const { code, message } = error as { readonly code?: string; readonly message: string }
    if (code?.startsWith('skill.')) throw error
    throw failure('skill.unreadable', { path: folder, problem: message }, { cause: error })
  }
}

/** Returns the folders that have a manifest: the folder itself, or those directly below it. */
function foldersIn(folder: string): readonly string[] {
  const entries = readdirSync(folder, { withFileTypes: true })
  if (entries.some((entry) => entry.name === manifest)) return [folder]
  const below = entries.filter((entry) => entry.isDirectory() || isLinkedFolder(folder, entry))
  return below
    .map((entry) => join(folder, entry.name))
    .filter((path) => readdirSync(path).includes(manifest))
    .sort()
}

/** A linked folder must be inside the folder of skills, since the link would otherwise give the model any folder. */
function isLinkedFolder(folder: string, entry: Dirent): boolean {
  const path = join(folder, entry.name)
  return entry.isSymbolicLink() && statSync(insideOf(folder, path)).isDirectory()
}

/** @throws ValidationError `skill.outside` */
function insideOf(folder: string, path: string): string {
  const real = pathInside(folder, path)
  if (real === undefined) throw failure('skill.outside', { folder, path: relative(folder, path) })
  return real
}

function readSkill(folder: string, parse: Parse): Skill {
  const path = join(folder, manifest)
  const text = textOf(folder, path, path)
  const { head, body = '' } = /^---\r?\n(?<head>.*?)\r?\n---\r?\n(?<body>.*)$/s.exec(text)?.groups ?? {}
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
    if (name === manifest || isHidden(name)) continue
    const real = entry.isSymbolicLink() ? insideOf(folder, path) : path
    // A linked folder is inside the folder of the skill, so its files are read at their own paths.
    if (!statSync(real).isFile() || isHidden(relative(realpathSync(folder), realpathSync(real)))) continue
    if (files.length >= maxFiles) throw tooLarge(path)
    const text = textOf(folder, path, real)
    if (!text.includes('\u0000') && !text.includes('\uFFFD')) files.push([name, text])
  }
  return Object.fromEntries(files.sort(([a], [b]) => (a < b ? -1 : 1)))
}

const isHidden = (path: string): boolean => path.split(/[\\/]/).some((part) => part.startsWith('.'))

const tooLarge = (path: string) =>
  failure('skill.unreadable', { path, problem: `a skill has at most ${maxFiles} files of ${maxFileBytes} bytes` })

/** Reads the file that was checked, so that a link which changes afterwards reads nothing else. */
function textOf(folder: string, path: string, from: string): string {
  const real = insideOf(folder, from)
  if (statSync(real).size > maxFileBytes) throw tooLarge(path)
  return readFileSync(real, 'utf8')
}
