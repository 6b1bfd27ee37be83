/**
 * Many runs at once on several worker processes and one database, while workers are killed, frozen and started again at
 * random. An observer without the agents' code answers the questions, and resolves uncertain effects by the ledger.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Random, Troupe } from '../../src/index.ts'
import type { PostgresOptions } from '../../src/storage/index.ts'
import { troupe } from '../reliability/troupe-under-test.ts'
import { machineTime, payers, payment, paymentsIn } from './payment-team.ts'
import { Fleet } from './worker-fleet.ts'

export interface ChaosOptions {
  readonly storage: PostgresOptions
  readonly ledger: string
  readonly runs: number
  readonly workers: number
  readonly lease: '1s' | '2s'
  readonly random: Random
  /** How long a worker has worked before something happens to it, ms. Absent: nothing is killed or frozen. */
  readonly blowAfterMs?: number
  /** Then it is quiet: on a slow machine runs would get on in no pause between two blows. */
  readonly blows: number
  /** And after so many ms, however few they were: a busy machine would carry out nothing between them. */
  readonly maxStormMs?: number
  /** ms after which what has not ended counts as stuck. */
  readonly timeoutMs: number
}

export interface ChaosReport {
  /** By run: its status, and all that it left, as text. */
  readonly ends: ReadonlyMap<string, string>
  readonly problems: readonly string[]
  readonly kills: number
  readonly stops: number
  readonly resolved: number
}

const usersCount = 8
const userOf = (n: number) => `u${n % usersCount}`

export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { storage, runs, workers, lease, random, ledger } = options
  const fleet = new Fleet({ storage, lease, size: workers })
  await fleet.open()
  const service = await troupe.createTroupe({ storage, lease, log: 'silent' })
  const stop = new AbortController()
  const until = performance.now() + options.timeoutMs
  const numbers = Array.from({ length: runs }, (_, n) => n)
  let resolved = 0
  const looks: Look[] = []
  try {
    const trouble =
      options.blowAfterMs === undefined
        ? undefined
        : makeTrouble(
            fleet,
            random,
            { afterMs: options.blowAfterMs, maxBlows: options.blows },
            options.maxStormMs === undefined
              ? stop.signal
              : AbortSignal.any([stop.signal, AbortSignal.timeout(options.maxStormMs)]),
          )
    const queue = [...numbers]
    const begin = async () => {
      for (let n = queue.shift(); n !== undefined; n = queue.shift()) {
        const id = `run-${n}`
        for (let on = n; !(await fleet.start(on, id, userOf(n), ledger)) && performance.now() < until; on++)
          await sleep(50)
      }
    }
    await Promise.all(Array.from({ length: 20 }, begin))
    const problems: string[] = []
    await Promise.all(
      numbers.map(async (n) => {
        const watched = await watch(service, userOf(n), `run-${n}`, { ledger, until, looks })
        resolved += watched.resolved
        if (watched.problem) problems.push(`run-${n}: ${watched.problem}`)
      }),
    )
    stop.abort()
    await trouble
    problems.push(...repeatedIn(ledger, looks))
    const ends = new Map<string, string>()
    for (const n of numbers) ends.set(`run-${n}`, await endOf(service, userOf(n), `run-${n}`))
    problems.push(...(await messagesOf(service, numbers)))
    return { ends, problems, resolved, ...fleet.counts }
  } finally {
    stop.abort()
    await service.close()
    await fleet.close()
  }
}

/**
 * One thing after another happens to a worker that has worked for a while; now and then to the last one, too. So the
 * pace is that of the machine: runs get on between two blows.
 */
async function makeTrouble(
  fleet: Fleet,
  random: Random,
  { afterMs, maxBlows }: { readonly afterMs: number; readonly maxBlows: number },
  signal: AbortSignal,
): Promise<void> {
  const frozen: Promise<void>[] = []
  while (!signal.aborted && fleet.counts.kills + fleet.counts.stops < maxBlows) {
    await sleep((0.1 + 0.4 * random.next()) * afterMs, undefined, { signal }).catch(() => {})
    const well = fleet.well(afterMs)
    const worker = well[Math.floor(random.next() * well.length)]
    if (signal.aborted || worker === undefined || (well.length === 1 && random.next() < 0.8)) continue
    if (random.next() < 0.5) fleet.kill(worker)
    else frozen.push(fleet.freeze(worker, 500 + 4_000 * random.next()))
  }
  await Promise.all(frozen)
}

