/** The access of a caller that acts as an agent to runs: its own steps, and the results of runs that it started. */
import { failure } from '../../core/index.ts'
import { agentStepsOf, findQuestion, type Run, type RunListOptions, takesPart } from '../../runs/index.ts'
import { authorize } from '../access/request-principal.ts'
import type { Call, Route } from '../route.ts'
import { page, withoutUndefined } from '../schemas/request-schemas.ts'

type AnyCall = Call<unknown, unknown, unknown>

/** @throws NotFoundError `run.unknown`, AccessDeniedError `request.forbidden` */
export async function requireAgentAccess(
  { agents, operation }: Pick<Route, 'agents' | 'operation'>,
  { parts, user, agent, params }: Pick<AnyCall, 'parts' | 'user' | 'agent' | 'params'>,
): Promise<void> {
  if (agent === undefined || agents === undefined || agents === 'own') return
  const { run, step } = params as { readonly run: string; readonly step?: string }
  const own = await agentStepsOf(parts.runs.orchestra, user, run, agent)
  // An agent without a part in the run must not learn whether the run exists.
  if (own.isEmpty && !own.isStarter) throw failure('run.unknown', { run })
  if (agents === 'started' && !own.isStarter)
    throw failure('request.forbidden', { operation, problem: `${agent} sees its own steps and the status of the run` })
  if (agents === 'step' && !(step !== undefined && own.has(step)))
    throw failure('request.forbidden', { operation, problem: `${agent} sees its own steps alone` })
}

const filtersOfAgents: readonly string[] = ['status', 'from', 'to', 'order', 'limit', 'cursor']

/**
 * Lists the status of runs in which the agent has a step or that it started. Filters by content would reveal other
 * steps.
 */
export async function runsOfAgent(
  { parts, orchestra, user, query }: Pick<AnyCall, 'parts' | 'orchestra' | 'user'> & { readonly query: object },
  agent: string,
) {
  const wanted = withoutUndefined(query) as RunListOptions
  const other = Object.keys(wanted).find((name) => !filtersOfAgents.includes(name))
  if (other !== undefined)
    throw failure('request.forbidden', { operation: 'runs.read', problem: `${agent} finds no runs by ${other}` })
  const found = await orchestra.list(wanted)
  const own = await Promise.all(found.items.map(({ id }) => agentStepsOf(parts.runs.orchestra, user, id, agent)))
  const items = found.items
    .filter((_, i) => own[i]?.isStarter || !own[i]?.isEmpty)
    .map(({ id, status, reason, createdAt, endedAt, replayableUntil, retainedUntil }) => ({
      ...{ id, status, createdAt, title: '', tags: [], agents: [agent] },
      ...withoutUndefined({ reason, endedAt, replayableUntil, retainedUntil }),
    }))
  return page({ ...found, items })
}

/** Returns the status of a run. An agent with a step in the run does not learn its tags, which the application has written. */
export async function statusFor({ agent }: Pick<AnyCall, 'agent'>, run: Run) {
  const { tags, ...status } = await run.status()
  return { run: run.id, ...status, ...(agent === undefined ? withoutUndefined({ tags }) : {}) }
}

interface Answered {
  /** Undefined for a question of a session. */
  readonly run: string | undefined
  readonly question: string
  readonly value?: unknown
}

/**
 * Checks who may answer a question. An agent with a step in the run or in an ancestor of it may never give an approval,
 * whatever key it has. Other questions are answered by the application, or by an agent that started the run or asked. The
 * application has opened each session, so it alone answers the questions of sessions.
 * @throws AccessDeniedError `request.forbidden`, NotFoundError `run.unknown`
 */
export async function requireAnswerer(
  { parts, principal, user, agent }: Pick<AnyCall, 'parts' | 'principal' | 'user' | 'agent'>,
  { run, question, value }: Answered,
): Promise<void> {
  const approves = typeof value === 'object' && value !== null && 'approve' in value
  if (approves) authorize(principal, parts.security.roles, 'contributor', 'runs.approve')
  if (agent === undefined) return
  const { orchestra } = parts.runs
  const operation = approves ? 'runs.approve' : 'runs.answer'
  const rejection = (problem: string) => failure('request.forbidden', { operation, problem })
  if (run === undefined) throw rejection(`${agent} has opened no session, and the application answers its questions`)
  const own = await agentStepsOf(orchestra, user, run, agent)
  const asked = await findQuestion(orchestra, user, run, question)
  const isNamed = principal.operations?.includes('runs.approve') === true
  if (approves) {
    if (!own.isStarter && !isNamed) throw rejection(`${agent} approves nothing unless its key names runs.approve`)
    if (await takesPart(orchestra, user, agent, { run, question }))
      throw rejection(`${agent} takes part in the run, and a call is approved by others`)
    return
  }
  const isOwn = asked?.step !== undefined && (await agentStepsOf(orchestra, user, asked.run, agent)).has(asked.step)
  if (!own.isStarter && !isOwn)
    throw own.isEmpty ? failure('run.unknown', { run }) : rejection('a run of another caller asked this question')
  if (asked?.ask.kind === 'breakpoint') throw rejection('only a person may answer a breakpoint')
}
