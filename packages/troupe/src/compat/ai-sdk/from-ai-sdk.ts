/** An agent of the AI SDK (`ToolLoopAgent`, or whatever has its `generate`) as one of ours. */
import type { Agent, StepReport } from '../../agents/index.ts'
import { failure, type Json, readable, show } from '../../core/index.ts'
import {
  type ForeignCall,
  type ForeignOptions,
  foreignAgent,
  inputText,
  looseJson,
  unfinished,
} from '../foreign/foreign-agent.ts'

/** As far as it is used here. */
export interface AiSdkAgent {
  readonly tools?: object
  generate(options: { readonly prompt: string; readonly abortSignal: AbortSignal }): PromiseLike<AiSdkResult>
}
interface AiSdkResult {
  readonly text: string
  /** Throws where there is none. */
  readonly output?: unknown
  readonly finishReason: string
  readonly usage?: { readonly inputTokens?: number | undefined; readonly outputTokens?: number | undefined }
  readonly steps?: readonly { readonly content: readonly AiSdkPart[] }[]
}
interface AiSdkPart {
  readonly type: string
  readonly toolCallId?: string
  readonly toolName?: string
  readonly input?: unknown
  readonly output?: unknown
  readonly error?: unknown
}

export interface AiSdkOptions extends ForeignOptions {
  /** What goes to `generate` besides, such as `options` of the agent, or `messages` in the place of the prompt. */
  readonly settings?: (input: Json, call: ForeignCall) => object
}

/**
 * Its answer is its output where it has an output form, else its text. One that stops before its answer (an approval of
 * the AI SDK's own, a tool without `execute`, a limit of steps) fails with `compat.unfinished`.
 * @throws ValidationError for an option that is wrong or unknown
 * @example
 * const writer = fromAiSdk(new ToolLoopAgent({ model, instructions: 'You write.' }), { name: 'Writer', effect: 'idempotent' })
 */
export function fromAiSdk(agent: AiSdkAgent, options: AiSdkOptions): Agent {
  return readable('fromAiSdk', () => {
    const name = show(options?.name)
    if (typeof agent?.generate !== 'function')
      throw failure('agent.wrong', { agent: name, problem: 'it is made from an object without generate()' })
    return foreignAgent(options, {
      what: 'fromAiSdk',
      options: ['settings'],
      seen: `${Object.keys(agent.tools ?? {}).sort()}\n${options.settings ?? ''}`,
      async call(input, call) {
        const more: { readonly messages?: unknown } = options.settings?.(input, call) ?? {}
        const prompt = more.messages === undefined ? { prompt: inputText(input) } : {}
        const result = await agent.generate({ ...prompt, ...more, abortSignal: call.signal } as never)
        if (!result) throw unfinished(name, 'generate() gave nothing')
        const parts = (result.steps ?? []).flatMap(({ content }) => content)
        return { value: answerOf(name, result, parts), usage: result.usage, toolCalls: toolCallsOf(parts) }
      },
    })
  })
}

function answerOf(name: string, result: AiSdkResult, parts: readonly AiSdkPart[]): unknown {
  if (parts.some(({ type }) => type === 'tool-approval-request'))
    throw unfinished(name, 'one of its tools waits for an approval of the AI SDK; let a tool of Troupe ask instead')
  let value: unknown
  try {
    value = result.output ?? result.text
  } catch (error) {
    throw unfinished(name, `${(error as Error).message} (finish reason ${result.finishReason})`)
  }
  if (value === '') throw unfinished(name, `its text is empty (finish reason ${result.finishReason})`)
  return value
}

function toolCallsOf(parts: readonly AiSdkPart[]): StepReport['toolCalls'] {
  const ends = new Map(
    parts
      .filter(({ type }) => type === 'tool-result' || type === 'tool-error')
      .map((part) => [part.toolCallId, part] as const),
  )
  return parts
    .filter(({ type }) => type === 'tool-call')
    .map(({ toolCallId = '', toolName = '', input }) => {
      const end = ends.get(toolCallId)
      const result = end?.type === 'tool-error' ? String(end.error) : looseJson(end?.output)
      return { id: toolCallId, name: toolName, args: looseJson(input), success: end?.type === 'tool-result', result }
    })
}
