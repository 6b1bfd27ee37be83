/** Tests of the positions of schedules that the source of context changes stores in memory. */
import { expect, it } from 'vitest'
import { createVirtualClock, type UserId } from '../../core/index.ts'
import { ContextSource } from './context-source.ts'
import type { ScheduleParts } from './schedule-parts.ts'

it('The source of context changes forgets the position of a schedule that no longer follows the context.', async () => {
  const row = { id: 'c', position: 0, waiting: 0, spec: { onContext: { pattern: '*' } } }
  let rows = [row]
  const readAfter: number[] = []
  const parts = {
    platform: { clock: createVirtualClock() },
    stores: { store: { following: async () => rows } },
    sources: {
      written: async (_: string, after: number) => {
        readAfter.push(after)
        return { entries: [], revision: 7, lost: false }
      },
      matching: async () => new Set(),
    },
  } as unknown as ScheduleParts
  const ada = 'ada' as UserId
  const source = new ContextSource(parts, () => {})
  const poll = async () => {
    source.changed(ada)
    await new Promise(setImmediate)
  }
  source.follow([ada])
  await poll()
  expect(readAfter.splice(0)).toEqual(expect.arrayContaining([0, 7]))
  rows = []
  await poll()
  rows = [row]
  await poll()
  expect(readAfter[0]).toBe(0)
  await source.stop()
})
