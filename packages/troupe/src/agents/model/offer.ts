/** The system text and the tools that a step offers to its model; they do not change during the step. */
import type { LanguageModelV4FunctionTool } from '@ai-sdk/provider'
import { decodeJson, failure, hashJson, type Json, jsonSchemaOf, show } from '../../core/index.ts'
import { objectSchema, type Tool } from '../../tools/index.ts'
import type { Agent, StepEntry } from '../agent-port.ts'
import type { LlmDefinition } from '../definitions/llm-definition.ts'
import { maxResultTokensOf } from '../definitions/memory-options.ts'
import type { Report } from '../definitions/report.ts'
import { queryHandleName, queryHandleTool } from '../flows/query-handle-tool.ts'
import { readResultTool } from '../memory/read-result-tool.ts'
import { rememberTool, retrieveNotes } from '../memory/retrieve-notes.ts'
import type { MeasuredOffer } from '../services-port.ts'
import { listSkills, readSkillName, skillsSection, skillTool } from '../skills/skill.ts'
import { tokensOf } from './content/model-messages.ts'
import { coordinationTools } from './coordination.ts'
import { deniedTo, selectTools } from './select-tools.ts'
import type { Thread } from './thread.ts'

export interface Offer {
  readonly system: string
  readonly tools: ReadonlyMap<string, Tool>
  readonly helpers: ReadonlyMap<string, Agent>
  /** As the model sees them, coordination included. */
  readonly declared: readonly LanguageModelV4FunctionTool[]
  /** The schema of an answer in text; absent if none is required. */
  readonly responseFormat: { readonly type: 'json'; readonly schema: never; readonly name: string } | undefined
  /** The estimated number of tokens of the offer in a prompt, by its length. */
  readonly tokens: number
  /** True if a value that the agent can get is hidden from its model. */
  readonly hides: boolean
  /** Longer results of tools are shortened: the model can read the rest. */
  readonly maxResultTokens: number | undefined
  /**
   * The hash of the system prompt, the declared tools, the schema and the settings: part of the input of each model
   * call.
   */
  readonly hash: string
}

const request = {
  type: 'object',
  properties: { request: { type: 'string', description: 'The task, with everything that the agent needs to know.' } },
  required: ['request'],
  additionalProperties: false,
}

/** Returns the schema of a helper's input if it has fields; undefined for a helper whose input is a text. */
export function fieldsOf(helper: Agent): { readonly [key: string]: Json } | undefined {
  const schema = helper.inputSchema && jsonSchemaOf(helper.inputSchema)
  const form = schema && objectSchema(schema)
  return form?.properties || schema?.type === 'object' ? form : undefined
}

export async function createOffer(
  definition: LlmDefinition,
  entry: StepEntry,
  report: Pick<Report, 'queried'>,
  thread?: Thread,
): Promise<Offer> {
  const { recorder, flow } = entry
  const { instructions, memory, output } = definition
  const text =
    typeof instructions === 'string'
      ? instructions
      : await recorder.answer({ kind: 'instructions', name: definition.name }, async () =>
          checkInstructions(
            definition.name,
            await instructions({ agent: definition.name, input: entry.input, context: entry.ctx.context }),
          ),
        )
  const denied = deniedTo(definition, entry)
  const skills = denied.has(readSkillName) ? undefined : definition.skills
  const listed = skills ? await listSkills(recorder, definition.name, skills) : []
  const system = [
    text,
    ...(memory.pinned?.length ? [`Remember:\n${memory.pinned.map((fact) => `- ${fact}`).join('\n')}`] : []),
    skillsSection(listed),
    await retrieveNotes(definition, entry, report, thread),
  ]
    .filter((part) => part !== '')
    .join('\n\n')
  const maxResultTokens = maxResultTokensOf(definition, entry.services.external.models)
  const reading = readResultTool(definition, denied, thread, maxResultTokens)
  const added = [rememberTool(definition, entry), skillTool(listed, skills), reading].filter(
    (tool) => tool !== undefined,
  )
  const selected = await selectTools(definition, entry, report)
  const tools =
    added.length === 0 ? selected : new Map([...selected, ...added.map((tool) => [tool.name, tool] as const)])
  const helpers = new Map([...definition.helpers].filter(([name]) => !denied.has(name)))
  const declare = (name: string, description: string, inputSchema: unknown) =>
    ({ type: 'function', name, description, inputSchema }) as LanguageModelV4FunctionTool
  const schema = output && flow.value !== undefined ? jsonSchemaOf(output) : undefined
  const declared = [
    ...[...tools.values()].map((tool) => declare(tool.name, tool.description, tool.parameters)),
    ...[...helpers].map(([name, helper]) =>
      declare(name, helper.description || `The agent ${helper.name}.`, fieldsOf(helper) ?? request),
    ),
    ...coordinationTools(flow, output, schema !== undefined, entry.descriptions),
  ]
  const hides = definition.untrusted === 'hide' || [...tools.values()].some(({ hide }) => hide !== undefined)
  // A tool or helper of the application with this name takes precedence.
  if (hides && !tools.has(queryHandleName) && !helpers.has(queryHandleName))
    declared.push(declare(queryHandleName, queryHandleTool.description, queryHandleTool.inputSchema))
  const responseFormat = schema ? ({ type: 'json', schema: schema as never, name: 'answer' } as const) : undefined
  const { hash, tokens } = measure(definition, entry, { system, declared, schema })
  return {
    system,
    tools,
    helpers,
    declared,
    hides,
    responseFormat,
    maxResultTokens: reading && maxResultTokens,
    hash,
    tokens,
  }
}

/** Most steps of an agent offer the same, so that comparing the text with that of the latest offer saves its hash. */
function measure(
  definition: LlmDefinition,
  { services: { offers } }: StepEntry,
  { system, declared, schema = null }: Pick<Offer, 'system' | 'declared'> & { readonly schema: unknown },
): MeasuredOffer {
  const text = JSON.stringify([system, declared, schema, definition.settings])
  const known = offers?.get(definition)
  if (known?.text === text) return known
  const measured = { text, hash: hashJson(decodeJson(text)), tokens: tokensOf(system) + tokensOf(declared) }
  offers?.set(definition, measured)
  return measured
}

/** @throws ValidationError `agent.wrong` for any other value, which the model would read as a text such as `undefined` */
function checkInstructions(agent: string, text: unknown): string {
  if (typeof text === 'string') return text
  throw failure('agent.wrong', { agent, problem: `its instructions gave ${show(text)} and not a text` })
}
