import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, it, onTestFinished } from 'vitest'
import { createTroupe, defineAgent, defineMessage, type StepContext, Worker } from '../../index.ts'
import { userTables } from '../../operations/troupe-tables.ts'
import { markOf } from '../encryption/data-key-statements.ts'

function temporaryFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-missed-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'troupe.db')
}

/** Deletes the rows of a user and leaves the mark, as an erasure by another process of which this process is not notified. */
function deleteRowsOf(file: string, user: string): void {
  using db = new DatabaseSync(file)
  const tables = userTables.filter(({ only }) => only !== 'postgres')
  db.exec('begin immediate')
  for (const { name } of tables) db.prepare(`delete from "${name}" where user_id = ?`).run(user)
  db.prepare('insert into security_erased_users (mark, user_id, at) values (?, null, ?)').run(markOf(user), Date.now())
  db.exec('commit')
}

function rowsWith(file: string, text: string): readonly string[] {
  using db = new DatabaseSync(file)
  const tables = db.prepare("select name from sqlite_master where type = 'table'").all() as { name: string }[]
  const toText = (row: unknown) =>
    JSON.stringify(row, (_, value) => (typeof value === 'bigint' ? String(value) : value))
  return tables.flatMap(({ name }) =>
    db
      .prepare(`select * from "${name}"`)
      .all()
      .map(toText)
      .filter((row) => row.includes(text))
      .map((row) => `${name} ${row}`),
  )
}

it('The erasure of a user leaves no journal to work of a process that missed it, and no effect begins there.', async () => {
  const file = temporaryFile()
  await using troupe = await createTroupe({ storage: `sqlite:${file}`, log: 'silent' })
  const user = troupe.user('ada!')
  const gate = Promise.withResolvers<void>()
  const started: string[] = []
  const paid: string[] = []
  const work = async (name: string, ctx: Pick<StepContext, 'effect'>) => {
    started.push(name)
    await gate.promise
    await ctx.effect('read', { class: 'read' }, async () => 'MARKER')
    await ctx.effect('pay', { class: 'at-most-once' }, async () => {
      paid.push(name)
      return 'MARKER'
    })
    return 'MARKER'
  }
  const slow = defineAgent({ name: 'Slow', run: (task: string, ctx) => work(task, ctx) })
  const Pay = defineMessage<string>('pay')
  await user.start(new Worker('Desk').on(Pay, (_, ctx) => work('handler', ctx).then(() => {})))
  await user.agent('Shop').messages.send(Pay, 'MARKER', { to: 'Desk' })
  const calls = [
    user.session(slow, { threadId: 't' }).generate('session'),
    user.orchestra.run({ id: 'r', task: 'run', agent: slow }),
  ].map((call) => call.catch((error: unknown) => error))
  await expect.poll(() => started.toSorted()).toEqual(['handler', 'run', 'session'])
  deleteRowsOf(file, 'ada!')
  gate.resolve()
  expect(await calls[0]).toMatchObject({ code: 'journal.lost' })
  await troupe.close()
  expect(paid).toEqual([])
  expect(rowsWith(file, 'MARKER')).toEqual([])
})

it('The erasure of a user that a process missed drops the cached values there with the next notification.', async () => {
  const file = temporaryFile()
  await using troupe = await createTroupe({ storage: `sqlite:${file}`, log: 'silent' })
  const user = troupe.user('ada!')
  await user.context.push('plan', 'MARKER')
  const reader = user.agent('Reader').context
  expect(await reader.get('plan', { maxAge: '1h' })).toBe('MARKER')
  deleteRowsOf(file, 'ada!')
  await user.context.push('plan', 'new')
  await troupe.forget('bob')
  await expect.poll(() => reader.get('plan', { maxAge: '1h' })).toBe('new')
})
