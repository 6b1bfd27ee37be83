/** Sends a command to a run and waits until the owner of the run has accepted or rejected it. */
import { checkName, failure, restoreError, type UserId } from '../../../core/index.ts'
import type { Fragment } from '../../../storage/index.ts'
import { StorageWait } from '../events/storage-wait.ts'
import { ensureOwned, isUnable } from '../ownership/ensure-owned.ts'
import type { RunHost } from '../run-host.ts'
import type { CommandOptions, RetryWindow } from './command-options.ts'
import type { Order } from './run-message.ts'

/**
 * @param also a change that is committed with the command. The command then stays for the next owner of the run: the change
 * cannot be withdrawn, so it is accepted although no process can execute the run now
 * @throws the rejection of the run; ConflictError `run.over`, `run.agents_missing`, `journal.newer`
 */
export async function submitCommand(
  host: RunHost,
  user: UserId,
  run: string,
  order: Order,
  { id, signal }: CommandOptions,
  also?: Fragment,
): Promise<void> {
  const { commands } = host.parts.stores
  const { ids } = host.parts.platform
  const command = id === undefined ? ids.next() : checkName('command', id)
  const row = await host.row(user, run)
  if (row.endedAt !== null && id === undefined) throw failure('run.over', { run, status: row.status })
  const isOpen = await commands.submit(user, run, command, order, also)
  if (!isOpen) throw failure('run.over', { run, status: (await host.row(user, run)).status })
  await host.arrived(user, run)
  try {
    await untilApplied(host, user, run, command, signal)
  } catch (error) {
    if (also && isUnable(error)) return
    if (also) throw error
    await commands.withdraw(user, run, command).catch(() => {})
    // If an owner has accepted the command meanwhile, its outcome counts.
    const outcome = await commands.outcome(user, run, command).catch(() => undefined)
    if (outcome === undefined || outcome === 'withdrawn') throw error
    if (outcome.error) throw restoreError(outcome.error)
  }
}

async function untilApplied(
  host: RunHost,
  user: UserId,
  run: string,
  command: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const retryWindow: RetryWindow = {}
  const storage = new StorageWait(host.parts.platform.clock)
  for (;;) {
    const change = host.nextEvents(user, run, signal)
    try {
      const outcome = await host.parts.stores.commands.outcome(user, run, command)
      if (outcome === 'withdrawn') throw failure('cancelled', { what: `The command ${command} of run ${run}` })
      if (outcome?.error) throw restoreError(outcome.error)
      if (outcome) return
      const row = await host.row(user, run)
      if (row.endedAt !== null) throw failure('run.over', { run, status: row.status })
      await ensureOwned(host, user, run, retryWindow)
      storage.succeeded()
      await change.promise
    } catch (error) {
      await storage.failed(error, signal)
    } finally {
      change.stop()
    }
    if (signal?.aborted)
      throw failure('cancelled', { what: `The command ${command} of run ${run}` }, { cause: signal.reason })
  }
}
