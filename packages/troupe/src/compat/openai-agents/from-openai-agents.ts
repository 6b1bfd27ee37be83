/** An agent of the OpenAI Agents SDK as an agent of Troupe. */
import type { Agent, StepReport } from '../../agents/index.ts'
import { failure, type Json, readable, textOfValue } from '../../core/index.ts'
import { type ForeignCall, type ForeignOptions, foreignAgent, looseJson, unfinished } from '../foreign/foreign-agent.ts'

/** An agent of the OpenAI Agents SDK, as far as `fromOpenAiAgents` uses it. */
export interface OpenAiAgent {
  /** The name of the agent. */
  readonly name: string
}
/** The SDK's `run`, or that of a `Runner`. */
export type OpenAiRun = (agent: never, input: never, options?: never) => Promise<unknown>

interface OpenAiResult {
  readonly finalOutput?: unknown
  readonly interruptions?: readonly { readonly name?: string }[]
  readonly newItems?: readonly { readonly type: string; readonly rawItem?: OpenAiItem }[]
  readonly runContext?: { readonly usage?: OpenAiUsage }
  readonly rawResponses?: readonly { readonly usage?: OpenAiUsage }[]
}
interface OpenAiUsage {
  readonly inputTokens?: number
  readonly outputTokens?: number
}
interface OpenAiItem {
  readonly callId?: string
  readonly name?: string
  readonly arguments?: string
  readonly output?: unknown
}

/** Options of `fromOpenAiAgents`. */
export interface OpenAiAgentsOptions extends Omit<ForeignOptions, 'name'> {
  /** The name of the agent in Troupe; that of the SDK's agent by default. */
  readonly name?: string
  /** `run` of `@openai/agents`, or `(...args) => runner.run(...args)`, whose settings apply. */
  readonly run: OpenAiRun
  /** Returns the input of the run; by default a text unchanged, and any other input as JSON. */
  readonly input?: (input: Json) => unknown
  /** Returns further options of `run`, such as `context`, `session` or `maxTurns`. */
  readonly settings?: (input: Json, call: ForeignCall) => object
}

/**
 * Returns an agent of the SDK as an agent of Troupe. Its answer is the final output; its hand-offs are not visible outside
 * the SDK. A call that stops for an approval of the SDK fails with `compat.unfinished`.
 * @throws ValidationError for an invalid or unknown option
 * @example const triage = fromOpenAiAgents(new Agent({ name: 'Triage', instructions }), { run, effect: 'idempotent' })
 */
export function fromOpenAiAgents(agent: OpenAiAgent, options: OpenAiAgentsOptions): Agent {
  return readable('fromOpenAiAgents', () => {
    const name = options?.name ?? String(agent?.name)
    const { run, input: inputOf = textOfValue, settings } = options
    if (typeof run !== 'function')
      throw failure('agent.wrong', { agent: name, problem: 'run must be a function; hand over run of @openai/agents' })
    return foreignAgent(
      { ...options, name },
      {
        what: 'fromOpenAiAgents',
        options: ['run', 'input', 'settings'],
        seen: [agent.name, inputOf, settings ?? ''].join('\n'),
        async call(input, call, report) {
          const runOptions = { ...settings?.(input, call), signal: call.signal }
          const result = (await run(agent as never, inputOf(input) as never, runOptions as never)) as
            | OpenAiResult
            | undefined
          if (!result) throw unfinished(name, 'run() gave nothing')
          report(usageOf(result))
          const waiting = result.interruptions?.map((item) => item.name ?? 'a tool') ?? []
          if (waiting.length > 0)
            throw unfinished(
              name,
              `${waiting.join(', ')} waits for an approval of the SDK; let a tool of Troupe ask instead`,
            )
          const value = result.finalOutput
          if (value === undefined || value === '') throw unfinished(name, 'it has no final output')
          return { value, toolCalls: toolCallsOf(result.newItems ?? []) }
        },
      },
    )
  })
}

/** Older versions of the SDK have no `runContext`; their responses have the usage of each model call. */
function usageOf({ runContext, rawResponses = [] }: OpenAiResult): OpenAiUsage {
  if (runContext?.usage) return runContext.usage
  const sum = (key: keyof OpenAiUsage) => rawResponses.reduce((total, { usage }) => total + (usage?.[key] ?? 0), 0)
  return { inputTokens: sum('inputTokens'), outputTokens: sum('outputTokens') }
}

function toolCallsOf(items: NonNullable<OpenAiResult['newItems']>): StepReport['toolCalls'] {
  const raw = (type: string) =>
    items.flatMap((item) => (item.type === type && item.rawItem?.callId !== undefined ? [item.rawItem] : []))
  const outputs = new Map(raw('tool_call_output_item').map((item) => [item.callId, item.output]))
  return raw('tool_call_item').map(({ callId = '', name = '', arguments: args }) => {
    // A call without an output has failed, and the run of the SDK with it.
    const result = looseJson(outputs.get(callId))
    return { id: callId, name, args: argumentsOf(args), success: outputs.has(callId), result }
  })
}

function argumentsOf(args: string | undefined): Json {
  try {
    return JSON.parse(args ?? 'null') as Json
  } catch {
    return args ?? null
  }
}
