/** Transactions of the writer: who shares one, and what becomes of its neighbours where something fails. */
import { afterEach, expect, test, vi } from 'vitest'
import type { UserId } from '../../../core/index.ts'
import type { Statement } from '../../changes/statement.ts'
import { storageMigrations } from '../../migrations/storage-migrations.ts'
import type { Cell, ChangeBatch, WriterReply } from '../../writer-port.ts'
import { openInMemory } from '../file/open-for-writing.ts'
import { migrate } from '../migrate.ts'
import { Encoder } from './encoder.ts'
import { outcome } from './wire.ts'
import { Writer } from './writer.ts'

let db = opened()
afterEach(() => {
  db.close()
  db = opened()
})
function opened() {
  const fresh = openInMemory()
  migrate(fresh, storageMigrations, 'memory', 0)
  fresh.exec('create table notes (text text unique, more text)')
  return fresh
}
const texts = () =>
  db
    .prepare('select text from notes order by rowid')
    .all()
    .map((row) => row.text)

function start() {
  const writer = new Writer({ open: () => db, reopens: false, checkpointPages: 1_000 })
  const encoder = new Encoder()
  const insert = (text: string, more = ''): Statement => ({
    sql: 'insert into notes values (?, ?)',
    binds: [text, more],
  })
  /** A change of each list. */
  const batch = (...changes: (readonly Statement[])[]): ChangeBatch => {
    const cells: Cell[] = []
    for (const statements of changes) encoder.encode({ id: null, scope: { user: 'ada' as UserId }, statements }, cells)
    return { kind: 'batch', at: 1, changes: changes.length, cells }
  }
  /** All but the first come while it is executed. */
  const handle = (first: ChangeBatch, ...others: ChangeBatch[]) => writer.handle(first, () => others.shift())
  return { writer, encoder, insert, batch, handle }
}
const ended = (reply: WriterReply | undefined) => (reply?.ok ? reply.cells[0] : reply?.problem)

test('Batches that arrive during a batch share its transaction, and each gets its own reply.', () => {
  const { writer, insert, batch } = start()
  const first = batch([insert('a')])
  const later = [batch([insert('b')], [insert('c')]), batch([insert('d')])]
  const within: boolean[] = []
  const replies = writer.handle(first, () => {
    within.push(db.isTransaction)
    return later.shift()
  })
  expect(within).toEqual([true, true, true])
  expect(replies.map(ended)).toEqual([outcome.done, outcome.done, outcome.done])
  expect(texts()).toEqual(['a', 'b', 'c', 'd'])
  expect(db.isTransaction).toBe(false)
})

test('A transaction of the writer takes at most 256 changes.', () => {
  const { insert, batch, handle } = start()
  const large = batch(...Array.from({ length: 200 }, (_, i) => [insert(`${i}`)]))
  const more = batch(...Array.from({ length: 56 }, (_, i) => [insert(`${200 + i}`)]))
  expect(handle(large, more, batch([insert('next')]))).toHaveLength(2)
  expect(texts()).toHaveLength(256)
})

test('A change that is rejected after it wrote makes the writer repeat the transaction without it.', () => {
  const { insert, batch, handle } = start()
  const replies = handle(
    batch([insert('a')]),
    batch([insert('b')], [insert('half'), { ...insert('a'), expect: { rows: 1 } }]),
    batch([insert('c')]),
  )
  expect(replies.map(ended)).toEqual([outcome.done, outcome.done, outcome.done])
  expect(replies[1]?.ok && replies[1].cells).toContain(outcome.unexpected)
  expect(texts()).toEqual(['a', 'b', 'c'])
})

test('The writer rejects every batch after a failure until a probe has written.', () => {
  const { writer, insert, batch, handle } = start()
  expect(ended(handle(batch([insert('a')]))[0])).toBe(outcome.done)
  const { page_count: pages } = db.prepare('pragma page_count').get() as { page_count: number }
  db.exec(`pragma max_page_count = ${pages + 2}`)
  const large = batch([insert('large', 'x'.repeat(100_000))])
  expect(handle(batch([insert('b')]), large).map(ended)).toEqual(['full', 'full'])
  expect(handle(batch([insert('c')])).map(ended)).toEqual(['full'])
  expect(texts()).toEqual(['a'])
  expect(writer.handle({ kind: 'probe' }).map(({ ok }) => ok)).toEqual([true])
  expect(handle(batch([insert('d')])).map(ended)).toEqual([outcome.done])
  expect(texts()).toEqual(['a', 'd'])
})

test('The writer rejects batches and probes while writing is not permitted.', () => {
  let fileMissing: { ok: false; problem: 'io'; message: string } | undefined = {
    ok: false,
    problem: 'io',
    message: 'moved',
  }
  const writer = new Writer({ open: () => db, reopens: false, checkpointPages: 1_000, fileMissing: () => fileMissing })
  const { insert, batch } = start()
  expect(writer.handle(batch([insert('a')]))).toEqual([fileMissing])
  expect(writer.handle({ kind: 'probe' })).toEqual([fileMissing])
  fileMissing = undefined
  expect(writer.handle(batch([insert('a')])).map(ended)).toEqual(['io'])
  expect(writer.handle({ kind: 'probe' }).map(({ ok }) => ok)).toEqual([true])
  expect(texts()).toEqual([])
})

test('The writer answers a batch whose transaction could not begin.', () => {
  const { writer, encoder, insert, batch, handle } = start()
  // As where somebody else holds the file.
  db.exec('begin')
  expect(handle(batch([insert('a')]), batch([insert('b')])).map(ended)).toEqual(['io'])
  expect(handle(batch([insert('b')])).map(ended)).toEqual(['io'])
  expect(writer.handle({ kind: 'probe' }).map(({ ok }) => ok)).toEqual([true])
  encoder.forget()
  expect(handle(batch([insert('c')])).map(ended)).toEqual([outcome.done])
  expect(texts()).toEqual(['c'])
  const fileMissing = () => {
    throw new Error('no permission to look')
  }
  const blind = new Writer({ open: () => db, reopens: false, checkpointPages: 1_000, fileMissing })
  expect(blind.handle(batch([insert('d')])).map(ended)).toEqual(['io'])
})

test('A repeated change does not make the writer use savepoints, because it has written nothing.', () => {
  const executed: string[] = []
  const prepare = db.prepare.bind(db)
  vi.spyOn(db, 'prepare').mockImplementation((sql) => {
    const statement = prepare(sql)
    const run = statement.run.bind(statement) as (...values: unknown[]) => ReturnType<typeof statement.run>
    return Object.assign(statement, {
      run: (...values: unknown[]) => {
        executed.push(sql)
        return run(...values)
      },
    })
  })
  const { writer, encoder, insert } = start()
  const send = (id: string) => {
    const cells: Cell[] = []
    encoder.encode({ id, scope: { user: 'ada' as UserId }, statements: [insert(id)] }, cells)
    return ended(writer.handle({ kind: 'batch', at: 1, changes: 1, cells })[0])
  }
  expect([send('a'), send('a'), send('b')]).toEqual([outcome.done, outcome.repeated, outcome.done])
  expect(executed.filter((sql) => sql === 'begin immediate')).toHaveLength(3)
  expect(executed).not.toContain('savepoint change')
})
