/**
 * Real concurrency, without a simulated world: clients on one context mesh and one set of journals, in memory and in a
 * file with its writer thread, and on PostgreSQL. What each saw is recorded and checked per key.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import type { ContextClient } from '../../src/index.ts'
import type * as durableModule from '../../src/journal/index.ts'
import type { Anomaly, HistoryOperation, RegisterInput, RegisterOutput, Update } from '../../src/testing/index.ts'
import { dropSchema, missingServer, schemaName, server } from '../postgres/postgres-server.ts'
import { harness, load } from '../reliability/library-under-test.ts'
import { troupe } from '../reliability/troupe-under-test.ts'

const durable = (await load('journal/index')) as typeof durableModule
const folder = mkdtempSync(join(tmpdir(), 'troupe-history-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const { seededRandom, systemClock } = harness
const rounds = Number(process.env.TROUPE_HISTORIES ?? 12)
const missing = await missingServer()
/** Some operations end with an I/O error after they were committed, some before. */
const faultsOf = (seed: string) => ({
  clock: systemClock,
  random: seededRandom(seed),
  rates: { 'io-before': 0.03, 'io-after': 0.03 },
})

interface Recorded {
  readonly history: readonly HistoryOperation<RegisterInput, RegisterOutput>[]
  readonly updates: readonly Update[]
  readonly operations: { succeeded: number; failed: number }
}

/** Clients that read and write a few keys at once, and count by `update`, each with one of these hands. */
async function record(clients: readonly ContextClient[], seed: string): Promise<Recorded> {
  const random = seededRandom(seed)
  const pick = (n: number) => Math.floor(random.next() * n)
  const history: HistoryOperation<RegisterInput, RegisterOutput>[] = []
  const updates: Update[] = []
  const operations = { succeeded: 0, failed: 0 }
  let [tick, value] = [0, 0]
  const once = async (client: string, context: ContextClient) => {
    const key = `k${pick(4)}`
    const inputs: RegisterInput[] = [
      { do: 'read' },
      { do: 'write', value: value++ },
      { do: 'write-if', version: pick(60), value: value++ },
      { do: 'delete' },
    ]
    const input = inputs[pick(4)] as RegisterInput
    const called = tick++
    const operation = { key, client, input, called }
    try {
      const output = await carryOut(context, key, input)
      history.push({ ...operation, returned: tick++, output })
      operations.succeeded++
    } catch (error) {
      const { code } = error as { readonly code?: string }
      if (code === 'context.conflict') history.push({ ...operation, returned: tick++, output: { conflict: true } })
      else if (code !== 'storage.io') throw error
      else if (input.do !== 'read') history.push({ ...operation, returned: undefined })
      operations[code === 'storage.io' ? 'failed' : 'succeeded']++
    }
  }
  const count = async (context: ContextClient) => {
    let read = 0
    try {
      const { version } = await context.update('counter', (now) => {
        read = (now as number | undefined) ?? 0
        return read + 1
      })
      updates.push({ key: 'counter', read, wrote: version as number })
      operations.succeeded++
    } catch (error) {
      if ((error as { readonly code?: string }).code !== 'storage.io') throw error
      operations.failed++
    }
  }
  const client = async (name: string, context: ContextClient) => {
    for (let i = 0; i < 30; i++) await (random.next() < 0.2 ? count(context) : once(name, context))
  }
  await Promise.all(Array.from({ length: 8 }, (_, i) => client(`c${i}`, clients[i % clients.length] as ContextClient)))
  return { history, updates, operations }
}

async function carryOut(context: ContextClient, key: string, input: RegisterInput): Promise<RegisterOutput> {
  if (input.do === 'read') {
    const entry = await context.getEntry(key)
    return { value: entry?.value, version: entry?.version }
  }
  if (input.do === 'delete') return { deleted: await context.delete(key) }
  const { version } = await context.push(key, input.value, input.do === 'write-if' ? { ifVersion: input.version } : {})
  return { version: version as number }
}

const judge = ({ history, updates, operations }: Recorded): readonly Anomaly[] => [
  ...harness.checkLinearizability(history, harness.registerModel),
  ...harness.checkUpdates(updates),
  ...harness.checkShare(operations),
]

