/** A function that does not use Troupe as an agent: each call of it is one effect. */
import type { Agent } from '../../agents/index.ts'
import { failure, readable } from '../../core/index.ts'
import { type ForeignCall, type ForeignOptions, foreignAgent } from '../foreign/foreign-agent.ts'

/** The context of one call of the function. */
export interface FunctionCall extends ForeignCall {
  /** Reports used tokens; several reports add up. */
  used(tokens: {
    /** Input tokens; 0 by default. */
    readonly inputTokens?: number
    /** Output tokens; 0 by default. */
    readonly outputTokens?: number
  }): void
}

/**
 * Returns a function as an agent of Troupe. The whole call is one effect, which is either recorded or not. The function of
 * `defineAgent` may be executed again, with its recorded effects. The answer is JSON.
 * @throws ValidationError for an invalid or unknown option
 * @example
 * const translate = fromFunction(async (text: string, { signal }) => legacy.translate(text, { signal }), {
 *   name: 'Translator',
 *   effect: 'idempotent',
 * })
 */
export function fromFunction<In>(fn: (input: In, call: FunctionCall) => unknown, options: ForeignOptions): Agent {
  return readable('fromFunction', () => {
    if (typeof fn !== 'function')
      throw failure('agent.wrong', { agent: String(options?.name), problem: 'the value must be a function' })
    return foreignAgent(options, {
      what: 'fromFunction',
      options: [],
      seen: String(fn),
      async call(input, call, report) {
        const usage = { inputTokens: 0, outputTokens: 0 }
        const used: FunctionCall['used'] = ({ inputTokens = 0, outputTokens = 0 }) => {
          usage.inputTokens += inputTokens
          usage.outputTokens += outputTokens
          report(usage)
        }
        return { value: await fn(input as In, { ...call, used }) }
      },
    })
  })
}
