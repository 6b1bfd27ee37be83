/** Each hostile model and agent has a run in memory: it ends within its budget, with an error that has a code. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Duration, RunResult, Troupe } from '../../../src/index.ts'
import { harness } from '../library-under-test.ts'
import { troupe } from '../troupe-under-test.ts'
import { type HostileCase, hostileCases } from './adversarial/hostile-cases.ts'
import type { Program } from './program.ts'

const graceMs = 1_000
/** What a busy machine of two cores adds. */
const slackMs = 3_000
const maxMs = 40_000

const millisecondsOf = (time: Duration | undefined): number =>
  time === undefined ? maxMs : Number.parseFloat(time) * (time.endsWith('ms') ? 1 : 1_000)

async function play(service: Troupe, { topology, budget, config }: HostileCase): Promise<string[]> {
  const ada = service.user('ada')
  let largestCall = 0
  const off = service.on('model.called', ({ inputTokens = 0, outputTokens = 0 }) => {
    largestCall = Math.max(largestCall, inputTokens + outputTokens)
  })
  const began = performance.now()
  const timeouts = { grace: `${graceMs}ms` as const, ...config?.timeouts }
  const ended = await Promise.race([
    ada.orchestra.run({ task: 'go', topology, config: { ...config, budget, timeouts } }),
    sleep(maxMs, undefined, { ref: false }),
  ])
  const ms = performance.now() - began
  off()
  if (ended === undefined) return [`did not end in ${maxMs} ms`]
  const problems = checkResult(ended, budget, largestCall)
  if (ms > millisecondsOf(budget.time) + graceMs + slackMs) problems.push(`took ${Math.round(ms)} ms of ${budget.time}`)
  await sleep(millisecondsOf(budget.time) < 1_000 ? 1_500 : 0)
  if ((await ada.context.get('late')) !== undefined) problems.push('wrote after the end of its run')
  return problems
}

/** Usage is known after the call: a budget of tokens may be passed by one. */
function checkResult({ status, error, usage, totalSteps }: RunResult, budget: HostileCase['budget'], largest: number) {
  const tokens = usage.inputTokens + usage.outputTokens
  const problems: string[] = []
  if (status !== 'completed' && status !== 'failed') problems.push(`is ${status}`)
  if (status === 'failed' && typeof error?.code !== 'string') problems.push('failed without a code')
  if (budget.tokens !== undefined && tokens > budget.tokens + largest)
    problems.push(`used ${tokens} of ${budget.tokens} tokens`)
  if (budget.steps !== undefined && totalSteps > budget.steps)
    problems.push(`made ${totalSteps} of ${budget.steps} steps`)
  return problems
}

/** @returns so many of the names, chosen by the seed */
function choose(count: number, seed: string): readonly string[] {
  const { next } = harness.seededRandom(seed)
  const names = Object.keys(hostileCases).map((name) => ({ name, order: next() }))
  return names
    .toSorted((a, b) => a.order - b.order)
    .slice(0, count)
    .map(({ name }) => name)
}

export const program: Program = {
  name: 'adversarial',
  promise: 'A run of hostile models and agents ends within its budget, with an error that has a code.',
  async run({ scale, seed, report }) {
    const problems: string[] = []
    const listen = (error: unknown) => problems.push(`unhandled rejection: ${String((error as Error)?.stack ?? error)}`)
    process.on('unhandledRejection', listen)
    const names = choose(scale === 1 ? 6 : Number.POSITIVE_INFINITY, seed)
    try {
      for (const name of names) {
        const service = await troupe.createTroupe({ storage: 'memory:', log: 'silent' })
        const found = await play(service, (hostileCases[name] as () => HostileCase)())
        problems.push(...found.map((problem) => `${name} ${problem}`))
        await service.close()
      }
    } finally {
      process.off('unhandledRejection', listen)
    }
    report(`${names.length} of ${Object.keys(hostileCases).length} cases`)
    return problems
  },
}
