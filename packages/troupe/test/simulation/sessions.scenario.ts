/**
 * A session whose process is killed: an acknowledged message is in the thread once, with its answer and in order, no
 * effect of a message happens twice, and the thread accepts the next message.
 */

import type { Troupe } from '../../src/index.ts'
import type { SimulationScenario } from '../../src/testing/index.ts'
import { harness } from '../reliability/library-under-test.ts'
import { troupe } from '../reliability/troupe-under-test.ts'
import { insistOn, isTrouble, pause } from './repeating-client.ts'

const messages = 5

function createClerk(happen: (text: string) => void, hasHappened: (text: string) => boolean) {
  return troupe.defineAgent<string>({
    name: 'Clerk',
    run: async (text, ctx) => {
      if (text === 'history') return ctx.history.map((each) => each.text)
      const reconcile = async () => (hasHappened(text) ? ({ happened: true, output: text } as const) : 'not')
      await ctx.effect('act', { class: 'at-most-once', key: text, reconcile }, async () => {
        happen(text)
        return text
      })
      if (text.startsWith('asks')) await ctx.ask({ text: 'Continue?' })
      await ctx.context.push(text, 'seen')
      return `did ${text}`
    },
  })
}

/** @returns the problems of the thread */
function judge(
  history: readonly string[],
  sent: readonly string[],
  acknowledged: readonly string[],
): readonly string[] {
  const lost = acknowledged.filter((text) => history[history.indexOf(text) + 1] !== `did ${text}`)
  const twice = sent.filter((text) => history.indexOf(text) !== history.lastIndexOf(text))
  const positions = history.flatMap((text) => (sent.includes(text) ? [sent.indexOf(text)] : []))
  const isInOrder = positions.every((position, i) => position >= (positions[i - 1] ?? 0))
  return [
    ...lost.map((text) => `${text} and its answer are not in the thread`),
    ...twice.map((text) => `${text} is in the thread twice`),
    ...(isInOrder ? [] : [`the order is ${history.join(', ')}`]),
  ]
}

const scenario: SimulationScenario = async (simulation) => {
  const happened: string[] = []
  const disk = simulation.disk()
  const happen = (text: string) => {
    happened.push(text)
    simulation.operation(true)
  }
  const clerk = createClerk(happen, (text) => happened.includes(text))
  const server = simulation.node(
    'server',
    ({ clock, random, faults }) =>
      troupe.createTroupe({ storage: 'memory:', clock, random, faults: faults(disk), agents: [clerk], log: 'silent' }),
    { kills: 3, within: 120 },
  )
  const insist = insistOn(simulation, server)
  const session = (service: Troupe) => service.user('ada').session(clerk, { threadId: 't' })
  const answer = (question: string) =>
    server.call(async (service) => (await session(service).answer(question, 'yes')).text)
  /** Answers what the session asks after a failure, until it asks nothing. */
  const answerAll = async (): Promise<void> => {
    for (;;) {
      const [question] = await insist((service) => session(service).questions())
      if (!question) return
      await answer(question.id).catch((error: unknown) => {
        if (!isTrouble(error)) throw error
        return pause(simulation)
      })
    }
  }
  const send = async (text: string): Promise<string> => {
    const { question, reply } = await server.call(async (service) => {
      const result = await session(service).generate(text)
      return { question: result.questions?.[0]?.id, reply: result.text }
    })
    return question === undefined ? reply : answer(question)
  }
  const sent: string[] = []
  const acknowledged: string[] = []
  for (let attempt = 0; acknowledged.length < messages; attempt++) {
    const text = `${acknowledged.length % 2 ? 'asks' : 'does'} ${acknowledged.length}.${attempt}`
    sent.push(text)
    try {
      const reply = await send(text)
      if (reply !== `did ${text}`) throw new Error(`the answer to ${text} is ${reply}`)
      acknowledged.push(text)
    } catch (error) {
      // The interrupted message before this one may wait for an answer.
      if (!isTrouble(error) && (error as { readonly code?: string }).code !== 'session.waiting') throw error
      await pause(simulation)
      await answerAll()
    }
  }
  simulation.heal()
  await answerAll()
  const history = await insist(async (service) => (await session(service).generate('history')).output as string[])
  const repeats = harness.checkAtMostOnce(happened).map(({ message }) => message)
  const problems = [...judge(history, sent, acknowledged), ...repeats]
  if (problems.length > 0) throw new Error(problems.join('\n'))
  await server.call((service) => service.close())
}
export default scenario
