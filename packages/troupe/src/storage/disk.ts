/** A disk for simulation: what is on it stays when the storage that was opened on it is gone. */
import type { WriterReply, WriterRequest } from './writer-port.ts'

export interface Disk {
  readonly kind: 'disk'
  /** What is wrong with what is on it; undefined when nothing is. */
  problem(): string | undefined
  /** Gives its memory back. */
  dispose(): void
}

export type DiskObserver = (request: WriterRequest, reply: WriterReply) => void
