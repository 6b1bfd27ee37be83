/** A disk for simulation: its data outlives the storage that was opened on it. */
import type { WriterReply, WriterRequest } from './writer-port.ts'

/** The data of a simulated storage, which outlives the storage that was opened on it. */
export interface Disk {
  readonly kind: 'disk'
  /** Returns the damage of the stored data as text; undefined if the data is sound. */
  problem(): string | undefined
  /** Frees the memory of the disk. */
  dispose(): void
}

/** Called with each request to a disk and its reply. */
export type DiskObserver = (request: WriterRequest, reply: WriterReply) => void
