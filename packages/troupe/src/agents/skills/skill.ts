/** Skills of an LlmAgent: instructions that its model reads when it needs them, and files that come with them. */
import { z } from 'zod'
import { checkOptions, failure, isObject } from '../../core/index.ts'
import { defineTool, type Tool } from '../../tools/index.ts'

/** Instructions that a model reads when it needs them, with files. */
export interface Skill {
  /** Up to 64 lower-case letters, digits and `-`. */
  readonly name: string
  /** When to use the skill; the model always sees name and description. */
  readonly description: string
  /** The instructions, which the model reads with the tool `read_skill`. */
  readonly instructions: string
  /**
   * Texts by their relative paths. They are files of the sandbox at `skills/NAME/PATH` once the model has read the
   * skill.
   */
  readonly files?: Readonly<Record<string, string>>
}

export const readSkillName = 'read_skill'

/** @throws ValidationError `agent.wrong` */
export function checkSkills(agent: string, skills: readonly Skill[] = []): readonly Skill[] {
  if (!Array.isArray(skills)) throw failure('agent.wrong', { agent, problem: 'skills is not a list' })
  const names = new Set<string>()
  return skills.map((skill: Skill, i) => {
    const wrong = (problem: string) => failure('agent.wrong', { agent, problem: `skills[${i}] ${problem}` })
    if (!isObject(skill)) throw wrong('is not an object')
    checkOptions('a skill', skill, ['name', 'description', 'instructions', 'files'])
    const { name, description, instructions, files = {} } = skill
    if (typeof name !== 'string' || !/^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$/.test(name))
      throw wrong('has no name of 1 to 64 small letters, digits and -')
    if (names.has(name)) throw wrong(`has the name ${name} of another one`)
    names.add(name)
    if (typeof description !== 'string' || description.trim() === '' || description.length > 1_024)
      throw wrong('has no description of at most 1,024 characters')
    if (typeof instructions !== 'string') throw wrong('has no instructions')
    if (!isObject(files) || Object.values(files).some((text) => typeof text !== 'string'))
      throw wrong('has files that are not texts by their paths')
    return Object.freeze({ ...skill, files: Object.freeze({ ...files }) })
  })
}

/** Returns the part of the prompt: names and descriptions alone. */
export const skillsSection = (skills: readonly Skill[]): string =>
  skills.length === 0
    ? ''
    : [
        `Skills: before work that one of them describes, read it with the tool ${readSkillName}.`,
        ...skills.map(({ name, description }) => `- ${name}: ${description.replaceAll(/\s+/g, ' ').trim()}`),
      ].join('\n')

/** Returns the tool that reads skills; undefined if there are none. */
export function skillTool(skills: readonly Skill[]): Tool | undefined {
  if (skills.length === 0) return undefined
  return defineTool({
    name: readSkillName,
    description: 'Reads the instructions of a skill, or one of its files. Its files are then in the workspace, too.',
    inputSchema: z.object({
      name: z.enum(skills.map(({ name }) => name) as [string, ...string[]]),
      file: z.string().optional().describe('One of the files that the instructions come with.'),
    }),
    durable: true,
    execute: async ({ name, file }, { ctx }) => {
      const { instructions, files = {} } = skills.find((skill) => skill.name === name) as Skill
      const paths = Object.keys(files)
      if (file !== undefined) {
        const text = Object.hasOwn(files, file) ? files[file] : undefined
        if (text === undefined)
          throw failure('validation.failed', {
            what: `The skill ${name}`,
            problem: `it has no file ${file}, but ${paths.join(', ') || 'none'}`,
          })
        return { name, file, text }
      }
      const present = paths.length === 0 ? [] : await ctx.sandbox.files.list({ prefix: `skills/${name}/` })
      const known = new Set(present.map(({ path }) => path))
      for (const [path, text] of Object.entries(files))
        if (!known.has(`skills/${name}/${path}`)) await ctx.sandbox.files.write(`skills/${name}/${path}`, text)
      return { name, instructions, files: paths.map((path) => `skills/${name}/${path}`) }
    },
  })
}
