/**
 * The addresses of the page, behind the `#`, so that the server knows one page only. A path names a view and what it is
 * of; the typed search parameters name what is looked for and what is opened in it, so a reload, a link and the way back
 * show the same. app.tsx gives each route its view.
 */
import { createRootRoute, createRoute, redirect } from '@tanstack/react-router'

type Raw = Readonly<Record<string, unknown>>

const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined)
const texts = (value: unknown): readonly string[] | undefined => {
  const found = [value].flat().filter((one) => typeof one === 'string')
  return found.length === 0 ? undefined : found
}
const wholeNumber = (value: unknown): number | undefined =>
  /^\d{1,15}$/.test(String(value)) ? Number(value) : undefined
/** ISO text of a time; anything else is no filter. */
const time = (value: unknown): string | undefined => (Number.isNaN(Date.parse(String(value))) ? undefined : text(value))
const oneOf = <T extends string>(allowed: readonly T[], value: unknown): T | undefined =>
  allowed.find((one) => one === value)

/** Reads the text behind the `?`: a name that occurs several times has a list. */
export function parseSearch(query: string): Record<string, string | string[]> {
  const params = new URLSearchParams(query)
  return Object.fromEntries(
    [...new Set(params.keys())].map((name) => {
      const values = params.getAll(name)
      return [name, values.length === 1 ? (values[0] as string) : values]
    }),
  )
}

/** Writes search parameters so that `parseSearch` reads them. */
export function stringifySearch(search: Raw): string {
  const params = new URLSearchParams()
  for (const [name, value] of Object.entries(search))
    for (const one of [value].flat()) if (one !== undefined) params.append(name, String(one))
  return params.size === 0 ? '' : `?${params}`
}

/** Of a list that is shown page by page. */
interface Paged {
  /** The cursors of the pages before this one. */
  readonly after?: readonly string[] | undefined
}
const paged = ({ after }: Raw): Paged => ({ after: texts(after) })

export const rootRoute = createRootRoute()
const at = () => rootRoute

const indexRoute = createRoute({
  getParentRoute: at,
  path: '/',
  beforeLoad: () => {
    throw redirect({ to: '/home', replace: true })
  },
})
export const homeRoute = createRoute({
  getParentRoute: at,
  path: '/home',
  staticData: { name: 'Home' },
  /** `team`: the team that the charts show. */
  validateSearch: ({ team }: Raw): { readonly team?: string | undefined } => ({ team: text(team) }),
})

export const runStatuses = ['running', 'waiting', 'completed', 'failed', 'cancelled'] as const
/** The server sorts: `newest` by default, the highest first of the others, and by `status` what needs a person first. */
export const runOrders = ['newest', 'oldest', 'cost', 'tokens', 'duration', 'status'] as const
export type RunOrder = (typeof runOrders)[number]
export interface RunsSearch {
  readonly status?: (typeof runStatuses)[number] | undefined
  /** Words, or a part of the task. */
  readonly search?: string | undefined
  readonly team?: string | undefined
  /** With commas between them. */
  readonly tags?: string | undefined
  readonly order?: RunOrder | undefined
}
export const runsRoute = createRoute({
  getParentRoute: at,
  path: '/runs',
  staticData: { name: 'Runs' },
  validateSearch: ({ status, search, team, tags, order }: Raw): RunsSearch => ({
    status: oneOf(runStatuses, status),
    search: text(search),
    team: text(team),
    tags: text(tags),
    order: oneOf(runOrders, order),
  }),
})

export const runTabs = ['steps', 'events', 'why', 'time', 'debug', 'compare'] as const
export type RunTab = (typeof runTabs)[number]
export const stepStates = ['working', 'waiting', 'done', 'failed', 'stopped'] as const
export interface RunSearch {
  readonly tab?: RunTab | undefined
  /** The step that is opened. */
  readonly step?: string | undefined
  /** The call or the wait of that step that is opened. */
  readonly call?: string | undefined
  /** The state that the listed steps have. */
  readonly state?: (typeof stepStates)[number] | undefined
  /** The type and the words that the listed events have. */
  readonly type?: string | undefined
  readonly words?: string | undefined
  /** The sequence number of the event that is opened. */
  readonly event?: number | undefined
  /** The sequence number of the event at which the run is shown as it was. */
  readonly at?: number | undefined
  /** True while a fork at that event is prepared. */
  readonly fork?: true | undefined
  /** The run that this one is compared with. */
  readonly other?: string | undefined
  /** The question that is brought into view. */
  readonly question?: string | undefined
}
export const runRoute = createRoute({
  getParentRoute: at,
  path: '/runs/$run',
  staticData: { name: 'Runs' },
  validateSearch: ({ tab, step, call, state, type, words, event, at, fork, other, question }: Raw): RunSearch => ({
    tab: oneOf(runTabs, tab),
    step: text(step),
    call: text(call),
    state: oneOf(stepStates, state),
    type: text(type),
    words: text(words),
    event: wholeNumber(event),
    at: wholeNumber(at),
    fork: String(fork) === 'true' ? true : undefined,
    other: text(other),
    question: text(question),
  }),
})

