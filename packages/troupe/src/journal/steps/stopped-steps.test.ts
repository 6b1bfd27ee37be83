import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Json } from '../../core/index.ts'
import type { Change, Statement, Storage } from '../../storage/index.ts'
import {
  createJournalTestbed,
  type Instance,
  type JournalTestbed,
  keyValuesOf,
  user,
  writeBook,
} from '../journal-testbed.test.fixture.ts'
import type { Recorder } from '../recorder-port.ts'

let testbed: JournalTestbed
let instance: Instance
beforeEach(async () => {
  testbed = await createJournalTestbed()
  instance = testbed.instance()
})
afterEach(() => testbed.close())

/** Calls `run` once, while the journal of the step is read after its turn was rejected. */
function whileReloaded(run: () => void): void {
  const { read, commit } = instance.storage
  let isRejected = false
  const watched: Pick<Storage, 'read' | 'commit'> = {
    commit: async (change) => {
      const result = await commit(change)
      if (!result.ok) isRejected = true
      return result
    },
    read: async (scope, statements: readonly Statement[]) => {
      const rows = await read(scope, statements)
      if (isRejected && statements[0]?.sql.includes('journals')) {
        isRejected = false
        run()
      }
      return rows
    },
  }
  Object.assign(instance.storage, watched)
}

describe('a step stopped during the reload after a rejected turn', () => {
  const stops = {
    'a cancel': { stop: (abort: AbortController) => abort.abort(), end: { status: 'cancelled' } },
    'a close': { stop: () => void instance.steps.close(), end: { status: 'parked', waits: [] } },
  }
  it.each(Object.entries(stops))('A step executes nothing more after %s.', async (_, { stop, end }) => {
    await testbed.storage.commit({ id: null, scope: { user }, ...writeBook('k', 0) })
    let executions = 0
    let paid = 0
    const abort = new AbortController()
    const program = async (recorder: Recorder): Promise<Json> => {
      const { version } = await keyValuesOf(instance.storage).get(recorder, 'k')
      if (++executions > 1) await recorder.effect('pay', { class: 'at-most-once' }, () => ++paid)
      else await testbed.storage.commit({ id: null, scope: { user }, ...writeBook('k', 1) })
      keyValuesOf(instance.storage).push(recorder, 'k', 'mine', version)
      return null
    }
    whileReloaded(() => stop(abort))
    const spec = testbed.spec('step:1', { signal: abort.signal })
    expect(await testbed.during(instance.steps.execute(spec, program))).toEqual(end)
    expect([executions, paid]).toEqual([1, 0])
  })
})

describe('a step of an erased user', () => {
  it('A step that records its restart delays the erasure of its user until that write has ended.', async () => {
    const { commit } = instance.storage
    const gate = Promise.withResolvers<void>()
    Object.assign(instance.storage, {
      commit: (change: Change) => gate.promise.then(() => commit(change)),
    })
    const end = instance.steps.execute(testbed.spec('step:1', { entry: 'restart' }), async () => null)
    await testbed.clock.advance('10ms')
    let isReady = false
    const erasure = instance.steps.forget(user).then(() => {
      isReady = true
    })
    await testbed.clock.advance('10ms')
    expect([await end, isReady]).toMatchObject([{ status: 'lost', error: { code: 'user.forgotten' } }, false])
    gate.resolve()
    await testbed.during(erasure)
    expect(await instance.journals.load(user, 'step:1')).toBeDefined()
  })
})

describe('a parked step', () => {
  it('A parked step that is executed with an aborted signal is cancelled, and cleans up.', async () => {
    let cleaned = false
    const program = async (recorder: Recorder): Promise<Json> => {
      try {
        const notify = () => ({ statements: [] })
        return await recorder.wait({ call: { kind: 'ask', name: 'q' }, input: null, notify })
      } finally {
        cleaned = true
      }
    }
    const spec = testbed.spec('step:1')
    expect(await testbed.during(instance.steps.execute(spec, program))).toMatchObject({ status: 'parked' })
    const signal = AbortSignal.abort()
    const end = await testbed.during(instance.steps.execute({ ...spec, signal }, program))
    expect([end, cleaned]).toEqual([{ status: 'cancelled' }, true])
  })
})

describe('a fenced step', () => {
  it('A step that a cancel has fenced is cancelled, also if it then gets a row for which it does not wait.', async () => {
    const spec = testbed.spec('step:1')
    const program = (recorder: Recorder) =>
      recorder.wait({ call: { kind: 'ask', name: 'q' }, input: null, notify: () => ({ statements: [] }) })
    expect(await testbed.during(instance.steps.execute(spec, program))).toMatchObject({ status: 'parked' })
    const stray = instance.steps.answer(user, 'step:1', '/ask:other#1', { value: null })
    for (const fragment of [instance.journals.fence(user, ['step:1']), stray])
      await testbed.storage.commit({ id: null, scope: { user }, ...fragment })
    expect(await testbed.during(instance.steps.execute(spec, program))).toEqual({ status: 'cancelled' })
  })
})

describe('a cancelled step whose code ignores its signal', () => {
  it.each([undefined, 200, 60_000])(
    'A cancelled step that ignores its signal is awaited for its grace of %s ms.',
    async (graceMs) => {
      const abort = new AbortController()
      const spec = testbed.spec('step:1', { signal: abort.signal, ...(graceMs === undefined ? {} : { graceMs }) })
      const end = instance.steps.execute(spec, () => new Promise<Json>(() => {}))
      await testbed.clock.advance('10ms')
      const began = testbed.clock.now()
      abort.abort()
      expect(await testbed.during(end)).toEqual({ status: 'cancelled' })
      expect(testbed.clock.now() - began).toBeLessThan((graceMs ?? 10_000) + 100)
      expect(testbed.clock.now() - began).toBeGreaterThanOrEqual(graceMs ?? 10_000)
    },
  )
})
