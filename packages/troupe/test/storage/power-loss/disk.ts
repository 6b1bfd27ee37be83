/**
 * A disk that may lose whatever was not synced: contents since the last fsync of their file, names since the last fsync
 * of their folder. The disk may also have kept any part of that, in any order, and the last write in part.
 */
import type { Random } from '../../../src/core/index.ts'
import type { FileEvent } from './record-file-events.ts'

export type Image = ReadonlyMap<string, Buffer>
/** What became of that which was not synced. */
export type Survival = 'nothing' | 'some' | 'torn' | 'everything'

type Pending = Extract<FileEvent, { kind: 'write' | 'truncate' }>[]

interface File {
  durable: Buffer
  pending: Pending
  /** Its name is durable. */
  named: boolean
  /** It was removed, which is not durable yet. */
  removed: boolean
}

const sector = 512

export class Disk {
  readonly #files = new Map<string, File>()

  apply(event: FileEvent): void {
    if (event.kind === 'acknowledged') return
    if (event.kind === 'sync-folder') this.#syncFolder()
    else if (event.kind === 'create')
      this.#files.set(event.file, { durable: Buffer.alloc(0), pending: [], named: false, removed: false })
    else if (event.kind === 'unlink') this.#file(event.file).removed = true
    else if (event.kind === 'sync') {
      const file = this.#file(event.file)
      for (const pending of file.pending) file.durable = applied(file.durable, pending)
      file.pending = []
    } else this.#file(event.file).pending.push(event)
  }

  #file(name: string): File {
    const file = this.#files.get(name)
    if (!file) throw new Error(`a file that was never made is changed: ${name}`)
    return file
  }

  /** The disk after the power went now. */
  image(survival: Survival, random: Random): Image {
    const image = new Map<string, Buffer>()
    const survives = () =>
      survival === 'everything' || survival === 'torn' || (survival === 'some' && random.next() < 0.5)
    for (const [name, file] of this.#files) {
      if ((!file.named && !survives()) || (file.removed && survives())) continue
      const survivors = file.pending.filter(survives)
      let content = file.durable
      for (const [i, pending] of survivors.entries())
        content = applied(content, survival === 'torn' && i === survivors.length - 1 ? torn(pending, random) : pending)
      image.set(name, content)
    }
    return image
  }

  /** Whether anything would be lost now. */
  get unsynced(): boolean {
    return [...this.#files.values()].some(({ pending, named, removed }) => pending.length > 0 || !named || removed)
  }

  #syncFolder(): void {
    for (const [name, file] of this.#files) {
      file.named = true
      if (file.removed) this.#files.delete(name)
    }
  }
}

function applied(content: Buffer, event: Pending[number]): Buffer {
  if (event.kind === 'truncate') return resized(content, event.size)
  const result = resized(content, Math.max(content.length, event.offset + event.data.length))
  event.data.copy(result, event.offset)
  return result
}

function resized(content: Buffer, size: number): Buffer {
  const result = Buffer.alloc(size)
  content.copy(result, 0, 0, Math.min(size, content.length))
  return result
}

function torn(event: Pending[number], random: Random): Pending[number] {
  if (event.kind === 'truncate') return event
  const sectors = Math.ceil(event.data.length / sector)
  return { ...event, data: event.data.subarray(0, Math.floor(random.next() * sectors) * sector) }
}
