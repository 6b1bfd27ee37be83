/** Plays a reference team and returns what differs from the pages: an empty list for none. */
import type { Run, RunEvent, Troupe } from '../../src/index.ts'
import { referenceTeam } from './reference-team.ts'

const ends = ['branch.completed', 'branch.failed', 'branch.cancelled']

export async function playReferenceTeam(service: Troupe, seed: string): Promise<readonly string[]> {
  const { topology, config, expected } = referenceTeam(seed)
  const { orchestra } = service.user('ada')
  const errors = (await orchestra.check(topology, config)).filter(({ severity }) => severity === 'error')
  if (errors.length > 0) return errors.map(({ code, message }) => `check: ${code} ${message}`)
  const run = await orchestra.start({ id: seed, task: 'x', topology, config })
  const problems = await differences(run, expected)
  const events = await eventsOf(run)
  problems.push(...brokenRules(events))
  const { identical } = await orchestra.verifyReplay(seed)
  if (!identical) problems.push('the replay differs')
  // Failing agents count their executions by run, so a fork in the middle of retries may end otherwise.
  if (expected === undefined || config.onError !== undefined) return problems
  for (const at of [Math.ceil(events.length / 3), Math.ceil((2 * events.length) / 3)])
    for (const problem of await differences(await orchestra.fork(seed, { at }), expected))
      problems.push(`the fork at ${at}: ${problem}`)
  return problems
}

async function differences(run: Run, expected: string | undefined): Promise<string[]> {
  const { status, response, error } = await run.result({ signal: AbortSignal.timeout(30_000) })
  const found = `${status} ${status === 'completed' ? response : ''}`
  const wanted = expected === undefined ? 'failed ' : `completed ${expected}`
  return found === wanted ? [] : [`it is ${found}${error?.message ?? ''} instead of ${wanted}`]
}

async function eventsOf(run: Run): Promise<readonly RunEvent[]> {
  const events: RunEvent[] = []
  for await (const event of run.events()) events.push(event)
  return events
}

/** Each branch starts and ends once, and each join opens and completes once. */
function brokenRules(events: readonly RunEvent[]): readonly string[] {
  const branches = (types: readonly string[]) =>
    events.flatMap((event) => (types.includes(event.type) && 'branch' in event ? [String(event.branch)] : [])).sort()
  const joins = (type: string) =>
    events.flatMap((event) => (event.type === type && 'joinId' in event ? [event.joinId] : [])).sort()
  const pairs = [
    ['branch', branches(['branch.started']), branches(ends)],
    ['join', joins('join.opened'), joins('join.completed')],
  ] as const
  return pairs.flatMap(([what, begun, over]) =>
    begun.join(' ') === over.join(' ') && new Set(begun).size === begun.length ? [] : [`a ${what} has not one end`],
  )
}
