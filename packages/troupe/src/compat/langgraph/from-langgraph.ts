/** A compiled graph of LangGraph.js (or any runnable of LangChain) as an agent of Troupe. */
import type { Agent, ToolCallReport } from '../../agents/index.ts'
import { failure, isObject, type Json, readable, show, textOfValue } from '../../core/index.ts'
import { type ForeignCall, type ForeignOptions, foreignAgent, looseJson, unfinished } from '../foreign/foreign-agent.ts'

/** A graph of LangGraph.js, as far as `fromLangGraph` uses it. */
export interface LangGraphGraph {
  /** Executes the graph and resolves with its last state. */
  invoke(input: never, config?: never): Promise<unknown>
}

/** Options of `fromLangGraph`. */
export interface LangGraphOptions extends ForeignOptions {
  /** Returns the initial state; by default an object unchanged, and any other input as the text of a user's message. */
  readonly input?: (input: Json) => unknown
  /** Returns the answer from the last state; by default the text of the last of its `messages`, or the state itself. */
  readonly output?: (state: never) => unknown
  /** Returns further settings of the call, such as `recursionLimit` or `configurable`. */
  readonly settings?: (input: Json, call: ForeignCall) => object
}

/**
 * Returns a graph as an agent of Troupe. Tokens and tool calls are those that its callbacks report, subgraphs included. A
 * graph with a checkpointer stores its state under `configurable.thread_id`, which is `ForeignCall.thread` unless
 * `settings` names another one. A graph that stops at an interrupt fails with `compat.unfinished`.
 * @throws ValidationError for an invalid or unknown option
 * @example const analyst = fromLangGraph(graph.compile(), { name: 'Analyst', output: (state) => state.report })
 */
export function fromLangGraph(graph: LangGraphGraph, options: LangGraphOptions): Agent {
  return readable('fromLangGraph', () => {
    const name = show(options?.name)
    if (typeof graph?.invoke !== 'function')
      throw failure('agent.wrong', { agent: name, problem: 'the object has no method invoke()' })
    const { input: stateOf = initialState, output = answerOf, settings } = options
    return foreignAgent(options, {
      what: 'fromLangGraph',
      options: ['input', 'output', 'settings'],
      seen: [stateOf, output, settings ?? ''].join('\n'),
      async call(input, call, report) {
        const listener = new Listener(report)
        const more: { readonly callbacks?: readonly object[]; readonly configurable?: object } =
          settings?.(input, call) ?? {}
        const config = {
          ...more,
          signal: call.signal,
          configurable: { thread_id: call.thread, ...more.configurable },
          callbacks: [...(more.callbacks ?? []), listener.handlers()],
        }
        const state = await graph.invoke(stateOf(input) as never, config as never)
        const { __interrupt__: interrupts } = (state ?? {}) as { readonly __interrupt__?: readonly unknown[] }
        if (interrupts?.length)
          throw unfinished(name, 'its graph stopped at an interrupt; let Troupe ask the person instead')
        const value = output(state as never)
        if (value === undefined || value === '') throw unfinished(name, 'its last state contains no answer')
        return { value, toolCalls: listener.toolCalls() }
      },
    })
  })
}

const initialState = (input: Json): unknown =>
  isObject(input) ? input : { messages: [{ role: 'user', content: textOfValue(input) }] }

function answerOf(state: unknown): unknown {
  const { messages } = (state ?? {}) as { readonly messages?: readonly { readonly content?: unknown }[] }
  const content = Array.isArray(messages) ? messages.at(-1)?.content : state
  if (!Array.isArray(messages) || !Array.isArray(content)) return content
  return content.map((block: { readonly type?: string; readonly text?: string }) => block.text ?? '').join('')
}

interface Generations {
  readonly generations?: readonly (readonly {
    readonly message?: { readonly usage_metadata?: { readonly input_tokens?: number; readonly output_tokens?: number } }
  }[])[]
}

/** Listens to all calls of models and tools within one call: LangChain passes its callbacks to each node. */
class Listener {
  readonly #usage = { inputTokens: 0, outputTokens: 0 }
  readonly #report: (usage: { readonly inputTokens: number; readonly outputTokens: number }) => void
  readonly #calls = new Map<string, ToolCallReport>()

  constructor(report: (usage: { readonly inputTokens: number; readonly outputTokens: number }) => void) {
    this.#report = report
  }

  toolCalls(): readonly ToolCallReport[] {
    return [...this.#calls.values()]
  }

  handlers(): object {
    const end = (id: string, success: boolean, result: Json) => {
      const call = this.#calls.get(id)
      if (call) this.#calls.set(id, { ...call, success, result })
    }
    return {
      // LangChain awaits the handlers, so that none is called after the call has ended.
      awaitHandlers: true,
      handleLLMEnd: ({ generations }: Generations) => {
        for (const { message } of generations?.flat() ?? []) {
          this.#usage.inputTokens += message?.usage_metadata?.input_tokens ?? 0
          this.#usage.outputTokens += message?.usage_metadata?.output_tokens ?? 0
        }
        this.#report(this.#usage)
      },
      handleToolStart: (...[tool, input, id, , , , name]: readonly unknown[]) => {
        const fallback = (tool as { readonly id?: readonly string[] } | undefined)?.id?.at(-1)
        const call = { id: String(id), name: String(name ?? fallback ?? 'tool'), args: argumentsOf(input) }
        this.#calls.set(call.id, { ...call, success: false, result: null })
      },
      handleToolEnd: (output: unknown, id: string) =>
        end(id, true, looseJson((output as { readonly content?: unknown } | undefined)?.content ?? output)),
      handleToolError: (error: unknown, id: string) =>
        end(id, false, error instanceof Error ? error.message : String(error)),
    }
  }
}

function argumentsOf(input: unknown): Json {
  try {
    return typeof input === 'string' ? (JSON.parse(input) as Json) : looseJson(input)
  } catch {
    return String(input)
  }
}
