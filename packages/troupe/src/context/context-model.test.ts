import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { missingServer, server, withClient } from '../../test/postgres/postgres-server.ts'
import { createVirtualClock, TroupeError } from '../core/index.ts'
import { type ReferenceActor, ReferenceContext, ReferenceRejection } from '../testing/index.ts'
import { openMesh } from './context-testbed.test.fixture.ts'
import type { Mesh } from './mesh.ts'
import {
  type Action,
  clientOf,
  keys,
  type Name,
  type Operation,
  onMesh,
  operation,
  roles,
} from './random-operations.test.fixture.ts'

const folder = mkdtempSync(join(tmpdir(), 'troupe-context-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const outcome = async (run: () => unknown): Promise<unknown> => {
  try {
    return (await run()) ?? null
  } catch (error) {
    if (error instanceof TroupeError || error instanceof ReferenceRejection) return { rejected: error.code }
    throw error
  }
}

const actorOf = (of: string, name: Name): ReferenceActor => ({ user: of, agent: name, role: roles[name] })

function onModel(model: ReferenceContext, operation: Action): unknown {
  if (operation.type === 'cleanup') return model.cleanup(operation.user)
  if (operation.type === 'clear') return model.clear(operation.user)
  if (operation.type === 'policy') return model.setTopicPolicy(operation.user, operation.topic, operation.policy)
  const actor = actorOf(operation.user, operation.agent)
  if (operation.type === 'push') {
    const { audience, ...rest } = operation.options
    return model.push(actor, operation.key, operation.value, { ...rest, ...audience })
  }
  if (operation.type === 'delete') return model.delete(actor, operation.key, operation.ifVersion)
  if (operation.type === 'subscribe') return model.subscribe(actor, operation.topics)
  if (operation.type === 'unsubscribe') return model.unsubscribe(actor, operation.topics)
  return model.deleteTopic(actor, operation.topic)
}

async function views(mesh: Mesh, of: string): Promise<unknown> {
  const seen: unknown[] = [await mesh.host(of).size()]
  for (const name of Object.keys(roles) as Name[]) {
    const client = clientOf(mesh, of, name)
    const found = await client.list({ limit: 3 })
    const entries = []
    for await (const entry of found)
      entries.push([entry.key, entry.value, entry.version, entry.revision, entry.owner, entry.expiresAt ?? null])
    const one = []
    for (const key of keys)
      one.push(
        (await client.get(key)) ?? null,
        (await client.history(key)).items.map(({ version }) => version),
      )
    seen.push([
      name,
      entries,
      [...(await client.getMany(keys))],
      one,
      (await client.keys({ topics: ['x'] })).items,
      (await client.keys({ topics: ['x', 'y'] })).items,
      (await client.keys({ pattern: 'a*c' })).items,
      (await client.keys({ pattern: '?' })).items,
      (await client.keys({ prefix: 'a.' })).items,
      await client.topics(),
    ])
  }
  return seen
}

function modelViews(model: ReferenceContext, of: string): unknown {
  const iso = (ms: number | undefined) => (ms === undefined ? null : new Date(ms).toISOString())
  const seen: unknown[] = [model.size(of)]
  for (const name of Object.keys(roles) as Name[]) {
    const actor = actorOf(of, name)
    const entries = model.keys(actor).map((key) => {
      const entry = model.entry(actor, key)
      return [key, entry?.value, entry?.version, entry?.revision, entry?.owner, iso(entry?.expiresAt)]
    })
    seen.push([
      name,
      entries,
      keys.filter((key) => model.entry(actor, key)).map((key) => [key, model.get(actor, key)]),
      keys.flatMap((key) => [model.get(actor, key) ?? null, model.history(actor, key)]),
      model.keys(actor, { topics: ['x'] }),
      model.keys(actor, { topics: ['x', 'y'] }),
      model.keys(actor, { matches: (key) => /^a.*c$/su.test(key) }),
      model.keys(actor, { matches: (key) => [...key].length === 1 }),
      model.keys(actor, { matches: (key) => key.startsWith('a.') }),
      model.topics(actor),
    ])
  }
  return seen
}

const names = Object.keys(roles) as Name[]
async function gets(mesh: Mesh, of: string): Promise<unknown> {
  const clients = names.map((name) => clientOf(mesh, of, name))
  return Promise.all(clients.map((each) => Promise.all(keys.map((key) => each.get(key)))))
}
const modelGets = (model: ReferenceContext, of: string): unknown =>
  names.map((name) => keys.map((key) => model.get(actorOf(of, name), key)))

let files = 0
/** @param nameOf users that this storage has not seen */
async function compare(
  storage: { readonly url: string; readonly schema?: string; readonly encrypted?: boolean },
  operations: readonly Operation[],
  nameOf = (user: string) => user,
): Promise<void> {
  const clock = createVirtualClock()
  await using opened = await openMesh(clock, storage)
  const model = new ReferenceContext(clock.now)
  for (const operation of operations) {
    if (operation.type === 'wait') await clock.advance(`${operation.ms}ms`)
    else
      expect(await outcome(() => onMesh(opened.mesh, { ...operation, user: nameOf(operation.user) }))).toEqual(
        await outcome(() => onModel(model, operation)),
      )
    // What is kept of one read must not outlive what comes after it.
    if (opened.storage.singleWriter)
      for (const of of ['ada', 'bob']) expect(await gets(opened.mesh, of)).toEqual(modelGets(model, of))
  }
  for (const of of ['ada', 'bob']) {
    expect(await views(opened.mesh, nameOf(of))).toEqual(modelViews(model, of))
    // Counters move with every write, and are never counted anew.
    const host = opened.mesh.host(nameOf(of))
    const bytes = (values: readonly unknown[]) =>
      values.reduce((sum: number, value) => sum + JSON.stringify(value).length, 0)
    await host.cleanup()
    const { items } = await host.list()
    expect(await host.stats()).toMatchObject({
      entries: items.length,
      expired: 0,
      bytes: bytes(items.map(({ value }) => value)),
    })
  }
}

const missing = await missingServer()

describe('random sequences of users and agents', () => {
  test('Random sequences of users and agents in memory behave as the reference model.', { timeout: 60_000 }, () =>
    fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 40 }), (operations) => compare({ url: 'memory:' }, operations)),
      { numRuns: 150 },
    ),
  )

  test('Random sequences of users and agents on a file behave as the reference model.', { timeout: 60_000 }, () =>
    fc.assert(
      fc.asyncProperty(fc.array(operation, { minLength: 10, maxLength: 40 }), (operations) =>
        compare({ url: `sqlite:${join(folder, `${files++}.db`)}` }, operations),
      ),
      { numRuns: 15 },
    ),
  )

  test.skipIf(missing)(
    'Random sequences of users and agents on PostgreSQL behave as the reference model.',
    { timeout: 60_000 },
    async () => {
      const schema = `troupe_context_model_${process.pid}`
      let runs = 0
      const property = fc.asyncProperty(fc.array(operation, { minLength: 10, maxLength: 40 }), (operations) => {
        const run = runs++
        return compare({ url: server, schema }, operations, (user) => `${user} ${run}`)
      })
      await fc
        .assert(property, { numRuns: 12 })
        .finally(() => withClient((client) => client.query(`drop schema ${schema} cascade`)))
    },
  )
})

