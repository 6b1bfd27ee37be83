/** The workers of the simulation `workers`: their effects, messages and writes are counted by the names of the messages. */

import type { HandlerContext, Troupe, Worker } from '../../src/index.ts'
import type { SimulatedNode } from '../../src/testing/index.ts'
import { troupe } from '../reliability/troupe-under-test.ts'

export interface Work {
  readonly name: string
  readonly sender: string
  readonly sequence: number
  readonly does: 'succeeds' | 'fails once' | 'dies' | 'expires'
}
export const Order = troupe.defineMessage<Work>('order')
export const Item = troupe.defineMessage<Work>('item')
export const Ask = troupe.defineMessage<Work, number>('ask')
const Lookup = troupe.defineMessage<number, number>('lookup')
const Done = troupe.defineMessage<string>('done')

/** Records the effects outside the troupe, with their times. */
export interface Outside {
  readonly happened: string[]
  readonly times: Map<string, number>
  happen(name: string): void
  /** Dead letters of these messages are not made any more. */
  readonly cured: Set<string>
}

type RunningWorker = Awaited<ReturnType<ReturnType<Troupe['user']>['start']>>

/** A process with the troupe and its workers. */
export interface Plant {
  readonly troupe: Troupe
  /** Stops the workers of a name and starts others. */
  move(name: string): Promise<void>
}

async function act(outside: Outside, ctx: HandlerContext, name: string): Promise<void> {
  const reconcile = async () =>
    outside.happened.includes(name) ? ({ happened: true, output: name } as const) : ('not' as const)
  await ctx.effect('act', { class: 'at-most-once', key: name, reconcile }, async () => {
    outside.happen(name)
    return name
  })
}

function failIfWanted(outside: Outside, { name, does }: Work, attempt: number): void {
  if (does === 'fails once' && attempt === 1) throw new Error(`${name} fails once`)
  if (does !== 'dies' || outside.cured.has(name)) return
  throw attempt > 2 ? new troupe.CriticalError(`${name} dies`) : new Error(`${name} fails`)
}

function createBox(outside: Outside): Worker {
  const box = new troupe.Worker('Box', { concurrency: 3, retry: { attempts: 30, backoff: '50ms' } })
  return box
    .on(Order, async ({ payload }, ctx) => {
      await act(outside, ctx, payload.name)
      failIfWanted(outside, payload, ctx.attempt)
      await ctx.messages.send(Done, payload.name, { to: 'Ledger' })
    })
    .on(Ask, async ({ payload }, ctx) => {
      const found = await ctx.request(Lookup, payload.sequence, { to: 'Helper', timeout: '60s' })
      await act(outside, ctx, payload.name)
      return found + 1
    })
}

function createArchive(outside: Outside): Worker {
  const archive = new troupe.Worker('Archive', { retry: { attempts: 12, backoff: '50ms' } })
  return archive.onBatch(Item, { size: 4, wait: '300ms' }, async (messages, ctx) => {
    for (const { payload } of messages) {
      await act(outside, ctx, payload.name)
      failIfWanted(outside, payload, ctx.attempt)
      await ctx.messages.send(Done, payload.name, { to: 'Ledger' })
    }
  })
}

const append = (ctx: HandlerContext, key: string, item: string) =>
  ctx.context.update(key, (list) => [...((list as readonly string[] | undefined) ?? []), item])

const factories: Readonly<Record<string, (outside: Outside) => Worker>> = {
  Box: createBox,
  Archive: createArchive,
  Helper: () => new troupe.Worker('Helper', { retry: { attempts: 30 } }).on(Lookup, ({ payload }) => payload * 2),
  Ledger: () =>
    new troupe.Worker('Ledger', { retry: { attempts: 30 } }).on(Done, async ({ payload }, ctx) => {
      await append(ctx, 'ledger', payload)
    }),
  Sales: () =>
    new troupe.Worker('Sales', { retry: { attempts: 30 } }).on(troupe.MessageConfirmed, async ({ payload }, ctx) => {
      await append(ctx, 'receipts', payload.id)
    }),
}
export const workerNames = Object.keys(factories)

/** Two workers share the mailboxes `Box` and `Archive`. */
const counts: Readonly<Record<string, number>> = { Box: 2, Archive: 2 }

export async function startPlant(node: SimulatedNode, service: Troupe, outside: Outside): Promise<Plant> {
  const running = new Map<string, readonly RunningWorker[]>()
  const start = async (name: string) => {
    const create = factories[name] as (outside: Outside) => Worker
    const workers: RunningWorker[] = []
    for (let i = 0; i < (counts[name] ?? 1); i++) workers.push(await service.user('ada').start(create(outside)))
    running.set(name, workers)
  }
  for (const name of workerNames) await start(name)
  return {
    troupe: service,
    async move(name) {
      const before = running.get(name) ?? []
      running.set(name, [])
      await Promise.all(before.map((worker) => worker.stop()))
      await new Promise<void>((resolve) => void node.clock.after(100, resolve))
      await start(name)
    },
  }
}
