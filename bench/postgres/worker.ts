/** One process of the bench: opens what its job needs, says so, and works for a while when it is told to. */
import { createTroupe } from 'troupe'
import { openRaw } from './raw.ts'
import { openBenchStorage } from './workload.ts'

export interface Job {
  readonly what: 'raw change' | 'change' | 'raw upsert' | 'push' | 'raw get' | 'get'
  readonly url: string
  readonly schema: string
  readonly connections: number
  readonly writers: number
  readonly users: number
  /** Watchers of each user. */
  readonly watched: number
  readonly forMs: number
}
export type Reply = { readonly kind: 'ready' } | { readonly kind: 'done'; readonly perSecond: number }

interface Work {
  act(user: string, n: number): Promise<unknown>
  close(): Promise<unknown>
}

const value = { text: 'x'.repeat(200) }
const keys = 100
const keyOf = (n: number) => `orders.${n % keys}.status`

async function open({ what, url, schema, connections, users, watched }: Job): Promise<Work> {
  if (what.startsWith('raw')) {
    const raw = await openRaw(url, `${schema}_raw`, connections)
    const json = JSON.stringify(value)
    const acts = {
      'raw change': (user: string, n: number) => raw.change(user, `${process.pid}.${n}`),
      'raw upsert': (user: string, n: number) => raw.upsert(user, keyOf(n), json),
      'raw get': (user: string, n: number) => raw.get(user, keyOf(n)),
    }
    const act = acts[what as keyof typeof acts]
    if (what === 'raw get') for (let n = 0; n < keys; n++) await raw.upsert('u0', keyOf(n), json)
    return { act, close: () => raw.close() }
  }
  if (what === 'change') {
    const storage = await openBenchStorage(url, `${schema}_storage`, connections)
    return { act: (user, n) => storage.change(user, `${process.pid}.${n}`), close: () => storage.close() }
  }
  const troupe = await createTroupe({
    storage: { url, schema: `${schema}_troupe`, poolSize: connections },
    log: 'silent',
  })
  const contextOf = (user: string) => troupe.user(user).agent('A').context
  if (what === 'get') for (let n = 0; n < keys; n++) await contextOf('u0').push(keyOf(n), value)
  const stop = new AbortController()
  const watching: Promise<void>[] = []
  for (let user = 0; user < users; user++)
    for (let i = 0; i < watched; i++)
      watching.push(listen(contextOf(`u${user}`).watch({ pattern: '*', signal: stop.signal })))
  return {
    act: (user, n) => (what === 'push' ? contextOf(user).push(keyOf(n), value) : contextOf(user).get(keyOf(n))),
    async close() {
      stop.abort()
      await Promise.all(watching)
      await troupe.close()
    },
  }
}

async function listen(items: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of items);
}

async function measure({ act }: Work, { writers, users, forMs }: Job): Promise<number> {
  let next = 0
  const started = performance.now()
  const write = async () => {
    while (performance.now() - started < forMs) {
      const n = next++
      await act(`u${n % users}`, Math.floor(n / users))
    }
  }
  await Promise.all(Array.from({ length: writers }, write))
  return (next / (performance.now() - started)) * 1_000
}

const message = <T>() => new Promise<T>((resolve) => process.once('message', resolve as (value: unknown) => void))
const send = (reply: Reply) => process.send?.(reply)

const job = await message<Job>()
const work = await open(job)
const go = message<'go'>()
send({ kind: 'ready' })
await go
send({ kind: 'done', perSecond: await measure(work, job) })
await work.close()