describe.each(['memory:', 'sqlite:'])('random sequences on encrypted storage in %s', (kind) => {
  test('Random sequences on encrypted storage behave as the reference model.', { timeout: 60_000 }, () =>
    fc.assert(
      fc.asyncProperty(fc.array(operation, { minLength: 10, maxLength: 40 }), (operations) => {
        const url = kind === 'memory:' ? kind : `sqlite:${join(folder, `${files++}.db`)}`
        return compare({ url, encrypted: true }, operations)
      }),
      { numRuns: kind === 'memory:' ? 60 : 10 },
    ),
  )
})

/** Everything that a user of the mesh is told: answers and refusals word for word, pages with their cursors, changes. */
async function transcriptOf(
  storage: { readonly url: string; readonly schema?: string },
  operations: readonly Operation[],
  nameOf: (user: string) => string,
): Promise<string> {
  const clock = createVirtualClock()
  await using opened = await openMesh(clock, storage)
  const ada = nameOf('ada')
  const outcomeOf = async (run: () => unknown): Promise<unknown> => {
    try {
      return await run()
    } catch (error) {
      if (!(error instanceof TroupeError)) throw error
      const { code, message, details, status } = error
      return { code, message, details, status }
    }
  }
  const stop = new AbortController()
  const changes: unknown[] = []
  const watches = names.map(async (name) => {
    if (name === 'R') return
    for await (const item of clientOf(opened.mesh, ada, name).watch({ signal: stop.signal })) changes.push([name, item])
  })
  const transcript: unknown[] = []
  const host = opened.mesh.host(ada)
  // A watcher that reads later gets nothing that has expired or was narrowed meanwhile.
  const allReceive = async (key: string) => {
    const { revision } = await host.push(key, 1)
    const received = () =>
      changes.filter((change) => (change as [string, { revision: number }])[1].revision === revision)
    await expect.poll(() => received().length, { interval: 1 }).toBe(names.length - 1)
  }
  for (const operation of operations) {
    if (operation.type === 'wait') await clock.advance(`${operation.ms}ms`)
    else {
      const answer = await outcomeOf(() => onMesh(opened.mesh, { ...operation, user: nameOf(operation.user) }))
      if (operation.user !== 'ada') continue
      transcript.push(answer)
      await allReceive('so far')
    }
  }
  transcript.push(
    await views(opened.mesh, ada),
    await host.stats(),
    await outcomeOf(() => host.history('a', { cursor: 'x' })),
  )
  for (const name of names) {
    const client = clientOf(opened.mesh, ada, name)
    const pages = [await client.list({ limit: 2 }), await client.keys({ limit: 1, pattern: '*' })]
    const topics = await outcomeOf(() => client.discoverTopics({ limit: 2, names: true }))
    transcript.push(
      pages.map(({ items, cursor }) => [items, cursor]),
      topics,
      (await client.history('a')).items,
    )
  }
  await allReceive('the end')
  stop.abort()
  await Promise.all(watches)
  // Of several watchers each is told in order.
  transcript.push(names.map((name) => changes.filter((change) => (change as readonly unknown[])[0] === name)))
  return JSON.stringify(transcript)
}

