/**
 * A team of a model with parallel tools and of one that it asks, on a process that is killed: every answer that was paid
 * for is used, and no tool that acts once acts twice.
 */

import { z } from 'zod'
import type { SimulationScenario } from '../../src/testing/index.ts'
import { harness } from '../reliability/library-under-test.ts'
import { troupe } from '../reliability/troupe-under-test.ts'
import { insistOn } from './repeating-client.ts'

interface Prompted {
  readonly prompt: unknown
}
const asked = (options: Prompted) => JSON.stringify(options.prompt)

const scenario: SimulationScenario = async (simulation) => {
  const happened: string[] = []
  const disk = simulation.disk()
  const happen = (what: string) => {
    happened.push(what)
    simulation.operation(true)
  }
  const reconciled = (key: string) => ({ happened: true, output: { done: key } }) as const
  const act = troupe.defineTool({
    name: 'act',
    description: 'Does it.',
    inputSchema: z.object({ n: z.number() }),
    effect: 'at-most-once',
    reconcile: async (key) => (happened.includes(`at-most-once ${key}`) ? reconciled(key) : 'not'),
    execute: async (_, { key }) => {
      happen(`at-most-once ${key}`)
      return { done: key }
    },
  })
  const look = troupe.defineTool({
    name: 'look',
    description: 'Looks.',
    inputSchema: z.object({ n: z.number() }),
    effect: 'read',
    execute: async () => ({ seen: 1 }),
  })
  const call = (name: string, n: number) => ({ name, args: { n } })
  const model = () =>
    new harness.MockModel({
      responses: [
        {
          match: (options: Prompted) => !asked(options).includes('tool-result'),
          toolCalls: [call('act', 1), call('look', 2), call('act', 3)],
          latency: 40,
        },
        { match: (options: Prompted) => asked(options).includes('tool-result'), text: 'It is done.', latency: 30 },
      ],
    })
  const spec = (name: string) =>
    new troupe.LlmAgent({ name, instructions: 'Do it.', model: model(), tools: { act, look } })
  const agents = [spec('First'), spec('Second')]
  const topology = { agents, flows: ['First -> Second'] }
  const server = simulation.node(
    'server',
    ({ clock, random, faults }) =>
      troupe.createTroupe({ storage: 'memory:', clock, random, faults: faults(disk), agents, log: 'silent' }),
    { kills: 2, within: 90 },
  )
  const insist = insistOn(simulation, server)
  await insist(
    async (service) => (await service.user('ada').orchestra.start({ id: 'asked', task: 'Do it', topology })).id,
  )
  const result = await Promise.race([
    insist(async (service) => (await service.user('ada').orchestra.get('asked')).result()),
    simulation.sleep(1_200_000),
  ])
  if (!result) throw new Error(`it does not go on after ${happened.join(' ')}`)
  simulation.heal()
  if (result.status !== 'completed')
    throw new Error(`it is ${result.status}: ${result.reason ?? result.error?.message}`)
  if (result.response !== 'It is done.') throw new Error(`it answered ${JSON.stringify(result.response)}`)
  const anomalies = harness.checkAtMostOnce(happened)
  if (anomalies.length > 0) throw new Error(anomalies.map(({ message }) => message).join('\n'))
  if (new Set(happened).size !== 4) throw new Error(`${new Set(happened).size} acts in place of 4`)
  const { identical } = await insist((service) => service.user('ada').orchestra.verifyReplay('asked'))
  if (!identical) throw new Error('the replay differs')
  await server.call((service) => service.close())
}
export default scenario
