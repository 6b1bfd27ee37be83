import { expect, it } from 'vitest'
import { defineAgent, StateMachine } from '../../index.ts'
import { solo, troupesOfTests } from '../../startup/troupe-testbed.test.fixture.ts'

const { ada } = troupesOfTests()
const pauseMs = 300

/** Reads until an item is pending, then ends the iteration. @returns the results of `return` and of the pending item */
async function endPending(iterable: AsyncIterable<unknown>) {
  const items = iterable[Symbol.asyncIterator]()
  for (;;) {
    const next = items.next()
    const pending = new Promise<true>((resolve) => setTimeout(resolve, pauseMs, true))
    if (await Promise.race([next.then(() => false), pending])) return Promise.all([items.return?.(), next])
  }
}
const over = { done: true, value: undefined }

it.each(['run.events', 'run.live', 'machine.changes', 'session.stream'] as const)(
  'The iterator of %s ends at `return`, also while it waits for an item.',
  async (name) => {
    const user = await ada()
    const asking = defineAgent({ name: 'Asking', run: (_, ctx) => ctx.ask({ text: 'Go on?' }) })
    const run = await user.orchestra.start({ task: 't', topology: solo(asking) })
    const { context } = user.agent('Clerk')
    const mayEnd = Promise.withResolvers<void>()
    const slow = defineAgent({ name: 'Slow', run: () => mayEnd.promise.then(() => 'done') })
    const streams = {
      'run.events': () => run.events(),
      'run.live': () => run.live(),
      'machine.changes': async () =>
        (await StateMachine.open({ context, key: 'state', initial: 'open', transitions: { open: [] } })).changes(),
      'session.stream': () => user.session(slow).stream('go'),
    }
    expect(await endPending(await streams[name]())).toEqual([over, over])
    mayEnd.resolve()
  },
)
