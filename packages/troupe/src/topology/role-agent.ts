/**
 * The built-in agents of patterns. They are stateless, because their input and results contain all they need, and are
 * created from their role. A role with a user's function needs that function again in a process that did not start the
 * run.
 */
import type { Agent, Outcome, StepContext, StepEntry } from '../agents/index.ts'
import {
  canonicalJson,
  copyJson,
  failure,
  hashText,
  invalidInput,
  type Json,
  readable,
  textOfValue,
} from '../core/index.ts'
import type { PatternRole } from './canonical/canonical-topology.ts'

type RoleOf<K extends PatternRole['kind']> = Extract<PatternRole, { readonly kind: K }>
type Results = NonNullable<StepEntry['results']>
type WithRequest = Results[number] & { readonly request?: Json }

/** A user's function that belongs to a role. */
export type RoleCode =
  | { readonly by: (task: Json) => string | Promise<string> }
  | { readonly split: (task: Json) => readonly unknown[] | Promise<readonly unknown[]> }
  | { readonly until: (context: StepContext['context']) => unknown }

const invoke = (targets: readonly { readonly agent: string; readonly input: Json }[]): Outcome => ({
  kind: 'invoke',
  targets,
})
const finish = (value: Json): Outcome => ({ kind: 'finish', value })
const handOff = (agent: string, input: Json): Outcome => ({ kind: 'handOff', agent, input })
const fieldsOf = (value: Json | undefined): { readonly [key: string]: Json } =>
  value !== null && typeof value === 'object' && !Array.isArray(value)
    ? (value as { readonly [key: string]: Json })
    : {}

const firstOf = (results: Results | undefined): WithRequest | undefined => results?.[0]
/** Returns the request to the team, independent of the number of joins since. */
const taskOf = (entry: StepEntry): Json => entry.request ?? entry.input

/**
 * Creates the agent of a role. Without a required function the agent is incomplete: it can be serialised but not
 * executed.
 */
export function createRoleAgent(name: string, role: PatternRole, code?: RoleCode): Agent {
  const lacks = !code && needsCode(role)
  const step = lacks ? () => Promise.reject(missing(name)) : stepOf(name, role, code)
  const source = readable(`The function of ${name}`, () => String(Object.values(code ?? {})[0] ?? ''))
  return Object.freeze({
    name,
    ...(lacks ? { incomplete: 'it calls a function that was not passed' } : {}),
    access: Object.freeze({}),
    fingerprint: hashText(`${canonicalJson(role)}\n${source}`),
    step: async (entry: StepEntry) => step(entry.invoked === undefined ? withoutResults(entry) : entry),
  })
}

/** Branches of other agents that met at the node are the task: a role reads only the results of its own invocations. */
const withoutResults = ({ results: _, ...entry }: StepEntry): StepEntry => entry

const needsCode = (role: PatternRole): boolean =>
  role.kind === 'router' ? typeof role.by !== 'string' : 'code' in role && role.code === true

const missing = (name: string) =>
  failure('topology.invalid', {
    location: name,
    problem: 'it calls a function that was not passed',
    remedy: 'Pass the topology itself to createTroupe({ teams }), not its JSON',
  })

function stepOf(
  name: string,
  role: PatternRole,
  code: RoleCode | undefined,
): (entry: StepEntry) => Outcome | Promise<Outcome> {
  switch (role.kind) {
    case 'router': {
      const by = code && 'by' in code ? code.by : undefined
      if (typeof role.by !== 'string' && !by) throw missing(name)
      return (entry) => route(role, entry, by)
    }
    case 'split': {
      const split = code && 'split' in code ? code.split : undefined
      if (role.code && !split) throw missing(name)
      return (entry) => divide(role, entry, split)
    }
    case 'blackboard': {
      const until = code && 'until' in code ? code.until : undefined
      if (!until) throw missing(name)
      return (entry) => board(role, entry, until)
    }
    case 'vote':
      return (entry) => count(role, entry)
    case 'plan':
      return (entry) => plan(role, entry)
    case 'loop':
      return (entry) => loopStep(role, entry)
  }
}

