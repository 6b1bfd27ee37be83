/**
 * The child runs that a fork shares with its source. A completed child is not run again: the record of the step has its result,
 * or the step receives it. A retry also retries failed and cancelled children, each as a new run that continues where the old
 * one stopped.
 */

import { failure, type Json } from '../../../core/index.ts'
import { runJournal, stepJournal } from '../../../journal/index.ts'
import type { Statement } from '../../../storage/index.ts'
import type { RunAccount } from '../../machine/run/run-account.ts'
import { viewOf } from '../../machine/state-view.ts'
import { answerOf, chargeOf } from '../children/answer-parent.ts'
import { childCall, childIn, childRunId } from '../children/child-run-id.ts'
import { type Charge, childLineage, type Parent, poolsOf } from '../children/parent.ts'
import { runMessageJson } from '../commands/run-message.ts'
import type { OrchestraParts } from '../orchestra-parts.ts'
import { readAccount } from '../store/account-text.ts'
import type { ForkedSteps, StepLogEntry } from './forked-steps.ts'

export interface ForkedChildren {
  /** The new ids of retried child runs, by their old ids. */
  readonly names: ReadonlyMap<string, string>
  readonly statements: readonly Statement[]
}

/** The record that has the id of a child. */
export const isChild = ({ t, id = '' }: Pick<StepLogEntry, 't' | 'id'>): boolean =>
  t === 'now' && id.includes(`/${childCall.kind}:${childCall.name}#`)

/** Returns true for the reply of a child that did not complete, unless the step itself cancelled it. */
export function isFailedChild({ t, id = '', v }: StepLogEntry, entries: readonly StepLogEntry[]): boolean {
  const child = t === 'reply' ? childIn(id) : undefined
  if (child === undefined || (v as RunAccount | undefined)?.status === 'completed') return false
  return !entries.some((entry) => entry.t === 'claim' && entry.k === child)
}

/** @param shared the records of the step that the fork shares */
export async function forkChildren(
  parts: Pick<OrchestraParts, 'host' | 'journal' | 'platform' | 'stores'>,
  fork: ForkedSteps,
  step: string,
  shared: readonly StepLogEntry[],
): Promise<ForkedChildren> {
  const names = new Map<string, string>()
  const statements: Statement[] = []
  const replied = new Set(shared.flatMap(({ t, id = '' }) => (t === 'reply' ? [id] : [])))
  const fullCharge = async (child: string, result: RunAccount) => ({
    ...chargeOf(result),
    hops: await parts.host.children.hopsOf(fork.user, child),
  })
  for (const { t, id: wait = '' } of shared) {
    const child = t === 'wait' ? childIn(wait) : undefined
    const isUncharged = child !== undefined && fork.all === true && !fork.charged.has(child)
    if (child === undefined || (replied.has(wait) && !isUncharged)) continue
    const journal = stepJournal(fork.run, step)
    const row = await parts.stores.store.get(fork.user, child)
    if (!row) throw failure('run.unknown', { run: child })
    if (row.endedAt === null || row.result === null)
      throw failure('retry.rejected', { run: fork.source.run, problem: `the run ${child} that it started is not over` })
    const result = await readAccount(row.result, parts.platform.clock)
    const isAnswered = replied.has(wait)
    if (isUncharged && (isAnswered || result.status === 'completed'))
      statements.push(...chargeFor(parts, fork, child, await fullCharge(child, result)))
    if (isAnswered) continue
    if (!fork.all || result.status === 'completed') {
      statements.push(...parts.journal.steps.answer(fork.user, journal, wait, answerOf(result)).statements)
      continue
    }
    const retry = childRunId(fork.run, child)
    names.set(child, retry)
    const above: Parent = {
      ...childLineage(fork.run, viewOf(fork.state).pinned),
      step: journal,
      wait: renamedWait(wait, names),
      ...(fork.charged.has(child) ? { charged: await fullCharge(child, result) } : {}),
    }
    statements.push(...(await parts.host.children.retry(fork.user, child, retry, above, fork.repeat)))
  }
  return { names, statements }
}

/** Counts the usage of ended children in the retried parent. */
function chargeFor(
  { journal: { inbox }, stores: { sharedBudgets } }: Pick<OrchestraParts, 'journal' | 'stores'>,
  { user, run, state }: ForkedSteps,
  child: string,
  charge: Charge & { readonly hops: number },
): readonly Statement[] {
  const pools = poolsOf(viewOf(state).pinned, run)
  const message = runMessageJson({ type: 'run.charged', run: child, ...charge })
  return [
    ...inbox.put(user, runJournal(run), runJournal(child), 'charged', message).statements,
    sharedBudgets.add(user, 'steps', pools.steps, charge.steps),
    sharedBudgets.add(user, 'hops', pools.hops, charge.hops),
  ]
}

const renamedWait = (wait: string, names: ForkedChildren['names']): string => {
  const child = childIn(wait)
  const name = child === undefined ? undefined : names.get(child)
  return name === undefined ? wait : wait.replace(`/run:${child}#`, () => `/run:${name}#`)
}

/** Replaces the ids of retried children in the records of the step. */
export function withChildren(entry: StepLogEntry, names: ForkedChildren['names']): StepLogEntry {
  if (names.size === 0) return entry
  if (isChild(entry)) return { ...entry, v: (names.get(String(entry.v)) ?? entry.v) as Json }
  return {
    ...entry,
    ...(entry.id === undefined ? {} : { id: renamedWait(entry.id, names) }),
  }
}
