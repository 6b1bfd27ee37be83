import { expect, test } from 'vitest'
import { createVirtualClock, type UserId } from '../../../core/index.ts'
import { ChangeObservers } from '../../notifications/change-observers.ts'
import { Hints } from '../../notifications/hints.ts'
import type { Change } from '../../storage-port.ts'
import type { WriterFailure, WriterReply } from '../../writer-port.ts'
import { ChangeAnswers } from './change-answers.ts'
import { PendingChanges } from './pending-changes.ts'
import { WriteState } from './write-state.ts'
import { WriterRecovery } from './writer-recovery.ts'

const change: Change = { id: null, scope: { user: 'ada' as UserId }, statements: [] }
const failed = (problem: WriterFailure['problem']): WriterFailure => ({ ok: false, problem, message: 'EIO' })

/** @param replies of the probes, in order; after them every probe writes */
function recovering(...replies: readonly WriterReply[]) {
  const left = [...replies]
  const clock = createVirtualClock()
  const state = new WriteState('shop.db')
  const observers = new ChangeObservers()
  const ended: Change[] = []
  observers.observe({ begins: () => {}, ended: (each) => void ended.push(each), closed: () => {} })
  const answers = new ChangeAnswers({ hints: new Hints(), observers, answering: () => {} })
  const pending = new PendingChanges({ changes: 10, cells: 100 })
  const requests: string[] = []
  const shell = {
    threaded: false,
    async send({ kind }: { readonly kind: string }): Promise<WriterReply> {
      requests.push(kind)
      return left.shift() ?? { ok: true, cells: [] }
    },
    close: async () => {},
  }
  const recovery = new WriterRecovery({ shell, clock, state, pending, answers, probed: () => {} })
  const rejected: string[] = []
  const waiting = {
    change,
    isLarge: false,
    resolve: () => {},
    reject: ({ code }: { code: string }) => void rejected.push(code),
  }
  return { recovery, clock, state, answers, pending, waiting, requests, rejected, ended }
}

test('After a failure no batch leaves until a probe has written.', async () => {
  const { recovery, state, answers, waiting, requests, ended } = recovering()
  answers.reject([waiting], () => state.errorOf(failed('io')))
  recovery.fail(failed('io'))
  expect([recovery.holdsBatches, recovery.isNeeded]).toEqual([true, true])
  const recovered = recovery.recover()
  expect([recovery.holdsBatches, recovery.isNeeded]).toEqual([true, false])
  expect(ended).toEqual([])
  await recovered
  expect(recovery.holdsBatches).toBe(false)
  expect(requests).toEqual(['probe'])
  expect(ended).toEqual([change])
  expect(state.isOpen).toBe(true)
})

test('A failed probe rejects waiting changes, and further probes follow after doubled waits.', async () => {
  const { recovery, clock, state, pending, waiting, requests, rejected } = recovering(failed('io'), failed('io'))
  pending.add(waiting)
  recovery.fail(failed('io'))
  await recovery.recover()
  expect(rejected).toEqual(['storage.io'])
  expect(state.current.state).toBe('failed')
  await clock.advance('100ms')
  expect(requests).toHaveLength(2)
  await clock.advance('199ms')
  expect(state.isOpen).toBe(false)
  await clock.advance('1ms')
  expect(requests).toHaveLength(3)
  expect(state.isOpen).toBe(true)
})

test('A full disk is not probed at once.', async () => {
  const { recovery, clock, state, requests } = recovering()
  recovery.fail(failed('full'))
  await recovery.recover()
  expect(requests).toEqual([])
  expect(state.current.state).toBe('full')
  await clock.advance('100ms')
  expect(state.isOpen).toBe(true)
})

test('A dead writer is never probed again.', async () => {
  const { recovery, clock, state, requests } = recovering()
  recovery.fail(failed('dead'))
  await recovery.recover()
  await clock.advance('1h')
  expect(requests).toEqual([])
  expect(state.current.state).toBe('failed')
})

test('A recovery that is closed sends no further probe.', async () => {
  const { recovery, clock, requests } = recovering()
  recovery.fail(failed('full'))
  await recovery.recover()
  recovery.close()
  await clock.advance('1h')
  expect(requests).toEqual([])
})