interface ChatSearch {
  /** The team or the agent. */
  readonly with?: string | undefined
  readonly thread?: string | undefined
}
export const chatRoute = createRoute({
  getParentRoute: at,
  path: '/chat',
  staticData: { name: 'Chat' },
  validateSearch: ({ with: partner, thread }: Raw): ChatSearch => ({ with: text(partner), thread: text(thread) }),
})

interface ContextSearch extends Paged {
  /** The text that the listed keys begin with. */
  readonly prefix?: string | undefined
  readonly tab?: 'table' | 'tree' | undefined
  /** The key of the entry that is opened; it may be empty. */
  readonly key?: string | undefined
}
export const contextRoute = createRoute({
  getParentRoute: at,
  path: '/context',
  staticData: { name: 'Context' },
  validateSearch: ({ prefix, tab, key, ...raw }: Raw): ContextSearch => ({
    prefix: text(prefix),
    tab: oneOf(['table', 'tree'], tab),
    key: typeof key === 'string' ? key : undefined,
    ...paged(raw),
  }),
})

export const messagesRoute = createRoute({
  getParentRoute: at,
  path: '/messages',
  staticData: { name: 'Messages' },
  validateSearch: paged,
})
const priorities = ['urgent', 'high', 'normal', 'low'] as const
interface MailboxSearch extends Paged {
  /** The sender and the priority of a lane. */
  readonly from?: string | undefined
  readonly priority?: (typeof priorities)[number] | undefined
  readonly thread?: string | undefined
  /** The id of the message or the dead letter that is opened. */
  readonly message?: string | undefined
}
export const mailboxRoute = createRoute({
  getParentRoute: at,
  path: '/messages/$mailbox',
  staticData: { name: 'Messages' },
  validateSearch: ({ from, priority, thread, message, ...raw }: Raw): MailboxSearch => ({
    from: text(from),
    priority: oneOf(priorities, priority),
    thread: text(thread),
    message: text(message),
    ...paged(raw),
  }),
})
export const teamsRoute = createRoute({ getParentRoute: at, path: '/teams', staticData: { name: 'Teams' } })
export const teamRoute = createRoute({
  getParentRoute: at,
  path: '/teams/$team',
  staticData: { name: 'Teams' },
})
export const agentsRoute = createRoute({ getParentRoute: at, path: '/agents', staticData: { name: 'Agents' } })
export const agentRoute = createRoute({ getParentRoute: at, path: '/agents/$agent', staticData: { name: 'Agents' } })
interface SchedulesSearch extends Paged {
  /** The id of the schedule that is opened. */
  readonly schedule?: string | undefined
}
export const schedulesRoute = createRoute({
  getParentRoute: at,
  path: '/schedules',
  staticData: { name: 'Schedules' },
  validateSearch: ({ schedule, ...raw }: Raw): SchedulesSearch => ({ schedule: text(schedule), ...paged(raw) }),
})
const usageRanges = ['day', 'week', 'month'] as const
interface EvaluationsSearch extends Paged {
  /** The range of the charts of live runs. */
  readonly range?: (typeof usageRanges)[number] | undefined
}
export const evaluationsRoute = createRoute({
  getParentRoute: at,
  path: '/evaluations',
  staticData: { name: 'Evaluations' },
  validateSearch: ({ range, ...raw }: Raw): EvaluationsSearch => ({ range: oneOf(usageRanges, range), ...paged(raw) }),
})
export const evaluationRoute = createRoute({
  getParentRoute: at,
  path: '/evaluations/$experiment',
  staticData: { name: 'Evaluations' },
})
const usageGroupings = ['team', 'user', 'model'] as const
interface UsageSearch extends Paged {
  readonly range?: (typeof usageRanges)[number] | undefined
  readonly by?: (typeof usageGroupings)[number] | undefined
  /** Absent: the user of the page alone. */
  readonly users?: 'all' | undefined
  /** The team that the charts show; absent: all teams. */
  readonly team?: string | undefined
}
export const usageRoute = createRoute({
  getParentRoute: at,
  path: '/usage',
  staticData: { name: 'Usage' },
  validateSearch: ({ range, by, users, team, ...raw }: Raw): UsageSearch => ({
    range: oneOf(usageRanges, range),
    by: oneOf(usageGroupings, by),
    users: oneOf(['all'], users),
    team: text(team),
    ...paged(raw),
  }),
})
export const healthRoute = createRoute({ getParentRoute: at, path: '/health', staticData: { name: 'Health' } })
interface KeysSearch extends Paged {
  /** The id of the API key that is opened. */
  readonly apiKey?: string | undefined
}
export const keysRoute = createRoute({
  getParentRoute: at,
  path: '/keys',
  staticData: { name: 'API keys' },
  validateSearch: ({ apiKey, ...raw }: Raw): KeysSearch => ({ apiKey: text(apiKey), ...paged(raw) }),
})
interface AuditSearch extends Paged {
  readonly operation?: string | undefined
  readonly actor?: string | undefined
  /** As ISO text. */
  readonly from?: string | undefined
  readonly to?: string | undefined
  /** The id and the time, in ms since 1970, of the record that is opened. */
  readonly record?: string | undefined
  readonly at?: number | undefined
  readonly allowed?: 'true' | 'false' | undefined
}
export const auditRoute = createRoute({
  getParentRoute: at,
  path: '/audit',
  staticData: { name: 'Audit' },
  validateSearch: ({ operation, actor, from, to, record, at, allowed, ...raw }: Raw): AuditSearch => ({
    operation: text(operation),
    actor: text(actor),
    from: time(from),
    to: time(to),
    record: text(record),
    at: wholeNumber(at),
    allowed: oneOf(['true', 'false'], allowed),
    ...paged(raw),
  }),
})
export const settingsRoute = createRoute({ getParentRoute: at, path: '/settings', staticData: { name: 'Settings' } })
export const tryRoute = createRoute({ getParentRoute: at, path: '/try', staticData: { name: 'Try it' } })

