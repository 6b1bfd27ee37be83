/** The table of answers to requests, and its statements. */
import { sql } from 'kysely'
import { type Bind, type ContentNames, type Storage, templates, type UserTable } from '../../storage/index.ts'

export type RequestKey = {
  readonly user: string
  readonly request: string
  /** The id of the execution. */
  readonly claim: string
}

export const requestsSchema: readonly string[] = [
  // `answer` is null while the request is executed: then `at` is the last renewal of the claim, otherwise the time of the answer.
  // `claim` names the execution, and only that execution may renew the claim or store an answer.
  `create table request_answers (user_id text not null, request text not null, hash text not null, claim text not null,
    answer text, at integer not null, primary key (user_id, request))`,
  'create index request_answers_by_time on request_answers (user_id, at)',
]
const answerContent: ContentNames = { answer: ['request.answer', 'request'] }

export const requestsTable = { name: 'request_answers', key: ['request'], content: answerContent } satisfies Omit<
  UserTable,
  'module'
>

export type RequestStatements = ReturnType<typeof compileRequestStatements>

export function compileRequestStatements({ dialect }: Storage) {
  const compile = templates(dialect, answerContent)
  const here = (p: RequestKey) => sql`user_id = ${p.user} and request = ${p.request}`
  const claimed = (p: RequestKey) => sql`${here(p)} and claim = ${p.claim} and answer is null`
  return {
    claim: compile<RequestKey & { hash: string; expired: Bind; now: Bind }>(
      (p) => sql`insert into request_answers (user_id, request, hash, claim, answer, at)
        values (${p.user}, ${p.request}, ${p.hash}, ${p.claim}, null, ${p.now})
        on conflict (user_id, request) do update set claim = excluded.claim, at = excluded.at
        where request_answers.answer is null and request_answers.hash = excluded.hash
          and request_answers.at < ${p.expired}`,
    ),
    cleanup: compile<{ user: string; before: Bind }>(
      (p) => sql`delete from request_answers where user_id = ${p.user} and at < ${p.before}`,
    ),
    get: compile<RequestKey>((p) => sql`select request, hash, answer from request_answers where ${here(p)}`),
    renew: compile<RequestKey & { now: Bind }>(
      (p) => sql`update request_answers set at = ${p.now} where ${claimed(p)}`,
    ),
    setAnswer: compile<RequestKey & { answer: string; now: Bind }>(
      (p) => sql`update request_answers set answer = ${p.answer}, at = ${p.now} where ${claimed(p)}`,
    ),
    release: compile<RequestKey>((p) => sql`delete from request_answers where ${claimed(p)}`),
  }
}
