/** Child runs whose start is interrupted by a failure of the storage, at each of its changes. */
import { expect, it } from 'vitest'
import { seededRandom, systemClock } from '../../../core/index.ts'
import { defineAgent } from '../../../index.ts'
import { troupesOfTests } from '../../../startup/troupe-testbed.test.fixture.ts'
import type { FaultKind } from '../../../storage/index.ts'

const { opened } = troupesOfTests()

const inner = defineAgent({ name: 'Inner', run: async (task: number) => `inner ${task}` })
const outer = defineAgent({
  name: 'Outer',
  run: async (task: number, ctx) => {
    const child = await ctx.startRun({ agent: 'Inner', task })
    const { status, response = null } = await child.result()
    return { status, response }
  },
})

/** Starts a run with a child run. The change with this number fails; the start of the run itself has the number 0. */
async function runWithFault(kind: FaultKind, failing: number) {
  let next = -1
  const at = () => (next >= 0 && next++ === failing ? kind : undefined)
  const faults = { clock: systemClock, random: seededRandom('interrupted starts'), at }
  const { orchestra } = (await opened({ agents: [outer, inner], faults } as never)).user('ada')
  next = 0
  const run = await orchestra.start({ agent: 'Outer', task: failing })
  const { status, response, error } = await run.result()
  return { status, response, error: error?.message }
}

it.each(['io-before', 'io-after', 'full'] as const)(
  'A child run completes for its parent after one failure of the storage of the kind %s, at any change of both runs.',
  async (kind) => {
    const changes = Array.from({ length: 16 }, (_, i) => i + 1)
    const results = await Promise.all(changes.map((failing) => runWithFault(kind, failing)))
    expect(results).toEqual(
      changes.map((failing) => ({
        status: 'completed',
        response: { status: 'completed', response: `inner ${failing}` },
        error: undefined,
      })),
    )
  },
  60_000,
)
