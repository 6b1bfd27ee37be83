import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Json } from '../../core/index.ts'
import { createJournalTestbed, type Instance, type JournalTestbed } from '../journal-testbed.test.fixture.ts'
import type { Recorder } from '../recorder-port.ts'

let testbed: JournalTestbed
let instance: Instance
beforeEach(async () => {
  testbed = await createJournalTestbed()
  instance = testbed.instance()
})
afterEach(() => testbed.close())

const run = (id: string, program: (recorder: Recorder) => Promise<Json>) =>
  testbed.during(instance.steps.execute(testbed.spec(id), program))

describe('a long outcome of a step', () => {
  it('The check of a long outcome and its text have a macrotask each, and later changes of it are not recorded.', async () => {
    const rows = Array.from({ length: 5_000 }, (_, id) => ({ id, name: 'a row of a long table' }))
    const returned = [...rows]
    const calls: string[] = []
    const note = (call: string) => calls.at(-1) !== call && calls.push(call)
    const { soon } = testbed.clock
    const spies = [
      vi.spyOn(testbed.clock, 'soon').mockImplementation((fn) => {
        note('macrotask')
        return soon.call(testbed.clock, fn)
      }),
      vi.spyOn(Object, 'getOwnPropertySymbols').mockImplementation((object) => {
        if (object === rows[4_999]) note('check')
        return Reflect.ownKeys(object).filter((key) => typeof key === 'symbol')
      }),
    ]
    const { stringify: write } = JSON
    const text = vi.spyOn(JSON, 'stringify').mockImplementation(((value: unknown, ...more: []) => {
      if (Array.isArray(value) && value.length === rows.length) {
        note('text')
        returned.push({ id: -1, name: 'added after the text' })
      }
      return write(value, ...more)
    }) as typeof JSON.stringify)
    try {
      const end = await run('step:1', async () => returned)
      expect(end).toEqual({ status: 'completed', outcome: rows })
    } finally {
      for (const spy of [...spies, text]) spy.mockRestore()
    }
    expect(calls.slice(calls.indexOf('check'), calls.indexOf('text') + 1)).toEqual(['check', 'macrotask', 'text'])
  })

  it('An outcome that contains itself, or that cannot be read, fails its step.', async () => {
    const cycle: Json[] = []
    cycle.push(cycle)
    const unreadable = {
      get field(): Json {
        throw new Error('no value')
      },
    }
    const error = { code: 'json.unsupported' }
    expect(await run('step:1', async () => cycle)).toMatchObject({ status: 'failed', error })
    expect(await run('step:2', async () => unreadable)).toMatchObject({ status: 'failed', error })
  })
})
