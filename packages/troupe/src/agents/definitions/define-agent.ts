/** A function agent: code that executes one step at a time. */
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { checkAgentName } from '../../context/index.ts'
import {
  checkFunction,
  checkOptions,
  checkSchema,
  copyJson,
  type Fitting,
  failure,
  hashText,
  isListOf,
  isText,
  type Json,
  parse,
  readable,
  type Schema,
} from '../../core/index.ts'
import { checkGrants } from '../../security/index.ts'
import {
  type Agent,
  type AgentAccess,
  checkStepEntry,
  type HistoryLine,
  type ReceivedRequest,
  type Routing,
  type StepContext,
  type StepEntry,
} from '../agent-port.ts'
import { carriedByFunction } from '../model/content/carried-text.ts'
import { type Routed, routingOf } from './routing.ts'

/** The request that `serve` answers. */
export type AgentMessage = ReceivedRequest

/** The context of a function agent, the second argument of `run`. */
export interface AgentContext extends StepContext {
  /**
   * The input with which the run first reached the agent, also when it is run again with the `results` of its
   * invocations.
   */
  readonly task: Json
  /**
   * What was said before, the oldest line first: in the thread that the run or the session continues, or in the hand-off to
   * this agent. Empty for neither.
   */
  readonly history: readonly HistoryLine[]
}

/** The options of `defineAgent`. */
export interface AgentOptions<In, Out> extends AgentAccess {
  /** The name, unique in a topology; 1 to 256 bytes of UTF-8. `host` and `User` are reserved. */
  readonly name: string
  /** What the agent does: models that may invoke it, hand off to it or call it like a tool read this text. */
  readonly description?: string
  /** The schema of the input. Invalid input fails the step; the `{ results }` of invocations are not checked. */
  readonly inputSchema?: Schema<In>
  /** The schema of the value that it returns or finishes with. */
  readonly outputSchema?: Schema<Out>
  /**
   * Executes a step. A plain value goes along the only outgoing edge or back to the invoking agent; `invoke`, `handOff`
   * and `finish` route explicitly. `undefined` counts as null. After a crash the function is executed again, with the
   * recorded results of `ctx`.
   */
  readonly run: (
    input: In,
    ctx: AgentContext,
  ) => Out | Routed<unknown> | undefined | Promise<Out | Routed<unknown> | undefined>
  /** Answers `ctx.request`; by default `run` does, with the payload as input. */
  readonly serve?: (message: AgentMessage, ctx: AgentContext) => unknown
}

const known = ['name', 'description', 'inputSchema', 'outputSchema', 'run', 'serve', 'role', 'allow', 'deny'] as const

/**
 * @param own the names of its tools and helpers
 * @throws ValidationError for an invalid role, allow or deny, or a misspelled name of a tool of Troupe
 */
export function checkAgentAccess(
  { role, allow, deny }: AgentAccess,
  agent: string,
  own: readonly string[] = [],
): AgentAccess {
  if (role !== undefined && (typeof role !== 'string' || role === ''))
    throw failure('agent.wrong', { agent, problem: 'its role must be a name' })
  for (const [option, list] of Object.entries({ allow, deny }))
    if (list !== undefined && !isListOf(list, isText))
      throw failure('agent.wrong', { agent, problem: `${option} is not a list of names` })
  checkGrants({ allow, deny }, own)
  return Object.freeze({
    ...(role === undefined ? {} : { role }),
    ...(allow === undefined ? {} : { allow: Object.freeze([...allow]) }),
    ...(deny === undefined ? {} : { deny: Object.freeze([...deny]) }),
  })
}

/** The output type of an agent, from the return type of `run`. */
type ValueOf<Returned> =
  Returned extends Routed<infer Finished> ? Finished : [Exclude<Returned, void>] extends [never] ? null : Returned

/** The options without those that the overloads declare. */
type Unchecked<In> = Omit<AgentOptions<In, unknown>, 'run' | 'inputSchema' | 'outputSchema'>
type InputOf<Input extends Schema | undefined, In> = Input extends Schema ? StandardSchemaV1.InferInput<Input> : In

