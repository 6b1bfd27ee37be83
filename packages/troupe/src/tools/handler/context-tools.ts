/** The tools on entries, as models see them: snake_case, `ttl` in seconds. */
import { z } from 'zod'
import {
  type BatchOperation,
  type BatchOperationResult,
  isToolContext,
  listWithRight,
  type PushOptions,
} from '../../context/index.ts'
import { type Duration, decodeCursor, encodeCursor, failure, type Json } from '../../core/index.ts'
import { type JsonObject, optionalArgument, orUndefined, plain, seconds, type ToolSpec, toolSpec } from './tool-spec.ts'

const key = z.string().describe('The key, such as orders.17.status.')
const names = (description: string) => optionalArgument(z.array(z.string()), description)
const limit = optionalArgument(z.int().min(1).max(1_000), 'The maximal number of results, 1 to 1000; 50 by default.')
const cursor = optionalArgument(z.string(), 'The cursor of the previous answer, to continue from there.')
const prefix = optionalArgument(z.string(), 'Only keys that begin with this.')
const pattern = optionalArgument(
  z.string(),
  'Only keys of this form: * is any run of characters, dots included; ? is one character.',
)
const anyJson = z.unknown().refine((value) => value !== undefined, 'is missing')

const pushed = {
  audience: optionalArgument(z.enum(['everyone', 'owner']), 'Who may read: everyone of the team, or only you.'),
  subscribers: names('Agents that may read, by name. An empty list: only you.'),
  topics: names('Topics whose subscribers may read. An empty list: only you.'),
  writers: optionalArgument(
    z.union([z.enum(['owner', 'readers']), z.array(z.string())], 'it must be owner, readers, or a list of agents'),
    'Who else may write: owner (no other agent), readers, or agents by name.',
  ),
  ttl: seconds('Seconds until it expires; above zero.'),
  lifecycle: optionalArgument(
    z.string(),
    'A named lifetime instead of ttl: session, cache, temporary, daily or permanent.',
  ),
  if_version: optionalArgument(
    z.int().min(0),
    'Write only if the entry has this version; 0: only if it does not exist.',
  ),
}
type PushArguments = z.output<z.ZodObject<typeof pushed>>

/** Seconds as a duration; finer than a millisecond counts as one. */
const durationOf = (ttl: number): Duration => `${Math.max(1, Math.round(ttl * 1_000))}ms`

function pushOptions(args: PushArguments): Omit<PushOptions, 'signal'> {
  return {
    ...(args.audience ? { audience: args.audience } : {}),
    ...(args.subscribers ? { subscribers: args.subscribers } : {}),
    ...(args.topics ? { topics: args.topics } : {}),
    ...(args.writers ? { writers: args.writers } : {}),
    ...(typeof args.ttl === 'number' ? { ttl: durationOf(args.ttl) } : {}),
    ...(typeof args.lifecycle === 'string' ? { lifecycle: args.lifecycle } : {}),
    ...(typeof args.if_version === 'number' ? { ifVersion: args.if_version } : {}),
  }
}
const entriesOf = (pairs: Iterable<readonly [string, Json]>): JsonObject => Object.fromEntries(pairs)

const getContext = toolSpec({
  name: 'get_context',
  description:
    'Reads shared knowledge: one key, several keys, or everything that you can see without either. Keys that you cannot see are omitted.',
  arguments: {
    key: optionalArgument(z.string(), 'One key. It is an error if it has no entry that you can see.'),
    keys: names('Several keys.'),
    limit: optionalArgument(
      z.int().min(1).max(1_000),
      'The maximal number of results, 1 to 1000; by default all of the keys, or 50.',
    ),
    cursor,
  },
  async run({ agent, context }, args) {
    if (typeof args.key === 'string') {
      if (args.keys && args.keys.length > 0)
        throw failure('tool.arguments', { tool: 'get_context', problem: 'key and keys: give one of them' })
      const entry = await context.getEntry(args.key)
      if (!entry) throw failure('context.missing', { key: args.key })
      const { key, value, version, owner } = entry
      const found = { context: entriesOf([[key, value]]), keys_requested: [key], keys_found: [key] }
      return { agent, key, value, version, owner, ...found, message: `Retrieved ${key}` }
    }
    if (args.keys) {
      const { part, cursor } = partOf([...new Set(args.keys)], args)
      const found = await context.getMany(part)
      const keysFound = [...found.keys()]
      return plain({
        agent,
        context: entriesOf(found),
        keys_requested: args.keys,
        keys_found: keysFound,
        cursor,
        message: retrieved(keysFound.length),
      })
    }
    const asked = { limit: args.limit ?? 50, ...(args.cursor ? { cursor: args.cursor } : {}) }
    const page = await (isToolContext(context) ? context[listWithRight]('get_context', asked) : context.list(asked))
    const pairs = page.items.map(({ key, value }) => [key, value] as const)
    return plain({
      agent,
      context: entriesOf(pairs),
      keys_found: pairs.map(([key]) => key),
      cursor: page.cursor,
      message: retrieved(pairs.length),
    })
  },
})
/** Returns the named keys after the cursor, which is the last key of the previous answer. */
function partOf(
  keys: readonly string[],
  { limit, cursor }: { readonly limit?: number | null | undefined; readonly cursor?: string | null | undefined },
) {
  const from = cursor ? keys.indexOf(decodeCursor(cursor)) + 1 : 0
  if (cursor && from === 0) throw failure('cursor.invalid')
  const part = keys.slice(from, limit == null ? undefined : from + limit)
  const last = from + part.length < keys.length ? part.at(-1) : undefined
  return { part, cursor: last === undefined ? undefined : encodeCursor(last) }
}
const retrieved = (count: number) => `Retrieved ${count} context items`

