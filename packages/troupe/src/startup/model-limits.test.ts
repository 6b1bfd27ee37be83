/** The limits of models that several processes share. */
import { afterAll, expect, it } from 'vitest'
import { dropSchema, missingServer, schemaName, server } from '../../test/postgres/postgres-server.ts'
import { LlmAgent } from '../index.ts'
import { MockModel } from '../testing/index.ts'
import { troupesOfTests } from './troupe-testbed.test.fixture.ts'

const { opened } = troupesOfTests()
const missing = await missingServer()
const schema = schemaName('limits')
afterAll(async () => {
  if (missing === undefined) await dropSchema(schema)
})

it.skipIf(missing !== undefined)(
  'The calls of a model per minute are counted together by all troupes on one PostgreSQL database.',
  async () => {
    const model = new MockModel({ responses: Array.from({ length: 9 }, () => 'answer') })
    const agent = new LlmAgent({ name: 'Asker', model })
    const config = { storage: { url: server, schema }, models: { limits: { mock: { perMinute: 3 } } } }
    const troupes = [await opened(config), await opened(config)]
    const stopped = new AbortController()
    const asked = troupes.flatMap((troupe) =>
      ['one', 'two', 'three'].map((threadId) =>
        troupe
          .user('ada')
          .session(agent, { threadId: `${threadId} of ${troupes.indexOf(troupe)}` })
          .chat('hi', { signal: stopped.signal })
          .then(
            () => 'answered',
            (error: { code: string }) => error.code,
          ),
      ),
    )
    await expect.poll(() => model.calls.length).toBe(3)
    let answered = 0
    for (const one of asked) void one.then(() => answered++)
    await expect.poll(() => answered).toBe(3)
    stopped.abort()
    expect((await Promise.all(asked)).sort()).toEqual([
      'answered',
      'answered',
      'answered',
      ...Array(3).fill('cancelled'),
    ])
    expect(model.calls.length).toBe(3)
  },
)

it.skipIf(missing !== undefined)(
  'The concurrent calls of a model are counted together by all troupes on one PostgreSQL database.',
  async () => {
    const held = Array.from({ length: 4 }, () => Promise.withResolvers<string>())
    let active = 0
    let maxActive = 0
    const answers = held.map(({ promise }) => async () => {
      maxActive = Math.max(maxActive, ++active)
      const text = await promise
      active--
      return text
    })
    const model = new MockModel({ responses: answers })
    const agent = new LlmAgent({ name: 'Asker', model })
    const config = { storage: { url: server, schema }, models: { limits: { mock: { concurrent: 1 } } } }
    const [one, other] = [await opened(config), await opened(config)]
    const chat = (troupe: typeof one, threadId: string) => troupe.user('eve').session(agent, { threadId }).chat('hi')
    const asked = [chat(one, 'a'), chat(other, 'b'), chat(one, 'c')]
    for (const [i, { resolve }] of held.slice(0, 3).entries()) {
      await expect.poll(() => model.calls.length).toBe(i + 1)
      resolve('answer')
    }
    expect([await Promise.all(asked), maxActive]).toEqual([['answer', 'answer', 'answer'], 1])
  },
)
