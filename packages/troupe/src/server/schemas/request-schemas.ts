/** Schemas that several routes share. Values that users store are any JSON. */
import { z } from 'zod'
import { failure } from '../../core/index.ts'

/** An integer in a query string. */
export const integerBetween = (from: number, to: number) =>
  z
    .string()
    .regex(/^\d{1,15}$/)
    .transform(Number)
    .refine((number) => number >= from && number <= to, `it is ${from} to ${to}`)

export const json = z.unknown()
export const metadata = z.record(z.string(), z.unknown())
export const durationSchema = z.templateLiteral([z.number(), z.enum(['ms', 's', 'm', 'h', 'd'])], {
  error: 'it must be a duration such as 250ms, 30s, 5m, 1h or 1d',
})
/** The maximal length of a cursor: it may hold an escaped and encoded key of the context. */
const longestCursor = 15_000
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

export const done = z.object({ ok: z.literal(true) })
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
