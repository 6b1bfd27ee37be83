/**
 * Which process it is, beyond its number, which is given out again: when it started, in which boot and in which
 * namespace of process ids. Where the system does not say (no /proc), only the number counts.
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

/** Field 22 of /proc/PID/stat; the name before it, in parentheses, may hold anything. */
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

/** Whether that very process runs, as far as can be seen from here. */
export function isRunning(other: ProcessIdentity): boolean {
  const here = hostIdentity()
  if (other.boot !== here.boot || other.namespace !== here.namespace) return false
  if (other.started !== undefined) return startOf(other.pid) === other.started
  try {
    process.kill(other.pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
