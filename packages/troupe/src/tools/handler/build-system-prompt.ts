/** Builds the part of a system prompt with the context entries that an agent can see, within a budget of tokens. */

import { type ContextClient, type Entry, isAllowed, isToolContext } from '../../context/index.ts'
import { checkOptions, checkText, invalidInput, type Json, listOf, readable } from '../../core/index.ts'
import type { ToolHandler } from './tool-handler.ts'

/** The options of `buildSystemPrompt`. */
export interface SystemPromptOptions {
  /**
   * A text in which the first `{context}` is replaced; other braces stay as they are. Without `{context}`, the context
   * follows the text.
   */
  readonly template?: string
  /** A prompt that stands before the context or the template. */
  readonly existing?: string
  /** The keys of the entries, in this order; a repeated key counts once. By default all visible entries. */
  readonly keys?: readonly string[]
  /** The text in place of the context if no entry is visible; empty by default. */
  readonly fallback?: string
  /** The line above the context; `[Context]` by default, false for none. */
  readonly header?: string | false
  /**
   * The highest number of tokens of the entries, with 4 characters as one token; 4,000 by default. Entries that do not
   * fit are omitted and counted in the last line.
   */
  readonly maxTokens?: number
}

const charactersPerToken = 4

/**
 * Builds a system prompt with the context entries that an agent can see, each with its author and taint labels.
 * @param agent the handle of the agent
 * @param agent.context the context client, whose entries the prompt holds
 * @param agent.tools the tools of the agent. If they are offered to a model too, a prompt that holds all entries is
 * reported as `prompt.repeated`: name the `keys`, or deny `get_context`
 * @throws ValidationError for an invalid option or agent
 * @example const prompt = await buildSystemPrompt(support, { template: 'You help customers.\n\n{context}' })
 */
export async function buildSystemPrompt(
  agent: { readonly context: ContextClient; readonly tools?: Pick<ToolHandler, 'prompted'> },
  options: SystemPromptOptions = {},
): Promise<string> {
  checkOptions('buildSystemPrompt', options, ['template', 'existing', 'keys', 'fallback', 'header', 'maxTokens'])
  const { template, existing, keys, fallback = '', header = '[Context]', maxTokens = 4_000 } = options
  if (!Number.isInteger(maxTokens) || maxTokens < 1)
    throw invalidInput('maxTokens', 'it must be a whole number above zero')
  for (const [option, value] of Object.entries({ template, existing, fallback }))
    if (value !== undefined) checkText(option, value)
  if (header !== false) checkText('header', header)
  if (keys !== undefined) listOf('keys', keys)
  if (!readable('The agent', () => typeof agent?.context?.list === 'function'))
    throw invalidInput('The agent', "it is not an agent's handle, as user.agent(name) gives")
  const { lines, isComplete } = await linesOf(agent.context, keys, maxTokens * charactersPerToken)
  if (isComplete && lines.length > 0) agent.tools?.prompted()
  const context = lines.length === 0 ? fallback : [...(header === false ? [] : [header]), ...lines].join('\n')
  return [existing, inTemplate(template, context)].filter((part) => part !== undefined && part !== '').join('\n\n')
}

function inTemplate(template: string | undefined, context: string): string {
  if (template === undefined) return context
  const at = template.indexOf('{context}')
  if (at < 0) return [template, context].filter(Boolean).join('\n\n')
  return template.slice(0, at) + context + template.slice(at + '{context}'.length)
}

async function linesOf(
  context: ContextClient,
  keys: readonly string[] | undefined,
  budget: number,
): Promise<{ readonly lines: readonly string[]; readonly isComplete: boolean }> {
  const lines: string[] = []
  // The prompt refers to `get_context` only if the agent may call it.
  const may = !isToolContext(context) || context[isAllowed]('get_context')
  const more = (what: string, how: string) => `(${what}${may ? `: ${how}` : ''}.)`
  let left = budget
  let omitted = 0
  const add = (entry: Entry) => {
    const line = lineOf(entry, context.agent)
    if (line.length > left) omitted++
    else {
      lines.push(line)
      left -= line.length + 1
    }
  }
  if (keys) {
    for (const entry of await Promise.all([...new Set(keys)].map((key) => context.getEntry(key)))) if (entry) add(entry)
  } else
    for (let cursor: string | undefined; ; ) {
      const page = await context.list({ limit: 100, ...(cursor === undefined ? {} : { cursor }) })
      for (const entry of page.items) add(entry)
      cursor = page.cursor
      if (cursor === undefined) break
      // The number of further omitted entries is not needed.
      if (omitted > 0)
        return { lines: [...lines, more('More than fits here', 'use get_context for the rest')], isComplete: false }
    }
  if (omitted === 0) return { lines, isComplete: keys === undefined }
  return { lines: [...lines, more(`${omitted} more`, 'use get_context for them')], isComplete: false }
}

/** The author is the last writer, because the owner may allow others to write. */
function lineOf({ key, value, provenance, taint }: Entry, reader: string): string {
  const { agent } = provenance
  const marks = [...(agent === reader ? [] : [`from ${oneLine(agent)}`]), ...taint]
  return `${title(key)}: ${shown(value)}${marks.length > 0 ? ` (${marks.join(', ')})` : ''}`
}
const breaks = /\r\n|[\n\v\f\r\u0085\u2028\u2029]/g
/** Line breaks that JSON does not escape; the lines of indented JSON are indented already. */
const unescaped = /[\u0085\u2028\u2029]/g
const oneLine = (text: string) => text.replace(breaks, ' ')

/** Indents the line breaks of a value, so that no line of it looks like another entry. */
const shown = (value: Json) =>
  typeof value === 'string'
    ? value.replace(breaks, '$&  ')
    : typeof value === 'object' && value !== null
      ? JSON.stringify(value, null, 2).replace(unescaped, '$&  ')
      : String(value)

/** `company_vision` is Company Vision. */
const title = (key: string) =>
  oneLine(key)
    .replaceAll('_', ' ')
    .replace(/\p{L}+/gu, (word) => word.slice(0, 1).toUpperCase() + word.slice(1))
