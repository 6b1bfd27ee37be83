import fc from 'fast-check'
import { expect, test } from 'vitest'
import { seededRandom } from '../../core/index.ts'
import {
  checkAppends,
  checkAtMostOnce,
  checkCounters,
  checkFifo,
  checkLinearizability,
  checkShare,
  checkUpdates,
  type DeliveryRecord,
  type HistoryOperation,
  impossible,
  type RegisterInput,
  type RegisterOutput,
  registerModel,
} from './index.ts'

type Step = HistoryOperation<RegisterInput, RegisterOutput>
const check = (history: readonly Step[]) => checkLinearizability(history, registerModel)
const at = (called: number, returned: number | undefined, input: RegisterInput, output?: RegisterOutput): Step => ({
  key: 'k',
  client: `c${called}`,
  input,
  called,
  returned,
  output,
})
const read = (value: string | undefined): RegisterOutput => ({ value })
const write = (value: string): RegisterInput => ({ do: 'write', value })

test('The checker finds a read after a write that returns the earlier value.', () => {
  const history = [at(0, 1, write('a'), { version: 1 }), at(2, 3, write('b'), { version: 2 })]
  expect(check([...history, at(4, 5, { do: 'read' }, read('b'))])).toEqual([])
  expect(check([...history, at(4, 5, { do: 'read' }, read('a'))])).toHaveLength(1)
})

test('The checker accepts either value for a read during a write, but no return to the older value.', () => {
  const history = [at(0, 1, write('a'), { version: 1 }), at(2, 9, write('b'), { version: 2 })]
  for (const seen of ['a', 'b']) expect(check([...history, at(3, 4, { do: 'read' }, read(seen))])).toEqual([])
  const back = [at(3, 4, { do: 'read' }, read('b')), at(5, 6, { do: 'read' }, read('a'))] as const
  expect(check([...history, ...back])).toHaveLength(1)
})

test('The checker accepts a write of unknown outcome as done, done later or not done, but not as undone.', () => {
  const history = [at(0, 1, write('a'), { version: 1 }), at(2, undefined, write('b'))]
  const [a, b] = [read('a'), read('b')]
  expect(check([...history, at(3, 4, { do: 'read' }, a), at(5, 6, { do: 'read' }, a)])).toEqual([])
  expect(check([...history, at(3, 4, { do: 'read' }, a), at(5, 6, { do: 'read' }, b)])).toEqual([])
  expect(check([...history, at(3, 4, { do: 'read' }, b), at(5, 6, { do: 'read' }, a)])).toHaveLength(1)
})

test('The checker finds two writes over one version, and a version that is given twice.', () => {
  const over = (version: number, value: string): RegisterInput => ({ do: 'write-if', version, value })
  const first = at(0, 5, over(0, 'a'), { version: 1 })
  expect(check([first, at(1, 6, over(0, 'b'), { conflict: true })])).toEqual([])
  expect(check([first, at(1, 6, over(0, 'b'), { version: 1 })])).toHaveLength(1)
  expect(check([at(0, 5, write('a'), { version: 1 }), at(1, 6, write('b'), { version: 1 })])).toHaveLength(1)
})

test('The checker continues the versions of a deleted key, and finds a lost delete.', () => {
  const history = [at(0, 1, write('a'), { version: 1 }), at(2, 3, { do: 'delete' }, { deleted: true })]
  expect(check([...history, at(4, 5, write('b'), { version: 2 })])).toEqual([])
  expect(check([...history, at(4, 5, { do: 'read' }, read('a'))])).toHaveLength(1)
})

test('The checker judges keys one by one.', () => {
  const other = (step: Step): Step => ({ ...step, key: 'other' })
  const found = check([at(0, 1, write('a'), { version: 1 }), other(at(2, 3, { do: 'read' }, read('a')))])
  expect(found.map(({ message }) => message.startsWith('key "other"'))).toEqual([true])
})

