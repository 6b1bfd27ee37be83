/**
 * The one stream of updates that the page holds, over all of its views. It says which lists changed; those that are shown
 * are asked for again, at most twice a second, and never while an answer to the same question is on its way. For operators
 * the stream speaks of the runs of all users and of health too.
 */
import { type Query, type QueryClient, useQueryClient } from '@tanstack/react-query'
import { type ReactNode, useEffect, useMemo, useRef } from 'react'
import type { AnswerName, StreamData } from 'troupe/client'
import { UpdatesContext, useAnswer, useStream, useUser } from './use-api.tsx'
import { allRequests } from './use-requests.ts'

type UpdatesFrame = StreamData<'updates.follow'>
type Update = Extract<UpdatesFrame, { readonly type: 'changes' }>['updates'][number]
/** Names the search of all entries for the uses of one, which reads several pages. */
export const entryUses = 'entry-uses'
/** An operation whose answers changed, and of which request; all of them where there is none. */
type Changed = readonly [operation: AnswerName | typeof entryUses, request?: object]

const refreshMs = 500
/**
 * Questions about many runs or entries at once, by operation or by request. Where these change all the time, each is asked
 * every 10 s at most. A change of the shown user asks for all requests at once: a person may wait for it.
 */
const expensive: ReadonlySet<unknown> = new Set<unknown>([
  'usage.history',
  'usage.groups',
  'operations.runs',
  entryUses,
  allRequests,
])
const expensivePart = ([, name, request]: readonly unknown[]) => [name, request].find((one) => expensive.has(one))
const expensiveMs = 10_000

/** What is asked for again after an update. */
function changedBy(update: Update): readonly Changed[] {
  switch (update.kind) {
    case 'run':
      return [
        ['runs.list'],
        ['approvals.list'],
        ['usage.list'],
        ['usage.history'],
        ['usage.groups'],
        ['threads.list'],
        ['threads.get'],
        ['runs.result', { path: { run: update.run } }],
        ['runs.inspect', { path: { run: update.run } }],
        ['runs.uncertain', { path: { run: update.run } }],
      ]
    case 'all-runs':
      return [['operations.runs'], ['usage.groups'], ['approvals.list', allRequests]]
    case 'approvals':
      return [['approvals.list']]
    case 'all-approvals':
      return [['approvals.list', allRequests]]
    case 'health':
      return [['operations.health'], ['operations.doctor'], ['probes.ready']]
    case 'question':
      return [['approvals.list'], ['runs.list'], ['runs.result', { path: { run: update.run } }]]
    case 'schedule':
      return [['schedules.list'], ['schedules.get']]
    case 'dead-letters':
      return [['approvals.list'], ['mailboxes.list'], ['mailboxes.counts'], ['mailboxes.deadLetters']]
    case 'context':
      return [['context.list'], ['context.keys'], ['context.get'], ['context.history'], [entryUses]]
  }
}

class Refresher {
  readonly #queries: QueryClient
  readonly #user: string | undefined
  /** The keys of queries to be asked for again, by their text. */
  readonly #due = new Map<string, readonly unknown[]>()
  #timer: ReturnType<typeof setTimeout> | undefined
  #lastAt = Number.NEGATIVE_INFINITY
  /** When expensive questions were asked for again last. */
  readonly #askedAt = new Map<unknown, number>()

  constructor(queries: QueryClient, user: string | undefined) {
    this.#queries = queries
    this.#user = user
  }

  add(changed: readonly Changed[]): void {
    for (const one of changed) this.#due.set(JSON.stringify(one), [this.#user, ...one])
    this.#schedule()
  }

  addAll(): void {
    this.#due.clear()
    this.#due.set('', [])
    for (const name of [...expensive].filter((one) => typeof one === 'string'))
      this.#due.set(JSON.stringify([name]), [this.#user, name])
    this.#schedule()
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#due.clear()
  }

  #schedule(): void {
    clearTimeout(this.#timer)
    const readyAt = Math.min(...[...this.#due.values()].map((queryKey) => this.#readyAt(queryKey)))
    this.#timer = setTimeout(() => this.#refresh(), Math.max(0, Math.ceil(readyAt - performance.now())))
  }

  #readyAt(queryKey: readonly unknown[]): number {
    const askedAt = this.#askedAt.get(expensivePart(queryKey)) ?? Number.NEGATIVE_INFINITY
    return Math.max(this.#lastAt + refreshMs, askedAt + expensiveMs)
  }

  #refresh(): void {
    const now = performance.now()
    const ready = [...this.#due].filter(([, queryKey]) => this.#readyAt(queryKey) <= now)
    // A timer may fire a little early.
    if (ready.length > 0) this.#lastAt = now
    for (const [text, queryKey] of ready) {
      const [, name] = queryKey
      const filters = {
        queryKey,
        predicate: (query: Query) => expensive.has(name) === expensive.has(query.queryKey[1]),
      }
      // The answer on its way may be older than the change.
      if (this.#queries.isFetching(filters) > 0) continue
      this.#due.delete(text)
      const part = expensivePart(queryKey)
      if (part !== undefined) this.#askedAt.set(part, now)
      void this.#queries.invalidateQueries(filters)
    }
    if (this.#due.size > 0) this.#schedule()
  }
}

export function UpdatesProvider({ children }: { readonly children: ReactNode }) {
  const queries = useQueryClient()
  const user = useUser()
  const refresher = useMemo(() => new Refresher(queries, user), [queries, user])
  useEffect(() => () => refresher.stop(), [refresher])
  /** Of the stream that was open already. */
  const opened = useRef<Refresher>(undefined)
  const { data: access, isPending } = useAnswer('access.get', {})
  const seesAllUsers = access?.operations.includes('operations.runs')
  const connection = useStream(
    'updates.follow',
    { query: seesAllUsers ? { allUsers: 'true' } : {} },
    {
      enabled: !isPending,
      onEvent: ({ data }) => {
        if (data.type === 'changes') refresher.add(data.updates.flatMap(changedBy))
        // What was shown while the stream was not open yet may be older than it.
        if (data.type === 'resync' || (data.type === 'open' && opened.current !== refresher)) refresher.addAll()
        if (data.type === 'open') opened.current = refresher
      },
    },
  )
  return <UpdatesContext value={connection}>{children}</UpdatesContext>
}