describe('isolation of users', () => {
  const compareAlone = (url: (run: number) => { readonly url: string; readonly schema?: string }, numRuns: number) => {
    let runs = 0
    return fc.assert(
      fc.asyncProperty(fc.array(operation, { minLength: 5, maxLength: 40 }), async (operations) => {
        const alone = operations.filter((operation) => operation.type === 'wait' || operation.user === 'ada')
        const transcripts: string[] = []
        for (const some of [operations, alone]) {
          const run = runs++
          const text = await transcriptOf(url(run), some, (user) => `${user} ${run}`)
          transcripts.push(text.replaceAll(` ${run}"`, '"'))
        }
        expect(transcripts[0]).toBe(transcripts[1])
      }),
      { numRuns },
    )
  }
  test('The actions of one user change nothing that another user observes, in memory.', { timeout: 60_000 }, () =>
    compareAlone(() => ({ url: 'memory:' }), 60),
  )
  test('The actions of one user change nothing that another user observes, on a file.', { timeout: 60_000 }, () =>
    compareAlone(() => ({ url: `sqlite:${join(folder, `${files++}.db`)}` }), 10),
  )
  // All in one schema: what others left there is seen no more than what they do.
  test.skipIf(missing)(
    'The actions of one user change nothing that another user observes, on PostgreSQL.',
    { timeout: 60_000 },
    async () => {
      const schema = `troupe_context_alone_${process.pid}`
      await compareAlone(() => ({ url: server, schema }), 10).finally(() =>
        withClient((client) => client.query(`drop schema ${schema} cascade`)),
      )
    },
  )
})