/** A register that is right, driven by clients whose calls overlap: what happened, at moments between call and return. */
function truth(seed: number, count: number, unknowns: number): Step[] {
  const random = seededRandom(seed)
  const pick = (n: number) => Math.floor(random.next() * n)
  const calls = Array.from({ length: count }, (_, i) => {
    const called = pick(count * 3)
    const inputs: RegisterInput[] = [
      { do: 'read' },
      write(`v${i}`),
      { do: 'write-if', version: pick(4), value: `w${i}` },
      { do: 'delete' },
    ]
    const length = 1 + pick(12)
    return {
      called,
      returned: called + length,
      takesEffectAt: called + random.next() * length,
      input: inputs[pick(4)] as RegisterInput,
    }
  })
  let state = registerModel.initial
  const steps: Step[] = []
  for (const { called, returned, takesEffectAt, input } of calls.sort((a, b) => a.takesEffectAt - b.takesEffectAt)) {
    const current = state.value === undefined ? 0 : state.version
    const rejected = input.do === 'write-if' && current !== input.version
    const before = state
    const next = registerModel.step(state, input, undefined)
    if (next !== impossible && !rejected) state = next
    const output: RegisterOutput =
      input.do === 'read'
        ? { value: before.value, version: before.version }
        : input.do === 'delete'
          ? { deleted: before.value !== undefined }
          : rejected
            ? { conflict: true }
            : { version: state.version }
    const unknown = random.next() < unknowns
    steps.push({
      key: 'k',
      client: `c${takesEffectAt}`,
      input,
      called,
      returned: unknown ? undefined : returned,
      output: unknown ? undefined : output,
    })
  }
  return steps
}

test('The checker never accuses a correct register, and nearly always one with an old value.', () => {
  let accused = 0
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 2, max: 60 }), (seed, count) => {
      expect(check(truth(seed, count, 0.1))).toEqual([])
    }),
    { numRuns: 150 },
  )
  for (let seed = 0; seed < 100; seed++) {
    const history = truth(seed, 40, 0)
    const reads = history.filter((step) => step.input.do === 'read')
    const last = reads.at(-1) as Step
    const stale = history.map((step) => (step === last ? { ...step, output: { value: 'never written' } } : step))
    accused += check(stale).length
  }
  expect(accused).toBe(100)
})

test('The checker judges two hundred operations of one key in time.', () => {
  expect(check(truth(7, 200, 0.05))).toEqual([])
})

test('The checker finds updates based on one version, and counters that lost or gained.', () => {
  const update = (before: number, after: number) => ({ key: 'k', read: before, wrote: after })
  expect(checkUpdates([update(0, 1), update(1, 2)])).toEqual([])
  expect(checkUpdates([update(0, 1), update(0, 2)])).toMatchObject([{ rule: 'lost-update' }])
  const counter = { key: 'k', acknowledged: 3, unknown: 1 }
  expect([3, 4].flatMap((final) => checkCounters([{ ...counter, final }]))).toEqual([])
  expect([2, 5].flatMap((final) => checkCounters([{ ...counter, final }]).map(({ rule }) => rule))).toEqual([
    'lost-update',
    'invented',
  ])
})

test('The checker finds a message that overtakes its lane, and accepts one that is redelivered.', () => {
  const delivered = (sequence: number, attempt = 1): DeliveryRecord => ({
    mailbox: 'M',
    sender: 'S',
    priority: 'normal',
    sequence,
    attempt,
  })
  expect(checkFifo([delivered(1), delivered(2), delivered(2, 2), delivered(3)])).toEqual([])
  expect(checkFifo([delivered(2), delivered(1)])).toMatchObject([{ rule: 'fifo' }])
  expect(checkFifo([delivered(1), delivered(1)])).toMatchObject([{ rule: 'fifo' }])
  expect(checkFifo([delivered(2), { ...delivered(1), priority: 'urgent' }])).toEqual([])
})

test('The checker finds repeated effects, lost, invented or duplicate items, and too many failed runs.', () => {
  expect(checkAtMostOnce(['a', 'b'])).toEqual([])
  expect(checkAtMostOnce(['a', 'b', 'a'])).toMatchObject([{ rule: 'at-most-once' }])
  const appends = { acknowledged: ['a'], unknown: ['b'] }
  for (const found of [['a'], ['a', 'b']]) expect(checkAppends({ ...appends, found })).toEqual([])
  expect(checkAppends({ ...appends, found: ['b', 'b', 'c'] }).map(({ rule }) => rule)).toEqual([
    'lost',
    'invented',
    'duplicate',
  ])
  expect(checkShare({ succeeded: 8, failed: 2 })).toEqual([])
  expect(checkShare({ succeeded: 7, failed: 3 })).toMatchObject([{ rule: 'share' }])
})
