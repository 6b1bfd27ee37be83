/**
 * Data in memory that outlives the storage opened on it, as a disk outlives a process: for simulation. The real writer
 * executes requests and gets clones of them, as in its thread.
 *
 * Invariant: one owner at a time. Opening the disk again ends the earlier owner, which then gets only `dead` as an
 * answer.
 */
import type { DatabaseSync } from 'node:sqlite'
import { invalidInput } from '../../core/index.ts'
import type { Disk, DiskObserver } from '../disk.ts'
import type { Migration } from '../migrations/migration.ts'
import type { WriterReply, WriterShell } from '../writer-port.ts'
import { openInMemory } from './file/open-for-writing.ts'
import { migrate } from './migrate.ts'
import { Reader } from './reader.ts'
import { Writer } from './writer/writer.ts'

class MemoryDisk implements Disk {
  readonly kind = 'disk'
  readonly #db: DatabaseSync = openInMemory()
  readonly #observe: DiskObserver | undefined
  #owner: Writer | undefined

  constructor(observe?: DiskObserver) {
    this.#observe = observe
  }

  open(migrations: readonly Migration[], at: number, checkpointPages: number): { shell: WriterShell; reader: Reader } {
    // The owner died between two slices of a change.
    if (this.#db.isTransaction) this.#db.exec('rollback')
    migrate(this.#db, migrations, 'memory', at)
    const writer = new Writer({ open: () => this.#db, reopens: false, checkpointPages })
    this.#owner = writer
    const shell: WriterShell = {
      threaded: false,
      send: async (request) => {
        if (this.#owner !== writer) return dead
        const reply = writer.handle(structuredClone(request))[0] as WriterReply
        this.#observe?.(request, reply)
        return structuredClone(reply)
      },
      close: async () => {
        if (this.#owner === writer) this.#owner = undefined
      },
    }
    return { shell, reader: new Reader({ db: this.#db, readOnly: false }) }
  }

  problem(): string | undefined {
    const [found] = this.#db.prepare('pragma integrity_check(1)').all()
    return found?.integrity_check === 'ok' ? undefined : String(found?.integrity_check)
  }

  dispose(): void {
    this.#owner = undefined
    this.#db.close()
  }
}

const dead: WriterReply = { ok: false, problem: 'dead', message: 'another process has the disk' }

/** @param observe receives every executed request with its reply */
export const createDisk = (observe?: DiskObserver): Disk => new MemoryDisk(observe)

/** @throws ValidationError `validation.failed` if `createDisk` did not make the disk */
export function openDisk(disk: Disk, migrations: readonly Migration[], at: number, checkpointPages: number) {
  if (!(disk instanceof MemoryDisk)) throw invalidInput('faults.disk', 'createDisk did not make it')
  return disk.open(migrations, at, checkpointPages)
}
