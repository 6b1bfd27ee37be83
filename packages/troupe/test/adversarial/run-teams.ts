/** Lets hostile teams run under a clock of their own, and says which of their budgets did not hold. */
import type { Json, Run, RunResult, Troupe } from '../../src/index.ts'
import { harness } from '../reliability/library-under-test.ts'
import { troupe } from '../reliability/troupe-under-test.ts'
import { hostileTeam, type Team } from './hostile-team.ts'

export interface Played {
  readonly seed: string
  readonly status: string
  readonly guard: string | undefined
  readonly steps: number
  /** What did not hold. */
  readonly violations: readonly string[]
}

/** A step that does not stop when it is told to is given up after so long. */
const graceMs = 11_000
/** Without an event for so long in real time nothing moves but by the clock. */
const pauseMs = 4

const pause = (ms: number) => new Promise<void>((resolve) => void setTimeout(resolve, ms))

/** @param seeds played one after the other in one troupe, each for a user of its own */
export async function playTeams(seeds: readonly string[]): Promise<readonly Played[]> {
  const clock = harness.createVirtualClock()
  const service = await troupe.createTroupe({
    storage: 'memory:',
    clock,
    random: harness.seededRandom('hostile'),
    log: 'silent',
  })
  const played: Played[] = []
  try {
    for (const seed of seeds) played.push(await playTeam(service, clock, hostileTeam(seed)))
  } finally {
    // Those that do not listen are given up after a while, which passes here only when told.
    let closed = false
    const closing = service.close().finally(() => {
      closed = true
    })
    while (!closed) {
      await clock.advance('1s')
      await pause(1)
    }
    await closing
  }
  return played
}

async function playTeam(service: Troupe, clock: ReturnType<typeof harness.createVirtualClock>, team: Team) {
  const { orchestra } = service.user(team.seed)
  let events = 0
  const off = service.on('*', () => {
    events++
  })
  try {
    const run = await orchestra.start({ task: 'Be good.', topology: team.topology, config: team.config })
    const began = clock.now()
    const limit = team.timeMs + graceMs
    for (let before = -1, seconds = 1; !(await isOver(run)); before = events) {
      const elapsed = clock.now() - began
      if (elapsed > 3 * limit && elapsed - (await waitedMs(run)) > 3 * limit) break
      await pause(pauseMs)
      seconds = before === events ? Math.min(10, 2 * seconds) : 1
      if (before === events) await clock.advance(`${seconds}s`)
    }
    const result = await Promise.race([run.result(), pause(1_000)])
    const verifyReplay = await orchestra.verifyReplay(run.id)
    const violations = [
      ...budgetViolations(team, result ?? undefined, await waitedMs(run)),
      ...(verifyReplay.identical ? [] : [JSON.stringify(verifyReplay)]),
    ]
    const { status = 'still going', guard, totalSteps = 0 } = result ?? {}
    return { seed: team.seed, status, guard: guard?.name, steps: totalSteps, violations }
  } finally {
    off()
  }
}

const isOver = async (run: { status(): Promise<{ readonly status: string }> }) =>
  ['completed', 'failed', 'cancelled'].includes((await run.status()).status)

/** How long nothing in the run could move without somebody outside: a budget of time does not count it. */
async function waitedMs(run: Run): Promise<number> {
  let [waited, since] = [0, Number.NaN]
  for await (const { type, at } of run.events({ untilWaiting: true }))
    if (type === 'run.waiting') since = at
    else if (!Number.isNaN(since) && !/^(timer\.|run\.claimed|clock\.)/.test(type)) {
      waited += at - since
      since = Number.NaN
    }
  return waited
}

/** One call more than a budget allows is the most. */
function budgetViolations({ budget, timeMs, seen }: Team, result: RunResult | undefined, waited: number): string[] {
  if (!result || result.status === 'waiting' || result.status === 'running') return ['it did not end']
  const violations: string[] = []
  const check = (what: string, used: number, limit: number) => {
    if (used > limit) violations.push(`${what}: ${used} of ${limit}`)
  }
  check('steps', result.totalSteps, budget.steps + 1)
  check('time', result.durationMs - waited, timeMs + graceMs)
  if (budget.tokens !== undefined) check('tokens', seen.tokens, budget.tokens + seen.largestCall)
  const { inputTokens, outputTokens } = result.usage
  check('usage', inputTokens + outputTokens, seen.tokens)
  const code = (result.error as { readonly code?: Json } | undefined)?.code
  if (code === 'invariant.broken') violations.push(`an invariant: ${result.error?.message}`)
  return violations
}