/** The ledger did not hold the payment when the observer looked. */
interface Look {
  readonly payment: string
  readonly at: bigint
}

interface Watching {
  readonly ledger: string
  readonly until: number
  readonly looks: Look[]
}

/** Answers and resolves until the run is over. */
async function watch(service: Troupe, user: string, id: string, { ledger, until, looks }: Watching) {
  let resolved = 0
  const run = await service.user(user).orchestra.get(id)
  while (performance.now() < until) {
    const signal = AbortSignal.timeout(Math.max(1, Math.ceil(until - performance.now())))
    const result = await run.result({ signal }).catch((error: Error) => error)
    if (result instanceof Error) {
      // Nobody is there who has the code: they are all dead or frozen just now.
      if ((result as { code?: string }).code !== 'run.agents_missing') return { resolved, problem: result.message }
      continue
    }
    if (result.status === 'completed') return { resolved }
    if (result.status !== 'waiting')
      return { resolved, problem: `${result.status} ${result.error?.code}: ${result.error?.message}` }
    for (const { id: question } of result.questions)
      await run.answer(question, 'yes', { id: `answer ${question}` }).catch(tolerate)
    for (const { step, call, name: effect } of await run.uncertain()) {
      const agent = effect.split(' ').at(-1) as string
      const look = { payment: payment(id, agent), at: machineTime() }
      const happened = paymentsIn(ledger).some((each) => each.payment === look.payment)
      if (!happened) looks.push(look)
      const resolution = happened ? ({ happened, output: `paid by ${agent}` } as const) : ({ happened: false } as const)
      await run.resolve({ step, call }, resolution).then(() => resolved++, tolerate)
    }
    await sleep(20)
  }
  return { resolved, problem: `it did not end: ${JSON.stringify(await run.status())}` }
}

/** Done already, by a command whose answer was lost; or nobody is there to do it just now. */
function tolerate(error: { readonly code?: string }): void {
  const fine = ['question.unknown', 'effect.resolved', 'run.over', 'run.agents_missing']
  if (!fine.includes(error.code ?? '')) throw error
}

async function endOf(service: Troupe, user: string, id: string): Promise<string> {
  const { context, orchestra } = service.user(user)
  const run = await orchestra.get(id)
  const { status } = await run.status()
  if (status !== 'completed') return status
  const { response, totalSteps } = await run.result()
  const left: unknown[] = []
  for (const agent of payers) left.push((await context.getEntry(`${id}.${agent}`))?.value)
  const { identical } = await orchestra.verifyReplay(id)
  return JSON.stringify({ status, response, totalSteps, left, identical })
}

/** A look that finds nothing is not the last: a process that dies just then may hold a lane for as long as its transaction lasts. */
async function messagesOf(service: Troupe, numbers: readonly number[]): Promise<readonly string[]> {
  const expected = numbers.flatMap((n) => payers.map((agent) => `run-${n} ${agent}`)).sort()
  const found: string[] = []
  const until = performance.now() + 15_000
  do {
    for (let n = 0; n < usersCount; n++)
      for (const delivery of await service.user(userOf(n)).agent('Log').mailbox.receive({ max: 100 })) {
        found.push((delivery.message.payload as { from: string }).from)
        await delivery.ack()
      }
  } while (found.length < expected.length && performance.now() < until)
  const missing = expected.filter((message) => !found.includes(message))
  return found.sort().join() === expected.join()
    ? []
    : [`${found.length} messages in place of ${expected.length}, without ${missing.join(', ')}`]
}

/**
 * A payment that had begun when the observer looked, and was not in the ledger yet since its process stood still just
 * then, is the error of the observer: no runtime can take it back.
 */
function repeatedIn(ledger: string, looks: readonly Look[]): readonly string[] {
  const groups = Map.groupBy(paymentsIn(ledger), ({ payment }) => payment)
  return [...groups].flatMap(([payment, same]) => {
    const wrong = looks.filter((look) => look.payment === payment)
    const counted = same.filter(({ beganAt }) => !wrong.some(({ at }) => beganAt < at))
    const times = same.map(({ beganAt }) => beganAt).join(', ')
    const lookTimes = wrong.map(({ at }) => at).join(', ')
    return counted.length > 1 ? [`${payment} happened ${same.length} times: began ${times}, looks ${lookTimes}`] : []
  })
}
