/** Routes of the shared context: entries, batches, topics and watches. */
import { z } from 'zod'
import type { BatchOperation, PushOptions } from '../../context/index.ts'
import { ConflictError, failure, type Json, markOwn, TroupeError } from '../../core/index.ts'
import { answers, type Call, streams } from '../route.ts'
import { batchResultSchema, entrySchema, historyEntrySchema, watchItemSchema } from '../schemas/entry-schemas.ts'
import {
  durationSchema,
  json,
  list,
  page,
  pageSchema,
  pagingQuery,
  requestedRecord,
  requestText,
  requiredField,
  withoutUndefined,
} from '../schemas/request-schemas.ts'
import { watched } from '../streams/watched.ts'

const pathParams = z.object({ key: requestText.key })
const names = z.array(requestText.name).max(1_000)
const writers = z.union([z.enum(['owner', 'readers']), names], {
  error: 'it must be owner, readers or a list of names',
})
const pushOptions = {
  audience: z.enum(['everyone', 'owner']).optional(),
  subscribers: names.optional(),
  topics: names.optional(),
  writers: writers.optional(),
  ttl: durationSchema.optional(),
  lifecycle: requestText.name.optional(),
  ifVersion: z
    .int()
    .min(0)
    .optional()
    .describe('The version that the entry must have; 0: the entry must not exist. If-Match does the same.'),
  metadata: requestedRecord.optional(),
}
const pushed = z.object({ key: z.string(), version: z.number().optional(), revision: z.number().optional() })
const listing = {
  ...pagingQuery,
  prefix: requestText.key.optional(),
  pattern: requestText.key.optional(),
  topic: requestText.name.optional(),
}

const missing = (key: string) => failure('context.missing', { key })

function listOptions({ topic, ...rest }: { topic?: string | undefined }) {
  return withoutUndefined({ ...rest, topics: topic === undefined ? undefined : [topic] })
}

type ConditionalCall = Pick<Call<{ readonly key: string }, unknown, unknown>, 'header' | 'params' | 'requestContext'>

/**
 * Returns the version that the headers require; 0: the entry must not exist; undefined: there is no condition.
 * @throws ConflictError with the status 412 for a condition that no version can meet
 */
async function expected(call: ConditionalCall, ifVersion?: number): Promise<number | undefined> {
  const [match, none] = [call.header('if-match'), call.header('if-none-match')]
  const wrong = (problem: string) => failure('request.invalid', { problem })
  if (match === undefined && none === undefined) return undefined
  if (match !== undefined && none !== undefined) throw wrong('If-Match and If-None-Match exclude each other')
  if (none !== undefined && none !== '*') throw wrong('If-None-Match of a change can only be *')
  if (match !== undefined && !etagList.test(match)) throw wrong('If-Match is neither * nor a list of ETags such as "3"')
  const version = match === undefined ? 0 : await matchedVersion(call, match)
  if (ifVersion !== undefined && ifVersion !== version) throw wrong('body/ifVersion is another version than the header')
  return version
}

/** Matches `*` and the lists of RFC 9110, in which ETags may be weak. */
const etagList = /^\s*(?:\*|(?:W\/)?"[^"]*"(?:\s*,\s*(?:W\/)?"[^"]*")*)\s*$/

/** A weak ETag matches no version. */
async function matchedVersion({ params: { key }, requestContext }: ConditionalCall, match: string): Promise<number> {
  const strong = [...match.matchAll(/(?<!W\/)"(?<version>\d{1,15})"/g)].map(({ groups }) => Number(groups?.version))
  const [only] = strong
  if (only !== undefined && strong.length === 1) return only
  const found = await requestContext.context.getEntry(key)
  if (!found || !(match.trim() === '*' || strong.includes(found.version)))
    throw preconditionFailed(failure('context.conflict', { key }))
  return found.version
}

/** Returns whether the If-None-Match header of a cache names this ETag. */
const isKnown = (header: string | undefined, etag: string) =>
  header !== undefined &&
  (header.trim() === '*' || header.split(',').some((one) => one.trim().replace(/^W\//, '') === etag))

const preconditionFailed = ({ code, message, hint, details }: TroupeError) =>
  markOwn(new ConflictError(message, { status: 412, ...withoutUndefined({ code, hint, details }) }))

/** Answers a failed HTTP precondition with 412. */
async function preconditioned<T>(version: number | undefined, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (version === undefined || !(error instanceof TroupeError) || error.code !== 'context.conflict') throw error
    throw preconditionFailed(error)
  }
}

const push = z.strictObject({ value: json, ...pushOptions })
const operation = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('push'), key: requestText.key, value: json, ...pushOptions }),
  z.strictObject({ type: z.literal('get'), key: requestText.key }),
  z.strictObject({ type: z.literal('delete'), key: requestText.key, ifVersion: z.int().min(1).optional() }),
])