async function route(
  role: RoleOf<'router'>,
  { input }: StepEntry,
  by?: (task: Json) => string | Promise<string>,
): Promise<Outcome> {
  const field = typeof role.by === 'string' ? role.by : ''
  const fields = fieldsOf(input)
  const decided = by ? await by(input) : Object.hasOwn(fields, field) ? fields[field] : undefined
  // Names of routes are strings, even if a task has a number.
  const type = typeof decided === 'number' ? String(decided) : decided
  const agent = typeof type === 'string' && Object.hasOwn(role.routes, type) ? role.routes[type] : undefined
  if (agent === undefined)
    throw failure('route.unknown', {
      type: type === undefined ? (by ? 'what `by` gave, undefined' : `a task without ${field}`) : String(type),
      known: Object.keys(role.routes).join(', '),
    })
  return handOff(agent, input)
}

async function divide(
  role: RoleOf<'split'>,
  entry: StepEntry,
  split?: (task: Json) => readonly unknown[] | Promise<readonly unknown[]>,
): Promise<Outcome> {
  if (entry.results) return handOff(role.reduce, entry.input)
  const items = split ? await split(entry.input) : entry.input
  if (!Array.isArray(items)) throw invalidInput('The value to map', 'it must be a list, or split must return one')
  const inputs = copyJson(items, 'The result of split') as readonly Json[]
  return inputs.length === 0
    ? handOff(role.reduce, { results: [] })
    : invoke(inputs.map((input) => ({ agent: role.map, input })))
}

async function board(
  role: RoleOf<'blackboard'>,
  entry: StepEntry,
  until: (context: StepContext['context']) => unknown,
): Promise<Outcome> {
  if (await until(entry.ctx.context)) return finish(entry.results?.map((r) => r.value ?? null) ?? null)
  return invoke(role.agents.map((agent) => ({ agent, input: taskOf(entry) })))
}

/** Counts votes: equal values are equal votes, and a failed voter has no vote. */
function count({ voters, quorum }: RoleOf<'vote'>, { input, results }: StepEntry): Outcome {
  if (!results) return invoke(voters.map((agent) => ({ agent, input })))
  const votes = new Map<string, number>()
  for (const { success, value } of results) {
    if (!success) continue
    const vote = canonicalJson(value ?? null)
    votes.set(vote, (votes.get(vote) ?? 0) + 1)
  }
  const [winner, winningVotes] = [...votes].reduce((best, next) => (next[1] > best[1] ? next : best), ['', 0] as [
    string,
    number,
  ])
  const tie = [...votes.values()].filter((n) => n === winningVotes).length > 1
  if (winningVotes < quorum || tie)
    throw failure('vote.undecided', {
      quorum,
      found: tie
        ? `${winningVotes} were equal for several values`
        : `the most were ${winningVotes} of ${voters.length}`,
    })
  return finish(JSON.parse(winner) as Json)
}

/**
 * The planner returns tasks, and the executor executes each. The planner then gets the results and returns an answer or
 * more tasks. No policy replaces a planner that fails.
 */
function plan({ planner, executor }: RoleOf<'plan'>, entry: StepEntry): Outcome {
  if (!entry.results) return invoke([{ agent: planner, input: entry.input }])
  const first = firstOf(entry.results)
  if (entry.invoked !== planner)
    return invoke([{ agent: planner, input: { ...fieldsOf(entry.input), task: taskOf(entry) } }])
  if (first?.success !== true) throw failure('plan.failed', { planner })
  const value = first.value ?? null
  const { tasks } = fieldsOf(value)
  const saw = 'results' in fieldsOf(first.request)
  const next = Array.isArray(tasks) ? tasks : !saw && Array.isArray(value) ? value : undefined
  return next && next.length > 0 ? invoke(next.map((input) => ({ agent: executor, input }))) : finish(value)
}

/** Passes the body's value to the check; if the check fails, the body executes again with the feedback. */
function loopStep({ body, check, max }: RoleOf<'loop'>, entry: StepEntry): Outcome {
  if (!entry.results) return invoke([{ agent: body, input: entry.input }])
  const first = firstOf(entry.results)
  if (first?.agent === body) return invoke([{ agent: check, input: first.value ?? null }])
  // A failure that the policy leaves out of the results is a round without a value.
  const value = first?.request ?? null
  const { pass, feedback = null } = fieldsOf(first?.value)
  if (pass === true) return finish(value)
  if (!entry.flow.invoke.includes(body)) throw failure('loop.unfinished', { max, feedback: textOfValue(feedback) })
  return invoke([{ agent: body, input: { task: taskOf(entry), value, feedback } }])
}
