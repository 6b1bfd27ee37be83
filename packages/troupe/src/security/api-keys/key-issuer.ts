/** Creates the secrets of keys, links and sessions, and the rows in which their hashes and scopes are stored. */
import {
  checkName,
  checkTaint,
  hashText,
  type Ids,
  invalidInput,
  type Random,
  type TaintLabel,
} from '../../core/index.ts'
import type { Statement } from '../../storage/index.ts'
import { checkOperations, type OperationPattern } from '../operations.ts'
import { type Roles, roleOf } from '../roles.ts'
import type { KeyStatements } from './api-key-statements.ts'

/** The scope of an API key: whose data it may use, and for what. */
export interface KeyScope {
  /** The users whose data it may use; `all` for every user. */
  readonly users: 'all' | readonly string[]
  /** A role of the troupe; `contributor` by default. */
  readonly role?: string
  /**
   * The allowed operations, such as `['runs.*', 'context.read']`, within the role. Without it, all that the role
   * allows.
   */
  readonly operations?: readonly OperationPattern[]
  /** The only agent as which it may act. */
  readonly agent?: string
  /**
   * Taint labels of all that it writes and starts, such as `['untrusted:mail']` for a gateway that posts mails.
   * `['untrusted:AGENT']` by default if it is bound to an agent, otherwise none; `[]` for a program that is trusted like
   * the application.
   */
  readonly taint?: readonly TaintLabel[]
}
export interface IssuedKey {
  readonly id: string
  readonly kind: 'key' | 'link' | 'session'
  /** The key: `tk_…`, `tl_…` or `ts_…`. It is not stored. */
  readonly key: string
  /** The SHA-256 of its secret. */
  readonly hash: string
}
export interface IssuedTerms {
  readonly name: string
  readonly scope: {
    readonly [Name in keyof KeyScope]: KeyScope[Name] | undefined
  }
  /** undefined: it never ends. */
  readonly validForMs: number | undefined
  /** The id of the API key or session that opens a session or makes a link, which ends with it. */
  readonly openedBy?: string | undefined
}

export class KeyIssuer {
  readonly #parts: { readonly ids: Ids; readonly random: Random; readonly roles: Roles }
  readonly #statements: Pick<KeyStatements, 'insert' | 'grant'>

  constructor(
    parts: { readonly ids: Ids; readonly random: Random; readonly roles: Roles },
    statements: Pick<KeyStatements, 'insert' | 'grant'>,
  ) {
    this.#parts = parts
    this.#statements = statements
  }

  create(kind: IssuedKey['kind']): IssuedKey {
    const id = this.#parts.ids.next()
    const secret = Buffer.from(this.#parts.random.bytes(32)).toString('base64url')
    return { id, kind, key: `t${kind[0]}_${id}_${secret}`, hash: hashText(secret) }
  }

  /** @throws ValidationError for an unknown role or operation, or users that are no list of 1 to 1,000 names */
  insertion({ id, kind, hash }: IssuedKey, { name, scope, validForMs, openedBy }: IssuedTerms): readonly Statement[] {
    const { users, role = 'contributor', operations, agent, taint } = scope
    roleOf(this.#parts.roles, role)
    if (users !== 'all' && !(Array.isArray(users) && users.length > 0 && users.length <= 1_000))
      throw invalidInput('users', "it must be 'all' or a list of 1 to 1,000 users")
    const named = users === 'all' ? [] : [...new Set(users.map((user: string) => checkName('user', user)))]
    const row = {
      ...{ id, kind, name, hash, role },
      operations: operations === undefined ? null : JSON.stringify(checkOperations(operations)),
      agent: agent === undefined ? null : checkName('agent', agent),
      taint: JSON.stringify(checkTaint(taint ?? taintOfAgent(agent), 'The taint of a key')),
      everyUser: users === 'all' ? 1 : 0,
      expiresAt: validForMs === undefined ? null : ({ $: 'now', plusMs: validForMs } as const),
      openedBy: openedBy ?? null,
      now: { $: 'now' } as const,
    }
    return [this.#statements.insert(row), ...named.map((user) => this.#statements.grant({ user, id }))]
  }
}

/** Returns the labels of what a program writes that acts as one agent: other code than the application's made it. */
export const taintOfAgent = (agent: string | undefined): readonly TaintLabel[] =>
  agent === undefined ? [] : [`untrusted:${agent.slice(0, 100)}`]
