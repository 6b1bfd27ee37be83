/** Gives a run a command, and waits until whoever carries the run on has taken it in or refused it. */
import { checkName, failure, restoreError, type UserId } from '../../core/index.ts'
import type { Fragment } from '../../storage/index.ts'
import type { CommandOptions, Patience } from './command-options.ts'
import type { RunHost } from './run-host.ts'
import type { Order } from './wire.ts'

/** @throws what the run refuses it with; ConflictError `run.over`, `run.agents_missing`, `journal.newer` */
export async function giveCommand(
  host: RunHost,
  user: UserId,
  run: string,
  order: Order,
  { id, signal }: CommandOptions,
  also?: Fragment,
): Promise<void> {
  const { commands, ids } = host.parts
  const command = id === undefined ? ids.next() : checkName('command', id)
  const row = await host.row(user, run)
  if (row.endedAt !== null && id === undefined) throw failure('run.over', { run, status: row.status })
  await commands.give(user, run, command, order, also)
  await host.arrived(user, run)
  try {
    await taken(host, user, run, command, signal)
  } catch (error) {
    await commands.withdraw(user, run, command).catch(() => {})
    // Who took it in meanwhile has the last word.
    const outcome = await commands.outcome(user, run, command).catch(() => undefined)
    if (outcome === undefined || outcome === 'withdrawn') throw error
    if (outcome.error) throw restoreError(outcome.error)
  }
}

async function taken(
  host: RunHost,
  user: UserId,
  run: string,
  command: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const patience: Patience = {}
  for (;;) {
    const change = host.nextEvents(user, run, signal)
    try {
      const outcome = await host.parts.commands.outcome(user, run, command)
      if (outcome === 'withdrawn') throw failure('cancelled', { what: `The command ${command} of run ${run}` })
      if (outcome?.error) throw restoreError(outcome.error)
      if (outcome) return
      if (signal?.aborted)
        throw failure('cancelled', { what: `The command ${command} of run ${run}` }, { cause: signal.reason })
      const row = await host.row(user, run)
      if (row.endedAt !== null) throw failure('run.over', { run, status: row.status })
      await host.carriedOn(user, run, patience)
      await change.promise
    } finally {
      change.stop()
    }
  }
}
