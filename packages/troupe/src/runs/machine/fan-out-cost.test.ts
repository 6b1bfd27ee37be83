import { expect, it } from 'vitest'
import { defineAgent } from '../../agents/index.ts'
import { readConfig } from '../../topology/canonical/run-config.ts'
import { defineTopology } from '../../topology/define-topology.ts'
import type { Command, Input } from './machine-events.ts'
import { deriveStatus, runAccountOf } from './run/run-account.ts'
import { createState } from './state.ts'
import { transition } from './transition.ts'

/** A fan-out of so many, carried out at once; returns the ms of processor time that the core took. */
function fanOut(width: number, flows: readonly string[], start: 'invoke' | 'oneWay'): number {
  const agents = ['Lead', 'W', 'End1'].map((name) => defineAgent({ name, run: () => null }))
  const { canonical } = defineTopology({
    agents: agents.slice(0, flows.some((f) => f.includes('End1')) ? 3 : 2),
    flows,
  })
  const budget = { steps: width + 2, hops: 2 * width + 3, branches: width + 1 }
  const pinned = {
    topology: canonical,
    config: readConfig({ timeouts: { branch: '1h' }, deadline: '1h', budget }, canonical),
    fingerprints: {},
  }
  const state = createState()
  const ready: Extract<Command, { type: 'step.execute' }>[] = []
  let at = 0
  const apply = (input: Input) => {
    for (const command of transition(state, input).commands) if (command.type === 'step.execute') ready.push(command)
  }
  const targets = Array.from({ length: width }, (_, n) => ({ agent: 'W', input: n }))
  // Of the processor, not of the wall: other work on the machine does not count.
  const began = process.cpuUsage().user
  apply({ at, type: 'start', task: 'go', pinned })
  for (let i = 0; i < ready.length; i++) {
    const command = ready[i] as (typeof ready)[number]
    const first = command.agent === 'Lead' && !command.results
    apply({
      at: ++at,
      type: 'step.returned',
      step: command.step,
      outcome: first
        ? { kind: 'invoke', targets }
        : start === 'invoke' && command.agent === 'Lead'
          ? { kind: 'finish', value: 'done' }
          : { kind: 'value', value: 'w' },
    })
  }
  const took = (process.cpuUsage().user - began) / 1_000
  expect(deriveStatus(state)).toEqual({ status: 'completed', over: true })
  expect(runAccountOf(state, at).totalSteps).toBe(width + (start === 'invoke' ? 2 : 1))
  return took
}

/** Five times the width: linear costs five times as much, quadratic twenty-five times. The best of three, for noise. */
const growth = (flows: readonly string[], start: 'invoke' | 'oneWay'): number => {
  fanOut(1_000, flows, start)
  const best = (width: number) => Math.min(...[1, 2, 3].map(() => fanOut(width, flows, start)))
  return best(10_000) / best(2_000)
}

it('The cost of a fan-out with a join grows linearly with its width.', () => {
  expect(growth(['Start -> Lead', 'Lead <-> W', 'Lead -> End'], 'invoke')).toBeLessThan(15)
})
it('The cost of a fan-out whose branches end one by one grows linearly with its width.', () => {
  expect(growth(['Start -> Lead', 'Lead -> W', 'W -> End'], 'oneWay')).toBeLessThan(15)
})
