/** Schemas that several routes share. Values that users store are any JSON. */
import { z } from 'zod'
import { failure } from '../../core/index.ts'

/**
 * The texts of requests by their kind, with the maximal length in UTF-16 units. The library limits names and keys to so many
 * bytes of UTF-8: whatever is longer here is too long there. A route that declares another string fails a test.
 */
export const requestText = {
  /** A name or an id that callers choose: of a user, agent, team, topic, run, tag, model, message type or time zone. */
  name: z.string().max(256),
  /** A key of the context, a prefix or pattern of keys, or a key of a caller's object. */
  key: z.string().max(1_024),
  /** An id that the runtime makes of names and positions: of a run, step, call, question or delivery. */
  id: z.string().max(4_000),
  /** A time in ISO 8601. */
  time: z.string().max(100),
  /** Tags with commas between them, as many as a list may have. */
  tags: z.string().max(100 * 257),
  /** Instructions, or the lines of a data set: as long as the largest body that a server may be configured to accept. */
  long: z.string().max(2 ** 24),
} as const
/** The largest number of characters of a duration: a number of JavaScript and its unit. */
const longestDuration = 40

/** An integer in a query string. */
export const integerBetween = (from: number, to: number) =>
  z
    .string()
    .max(15)
    .regex(/^\d{1,15}$/)
    .transform(Number)
    .refine((number) => number >= from && number <= to, `it is ${from} to ${to}`)

export const json = z.unknown()
export const metadata = z.record(z.string(), z.unknown())
/** An object that a caller writes. */
export const requestedRecord = z.record(requestText.id, z.unknown())
const durationError = 'it must be a duration such as 250ms, 30s, 5m, 1h or 1d'
export const durationSchema = z
  .templateLiteral([z.number(), z.enum(['ms', 's', 'm', 'h', 'd'])], { error: durationError })
  .refine((duration) => duration.length <= longestDuration, durationError)
  .meta({ maxLength: longestDuration })
/** The maximal length of a cursor: it may hold an escaped and encoded key of the context. */
const longestCursor = 15_000
/** A flag in a query string. */
export const flagSchema = z.enum(['true', 'false']).transform((text) => text === 'true')

/** The order of a list of runs. */
export const runOrderSchema = z
  .enum(['newest', 'oldest', 'cost', 'tokens', 'duration', 'status'])
  .describe(
    'The orders cost, tokens and duration list the highest first; status lists waiting, running, failed, completed and cancelled runs.',
  )

export const pagingQuery = {
  limit: integerBetween(1, 500).optional(),
  cursor: z.string().max(longestCursor).optional(),
}
export const intervalsQuery = z.strictObject({
  from: z.string().max(100).optional().describe('ISO text; 24 hours before `to` by default.'),
  to: z.string().max(100).optional().describe('ISO text; now by default.'),
  interval: z.enum(['hour', 'day']).optional(),
})
/** The schema of a list in an answer, which accepts readonly arrays. */
export const list = <T extends z.ZodType>(item: T) => z.array(item).readonly()
export const pageSchema = <T>(item: z.ZodType<T>) =>
  z.object({ items: list(item), cursor: z.string().optional().describe('The cursor with which the next page starts.') })
/** Returns a required value of a body. It may be null, since JSON has no undefined. */
export function requiredField(body: object, name: string): unknown {
  const value = (body as Readonly<Record<string, unknown>>)[name]
  if (value === undefined) throw failure('request.invalid', { problem: `body/${name} is missing` })
  return value
}

/** An optional body. */
export const optionalBody = <T>(body: z.ZodType<T>) => body.nullish().transform((value) => value ?? undefined)

export const storedErrorSchema = z.object({
  name: z.string(),
  code: z.string(),
  message: z.string(),
  retryable: z.boolean(),
  hint: z.string().optional(),
  details: z.unknown().optional(),
  errorId: z.string().optional(),
})

/** The guard that ended a run; `held` and `by` are of a budget that other runs of its tree have drawn from. */
export const guardSchema = z.object({
  name: z.string(),
  limit: z.number(),
  used: z.number(),
  held: z.number().optional(),
  by: list(z.object({ run: z.string(), held: z.number() })).optional(),
  detail: z.string().optional(),
})

/** Returns an object without its undefined fields, for options that must not be undefined. */
export const withoutUndefined = <T extends object>(options: T) =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>
  }

export const page = <T>({ items, cursor }: { readonly items: readonly T[]; readonly cursor: string | undefined }) => ({
  items,
  ...(cursor === undefined ? {} : { cursor }),
})

/** Last-Event-ID takes precedence over the query, since a reconnecting client sends it. */
export function resumed(lastEventId: string | undefined, from: number | undefined): number | undefined {
  if (lastEventId === undefined || lastEventId === '') return from
  if (!/^\d{1,15}$/.test(lastEventId))
    throw failure('request.invalid', { problem: 'Last-Event-ID is none of this stream' })
  return Number(lastEventId)
}
