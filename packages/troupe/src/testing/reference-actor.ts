/** The callers and the options of the reference context, with their checks. */
import { checkOptions, invalidInput } from '../core/index.ts'
import { checkFields, checkTexts } from './check-fields.ts'

/** The agent that acts, with its role. */
export interface ReferenceActor {
  /** The id of the user. */
  readonly user: string
  /** The name of the agent. */
  readonly agent: string
  /** The role; `host` stands for the application, which may do everything. */
  readonly role: 'readonly' | 'contributor' | 'moderator' | 'admin' | 'host'
}

/** The options of `push`. */
export interface ReferencePush {
  /** The agents that may read the entry. Naming `audience`, `subscribers` or `topics` replaces the whole audience. */
  readonly audience?: 'everyone' | 'owner'
  /** The names of agents that may read the entry. */
  readonly subscribers?: readonly string[]
  /** The topics whose subscribers may read the entry. */
  readonly topics?: readonly string[]
  /** The agents that may write the entry; `owner` by default. */
  readonly writers?: 'owner' | 'readers' | readonly string[]
  /** The time to live in ms; that of the entry by default, none for a new entry. */
  readonly ttlMs?: number
  /** The version that the entry must have; 0 for no entry. */
  readonly ifVersion?: number
}

export const roleRanks = { readonly: 0, contributor: 1, moderator: 2, admin: 3, host: 4 } as const

const roles: readonly unknown[] = Object.keys(roleRanks)

export function checkActor(actor: ReferenceActor): void {
  checkFields('The actor of ReferenceContext', actor, { user: 'string', agent: 'string', role: 'string' })
  if (!roles.includes(actor.role)) throw invalidInput('The role of an actor', `it must be one of ${roles.join(', ')}`)
}

export function checkPush(options: ReferencePush): void {
  const known = ['audience', 'subscribers', 'topics', 'writers', 'ttlMs', 'ifVersion'] as const
  checkOptions('ReferenceContext.push', options, known)
  checkFields('ReferenceContext.push', options, { audience: 'string?', ttlMs: 'number?', ifVersion: 'number?' })
  checkTexts('ReferenceContext.push.subscribers', options.subscribers)
  checkTexts('ReferenceContext.push.topics', options.topics)
  if (typeof options.writers !== 'string') checkTexts('ReferenceContext.push.writers', options.writers)
}