export const contextRoutes = [
  answers({
    route: 'GET /v1/context/entries',
    name: 'context.list',
    operation: 'context.read',
    role: 'readonly',
    agents: 'own',
    summary: 'List the entries that the caller may read, sorted by key.',
    query: z.strictObject(listing),
    answer: pageSchema(entrySchema),
    handle: async ({ requestContext, query }) => page(await requestContext.context.list(listOptions(query))),
  }),
  answers({
    route: 'GET /v1/context/keys',
    name: 'context.keys',
    operation: 'context.read',
    role: 'readonly',
    agents: 'own',
    summary: 'List the keys of the entries that the caller may read.',
    query: z.strictObject(listing),
    answer: pageSchema(z.string()),
    handle: async ({ requestContext, query }) => page(await requestContext.context.keys(listOptions(query))),
  }),
  answers({
    route: 'GET /v1/context/values/:key',
    name: 'context.value',
    operation: 'context.read',
    role: 'readonly',
    agents: 'own',
    summary: 'Show only the value of an entry.',
    params: pathParams,
    answer: z.object({ key: z.string(), value: json }),
    handle: async ({ requestContext, params: { key } }) => {
      const value = await requestContext.context.get(key)
      if (value === undefined) throw missing(key)
      return { key, value }
    },
  }),
  answers({
    route: 'GET /v1/context/entries/:key',
    name: 'context.get',
    operation: 'context.read',
    role: 'readonly',
    agents: 'own',
    summary: 'Show an entry, with its version as ETag.',
    params: pathParams,
    answer: entrySchema,
    tagged: true,
    handle: async ({ requestContext, params: { key }, header, setHeader, status }) => {
      const found = await requestContext.context.getEntry(key)
      if (!found) throw missing(key)
      const etag = `"${found.version}"`
      setHeader('etag', etag)
      if (isKnown(header('if-none-match'), etag)) status(304)
      return found
    },
  }),
  answers({
    route: 'PUT /v1/context/entries/:key',
    name: 'context.push',
    operation: 'context.push',
    role: 'contributor',
    agents: 'own',
    summary: 'Write an entry; with If-Match or ifVersion only if its version is the one named.',
    params: pathParams,
    body: push,
    answer: pushed,
    handle: async (call) => {
      const { value: _, ...options } = call.body
      const version = await expected(call, call.body.ifVersion)
      const all = withoutUndefined({ ...options, ifVersion: version ?? options.ifVersion }) as PushOptions
      const { key } = call.params
      const done = await preconditioned(version, () =>
        call.requestContext.context.push(key, requiredField(call.body, 'value') as Json, all),
      )
      if (done.version !== undefined) call.setHeader('etag', `"${done.version}"`)
      return withoutUndefined(done)
    },
  }),
  answers({
    route: 'DELETE /v1/context/entries/:key',
    name: 'context.delete',
    operation: 'context.delete',
    role: 'contributor',
    agents: 'own',
    summary: 'Delete an entry; `deleted` is false if the caller can see no such entry.',
    params: pathParams,
    answer: z.object({ deleted: z.boolean() }),
    handle: async (call) => {
      const ifVersion = await expected(call)
      const { key } = call.params
      return {
        deleted: await preconditioned(ifVersion, () =>
          call.requestContext.context.delete(key, withoutUndefined({ ifVersion })),
        ),
      }
    },
  }),
  answers({
    route: 'GET /v1/context/entries/:key/history',
    name: 'context.history',
    operation: 'context.read',
    role: 'readonly',
    agents: 'own',
    summary: 'List the versions of an entry, oldest first.',
    params: pathParams,
    query: z.strictObject(pagingQuery),
    answer: pageSchema(historyEntrySchema),
    handle: async ({ requestContext, params, query }) =>
      page(await requestContext.context.history(params.key, withoutUndefined(query))),
  }),
  answers({
    route: 'POST /v1/context/batch',
    name: 'context.batch',
    operation: 'context.batch',
    role: 'contributor',
    agents: 'own',
    summary: 'Apply several operations in order; with `atomic` all or none.',
    body: z.strictObject({ operations: z.array(operation).max(1_000), atomic: z.boolean().optional() }),
    answer: z.object({ results: list(batchResultSchema) }),
    handle: async ({ requestContext, body: { operations, atomic } }) => {
      for (const [i, one] of operations.entries())
        if (one.type === 'push' && one.value === undefined) requiredField({}, `operations/${i}/value`)
      const checked = operations.map((one) => withoutUndefined(one)) as readonly BatchOperation[]
      const results = await requestContext.context.batch(checked, withoutUndefined({ atomic }))
      return { results }
    },
  }),
  streams({
    route: 'GET /v1/context/watch',
    name: 'context.watch',
    operation: 'context.watch',
    role: 'readonly',
    agents: 'own',
    summary:
      'Stream changes of entries that the caller may read, as server-sent events; Last-Event-ID or `from` resumes after an event.',
    query: z.strictObject({
      pattern: requestText.key.optional(),
      from: z.string().max(40).optional(),
    }),
    data: watchItemSchema,
    events: watched,
  }),
]
