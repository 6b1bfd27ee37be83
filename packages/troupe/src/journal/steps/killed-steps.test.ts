import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../core/index.ts'
import { user } from '../journal-testbed.test.fixture.ts'
import { type Course, carryOut, type Kill, writeBook } from './step-program.test.fixture.ts'

const undisturbed = await carryOut({ kills: [] })

/** Everything that a kill must not change. */
function expectSame(course: Course, context: string): void {
  expect(course.end, context).toEqual(undisturbed.end)
  // Which tools were finished when one of them committed depends on their latencies, so the order of turns may differ.
  expect(course.writes.toSorted(), context).toEqual(undisturbed.writes.toSorted())
  for (const tool of ['t1', 't2', 't3'])
    expect(course.writes.indexOf(`of ${tool}="inside ${tool}"`), context).toBeLessThan(
      course.writes.indexOf(`shared="${tool}"`),
    )
  expect(course.reported, context).toEqual(undisturbed.reported)
  expectPaidOnce(course, context)
}

function expectPaidOnce({ outside }: Course, context: string): void {
  expect(outside.violations, context).toEqual([])
  for (const name of ['paid', 'inside t1', 'before', 'during'])
    expect(outside.count(name), `${name} ${context}`).toBe(1)
}

describe('a step killed', () => {
  it('A step that is not killed does everything once, in a bounded number of changes.', () => {
    expect(undisturbed.end).toMatchObject({
      status: 'completed',
      outcome: { late: 'timeout', answer: 'answer to question' },
    })
    expectPaidOnce(undisturbed, 'undisturbed')
    expect(undisturbed.reported).toHaveLength(1)
    expect(undisturbed.commits[0]).toBeLessThan(20)
  })

  it('A step that is killed before or after any of its commits ends as if nothing had happened.', async () => {
    for (let at = 1; at <= (undisturbed.commits[0] as number); at++)
      for (const when of ['before', 'after'] as const)
        expectSame(await carryOut({ kills: [{ at, when }] }), `${when} ${at}`)
  })

  it('A step that is killed repeatedly at commits of each execution ends as if nothing had happened.', async () => {
    const random = seededRandom('often')
    for (let trial = 0; trial < 60; trial++) {
      const kills = Array.from(
        { length: 2 + Math.floor(random.next() * 8) },
        (): Kill => ({ at: 1 + Math.floor(random.next() * 8), when: random.next() < 0.5 ? 'before' : 'after' }),
      )
      expectSame(await carryOut({ kills }), JSON.stringify(kills))
    }
  })

  it('A step that is killed at any moment ends as if nothing had happened.', async () => {
    const random = seededRandom('moments')
    for (let trial = 0; trial < 100; trial++) {
      const kills = Array.from({ length: 1 + Math.floor(random.next() * 4) }, () => ({
        macrotasks: Math.floor(random.next() * 600),
      }))
      expectSame(await carryOut({ kills, seed: `outside ${trial % 5}` }), JSON.stringify(kills))
    }
  })

  it('A step that is killed at commits to a file ends as if nothing had happened.', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'troupe-kill-'))
    try {
      const last = undisturbed.commits[0] as number
      for (const at of [1, 2, Math.floor(last / 2), last - 1, last])
        for (const when of ['before', 'after'] as const)
          expectSame(
            await carryOut({ url: `sqlite:${join(folder, `${at}-${when}.db`)}`, kills: [{ at, when }] }),
            `${when} ${at}`,
          )
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  it('A step that is killed while stored values change pays once, writes once, and ends.', async () => {
    const random = seededRandom('world')
    for (let trial = 0; trial < 60; trial++) {
      const kills = Array.from(
        { length: 1 + Math.floor(random.next() * 6) },
        (): Kill => ({ at: 1 + Math.floor(random.next() * 12), when: random.next() < 0.5 ? 'before' : 'after' }),
      )
      const course = await carryOut({
        kills,
        meddle: async (testbed, incarnation) => {
          for (const key of ['conflicting', 'for t1', 'for t2', 'for t3', 'c'])
            await testbed.storage.commit({ id: null, scope: { user }, ...writeBook(key, `meddled ${incarnation}`) })
        },
      })
      const context = JSON.stringify(kills)
      expect(course.end, context).toMatchObject({ status: 'completed', outcome: { late: 'timeout' } })
      expectPaidOnce(course, context)
      expect(course.reported, context).toHaveLength(1)
      const own = course.writes.filter(
        (write) => !write.includes('meddled') && !write.includes('theirs') && write !== 'a="A"',
      )
      expect(new Set(own).size, context).toBe(own.length)
      const keys = (writes: readonly string[]) => writes.map((write) => write.split('=')[0]).toSorted()
      expect(keys(own), context).toEqual(
        keys(undisturbed.writes.filter((write) => !write.includes('theirs') && write !== 'a="A"')),
      )
    }
  })
})
