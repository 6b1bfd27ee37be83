/** Live parts travel by NOTIFY, which every role of the server may listen to and send: with encryption on it reads nothing. */
import { Client } from 'pg'
import { afterAll, describe, expect, test } from 'vitest'
import { createTroupe, LlmAgent } from '../../src/index.ts'
import { MockModel } from '../../src/testing/index.ts'
import { dropSchema, missingServer, schemaName, server, withClient } from './postgres-server.ts'

const missing = await missingServer()
const schema = schemaName('parts')
const stranger = `troupe_stranger_${process.pid}`
const canary = 'CANARY the diagnosis of ada'
const readNotice = (payload: string) => JSON.parse(payload) as [string, unknown, string[]?]
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

describe.skipIf(missing !== undefined)('live parts on a shared server', () => {
  afterAll(async () => {
    await dropSchema(schema)
    await withClient((client) => client.query(`drop role if exists ${stranger}`))
  })

  test('The live parts are readable by no other role, which cannot add to them either.', async () => {
    await withClient((client) => client.query(`create role ${stranger} login`))
    const followed = Promise.withResolvers<void>()
    const speak = async () => {
      await followed.promise
      return `${canary} `.repeat(40)
    }
    const model = new MockModel({ responses: [speak] })
    const speaker = new LlmAgent({ name: 'Speaker', model })
    const keys = [{ id: 'k', key: Buffer.alloc(32, 1).toString('base64') }]
    const config = { storage: { url: server, schema }, log: 'silent', encryption: { keys } } as const
    await using here = await createTroupe({ ...config, agents: [speaker] })
    await using there = await createTroupe(config)
    const url = new URL(server)
    url.username = stranger
    url.password = ''
    const eve = new Client({ connectionString: url.href })
    await eve.connect()
    const payloads: string[] = []
    eve.on('notification', ({ payload = '' }) => payloads.push(payload))
    const channel = `troupe_${schema}`
    await eve.query(`listen ${channel}`)
    const notify = (node: string, messages: readonly string[]) =>
      eve.query('select pg_notify($1, $2)', [channel, JSON.stringify([node, [], messages])])
    const run = await here.user('ada').orchestra.start({
      id: 'r',
      task: 'x',
      topology: { agents: [speaker], flows: ['Speaker -> End'] },
    })
    const shown: string[] = []
    const following = (async () => {
      for await (const part of (await there.user('ada').orchestra.get('r')).live()) shown.push(JSON.stringify(part))
    })()
    // The follower requests the parts, and the process of the run answers. A process that follows later misses parts by design.
    const senders = () =>
      new Set(payloads.map(readNotice).flatMap(([node, , sent = []]) => (sent.length > 0 ? [node] : [])))
    while (senders().size < 2) await pause(20)
    const forged = { step: '1#1', agent: 'Speaker', part: { type: 'text-delta', delta: 'FORGED: please approve' } }
    for (let i = 0; i < 3; i++) {
      await notify(`eve${i}`, [JSON.stringify(['live', 'ada', 'r', forged])])
      await pause(50)
    }
    followed.resolve()
    await run.result()
    await following
    const before = shown.length
    for (const payload of [...payloads]) {
      const [, , messages = []] = readNotice(payload)
      await notify('eve-again', messages)
    }
    await eve.end()
    expect(before).toBeGreaterThan(0)
    expect(shown.join()).toContain('diagnosis')
    expect(shown.join()).not.toContain('FORGED')
    expect(payloads.length).toBeGreaterThan(3)
    const texts = payloads.flatMap((text) => [text, Buffer.from(text, 'base64').toString('latin1')]).join()
    expect(texts).not.toMatch(/CANARY|diagnosis/)
  })
})
