/**
 * The commands of a run, from any process: a row in its inbox, which the owner of the run accepts, and a row with its
 * outcome. A command that is sent again with the same id is executed once and gets the same answer.
 */
import { sql } from 'kysely'
import { canonicalJson, checkRecordedLength, failure, type StoredError, type UserId } from '../../../core/index.ts'
import { type Inbox, runJournal } from '../../../journal/index.ts'
import type { AuditTrail } from '../../../security/index.ts'
import { type Bind, type Fragment, type Statement, type Storage, templates } from '../../../storage/index.ts'
import { commandContent } from '../store/run-migrations.ts'
import { type Order, runMessageJson } from './run-message.ts'

/** Undefined if the run accepted the command. */
export interface CommandOutcome {
  readonly error?: StoredError
}

export interface RunCommands {
  /**
   * @param also statements of the same change
   * @returns false if the run has ended
   * @throws ConflictError `command.repeated`; ValidationError `value.too_large` for a value that no record of the run
   * contains; the expectations of `also`
   */
  submit(user: UserId, run: string, id: string, order: Order, also?: Fragment): Promise<boolean>
  /** Returns the outcome of a command; undefined until the run has accepted it, `'withdrawn'` if the caller withdrew it. */
  outcome(user: UserId, run: string, id: string): Promise<CommandOutcome | 'withdrawn' | undefined>
  /** Takes back a command that the run has not accepted. */
  withdraw(user: UserId, run: string, id: string): Promise<void>
  /** Returns the statement of the outcome, for the change that accepts the command. */
  recordOutcome(user: UserId, run: string, id: string, outcome: CommandOutcome): Statement
}

type CommandKey = { readonly user: string; readonly run: string; readonly id: string }

/** The sender that a command's row in an inbox names. */
const sender = 'command'
const retentionMs = 86_400_000
const callerOf = (audit: Pick<AuditTrail, 'caller'> | undefined) => {
  const { key, agent } = audit?.caller() ?? {}
  return { ...(key === undefined ? {} : { key }), ...(agent === undefined ? {} : { agent }) }
}
const byOf = (order: Order): string => ('by' in order ? order.by : 'host')
/** The names of commands in the audit log. */
const operations = {
  pause: 'run.pause',
  resume: 'run.resume',
  cancel: 'run.cancel',
  'question.answered': 'run.answer',
  'step.resumed': 'run.resolve',
  break: 'run.break',
  'branch.edited': 'run.edit',
  'step.edited': 'run.edit',
} as const

export function createRunCommands(storage: Storage, inbox: Inbox, audit?: AuditTrail): RunCommands {
  const table = compileStatements(storage)
  const now = { $: 'now' } as const
  const rowOf = async (at: CommandKey) => {
    const [rows] = await storage.read({ user: at.user }, [table.get(at, { returns: true })])
    return rows?.[0]
  }
  return {
    async submit(user, run, id, order, also = { statements: [] }) {
      const at = { user, run, id }
      const body = canonicalJson(order)
      checkRecordedLength(body, `The command ${operations[order.type]}`)
      const put = inbox.put(
        user,
        runJournal(run),
        sender,
        id,
        runMessageJson({ type: 'command', id, order, ...callerOf(audit) }),
      )
      const result = await storage.commit({
        id: null,
        scope: { user },
        statements: [
          table.insert(
            { ...at, body, now },
            { expect: { rows: 1 }, otherwise: 'command.repeated', detail: { run, id } },
          ),
          table.open({ user, run }, { expect: { rows: 1 }, otherwise: 'run.over', detail: { run } }),
          table.forget({ user, before: { $: 'now', plusMs: -retentionMs } }),
          ...put.statements,
          ...also.statements,
          ...(audit?.written(user, { actor: byOf(order), operation: operations[order.type], resource: run }) ?? []),
        ],
        wake: [...new Set([...(put.wake ?? []), ...(also.wake ?? [])])],
      })
      if (result.ok) return true
      if (result.code === 'run.over') return false
      if (result.code !== 'command.repeated') throw failure(result.code, { ...result.detail })
      const known = await rowOf(at)
      if (known && known.body !== body) throw failure('command.repeated', { run, id })
      return true
    },
    async outcome(user, run, id) {
      const row = await rowOf({ user, run, id })
      if (!row) return 'withdrawn'
      return row.outcome === null ? undefined : (JSON.parse(row.outcome as string) as CommandOutcome)
    },
    async withdraw(user, run, id) {
      const removed = table.withdraw({ user, run, id }, { expect: { rows: 1 } })
      const withdrawn = inbox.withdraw(user, runJournal(run), sender, id)
      // Rejected if the run has accepted the command meanwhile; the command then has an outcome.
      await storage.commit({ id: null, scope: { user }, statements: [removed, ...withdrawn.statements] })
    },
    recordOutcome: (user, run, id, outcome) => table.recordOutcome({ user, run, id, outcome: JSON.stringify(outcome) }),
  }
}

function compileStatements({ dialect }: Storage) {
  const compile = templates(dialect, commandContent('run', 'id'))
  const here = (p: CommandKey) => sql`user_id = ${p.user} and run_id = ${p.run} and command_id = ${p.id}`
  return {
    insert: compile<CommandKey & { body: string; now: Bind }>(
      (p) => sql`insert into run_commands (user_id, run_id, command_id, body, outcome, at)
        values (${p.user}, ${p.run}, ${p.id}, ${p.body}, null, ${p.now}) on conflict do nothing`,
    ),
    open: compile<{ user: string; run: string }>(
      (p) => sql`select 1 as there from runs where user_id = ${p.user} and run_id = ${p.run} and ended_at is null`,
    ),
    forget: compile<{ user: string; before: Bind }>(
      (p) => sql`delete from run_commands where user_id = ${p.user} and at < ${p.before} and outcome is not null`,
    ),
    get: compile<CommandKey>((p) => sql`select body, outcome from run_commands where ${here(p)}`),
    withdraw: compile<CommandKey>((p) => sql`delete from run_commands where ${here(p)} and outcome is null`),
    recordOutcome: compile<CommandKey & { outcome: string }>(
      (p) => sql`update run_commands set outcome = ${p.outcome} where ${here(p)}`,
    ),
  }
}
