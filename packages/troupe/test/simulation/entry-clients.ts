/** Writers of shared context in the simulation `entries`, with what was acknowledged. */

import type { ContextClient, Troupe } from '../../src/index.ts'
import type { NodeHandle, Simulation } from '../../src/testing/index.ts'
import { insistOn, isTrouble, pause } from './repeating-client.ts'

export interface Acknowledged {
  /** The values that were added to the log, in their order. */
  readonly logged: string[]
  /** The times of the calls that the rate limit allowed. */
  readonly allowed: number[]
  /** Keys that the erased user had before the erasure began. */
  readonly erased: string[]
  readonly problems: string[]
}

export const accounts = ['account.a', 'account.b', 'account.c']
export const total = 300
export const rate = { name: 'calls', limit: 5, window: '4s' } as const
const windowMs = 4_000

export const clientOf = (service: Troupe, agent: string, user = 'ada'): ContextClient =>
  service.user(user).agent(agent).context

const sumOf = (values: ReadonlyMap<string, unknown>) =>
  accounts.reduce((sum, key) => sum + ((values.get(key) as number | undefined) ?? 0), 0)

/** Moves an amount between two accounts in one change, unless another client has changed them. */
async function transfer(service: Troupe, from: string, to: string, amount: number): Promise<void> {
  const context = clientOf(service, 'Bank')
  const [source, target] = await Promise.all([context.getEntry(from), context.getEntry(to)])
  if (!source || !target) throw new Error('an account is lost')
  await context.batch(
    [
      { type: 'push', key: from, value: Number(source.value) - amount, ifVersion: source.version },
      { type: 'push', key: to, value: Number(target.value) + amount, ifVersion: target.version },
    ],
    { atomic: true },
  )
}

/** Short-lived entries, entries of topics and entries for some agents, which are replaced and deleted. */
function randomWrite(simulation: Simulation, service: Troupe): Promise<unknown> {
  const pick = (n: number) => Math.floor(simulation.random.next() * n)
  const context = clientOf(service, ['A', 'B'][pick(2)] as string)
  const key = `shared.${pick(5)}`
  const value = `v${pick(1_000)}`
  const common = { writers: ['A', 'B'] }
  const writes = [
    () => context.push(key, value, { ...common, ttl: `${500 + pick(4_000)}ms` }),
    () => context.push(key, value, { ...common, topics: ['news'] }),
    () => context.push(key, value, { ...common, subscribers: ['Member'] }),
    () => context.push(key, value, { ...common, audience: 'everyone', lifecycle: 'permanent' }),
    () => context.push(key, value, { ...common, audience: 'owner', lifecycle: 'brief' }),
    () => context.delete(key),
    () => context.deleteTopic('news'),
  ]
  return (writes[pick(writes.length)] as () => Promise<unknown>)()
}

/** Rejections of a write that are an answer. */
const answers = new Set(['context.conflict', 'context.denied', 'access.denied', 'topic.missing'])

