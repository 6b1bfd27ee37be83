/** A tool handler that answers from a script, for tests of code that calls tools itself. */
import {
  canonicalJson,
  checkOptions,
  checkText,
  copyJson,
  failure,
  invalidInput,
  isList,
  type Json,
  nearest,
  objectOf,
  show,
} from '../core/index.ts'
import type { ToolHandler } from '../tools/index.ts'

type Result = Awaited<ReturnType<ToolHandler['call']>>
type Answer = Result | ((args: Json, call: number) => Result | Promise<Result>)

/** A call of a scripted tool. */
export interface ToolCallMade {
  /** The name of the tool. */
  readonly name: string
  /** The arguments, as JSON. */
  readonly args: Json
}

/**
 * A tool handler that answers from a script, for tests of code that calls tools itself.
 * A tool with one result returns it at each call; a tool with a list returns its results in order.
 * @example
 * const tools = new ScriptedToolHandler({ get_context: { success: true, value: 3 }, push_context: [{ success: true }] })
 * await code(tools)
 * tools.assertCalledWith('push_context', { key: 'a', value: 4 })
 * tools.verify()
 */
export class ScriptedToolHandler implements Pick<ToolHandler, 'agent' | 'call' | 'definitions' | 'toolNames'> {
  /** The name of the agent; `Tested` by default. */
  readonly agent: string
  /** The calls, in their order. */
  readonly calls: ToolCallMade[] = []
  readonly #mockResults: Map<string, { readonly sequence: Answer[] } | { readonly always: Answer; used: boolean }>
  readonly #unexpected: string[] = []

  constructor(
    mockResults: Readonly<Record<string, Answer | readonly Answer[]>>,
    options: { readonly agent?: string } = {},
  ) {
    checkOptions('ScriptedToolHandler', options, ['agent'])
    this.agent = checkText('ScriptedToolHandler.agent', options.agent ?? 'Tested')
    this.#mockResults = new Map(
      Object.entries(objectOf('The results of ScriptedToolHandler', mockResults)).map(([name, answer]) => [
        name,
        isList(answer) ? { sequence: [...answer] } : { always: answer as Answer, used: false },
      ]),
    )
  }

  /** Returns a definition for each tool of the script, with a schema that accepts any object. */
  definitions(): ReturnType<ToolHandler['definitions']> {
    const names = this.toolNames() as readonly ReturnType<ToolHandler['definitions']>[number]['name'][]
    return names.map((name) => ({
      name,
      description: `The scripted ${name}.`,
      parameters: { type: 'object' },
    }))
  }

  /** Returns the names of the tools of the script. */
  toolNames(): readonly string[] {
    return [...this.#mockResults.keys()]
  }

  /**
   * Returns the next result of the tool. A tool that the script does not have gets `success: false` with `tool.unknown`, and one
   * whose results are used up with `tool.failed`; `verify` reports both.
   */
  async call(name: string, args: unknown = {}): Promise<Result> {
    checkText('ScriptedToolHandler.call', name)
    const made = { name, args: copyJson(args, `The arguments of ${show(name)}`) }
    this.calls.push(made)
    const answers = this.#mockResults.get(name)
    const answer = !answers ? undefined : 'sequence' in answers ? answers.sequence.shift() : answers.always
    if (answers && 'used' in answers) answers.used = true
    if (answer !== undefined) return typeof answer === 'function' ? answer(made.args, this.calls.length) : answer
    this.#unexpected.push(name)
    const count = this.calls.filter((call) => call.name === name).length
    const error = answers
      ? failure('tool.failed', {
          tool: name,
          problem: `call ${count} has no result, because its script has ${count - 1}`,
        })
      : failure('tool.unknown', {
          tool: name,
          nearest: nearest(name, this.#mockResults.keys()) ?? this.toolNames().join(', '),
        })
    return { success: false, error: error.message, code: error.code, ...(error.hint ? { suggestion: error.hint } : {}) }
  }

  /**
   * Checks that the tool was called with exactly these arguments.
   * @throws ValidationError with the calls that there were
   */
  assertCalledWith(name: string, args: Json): void {
    checkText('assertCalledWith', name)
    const wanted = canonicalJson(copyJson(args, 'The arguments of assertCalledWith'))
    const calls = this.calls.filter((call) => call.name === name)
    if (calls.some((call) => canonicalJson(call.args) === wanted)) return
    const found = calls.map((call) => canonicalJson(call.args)).join(' and ') || 'not called at all'
    throw invalidInput(`The call of ${name}`, `it must have the arguments ${wanted}, and had ${found}`)
  }

  /**
   * Checks that the script was used completely.
   * @throws ValidationError for results that were not used, and for calls without a result
   */
  verify(): void {
    const left = [...this.#mockResults].flatMap(([name, answers]) => {
      if ('sequence' in answers)
        return answers.sequence.length > 0
          ? [`${name} was not called for ${answers.sequence.length} of its results`]
          : []
      return answers.used ? [] : [`${name} was never called`]
    })
    const problems = [...left, ...this.#unexpected.map((name) => `${name} had no answer left`)]
    if (problems.length > 0) throw invalidInput('The script of the tools', problems.join('; '))
  }
}
