/** Each case is sent twice: with statements that the connection does not know yet, and with prepared ones. */
import type { Duplex } from 'node:stream'
import pg, { type PoolClient } from 'pg'
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { missingServer, server } from '../../../../test/postgres/postgres-server.ts'
import { errorClassOf } from '../error-class.ts'
import { Chunks, type QueryOutcome } from './chunks.ts'
import type { Query } from './prepared-texts.ts'

const missing = await missingServer()
const chunks = new Chunks(pg.Query)
const named = (text: string, ...values: Query['values']): Query => ({ name: text.slice(0, 60), text, values })
const [begin, commit] = [named('begin'), named('commit')]

const outcomesOf = (queryOutcomes: readonly QueryOutcome[]) =>
  queryOutcomes.map((each) =>
    each.status === 'rejected' ? errorClassOf(each.reason).kind : (each.value.rows[0] ?? each.value.command),
  )

describe.skipIf(missing !== undefined)('pipelined queries', () => {
  let client: PoolClient
  /** How often the server said that it is ready for more. */
  let ready = 0
  const open: PoolClient[] = []

  beforeEach(async () => {
    const made = new pg.Client({ connectionString: server, pipeline: true } as pg.ClientConfig)
    made.on('error', () => {})
    await made.connect()
    client = made as unknown as PoolClient
    open.push(client)
    await client.query('create temporary table kept (n bigint primary key, unique (n) deferrable initially deferred)')
    client.connection.on('readyForQuery', () => ready++)
  })
  afterAll(() => Promise.all(open.map((each) => (each as unknown as pg.Client).end().catch(() => {}))))

  /** @returns what became of them the first time, which prepares them, and the second */
  async function twice(asked: readonly (readonly Query[])[]) {
    const first = outcomesOf(await chunks.send(client, asked, commit))
    await client.query('truncate kept')
    ready = 0
    const second = outcomesOf(await chunks.send(client, asked, commit))
    return { first, second, syncs: ready }
  }

  test('Pipelined queries get the same answers, with one Sync for each chunk.', async () => {
    const bytes = new Uint8Array([0, 255, 92, 34])
    const texts = ['plain', 'with "quotes", \\ and {braces}', '', 'NULL', '世界 🎭']
    const asked = [
      [begin, named('insert into kept values ($1)', 7n)],
      [
        named('select $1::text[] as texts, $2::bytea as bytes', texts, bytes),
        named('select $1::bigint + 1 as big, $2::float8 as real, $3::text as text', 2 ** 52, 0.5, "it's"),
        named('select n from kept'),
      ],
    ]
    const { first, second, syncs } = await twice(asked)
    expect(second).toEqual(first)
    const { texts: received } = second[2] as unknown as { texts: readonly string[] }
    expect(received).toEqual(texts)
    expect((second[2] as unknown as { bytes: Buffer }).bytes).toEqual(Buffer.from(bytes))
    expect(second.slice(3)).toEqual([{ big: '4503599627370497', real: 0.5, text: "it's" }, { n: '7' }, 'COMMIT'])
    // Two chunks, of which the last has the end.
    expect(syncs).toBe(2)
  })

  test('Pipelined queries of a transaction are written to the socket at once.', async () => {
    const { stream } = client.connection as unknown as { readonly stream: Duplex }
    const writes = [vi.spyOn(stream, '_write'), vi.spyOn(stream, '_writev')]
    const written = () => writes.reduce((sum, { mock }) => sum + mock.calls.length, 0)
    for (const value of [1n, 2n]) {
      await chunks.send(
        client,
        [[begin, named('insert into kept values ($1)', value)], [named('select 1 as n')]],
        commit,
      )
      expect(written()).toBe(1)
      await chunks.sendAsTransaction(client, [
        named('insert into kept values ($1)', value + 2n),
        named('select 2 as n'),
      ])
      expect(written()).toBe(2)
      for (const each of writes) each.mockClear()
    }
    expect((await client.query('select n from kept order by n')).rows).toHaveLength(4)
  })

  test('Pipelined queries end at a failure: later queries are rejected, and the transaction is rolled back.', async () => {
    const { first, second } = await twice([
      [begin, named('insert into kept values ($1)', 1n), named('select 1 / $1::int as n', 0), named('select 2 as n')],
    ])
    expect(first).toEqual(['BEGIN', 'INSERT', 'invalid', 'aborted', 'ROLLBACK'])
    expect(second).toEqual(first)
    expect((await client.query('select n from kept')).rows).toEqual([])
  })

  test('Pipelined queries return to a savepoint, and preserve what was before it.', async () => {
    const savepoint = named('savepoint one')
    const back = named('rollback to savepoint one')
    const { first, second } = await twice([
      [begin, named('insert into kept values ($1)', 1n), savepoint],
      [named('insert into kept values ($1)', 2n), named('select 1 / $1::int as n', 0), savepoint],
      [back],
    ])
    expect(first).toEqual(['BEGIN', 'INSERT', 'SAVEPOINT', 'INSERT', 'invalid', 'aborted', 'ROLLBACK', 'COMMIT'])
    expect(second).toEqual(first)
    expect((await client.query('select n from kept')).rows).toEqual([{ n: '1' }])
  })

  test('Pipelined queries report a commit that fails.', async () => {
    const insert = named('insert into kept values ($1)', 3n)
    const { first, second } = await twice([[begin, insert, named('select 1 as n')]])
    expect([first.at(-1), second.at(-1)]).toEqual(['COMMIT', 'COMMIT'])
    const deferred = named('alter table kept drop constraint kept_pkey')
    await client.query(deferred.text)
    const repeated = outcomesOf(await chunks.send(client, [[begin, insert, named('select 1 as n')]], commit))
    expect(repeated).toEqual(['BEGIN', 'INSERT', { n: 1 }, 'unique-violation'])
  })

  test('Pipelined queries are all rejected on a lost connection, and none waits forever.', async () => {
    const asked = (seconds: number) => [
      [begin, named('select 1 as n'), named('select pg_sleep($1)::text as slept', seconds), named('select 2 as n')],
    ]
    expect(outcomesOf(await chunks.send(client, asked(0), commit)).at(-1)).toBe('COMMIT')
    const { rows } = await client.query('select pg_backend_pid() as pid')
    const sent = chunks.send(client, asked(60), commit)
    const other = open[0] as PoolClient
    const end = "select pg_terminate_backend(pid) from pg_stat_activity where pid = $1 and wait_event = 'PgSleep'"
    while ((await other.query(end, [rows[0].pid])).rowCount === 0);
    expect(outcomesOf(await sent)).toEqual(['BEGIN', { n: 1 }, 'lost', 'aborted', 'lost'])
    expect(outcomesOf(await chunks.send(client, asked(0), commit)).at(-1)).toBe('lost')
  })

  test('Pipelined queries are one transaction without BEGIN, and its settings end with it.', async () => {
    const set = named("select set_config('troupe.user', $1, true) as user_id", 'ada')
    const read = named("select current_setting('troupe.user', true) as user_id")
    const fails = named('select 1 / $1::int as n', 0)
    const insert = named('insert into kept values ($1)', 5n)
    const userNow = async () => (await client.query(read.text)).rows[0].user_id
    const sent = async (...asked: readonly Query[]) => outcomesOf((await chunks.sendAsTransaction(client, asked)) ?? [])
    for (let time = 0; time < 2; time++) {
      ready = 0
      expect([await sent(set, read), ready]).toEqual([[{ user_id: 'ada' }, { user_id: 'ada' }, 'COMMIT'], 1])
      expect(await userNow()).not.toBe('ada')
      expect(await sent(set, insert, fails, read)).toEqual([
        { user_id: 'ada' },
        'INSERT',
        'invalid',
        'aborted',
        'ROLLBACK',
      ])
      expect(await userNow()).not.toBe('ada')
    }
    expect((await client.query('select n from kept')).rows).toEqual([])
    expect(await sent(insert)).toEqual(['INSERT', 'COMMIT'])
    expect((await client.query('select n from kept')).rows).toEqual([{ n: '5' }])
    // The unique constraint is checked at the end.
    await client.query('alter table kept drop constraint kept_pkey')
    expect(await sent(insert, named('select 1 as n'))).toEqual(['INSERT', { n: 1 }, 'unique-violation'])
  })

  test('A statement that a failed transaction has closed is prepared again.', async () => {
    const read = named('select $1::int as n', 1)
    const fails = named('select 1 / $1::int as n', 0)
    // Both chunks prepare the statement, the second one after the failure.
    const failed = outcomesOf(await chunks.send(client, [[begin, read, fails], [read]], commit))
    expect(failed).toEqual(['BEGIN', { n: 1 }, 'invalid', 'aborted', 'ROLLBACK'])
    for (let time = 0; time < 2; time++)
      expect(outcomesOf(await chunks.send(client, [[begin, read]], commit))).toEqual(['BEGIN', { n: 1 }, 'COMMIT'])
  })

  test('Queries are sent one by one if pg handles its queries otherwise.', async () => {
    class Other {}
    const others = new Chunks(Other as unknown as typeof pg.Query)
    for (let time = 0; time < 2; time++) {
      ready = 0
      expect(outcomesOf(await others.send(client, [[begin, named('select 1 as n')]], commit))).toEqual([
        'BEGIN',
        { n: 1 },
        'COMMIT',
      ])
      expect(ready).toBe(3)
    }
  })
})
