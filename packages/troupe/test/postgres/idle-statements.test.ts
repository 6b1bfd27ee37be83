/** What a process that has nothing to do asks of the database, in the minute in which its audit log is still read too. */
import { afterAll, describe, expect, test } from 'vitest'
import { createTroupe, defineAgent } from '../../src/index.ts'
import { FaultProxy, type Message } from './fault-proxy.ts'
import { dropSchema, missingServer, schemaName, server } from './postgres-server.ts'

const missing = await missingServer()
const schema = schemaName('idle')
const forMs = 6_000
/** Of a Sync or a plain query: what the process waits for. */
const isWait = ({ direction, type }: Message) => direction === 'out' && (type === 'S' || type === 'Q')
const isStatement = ({ direction, type }: Message) => direction === 'out' && (type === 'E' || type === 'Q')

describe.skipIf(missing !== undefined)('idle process', () => {
  afterAll(() => dropSchema(schema))

  test('A process without work asks at most 24 statements and 8 waits per second of PostgreSQL.', async () => {
    const proxy = await FaultProxy.open(server)
    const url = Object.assign(new URL(server), { port: String(proxy.port) }).href
    const agents = [defineAgent({ name: 'Echo', run: async () => 'done' })]
    const troupe = await createTroupe({ storage: { url, schema }, log: 'silent', agents })
    try {
      await new Promise((resolve) => setTimeout(resolve, 3_000))
      const from = proxy.messages.length
      await new Promise((resolve) => setTimeout(resolve, forMs))
      const messages = proxy.messages.slice(from)
      const perSecond = (is: typeof isWait) => messages.filter(is).length / (forMs / 1_000)
      const rates = { statements: perSecond(isStatement), waits: perSecond(isWait) }
      console.log(`an idle process: ${rates.statements} statements and ${rates.waits} waits per second`)
      expect(rates.statements).toBeLessThanOrEqual(24)
      expect(rates.waits).toBeLessThanOrEqual(8)
    } finally {
      await troupe.close()
      await proxy.close()
    }
  })
})
