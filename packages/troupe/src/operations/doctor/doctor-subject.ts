/** The subject of the built-in checks, and helpers for their texts. */
import type { Agent } from '../../agents/index.ts'
import { AgentPool, BaseLlmAgent, definitionOf } from '../../agents/index.ts'
import type { Declared, DoctorAnswer, DoctorContext, TroupeConfig } from '../../configuration/index.ts'
import { compiledTeams, settingSourceText } from '../../configuration/index.ts'
import type { TroupeError, UserId } from '../../core/index.ts'
import type { Tool } from '../../tools/index.ts'
import type { RunConfig } from '../../topology/index.ts'
import type { TroupeParts } from '../troupe-parts.ts'
import type { Host } from './host.ts'
import type { Project } from './read-project.ts'

export interface DoctorSubject extends Omit<DoctorContext, 'project'> {
  /** The configuration with its secrets; evidence never quotes a value that may be a secret. */
  readonly config: TroupeConfig
  readonly origins: Declared | undefined
  readonly host: Host
  /** ms since 1970. */
  readonly now: number
  readonly parts?: TroupeParts
  /** Why the troupe could not be opened. */
  readonly problem?: { readonly message: string; readonly hint?: string | undefined }
  /** The problems of the sources of a loaded configuration. */
  readonly problems?: readonly TroupeError[]
  /** The migrations that opening would apply; absent if they are unknown. */
  readonly pending?: readonly string[]
  /** The users whose data is checked, and whether there are more. */
  readonly users?: () => Promise<ExaminedUsers>
  readonly project?: Project
}
export interface ExaminedUsers {
  readonly users: readonly UserId[]
  readonly more: boolean
}
/** The subject for an open troupe. */
export type SystemSubject = DoctorSubject & Required<Pick<DoctorSubject, 'parts' | 'users'>>
export type ProjectSubject = DoctorSubject & { readonly project: Project }

export const pass = (evidence: string): DoctorAnswer => ({ status: 'pass', evidence })
export const warn = (evidence: string, remedy: string): DoctorAnswer => ({ status: 'warn', evidence, remedy })
export const fail = (evidence: string, remedy: string): DoctorAnswer => ({ status: 'fail', evidence, remedy })
/** Returns `fail` in production and `warn` elsewhere. */
export const short = (
  { production }: Pick<DoctorSubject, 'production'>,
  evidence: string,
  remedy: string,
): DoctorAnswer => (production ? fail(evidence, remedy) : warn(evidence, remedy))

/**
 * Returns the source of a setting: a file, a variable or a flag; `the program` if it was set in code; otherwise
 * `default`.
 */
export function settingSourceOf({ config, origins }: DoctorSubject, path: string): string {
  const found = origins?.effectiveValues.get(path)
  if (found) return settingSourceText(found.origin)
  const [first] = path.split('.')
  const isSet = Object.entries(config).some(([name, value]) => name === first && value !== undefined)
  return isSet ? 'the program' : 'default'
}

/** Returns a setting of the HTTP server; undefined if it has its default. */
export function serverOf({ config, origins }: Pick<DoctorSubject, 'config' | 'origins'>, name: string): unknown {
  if (!origins) return Object.entries(config.server ?? {}).find(([option]) => option === name)?.[1]
  const found = origins.effectiveValues.get(`server.${name}`)
  return found?.origin.source === 'default' ? undefined : found?.value
}

/** Returns true if an HTTP server runs or is configured. */
export const isServed = (subject: DoctorSubject): boolean =>
  (isAtWork(subject) && (subject.parts?.work.served.size ?? 0) > 0) ||
  ['host', 'port', 'key', 'origins'].some((name) => serverOf(subject, name) !== undefined)

/** Whether the program of the configuration is at work in this process: not where only a doctor opened it. */
export const isAtWork = ({ origins, parts }: Pick<DoctorSubject, 'origins' | 'parts'>): boolean =>
  parts !== undefined && origins?.inspectOnly !== true

export const isPostgres = ({ config: { storage }, parts }: DoctorSubject): boolean =>
  parts
    ? parts.stores.storage.dialect.name === 'postgres'
    : typeof storage !== 'string' || /^postgres(ql)?:/.test(storage)

export interface KnownTeam {
  readonly name: string
  readonly config: RunConfig | undefined
}
/** The teams of the configuration, each with the limits of its runs. */
export const teamsOf = ({ config }: DoctorSubject): readonly KnownTeam[] =>
  [...compiledTeams(config.teams ?? {})].map(([name, { canonical }]) => ({
    name,
    config: canonical.config as RunConfig | undefined,
  }))

/** The agents of the configuration, including those of topologies, helpers and pools. */
export function agentsOf({ config }: DoctorSubject): readonly Agent[] {
  const all = new Map<string, Agent>()
  const add = (agent: Agent): void => {
    if (all.has(agent.name)) return
    // The instances of `create` are known only after their creation.
    const lent = agent instanceof AgentPool ? (agent.lends ?? agent) : agent
    all.set(agent.name, lent)
    if (isModelAgent(lent)) for (const helper of definitionOf(lent).helpers.values()) add(helper)
  }
  for (const agent of config.agents ?? []) add(agent)
  for (const team of compiledTeams(config.teams ?? {}).values()) for (const agent of team.agents.values()) add(agent)
  return [...all.values()]
}

export const isModelAgent = (agent: Agent): agent is BaseLlmAgent => agent instanceof BaseLlmAgent
export const modelAgentsOf = (subject: DoctorSubject): readonly BaseLlmAgent[] => agentsOf(subject).filter(isModelAgent)

/** The tools of the agents of the configuration, by name. */
export function toolsOf(subject: DoctorSubject): readonly Tool[] {
  const all = new Map<string, Tool>()
  for (const agent of modelAgentsOf(subject)) for (const [name, tool] of definitionOf(agent).tools) all.set(name, tool)
  return [...all.values()]
}

/** Returns the text of the checked users, for evidence. */
export const coverageOf = ({ users, more }: ExaminedUsers): string =>
  more ? `the first ${users.length} users` : `${counted(users.length, 'user')} with data`

/** `A, B and 3 more` */
export function listNames(names: readonly string[], max = 5): string {
  if (names.length <= max) return names.join(', ')
  return `${names.slice(0, max).join(', ')} and ${names.length - max} more`
}
/** `1 agent`, `2 agents`, `3 entries`, `4 indexes` */
export function counted(n: number, what: string): string {
  const plural = /[^aeiou]y$/.test(what) ? `${what.slice(0, -1)}ies` : /x$/.test(what) ? `${what}es` : `${what}s`
  return `${n.toLocaleString('en')} ${n === 1 ? what : plural}`
}
