/**
 * A run of forty steps on a process that is killed again and again while its disk fails: it ends as it would have, every
 * `at-most-once` effect happened once, and the journal replays.
 */

import type { Troupe } from '../../src/index.ts'
import type { SimulationScenario } from '../../src/testing/index.ts'
import { createTeam, judgeRun, type Ledger, repeated } from '../reliability/reliability-team.ts'
import { troupe } from '../reliability/troupe-under-test.ts'
import { isTrouble, pause } from './repeating-client.ts'

/** Where a run stands that should have moved. */
async function describeRun(service: Troupe, id: string): Promise<string> {
  const run = await service.user('ada').orchestra.get(id)
  const stop = new AbortController()
  const events: string[] = []
  const reading = (async () => {
    for await (const { seq, type, ...more } of run.events({ signal: stop.signal }))
      events.push(`${seq} ${type} ${JSON.stringify(more).slice(0, 200)}`)
  })()
  await new Promise((resolve) => setTimeout(resolve, 100))
  stop.abort()
  await reading.catch(() => {})
  return [JSON.stringify(await run.status()), JSON.stringify(service.storageState()), ...events.slice(-25)].join('\n')
}

const scenario: SimulationScenario = async (simulation) => {
  // A seed of the form `kill-17` kills it once, before that event, and does nothing else to it.
  const [, at] = /^kill-(\d+)$/.exec(simulation.seed) ?? []
  const calm = at === undefined && simulation.random.next() < 0.2
  const blind = !calm && at === undefined && simulation.random.next() < 0.3
  if (at !== undefined) simulation.heal()
  if (calm) simulation.heal()
  const disk = simulation.disk()
  const happened: string[] = []
  const ledger: Ledger = {
    blind,
    has: (key) => happened.includes(key),
    happen(key) {
      happened.push(key)
      simulation.operation(true)
    },
  }
  const { agents, names, spec } = createTeam(ledger)
  const server = simulation.node(
    'server',
    ({ clock, random, faults }) =>
      troupe.createTroupe({ storage: 'memory:', clock, random, faults: faults(disk), agents, log: 'silent' }),
    at === undefined ? { kills: calm ? 0 : 3, within: 700 } : { killAt: [Number(at)] },
  )
  const insist = async <T>(run: (service: Troupe) => Promise<T>): Promise<T> => {
    for (;;)
      try {
        const value = await server.call(run)
        simulation.operation(true)
        return value
      } catch (error) {
        if (!isTrouble(error)) throw error
        simulation.operation(false)
        await pause(simulation)
      }
  }
  const id = await insist(async (service) => (await service.user('ada').orchestra.start(spec)).id)
  /** Somebody holds it up now and then. */
  const meddle = async () => {
    for (let i = 0; i < 4; i++) {
      await simulation.sleep(500 * simulation.random.next())
      for (const act of ['pause', 'resume'] as const)
        await insist(async (service) => (await service.user('ada').orchestra.get(id))[act]()).catch(
          (error: { readonly code?: string }) => {
            if (error.code !== 'run.over') throw error
          },
        )
    }
    return true
  }
  const meddling = meddle()
  for (;;) {
    const result = await Promise.race([
      insist(async (service) => (await service.user('ada').orchestra.get(id)).result()),
      simulation.sleep(1_200_000),
    ])
    if (!result) throw new Error(`it does not go on: ${await insist((service) => describeRun(service, id))}`)
    if (result.status !== 'waiting') break
    for (const question of result.questions)
      await insist(async (service) => (await service.user('ada').orchestra.get(id)).answer(question.id, 'yes')).catch(
        // A second answer: the first one was lost on its way back only.
        (error: { readonly code?: string }) => {
          if (!['question.answered', 'question.unknown', 'run.over'].includes(error.code ?? '')) throw error
        },
      )
    if (result.reason === 'uncertain' && blind) {
      // Only a person can say whether it happened; nobody may have tried.
      const repeats = repeated(happened)
      if (repeats.length > 0) throw new Error(repeats.join('\n'))
      return
    }
    if (result.reason === 'paused') {
      await simulation.sleep(200)
      continue
    }
    if (result.questions.length === 0) throw new Error(`it waits for ${result.reason} and asks nothing`)
    await simulation.sleep(100)
  }
  const isResumed = await Promise.race([meddling, simulation.sleep(1_200_000)])
  if (!isResumed) throw new Error('whoever paused it or let it go on was never told')
  simulation.heal()
  await simulation.sleep(60_000)
  const problems = await insist((service) => judgeRun(service, names, happened))
  const asked = happened.filter((line) => line.startsWith('asked '))
  if (calm) problems.push(...asked, ...repeated(happened, 'call'))
  await server.call((service) => service.close())
  if (problems.length > 0) throw new Error(problems.join('\n'))
}
export default scenario
