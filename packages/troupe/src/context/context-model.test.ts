import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { createVirtualClock, TroupeError } from '../core/index.ts'
import { type ReferenceActor, ReferenceContext, Refused } from '../testing/index.ts'
import { missingServer, onServer, openMesh, server } from './context.test.fixture.ts'
import type { Mesh } from './mesh.ts'
import {
  type Action,
  handsOf,
  keys,
  type Name,
  type Operation,
  onMesh,
  operation,
  roles,
} from './operations.test.fixture.ts'
import { compilePattern } from './pattern.ts'

const folder = mkdtempSync(join(tmpdir(), 'troupe-context-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const outcome = async (run: () => unknown): Promise<unknown> => {
  try {
    return (await run()) ?? null
  } catch (error) {
    if (error instanceof TroupeError || error instanceof Refused) return { refused: error.code }
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
    const hands = handsOf(mesh, of, name)
    const found = await hands.list({ limit: 3 })
    const entries = []
    for await (const entry of found)
      entries.push([entry.key, entry.value, entry.version, entry.revision, entry.owner, entry.expiresAt ?? null])
    const one = []
    for (const key of keys)
      one.push(
        (await hands.get(key)) ?? null,
        (await hands.history(key)).items.map(({ version }) => version),
      )
    seen.push([
      name,
      entries,
      [...(await hands.getMany(keys))],
      one,
      (await hands.keys({ topics: ['x'] })).items,
      (await hands.keys({ topics: ['x', 'y'] })).items,
      (await hands.keys({ pattern: 'a*c' })).items,
      (await hands.keys({ pattern: '?' })).items,
      (await hands.keys({ prefix: 'a.' })).items,
      await hands.topics(),
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
  const hands = names.map((name) => handsOf(mesh, of, name))
  return Promise.all(hands.map((each) => Promise.all(keys.map((key) => each.get(key)))))
}
const modelGets = (model: ReferenceContext, of: string): unknown =>
  names.map((name) => keys.map((key) => model.get(actorOf(of, name), key)))

let files = 0
/** @param nameOf users that this storage has not seen */
async function compare(
  storage: { readonly url: string; readonly schema?: string; readonly sealed?: boolean },
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
    if (opened.storage.sole)
      for (const of of ['ada', 'bob']) expect(await gets(opened.mesh, of)).toEqual(modelGets(model, of))
  }
  for (const of of ['ada', 'bob']) expect(await views(opened.mesh, nameOf(of))).toEqual(modelViews(model, of))
}

const missing = await missingServer()

describe('random sequences of users and agents', () => {
  test('mean in memory what they mean to the reference model', { timeout: 60_000 }, () =>
    fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 40 }), (operations) => compare({ url: 'memory:' }, operations)),
      { numRuns: 150 },
    ),
  )

  test('mean on a file what they mean to the reference model', { timeout: 60_000 }, () =>
    fc.assert(
      fc.asyncProperty(fc.array(operation, { minLength: 10, maxLength: 40 }), (operations) =>
        compare({ url: `sqlite:${join(folder, `${files++}.db`)}` }, operations),
      ),
      { numRuns: 15 },
    ),
  )

  test.skipIf(missing)('mean on PostgreSQL what they mean to the reference model', { timeout: 60_000 }, async () => {
    const schema = `troupe_context_model_${process.pid}`
    let runs = 0
    const property = fc.asyncProperty(fc.array(operation, { minLength: 10, maxLength: 40 }), (operations) => {
      const run = runs++
      return compare({ url: server, schema }, operations, (user) => `${user} ${run}`)
    })
    await fc
      .assert(property, { numRuns: 12 })
      .finally(() => onServer((client) => client.query(`drop schema ${schema} cascade`)))
  })
})

describe.each(['memory:', 'sqlite:'])('random sequences on what is sealed, in %s', (kind) => {
  test('mean what they mean to the reference model', { timeout: 60_000 }, () =>
    fc.assert(
      fc.asyncProperty(fc.array(operation, { minLength: 10, maxLength: 40 }), (operations) => {
        const url = kind === 'memory:' ? kind : `sqlite:${join(folder, `${files++}.db`)}`
        return compare({ url, sealed: true }, operations)
      }),
      { numRuns: kind === 'memory:' ? 60 : 10 },
    ),
  )
})

test('what one user does cannot be told from the answers to another', { timeout: 60_000 }, () =>
  fc.assert(
    fc.asyncProperty(fc.array(operation, { minLength: 5, maxLength: 40 }), async (operations) => {
      const transcript = async (of: readonly Operation[]) => {
        const clock = createVirtualClock()
        await using opened = await openMesh(clock)
        const answers: unknown[] = []
        for (const operation of of) {
          if (operation.type === 'wait') await clock.advance(`${operation.ms}ms`)
          else {
            const answer = await outcome(() => onMesh(opened.mesh, operation))
            if (operation.user === 'ada') answers.push(answer)
          }
        }
        return JSON.stringify([answers, await views(opened.mesh, 'ada'), await opened.mesh.host('ada').stats()])
      }
      const alone = operations.filter((operation) => operation.type === 'wait' || operation.user === 'ada')
      expect(await transcript(operations)).toBe(await transcript(alone))
    }),
    { numRuns: 60 },
  ),
)

test('a pattern means what the regular expression of its marks means', () =>
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('a', 'b', '.', '*', '?', '\u{1f600}'), { maxLength: 8 }),
      fc.array(fc.constantFrom('a', 'b', '.', '*', '\u{1f600}'), { maxLength: 8 }),
      (marks, text) => {
        const source = marks
          .map((mark) => (mark === '*' ? '.*' : mark === '?' ? '.' : mark === '.' ? '\\.' : mark))
          .join('')
        expect(compilePattern(marks.join('')).matches(text.join(''))).toBe(
          new RegExp(`^${source}$`, 'su').test(text.join('')),
        )
      },
    ),
    { numRuns: 2_000 },
  ))
