import { expect, test } from 'vitest'
import type { UserId } from '../../../core/index.ts'
import type { Change } from '../../storage-port.ts'
import { settingsOf } from '../connections/connection-target.ts'
import type { PostgresErrorClass } from '../error-class.ts'
import type { Failed, TransactionOutcome } from '../transactions.ts'
import { type AttemptedChange, answerChange } from './answer-change.ts'

const settings = settingsOf({ url: 'postgres://db/shop' })
const user = 'ada' as UserId
const guarded = {
  sql: 'update notes set text = 1',
  binds: [],
  otherwise: 'context.conflict',
  detail: { key: 'k' },
} as const
const done = (rows: Extract<TransactionOutcome, { kind: 'done' }>['rows']): TransactionOutcome => ({
  kind: 'done',
  rows,
  affected: [rows.length],
  revision: null,
  at: 5,
})
const failed = (errorClass: PostgresErrorClass, statement = 0): Failed => ({
  kind: 'failed',
  errorClass,
  statement,
  error: new Error('lost it'),
  sent: true,
})

/** @param lookups what lookups of the change's id give, in order */
function attempt(more: Partial<AttemptedChange> = {}, lookups: readonly TransactionOutcome[] = [], unblocked = 0) {
  const left = [...lookups]
  const change: Change = { id: 'c1', scope: { user }, statements: [guarded] }
  const attempted: AttemptedChange = {
    change,
    id: change.id,
    unknown: false,
    attempts: 0,
    deadline: { isOver: () => false },
    ...more,
  }
  const transactions = { changes: async () => left.splice(0, 1), unblock: async () => unblocked }
  return {
    attempted,
    answer: (outcome: TransactionOutcome) => answerChange(attempted, outcome, { transactions, settings }),
  }
}

test('The answer of a change that committed is its result.', async () => {
  const outcome = done([[{ n: 1 }]])
  expect(await attempt().answer(outcome)).toMatchObject({ ok: true, rows: [[{ n: 1 }]], at: 5, repeated: false })
})

test.each(['lost', 'retry'] as const)('A change on SQLite that failed with %s is retried.', async (kind) => {
  const { attempted, answer } = attempt()
  expect(await answer(failed({ kind }))).toBeUndefined()
  expect(attempted.attempts).toBe(1)
})

test('A change behind one that failed is attempted again, and this counts as no attempt.', async () => {
  const { attempted, answer } = attempt()
  expect(await answer(failed({ kind: 'aborted' }))).toBeUndefined()
  expect(attempted.attempts).toBe(0)
})

test('Attempts of a change end with the deadline if the connection is lost, and after 20 deadlocks.', async () => {
  const late = attempt({ deadline: { isOver: () => true } })
  await expect(late.answer(failed({ kind: 'lost' }))).rejects.toMatchObject({ code: 'storage.unreachable' })
  await expect(attempt({ attempts: 19 }).answer(failed({ kind: 'retry' }))).rejects.toMatchObject({
    code: 'storage.unreachable',
  })
})

test('A change that waited too long is attempted again if a client was cancelled that blocked it.', async () => {
  expect(await attempt({}, [], 1).answer(failed({ kind: 'slow' }))).toBeUndefined()
  await expect(attempt({}, [], 0).answer(failed({ kind: 'slow' }))).rejects.toMatchObject({
    code: 'storage.unreachable',
  })
})

test('An expectation that is not met is a result with the code of its statement.', async () => {
  const expected = { ok: false, code: 'context.conflict', statement: 0, detail: { key: 'k' } }
  expect(await attempt().answer(failed({ kind: 'unexpected', statement: 0, found: 3 }))).toEqual({
    ...expected,
    found: 3,
  })
  expect(await attempt().answer(failed({ kind: 'unique-violation' }, 0))).toEqual({ ...expected, found: 0 })
})

test('The result of a change that had been committed is looked up by its id.', async () => {
  const found = done([[{ at: '7', revision: '3' }]])
  expect(await attempt({}, [found]).answer(failed({ kind: 'repeated' }))).toMatchObject({
    ok: true,
    repeated: true,
    at: 7,
    revision: 3,
  })
  // The look-up itself is attempted again.
  expect(await attempt({}, [failed({ kind: 'lost' }, -2)]).answer(failed({ kind: 'repeated' }))).toBeUndefined()
})

test('A change whose outcome is unknown is not reported as unchanged while its id cannot be looked up.', async () => {
  for (const kind of ['writes', 'denied', 'slow', 'full', 'exhausted', 'untrusted', 'invalid'] as const) {
    expect(await attempt({ unknown: true }).answer(failed({ kind }, -1))).toBeUndefined()
    const late = attempt({ unknown: true, deadline: { isOver: () => true } })
    await expect(late.answer(failed({ kind }, -1))).rejects.toMatchObject({ code: 'storage.unreachable' })
  }
  const { answer } = attempt({ unknown: true })
  await expect(answer(failed({ kind: 'full' }, 0))).rejects.toMatchObject({ code: 'storage.full' })
})

test('A change without an id whose answer is lost is rejected, because its rows are lost.', async () => {
  const change: Change = { id: null, scope: { user }, statements: [{ ...guarded, returns: true }] }
  const { answer } = attempt({ change, id: 'made', unknown: true })
  await expect(answer(failed({ kind: 'repeated' }))).rejects.toMatchObject({
    code: 'storage.io',
    message: expect.stringContaining('its answer is lost'),
  })
})
