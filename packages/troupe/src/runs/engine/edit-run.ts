/** Edits a run at a breakpoint, with its child runs: all edits are checked before the first one is sent. */
import { editedRouting } from '../../agents/index.ts'
import { capture, checkOptions, copyJson, failure, objectOf, type UserId } from '../../core/index.ts'
import { PastRun } from '../history/past-run.ts'
import { childQuestionOf } from '../machine/run/child-question-id.ts'
import { isOpenChild } from './children/is-open-child.ts'
import { rejectionOf } from './commands/apply-command.ts'
import type { CommandOptions } from './commands/command-options.ts'
import type { Order } from './commands/run-message.ts'
import type { OrchestraHost } from './orchestra-host.ts'
import { readRetainedRecords } from './store/retained-records.ts'

/** The edits of a run at a breakpoint. */
export interface RunEdits {
  /** By step, the result that replaces a suspended failure; for a suspended tool call `{ result }`. */
  readonly results?: Readonly<Record<string, unknown>>
  /** By branch, the input of its next step. */
  readonly inputs?: Readonly<Record<string, unknown>>
}

interface Edit {
  readonly run: string
  readonly order: Order
}

export async function editRun(
  host: OrchestraHost,
  user: UserId,
  run: string,
  edits: RunEdits,
  options: CommandOptions,
): Promise<void> {
  checkOptions('run.edit', edits, ['results', 'inputs'])
  const { results = {}, inputs = {} } = capture(edits)
  const targetOf = (name: string) => childTarget(host, user, { run, id: name })
  const ordered: Edit[] = []
  for (const [name, value] of Object.entries(objectOf('run.edit.results', results))) {
    const { run: of, id: step } = await targetOf(name)
    ordered.push({ run: of, order: { type: 'step.edited', step, outcome: editedRouting(value), by: 'host' } })
  }
  for (const [name, value] of Object.entries(objectOf('run.edit.inputs', inputs))) {
    const { run: of, id: branch } = await targetOf(name)
    ordered.push({ run: of, order: { type: 'branch.edited', branch, input: copyJson(value, 'The input'), by: 'host' } })
  }
  if (ordered.length > 1) await checkEdits(host, user, ordered)
  for (const { run: of, order } of ordered) await host.submit(user, of, order, options)
}

interface Target {
  readonly run: string
  readonly id: string
}
/** `RUN::ID` names a step or a branch of a child run. */
async function childTarget(host: OrchestraHost, user: UserId, target: Target): Promise<Target> {
  const inChild = childQuestionOf(target.id)
  if (!inChild || !(await isOpenChild(host, user, target.run, inChild.run))) return target
  return childTarget(host, user, { run: inChild.run, id: inChild.question })
}

/** @throws the rejection of the first edit that does not fit, before any is sent */
async function checkEdits(host: OrchestraHost, user: UserId, edits: readonly Edit[]): Promise<void> {
  for (const run of new Set(edits.map((edit) => edit.run))) {
    const row = await host.row(user, run)
    if (row.endedAt !== null) throw failure('run.over', { run, status: row.status })
    const past = PastRun.of(run, await readRetainedRecords(host.parts, user, row))
    const state = past.stateAt(past.events.length)
    for (const edit of edits) {
      const rejection = edit.run === run ? rejectionOf(state, run, edit.order) : undefined
      if (rejection) throw rejection
    }
  }
}
