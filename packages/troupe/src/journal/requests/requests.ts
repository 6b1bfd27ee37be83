/**
 * The answers to requests of clients by their idempotency key. A repeated request gets the stored answer and is not executed
 * again. Answers are stored for a day.
 */
import { sql } from 'kysely'
import { failure, type UserId } from '../../core/index.ts'
import { type Bind, type ContentNames, rawTemplates, type Storage, type UserTable } from '../../storage/index.ts'

export const requestsSchema: readonly string[] = [
  // `answer` is null while the request is executed.
  `create table request_answers (user_id text not null, request text not null, hash text not null, answer text,
    at integer not null, primary key (user_id, request))`,
  'create index request_answers_by_time on request_answers (user_id, at)',
]
const answerContent: ContentNames = { answer: ['request.answer', 'request'] }

export const requestsTable = { name: 'request_answers', key: ['request'], content: answerContent } satisfies Omit<
  UserTable,
  'module'
>

export type RequestStart =
  | { readonly state: 'new' | 'running' | 'other' }
  | { readonly state: 'answered'; readonly answer: string }

const day = 86_400_000
/** The time in ms after which a request without an answer counts as abandoned by its process. */
const abandonedMs = 120_000
const now = { $: 'now' } as const

type RequestKey = { readonly user: string; readonly request: string }

export class Requests {
  readonly #storage: Storage
  readonly #statements: ReturnType<typeof compileStatements>

  constructor(storage: Storage) {
    this.#storage = storage
    this.#statements = compileStatements(storage)
  }

  /**
   * Claims the execution of a request.
   * @param hash the hash of the content. A request with the same key and another hash is `other`
   */
  async begin(user: UserId, request: string, hash: string): Promise<RequestStart> {
    const requestKey = { user, request }
    const abandoned = { $: 'now', plusMs: -abandonedMs } as const
    const [claim, old] = [
      this.#statements.claim({ ...requestKey, hash, abandoned, now }),
      this.#statements.cleanup({ user, before: { $: 'now', plusMs: -day } }),
    ]
    const result = await this.#storage.commit({ id: null, scope: { user }, statements: [old, claim] })
    if (!result.ok) throw failure(result.code, { ...result.detail })
    if (result.affected[1] === 1) return { state: 'new' }
    const [rows] = await this.#storage.read({ user }, [this.#statements.get(requestKey, { returns: true })])
    const row = rows?.[0]
    if (row && row.hash !== hash) return { state: 'other' }
    return row?.answer ? { state: 'answered', answer: String(row.answer) } : { state: 'running' }
  }

  /** Stores the answer. @param answer undefined if the request may be repeated */
  async end(user: UserId, request: string, answer: string | undefined): Promise<void> {
    const requestKey = { user, request }
    const statement =
      answer === undefined ? this.#statements.forget(requestKey) : this.#statements.setAnswer({ ...requestKey, answer })
    await this.#storage.commit({ id: null, scope: { user }, statements: [statement] })
  }
}

function compileStatements({ dialect }: Storage) {
  const compile = rawTemplates(dialect, answerContent)
  const here = (p: RequestKey) => sql`user_id = ${p.user} and request = ${p.request}`
  return {
    claim: compile<RequestKey & { hash: string; abandoned: Bind; now: Bind }>(
      (p) => sql`insert into request_answers (user_id, request, hash, answer, at)
        values (${p.user}, ${p.request}, ${p.hash}, null, ${p.now})
        on conflict (user_id, request) do update set at = excluded.at
        where request_answers.answer is null and request_answers.hash = excluded.hash
          and request_answers.at < ${p.abandoned}`,
    ),
    cleanup: compile<{ user: string; before: Bind }>(
      (p) => sql`delete from request_answers where user_id = ${p.user} and at < ${p.before}`,
    ),
    get: compile<RequestKey>((p) => sql`select request, hash, answer from request_answers where ${here(p)}`),
    setAnswer: compile<RequestKey & { answer: string }>(
      (p) => sql`update request_answers set answer = ${p.answer} where ${here(p)}`,
    ),
    forget: compile<RequestKey>((p) => sql`delete from request_answers where ${here(p)} and answer is null`),
  }
}