export const playgroundTabs = ['prompt', 'call'] as const
interface PlaygroundSearch {
  /** The only run that is executed again, or whose tool calls are. */
  readonly run?: string | undefined
  /** Else the team whose newest runs are. */
  readonly team?: string | undefined
  readonly tab?: (typeof playgroundTabs)[number] | undefined
  /** The recorded tool call, and the run that has executed it with other arguments. */
  readonly step?: string | undefined
  readonly call?: string | undefined
  readonly called?: string | undefined
}
export const playgroundRoute = createRoute({
  getParentRoute: at,
  path: '/playground',
  staticData: { name: 'Playground' },
  validateSearch: ({ run, team, tab, step, call, called }: Raw): PlaygroundSearch => ({
    run: text(run),
    team: text(team),
    tab: oneOf(playgroundTabs, tab),
    step: text(step),
    call: text(call),
    called: text(called),
  }),
})

export const routeTree = rootRoute.addChildren([
  indexRoute,
  homeRoute,
  runsRoute,
  runRoute,
  chatRoute,
  contextRoute,
  messagesRoute,
  mailboxRoute,
  teamsRoute,
  teamRoute,
  agentsRoute,
  agentRoute,
  schedulesRoute,
  evaluationsRoute,
  evaluationRoute,
  usageRoute,
  healthRoute,
  keysRoute,
  auditRoute,
  settingsRoute,
  tryRoute,
  playgroundRoute,
])

/** The address of a view that the navigation lists. */
export type ViewPath =
  `/${'home' | 'runs' | 'chat' | 'context' | 'messages' | 'teams' | 'agents' | 'schedules' | 'evaluations' | 'playground' | 'try' | 'usage' | 'health' | 'keys' | 'audit' | 'settings'}`

declare module '@tanstack/react-router' {
  interface StaticDataRouteOption {
    /** Of the view, as the navigation has it. */
    readonly name?: string
  }
}