export function createEntryClients(simulation: Simulation, server: NodeHandle<Troupe>, known: Acknowledged) {
  const { random } = simulation
  const insist = insistOn(simulation, server)
  /** @returns whether the call succeeded */
  const attempt = (run: (service: Troupe) => Promise<unknown>): Promise<boolean> =>
    server
      .call(async (service) => {
        await run(service)
        simulation.operation(true)
        return true
      })
      .catch(async (error: unknown) => {
        if (isTrouble(error)) await pause(simulation)
        else if (!answers.has((error as { readonly code?: string }).code ?? '')) throw error
        return false
      })
  const repeat = async (times: number, ms: number, run: (n: number) => Promise<unknown>) => {
    for (let n = 0; n < times; n++) {
      await run(n)
      await simulation.sleep(ms * random.next())
    }
  }
  return {
    open: () =>
      insist(async (service) => {
        const opening = accounts.map((key) => ({ type: 'push' as const, key, value: total / accounts.length }))
        await clientOf(service, 'Bank').batch(opening, { atomic: true })
      }),
    write: () => repeat(18, 700, () => attempt((service) => randomWrite(simulation, service))),
    transfer: () =>
      repeat(10, 500, () => {
        const [from, to] = [...accounts].sort(() => random.next() - 0.5) as [string, string]
        return attempt((service) => transfer(service, from, to, Math.floor(10 * random.next())))
      }),
    async audit() {
      await repeat(12, 800, () =>
        attempt(async (service) => {
          const sum = sumOf(await clientOf(service, 'Auditor').getMany(accounts))
          if (sum !== total) known.problems.push(`the accounts hold ${sum}`)
        }),
      )
    },
    /** Each value is repeated until it is in the log, where it must not be twice. */
    log: () =>
      repeat(12, 600, async (n) => {
        await insist((service) =>
          clientOf(service, 'Logger').update('log', (list) => {
            const before = (list as readonly string[] | undefined) ?? []
            return before.includes(`${n}`) ? [...before] : [...before, `${n}`]
          }),
        )
        known.logged.push(`${n}`)
      }),
    membership: () =>
      repeat(8, 1_200, (n) =>
        attempt((service) => {
          const context = clientOf(service, 'Member')
          return n % 2 === 0 ? context.subscribe(['news']) : context.unsubscribe(['news'])
        }),
      ),
    rates: () =>
      repeat(20, 500, () =>
        attempt(async (service) => {
          const { allowed } = await service.rateLimiter(rate).take({ user: 'ada' })
          if (allowed) known.allowed.push(simulation.clock.monotonic())
        }),
      ),
    async erase() {
      await repeat(5, 400, async (n) => {
        const key = `private.${n}`
        if (await attempt((service) => clientOf(service, 'Writer', 'eve').push(key, n))) known.erased.push(key)
      })
      const writing = repeat(4, 300, (n) =>
        attempt((service) => clientOf(service, 'Writer', 'eve').push(`during.${n}`, n)).catch((error: unknown) => {
          if ((error as { readonly code?: string }).code !== 'user.forgotten') throw error
        }),
      )
      await insist((service) => service.forget('eve'))
      await writing
      await insist(async (service) => {
        const left = await clientOf(service, 'Writer', 'eve').getMany(known.erased)
        if (left.size > 0) known.problems.push(`erased entries are left: ${[...left.keys()].join(', ')}`)
        await clientOf(service, 'Writer', 'eve').push('afterwards', true)
      })
    },
  }
}

/** @returns the problems of the accounts, the log and the rate */
export async function judgeEntries(service: Troupe, known: Acknowledged): Promise<readonly string[]> {
  const sum = sumOf(await clientOf(service, 'Auditor').getMany(accounts))
  const log = (await clientOf(service, 'Logger').get('log')) as readonly string[]
  const lengths: number[] = []
  for await (const { value } of await clientOf(service, 'Logger').history('log'))
    lengths.push((value as readonly string[]).length)
  const isRising = lengths.every((length, i) => length >= (lengths[i - 1] ?? 0))
  // Answers take a little time.
  const leastMs = windowMs - 10
  const slow = known.allowed.filter((time, i) => time - (known.allowed[i - rate.limit] ?? -windowMs) < leastMs)
  return [
    ...known.problems,
    ...(sum === total ? [] : [`the accounts hold ${sum} in the end`]),
    ...(log.join() === known.logged.join()
      ? []
      : [`the log is ${log.join()}, acknowledged are ${known.logged.join()}`]),
    ...(isRising && lengths.at(-1) === log.length ? [] : [`the history of the log is ${lengths.join()}`]),
    ...(slow.length === 0 ? [] : [`the rate limit allowed more calls than its limit at ${slow.join()}`]),
    ...((await clientOf(service, 'Writer', 'eve').get('afterwards')) === true ? [] : ['the new user lost its entry']),
  ]
}
