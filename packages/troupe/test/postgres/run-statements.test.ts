/** How much a run asks of PostgreSQL: each statement and each wait for the server costs both processes and the network. */
import { afterAll, describe, expect, test } from 'vitest'
import { createTroupe, LlmAgent } from '../../src/index.ts'
import { MockModel } from '../../src/testing/index.ts'
import { FaultProxy, type Message } from './fault-proxy.ts'
import { dropSchema, missingServer, schemaName, server } from './postgres-server.ts'

const missing = await missingServer()
const schema = schemaName('run_statements')
const isWait = ({ direction, type }: Message) => direction === 'out' && (type === 'S' || type === 'Q')
const isStatement = ({ direction, type }: Message) => direction === 'out' && (type === 'E' || type === 'Q')

/** Returns the messages without the notifications: the process sends these for all of its runs, at times of its own. */
function withoutNotifications(messages: readonly Message[]): readonly Message[] {
  const notifying = new Set<number>()
  return messages.filter(({ connection, direction, type, text }) => {
    if (direction === 'out' && type === 'P' && text.startsWith('select pg_notify')) notifying.add(connection)
    const counts = !notifying.has(connection)
    if (direction === 'out' && type === 'S') notifying.delete(connection)
    return counts
  })
}

const worker = (name: string) =>
  new LlmAgent({
    name,
    instructions: 'Work.',
    model: new MockModel({ responses: Array.from({ length: 100 }, () => 'ok') }),
  })
const workers = [1, 2, 3, 4, 5].map((n) => worker(`W${n}`))
const names = workers.map(({ name }) => name)
const hub = {
  agents: [worker('Plan'), ...workers, worker('Join')],
  flows: ['Start -> Plan', `Plan => {${names.join(', ')}}`, ...names.map((name) => `${name} -> Join`), 'Join -> End'],
}

describe.skipIf(missing !== undefined)('a run on PostgreSQL', () => {
  afterAll(() => dropSchema(schema))

  test('A run of seven model calls asks at most 43 statements and 5 waits of PostgreSQL, besides notifications.', async () => {
    const proxy = await FaultProxy.open(server)
    const url = Object.assign(new URL(server), { port: String(proxy.port) }).href
    const troupe = await createTroupe({ storage: { url, schema }, log: 'silent' })
    try {
      const { orchestra } = troupe.user('ada')
      const runs: { readonly statements: number; readonly waits: number }[] = []
      for (let i = 0; i < 60; i++) {
        const from = proxy.messages.length
        expect(await orchestra.run({ task: 'go', topology: hub })).toMatchObject({ status: 'completed', totalSteps: 7 })
        const messages = withoutNotifications(proxy.messages.slice(from))
        runs.push({ statements: messages.filter(isStatement).length, waits: messages.filter(isWait).length })
      }
      // The work that the process repeats, and the first preparation of statements, are not of the run.
      const least = {
        statements: Math.min(...runs.map(({ statements }) => statements)),
        waits: Math.min(...runs.map(({ waits }) => waits)),
      }
      console.log(`a run of seven model calls: ${least.statements} statements and ${least.waits} waits`)
      expect(least.statements).toBeLessThanOrEqual(43)
      expect(least.waits).toBeLessThanOrEqual(5)
    } finally {
      await troupe.close()
      await proxy.close()
    }
  })
})
