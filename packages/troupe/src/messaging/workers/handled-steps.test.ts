import { expect, it } from 'vitest'
import { createVirtualClock } from '../../core/index.ts'
import type { StepEnd, StepSpec } from '../../journal/index.ts'
import { HandledSteps } from './handled-steps.ts'

const parked = { status: 'parked' } as StepEnd
const completed = { status: 'completed' } as StepEnd
const program = async () => null
const spec = (signal?: AbortSignal) => ({ id: 'message:m', ...(signal ? { signal } : {}) }) as StepSpec

/** @param ends of the executions, one after the other */
function open(ends: readonly (StepEnd | Promise<StepEnd>)[], hangMs?: number) {
  const clock = createVirtualClock()
  let arrive = (_user: string) => {}
  let executions = 0
  const steps = new HandledSteps({
    user: 'ada',
    clock,
    steps: { execute: async () => ends[executions++] as StepEnd },
    inbox: {
      onArrival: (listener) => {
        arrive = (user) => listener(user, 'message:m')
        return () => {
          arrive = () => {}
        }
      },
    },
    hangMs,
  })
  return { steps, clock, arrive: (user = 'ada') => arrive(user), executions: () => executions }
}
const turns = async () => {
  for (let i = 0; i < 5; i++) await Promise.resolve()
}

it('A parked step is executed again when something arrives for its user.', async () => {
  const { steps, arrive, executions } = open([parked, completed])
  const end = steps.execute(spec(), program, () => {})
  await turns()
  arrive('bob')
  await turns()
  expect(executions()).toBe(1)
  arrive()
  expect(await end).toBe(completed)
  expect(executions()).toBe(2)
})
it('A step that parks does not lose a message that arrived during its execution.', async () => {
  const first = Promise.withResolvers<StepEnd>()
  const { steps, arrive } = open([first.promise, completed])
  const end = steps.execute(spec(), program, () => {})
  arrive()
  first.resolve(parked)
  expect(await end).toBe(completed)
})
it('A stop releases a parked step, and one that parks later at once.', async () => {
  const { steps, executions } = open([parked, parked, completed])
  const end = steps.execute(spec(), program, () => {})
  await turns()
  steps.stop()
  expect(await end).toBe(parked)
  expect(await steps.execute(spec(), program, () => {})).toBe(parked)
  expect(executions()).toBe(2)
})
it('A parked step whose signal aborts is executed once more, to end.', async () => {
  const abort = new AbortController()
  const { steps } = open([parked, completed])
  const end = steps.execute(spec(abort.signal), program, () => {})
  await turns()
  abort.abort()
  expect(await end).toBe(completed)
})
it('A parked step is woken by its answer after an earlier execution of it in the same process has lost its lease.', async () => {
  const lost = new AbortController()
  const { steps, arrive } = open([parked, parked, { status: 'lost' } as StepEnd, completed])
  const earlier = steps.execute(spec(lost.signal), program, () => {})
  await turns()
  const end = steps.execute(spec(), program, () => {})
  await turns()
  lost.abort()
  expect(await earlier).toEqual({ status: 'lost' })
  arrive()
  expect(await Promise.race([end, new Promise((resolve) => setTimeout(resolve, 100, 'not woken'))])).toBe(completed)
})
it('An execution that takes too long is reported, time in which a step is parked is not.', async () => {
  const slow = Promise.withResolvers<StepEnd>()
  const { steps, clock, arrive } = open([parked, slow.promise], 1_000)
  let hung = 0
  const end = steps.execute(spec(), program, () => hung++)
  await turns()
  await clock.advance('5s')
  expect(hung).toBe(0)
  arrive()
  await turns()
  await clock.advance('5s')
  expect(hung).toBe(1)
  slow.resolve(completed)
  expect(await end).toBe(completed)
})