describe.each(['memory:', 'file'])('linearizability on %s', (storageKind) => {
  const urlOf = (name: string) => (storageKind === 'file' ? `sqlite:${join(folder, `${name}.db`)}` : storageKind)

  test('Each key of the mesh is linearizable and no update is lost.', async () => {
    for (let round = 0; round < rounds; round++) {
      const seed = `mesh ${round}`
      const service = await troupe.createTroupe({ storage: urlOf(seed), faults: faultsOf(seed), log: 'silent' })
      const recorded = await record([service.user('ada').agent('Owner').context], seed)
      await service.close()
      expect(judge(recorded)).toEqual([])
      expect(recorded.history.length).toBeGreaterThan(150)
    }
  })

  test('Each journal contains the acknowledged records of its writers, in the order of their epochs.', async () => {
    for (let round = 0; round < rounds; round++) {
      const seed = `journal ${round}`
      const random = seededRandom(seed)
      const storage = await harness.openStorage({
        url: urlOf(seed),
        migrations: durable.journalMigrations,
        clock: systemClock,
        random,
        faults: faultsOf(seed),
      })
      const journals = durable.createJournals({ storage, clock: systemClock, owner: 'here' })
      const commit = (statements: Parameters<typeof storage.commit>[0]['statements']) =>
        storage.commit({ id: null, scope: { user: 'ada' }, statements })
      const begin = async (): Promise<void> =>
        commit(journals.create('ada', 'run:one', 'run', 0, [{ n: -1, epoch: 0 }]).fragment.statements).then(
          () => undefined,
          begin,
        )
      await begin()
      const [acknowledged, unknown]: [string[], string[]] = [[], []]
      let n = 0
      const writer = async () => {
        for (let turn = 0; turn < 3; turn++) {
          const takeover = await journals.takeOver('ada', 'run:one', 0).catch(() => undefined)
          for (let i = 0; takeover && i < 5; i++) {
            const name = `${n++}`
            const { statements } = takeover.writer.append(0, [{ n: Number(name), epoch: takeover.writer.epoch }])
            const result = await commit(statements).catch(() => undefined)
            if (!result) unknown.push(name)
            else if (result.ok) acknowledged.push(name)
            if (!result?.ok) break
          }
        }
      }
      await Promise.all([writer(), writer(), writer(), writer()])
      const content = await journals.load('ada', 'run:one')
      await storage.close()
      const bodies = (content?.records ?? []).map(({ body }) => body as { n: number; epoch: number })
      const epochs = bodies.map(({ epoch }) => epoch)
      expect(epochs).toEqual(epochs.toSorted((a, b) => a - b))
      const found = bodies.filter((body) => body.n >= 0).map((body) => `${body.n}`)
      expect(harness.checkAppends({ acknowledged, unknown, found })).toEqual([])
      expect(acknowledged.length).toBeGreaterThan(3)
    }
  })
})

test.skipIf(missing)('Each key of the mesh is linearizable on PostgreSQL, through two connection pools.', async () => {
  const schema = schemaName('linearizability')
  const open = () => troupe.createTroupe({ storage: { url: server, schema }, log: 'silent' })
  const [one, two] = [await open(), await open()]
  try {
    for (let round = 0; round < rounds; round++) {
      const clients = [one, two].map((service) => service.user(`ada ${round}`).agent('Owner').context)
      const recorded = await record(clients, `postgres ${round}`)
      expect(judge(recorded)).toEqual([])
      expect(recorded.history.length).toBeGreaterThan(150)
    }
  } finally {
    await Promise.all([one.close(), two.close()])
    await dropSchema(schema)
  }
})

test('The checker detects a mesh that answers from an old snapshot.', async () => {
  const service = await troupe.createTroupe({ storage: 'memory:', log: 'silent' })
  const { context } = service.user('ada').agent('Owner')
  const old = new Map<string, Awaited<ReturnType<typeof context.getEntry>>>()
  let reads = 0
  const stale = new Proxy(context, {
    get(target, property) {
      const member = Reflect.get(target, property) as (...args: unknown[]) => unknown
      if (property !== 'getEntry') return typeof member === 'function' ? member.bind(target) : member
      return async (key: string) => {
        const entry = await target.getEntry(key)
        if (reads++ % 5 !== 0) old.set(key, entry)
        return old.get(key)
      }
    },
  })
  const found = judge(await record([stale], 'stale'))
  await service.close()
  expect(found.map(({ rule }) => rule)).toContain('linearizability')
})
