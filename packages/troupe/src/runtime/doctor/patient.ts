/** What our own checks look at, and the words in which they answer. */
import type { Agent } from '../../agents/index.ts'
import { AgentPool, LlmAgent } from '../../agents/index.ts'
import type { TroupeError, UserId } from '../../core/index.ts'
import { defineTopology, type RunConfig } from '../../orchestration/index.ts'
import type { Tool } from '../../tools/index.ts'
import type { Declared, TroupeConfig } from '../config.ts'
import { originText } from '../configuration/found.ts'

import type { TroupeParts } from '../parts.ts'
import type { Checkup, DoctorAnswer } from './check.ts'
import type { Host } from './host.ts'
import type { Project } from './project.ts'

export interface Patient extends Omit<Checkup, 'project'> {
  /** As it was given or loaded, with secrets as they stand there: no evidence quotes a value that may be one. */
  readonly config: TroupeConfig
  readonly origins: Declared | undefined
  readonly host: Host
  /** ms since 1970. */
  readonly now: number
  readonly parts?: TroupeParts
  /** Why it is not open. */
  readonly problem?: { readonly message: string; readonly hint?: string | undefined }
  /** Of the sources of the configuration, where it was loaded. */
  readonly problems?: readonly TroupeError[]
  /** Steps of the tables that opening would apply; absent where that could not be found out. */
  readonly pending?: readonly string[]
  /** Users whose data is looked at, and whether there are more. */
  readonly users?: () => Promise<UsersLookedAt>
  readonly project?: Project
}
export interface UsersLookedAt {
  readonly users: readonly UserId[]
  readonly more: boolean
}
/** Of an open troupe. */
export type SystemPatient = Patient & Required<Pick<Patient, 'parts' | 'users'>>
export type ProjectPatient = Patient & { readonly project: Project }

export const pass = (evidence: string): DoctorAnswer => ({ status: 'pass', evidence })
export const warn = (evidence: string, remedy: string): DoctorAnswer => ({ status: 'warn', evidence, remedy })
export const fail = (evidence: string, remedy: string): DoctorAnswer => ({ status: 'fail', evidence, remedy })
/** What production needs, and others are told of. */
export const short = ({ production }: Pick<Patient, 'production'>, evidence: string, remedy: string): DoctorAnswer =>
  production ? fail(evidence, remedy) : warn(evidence, remedy)

/** Where a setting is from: a file, a variable, a flag; `the program` where it was given in code, `default` where by nobody. */
export function originOf({ config, origins }: Patient, path: string): string {
  const found = origins?.held.get(path)
  if (found) return originText(found.origin)
  const [first] = path.split('.')
  const given = Object.entries(config).some(([name, value]) => name === first && value !== undefined)
  return given ? 'the program' : 'default'
}

/** What `serve` was told, where the configuration was loaded and somebody said it. */
export function servedOf({ origins }: Pick<Patient, 'origins'>, name: string): unknown {
  const found = origins?.held.get(`server.${name}`)
  return found?.origin.source === 'default' ? undefined : found?.value
}

/** Whether something answers HTTP: now, or by a configuration that says where. */
export const isServed = (patient: Patient): boolean =>
  (isAtWork(patient) && (patient.parts?.served.size ?? 0) > 0) ||
  ['host', 'port', 'key', 'origins'].some((name) => servedOf(patient, name) !== undefined)

/** Whether the program of the configuration is at work in this process: not where only a doctor opened it. */
export const isAtWork = ({ origins, parts }: Pick<Patient, 'origins' | 'parts'>): boolean =>
  parts !== undefined && origins?.lookedAt !== true

export const isPostgres = ({ config: { storage }, parts }: Patient): boolean =>
  parts ? parts.storage.dialect.name === 'postgres' : typeof storage === 'object' || /^postgres(ql)?:/.test(storage)

export interface KnownTeam {
  readonly name: string
  readonly config: RunConfig | undefined
}
/** Teams that the configuration names, each with how its runs are bounded. */
export function teamsOf({ config, origins }: Patient): readonly KnownTeam[] {
  const teams = origins?.teams ?? {}
  const named = Object.keys(config.topologies ?? {}).filter((name) => !Object.hasOwn(teams, name))
  return [
    ...Object.entries(teams).map(([name, team]) => ({ name, config: team.config })),
    ...named.map((name) => ({ name, config: undefined })),
  ]
}

/** Agents that the configuration names, those of its topologies, helpers and what pools lend among them. */
export function agentsOf({ config }: Patient): readonly Agent[] {
  const all = new Map<string, Agent>()
  const add = (agent: Agent): void => {
    if (all.has(agent.name)) return
    // What `create` makes is known only once it stands.
    const lent = agent instanceof AgentPool ? (agent.lends ?? agent) : agent
    all.set(agent.name, lent)
    if (isModelAgent(lent)) for (const helper of lent.made.helpers.values()) add(helper)
  }
  for (const agent of config.agents ?? []) add(agent)
  for (const topology of Object.values(config.topologies ?? {}))
    for (const agent of defineTopology(topology).agents.values()) add(agent)
  return [...all.values()]
}

export const isModelAgent = (agent: Agent): agent is LlmAgent => agent instanceof LlmAgent
export const modelAgentsOf = (patient: Patient): readonly LlmAgent[] => agentsOf(patient).filter(isModelAgent)

/** Tools of the agents that the configuration names, by name. */
export function toolsOf(patient: Patient): readonly Tool[] {
  const all = new Map<string, Tool>()
  for (const { made } of modelAgentsOf(patient)) for (const [name, tool] of made.tools) all.set(name, tool)
  return [...all.values()]
}

/** Whose data was looked at, for evidence. */
export const lookedAt = ({ users, more }: UsersLookedAt): string =>
  more ? `the first ${users.length} users` : `${counted(users.length, 'user')} with data`

/** `A, B and 3 more` */
export function named(names: readonly string[], most = 5): string {
  if (names.length <= most) return names.join(', ')
  return `${names.slice(0, most).join(', ')} and ${names.length - most} more`
}
/** `1 agent`, `2 agents`, `3 entries`, `4 indexes` */
export function counted(n: number, what: string): string {
  const many = /[^aeiou]y$/.test(what) ? `${what.slice(0, -1)}ies` : /x$/.test(what) ? `${what}es` : `${what}s`
  return `${n.toLocaleString('en')} ${n === 1 ? what : many}`
}