/**
 * Parses a text that is a JSON object or list, because models write objects as text. A text that would change is not
 * parsed.
 */
function parsed(value: Json): { readonly value: Json; readonly parsed: boolean } {
  if (typeof value !== 'string' || !/^\s*[[{]/.test(value)) return { value, parsed: false }
  try {
    return { value: JSON.parse(value, /\d{16}|-0|\de/i.test(value) ? exact : undefined) as Json, parsed: true }
  } catch {
    return { value, parsed: false }
  }
}

/** Preserves long integers, which a number would round. @throws RangeError for -0 and 1e999, which cannot be stored */
function exact(_: string, value: unknown, { source }: { readonly source?: string } = {}): unknown {
  if (typeof value === 'number' && (Object.is(value, -0) || !Number.isFinite(value)))
    throw new RangeError(`${source} is not a number that is stored`)
  const isExact = Number.isSafeInteger(value) || source === undefined || !/^-?\d+$/.test(source)
  if (isExact || BigInt(source) === BigInt(value as number)) return value
  throw new RangeError(`${source} has more digits than a number keeps`)
}

const pushContext = toolSpec({
  name: 'push_context',
  security: true,
  description:
    'Writes shared knowledge under a key. Everyone of the team may read a new entry unless you name an audience, subscribers or topics; an entry that exists keeps its audience and lifetime unless you name others.',
  arguments: {
    key,
    value: anyJson.meta({
      modelSchema: {
        type: 'string',
        description: 'The value. Text that is a JSON object or array is stored as that; other text as it is.',
      },
    }),
    ...pushed,
  },
  async run({ agent, context }, args) {
    const { value, parsed: wasParsed } = parsed(args.value as Json)
    const { key, version } = await context.push(args.key, value, pushOptions(args))
    const shared = [
      args.audience ?? '',
      args.topics ? `topics: ${args.topics.join(', ') || 'none'}` : '',
      args.subscribers ? `subscribers: ${args.subscribers.join(', ') || 'none'}` : '',
    ]
    const sharing = shared.filter(Boolean).join(' and ')
    return plain({
      agent,
      key,
      value,
      value_parsed: wasParsed,
      version,
      audience: orUndefined(args.audience),
      topics: orUndefined(args.topics),
      subscribers: orUndefined(args.subscribers),
      ttl: orUndefined(args.ttl),
      lifecycle: orUndefined(args.lifecycle),
      message: `Context '${key}' stored${sharing ? ` and shared with ${sharing}` : ''}${wasParsed ? '; its text was JSON and is stored as that' : ''}`,
    })
  },
})

const listing = { prefix, pattern, limit, cursor }
const asked = (args: z.output<z.ZodObject<typeof listing>>) => ({
  limit: args.limit ?? 50,
  ...(typeof args.prefix === 'string' ? { prefix: args.prefix } : {}),
  ...(typeof args.pattern === 'string' ? { pattern: args.pattern } : {}),
  ...(args.cursor ? { cursor: args.cursor } : {}),
})

const listContext = toolSpec({
  name: 'list_context',
  description: 'Lists the keys that you can see, grouped by topic, without their values.',
  arguments: { ...listing, topics: names('Only entries of these topics.') },
  async run({ agent, context }, args) {
    const subscribed = await context.topics()
    const page = await context.list({ ...asked(args), ...(args.topics ? { topics: args.topics } : {}) })
    const byTopic = new Map<string, string[]>(subscribed.map((topic) => [topic, []]))
    const other: string[] = []
    for (const { key, audience } of page.items) {
      const topics = typeof audience === 'object' ? audience.topics : []
      if (topics.length === 0) other.push(key)
      for (const topic of topics) byTopic.set(topic, [...(byTopic.get(topic) ?? []), key])
    }
    const keys = page.items.map(({ key }) => key)
    return plain({
      agent,
      keys,
      keys_by_topic: entriesOf(byTopic),
      other_keys: other,
      topics_subscribed: [...subscribed],
      total_keys: keys.length,
      cursor: page.cursor,
      message: `You can see ${keys.length} keys${page.cursor ? ' and more' : ''}`,
    })
  },
})

const listContextKeys = toolSpec({
  name: 'list_context_keys',
  description: 'Lists the keys that you can see, in order.',
  arguments: { ...listing, topics: names('Only entries of these topics.') },
  async run({ agent, context }, args) {
    const page = await context.keys({ ...asked(args), ...(args.topics ? { topics: args.topics } : {}) })
    return plain({ agent, keys: [...page.items], count: page.items.length, cursor: page.cursor })
  },
})

const deleteContext = toolSpec({
  name: 'delete_context',
  security: true,
  description: 'Deletes one of your entries.',
  arguments: { key, if_version: optionalArgument(z.int().min(1), 'Delete only this version.') },
  async run({ context }, args) {
    const deleted = await context.delete(
      args.key,
      typeof args.if_version === 'number' ? { ifVersion: args.if_version } : {},
    )
    if (!deleted) throw failure('context.missing', { key: args.key })
    return { key: args.key, deleted, message: `Context '${args.key}' deleted` }
  },
})

const operation = z
  .strictObject({
    type: z.enum(['push', 'get', 'delete']).describe('What to do.'),
    key,
    value: z
      .unknown()
      .optional()
      .meta({ modelSchema: { type: ['string', 'null'], description: 'The value to push: text, stored as it is.' } }),
    ...pushed,
  })
  .superRefine((item, context) => {
    // An option that has no effect on this operation is rejected, so that the model does not rely on it.
    for (const option of Object.keys(pushed) as (keyof typeof pushed)[])
      if (item[option] != null && item.type !== 'push' && !(item.type === 'delete' && option === 'if_version'))
        context.addIssue({ code: 'custom', path: [option], message: `a ${item.type} takes none: leave it out` })
  })

const batchContextOperation = toolSpec({
  name: 'batch_context_operation',
  security: true,
  description: 'Does several operations on shared knowledge. The results are in the order of the operations.',
  arguments: {
    operations: z.array(operation).max(1_000).describe('The operations, in order.'),
    atomic: optionalArgument(z.boolean(), 'true: all of them or none.'),
  },
  async run({ context }, args) {
    const operations = args.operations.map(operationOf)
    const atomic = args.atomic === true
    const results = await context.batch(operations, { atomic })
    const failed = results.filter(({ success }) => !success).length
    const first = results.findIndex(({ success }) => !success)
    return plain({
      success: failed === 0,
      total_operations: results.length,
      successful_operations: results.length - failed,
      failed_operations: failed,
      atomic,
      results: results.map(operationFields),
      ...(failed > 0
        ? {
            error: `Operation ${first} failed: ${errorOf(results[first])}`,
            code: 'batch.partial',
            suggestion: 'Those that succeeded stand: look at each result, and repeat only what failed.',
          }
        : {}),
    })
  },
})

function operationOf(input: z.output<typeof operation>): BatchOperation {
  const { type, key, value, if_version: ifVersion, ...rest } = input
  if (type === 'push') return { type, key, value: value as Json, ...pushOptions({ ...rest, if_version: ifVersion }) }
  if (type === 'delete') return { type, key, ...(typeof ifVersion === 'number' ? { ifVersion } : {}) }
  return { type, key }
}
const errorOf = (result: BatchOperationResult | undefined) => (result && !result.success ? result.error.message : '')

export function operationFields(result: BatchOperationResult, i: number): JsonObject {
  const common = { operation: i, type: result.type, key: result.key, success: result.success }
  if (!result.success) return { ...common, error: result.error.message, code: result.error.code }
  if (result.type === 'get') return plain({ ...common, found: result.found, value: result.value })
  if (result.type === 'delete') return { ...common, deleted: result.deleted }
  return plain({ ...common, version: result.version })
}

export const contextTools: readonly ToolSpec[] = [
  getContext,
  pushContext,
  listContext,
  listContextKeys,
  deleteContext,
  batchContextOperation,
]
