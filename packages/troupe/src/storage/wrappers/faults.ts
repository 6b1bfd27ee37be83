/**
 * A writer with injected faults, drawn from a seed for each batch: for tests and simulation. It wraps another writer
 * and implements the same port.
 */
import { type Clock, checkFunction, checkOptions, invalidInput, type Random, sleep } from '../../core/index.ts'
import type { Disk } from '../disk.ts'
import type { WriterFailure, WriterReply, WriterRequest, WriterShell } from '../writer-port.ts'

/** A fault that is injected into a batch of changes. */
export type FaultKind =
  /** The batch is not executed; an I/O error is answered. */
  | 'io-before'
  /** The batch is executed and durable; an I/O error is answered. */
  | 'io-after'
  /** The batch is not executed for lack of space. Probes fail too, until space is available again. */
  | 'full'
  /** The batch is executed and durable; the writer dies before it answers. */
  | 'dead'

/** Faults that are injected into the writer of a storage, drawn from a seed. */
export interface Faults {
  /** The clock of the delays. */
  readonly clock: Clock
  /** The source of chance. */
  readonly random: Random
  /** The probability of each kind per batch, 0 to 1. */
  readonly rates?: Partial<Readonly<Record<FaultKind, number>>>
  /** The maximum delay in ms, before a batch is executed and again before it is answered; uniform from 0. */
  readonly delayMs?: number
  /** Selects the fault of the n-th batch, from 0, in place of chance. */
  readonly at?: (batch: number) => FaultKind | undefined
  /** Returns false for a chosen fault that must not happen; by default each happens. */
  readonly allows?: (kind: FaultKind, batch: number) => boolean
  /** The number of probes that fail after `full`; 2 by default. */
  readonly fullProbes?: number
  /** The location of the data of `memory:`, which outlives a process killed in a simulation. */
  readonly disk?: Disk
}

const kinds: readonly FaultKind[] = ['io-before', 'io-after', 'full', 'dead']

/** @throws ValidationError for an unknown option or a missing clock or random */
export function checkFaults(faults: Faults): void {
  checkOptions('faults', faults, ['clock', 'random', 'rates', 'delayMs', 'at', 'allows', 'fullProbes', 'disk'])
  checkOptions('faults.rates', faults.rates ?? {}, kinds)
  if (typeof faults.clock?.now !== 'function') throw invalidInput('faults.clock', 'it has no now()')
  if (typeof faults.random?.next !== 'function') throw invalidInput('faults.random', 'it has no next()')
  if (faults.at !== undefined) checkFunction('faults.at', faults.at)
  if (faults.allows !== undefined) checkFunction('faults.allows', faults.allows)
}

export function withFaults(shell: WriterShell, faults: Faults): WriterShell {
  let batches = 0
  let failingProbes = 0
  let dead = false
  const delay = async () => {
    if (faults.delayMs) await sleep(faults.clock, faults.random.next() * faults.delayMs)
  }
  const draw = (batch: number): FaultKind | undefined => {
    if (faults.at) return faults.at(batch)
    // One draw per batch, so that a changed rate does not alter the draws of the other kinds.
    let left = faults.random.next()
    for (const kind of kinds) {
      left -= faults.rates?.[kind] ?? 0
      if (left < 0) return kind
    }
    return undefined
  }
  const strike = async (kind: FaultKind, request: WriterRequest): Promise<WriterReply> => {
    if (kind === 'full') failingProbes = faults.fullProbes ?? 2
    if (kind === 'io-after' || kind === 'dead') {
      const reply = await shell.send(request)
      if (!reply.ok) return reply
    }
    if (kind === 'dead') dead = true
    return failed[kind]
  }
  return {
    // One at a time: the writer in the thread does not know the faults injected here.
    threaded: false,
    async send(request) {
      if (dead) return failed.dead
      if (request.kind === 'probe' && failingProbes > 0) {
        failingProbes--
        return failed.full
      }
      if (request.kind !== 'batch' && request.kind !== 'slice') return shell.send(request)
      await delay()
      const batch = batches++
      const kind = draw(batch)
      const happens = kind && (faults.allows?.(kind, batch) ?? true)
      const reply = await (happens ? strike(kind, request) : shell.send(request))
      await delay()
      return reply
    },
    close: () => shell.close(),
  }
}

const failed: Readonly<Record<FaultKind, WriterFailure>> = {
  'io-before': { ok: false, problem: 'io', message: 'an injected fault before the commit' },
  'io-after': { ok: false, problem: 'io', message: 'an injected fault after the commit' },
  full: { ok: false, problem: 'full', message: 'an injected full disk' },
  dead: { ok: false, problem: 'dead', message: 'an injected death of the writer' },
}
