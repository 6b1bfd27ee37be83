import { expect, test } from 'vitest'
import { createTroupe, defineAgent } from '../../../index.ts'
import { partsOf } from '../../../startup/troupe.ts'
import type { OwnedRun } from './run-ownership.ts'
import { RunOwnerships } from './run-ownerships.ts'

/** The run of one agent that waits for an answer, claimed by ownerships beside those of the troupe. */
async function claimed() {
  const agent = defineAgent({ name: 'A', run: (_, ctx) => ctx.ask({ text: 'Continue?' }) })
  const troupe = await createTroupe({ storage: 'memory:', log: 'silent', agents: [agent] } as never)
  const { parts } = troupe[partsOf].runs.orchestra
  const { orchestra } = troupe.user('ada')
  await orchestra.start({ id: 'r', agent: 'A', task: 'x' })
  await (await orchestra.get('r')).result()
  const source = await troupe[partsOf].runs.orchestra.own('ada', 'r')
  const calls: string[] = []
  const launcher = {
    drain: () => calls.push('drain'),
    release: async () => void calls.push('release'),
    leave: () => calls.push('leave'),
  }
  const owner = {
    user: 'ada',
    run: 'r',
    state: source.state,
    over: false,
    waits: false,
    observe: () => {},
    resume: () => calls.push('resume'),
    arrived: () => calls.push('arrived'),
    close: async () => void calls.push('close'),
  }
  const owned = { owner, launcher } as unknown as OwnedRun
  const ownerships = new RunOwnerships(parts, {
    takeOver: async () => owned,
    onClaimed: () => calls.push('claimed'),
    onCommit: () => {},
    onRechecked: () => {},
    onLeft: () => calls.push('left'),
  })
  await ownerships.of('ada', 'r').claim()
  return { ownerships, owned, calls, close: () => troupe.close() }
}

test('A claimed run is found by its user and name until its ownership ends.', async () => {
  const { ownerships, owned, calls, close } = await claimed()
  expect(calls).toEqual(['claimed', 'resume'])
  expect(ownerships.owned('ada', 'r')).toBe(owned)
  expect([ownerships.all('ada').length, ownerships.all('bob').length]).toEqual([1, 0])
  const ownership = ownerships.of('ada', 'r')
  expect(await ownerships.end(ownership)).toBe(owned.launcher)
  expect(calls).toEqual(['claimed', 'resume', 'close', 'left'])
  expect(ownerships.find('ada', 'r')).toBeUndefined()
  await close()
})

test('A new run does not read its inbox, unless a message came while its start was being committed.', async () => {
  const { ownerships, owned, calls, close } = await claimed()
  for (const [run, isMessage] of [
    ['quiet', false],
    ['addressed', true],
  ] as const) {
    calls.length = 0
    const ownership = ownerships.of('ada', run)
    const started = ownership.start({ change: async () => owned, resume: () => calls.push('begin') })
    if (isMessage) ownership.input()
    await started
    expect(calls).toEqual(['claimed', 'begin', ...(isMessage ? ['arrived'] : [])])
  }
  await close()
})

test('The loss that an earlier owner reports leaves the run with its present owner.', async () => {
  const { ownerships, owned, close } = await claimed()
  ownerships.ownershipLost({ user: 'ada', run: 'r' }, true)
  expect(ownerships.owned('ada', 'r')).toBe(owned)
  ownerships.ownershipLost(owned.owner, true)
  expect(ownerships.owned('ada', 'r')).toBeUndefined()
  await close()
})

test('A lost lease takes every run from the process.', async () => {
  const { ownerships, close } = await claimed()
  ownerships.leaseLost()
  expect(ownerships.all().filter(({ owned }) => owned)).toEqual([])
  await close()
})
