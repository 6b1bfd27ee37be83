/**
 * An agent that a file describes: in a team's YAML or JSON, or in the head of `agent.md`. Paths are relative to the
 * file.
 */
import { dirname, relative, resolve } from 'node:path'
import { z } from 'zod'
import {
  type InstructionsFile,
  loadProjectSkills,
  loadSkills,
  readInstructionsFile,
  redactPersonalData,
  type Skill,
} from '../../agents/index.ts'
import type { TroupeError } from '../../core/index.ts'
import { LlmAgent } from '../../startup/index.ts'
import { builtInTools } from '../../tools/index.ts'
import { misused } from '../exit-codes.ts'

const names = z.array(z.string()).min(1)
const count = z.int().min(1)

export const settingsSchema = z.strictObject({
  maxOutputTokens: count.optional(),
  temperature: z.number().min(0).max(2).optional(),
  topP: z.number().min(0).max(1).optional(),
  stop: names.optional(),
  seed: z.int().optional(),
  providerOptions: z
    .record(z.string(), z.record(z.string(), z.json()))
    .optional()
    .describe("By the provider's name: { openai: { textVerbosity: low } }."),
  reasoning: z
    .strictObject({ effort: z.enum(['none', 'low', 'medium', 'high']), maxTokens: count.optional() })
    .optional(),
  serviceTier: z.enum(['auto', 'default', 'flex', 'priority']).optional(),
  promptCache: z.boolean().optional(),
  toolChoice: z.union([z.enum(['auto', 'none', 'required']), z.strictObject({ tool: z.string() })]).optional(),
  parallelToolCalls: z.boolean().optional(),
  logprobs: z.union([z.boolean(), count.max(20)]).optional(),
  maxTurns: count.optional(),
  maxParallelTools: count.optional(),
  cache: z.boolean().optional(),
})

export const memorySchema = z.strictObject({
  maxTokens: count.optional(),
  compaction: z
    .strictObject({
      at: z
        .union([z.number().gt(0).max(1), count])
        .optional()
        .describe('A share of the model’s context window, or tokens.'),
      retainTurns: count.optional(),
      by: z.enum(['model', 'rules']).optional(),
    })
    .optional()
    .describe('In place of maxTokens: past this size, older messages become a summary.'),
  maxResultTokens: count
    .optional()
    .describe(
      'The highest number of tokens of one tool result in the thread; the model reads the rest with read_result.',
    ),
  pinned: z.array(z.string()).optional().describe('Facts that every prompt contains.'),
  retrieval: z.union([z.literal(true), z.strictObject({ limit: count.optional() })]).optional(),
  working: z.union([z.literal(true), z.strictObject({ capacity: count.optional() })]).optional(),
  episodic: z
    .union([z.literal(true), z.strictObject({ maxEpisodes: count.optional(), limit: count.optional() })])
    .optional(),
  consolidate: z
    .union([z.boolean(), z.strictObject({ maxFacts: count.optional(), limit: count.optional() })])
    .optional()
    .describe('What the user states, extracted by the model.'),
  shared: z.string().optional().describe('The prefix of the keys of context entries that the prompt contains.'),
})

const redaction = z.strictObject({
  redactPersonalData: z
    .union([
      z.literal(true),
      z.strictObject({ kinds: z.array(z.enum(['email', 'phone', 'card', 'iban', 'ip'])).min(1) }),
    ])
    .describe('true: all kinds.'),
})
const guardrails = z
  .strictObject({ input: z.array(redaction).optional(), output: z.array(redaction).optional() })
  .describe('Checks of its input and output. Checks in code need a configuration file.')

export const policySchema = z
  .array(
    z.strictObject({
      tool: z.string().describe('The name of a tool; mail_* matches a prefix, * all tools.'),
      when: z.string().optional().describe('A condition, such as args.to is untrusted; every call by default.'),
      do: z.enum(['allow', 'ask', 'block']).describe('ask: a person approves the exact arguments.'),
      reason: z.string().optional().describe('The reason that the person sees.'),
    }),
  )
  .describe('Decisions on calls of tools by the labels of their arguments; they narrow what the troupe allows.')

export const agentSchema = z.strictObject({
  description: z.string().optional().describe('Shown to agents that choose which agent to invoke.'),
  instructions: z
    .union([
      z.string(),
      z.strictObject({
        file: z.string().describe('A path inside the project, such as ./AGENTS.md.'),
        text: z.string().optional().describe('Text that follows the text of the file.'),
      }),
    ])
    .describe('The instructions of the agent, for its model.'),
  model: z
    .union([z.string(), names])
    .optional()
    .describe(
      'provider/model, or several, each in place of the one before; offline/extractive, the default, needs no key.',
    ),
  tools: names.optional().describe('Built-in tools, such as get_context; none by default.'),
  skills: z
    .union([z.literal(true), z.string(), names])
    .optional()
    .describe(
      'A folder with SKILL.md or with folders of skills, such as ./.agents/skills, or several; true: .agents/skills of the project.',
    ),
  guardrails: guardrails.optional(),
  memory: memorySchema.optional(),
  role: z.string().optional().describe('contributor by default.'),
  allow: z.array(z.string()).optional(),
  deny: z.array(z.string()).optional(),
  policy: policySchema.optional(),
  untrusted: z
    .enum(['read', 'hide'])
    .optional()
    .describe('hide: its model gets handles in place of untrusted values; read by default.'),
  settings: settingsSchema.optional(),
})
type DescribedAgent = z.infer<typeof agentSchema>

/**
 * Makes the agent that a file describes.
 * @param path of the file that describes it
 * @param project The folder that has `.agents/skills` and that the file of the instructions must be inside; by default the
 * working directory if it has the file, else the folder of the file.
 * @throws CliError that names the file and the agent
 */
export async function agentFromFile(
  path: string,
  name: string,
  described: DescribedAgent,
  project = projectOf(path),
): Promise<LlmAgent> {
  const { tools, model, skills, guardrails: checks, instructions, ...rest } = described
  const defined = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined))
  try {
    return new LlmAgent({
      name,
      ...defined,
      instructions:
        typeof instructions === 'string'
          ? instructions
          : readInstructionsFile(name, instructions as InstructionsFile, { base: dirname(path), project }),
      model: model ?? 'offline/extractive',
      ...(tools ? { tools: (builtInTools as (...names: readonly string[]) => object)(...tools) } : {}),
      ...(skills === undefined ? {} : { skills: await readSkills(path, project, skills) }),
      ...(checks ? { guardrails: { input: redactions(checks.input), output: redactions(checks.output) } } : {}),
    } as ConstructorParameters<typeof LlmAgent>[0])
  } catch (error) {
    throw misused(`The agent ${name} of ${path} is wrong: ${(error as Error).message}`, (error as TroupeError).hint)
  }
}

async function readSkills(path: string, project: string, folders: string | readonly string[] | true) {
  if (folders === true) return loadProjectSkills(project)
  const read = [folders].flat().map((folder): Promise<readonly Skill[]> => loadSkills(resolve(dirname(path), folder)))
  return (await Promise.all(read)).flat()
}

/** Returns the working directory if it has the file, else the folder of the file. */
function projectOf(path: string): string {
  return relative('.', path).startsWith('..') ? dirname(path) : resolve('.')
}

const redactions = (listed: readonly z.infer<typeof redaction>[] = []) =>
  listed.map(({ redactPersonalData: kinds }) => redactPersonalData(kinds === true ? {} : kinds))
