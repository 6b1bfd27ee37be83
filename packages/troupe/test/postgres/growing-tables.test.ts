/** A statement that was planned while its tables were empty must not read them whole when they have filled since. */
import { afterAll, describe, expect, test } from 'vitest'
import { createTroupe } from '../../src/index.ts'
import { defineMessage, Worker } from '../../src/messaging/index.ts'
import { dropSchema, missingServer, schemaName, server, withClient } from './postgres-server.ts'

const missing = await missingServer()
const schema = schemaName('growing')
const depth = 2_000
const hot = 600

/** Of all rows that were looked at, in whatever way. */
const rowsRead = (...begins: readonly string[]) =>
  withClient(async (client) => {
    const { rows } = await client.query(
      `select sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)) as read from pg_stat_user_tables
        where schemaname = $1 and relname ~ $2`,
      [schema, `^(${begins.join('|')})`],
    )
    return Number(rows[0].read)
  })

describe.skipIf(missing !== undefined)('tables that grow', () => {
  afterAll(() => dropSchema(schema))

  test('The growing tables are read by their indexes, before the server has statistics of them.', {
    timeout: 60_000,
  }, async () => {
    const troupe = await createTroupe({ storage: { url: server, schema }, log: 'silent' })
    const ada = troupe.user('ada')
    const Note = defineMessage('note')
    const send = (from: number) => ada.agent(`Sender ${from}`).messages.send(Note, 'hello', { to: 'Box' })
    for (let sent = 0; sent < depth; sent += 100) await Promise.all(Array.from({ length: 100 }, (_, i) => send(i)))
    const { mailbox } = ada.agent('Box')
    for (let drainedCount = 0; drainedCount < depth / 4; drainedCount++) {
      const [delivery] = await mailbox.receive({ max: 1 })
      await delivery?.ack()
    }
    const { promise: all, resolve } = Promise.withResolvers<void>()
    let handled = 0
    const worker = new Worker('Box').onBatch(Note, { size: 20, wait: '10ms' }, (messages) => {
      handled += messages.length
      if (handled >= depth / 2) resolve()
    })
    const running = await ada.start(worker)
    await all
    await running.stop()
    const { context } = ada.agent('Busy')
    for (let version = 1; version <= hot; version++) await context.push('hot', version)
    // What a connection has counted is told when it ends.
    await troupe.close()
    expect((await rowsRead('messages', 'mailbox')) / (depth + depth / 4 + handled)).toBeLessThan(300)
    expect((await rowsRead('context')) / hot).toBeLessThan(100)
  })
})
