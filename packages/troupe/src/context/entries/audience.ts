/**
 * The audience as data: an entry names grantees (`*` everyone, `@agent`, `#topic`), and its owner always reads. This is
 * the rule in TypeScript; `statements/visibility.ts` has the same rule in SQL, and a property test compares them.
 */
import { checkName, failure, invalidInput, listOf } from '../../core/index.ts'
import type { Audience, AudienceOptions, Writers } from '../context-client.ts'

export const agentGrantee = (agent: string) => `@${agent}`
export const topicGrantee = (topic: string) => `#${topic}`
export const isTopic = (grantee: string) => grantee.startsWith('#')
export const everyone = '*'

export interface ContextReader {
  readonly user: string
  readonly agent: string
  /** True for the application, which reads all entries of the user. */
  readonly all: boolean
}

/** @param subscribed the grantees of the topics that the reader is subscribed to now */
export function mayRead(
  entry: { readonly owner: string; readonly grantees: readonly string[] },
  reader: ContextReader,
  subscribed: ReadonlySet<string>,
): boolean {
  if (reader.all || entry.owner === reader.agent) return true
  const own = agentGrantee(reader.agent)
  return entry.grantees.some((grantee) => grantee === everyone || grantee === own || subscribed.has(grantee))
}

/** @param writers as stored: `*` for every reader, `@agent` for one agent */
export function mayWrite(
  entry: { readonly owner: string; readonly grantees: readonly string[]; readonly writers: readonly string[] },
  reader: ContextReader,
  subscribed: ReadonlySet<string>,
): boolean {
  if (reader.all || entry.owner === reader.agent || entry.writers.includes(agentGrantee(reader.agent))) return true
  return entry.writers.includes(everyone) && mayRead(entry, reader, subscribed)
}

const names = (what: 'agent' | 'topic', list: unknown, option: string): string[] => [
  ...new Set(listOf(option, list as readonly string[]).map((name) => checkName(what, name))),
]

/**
 * Returns the grantees that a push names; undefined if it names no audience.
 * @throws ValidationError; CapacityError `topic.limit`
 */
export function granteesOf(options: AudienceOptions, maxTopics: number): readonly string[] | undefined {
  const { audience, subscribers, topics } = options
  if (audience === undefined && subscribers === undefined && topics === undefined) return undefined
  if (audience !== undefined && audience !== 'everyone' && audience !== 'owner')
    throw invalidInput('audience', "it must be 'everyone' or 'owner'")
  const agents = subscribers === undefined ? [] : names('agent', subscribers, 'subscribers').map(agentGrantee)
  const subjects = topics === undefined ? [] : names('topic', topics, 'topics').map(topicGrantee)
  if (audience !== undefined && agents.length + subjects.length > 0)
    throw invalidInput('audience', `'${audience}' excludes subscribers and topics`)
  if (subjects.length > maxTopics) throw failure('topic.limit', { limit: maxTopics, where: 'on an entry' })
  return audience === 'everyone' ? [everyone] : [...agents, ...subjects]
}

export function audienceOf(grantees: readonly string[]): Audience {
  if (grantees.includes(everyone)) return 'everyone'
  if (grantees.length === 0) return 'owner'
  const subscribers = grantees.filter((grantee) => grantee.startsWith('@')).map((grantee) => grantee.slice(1))
  return { subscribers, topics: grantees.filter(isTopic).map((grantee) => grantee.slice(1)) }
}

/** Returns the writers as they are stored. @throws ValidationError */
export function storedWriters(writers: Writers | undefined): readonly string[] | undefined {
  if (writers === undefined) return undefined
  if (writers === 'owner') return []
  if (writers === 'readers') return [everyone]
  return names('agent', writers, 'writers').map(agentGrantee)
}

export const writersOf = (stored: readonly string[]): Writers =>
  stored.length === 0 ? 'owner' : stored.includes(everyone) ? 'readers' : stored.map((grantee) => grantee.slice(1))
