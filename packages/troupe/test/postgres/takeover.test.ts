/** A process that has lost a run and does not know it yet: what it hears then is left to the run's new owner. */
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createTroupe, defineAgent, finish, type Troupe } from '../../src/index.ts'
import { dropSchema, missingServer, schemaName, server, withClient } from './postgres-server.ts'

const missing = await missingServer()
const schema = schemaName('taken_over')
const changed = async (sql: string, values: readonly string[] = []) =>
  (await withClient((client) => client.query(sql, [...values]))).rowCount
/** What a take-over does to a journal. */
const takeOverJournal = (journal: string) =>
  changed(`update ${schema}.journals set head = head + 1, epoch = epoch + 1 where journal_id like $1`, [journal])

describe.skipIf(missing !== undefined)('a process that loses its run to another', () => {
  let troupe: Troupe
  let work: PromiseWithResolvers<void>
  let executions: number
  const worker = defineAgent({
    name: 'Works',
    run: async (_, ctx) => {
      executions++
      await ctx.effect('work', { class: 'idempotent' }, () => work.promise)
      return finish('worked')
    },
  })
  const start = () =>
    troupe.user('ada').orchestra.start({ task: 'x', topology: { agents: [worker], flows: ['Works -> End'] } })
  beforeEach(async () => {
    work = Promise.withResolvers()
    executions = 0
    troupe = await createTroupe({ storage: { url: server, schema }, agents: [worker], log: 'silent' })
  })
  afterEach(() => {
    work.resolve()
    return troupe.close()
  })
  afterAll(() => dropSchema(schema))

  test('A process that lost its run rejects no command by its own state, and leaves it in the inbox.', async () => {
    const run = await start()
    await changed(`insert into ${schema}.processes (process_id, lease_until) values ('other', 9000000000000)`)
    expect(await changed(`update ${schema}.work set owner = 'other' where journal_id = 'run:' || $1`, [run.id])).toBe(1)
    expect(await takeOverJournal(`run:${run.id}`)).toBe(1)
    const controller = new AbortController()
    const answered = run.answer('asked by the new owner', 'x', { id: 'given', signal: controller.signal })
    await expect.poll(() => changed(`select 1 from ${schema}.run_commands where outcome is null`)).toBe(1)
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect(await changed(`select 1 from ${schema}.inbox where from_id = 'command'`)).toBe(1)
    controller.abort()
    await expect(answered).rejects.toMatchObject({ code: 'cancelled' })
  })

  test('A process executes a step again whose journal another writer owned for a moment.', async () => {
    const run = await start()
    await expect.poll(() => takeOverJournal(`step:${run.id}/%`)).toBe(1)
    work.resolve()
    expect(await run.result()).toMatchObject({ status: 'completed', response: 'worked' })
    expect(executions).toBe(2)
  })
})
