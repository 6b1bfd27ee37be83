/** An agent of the AI SDK (`ToolLoopAgent`, or any object with its `generate`) as an agent of Troupe. */
import type { Agent, StepReport } from '../../agents/index.ts'
import { failure, type Json, readable, show, textOfValue } from '../../core/index.ts'
import { type ForeignCall, type ForeignOptions, foreignAgent, looseJson, unfinished } from '../foreign/foreign-agent.ts'

/** An agent of the AI SDK, as far as `fromAiSdk` uses it. */
export interface AiSdkAgent {
  /** The tools of the agent by name; a change of the names counts as a change of its code. */
  readonly tools?: object
  /** Generates an answer to a prompt. */
  generate(options: {
    /** The prompt; absent if `settings` returns `messages`. */
    readonly prompt: string
    /** Aborts when the step is cancelled or times out. */
    readonly abortSignal: AbortSignal
  }): PromiseLike<AiSdkResult>
}
/** The result of `generate`, as far as it is used here. */
interface AiSdkResult {
  /** The text of the answer; the answer if there is no output. */
  readonly text: string
  /** The structured output; reading it throws if there is none. */
  readonly output?: unknown
  /** Why the model stopped. */
  readonly finishReason: string
  /** The tokens of the call; absent if unknown. In AI SDK 6 they are those of the last step. */
  readonly usage?: AiSdkUsage
  /** The tokens of all steps. */
  readonly totalUsage?: AiSdkUsage
  /** The steps of the agent. */
  readonly steps?: readonly {
    /** The parts of the step, such as tool calls and their results. */
    readonly content: readonly AiSdkPart[]
  }[]
}
/** Tokens, as far as they are used here. */
interface AiSdkUsage {
  /** The input tokens. */
  readonly inputTokens?: number | undefined
  /** The output tokens. */
  readonly outputTokens?: number | undefined
}
/** A part of a step, as far as it is used here. */
interface AiSdkPart {
  /** The kind of the part, such as `tool-call`, `tool-result` or `tool-error`. */
  readonly type: string
  /** The id of the tool call. */
  readonly toolCallId?: string
  /** The name of the tool. */
  readonly toolName?: string
  /** The arguments of a tool call. */
  readonly input?: unknown
  /** The result of a tool call. */
  readonly output?: unknown
  /** The error of a tool call. */
  readonly error?: unknown
}

/** Options of `fromAiSdk`. */
export interface AiSdkOptions extends ForeignOptions {
  /** Returns further arguments of `generate`, such as `options` of the agent, or `messages` in place of the prompt. */
  readonly settings?: (input: Json, call: ForeignCall) => object
}

/**
 * Returns an agent of the AI SDK as an agent of Troupe. Its answer is its output if it has an output form, otherwise
 * its text. A call that stops before its answer (an approval of the AI SDK, a tool without `execute`, a limit of steps)
 * fails with `compat.unfinished`.
 * @throws ValidationError for an invalid or unknown option
 * @example
 * const writer = fromAiSdk(new ToolLoopAgent({ model, instructions: 'You write.' }), { name: 'Writer', effect:
 * 'idempotent' })
 */
export function fromAiSdk(agent: AiSdkAgent, options: AiSdkOptions): Agent {
  return readable('fromAiSdk', () => {
    const name = show(options?.name)
    if (typeof agent?.generate !== 'function')
      throw failure('agent.wrong', { agent: name, problem: 'the object has no method generate()' })
    return foreignAgent(options, {
      what: 'fromAiSdk',
      options: ['settings'],
      seen: `${Object.keys(agent.tools ?? {}).sort()}\n${options.settings ?? ''}`,
      async call(input, call, report) {
        const more: { readonly messages?: unknown } = options.settings?.(input, call) ?? {}
        const prompt = more.messages === undefined ? { prompt: textOfValue(input) } : {}
        const result = await agent.generate({ ...prompt, ...more, abortSignal: call.signal } as never)
        if (!result) throw unfinished(name, 'generate() gave nothing')
        report(result.totalUsage ?? result.usage)
        const parts = (result.steps ?? []).flatMap(({ content }) => content)
        return { value: answerOf(name, result, parts), toolCalls: toolCallsOf(parts) }
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
