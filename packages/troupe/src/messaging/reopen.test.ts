/** What a file keeps over the end of its process: leases, attempts, dedupe ids, order, scheduled messages. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createVirtualClock, type VirtualClock } from '../core/index.ts'
import { defineMessage } from './message-type.ts'
import { openRoom, type Room } from './room.test.fixture.ts'

const Note = defineMessage('note')

let folder: string
let clock: VirtualClock
let room: Room
let opened = 0
const open = async () => {
  const url = `sqlite:${join(folder, 'troupe.db')}`
  room = await openRoom({ url, clock, seed: `process ${opened++}`, config: { lease: '10s', maxAttempts: 3 } })
}
const reopen = async () => {
  await room.close()
  await open()
}
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'troupe-reopen-'))
  clock = createVirtualClock()
  await open()
})
afterEach(async () => {
  await room.close()
  rmSync(folder, { recursive: true, force: true })
})

it('gives a message back whose consumer ended with the lease, with its attempt counted', async () => {
  for (const i of [1, 2]) await room.agent('A').messages.send(Note, i, { to: 'B' })
  const [held] = await room.agent('B').mailbox.receive({ max: 1 })
  await reopen()
  expect(await room.agent('B').mailbox.receive()).toEqual([])
  await clock.advance('10s')
  const [again] = await room.agent('B').mailbox.receive({ max: 1 })
  expect([again?.message.id, again?.attempt]).toEqual([held?.message.id, 2])
  await again?.ack()
  expect(await room.agent('B').drain()).toEqual([2])
})
it('remembers dedupe ids, of messages long handled too', async () => {
  const first = await room.agent('A').messages.send(Note, 1, { to: 'B', dedupeId: 'x' })
  expect(await room.agent('B').drain()).toEqual([1])
  await reopen()
  const repeat = await room.agent('A').messages.send(Note, 2, { to: 'B', dedupeId: 'x' })
  expect(repeat).toEqual({ ...first, duplicate: true })
  expect(await room.agent('B').drain()).toEqual([])
})
it('keeps order, priorities, delays and dead letters', async () => {
  const a = room.agent('A').messages
  await a.send(Note, 'dead', { to: 'B', priority: 'urgent' })
  for (let i = 0; i < 3; i++) await (await room.agent('B').mailbox.receive({ max: 1 }))[0]?.nack({ reason: 'no' })
  await a.send(Note, 'low', { to: 'B', priority: 'low' })
  await a.send(Note, 1, { to: 'B' })
  await a.send(Note, 2, { to: 'B' })
  await a.send(Note, 'later', { to: 'B', delay: '1h' })
  await reopen()
  expect(await room.agent('B').drain()).toEqual([1, 2, 'low'])
  expect((await room.agent('B').mailbox.deadLetters()).items).toMatchObject([
    { message: { payload: 'dead' }, reason: 'no' },
  ])
  await clock.advance('1h')
  expect(await room.agent('B').drain()).toEqual(['later'])
})
it('keeps a redriven message and its fresh attempts', async () => {
  await room.agent('A').messages.send(Note, 1, { to: 'B' })
  for (let i = 0; i < 3; i++) await (await room.agent('B').mailbox.receive())[0]?.nack()
  const [dead] = (await room.agent('B').mailbox.deadLetters()).items
  await room.agent('B').mailbox.redrive(String(dead?.message.id))
  await reopen()
  const [again] = await room.agent('B').mailbox.receive()
  expect(again?.attempt).toBe(1)
})
