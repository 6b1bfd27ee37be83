/**
 * Schedules of a process that is killed: each message, write and manual trigger that was accepted starts one run, each time
 * at most one, and no run executes its effect twice.
 */

import type { Troupe } from '../../src/index.ts'
import type { SimulationScenario } from '../../src/testing/index.ts'
import { harness } from '../reliability/library-under-test.ts'
import { troupe } from '../reliability/troupe-under-test.ts'
import { insistOn } from './repeating-client.ts'

interface Trigger {
  readonly type: string
  readonly payload?: string
  readonly key?: string
  readonly version?: number
  readonly due?: string
}
const rounds = 6
const Order = troupe.defineMessage('order')
const ada = (service: Troupe) => service.user('ada')

/** @param happened the effects, each by the name of its trigger */
function createTeam(happen: (name: string) => void, hasHappened: (name: string) => boolean) {
  const worker = troupe.defineAgent<Trigger>({
    name: 'Worker',
    run: async ({ type, payload, key, version, due }, ctx) => {
      const name = `${type} ${payload ?? (key && `${key} #${version}`) ?? due ?? ctx.runId}`
      const reconcile = async () => (hasHappened(name) ? ({ happened: true, output: name } as const) : 'not')
      await ctx.effect('act', { class: 'at-most-once', key: name, reconcile }, async () => {
        happen(name)
        return name
      })
      return name
    },
  })
  return { agents: [worker], flows: ['Start -> Worker', 'Worker -> End'] }
}

async function createSchedules(service: Troupe, overlap: 'queue' | 'allow'): Promise<void> {
  const { schedules } = ada(service)
  const common = { team: 'team', overlap } as const
  await schedules.create({ ...common, id: 'mail', onMessage: { type: 'order' } })
  await schedules.create({ ...common, id: 'writes', onContext: { pattern: 'orders.*' } })
  await schedules.create({ ...common, id: 'clock', every: '5s' })
  await schedules.create({ ...common, id: 'hand', task: { type: 'hand' }, at: '2990-01-01T00:00:00Z' })
}

async function runsOf(service: Troupe) {
  const runs: { readonly id: string; readonly status: string }[] = []
  for await (const { id, status } of await ada(service).orchestra.list()) runs.push({ id, status })
  return runs
}

const scenario: SimulationScenario = async (simulation) => {
  const happened: string[] = []
  const disk = simulation.disk()
  const happen = (name: string) => {
    happened.push(name)
    simulation.operation(true)
  }
  const team = createTeam(happen, (name) => happened.includes(name))
  const server = simulation.node(
    'server',
    ({ clock, random, faults }) =>
      troupe.createTroupe({ storage: 'memory:', clock, random, faults: faults(disk), teams: { team }, log: 'silent' }),
    { kills: 4, within: 300 },
  )
  const insist = insistOn(simulation, server)
  const overlap = simulation.random.next() < 0.5 ? 'queue' : 'allow'
  await insist((service) => createSchedules(service, overlap))
  const expected: string[] = []
  for (let n = 0; n < rounds; n++) {
    await insist(async (service) => {
      await ada(service)
        .agent('Desk')
        .messages.send(Order, `m${n}`, { to: 'mail', dedupeId: `m${n}` })
    })
    await insist(async (service) => {
      await ada(service).context.push(`orders.w${n}`, n)
    })
    const id = await insist(async (service) => (await ada(service).schedules.trigger('hand', { id: `h${n}` })).id)
    expected.push(`message m${n}`, `context orders.w${n} #1`, `hand ${id}`)
    await simulation.sleep(3_000 * simulation.random.next())
  }
  simulation.heal()
  await insist(async (service) => {
    await ada(service).schedules.delete('clock')
  })
  // Messages that a killed process had taken become free after 30 s.
  await simulation.sleep(120_000)
  const runs = await insist(runsOf)
  const missing = expected.filter((name) => !happened.includes(name))
  if (missing.length > 0) throw new Error(`these triggers started nothing: ${missing.join(', ')}`)
  if (!happened.some((name) => name.startsWith('time '))) throw new Error('no time started a run')
  const open = runs.filter(({ status }) => status !== 'completed')
  if (open.length > 0) throw new Error(open.map(({ id, status }) => `${id} is ${status}`).join(', '))
  const ofMail = runs.filter(({ id }) => id.startsWith('mail@'))
  if (ofMail.length !== rounds) throw new Error(`${rounds} messages started ${ofMail.length} runs`)
  const repeats = harness.checkAtMostOnce(happened)
  if (repeats.length > 0) throw new Error(repeats.map(({ message }) => message).join('\n'))
  await server.call((service) => service.close())
}
export default scenario
