/** Skills of an LlmAgent: instructions that its model reads when it needs them, and files that come with them. */
import { z } from 'zod'
import { checkOptionNames, failure, invalidInput, isObject } from '../../core/index.ts'
import type { Recorder } from '../../journal/index.ts'
import { type BodyCall, defineTool, type Tool } from '../../tools/index.ts'

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
    checkOptionNames('a skill', skill, ['name', 'description', 'instructions', 'files'])
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

/** A skill as the prompt shows it. */
type ListedSkill = { readonly name: string; readonly description: string }

/** Returns the skills that a step of the agent lists. They are recorded, so that an edit changes no step in progress. */
export const listSkills = (recorder: Recorder, agent: string, skills: readonly Skill[]) =>
  recorder.answer({ kind: 'skills', name: agent }, () => skills.map(({ name, description }) => ({ name, description })))

/** Returns the part of the prompt: names and descriptions alone. */
export const skillsSection = (listed: readonly ListedSkill[]): string =>
  listed.length === 0
    ? ''
    : [
        `Skills: before work that one of them describes, read it with the tool ${readSkillName}.`,
        ...listed.map(({ name, description }) => `- ${name}: ${description.replaceAll(/\s+/g, ' ').trim()}`),
      ].join('\n')

/**
 * Returns the tool that reads skills; undefined if none is listed.
 * @param skills the present ones, of which a listed one may be missing
 */
export function skillTool(listed: readonly ListedSkill[], skills: readonly Skill[] = []): Tool | undefined {
  if (listed.length === 0) return undefined
  return defineTool({
    name: readSkillName,
    description: 'Reads the instructions of a skill, or one of its files. Its files are then in the workspace, too.',
    inputSchema: z.object({
      name: z.enum(listed.map(({ name }) => name) as [string, ...string[]]),
      file: z.string().optional().describe('One of the files that the instructions come with.'),
    }),
    durable: true,
    execute: async ({ name, file }, call) => {
      const { ctx, recorder } = call as BodyCall
      const wrong = (problem: string) => invalidInput(`The skill ${name}`, problem)
      const skill = skills.find((each) => each.name === name)
      const texts = new Map(Object.entries(skill?.files ?? {}))
      const read = await recorder.answer({ kind: 'skill', name }, () =>
        skill ? { instructions: skill.instructions, paths: [...texts.keys()] } : null,
      )
      if (read === null) throw wrong('it was removed after this step had begun')
      const { instructions, paths } = read
      // Each text is one answer, because the texts of a skill together may exceed the size of a record.
      const textOf = (path: string) => recorder.answer({ kind: 'skill.file', name: path }, () => texts.get(path) ?? '')
      if (file !== undefined) {
        if (!paths.includes(file)) throw wrong(`it has no file ${file}, but ${paths.join(', ') || 'none'}`)
        return { name, file, text: await textOf(file) }
      }
      const { files: workspace } = ctx.sandbox
      const present = paths.length === 0 ? [] : await workspace.list({ prefix: `skills/${name}/` })
      const sizes = new Map(present.map(({ path, bytes }) => [path, bytes]))
      for (const path of paths) {
        const bytes = Buffer.from(await textOf(path))
        const target = `skills/${name}/${path}`
        // The files of a thread may come from an earlier text of the skill.
        if (sizes.get(target) === bytes.length && bytes.equals(await workspace.readBytes(target))) continue
        await workspace.write(target, bytes.toString())
      }
      return { name, instructions, files: paths.map((path) => `skills/${name}/${path}`) }
    },
  })
}
