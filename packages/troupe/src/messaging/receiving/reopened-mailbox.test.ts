/** What a file keeps over the end of its process: leases, attempts, dedupe ids, order, scheduled messages. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createVirtualClock, type VirtualClock } from '../../core/index.ts'
import { defineMessage } from '../message-type.ts'
import { type MessagingTestbed, openMessagingTestbed } from '../messaging-testbed.test.fixture.ts'

const Note = defineMessage('note')

let folder: string
let clock: VirtualClock
let testbed: MessagingTestbed
let opened = 0
const open = async () => {
  const url = `sqlite:${join(folder, 'troupe.db')}`
  testbed = await openMessagingTestbed({
    url,
    clock,
    seed: `process ${opened++}`,
    config: { lease: '10s', maxAttempts: 3 },
  })
}
const reopen = async () => {
  await testbed.close()
  await open()
}
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'troupe-reopen-'))
  clock = createVirtualClock()
  await open()
})
afterEach(async () => {
  await testbed.close()
  rmSync(folder, { recursive: true, force: true })
})

it('A reopened mailbox redelivers a leased message after its lease, and counts the attempt.', async () => {
  for (const i of [1, 2]) await testbed.agent('A').messages.send(Note, i, { to: 'B' })
  const [held] = await testbed.agent('B').mailbox.receive({ max: 1 })
  await reopen()
  expect(await testbed.agent('B').mailbox.receive()).toEqual([])
  await clock.advance('10s')
  const [redelivered] = await testbed.agent('B').mailbox.receive({ max: 1 })
  expect([redelivered?.message.id, redelivered?.attempt]).toEqual([held?.message.id, 2])
  await redelivered?.ack()
  expect(await testbed.agent('B').drain()).toEqual([2])
})
it('A reopened mailbox remembers dedupe ids, those of acknowledged messages too.', async () => {
  const first = await testbed.agent('A').messages.send(Note, 1, { to: 'B', dedupeId: 'x' })
  expect(await testbed.agent('B').drain()).toEqual([1])
  await reopen()
  const repeat = await testbed.agent('A').messages.send(Note, 2, { to: 'B', dedupeId: 'x' })
  expect(repeat).toEqual({ ...first, duplicate: true })
  expect(await testbed.agent('B').drain()).toEqual([])
})
it('A reopened mailbox preserves order, priorities, delays and dead letters.', async () => {
  const a = testbed.agent('A').messages
  await a.send(Note, 'dead', { to: 'B', priority: 'urgent' })
  for (let i = 0; i < 3; i++) await (await testbed.agent('B').mailbox.receive({ max: 1 }))[0]?.nack({ reason: 'no' })
  await a.send(Note, 'low', { to: 'B', priority: 'low' })
  await a.send(Note, 1, { to: 'B' })
  await a.send(Note, 2, { to: 'B' })
  await a.send(Note, 'later', { to: 'B', delay: '1h' })
  await reopen()
  expect(await testbed.agent('B').drain()).toEqual([1, 2, 'low'])
  expect((await testbed.agent('B').mailbox.deadLetters()).items).toMatchObject([
    { message: { payload: 'dead' }, reason: 'no' },
  ])
  await clock.advance('1h')
  expect(await testbed.agent('B').drain()).toEqual(['later'])
})
it('A reopened mailbox preserves a redriven message and its new attempts.', async () => {
  await testbed.agent('A').messages.send(Note, 1, { to: 'B' })
  for (let i = 0; i < 3; i++) await (await testbed.agent('B').mailbox.receive())[0]?.nack()
  const [dead] = (await testbed.agent('B').mailbox.deadLetters()).items
  await testbed.agent('B').mailbox.redrive(String(dead?.message.id))
  await reopen()
  const [redelivered] = await testbed.agent('B').mailbox.receive()
  expect(redelivered?.attempt).toBe(1)
})