/**
 * Defines an agent by a function. Its schemas, or the types of `run`, declare its input and output to the compiler.
 * @throws ValidationError for an invalid name or option
 * @example
 * const check = defineAgent({ name: 'Check', inputSchema: z.object({ n: z.number() }), run: async ({ n }) => n > 3 })
 */
export function defineAgent<
  In = Json,
  Output extends Schema = Schema,
  const Returned extends Fitting<StandardSchemaV1.InferInput<Output>> | Routed<unknown> | undefined = undefined,
  Input extends Schema | undefined = undefined,
>(
  options: Unchecked<In> & {
    /** The schema of the input. Invalid input fails the step; the `{ results }` of invocations are not checked. */
    readonly inputSchema?: Input | Schema<In>
    /** The schema of the value that it returns or finishes with. */
    readonly outputSchema: Output
    /**
     * Executes a step. A plain value goes along the only outgoing edge or back to the invoking agent; `invoke`, `handOff`
     * and `finish` route explicitly.
     */
    readonly run: (input: In, ctx: AgentContext) => Returned | Promise<Returned>
  },
): Agent<InputOf<Input, In>, StandardSchemaV1.InferOutput<Output>>
export function defineAgent<In = Json, Returned = unknown, Input extends Schema | undefined = undefined>(
  options: Unchecked<In> & {
    /** The schema of the input. Invalid input fails the step; the `{ results }` of invocations are not checked. */
    readonly inputSchema?: Input | Schema<In>
    /** Absent: the return type of `run` declares the output. */
    readonly outputSchema?: never
    /**
     * Executes a step. A plain value goes along the only outgoing edge or back to the invoking agent; `invoke`, `handOff`
     * and `finish` route explicitly.
     */
    readonly run: (input: In, ctx: AgentContext) => Returned
  },
): Agent<InputOf<Input, In>, ValueOf<Awaited<Returned>>>
export function defineAgent<In = Json, Out = unknown>(options: AgentOptions<In, Out>): Agent<In, Out>
export function defineAgent<In, Out>(options: AgentOptions<In, Out>): Agent {
  checkOptions('defineAgent', options, known)
  const name = checkAgentName(options.name)
  checkFunction(`The run of ${name}`, options.run)
  const { run, serve, inputSchema, outputSchema, description } = options
  if (serve !== undefined) checkFunction(`The serve of ${name}`, serve)
  if (description !== undefined && typeof description !== 'string')
    throw failure('agent.wrong', { agent: name, problem: 'its description is not a text' })
  checkSchema(`The inputSchema of ${name}`, inputSchema)
  checkSchema(`The outputSchema of ${name}`, outputSchema)
  const source = readable(`The function of ${name}`, () => `${run}\n${serve ?? ''}`)
  return Object.freeze({
    name,
    access: checkAgentAccess(options, name),
    fingerprint: hashText(`${name}\n${source}`),
    source,
    ...(description === undefined ? {} : { description }),
    ...(inputSchema ? { inputSchema: inputSchema as Schema } : {}),
    ...(outputSchema ? { outputSchema: outputSchema as Schema } : {}),
    async step(entry) {
      checkStepEntry(name, entry)
      const input =
        inputSchema && !entry.results
          ? await parse(inputSchema, entry.input, `The input of ${name}`)
          : (entry.input as In)
      const routing = routingOf(await run(input, contextOf(entry)), `The result of ${name}`)
      return checkRouting(carriedByFunction(routing, entry), outputSchema, name)
    },
    ...(serve
      ? {
          async serve(message, entry) {
            const reply = await serve(message, contextOf(entry))
            return reply === undefined ? null : copyJson(reply, `The reply of ${name}`)
          },
        }
      : {}),
  } satisfies Agent)
}

const contextOf = ({ ctx, request, input, history }: StepEntry): AgentContext => ({
  ...ctx,
  task: request ?? input,
  history: history?.lines ?? [],
})

/** The value of the agent must fit its schema; the values that it sends to others must fit theirs. */
async function checkRouting(routing: Routing, schema: Schema | undefined, name: string): Promise<Routing> {
  if (!schema || !('value' in routing)) return routing
  const value = await parse(schema, routing.value, `The output of ${name}`)
  return { ...routing, value: copyJson(value, `The output of ${name}`) }
}
