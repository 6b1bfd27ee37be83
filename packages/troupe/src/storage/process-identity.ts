/**
 * The identity of a process beyond its id, which the system reuses: its start time, boot and namespace of process ids.
 * Without /proc only the process id is compared.
 */
import { readFileSync, readlinkSync } from 'node:fs'

export interface ProcessIdentity {
  readonly pid: number
  /** Clock ticks since boot. */
  readonly started?: string
  readonly boot?: string
  readonly namespace?: string
}

const attempt = <T>(read: () => T): T | undefined => {
  try {
    return read()
  } catch {
    return undefined
  }
}

/** Returns field 22 of /proc/PID/stat. The name before it, in parentheses, may contain any character. */
const startOf = (pid: number | 'self') =>
  attempt(() => readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)?.split(' ')[19])

const hostIdentity = () => ({
  boot: attempt(() => readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()),
  namespace: attempt(() => readlinkSync('/proc/self/ns/pid')),
})

export function thisProcess(): ProcessIdentity {
  const known = Object.entries({ started: startOf('self'), ...hostIdentity() }).filter(
    ([, value]) => value !== undefined,
  )
  return { pid: process.pid, ...Object.fromEntries(known) }
}

/** Whether this process sees the identified one if that is running. It does not see those of other containers and hosts. */
export function isVisible(other: ProcessIdentity): boolean {
  const here = hostIdentity()
  return other.boot === here.boot && other.namespace === here.namespace
}

/** Whether the identified process is running, as far as this process can see. */
export function isRunning(other: ProcessIdentity): boolean {
  if (!isVisible(other)) return false
  if (other.started !== undefined) return startOf(other.pid) === other.started
  try {
    process.kill(other.pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
