/**
 * The machines of the steps that execute or are parked in this process.
 *
 * Invariant: an entry is emptied when its machine ends. V8 links each earlier table of a Map to the next one, with the
 * entries that it held when the Map outgrew it. The chain ends only at a full garbage collection. With machines in it, each
 * young collection would copy almost every step that had executed beside another, with its record and its writes.
 */
import { userKey } from '../../core/index.ts'
import type { JournalId } from '../journal-port.ts'
import type { StepMachine } from '../machine/step-machine.ts'
import type { ParkedExecution } from './steps-context.ts'

export class StepMachines {
  readonly #entries = new Map<string, { machine: StepMachine | undefined }>()

  of(user: string, step: JournalId): StepMachine | undefined {
    return this.#entries.get(userKey(user, step))?.machine
  }

  add(machine: StepMachine): void {
    this.#entries.set(keyOfMachine(machine), { machine })
  }

  /** Removes a machine, unless another one has its place. */
  remove(machine: ParkedExecution): void {
    const key = keyOfMachine(machine)
    const entry = this.#entries.get(key)
    if (entry?.machine !== machine) return
    entry.machine = undefined
    this.#entries.delete(key)
  }

  all(): StepMachine[] {
    return [...this.#entries.values()].flatMap(({ machine }) => machine ?? [])
  }
}

const keyOfMachine = ({ spec }: ParkedExecution) => userKey(spec.principal.userId, spec.id)
