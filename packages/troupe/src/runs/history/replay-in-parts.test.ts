/** Reading a long run leaves turns to other work. */
import { expect, it } from 'vitest'
import { createSlicedClock } from '../../core/time/sliced-clock.test.fixture.ts'
import { defineAgent, finish, invoke } from '../../index.ts'
import { troupesOfTests } from '../../startup/troupe-testbed.test.fixture.ts'
import { foldRunInParts } from '../engine/execution/fold-run.ts'
import { fan, hub, leaf } from '../machine/machine-teams.test.fixture.ts'

const { ada } = troupesOfTests()

it('orchestra.verifyReplay decides the inputs of a wide run again in parts, with turns for other work between them.', async () => {
  const sliced = createSlicedClock()
  const { orchestra } = await ada({ clock: sliced.clock })
  const invocations = Array.from({ length: 300 }, (_, input) => ({ agent: 'Spoke', input }))
  const lead = defineAgent({ name: 'Hub', run: (input) => (input === 't' ? invoke(invocations) : finish('all')) })
  const spoke = defineAgent({ name: 'Spoke', run: (input) => input as never })
  const flows = ['Start -> Hub', 'Hub <-> Spoke', 'Hub -> End']
  const run = await orchestra.start({ task: 't', topology: { agents: [lead, spoke], flows } })
  expect((await run.result()).status).toBe('completed')
  sliced.turns = 0
  const { identical, events } = await orchestra.verifyReplay(run.id)
  expect(identical).toBe(true)
  expect(sliced.turns).toBeGreaterThan(events / 20)
})

it('The state of a run is folded in as many parts as it has events.', () => {
  const { events, state } = hub(['B', 'C'], { B: leaf('b'), C: leaf('c') }, {}, fan('B', 'C'))
  const body = JSON.parse(JSON.stringify({ input: null, events, first: 1 }))
  const work = foldRunInParts({ snapshot: undefined, records: [{ seq: 1, at: 1, body }] })
  let parts = 0
  for (;;) {
    const { done, value } = work.next()
    if (!done) {
      parts++
      continue
    }
    expect([parts, value.lastSeq]).toEqual([events.length, events.length])
    expect(value.state.run.status).toBe(state.run.status)
    break
  }
})
