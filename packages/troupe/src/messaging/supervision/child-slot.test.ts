import { expect, it } from 'vitest'
import { ChildSlot } from './child-slot.ts'

function open({ start = async () => {}, end = async () => {} } = {}) {
  const events: unknown[] = []
  let fail = (_error: unknown) => {}
  const child = {
    name: 'W',
    async begin(failed: (error: unknown) => void) {
      await start()
      fail = failed
      return { stop: end, halt: end }
    },
  }
  const slot = new ChildSlot(child, (type, fields) => void events.push({ type, ...fields }))
  return { slot, events, fail: () => fail(new Error('no')) }
}

it('A child is starting until its first start, restarting after an end, and stopped for good.', async () => {
  const { slot, events } = open()
  const states = [slot.status]
  await slot.begin(() => {})
  states.push(slot.status)
  slot.crashed('text', 1)
  await slot.end('halt')
  states.push(slot.status)
  await slot.begin(() => {})
  slot.restarted()
  expect(slot.state()).toMatchObject({ name: 'W', status: 'running', restarts: 1, error: new Error('text') })
  await slot.stop()
  expect([...states, slot.status]).toEqual(['starting', 'running', 'restarting', 'stopped'])
  expect(events).toMatchObject([
    { type: 'worker.crashed', agent: 'W', failures: 1 },
    { type: 'worker.restarted', agent: 'W', restarts: 1 },
  ])
})
it('A failure of an earlier start is past.', async () => {
  const { slot, fail } = open()
  const past: boolean[] = []
  await slot.begin((_, isPast) => past.push(isPast()))
  fail()
  await slot.end('stop')
  fail()
  expect(past).toEqual([false, true])
})
it('A start that fails rejects; an end that fails is emitted.', async () => {
  const boom = () => Promise.reject(new Error('no'))
  await expect(open({ start: boom }).slot.begin(() => {})).rejects.toThrow('no')
  const { slot, events } = open({ end: boom })
  await slot.begin(() => {})
  await slot.stop()
  expect(events).toMatchObject([{ type: 'worker.failed', agent: 'W' }])
})
