/** A function agent: code that carries out one step at a time. */
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { checkAgentName } from '../../context/index.ts'
import {
  checkOptions,
  checkSchema,
  encodeJson,
  failure,
  hashText,
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
  type Routing,
  type StepContext,
  type StepEntry,
} from '../agent-port.ts'
import { carriedByFunction } from '../model/content/carried-text.ts'
import { type Routed, routingOf } from './routing.ts'

export interface AgentMessage {
  readonly type: string
  readonly payload: Json
  readonly from: string
}

/** What a function agent is given, besides its input. */
export interface AgentContext extends StepContext {
  /** What it was asked when the run came to it: still so when it is run again with the `results` of what it invoked. */
  readonly task: Json
}

export interface AgentOptions<In, Out> extends AgentAccess {
  readonly name: string
  readonly description?: string
  readonly inputSchema?: Schema<In>
  /** Of what it passes on as a value or finishes with. */
  readonly outputSchema?: Schema<Out>
  readonly run: (
    input: In,
    ctx: AgentContext,
  ) => Out | Routed<unknown> | undefined | Promise<Out | Routed<unknown> | undefined>
  /** Answers `ctx.request`; without it `run` does, with the payload as input. */
  readonly serve?: (message: AgentMessage, ctx: AgentContext) => unknown
}

const known = ['name', 'description', 'inputSchema', 'outputSchema', 'run', 'serve', 'role', 'allow', 'deny']

/**
 * @param own names of its tools and helpers
 * @throws ValidationError for a role, allow or deny that is not one, or that names one of our tools with a slip
 */
export function checkAgentAccess(
  { role, allow, deny }: AgentAccess,
  agent: string,
  own: readonly string[] = [],
): AgentAccess {
  if (role !== undefined && (typeof role !== 'string' || role === ''))
    throw failure('agent.wrong', { agent, problem: 'its role is not a name' })
  for (const [option, list] of Object.entries({ allow, deny }))
    if (list !== undefined && !(Array.isArray(list) && list.every((name) => typeof name === 'string')))
      throw failure('agent.wrong', { agent, problem: `${option} is not a list of names` })
  checkGrants({ allow, deny }, own)
  return Object.freeze({
    ...(role === undefined ? {} : { role }),
    ...(allow === undefined ? {} : { allow: Object.freeze([...allow]) }),
    ...(deny === undefined ? {} : { deny: Object.freeze([...deny]) }),
  })
}

/** What comes of what `run` returns. */
type ValueOf<Returned> =
  Returned extends Routed<infer Finished> ? Finished : [Exclude<Returned, void>] extends [never] ? null : Returned

/** Without the output schema, which an overload of its own takes. */
type Unchecked<In> = Omit<AgentOptions<In, unknown>, 'run' | 'inputSchema' | 'outputSchema'>
type InputOf<Input extends Schema | undefined, In> = Input extends Schema ? StandardSchemaV1.InferInput<Input> : In

/**
 * Makes an agent of a function. Its schemas, or else the types of `run`, say to the compiler what it takes and gives.
 * @throws ValidationError for a name or option that is not allowed
 * @example
 * const check = defineAgent({ name: 'Check', inputSchema: z.object({ n: z.number() }), run: async ({ n }) => n > 3 })
 */
export function defineAgent<
  In = Json,
  Out = unknown,
  Output extends Schema<Out> = Schema<Out>,
  Input extends Schema | undefined = undefined,
>(
  options: AgentOptions<In, Out> & {
    readonly inputSchema?: Input | Schema<In>
    readonly outputSchema: Output | Schema<Out>
  },
): Agent<InputOf<Input, In>, StandardSchemaV1.InferOutput<Output>>
export function defineAgent<In = Json, Returned = unknown, Input extends Schema | undefined = undefined>(
  options: Unchecked<In> & {
    readonly inputSchema?: Input | Schema<In>
    readonly outputSchema?: never
    readonly run: (input: In, ctx: AgentContext) => Returned
  },
): Agent<InputOf<Input, In>, ValueOf<Awaited<Returned>>>
export function defineAgent<In = Json, Out = unknown>(options: AgentOptions<In, Out>): Agent<In, Out>
export function defineAgent<In, Out>(options: AgentOptions<In, Out>): Agent {
  checkOptions('defineAgent', options, known)
  const name = checkAgentName(options.name)
  if (typeof options.run !== 'function')
    throw failure('agent.wrong', { agent: name, problem: 'it has no function run' })
  const { run, serve, inputSchema, outputSchema, description } = options
  if (serve !== undefined && typeof serve !== 'function')
    throw failure('agent.wrong', { agent: name, problem: 'its serve must be a function' })
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
      const routing = routingOf(await run(input, contextOf(entry)), `What ${name} returned`)
      return checkRouting(carriedByFunction(routing, entry), outputSchema, name)
    },
    ...(serve
      ? {
          async serve(message, entry) {
            const reply = await serve(message, contextOf(entry))
            return reply === undefined ? null : (JSON.parse(encodeJson(reply, `The reply of ${name}`)) as Json)
          },
        }
      : {}),
  } satisfies Agent)
}

const contextOf = ({ ctx, request, input }: StepEntry): AgentContext => ({ ...ctx, task: request ?? input })

/** What leaves the agent as its value fits its schema; what it sends to others is held to theirs. */
async function checkRouting(routing: Routing, schema: Schema | undefined, name: string): Promise<Routing> {
  if (!schema || !('value' in routing)) return routing
  const value = await parse(schema, routing.value, `The output of ${name}`)
  return { ...routing, value: JSON.parse(encodeJson(value, `The output of ${name}`)) as Json }
}
