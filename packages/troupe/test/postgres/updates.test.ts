/** Updates of lists where several processes share a database: a page sees what happens in each of them. */
import { afterAll, describe, expect, test } from 'vitest'
import { createTroupe, defineAgent } from '../../src/index.ts'
import { partsOf } from '../../src/startup/index.ts'
import { dropSchema, missingServer, schemaName, server } from './postgres-server.ts'

const missing = await missingServer()
const schema = schemaName('updates')
const echo = defineAgent({ name: 'Echo', run: async (input) => input })

describe.skipIf(missing !== undefined)('Updates on a database that two processes share', () => {
  afterAll(() => dropSchema(schema))

  test('A watcher learns what another process does for the user, and nothing of other users.', async () => {
    const keys = [{ id: 'k', key: Buffer.alloc(32, 1).toString('base64') }]
    const config = { storage: { url: server, schema }, log: 'silent', encryption: { keys } } as const
    await using here = await createTroupe({ ...config, agents: [echo] })
    await using there = await createTroupe(config)
    const end = new AbortController()
    const { updates } = there[partsOf].observability
    const received: string[] = []
    const receivedOfAll: string[] = []
    const watch = async (user: string, allUsers: boolean, into: string[]) => {
      for await (const batch of updates.watch(user, end.signal, { allUsers })) into.push(JSON.stringify(batch))
    }
    const watching = [watch('ada', false, received), watch('eve', true, receivedOfAll)]
    let pushes = 0
    // The other process has to hear first that the user is watched.
    await expect
      .poll(
        async () => {
          await here.user('ada').context.push('letters.draft', pushes++)
          return received.join()
        },
        { timeout: 20_000, interval: 200 },
      )
      .toContain('"namespace":"letters"')
    await here.user('ben').orchestra.run({ id: 'of-ben', agent: 'Echo', task: 1 })
    await here.user('ada').orchestra.run({ id: 'of-ada', agent: 'Echo', task: 1 })
    await expect.poll(() => received.join()).toContain('{"kind":"run","run":"of-ada","status":"completed"}')
    await expect.poll(() => receivedOfAll.join()).toContain('{"kind":"all-runs"}')
    expect(received.join()).not.toMatch(/of-ben|all-runs/)
    expect(receivedOfAll.join()).not.toMatch(/of-ben|of-ada/)
    // More than one message between processes holds.
    await Promise.all(
      Array.from({ length: 150 }, (_, i) => here.user('ada').context.push(`${'n'.repeat(80)}${i}.x`, 1)),
    )
    await expect.poll(() => received.join()).toContain('resync')
    end.abort()
    await Promise.all(watching)
  })
})
